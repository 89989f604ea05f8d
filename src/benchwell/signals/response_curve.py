"""The expected course of an edition: what people with a similar start did (METHODS M6.1, M6.3).

An edition freezes a curve, what it was checked on, and how often its "review" was followed by no response. A curve
that did not pass its checks is kept with its reason, and is not served.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, Protocol

import narwhals as nw

from benchwell.errors import EditionError
from benchwell.models.conditional_growth import Growth, Predicted, log_sessions, log_weeks
from benchwell.models.intervals import wilson
from benchwell.registry.instrument import Instrument
from benchwell.terms import Better

Clock = Literal["weeks", "sessions"]
# Weeks come first: every score has a day, not every score has a session.
CLOCKS: tuple[Clock, ...] = ("weeks", "sessions")
_NEAR = 0.5  # scores of half an occasion before and after count as of it, as in the build


class CurveSource(Protocol):
    """The part of an edition that a curve is read from; `benchmarks.Edition` is one."""

    @property
    def id(self) -> str:
        """The edition's id."""
        ...

    def __hash__(self) -> int:
        """Editions are told apart, so that a curve is read once."""
        ...

    def table(self, name: str) -> Any:
        """A table of `tables.DERIVED`."""
        ...


@dataclass(frozen=True)
class SimilarStart:
    """What people who started within a band of scores had at the end of the horizon.

    Attributes:
        lower: Lowest first score of the band, inclusive.
        upper: Highest first score of the band, inclusive.
        n_people: People with a first score in the band and a later one; None where too few to show.
        n_responded: Of them, those who had gone half of the way to the healthy end at their last score.
        n_remitted: Of them, those in remission at their last score; None without a declared cut-off.
    """

    lower: float
    upper: float
    n_people: int | None
    n_responded: int | None
    n_remitted: int | None

    @property
    def responded(self) -> tuple[float, float, float] | None:
        """Share with a response, and its 95 % limits (Wilson)."""
        return _share(self.n_responded, self.n_people)

    @property
    def remitted(self) -> tuple[float, float, float] | None:
        """Share in remission, and its 95 % limits (Wilson)."""
        return _share(self.n_remitted, self.n_people)


@dataclass(frozen=True)
class EarlyRule:
    """Little change early, and how often no response followed (METHODS M6.3).

    Attributes:
        by: Occasion at which it is judged, on the curve's clock.
        within: Occasions before and after `by` that also count.
        share: A gain below this share of the way to the healthy end is "little".
        n_people: People it was counted on.
        n_flagged: Of them, those with little change early.
        ppv: Of those, the share without a response at the end.
        npv: Of the others, the share with a response at the end.
        sensitivity: Of those without a response, the share with little change early.
        specificity: Of those with a response, the share without.
        prevalence: Share without a response among all: PPV and NPV hold for this one only.
    """

    by: float
    within: float
    share: float
    n_people: int
    n_flagged: int
    ppv: float
    npv: float
    sensitivity: float
    specificity: float
    prevalence: float

    @property
    def ppv_limits(self) -> tuple[float, float]:
        """95 % limits of `ppv` (Wilson)."""
        return _limits(round(self.ppv * self.n_flagged), self.n_flagged)

    @property
    def npv_limits(self) -> tuple[float, float]:
        """95 % limits of `npv` (Wilson)."""
        others = self.n_people - self.n_flagged
        return _limits(round(self.npv * others), others)


@dataclass(frozen=True)
class ReviewRecord:
    """How often a score beyond the expected range at one occasion was followed by no response.

    Attributes:
        occasion: On the curve's clock.
        n_people: People with a score at that occasion.
        n_review: Of them, those beyond the expected range.
        ppv: Of those, the share without a response at the end; the rest responded late.
        prevalence: Share without a response among all of them, which the former is to be read against.
    """

    occasion: float
    n_people: int
    n_review: int
    ppv: float
    prevalence: float

    @property
    def ppv_limits(self) -> tuple[float, float]:
        """95 % limits of `ppv` (Wilson)."""
        return _limits(round(self.ppv * self.n_review), self.n_review)


@dataclass(frozen=True)
class SeenRange:
    """Percentiles of what was seen of people with a similar start: they assume no distribution (METHODS M6.1).

    Attributes:
        baseline_lower: Lowest first score of the band, inclusive.
        baseline_upper: Highest first score of the band, inclusive.
        occasion: On the curve's clock.
        lower: Lower end of the central range, points.
        upper: Upper end.
        n_people: People of the band with a score at that occasion.
    """

    baseline_lower: float
    baseline_upper: float
    occasion: float
    lower: float
    upper: float
    n_people: int


@dataclass(frozen=True)
class ResponseCurve:
    """A usable curve of one edition.

    Attributes:
        id: Id of its declaration.
        instrument: Id of the instrument.
        scale: Id of the scale.
        better: Which direction is better.
        low: Lowest value of the scale.
        high: Highest value of the scale.
        clock: `weeks` since the first score, or `sessions`.
        horizon: Last occasion that it speaks of.
        boundary: Share of people expected within the boundary, such as .90.
        start: A person belongs to its population who started at this score or worse; None is everybody.
        growth: The fitted model.
        n_people: People it was fitted to.
        starts: What people with a similar start did, by band of the first score.
        early: The early-change rule; None where it could not be counted.
        reviews: How often a review was followed by no response, by occasion.
        edition: The edition's id.
        seen: What was seen beside what the model says, where enough people were.
    """

    id: str
    instrument: str
    scale: str
    better: Better
    low: float
    high: float
    clock: Clock
    horizon: float
    boundary: float
    start: float | None
    growth: Growth
    n_people: int
    starts: tuple[SimilarStart, ...]
    early: EarlyRule | None
    reviews: tuple[ReviewRecord, ...]
    edition: str
    seen: tuple[SeenRange, ...] = ()

    @property
    def healthy_end(self) -> float:
        """The end of the scale without symptoms."""
        return self.low if self.better is Better.LOWER else self.high

    def time(self, occasion: float) -> float:
        """An occasion in the model's units."""
        return log_weeks(occasion) if self.clock == "weeks" else log_sessions(occasion)

    def predicted(self, occasion: float, baseline: float, baseline_occasion: float | None = None) -> Predicted:
        """What is expected at an occasion of somebody with this first score."""
        first = self.first_occasion if baseline_occasion is None else baseline_occasion
        return self.growth.given(self.time(occasion), baseline, self.time(first))

    def covers(self, baseline: float) -> bool:
        """Whether somebody with this first score is of the population that the curve was fitted to."""
        if self.start is None:
            return True
        return baseline >= self.start if self.better is Better.LOWER else baseline <= self.start

    @property
    def first_occasion(self) -> float:
        """Where the clock starts."""
        return 0.0 if self.clock == "weeks" else 1.0

    def limits(self, expected: Predicted) -> tuple[float, float, float]:
        """Ends of the central range, and the boundary towards worse, all within the scale."""
        tail = 1 - self.boundary
        low = min(max(expected.quantile(tail), self.low), self.high)
        high = min(max(expected.quantile(self.boundary), self.low), self.high)
        return low, high, high if self.better is Better.LOWER else low


@dataclass(frozen=True)
class ExpectedRow:
    """One row of the ribbon on a chart.

    Attributes:
        occasion: On the curve's clock: weeks since the first score, or number of the session.
        mean: Expected score, points.
        lower: Lower end of the central range, points.
        upper: Upper end, points.
    """

    occasion: float
    mean: float
    lower: float
    upper: float


def response_curve(
    edition: CurveSource, instrument: Instrument | str, scale: str | None = None, *, clock: Clock | None = None
) -> ResponseCurve | None:
    """The curve that an edition serves for an instrument; read once, remembered afterwards.

    Args:
        edition: The edition in force.
        instrument: An instrument, or its id.
        scale: Id of a scale; None is the instrument's primary one, or with an id alone that of the first curve served.
        clock: `weeks` or `sessions`; None takes weeks where there is such a curve.

    Returns:
        None where the edition has no curve for it, or none that passed its checks (`refused_curves` says why).
    """
    name = instrument if isinstance(instrument, str) else instrument.id
    part = scale if scale is not None or isinstance(instrument, str) else instrument.primary.id
    found = [one for one in _curves(edition) if one.instrument == name and part in (None, one.scale)]
    wanted = CLOCKS if clock is None else (clock,)
    return next((one for each in wanted for one in found if one.clock == each), None)


def refused_curves(edition: CurveSource) -> dict[str, str]:
    """Why a declared curve is not served, by its id; empty where every one is."""
    table = _table(edition, "response_curves")
    rows = [] if table is None else list(table.iter_rows(named=True))
    return {str(row["curve"]): str(row["reason"] or "") for row in rows if row["status"] != "ok"}


def expected_series(curve: ResponseCurve, baseline: float, *, step: float = 1.0) -> tuple[ExpectedRow, ...]:
    """The expected course of somebody with this first score, for the ribbon on a chart.

    Args:
        curve: The edition's curve.
        baseline: First score, points.
        step: Occasions between two rows.

    Returns:
        One row an occasion, from the first to the horizon.
    """
    rows = []
    count = int((curve.horizon - curve.first_occasion) / step + 1e-9)
    for index in range(count + 1):
        occasion = curve.first_occasion + index * step
        expected = curve.predicted(occasion, baseline)
        low, high, _ = curve.limits(expected)
        rows.append(ExpectedRow(occasion, min(max(expected.mean, curve.low), curve.high), low, high))
    return tuple(rows)


def similar_start(curve: ResponseCurve, baseline: float) -> SimilarStart | None:
    """What people with a similar first score did; None outside every band, or where too few to show."""
    order = sorted(curve.starts, key=lambda one: one.lower, reverse=True)
    if not order or baseline > order[0].upper:
        return None
    found = next((one for one in order if one.lower <= baseline), None)  # 14.5 belongs to the band that begins at 10
    return found if found is not None and found.n_people is not None else None


def seen_range(curve: ResponseCurve, baseline: float, occasion: float) -> SeenRange | None:
    """What was seen of people with a similar first score near an occasion; None where too few were."""
    order = sorted({(one.baseline_lower, one.baseline_upper) for one in curve.seen}, reverse=True)
    band = next((one for one in order if one[0] <= baseline), None)
    if band is None or baseline > order[0][1]:
        return None
    near = [one for one in curve.seen if one.baseline_lower == band[0] and abs(one.occasion - occasion) <= _NEAR]
    return min(near, key=lambda one: abs(one.occasion - occasion), default=None)


@lru_cache(maxsize=16)
def _curves(edition: CurveSource) -> tuple[ResponseCurve, ...]:
    table = _table(edition, "response_curves")
    if table is None:
        return ()
    rows = [row for row in table.iter_rows(named=True) if row["status"] == "ok"]
    names = ("response_starts", "response_bands", "early_changes")
    beside = {name: _rows(edition, name) for name in names} if rows else {}
    return tuple(_curve(edition.id, row, beside) for row in rows)


def _curve(edition: str, row: Mapping[str, Any], beside: Mapping[str, list[dict[str, Any]]]) -> ResponseCurve:
    rules = [one for one in beside["early_changes"] if one["curve"] == row["curve"] and one["status"] == "ok"]
    return ResponseCurve(
        id=row["curve"],
        instrument=row["instrument"],
        scale=row["scale"],
        better=Better(row["better"]),
        low=row["scale_min"],
        high=row["scale_max"],
        clock=row["clock"],
        horizon=row["horizon"],
        boundary=row["boundary"],
        start=row["start"],
        growth=growth_of(row),
        n_people=row["n_people"],
        starts=tuple(_start(one) for one in beside["response_starts"] if one["curve"] == row["curve"]),
        early=next((_early(one) for one in rules if one["rule"] == "early_change"), None),
        reviews=tuple(_review(one) for one in rules if one["rule"] == "review"),
        edition=edition,
        seen=_seen(row["curve"], beside),
    )


def growth_of(row: Mapping[str, Any]) -> Growth:
    """The model in a row of `response_curves`."""
    return Growth(
        row["intercept"],
        row["slope"],
        row["intercept_variance"],
        row["covariance"],
        row["slope_variance"],
        row["residual_variance"],
    )


def _start(row: Mapping[str, Any]) -> SimilarStart:
    return SimilarStart(row["band_lower"], row["band_upper"], row["n_people"], row["n_responded"], row["n_remitted"])


def _seen(curve: str, beside: Mapping[str, list[dict[str, Any]]]) -> tuple[SeenRange, ...]:
    ends = {
        one["band"]: (one["band_lower"], one["band_upper"])
        for one in beside["response_starts"]
        if one["curve"] == curve
    }
    return tuple(
        SeenRange(*ends[one["band"]], one["occasion"], one["empirical_lower"], one["empirical_upper"], one["n_people"])
        for one in beside["response_bands"]
        if one["curve"] == curve and one["band"] in ends and one["empirical_lower"] is not None
    )


def _early(row: Mapping[str, Any]) -> EarlyRule:
    return EarlyRule(
        by=row["occasion"],
        within=row["within"],
        share=row["share"],
        n_people=row["n_people"],
        n_flagged=row["tp"] + row["fp"],
        ppv=row["ppv"],
        npv=row["npv"],
        sensitivity=row["sensitivity"],
        specificity=row["specificity"],
        prevalence=row["prevalence"],
    )


def _review(row: Mapping[str, Any]) -> ReviewRecord:
    return ReviewRecord(row["occasion"], row["n_people"], row["tp"] + row["fp"], row["ppv"], row["prevalence"])


def _table(edition: CurveSource, name: str) -> nw.DataFrame[Any] | None:
    """A table, or None in an edition that was built before there were curves, or has none."""
    try:
        found: nw.DataFrame[Any] = nw.from_native(edition.table(name), eager_only=True)
        return found
    except (EditionError, KeyError):
        return None


def _rows(edition: CurveSource, name: str) -> list[dict[str, Any]]:
    table = _table(edition, name)
    return [] if table is None else list(table.iter_rows(named=True))


def _share(part: int | None, whole: int | None) -> tuple[float, float, float] | None:
    if part is None or not whole:
        return None
    return (part / whole, *_limits(part, whole))


@lru_cache(maxsize=4096)
def _limits(part: int, whole: int) -> tuple[float, float]:
    """Wilson limits, remembered: the same few shares are said beside every score."""
    lower, upper = wilson(part, whole)
    return float(lower), float(upper)
