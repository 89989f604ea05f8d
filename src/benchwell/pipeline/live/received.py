"""What became of a record that came in, and what it says."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from benchwell.register.prompts import SafetyPrompt
from benchwell.register.records import ScoreOf
from benchwell.register.viewer import Viewer
from benchwell.signals.course_signal import CourseSignal


@dataclass(frozen=True)
class Received:
    """What became of a record, and what it says.

    Attributes:
        assessment_id: Its id.
        is_new: False: it was there already, word for word, and nothing was changed.
        scores: One a scale.
        signal: What the newest score of the course says; null where the form is on none of the instrument's scales.
        prompts: Safety questions that somebody must look at now.
        is_correction: It replaced an earlier version.
        person_id: Whose.
        course_id: Of which course, if one ran.
        practitioner_id: Who treats.
        instrument: Id of the instrument.
        date: Day of the form.
        received_at: Seconds since 1970-01-01 UTC.
        label: What the clinician calls the person's record; "" if nothing was given.
        noted: To whose open pages it may be told at once: the log says so since the commit that keeps the record.
    """

    assessment_id: str
    is_new: bool
    scores: tuple[ScoreOf, ...]
    signal: CourseSignal | None
    prompts: tuple[SafetyPrompt, ...]
    is_correction: bool = False
    person_id: str = ""
    course_id: str | None = None
    practitioner_id: str | None = None
    instrument: str = ""
    date: dt.date | None = None
    received_at: float = 0.0
    label: str = ""
    noted: frozenset[Viewer] = frozenset()

    @property
    def kind(self) -> str:
        """What news of it is called."""
        return "safety" if self.prompts else "score"

    @property
    def is_unattended(self) -> bool:
        """Whether it holds a safety answer of somebody whom nobody treats."""
        return bool(self.prompts) and self.practitioner_id is None

    @property
    def topics(self) -> tuple[str, ...]:
        """Whom it concerns, as news calls them."""
        return topics_about(self.person_id, self.course_id, self.practitioner_id)


def topics_about(person_id: str, course_id: str | None, practitioner_id: str | None) -> tuple[str, ...]:
    """Whom a record concerns, as news calls them."""
    named = (("practitioner", practitioner_id), ("person", person_id), ("course", course_id))
    return tuple(f"{kind}:{id_}" for kind, id_ in named if id_)
