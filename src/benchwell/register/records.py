"""What a record is on its way into the register, and what became of it."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from sqlalchemy import Connection

from benchwell.errors import BenchwellError
from benchwell.register.prompts import SafetyPrompt

RegisterConnection: TypeAlias = Connection  # what a piece of work gets; outside of this room nobody speaks SQL with it
CONTENT: Final = (
    "person_id", "instrument", "scale", "date", "time", "items", "total", "unit", "language", "informant", "mode",
)  # fmt: skip
_LONGEST = 128  # characters of a key or a code


class NotReceivedError(BenchwellError):
    """A record cannot be taken in as it is; `reason` says why, in a code.

    Args:
        reason: unknown_person, unknown_course, unknown_instrument, unknown_scale, no_score, after_snapshot,
            too_long_ago, not_text, id_too_long, conflict.
        message: The same in words, without a value.
    """

    def __init__(self, reason: str, message: str, *, hint: str | None = None) -> None:
        self.reason = reason
        super().__init__(message, hint=hint)


@dataclass(frozen=True)
class Entry:
    """A filled-in form or a stated score, as it is handed in.

    Attributes:
        person_id: Whose.
        course_id: Of which course; null: that of the contact, else the one that ran on that day.
        instrument: Id of the instrument.
        date: Day of the form, where the person is treated.
        time: HH:MM or HH:MM:SS, if known.
        items: Answers in the instrument's order, null where one is missing; null for a stated total.
        total: A stated total.
        scale: Which scale `total` belongs to; null is the primary one.
        unit: Unit of `total`.
        language: Of the form.
        informant: Who answered.
        mode: How it was filled in.
        source: link, kiosk, clinician, api or lake.
        entered_by: User or client.
        assessment_id: Its id, if it has one already; null: one is made, unless the same form has just been handed in.
        contact_id: In which contact it was filled in, if known.
        namespace: Within what its id is unique (`own_ids`); null: in the whole register.
    """

    person_id: str
    course_id: str | None
    instrument: str
    date: dt.date
    time: str | None = None
    items: tuple[float | None, ...] | None = None
    total: float | None = None
    scale: str | None = None
    unit: str | None = None
    language: str | None = None
    informant: str | None = None
    mode: str | None = None
    source: str = "clinician"
    entered_by: str | None = None
    assessment_id: str | None = None
    contact_id: str | None = None
    namespace: str | None = None


@dataclass(frozen=True)
class Place:
    """Whose record it goes into.

    Attributes:
        person_id: Whose.
        course_id: Of which course; null if none ran on that day.
        organization_id: Where.
        practitioner_id: Who treats.
        expected: Whether the person wants an expected course to be computed; null: has not said.
        label: What the clinician calls the record; "" if nothing was given.
    """

    person_id: str
    course_id: str | None
    organization_id: str | None
    practitioner_id: str | None
    expected: bool | None
    label: str = ""


@dataclass(frozen=True)
class Kept:
    """What became of a record.

    Attributes:
        assessment_id: Its id.
        is_new: False: it was there already, word for word.
        is_correction: It replaced an earlier version.
        prompts: Safety prompts that it raised and, of a repetition, that still wait.
    """

    assessment_id: str
    is_new: bool
    is_correction: bool = False
    prompts: tuple[SafetyPrompt, ...] = ()


@dataclass(frozen=True)
class ScoreOf:
    """One row of the scores table, less its key."""

    scale: str
    value: float | None
    status: str
    band: str | None
    reason: str | None


def fingerprint_of(entry: Entry | Any) -> str:
    """SHA-256 of what a record says, however it came in: the same form has the same.

    >>> import datetime as dt
    >>> day = dt.date(2026, 6, 1)
    >>> one, other = Entry("p", None, "phq-9", day, total=7), Entry("p", "c", "phq-9", day, total=7.0, source="api")
    >>> fingerprint_of(one) == fingerprint_of(other)
    True
    """
    said = [getattr(entry, name) for name in CONTENT]
    said[3] = str(said[3])
    said[5] = None if said[5] is None else [None if one is None else float(one) for one in said[5]]
    said[6] = None if said[6] is None else float(said[6])
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()


def is_text(text: str | None) -> bool:
    """Whether every database takes it as a short text.

    >>> is_text("p-1"), is_text(None), is_text("a" * 200), is_text(chr(0))
    (True, True, False, False)
    """
    return text is None or (len(text) <= _LONGEST and text.isprintable())
