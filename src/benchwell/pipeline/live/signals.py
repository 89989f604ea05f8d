"""What the scores of courses say now: the register is asked once for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchwell.pipeline.live.scored import curve_of
from benchwell.pipeline.live.service import LiveService
from benchwell.register.past_scores import Asked, PastScore, past_scores_of_several
from benchwell.register.records import Place, RegisterConnection
from benchwell.registry import Instrument
from benchwell.signals.course_signal import CourseSignal, Off, Point, course_signal
from benchwell.signals.response_curve import ResponseCurve


@dataclass(frozen=True)
class Question:
    """Of which course, instrument and scale somebody wants to know what the scores say, and with which curve."""

    place: Place
    instrument: Instrument
    scale: str
    curve: ResponseCurve | None
    off: Off

    @classmethod
    def now(cls, service: LiveService, place: Place, instrument: Instrument, scale: str) -> Question:
        """With the curve of the edition in force."""
        return cls(place, instrument, scale, *curve_of(service, instrument, scale))

    @property
    def spoken_of(self) -> tuple[ResponseCurve | None, Off]:
        """The curve, unless the person wants none."""
        return (None, "opted_out") if self.place.expected is False else (self.curve, self.off)

    @property
    def asked(self) -> Asked:
        """What the register is asked for."""
        curve, _ = self.spoken_of
        by_session = curve is not None and curve.clock == "sessions"
        return Asked(self.place, self.instrument.id, self.scale, by_session)

    def answer(self, past: Sequence[PastScore]) -> CourseSignal:
        """What the scores say."""
        curve, off = self.spoken_of
        points = [Point(one.date, one.occasion, one.value, one.status) for one in past]
        return course_signal(points, self.instrument, scale=self.scale, curve=curve, off=off)


def signals_of(connection: RegisterConnection, questions: Sequence[Question]) -> list[CourseSignal]:
    """What the scores of several courses say now.

    Args:
        connection: To read with.
        questions: Of which courses.
    """
    past = past_scores_of_several(connection, [one.asked for one in questions])
    return [one.answer(scores) for one, scores in zip(questions, past, strict=True)]
