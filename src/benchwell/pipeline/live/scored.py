"""What a record says on its own: checked and scored before the register is asked."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from benchwell.i18n import _
from benchwell.pipeline.live.service import LiveService
from benchwell.register.prompts import RAISED, UNANSWERED
from benchwell.register.records import Entry, NotReceivedError, ScoreOf, is_text
from benchwell.registry import Instrument
from benchwell.registry.instrument import SafetyItem
from benchwell.scoring import safety_findings, score_form
from benchwell.signals.course_signal import Off
from benchwell.signals.response_curve import ResponseCurve, response_curve

_LONGEST_UNIT: Final = 32
_EARLIEST: Final = dt.date(1900, 1, 1)  # nobody in treatment was born before


@dataclass(frozen=True)
class Scored:
    """A record and what it says on its own.

    Attributes:
        entry: The record, its numbers and codes put right.
        instrument: Its instrument.
        scores: One a scale.
        safety: Safety questions to raise: item, and `raised` or `unanswered`.
        scale: Which scale the signal is about.
        curve: The expected course to speak of.
        off: Why there is none.
    """

    entry: Entry
    instrument: Instrument
    scores: tuple[ScoreOf, ...]
    safety: tuple[tuple[int, str], ...]
    scale: str
    curve: ResponseCurve | None
    off: Off


def score_entry(service: LiveService, entry: Entry) -> Scored:
    """Check a record, and score it.

    Args:
        service: The running service.
        entry: The record.

    Raises:
        NotReceivedError: If it cannot be a record at all: an unknown instrument or scale, a day to come, no score.
    """
    instrument = _check(service, entry)
    entry = replace(
        entry,
        items=_numbers(entry.items),
        total=_number(entry.total),
        language=_code(entry.language, 16),
        mode=_code(entry.mode, 64),
        informant=_code(entry.informant, 64),
    )
    rows = score_form(instrument, entry.items, entry.total, scale=entry.scale, unit=entry.unit)
    found = tuple(ScoreOf(row.scale, row.value, row.status, row.band, row.reason) for row in rows)
    answered = entry.items is not None and any(one is not None for one in entry.items)
    safety = _safety(instrument, entry.items or ()) if answered else ()
    scale = instrument.scale(entry.scale if not answered else None).id
    return Scored(entry, instrument, found, safety, scale, *curve_of(service, instrument, scale))


def _safety(instrument: Instrument, items: Sequence[float | None]) -> tuple[tuple[int, str], ...]:
    """Safety questions to raise; of a form that is none of the instrument's, too: somebody filled it in."""
    form = instrument.items
    if form is not None and len(items) == form.count:
        found = safety_findings(instrument, items)
        return tuple((one.item, RAISED if is_raised else UNANSWERED) for one, is_raised in found)
    # More or fewer answers than there are items: which is which is not sure, so a person must look.
    return tuple((one.item, RAISED if _reaches(items, one) else UNANSWERED) for one in instrument.safety_items)


def _reaches(items: Sequence[float | None], safety: SafetyItem) -> bool:
    given = items[safety.item - 1] if safety.item <= len(items) else None
    return given is not None and given >= safety.at_least


def _check(service: LiveService, entry: Entry) -> Instrument:
    texts = (entry.person_id, entry.course_id, entry.assessment_id, entry.contact_id, entry.entered_by)
    if not all(map(is_text, texts)) or len(entry.unit or "") > _LONGEST_UNIT or not is_text(entry.unit):
        raise NotReceivedError("not_text", _("An id here is too long, or holds signs that no id has."))
    instrument = service.workspace.registry.instruments.get(entry.instrument)
    if instrument is None:
        raise NotReceivedError("unknown_instrument", _("This instrument is not declared here."))
    if entry.scale is not None and entry.scale not in {scale.id for scale in instrument.scales}:
        raise NotReceivedError("unknown_scale", _("This instrument has no such scale."))
    # A day of the place where people are treated may have begun already where this program does not run.
    if entry.date > dt.date.today() + dt.timedelta(days=1):
        raise NotReceivedError("after_snapshot", _("The day of this form has not come yet."))
    if entry.date < _EARLIEST:  # a slip that would stretch every picture of the course over two thousand years
        raise NotReceivedError("too_long_ago", _("The day is too long ago."))
    if _number(entry.total) is None and not any(one is not None for one in _numbers(entry.items) or ()):
        raise NotReceivedError("no_score", _("There is no answer and no total in it."))
    return instrument


def _numbers(items: tuple[float | None, ...] | None) -> tuple[float | None, ...] | None:
    return None if not items else tuple(_number(one) for one in items)


def _code(text: str | None, longest: int) -> str | None:
    """A code that is none is not known."""
    return text if text and len(text) <= longest and is_text(text) else None


def _number(value: float | None) -> float | None:
    """A number that JSON can hold; what is none is missing."""
    return None if value is None or not math.isfinite(value) else float(value)


def curve_of(service: LiveService, instrument: Instrument, scale: str) -> tuple[ResponseCurve | None, Off]:
    """The curve to speak of; without one, why there is none."""
    if not service.workspace.settings.expected_course:
        return None, "setting"
    edition = service.edition()
    return (None if edition is None else response_curve(edition, instrument, scale)), "no_curve"
