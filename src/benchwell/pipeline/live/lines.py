"""The scores of one course as lines: one per instrument, with what its newest score says."""

from __future__ import annotations

import datetime as dt
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchwell.pipeline.live.service import LiveService
from benchwell.register.caseload import ScoreRow
from benchwell.registry.instrument import Instrument
from benchwell.signals.course_signal import CourseSignal, Off, Point, course_signal
from benchwell.signals.response_curve import ResponseCurve, response_curve


@dataclass(frozen=True)
class Line:
    """The scores of one instrument in one course, and what they say.

    Attributes:
        instrument: Whose scores.
        rows: Its primary scale's scores, by day.
        signal: What the newest one says.
        curve: The edition's curve that the signal was told from; null without one.
    """

    instrument: Instrument
    rows: tuple[ScoreRow, ...]
    signal: CourseSignal
    curve: ResponseCurve | None


class Curves:
    """Which expected course may be used, looked up once per instrument for a whole page.

    Args:
        service: The live service.
        chosen: What people chose: whether an expected course is shown (`register.caseload.wants_expected`).
    """

    def __init__(self, service: LiveService, chosen: Mapping[str, bool]) -> None:
        self._edition = service.edition() if service.workspace.settings.expected_course else None
        self._is_on = service.workspace.settings.expected_course
        self._chosen = chosen
        self._known: dict[str, ResponseCurve | None] = {}

    def of(self, instrument: Instrument, person_id: str) -> tuple[ResponseCurve | None, Off]:
        """The curve for one person, or why there is none."""
        if not self._is_on:
            return None, "setting"
        if not self._chosen.get(person_id, True):
            return None, "opted_out"
        if instrument.id not in self._known:
            edition = self._edition
            self._known[instrument.id] = None if edition is None else response_curve(edition, instrument)
        return self._known[instrument.id], "no_curve"


def lines_of(
    instruments: Mapping[str, Instrument],
    rows: Sequence[ScoreRow],
    *,
    person_id: str,
    course_id: str | None,
    attended: Sequence[dt.date] = (),
    curves: Curves,
) -> tuple[Line, ...]:
    """A line for each instrument of a course, the one with the newest score first.

    Args:
        instruments: The registry's.
        rows: Scores of one person, by day.
        person_id: Whose.
        course_id: Which course; scores that name none belong to it too.
        attended: Days of its attended contacts, in order: a score's occasion is counted from them.
        curves: Where expected courses come from.
    """
    mine = [row for row in rows if row.course_id in (course_id, None)]
    found: dict[str, list[ScoreRow]] = {}
    for row in mine:
        instrument = instruments.get(row.instrument)
        if instrument is not None and row.scale == instrument.primary.id:
            found.setdefault(row.instrument, []).append(row)
    lines = [_line(instruments[name], tuple(some), person_id, attended, curves) for name, some in found.items()]
    return tuple(sorted(lines, key=lambda line: (line.rows[-1].date, line.rows[-1].received_at), reverse=True))


def _line(
    instrument: Instrument, rows: tuple[ScoreRow, ...], person_id: str, attended: Sequence[dt.date], curves: Curves
) -> Line:
    curve, off = curves.of(instrument, person_id)
    points = [Point(row.date, _occasion(row.date, attended), row.value, row.status) for row in rows]
    return Line(instrument, rows, course_signal(points, instrument, curve=curve, off=off), curve)


def _occasion(day: dt.date, attended: Sequence[dt.date]) -> float | None:
    return float(bisect_right(attended, day)) if attended else None
