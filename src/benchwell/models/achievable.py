"""Achievable Benchmark of Care: the rate of the clinics that reach a tenth of all patients (METHODS M4.3)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchwell.models.arrays import ArrayLike, BoolArray, FloatArray, IntArray, met_of_n, positive, share, vector
from benchwell.terms import Better


@dataclass(frozen=True)
class AchievableBenchmark:
    """The benchmark and the clinics behind it.

    Attributes:
        benchmark: Pooled rate of the included clinics, fraction.
        included: Which clinics are behind it, shape (k,).
        order: Indices of the clinics by adjusted performance fraction, most favorable first, shape (k,).
        adjusted_fraction: (met + 1) / (n + 2) of each clinic, shape (k,).
        n: People in the included clinics.
        n_needed: People that the wanted share amounts to.
    """

    benchmark: float
    included: BoolArray
    order: IntArray
    adjusted_fraction: FloatArray
    n: float
    n_needed: float


def achievable_benchmark(
    met: ArrayLike, n: ArrayLike, patient_share: float = 0.10, better: Better = Better.HIGHER
) -> AchievableBenchmark:
    """Pool the clinics with the most favorable adjusted rates until they hold a share of all patients.

    Args:
        met: Successes per clinic, shape (k,), counts.
        n: People per clinic, shape (k,), > 0.
        patient_share: Share of all patients to reach.
        better: Which end of the rate is favorable (`LOWER` for, say, deterioration).

    Returns:
        The benchmark, the clinics behind it and their order. Ties in the adjusted fraction go to the larger clinic,
        so the result does not depend on the order of the rows.

    Raises:
        ValueError: If a count is NaN or negative, `met` exceeds `n`, or a clinic has nobody.

    Source:
        Kiefe et al. (1998), Int J Qual Health Care 10:443-447; METHODS E4.3.

    >>> x, n = [25, 52, 23, 80, 49, 40, 64, 54, 38, 8], [80, 150, 60, 200, 120, 90, 140, 110, 70, 12]
    >>> result = achievable_benchmark(x, n)
    >>> round(result.benchmark, 6), result.order[:3] + 1
    (0.520833, array([10,  9,  8]))
    """
    x, people = met_of_n(vector("met", met), positive("n", vector("n", n)))
    adjusted = (x + 1) / (people + 2)
    favorable = adjusted if better is Better.HIGHER else -adjusted
    order = np.lexsort((-people, -favorable))
    needed = share("patient_share", patient_share) * people.sum()
    reached = np.cumsum(people[order])
    last = int(np.searchsorted(reached, needed * (1 - 1e-12), side="left"))
    included = np.zeros(len(x), dtype=bool)
    included[order[: last + 1]] = True
    return AchievableBenchmark(
        benchmark=float(x[included].sum() / people[included].sum()),
        included=included,
        order=order.astype(np.int64),
        adjusted_fraction=adjusted,
        n=float(people[included].sum()),
        n_needed=float(needed),
    )
