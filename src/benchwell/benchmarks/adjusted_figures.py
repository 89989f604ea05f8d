"""One adjusted figure per organization, from what was observed and what a case-mix model expected (METHODS M3.6, M3.7).

The figure answers: what would this organization's figure be among the people of all organizations together? For a
mean it is the common mean plus the average surplus over what was expected. For a rate it is the directly standardized
rate, which was solved from the rows and frozen; where it was not (quarters), the surplus is carried to the common
people by one Newton step. Either may be compared between organizations, which observed over expected may not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from benchwell.benchmarks.figures import Figure
from benchwell.models.arrays import BoolArray, FloatArray
from benchwell.models.intervals import normal_interval, wilson

AdjustedSums = Mapping[str, FloatArray]
SUMMARIES = frozenset({"proportion", "mean"})  # others have no expectation per person


@dataclass(frozen=True)
class CommonPeople:
    """All organizations together under one model.

    Attributes:
        value: Their figure.
        slope: How fast their expected figure moves with an organization's effect: the mean of p (1 - p), or 1.
    """

    value: float
    slope: float

    def pooled(self, sums: AdjustedSums) -> float:
        """The figure that everybody behind some sums would have among the common people, as one organization.

        That of all organizations together is `value`, since observed and expected agree over everybody; that of one
        level of a stratum shows how far its people fare from what the model expects of them.
        """
        information = float(np.nansum(sums["information"]))
        if not information > 0:
            return float("nan")
        surplus = float(np.nansum(sums["observed"])) - float(np.nansum(sums["expected"]))
        return self.value + self.slope * surplus / information

    @classmethod
    def of(cls, sums: AdjustedSums) -> CommonPeople:
        """From the sums of every organization, over the whole period and all strata."""
        weight = float(np.nansum(sums["weight"]))
        if weight <= 0:
            return cls(float("nan"), float("nan"))
        return cls(float(np.nansum(sums["observed"])) / weight, float(np.nansum(sums["information"])) / weight)


def adjusted_figure(sums: AdjustedSums, common: CommonPeople, *, share: bool) -> Figure:
    """The adjusted figure of each organization of one field.

    Args:
        sums: Columns of `tables.DERIVED["adjusted_sums"]`, each of shape (k,), NaN for null.
        common: What the figure is standardized to.
        share: Whether it is a rate, which ends at 0 and 1.

    Every field is standardized to the same people, those of all organizations and all strata: a gap between the levels
    of a stratum stays as wide as it is, and levels may be compared with each other.

    Returns:
        Figures of shape (k,); `variance` is that of an average organization with these people, so that 0 % and 100 %
        do not look certain (METHODS M3.9). NaN where nothing was expected.
    """
    information, surplus = sums["information"], sums["observed"] - sums["expected"]
    known = np.isfinite(surplus) & (np.nan_to_num(information) > 0)
    safe = np.where(known, information, 1.0)
    value = common.value + common.slope * np.where(known, surplus, 0.0) / safe
    variance = common.slope**2 * np.where(known, sums["variance"], np.nan) / safe**2
    own = variance
    if share:
        solved = known & np.isfinite(sums["direct"])
        value = np.where(solved, sums["direct"], np.clip(value, 0.0, 1.0))
        own = np.where(solved, sums["direct_variance"], variance)
    lower, upper = _limits(value, own, known, share=share)
    return Figure(
        value=np.where(known, value, np.nan),
        lower=lower,
        upper=upper,
        size=np.where(known, sums["n"], np.nan),
        variance=np.where(known, variance, np.nan),
    )


def _limits(value: FloatArray, variance: FloatArray, known: BoolArray, *, share: bool) -> tuple[FloatArray, FloatArray]:
    safe_variance = np.where(known & (np.nan_to_num(variance) > 0), variance, 1.0)
    center = np.where(known, value, 0.5)
    if share:
        # Wilson with as many people as would give this variance; at 0 and 1 the variance is that of half a person off.
        inside = np.clip(center, 1e-6, 1 - 1e-6)
        people = inside * (1 - inside) / safe_variance
        lower, upper = wilson(center * people, people)
    else:
        lower, upper = normal_interval(center, np.sqrt(safe_variance))
    return np.where(known, lower, np.nan), np.where(known, upper, np.nan)
