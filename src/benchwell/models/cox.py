"""Proportional hazards regression (Cox): how covariates multiply the rate of an event (METHODS M2.9).

A hazard ratio is a statement about rates among those still without the event, averaged over follow-up; it is not a
ratio of probabilities, and it compares people as observed, not what a change of the covariate would do.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from scipy import special

from benchwell.models.arrays import ArrayLike, BoolArray, FloatArray, finite, same_shape, share
from benchwell.models.concordance import Concordance, concordance
from benchwell.models.cox_likelihood import BaselineHazard, RiskSets, TiedTimes
from benchwell.models.follow_up_times import follow_up


class MonotoneLikelihoodWarning(UserWarning):
    """A covariate separates those with the event from those without: its coefficient has no finite estimate."""


@dataclass(frozen=True)
class CoxFit:
    """A fitted proportional hazards model.

    Attributes:
        coefficient: Log hazard ratios per unit, shape (p,).
        std_error: Their standard errors.
        lower: Lower confidence limits of the log hazard ratios.
        upper: Upper confidence limits.
        z: Coefficients over standard errors.
        p_value: Two-sided p values.
        covariance: Covariance of the coefficients, shape (p, p).
        without_finite_estimate: Coefficients that grow without end (monotone likelihood), shape (p,). Their value,
            standard error and p value are where the search stopped and mean nothing; the likelihood ratio still does.
        log_likelihood_null: Log partial likelihood with all coefficients at zero.
        log_likelihood: Log partial likelihood of the fit.
        likelihood_ratio: Twice their difference.
        wald: Wald statistic of all coefficients together.
        score: Score statistic at zero; with one group indicator and no ties, the log-rank test.
        df: Degrees of freedom of the three.
        concordance: How often the one with the higher fitted hazard has the event first.
        center: Means of the covariates, shape (p,).
        baseline: Cumulative hazards at `center`, one per stratum.
        n: Number of people.
        n_events: Number of events.
        iterations: Newton steps taken.
        converged: Whether the search reached the top of a finite hill.
    """

    coefficient: FloatArray
    std_error: FloatArray
    lower: FloatArray
    upper: FloatArray
    z: FloatArray
    p_value: FloatArray
    covariance: FloatArray
    without_finite_estimate: BoolArray
    log_likelihood_null: float
    log_likelihood: float
    likelihood_ratio: float
    wald: float
    score: float
    df: int
    concordance: Concordance
    center: FloatArray
    baseline: tuple[BaselineHazard, ...]
    n: int
    n_events: int
    iterations: int
    converged: bool

    def cumulative_hazard(self, x: ArrayLike, stratum: int = 0) -> BaselineHazard:
        """Cumulative hazard of a person with covariates `x`, shape (p,), in the given entry of `baseline`.

        >>> fit = cox([1, 2, 3, 4], [1, 1, 0, 1], [0, 1, 1, 0])
        >>> fit.cumulative_hazard([0.0]).time
        array([1., 2., 4.])
        """
        base = self.baseline[stratum]
        factor = float(np.exp((finite("x", x) - self.center) @ self.coefficient))
        return BaselineHazard(base.stratum, base.time, base.cumulative_hazard * factor)


@dataclass(frozen=True)
class _Climb:
    beta: FloatArray
    information: FloatArray
    steps: int
    endless: BoolArray
    converged: bool


def cox(
    time: ArrayLike,
    event: ArrayLike,
    covariates: ArrayLike,
    stratum: ArrayLike | None = None,
    *,
    ties: TiedTimes = TiedTimes.EFRON,
    level: float = 0.95,
) -> CoxFit:
    """Fit log hazard ratios by maximum partial likelihood.

    Args:
        time: Time to the event or to the end of follow-up, shape (n,), >= 0.
        event: 1 for an event, 0 for censored, shape (n,).
        covariates: One column per covariate, shape (n, p), or (n,) for one; no column of ones.
        stratum: Code of the stratum, shape (n,): each has a baseline hazard of its own. None for one.
        ties: How tied event times are treated.
        level: Two-sided confidence level.

    Returns:
        The fit. Where the likelihood has no finite top it says so in `without_finite_estimate`, and warns.

    Raises:
        ValueError: If shapes differ, a value is NaN, nobody had the event, or a covariate is constant or follows from
            the others.

    Source:
        Cox (1972), JRSS B 34:187-220; Efron (1977), JASA 72:557-565; Breslow (1974), Biometrics 30:89-99.

    >>> fit = cox([5, 8, 9, 11, 12, 15], [1, 1, 0, 1, 1, 1], [1, 0, 1, 1, 0, 0])
    >>> fit.coefficient.round(4), round(fit.log_likelihood, 4), fit.n_events
    (array([1.0731]), -4.7873, 5)
    """
    t, happened = follow_up(time, event)
    X = finite("covariates", covariates)
    X = X[:, None] if X.ndim == 1 else X
    layer = np.zeros_like(t) if stratum is None else finite("stratum", stratum)
    same_shape(time=t, stratum=layer)
    if X.ndim != 2 or len(X) != len(t) or X.shape[1] == 0:
        raise ValueError(f"covariates must have one row per person: {len(t)} people, shape {X.shape}")
    if not happened.any():
        raise ValueError("nobody had the event: hazards cannot be compared")
    center = X.mean(axis=0)
    scale = X.std(axis=0)
    Z = (X - center) / np.where(scale > 0, scale, 1.0)
    layers = np.unique(layer)
    sets = [RiskSets(Z[layer == one], t[layer == one], happened[layer == one], ties) for one in layers]
    _refuse_without_information(_derivatives(sets, np.zeros(X.shape[1]))[1])
    climb = _maximize(sets, X.shape[1])
    if climb.endless.any():
        warnings.warn(
            f"{int(climb.endless.sum())} coefficient(s) grow without end; see without_finite_estimate",
            MonotoneLikelihoodWarning,
            stacklevel=2,
        )
    return _cox_fit(climb, sets, layers, X @ (climb.beta / scale), t, happened, layer, (center, scale), level)


def _cox_fit(
    climb: _Climb,
    sets: list[RiskSets],
    layers: FloatArray,
    score_of_person: FloatArray,
    t: FloatArray,
    happened: BoolArray,
    layer: FloatArray,
    units: tuple[FloatArray, FloatArray],
    level: float,
) -> CoxFit:
    center, scale = units
    zero = np.zeros_like(climb.beta)
    null, top = _height(sets, zero), _height(sets, climb.beta)
    covariance = np.linalg.pinv(climb.information, hermitian=True) / np.outer(scale, scale)
    coefficient, std_error = climb.beta / scale, np.sqrt(np.diag(covariance))
    half = float(special.ndtri(0.5 + share("level", level) / 2)) * std_error
    slope, information = _derivatives(sets, zero)
    z = coefficient / std_error
    return CoxFit(
        coefficient=coefficient,
        std_error=std_error,
        lower=coefficient - half,
        upper=coefficient + half,
        z=z,
        p_value=2 * special.ndtr(-np.abs(z)),
        covariance=covariance,
        without_finite_estimate=climb.endless,
        log_likelihood_null=null,
        log_likelihood=top,
        likelihood_ratio=2 * (top - null),
        wald=float(climb.beta @ climb.information @ climb.beta),
        score=float(slope @ np.linalg.pinv(information, hermitian=True) @ slope),
        df=len(coefficient),
        concordance=concordance(t, happened, score_of_person, layer),
        center=center,
        baseline=tuple(one.baseline(climb.beta, float(code)) for one, code in zip(sets, layers, strict=True)),
        n=len(t),
        n_events=int(happened.sum()),
        iterations=climb.steps,
        converged=climb.converged,
    )


def _maximize(sets: list[RiskSets], p: int, max_steps: int = 60) -> _Climb:
    """Newton steps with halving, in units of standard deviations.

    At a finite top the steps shrink to nothing. Where the likelihood only levels off they stay near one while the
    height no longer grows: that is a monotone likelihood.
    """
    beta, height = np.zeros(p), _height(sets, np.zeros(p))
    endless, converged, flat, steps = np.zeros(p, dtype=np.bool_), False, 0, 0
    slope, information = _derivatives(sets, beta)
    while steps < max_steps and not converged and flat < 3:
        step = np.linalg.pinv(information, hermitian=True) @ slope
        # Near a plateau the information is next to nothing and a full step would leave what one can compute with.
        step = step * min(1.0, 3.0 / max(float(np.abs(step).max()), 1e-300))
        rounding = 1e-13 * (1 + abs(height))
        while _height(sets, beta + step) < height - rounding and np.abs(step).max() > 1e-12:
            step = step / 2
        beta = beta + step
        gain, height = _height(sets, beta) - height, _height(sets, beta)
        slope, information = _derivatives(sets, beta)
        steps += 1
        converged = bool((np.abs(step) <= 1e-9 * (1 + np.abs(beta))).all())
        moving = np.abs(step) > 0.05
        flat = flat + 1 if gain < 1e-9 * (1 + abs(height)) and moving.any() else 0
        endless = moving
    return _Climb(beta, information, steps, endless & (not converged), converged)


def _height(sets: list[RiskSets], beta: FloatArray) -> float:
    return sum(one.log_likelihood(beta) for one in sets)


def _derivatives(sets: list[RiskSets], beta: FloatArray) -> tuple[FloatArray, FloatArray]:
    parts = [one.derivatives(beta) for one in sets]
    return np.sum([slope for slope, _ in parts], axis=0), np.sum([information for _, information in parts], axis=0)


def _refuse_without_information(information: FloatArray) -> None:
    """Without information at zero there is no coefficient: nobody at risk beside an event differs in the covariate."""
    if np.linalg.matrix_rank(information, tol=1e-9 * max(1.0, float(np.diag(information).max())), hermitian=True) < len(
        information
    ):
        raise ValueError("a covariate does not vary among people at risk, or follows from the others; leave it out")
