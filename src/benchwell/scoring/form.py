"""One form in plain Python: what a live service needs, a hundred times faster than a table of one row.

The rules stand in `answers`, `scale`, `total`, `rows` and `bands` as expressions for whole tables; here they stand once
more for one form. A property test holds the two to the same value, status, reason and band on every declaration.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from benchwell.registry import Instrument
from benchwell.registry.instrument import SafetyItem, Scale
from benchwell.scoring.reasons import Reason
from benchwell.scoring.rows import TOTAL_TOLERANCE
from benchwell.scoring.total import RAW_UNITS, is_whole, own_units
from benchwell.terms import ScoreStatus

_REMEMBERED = 4096  # compiled instruments; a workspace has some dozens
_COMPILED: dict[int, _Form] = {}


class ScaleScore(NamedTuple):
    """What one form says on one scale; as a row of the scores table."""

    scale: str
    value: float | None
    status: str
    reason: str | None
    band: str | None


def score_form(
    instrument: Instrument,
    items: Sequence[float | None] | None,
    total: float | None = None,
    *,
    scale: str | None = None,
    unit: str | None = None,
) -> tuple[ScaleScore, ...]:
    """Score one form on every scale that it speaks to.

    Answers give every scale; without answers, a stated total gives the scale that it belongs to and no other.

    Args:
        instrument: The declaration; it is compiled at its first form.
        items: Answers in the instrument's order; None or NaN is missing.
        total: The stated total.
        scale: Which scale the total belongs to; null is the primary one.
        unit: Unit of the total.

    Returns:
        One row a scale; a form that cannot be scored has status `invalid` and a reason.

    >>> from benchwell.registry import Registry
    >>> score_form(Registry.load().instrument("gad-7"), [1.0] * 7)[0][:3]
    ('total', 7.0, 'complete')
    """
    found = _COMPILED.get(id(instrument))
    if found is None:
        if len(_COMPILED) >= _REMEMBERED:
            _COMPILED.clear()
        found = _COMPILED[id(instrument)] = _Form(instrument)  # holds the instrument, so that its id stays its own
    return found.score(items, total, scale, unit)


def safety_findings(
    instrument: Instrument, items: Sequence[float | None] | None
) -> tuple[tuple[SafetyItem, bool], ...]:
    """Safety questions of an answered form that are raised (true), or were not answered (false).

    It does not depend on whether the form can be scored.
    """
    form = instrument.items
    if form is None or items is None or len(items) != form.count:
        return ()
    found = []
    for safety in instrument.safety_items:
        given = items[safety.item - 1]
        if given is None or given != given:
            found.append((safety, False))
            continue
        low, high = form.range_of(safety.item)
        keyed = low + high - given if safety.item in form.reverse else given
        if keyed >= safety.at_least:
            found.append((safety, True))
    return tuple(found)


class _Form:
    """A declaration, laid out for one form at a time."""

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self.count = instrument.items.count if instrument.items else 0
        self.scales = tuple(_Scale.of(instrument, scale) for scale in instrument.scales)
        self.by_id = {scale.id: scale for scale in self.scales}
        self.primary = self.by_id[instrument.primary.id]

    def score(
        self, items: Sequence[float | None] | None, total: float | None, target: str | None, unit: str | None
    ) -> tuple[ScaleScore, ...]:
        given, fault = self._answers(items)
        stated = None if total is None or total != total else float(total)
        plain = (unit or "").strip().lower()
        wanted = target or self.primary.id
        if given is None and fault is not Reason.WRONG_ITEM_COUNT:
            scale = self.by_id.get(wanted)
            if scale is None:
                return (ScaleScore(wanted, None, ScoreStatus.INVALID.value, Reason.UNKNOWN_SCALE.value, None),)
            return (scale.by_total(stated, plain, fault),)
        if given is None:
            wrong = (None, ScoreStatus.INVALID.value, Reason.WRONG_ITEM_COUNT.value, None)
            return tuple(ScaleScore(scale.id, *wrong) for scale in self.scales)
        return tuple(
            scale.by_items(given, (stated, plain) if stated is not None and scale.id == wanted else None)
            for scale in self.scales
        )

    def _answers(self, items: Sequence[float | None] | None) -> tuple[list[float | None] | None, Reason | None]:
        if not items:
            return None, None
        if not self.count:
            return None, Reason.ITEMS_NOT_ACCEPTED
        if len(items) != self.count:
            return None, Reason.WRONG_ITEM_COUNT
        given = [None if one is None or one != one else float(one) for one in items]
        return (given, None) if any(one is not None for one in given) else (None, None)


@dataclass(frozen=True)
class _Scale:
    """One scale of a declaration.

    Attributes:
        groups: Places of items (from 0) of which the highest answer counts; mostly groups of one.
        used: Places of the items it uses.
        ranges: Lowest and highest answer, by place.
        limited: The answers of places that have fewer than their range.
        reversed_: Sum of the ends of the range, by place of a reversed item.
        recodes: What answers count as, by place, in the order of the declaration.
        allowed: How many may be missing.
        lookup: Reported value by raw sum.
        units: A stated total in reported units, by unit.
    """

    id: str
    scale: Scale
    groups: tuple[tuple[int, ...], ...]
    used: tuple[int, ...]
    ranges: Mapping[int, tuple[float, float]]
    whole_answers: bool
    limited: Mapping[int, frozenset[float]]
    reversed_: Mapping[int, float]
    recodes: Mapping[int, tuple[Mapping[float, float], ...]]
    rule: str
    rounding: str
    allowed: int
    lookup: Mapping[float, float]
    whole: bool
    units: Mapping[str, Callable[[float], float | None]]
    safety: tuple[int, ...]
    bands: tuple[tuple[float, str], ...]

    @classmethod
    def of(cls, instrument: Instrument, scale: Scale) -> _Scale:
        form, groups = instrument.items, instrument.groups_of(scale)
        used = sorted({item for group in groups for item in group})
        recodes = {
            item - 1: tuple(one.values for one in scale.recode if item in one.items)
            for item in used
            if any(item in one.items for one in scale.recode)
        }
        return cls(
            id=scale.id,
            scale=scale,
            groups=tuple(tuple(item - 1 for item in group) for group in groups),
            used=tuple(item - 1 for item in used),
            ranges={item - 1: form.range_of(item) for item in used} if form else {},
            whole_answers=form is not None and form.integer,
            limited={item - 1: frozenset(form.answers[item]) for item in used if item in form.answers} if form else {},
            reversed_={item - 1: float(sum(form.range_of(item))) for item in used if item in form.reverse}
            if form
            else {},
            recodes=recodes,
            rule=instrument.missing.rule,
            rounding=instrument.missing.round,
            allowed=0 if instrument.missing.rule == "none" else instrument.max_missing_of(scale),
            lookup={float(raw): float(value) for raw, value in scale.lookup.items()},
            whole=is_whole(instrument, scale),
            units=_units(instrument, scale, len(groups) or 1),
            safety=tuple(one.item - 1 for one in instrument.safety_items if one.item in used),
            bands=tuple((band.min, band.label) for band in reversed(instrument.bands_of(scale))),
        )

    def by_total(self, total: float | None, unit: str, fault: Reason | None) -> ScaleScore:
        """What a stated total alone is worth."""
        if total is None:
            return self._invalid(fault or Reason.NO_ANSWERS)
        if unit not in self.units:
            return self._invalid(Reason.UNKNOWN_UNIT)
        value = self.units[unit](total)
        if value is None or not self.scale.min <= value <= self.scale.max:
            return self._invalid(Reason.TOTAL_OUT_OF_RANGE)
        if self.whole and not value.is_integer():
            return self._invalid(Reason.NOT_INTEGER)
        return ScaleScore(self.id, value, ScoreStatus.TOTAL_ONLY.value, None, self._band(value))

    def by_items(self, given: list[float | None], stated: tuple[float, str] | None) -> ScaleScore:
        """What the answers are worth; `stated` is a total of this scale and its unit."""
        fault = self._fault(given)
        if fault is not None:
            return self._invalid(fault)
        raw, missing, size = 0.0, 0, len(self.groups)
        for group in self.groups:
            value = self._highest(given, group)
            if value is None:
                missing += 1
            else:
                raw += value
        if missing > self.allowed or missing == size:
            return self._invalid(Reason.TOO_MANY_MISSING)
        status = ScoreStatus.PRORATED if missing else ScoreStatus.COMPLETE
        answered = float(size - missing)
        if self.scale.method == "mean":  # the mean of the answered items needs no proration
            reported = _reported(self.scale, self.lookup, raw, answered)
        else:
            reported = _reported(self.scale, self.lookup, self._completed(raw, missing, size), float(size))
        reason = self._flag(given, stated, raw, reported)
        return ScaleScore(self.id, reported, status.value, reason, self._band(reported))

    def _fault(self, given: list[float | None]) -> Reason | None:
        outside = limited = False
        for place in self.used:
            value = given[place]
            if value is None:
                continue
            if self.whole_answers and not value.is_integer() and not math.isinf(value):
                return Reason.NOT_INTEGER
            low, high = self.ranges[place]
            outside = outside or not low <= value <= high
            limited = limited or (place in self.limited and value not in self.limited[place])
        if outside:
            return Reason.OUT_OF_RANGE
        return Reason.NOT_AN_ANSWER if limited else None

    def _highest(self, given: list[float | None], group: tuple[int, ...]) -> float | None:
        highest: float | None = None
        for place in group:
            value = given[place]
            if value is not None and place in self.reversed_:
                value = self.reversed_[place] - value
            for values in self.recodes.get(place, ()):
                value = None if value is None else values.get(value)
            if value is not None and (highest is None or value > highest):
                highest = value
        return highest

    def _completed(self, raw: float, missing: int, size: int) -> float:
        if missing == 0 or self.rule in ("none", "zero"):
            return raw
        answered = float(size - missing)
        if self.rule == "item-mean":
            return raw + missing * self._rounded(raw / answered)
        return self._rounded(raw * float(size) / answered)

    def _rounded(self, value: float) -> float:
        if self.rounding == "half-up":
            return float(math.floor(value + 0.5))
        return float(math.ceil(value)) if self.rounding == "up" else value

    def _flag(
        self, given: list[float | None], stated: tuple[float, str] | None, raw: float, value: float | None
    ) -> str | None:
        if any(given[place] is None for place in self.safety):
            return Reason.SAFETY_ITEM_MISSING.value
        if stated is None or value is None or stated[1] not in self.units:
            return None
        total = self.units[stated[1]](stated[0])
        if total is None or abs(total - value) <= TOTAL_TOLERANCE or abs(stated[0] - raw) <= TOTAL_TOLERANCE:
            return None
        return Reason.TOTAL_DIFFERS.value

    def _band(self, value: float | None) -> str | None:
        return None if value is None else next((label for start, label in self.bands if value >= start), None)

    def _invalid(self, reason: Reason) -> ScaleScore:
        return ScaleScore(self.id, None, ScoreStatus.INVALID.value, reason.value, None)


def _units(instrument: Instrument, scale: Scale, size: int) -> dict[str, Callable[[float], float | None]]:
    lookup = {float(raw): float(value) for raw, value in scale.lookup.items()}
    units: dict[str, Callable[[float], float | None]] = {}
    for name, conversion in reversed(instrument.conversions.items()):  # of two that agree but for case, the first
        units[name.lower()] = lambda total, to=conversion: total * to.multiply + to.add  # type: ignore[misc]
    for name in RAW_UNITS:
        units[name] = lambda total: _reported(scale, lookup, total, float(size))
    for name in own_units(instrument, scale):
        units[name] = _as_it_is
    return units


def _as_it_is(total: float) -> float:
    return total


def _reported(scale: Scale, lookup: Mapping[float, float], raw: float, size: float) -> float | None:
    if lookup:
        return lookup.get(raw)
    value = raw * scale.multiply if scale.multiply != 1 else raw
    if scale.method == "mean":
        return value / (size * scale.divide)
    return value / scale.divide if scale.divide != 1 else value
