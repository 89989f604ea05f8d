"""Penalized quasi-likelihood over clinics that share weighted sums only (dPQL): the alternative of METHODS M3.4.

Each round is a linear mixed model for a working response. Every clinic sends weighted sums of its rows at the current
coefficients, and what the coordinator fits from them is, number by number, what it would fit from the pooled rows.
Who lets such sums leave (METHODS M3.5: they can reveal a patient) is decided by the caller, for every round.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import optimize

from benchwell.models.arrays import ArrayLike, BoolArray, FloatArray, vector
from benchwell.models.mode_search import expit

LARGEST_ROUNDS = 20  # METHODS M3.4: callbacks leak, so their number is capped
RARE = 5.0  # successes or failures of a clinic below which quasi-likelihood is known to be biased
_TOLERANCE = 1e-8  # relative change of the coefficients and effects from one round to the next


@dataclass(frozen=True)
class ClinicRound:
    """What one clinic sends in one round.

    Attributes:
        xwx: X'WX, shape (p, p).
        xwz: X'Wz, shape (p,).
        zwz: z'Wz.
        n: Rows.
        rarer: Successes or failures, whichever are fewer.
    """

    xwx: FloatArray
    xwz: FloatArray
    zwz: float
    n: int
    rarer: float


@dataclass(frozen=True)
class PqlFit:
    """A penalized quasi-likelihood fit, and how it was found.

    Attributes:
        coefficients: Fixed effects, shape (p,), log odds.
        covariance: Shape (p, p), given the variances.
        sd: Standard deviation of the clinics' intercepts, log odds.
        dispersion: Residual variance of the working response; near 1 for binary outcomes.
        effects: Predicted intercept of each clinic, log odds.
        biased: Clinics with fewer than five successes or failures, where the method is biased; a reason to prefer
            the marginal likelihood.
        singular: Whether the standard deviation is 0.
        rounds: Queries made to every clinic.
        converged: Whether the last round changed nothing any more.
    """

    coefficients: FloatArray
    covariance: FloatArray
    sd: float
    dispersion: float
    effects: FloatArray
    biased: BoolArray
    singular: bool
    rounds: int
    converged: bool


def clinic_round(x: ArrayLike, successes: ArrayLike, coefficients: ArrayLike, effect: float) -> ClinicRound:
    """Weighted sums of one clinic's rows at the current coefficients and its current intercept.

    Args:
        x: The clinic's design, shape (n, p), constant in column 0.
        successes: 0 or 1, shape (n,).
        coefficients: Current fixed effects, shape (p,), log odds.
        effect: The clinic's current intercept, log odds.

    >>> sums = clinic_round(np.ones((4, 1)), [0, 1, 1, 0], [0.0], 0.0)
    >>> sums.xwx.tolist(), sums.xwz.tolist(), sums.zwz
    ([[1.0]], [0.0], 4.0)
    """
    design, y, beta = np.asarray(x, dtype=np.float64), vector("successes", successes), vector("beta", coefficients)
    if design.shape != (len(y), len(beta)):
        raise ValueError(f"x {design.shape}, successes {y.shape} and coefficients {beta.shape} do not fit together")
    eta = design @ beta + effect
    probability = np.clip(expit(eta), 1e-10, 1.0 - 1e-10)
    weight = probability * (1.0 - probability)
    working = eta + (y - probability) / weight
    weighted = design * weight[:, None]
    met = float(y.sum())
    return ClinicRound(
        design.T @ weighted, weighted.T @ working, float(weight @ working**2), len(y), min(met, len(y) - met)
    )


def federated_pql(
    clinics: Sequence[Callable[[FloatArray, float], ClinicRound]],
    n_coefficients: int,
    *,
    start: ArrayLike | None = None,
) -> PqlFit:
    """Fit by rounds of weighted sums, at most twenty.

    Args:
        clinics: For each clinic, a function of (coefficients, its intercept) that returns its `ClinicRound`; it runs
            where the rows are.
        n_coefficients: Columns p of the agreed design.
        start: Coefficients to begin with, shape (p,); zeros if not given.

    Source:
        Luo et al. (2022), J Am Med Inform Assoc (dPQL); Breslow & Clayton (1993), J Am Stat Assoc 88:9-25;
        the variances as in MASS::glmmPQL (maximum likelihood, dispersion estimated).

    >>> def clinic(rate):
    ...     y = (np.arange(50) < 50 * rate).astype(float)
    ...     return lambda beta, effect: clinic_round(np.ones((50, 1)), y, beta, effect)
    >>> fit = federated_pql([clinic(rate) for rate in (0.2, 0.4, 0.6, 0.8)], 1)
    >>> fit.converged, round(fit.sd, 3), fit.effects.round(2).tolist()
    (True, 0.955, [-1.23, -0.37, 0.37, 1.23])
    """
    beta = np.zeros(n_coefficients) if start is None else vector("start", start)
    effects, step = np.zeros(len(clinics)), _Step.empty(n_coefficients)
    sent: list[ClinicRound] = []
    converged, rounds = False, 0
    while not converged and rounds < LARGEST_ROUNDS:
        sent = [clinic(beta, float(effect)) for clinic, effect in zip(clinics, effects, strict=True)]
        step = _linear_step(sent)
        rounds += 1
        moved = np.concatenate([step.beta - beta, step.effects - effects])
        size = np.concatenate([step.beta, step.effects])
        converged = bool((moved @ moved) <= _TOLERANCE**2 * max(float(size @ size), 1e-300))
        beta, effects = step.beta, step.effects
    return PqlFit(
        coefficients=beta,
        covariance=step.covariance,
        sd=float(np.sqrt(step.ratio * step.dispersion)),
        dispersion=step.dispersion,
        effects=effects,
        biased=np.array([clinic.rarer < RARE for clinic in sent]),
        singular=step.ratio == 0.0,
        rounds=rounds,
        converged=converged,
    )


@dataclass(frozen=True)
class _Step:
    """One linear mixed model: variance ratio, dispersion, coefficients, their covariance, intercepts."""

    ratio: float
    dispersion: float
    beta: FloatArray
    covariance: FloatArray
    effects: FloatArray

    @classmethod
    def empty(cls, p: int) -> _Step:
        return cls(0.0, 1.0, np.zeros(p), np.full((p, p), np.nan), np.zeros(0))


def _linear_step(sent: Sequence[ClinicRound]) -> _Step:
    """Maximum likelihood of the linear mixed model of the working response, from the clinics' sums (M3.2)."""
    xwx, xwz = np.array([clinic.xwx for clinic in sent]), np.array([clinic.xwz for clinic in sent])
    zwz, n = sum(clinic.zwz for clinic in sent), sum(clinic.n for clinic in sent)
    weight, column, response = xwx[:, 0, 0], xwx[:, 0, :], xwz[:, 0]

    def at(ratio: float) -> tuple[_Step, float]:
        shrink = ratio / (1.0 + weight * ratio)
        matrix = xwx.sum(axis=0) - (column * shrink[:, None]).T @ column
        right = xwz.sum(axis=0) - shrink @ (column * response[:, None])
        beta = np.linalg.solve(matrix, right)
        dispersion = float(zwz - shrink @ response**2 - right @ beta) / n
        residual = response - column @ beta
        # -2 d loglik / d ratio, the dispersion at its own maximum
        slope = float((weight / (1.0 + ratio * weight)).sum())
        slope -= float(((residual / (1.0 + ratio * weight)) ** 2).sum()) / dispersion
        inverse = np.asarray(np.linalg.inv(matrix), dtype=np.float64)
        return _Step(ratio, dispersion, beta, dispersion * inverse, shrink * residual), slope

    step, slope = at(0.0)
    if slope >= 0.0:
        return step
    high = 1.0
    while at(high)[1] < 0.0 and high < 1e8:
        high *= 4.0
    ratio = float(optimize.brentq(lambda ratio: at(ratio)[1], 0.0, high, xtol=1e-14, rtol=1e-13))
    return at(ratio)[0]
