"""One figure per organization from its sums: the three denominators with their intervals (METHODS C3, C4).

What a figure is follows from the measure's summary: a proportion, a mean, a ratio of means, an effect size or a
rate. A denominator that a summary does not define stays unknown; it is never replaced by another one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from benchwell.models.arrays import FloatArray
from benchwell.models.effect_size import PairedSums, paired_effect_size_from_sums
from benchwell.models.heterogeneity import pooled_binomial_variance
from benchwell.models.intervals import normal_interval, t_interval, wilson
from benchwell.models.rates import event_rate
from benchwell.models.weighting import WeightedSums, weighted_mean_from_sums
from benchwell.registry import Measure
from benchwell.registry.measure import Summary
from benchwell.terms import Better, Denominator

PER_PERSON_YEARS = 100.0
PERCENT = 100.0
# Endpoints whose value is a gain, so that "no follow-up" can be counted as "no gain".
_GAINS = {"change", "percent_change", "saes"}

Sums = Mapping[str, FloatArray]


@dataclass(frozen=True)
class Figure:
    """A figure per organization with its interval; each of shape (k,), NaN where unknown.

    Attributes:
        value: The figure, in the measure's unit.
        lower: Lower 95 % limit.
        upper: Upper 95 % limit.
        size: People (or person-years for rates) behind it: its weight when organizations are pooled.
        variance: Sampling variance for shrinkage, pooled over the organizations where the summary allows it.
    """

    value: FloatArray
    lower: FloatArray
    upper: FloatArray
    size: FloatArray
    variance: FloatArray


@dataclass(frozen=True)
class Figures:
    """The figures by denominator, and the effective number of people behind the weighted one."""

    by_denominator: Mapping[Denominator, Figure]
    effective_n: FloatArray
    bounds: tuple[FloatArray, FloatArray] | None = field(default=None)


def figures(measure: Measure, sums: Sums) -> Figures:
    """Compute the figures of one field of organizations (one period, one stratum level).

    Args:
        measure: Says which summary and which direction.
        sums: The numeric columns of `tables.DERIVED["statistics"]`, each of shape (k,), NaN for null.

    Returns:
        Figures per denominator. Ratios of means are percent of the baseline and rates are per 100 person-years.
        Gains are positive when people got better (C1).

    Source:
        METHODS E1.4, E1.5, E2.1, E2.6, E2.10.
    """
    if measure.is_published:
        return _published(measure, sums)
    return _BY_SUMMARY[measure.summary](measure, sums)


def _proportion(measure: Measure, sums: Sums) -> Figures:
    met = np.nan_to_num(sums["n_met"])
    followed, eligible = sums["n_followed"], sums["n_eligible"]
    weighted = weighted_mean_from_sums(_weighted(sums))
    estimated = np.clip(weighted.estimate, 0.0, 1.0)
    worst, best = _ratio(met, eligible), _ratio(met + eligible - followed, eligible)
    if measure.better is Better.LOWER:
        worst, best = best, worst
    return Figures(
        {
            Denominator.OBSERVED: _rate(_ratio(met, followed), followed),
            Denominator.ALL_ELIGIBLE: _rate(_ratio(met, eligible), eligible),
            # The weights' loss of information is in the interval: Wilson at the effective number of people.
            Denominator.ESTIMATED: _rate(estimated, weighted.effective_n, people=eligible),
        },
        weighted.effective_n,
        (worst, best),
    )


def _published(measure: Measure, sums: Sums) -> Figures:
    rate, people = sums["published_rate"], sums["published_denominator"]
    return Figures({measure.primary_denominator: _rate(rate, people)}, np.full(len(rate), np.nan))


def _mean(measure: Measure, sums: Sums) -> Figures:
    followed, eligible = sums["n_followed"], sums["n_eligible"]
    total, squares = sums["sum_value"], sums["sum_value_squared"]
    weighted = weighted_mean_from_sums(_weighted(sums))
    found = {
        Denominator.OBSERVED: _mean_of(total, squares, followed),
        Denominator.ESTIMATED: _normal(weighted.estimate, weighted.se**2, eligible),
    }
    if measure.endpoint.kind in _GAINS:
        # Who was not followed counts as no gain: the counterpart of "missing = not met".
        found[Denominator.ALL_ELIGIBLE] = _mean_of(np.nan_to_num(total), np.nan_to_num(squares), eligible)
    return Figures(found, weighted.effective_n)


def _ratio_of_means(_: Measure, sums: Sums) -> Figures:
    n = sums["n_followed"]
    before, after = _ratio(sums["sum_baseline"], n), _ratio(sums["sum_followup"], n)
    sign = score_sign(sums)
    ratio = _ratio(after, before)
    spread_before = _spread(sums["sum_baseline"], sums["sum_baseline_squared"], n)
    spread_after = _spread(sums["sum_followup"], sums["sum_followup_squared"], n)
    shared = _ratio(sums["sum_baseline_followup"] - n * before * after, n - 1)
    # Delta method for post/pre; the gain is 1 - post/pre, which has the same variance.
    variance = _ratio(spread_after - 2 * ratio * shared + ratio**2 * spread_before, n * before**2)
    figure = _normal(sign * PERCENT * (1 - ratio), PERCENT**2 * variance, n)
    return Figures({Denominator.OBSERVED: figure}, np.full(len(n), np.nan))


def _effect_size(_: Measure, sums: Sums) -> Figures:
    n = np.nan_to_num(sums["n_followed"])
    parts = ("baseline", "baseline_squared", "followup", "followup_squared", "baseline_followup")
    paired = PairedSums(n, *(np.nan_to_num(sums[f"sum_{part}"]) for part in parts))
    # `PairedEffectSize` takes the direction of the score, which a sum of gains above zero reveals.
    effect = paired_effect_size_from_sums(paired, Better.LOWER)
    sign = score_sign(sums)
    lower, upper = np.where(sign > 0, effect.lower, -effect.upper), np.where(sign > 0, effect.upper, -effect.lower)
    figure = Figure(sign * effect.g, lower, upper, n, effect.variance)
    return Figures({Denominator.OBSERVED: figure}, np.full(len(n), np.nan))


def _event_rate(_: Measure, sums: Sums) -> Figures:
    events, years = np.nan_to_num(sums["sum_value"]), sums["sum_exposure"]
    known = np.nan_to_num(years) > 0
    rate = event_rate(events, np.where(known, years, 1.0), per=PER_PERSON_YEARS)
    pooled = max(float(events[known].sum()), 0.5) / max(float(years[known].sum()), 1e-9)
    figure = Figure(
        value=np.where(known, rate.rate, np.nan),
        lower=np.where(known, rate.lower, np.nan),
        upper=np.where(known, rate.upper, np.nan),
        size=np.where(known, years, np.nan),
        variance=np.where(known, PER_PERSON_YEARS**2 * pooled / np.where(known, years, 1.0), np.nan),
    )
    return Figures({Denominator.OBSERVED: figure}, np.full(len(events), np.nan))


_BY_SUMMARY: dict[Summary, Callable[[Measure, Sums], Figures]] = {
    "proportion": _proportion,
    "mean": _mean,
    "ratio_of_means": _ratio_of_means,
    "effect_size": _effect_size,
    "rate": _event_rate,
}


def _rate(value: FloatArray, n: FloatArray, people: FloatArray | None = None) -> Figure:
    known = np.isfinite(value) & (np.nan_to_num(n) > 0)
    rate, size = np.where(known, value, 0.0), np.where(known, n, 1.0)
    lower, upper = wilson(np.minimum(rate * size, size), size)
    variance = np.full(len(value), np.nan)
    if known.any():
        variance[known] = pooled_binomial_variance(np.minimum(rate * size, size)[known], size[known])
    return Figure(
        value=np.where(known, value, np.nan),
        lower=np.where(known, lower, np.nan),
        upper=np.where(known, upper, np.nan),
        size=np.where(known, n if people is None else people, np.nan),
        variance=variance,
    )


def _mean_of(total: FloatArray, squares: FloatArray, n: FloatArray) -> Figure:
    mean, spread = _ratio(total, n), _spread(total, squares, n)
    enough = np.isfinite(spread)
    # Organizations differ more in their means than in their spread: a pooled one keeps small ones from looking certain.
    degrees = np.where(enough, n - 1, 0.0)
    pooled = float((np.where(enough, spread, 0.0) * degrees).sum()) / max(float(degrees.sum()), 1.0)
    # One value says nothing about spread, and a mean without an interval is not shown.
    mean = np.where(enough, mean, np.nan)
    variance = np.where(np.isfinite(mean) & (pooled > 0), pooled / np.where(n > 0, n, 1.0), np.nan)
    own = _student(mean, spread, n)
    return Figure(mean, own[0], own[1], n, variance)


def _student(mean: FloatArray, spread: FloatArray, n: FloatArray) -> tuple[FloatArray, FloatArray]:
    known = np.isfinite(mean) & np.isfinite(spread)
    lower, upper = t_interval(
        np.where(known, mean, 0.0), np.sqrt(np.where(known, spread, 0.0)), np.where(known, n, 2.0)
    )
    return np.where(known, lower, np.nan), np.where(known, upper, np.nan)


def _normal(value: FloatArray, variance: FloatArray, n: FloatArray) -> Figure:
    known = np.isfinite(value) & np.isfinite(variance) & (np.nan_to_num(variance) > 0)
    lower, upper = normal_interval(np.where(known, value, 0.0), np.sqrt(np.where(known, variance, 0.0)))
    parts = (value, lower, upper)
    shown = [np.where(known, part, np.nan) for part in parts]
    return Figure(shown[0], shown[1], shown[2], n, np.where(known, variance, np.nan))


def score_sign(sums: Sums) -> float:
    """+1 when a lower score is better, -1 when a higher one is."""
    gains = float(np.nansum(sums["sum_value"]))
    raw = float(np.nansum(sums["sum_baseline"]) - np.nansum(sums["sum_followup"]))
    return -1.0 if gains * raw < 0 else 1.0


def _spread(total: FloatArray, squares: FloatArray, n: FloatArray) -> FloatArray:
    """Sample variance from sums; NaN below two people."""
    safe = np.where(n >= 2, n, 2.0)
    centered = squares - total**2 / safe
    floor = 1e-12 * np.abs(squares)
    return np.where(n >= 2, np.where(centered > floor, centered, 0.0) / (safe - 1), np.nan)


def _ratio(top: FloatArray, bottom: FloatArray) -> FloatArray:
    known = np.nan_to_num(bottom) > 0
    return np.where(known, top / np.where(known, bottom, 1.0), np.nan)


def _weighted(sums: Sums) -> WeightedSums:
    names = ("", "_squared", "_value", "_squared_value", "_squared_value_squared")
    return WeightedSums(*(np.nan_to_num(sums[f"sum_weight{name}"]) for name in names))
