"""Posterior spread of a clinic that also carries the doubt about mean and variance between clinics (METHODS M3.9).

With few clinics the mean and tau2 are guesses themselves; a spread that takes them as known is too small, and zero
when tau2 happens to be estimated as zero.

What it reaches, by simulation (nominal 95 %, 30-300 people a clinic): 12 clinics of reliability near .5 are covered in
90 % of cases (77 % with the spread that takes tau2 as known), 25 in 91 % (87 %); with clinics of reliability near .75,
12 in 93 % (91 %) and 60 in 95 % (95 %).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from benchwell.models.arrays import ArrayLike, FloatArray, positive, vector
from benchwell.models.heterogeneity import precision_weighted_mean, tau2_dersimonian_laird
from benchwell.models.shrinkage import shrink

# METHODS M3.9 asks for the wider spread below this many clinics.
FEW_CLINICS = 30


def spread_for_light(estimate: ArrayLike, variance: ArrayLike, seed: int = 0) -> FloatArray:
    """Posterior spread of each clinic as a light uses it: with the doubt about mean and tau2 while clinics are few.

    Args:
        estimate: Clinic estimates, shape (k,), k >= 2. Their order is part of what the seed replays.
        variance: Their sampling variances, shape (k,), > 0.
        seed: Seed, recorded in the edition.

    Returns:
        Standard deviations, shape (k,), above zero: those of `posterior_sd` below `FEW_CLINICS`, those of `shrink` from
        there on, and the standard error of the mean where `shrink` finds no variance between clinics.

    Source:
        METHODS M3.9, M5.5.

    >>> few, many = np.linspace(0.4, 0.6, 12), np.linspace(0.4, 0.6, 30)
    >>> wider = spread_for_light(few, np.full(12, 0.004)) / shrink(few, np.full(12, 0.004)).sd
    >>> [round(float(one), 1) for one in (wider.min(), wider.max())]
    [1.7, 2.0]
    >>> bool((spread_for_light(many, np.full(30, 0.002)) == shrink(many, np.full(30, 0.002)).sd).all())
    True
    """
    y, v = vector("estimate", estimate, at_least=2), positive("variance", variance)
    if len(y) < FEW_CLINICS:
        return _replayed(y.tobytes(), v.tobytes(), seed).copy()
    fit = shrink(y, v)
    # Many clinics that seem all alike still share a mean that is only estimated: nothing is certain.
    return fit.sd if fit.tau2 > 0 else np.full(len(y), fit.mean_se)


@lru_cache(maxsize=256)
def _replayed(estimate: bytes, variance: bytes, seed: int) -> FloatArray:
    # Every clinic of a field is compared within the same field: the draws are made once.
    return posterior_sd(np.frombuffer(estimate), np.frombuffer(variance), seed=seed)


def posterior_sd(estimate: ArrayLike, variance: ArrayLike, replicates: int = 2000, seed: int = 0) -> FloatArray:
    """Posterior standard deviation of each clinic by parametric bootstrap of the mean and tau2.

    Args:
        estimate: Clinic estimates, shape (k,), k >= 2.
        variance: Their sampling variances, shape (k,), > 0.
        replicates: Number of draws.
        seed: Seed, recorded in the edition.

    Returns:
        Standard deviations, shape (k,): the mean posterior variance over draws of (mean, tau2), plus the variance over
        the draws of the shrunken estimate itself.

    Raises:
        ValueError: If there are fewer than 2 clinics or replicates, shapes differ, a value is NaN or a variance not
            above zero.

    Source:
        Laird & Louis (1987), J Am Stat Assoc 82:739-750, type III parametric bootstrap; METHODS M3.9.

    >>> y, v = np.array([0.62, 0.48, 0.55, 0.40, 0.70]), np.array([0.0012, 0.0041, 0.0020, 0.0061, 0.0164])
    >>> bool((posterior_sd(y, v) > shrink(y, v).sd).all())
    True
    """
    y, v = vector("estimate", estimate, at_least=2), positive("variance", variance)
    if replicates < 2:
        raise ValueError("replicates must be at least 2")
    fit = shrink(y, v)
    drawn = np.random.default_rng(seed).normal(fit.mean, np.sqrt(fit.tau2 + v), size=(replicates, len(y)))
    variances = np.broadcast_to(v, drawn.shape)
    tau2 = tau2_dersimonian_laird(drawn, variances)
    mean = precision_weighted_mean(drawn, variances, tau2)[:, None]
    reliability = tau2[:, None] / (tau2[:, None] + v)
    shrunken = reliability * y + (1 - reliability) * mean
    within = (tau2[:, None] * (1 - reliability)).mean(axis=0)
    return np.asarray(np.sqrt(within + shrunken.var(axis=0, ddof=1)))
