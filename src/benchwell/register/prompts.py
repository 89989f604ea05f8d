"""Safety prompts: answers that a person must look at now, until somebody has said what was done (METHODS M6.10)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Row, insert, select, update

from benchwell.errors import AccessError
from benchwell.register.schema import assessments, people, safety_prompts
from benchwell.register.scope import own_people
from benchwell.register.tokens import new_id
from benchwell.register.viewer import Viewer

RAISED: Final = "raised"
UNANSWERED: Final = "unanswered"
ACTIONS: Final = (
    "spoke_now",
    "safety_plan",
    "contact_arranged",
    "referred",
    "emergency",
    "known_no_change",
    "answered_by_mistake",
    "passed_on",
)


@dataclass(frozen=True)
class SafetyPrompt:
    """One answer that somebody must look at.

    Attributes:
        id: Its own id.
        assessment_id: The form it stands in.
        person_id: Whose form.
        course_id: Of which course.
        item: Which item, from 1.
        state: `raised`: the answer is above the declared line. `unanswered`: there is no answer.
        raised_at: Seconds since 1970-01-01 UTC.
        label: What the clinician calls the person; "" where it was not asked for.
        instrument: Id of the instrument; "" where it was not asked for.
        seen_at: When somebody said what was done; null until then.
        action: What was done, one of `ACTIONS`.
        is_taken_back: Whether the form was retracted since; what nobody has seen stays all the same.
    """

    id: str
    assessment_id: str
    person_id: str
    course_id: str | None
    item: int
    state: str
    raised_at: float
    label: str = ""
    instrument: str = ""
    seen_at: float | None = None
    action: str | None = None
    is_taken_back: bool = False

    @property
    def is_raised(self) -> bool:
        """Whether there is an answer above the line, rather than none."""
        return self.state == RAISED


def raise_prompt(
    connection: Connection,
    now: float,
    *,
    assessment_id: str,
    person_id: str,
    course_id: str | None,
    item: int,
    state: str,
) -> SafetyPrompt:
    """Add a prompt, or find the one that this form has raised already for the item.

    Args:
        connection: Inside a transaction.
        now: Seconds since 1970-01-01 UTC.
        assessment_id: The form.
        person_id: Whose.
        course_id: Of which course, if known.
        item: Which item, from 1.
        state: `RAISED` or `UNANSWERED`.
    """
    same = (safety_prompts.c.assessment_id == assessment_id) & (safety_prompts.c.item == item)
    found = connection.execute(select(safety_prompts).where(same)).one_or_none()
    if found is not None:
        return _prompt(found)
    prompt = SafetyPrompt(new_id(), assessment_id, person_id, course_id, item, state, now)
    add_prompts(connection, [prompt])
    return prompt


def add_prompts(connection: Connection, prompts: Sequence[SafetyPrompt]) -> None:
    """Add prompts of forms that have none yet.

    Args:
        connection: Inside a transaction.
        prompts: Each with an id of its own.
    """
    columns = ("id", "assessment_id", "person_id", "course_id", "item", "state", "raised_at")
    if prompts:
        connection.execute(insert(safety_prompts), [{name: getattr(one, name) for name in columns} for one in prompts])


def open_prompts(connection: Connection, viewer: Viewer, *, person_id: str | None = None) -> tuple[SafetyPrompt, ...]:
    """Prompts that nobody has answered yet, of the people whom the viewer may see: raised ones first, then by age.

    A form that is taken back does not take its prompt along: whoever retracts a record may not know that it held one.
    """
    asked = _asked(viewer).where(safety_prompts.c.seen_at.is_(None))
    if person_id is not None:
        asked = asked.where(safety_prompts.c.person_id == person_id)
    found = [_prompt(row) for row in connection.execute(asked)]
    return tuple(sorted(found, key=lambda one: (not one.is_raised, one.raised_at)))


def mark_seen(connection: Connection, now: float, viewer: Viewer, person_id: str, prompt_id: str, action: str) -> bool:
    """Say what was done about a prompt.

    Returns:
        False if somebody had said so before; then nothing is changed.

    Raises:
        AccessError: If the action is none of `ACTIONS`.
    """
    if action not in ACTIONS:
        raise AccessError("Say what was done.", hint="choose one of the listed actions")
    done = connection.execute(
        update(safety_prompts)
        .where(
            safety_prompts.c.id == prompt_id,
            safety_prompts.c.person_id == person_id,
            safety_prompts.c.person_id.in_(select(people.c.id).where(own_people(viewer))),
            safety_prompts.c.seen_at.is_(None),
        )
        .values(seen_at=now, seen_by=viewer.user_id, action=action)
    )
    return bool(done.rowcount)


def _asked(viewer: Viewer) -> Any:
    return (
        select(safety_prompts, people.c.label, assessments.c.instrument, assessments.c.retracted)
        .join(people, people.c.id == safety_prompts.c.person_id)
        .join(assessments, assessments.c.id == safety_prompts.c.assessment_id)
        .where(own_people(viewer), people.c.erased_at.is_(None))
    )


def _prompt(row: Row[Any]) -> SafetyPrompt:
    values = row._mapping
    return SafetyPrompt(
        id=values["id"],
        assessment_id=values["assessment_id"],
        person_id=values["person_id"],
        course_id=values["course_id"],
        item=values["item"],
        state=values["state"],
        raised_at=values["raised_at"],
        label=values.get("label") or "",
        instrument=values.get("instrument") or "",
        seen_at=values["seen_at"],
        action=values["action"],
        is_taken_back=bool(values.get("retracted")),
    )
