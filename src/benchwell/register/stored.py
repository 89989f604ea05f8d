"""Records as they stand, several at once: for a process that hears of them from another one."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BindParameter, Connection, Select, and_, bindparam, select

from benchwell.register.prompts import SafetyPrompt
from benchwell.register.records import Place, ScoreOf
from benchwell.register.schema import assessments, choices, courses, people, safety_prompts, scores


@dataclass(frozen=True)
class Stored:
    """A record as it stands: where it belongs, its scores, and the prompts that nobody has seen."""

    place: Place
    instrument: str
    date: dt.date
    scores: tuple[ScoreOf, ...]
    prompts: tuple[SafetyPrompt, ...]


_IDS: BindParameter[Any] = bindparam("ids", expanding=True)
# Put together once: that takes longer than asking.
_RECORDS: Select[Any] = (
    select(assessments.c.id, assessments.c.person_id, assessments.c.course_id, assessments.c.instrument)
    .add_columns(assessments.c.date, courses.c.organization_id, courses.c.practitioner_id, people.c.label)
    .add_columns(choices.c.value.label("expected"))
    .join(people, people.c.id == assessments.c.person_id)
    .outerjoin(courses, courses.c.id == assessments.c.course_id)
    .outerjoin(choices, and_(choices.c.person_id == assessments.c.person_id, choices.c.name == "expected"))
    .where(assessments.c.id.in_(_IDS), assessments.c.retracted.is_(False))
)
_SCORES = select(scores).where(scores.c.assessment_id.in_(_IDS)).order_by(scores.c.assessment_id, scores.c.scale)
_PROMPTS = (
    select(safety_prompts)
    .where(safety_prompts.c.assessment_id.in_(_IDS), safety_prompts.c.seen_at.is_(None))
    .order_by(safety_prompts.c.assessment_id, safety_prompts.c.item)
)


def find_stored(connection: Connection, ids: Collection[str]) -> dict[str, Stored]:
    """Records by id, in three questions however many there are; those taken back meanwhile are left out.

    Args:
        connection: To read with.
        ids: Of the records.
    """
    asked = {"ids": list(ids)}
    found, prompts = defaultdict(list), defaultdict(list)
    for one in connection.execute(_SCORES, asked):
        found[one.assessment_id].append(ScoreOf(one.scale, one.value, one.status, one.band, one.reason))
    for one in connection.execute(_PROMPTS, asked):
        prompts[one.assessment_id].append(SafetyPrompt(**{name: getattr(one, name) for name in _PROMPT}))
    return {
        row.id: Stored(_place(row), row.instrument, row.date, tuple(found[row.id]), tuple(prompts[row.id]))
        for row in connection.execute(_RECORDS, asked)
    }


_PROMPT = ("id", "assessment_id", "person_id", "course_id", "item", "state", "raised_at")


def _place(row: Any) -> Place:
    who = (row.person_id, row.course_id, row.organization_id, row.practitioner_id)
    return Place(*who, row.expected, row.label or "")
