"""Observed over expected: each organization against the reference, never against another one (METHODS M3.6)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchwell.benchmarks.adjusted_figures import AdjustedSums
from benchwell.models.arrays import FloatArray
from benchwell.models.intervals import normal_interval, poisson_exact

_RARE = 0.10  # up to here a count is as good as Poisson; above, Poisson limits are too wide


@dataclass(frozen=True)
class Ratio:
    """Observed over expected with 95 % limits, each of shape (k,), NaN where nothing is expected.

    Attributes:
        value: The ratio.
        lower: Lower limit.
        upper: Upper limit.
        method: "poisson_exact" (Garwood's limits of the count) or "normal" (limits from the model's variance).
    """

    value: FloatArray
    lower: FloatArray
    upper: FloatArray
    method: np.ndarray


def observed_over_expected(sums: AdjustedSums) -> Ratio:
    """Ratios of one field of organizations.

    What is expected counts as known: its own doubt is small beside that of one organization's outcomes, and is shared
    by all organizations. Both limits are exact or normal limits of what is observed, from nobody to everybody, divided
    by what is expected.

    Args:
        sums: Columns of `tables.DERIVED["adjusted_sums"]`, each of shape (k,), NaN for null.

    Source:
        Breslow & Day (1987), vol. II ch. 2; METHODS M3.6.
    """
    observed, expected, variance = sums["observed"], sums["expected"], sums["variance"]
    known = np.isfinite(observed) & (np.nan_to_num(expected) > 0)
    safe = np.where(known, expected, 1.0)
    count = np.where(known, np.maximum(observed, 0.0), 0.0)
    # A weighted sum of outcomes is no count.
    counts = np.nan_to_num(sums["weight_squared"]) == np.nan_to_num(sums["weight"])
    rare = known & counts & (expected < _RARE * np.nan_to_num(sums["weight"]))
    exact = poisson_exact(count, safe)
    normal = normal_interval(count, np.sqrt(np.where(known, variance, 0.0)))
    lower = np.where(rare, exact[0], np.maximum(normal[0], 0.0) / safe)
    upper = np.where(rare, exact[1], normal[1] / safe)
    # No more than everybody can have the outcome, whatever a normal or Poisson tail says.
    upper = np.minimum(upper, np.maximum(sums["weight"], count) / safe)
    return Ratio(
        value=np.where(known, count / safe, np.nan),
        lower=np.where(known, lower, np.nan),
        upper=np.where(known, upper, np.nan),
        method=np.where(rare, "poisson_exact", "normal"),
    )
