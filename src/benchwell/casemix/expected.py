"""What is expected of a person: coefficients from within clinics, a common constant, and how sure the model is (M3.8).

Coefficients rest on differences between people of the same clinic, so that poor care where people are poor is not
booked on the people. The constant makes expected and observed agree over everybody: the reference is the care of all
organizations together.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import special

from benchwell.models.arrays import FloatArray, IntArray
from benchwell.models.fixed_effects_linear import fit_fixed_effects_linear
from benchwell.models.fixed_effects_logistic import fit_fixed_effects_logistic, logistic_contrast

PER_COLUMN = 10  # people of the rarer outcome that each column needs
_LEAST_PEOPLE = 30  # beyond the columns (METHODS M3.2)
_NEWTON_STEPS = 100
# Newton's steps shrink by squares: after one this small, in standard deviations, what is left is below 1e-11.
_LAST_STEP = 1e-6


class CannotFitError(ValueError):
    """A model that the data cannot carry; the text is a reason code and what was found."""


@dataclass(frozen=True)
class Expectation:
    """A fitted expectation.

    Attributes:
        slopes: Per column after the constant, shape (p,); 0 where the data do not tell.
        covariance: Of the slopes, shape (p, p); NaN likewise. Neither shares nor expectations use it: what is expected
            counts as known, and the edition tells it for whoever asks (METHODS M13.1).
        constant: So that expected and observed agree over everybody.
        residual_variance: Of a continuous outcome within clinics; 0 for a yes/no outcome.
        share: Whether the outcome is yes or no.
        converged: Whether the fit settled.
        iterations: Newton steps.
        left_out: Clinics that say nothing about the slopes, since nobody or everybody there had the outcome.
    """

    slopes: FloatArray
    covariance: FloatArray
    constant: float
    residual_variance: float
    share: bool
    converged: bool
    iterations: int
    left_out: int

    @property
    def standard_errors(self) -> FloatArray:
        """Of the slopes, shape (p,)."""
        with np.errstate(invalid="ignore"):
            return np.sqrt(np.diag(self.covariance))

    def predictor(self, columns: FloatArray) -> FloatArray:
        """Linear predictor of people, shape (n,)."""
        return np.asarray(self.constant + columns @ self.slopes)

    def mean(self, predictor: FloatArray) -> FloatArray:
        """Expected outcome of people, shape (n,)."""
        return np.asarray(special.expit(predictor)) if self.share else predictor

    def spread(self, mean: FloatArray) -> FloatArray:
        """Variance of one person's outcome around it, shape (n,)."""
        return mean * (1 - mean) if self.share else np.full(len(mean), self.residual_variance)

    def scaled(self, factor: float, columns: FloatArray, outcome: FloatArray, weight: FloatArray) -> Expectation:
        """Slopes shrunken by a factor, with the constant that fits them: uniform recalibration (METHODS M3.11)."""
        slopes = self.slopes * factor
        constant = _constant(columns @ slopes, outcome, weight, share=self.share)
        return replace(self, slopes=slopes, covariance=self.covariance * factor**2, constant=constant)


def expect(
    columns: FloatArray,
    outcome: FloatArray,
    group: IntArray,
    groups: int,
    *,
    share: bool,
    weight: FloatArray | None = None,
    mundlak: bool = False,
    start: FloatArray | None = None,
) -> Expectation:
    """Fit the expectation of an outcome from differences within clinics.

    Args:
        columns: Coded adjusters without the constant, shape (n, p).
        outcome: Shape (n,).
        group: Index of each person's clinic, shape (n,).
        groups: Number of clinics.
        share: Whether the outcome is 0 or 1.
        weight: Of each person; None is 1. Mundlak slopes of a yes/no outcome take no weights, the constant does.
        mundlak: Clinic means beside the deviations from them instead of one constant per clinic. For means both give
            the same slopes.
        start: Slopes to begin the search from; they do not move where it ends.

    Raises:
        CannotFitError: If there are too few people, or too few of the rarer outcome, for so many columns.

    Source:
        Kalbfleisch & Wolfe (2013), Stat Biosci 5:286-302; Mundlak (1978), Econometrica 46:69-85; METHODS M3.8.
    """
    _ensure_enough(columns, outcome, share=share)
    weights = np.ones(len(outcome)) if weight is None else weight
    converged, iterations, left_out, variance = True, 1, 0, 0.0
    try:
        if not share:
            linear = fit_fixed_effects_linear(columns, outcome, group, groups, weight)
            found, variance = linear.slopes, linear.residual_variance
        elif mundlak:
            contrast = logistic_contrast(columns, outcome, group, groups)
            found, converged = contrast.within, contrast.converged
        else:
            fixed = fit_fixed_effects_logistic(
                columns, outcome, group, groups, weight=weight, start=start, tolerance=_LAST_STEP
            )
            found, converged, iterations = fixed.slopes, fixed.converged, fixed.iterations
            left_out = fixed.left_out_none + fixed.left_out_all
    except (ValueError, np.linalg.LinAlgError) as problem:  # nothing differs within clinics
        raise CannotFitError(f"nothing_within_clinics: {problem}") from None
    if not converged:
        raise CannotFitError("not_converged: the adjusters separate the outcomes")
    slopes = np.where(found.known, found.values, 0.0)
    constant = _constant(columns @ slopes, outcome, weights, share=share)
    return Expectation(slopes, found.covariance, constant, variance, share, converged, iterations, left_out)


def _ensure_enough(columns: FloatArray, outcome: FloatArray, *, share: bool) -> None:
    n, p = columns.shape
    if n - p < _LEAST_PEOPLE:
        raise CannotFitError(f"too_few_people: {n} people for {p} columns; {p + _LEAST_PEOPLE} are needed")
    if not share and not np.ptp(outcome) > 0:
        raise CannotFitError("no_variation: everybody has the same outcome")
    if share:
        rarer = int(min(outcome.sum(), n - outcome.sum()))
        if rarer < PER_COLUMN * p:
            raise CannotFitError(
                f"too_few_outcomes: {rarer} of the rarer outcome for {p} columns; {PER_COLUMN * p} are needed"
            )


def _constant(offset: FloatArray, outcome: FloatArray, weight: FloatArray, *, share: bool) -> float:
    """The constant at which expected and observed agree over everybody."""
    if not share:
        return float((weight * (outcome - offset)).sum() / weight.sum())
    wanted = float((weight * outcome).sum())
    constant = float(special.logit(wanted / weight.sum())) - float((weight * offset).sum() / weight.sum())
    for _ in range(_NEWTON_STEPS):
        chance = special.expit(constant + offset)
        slope = float((weight * chance * (1 - chance)).sum())
        step = (wanted - float((weight * chance).sum())) / max(slope, 1e-300)
        constant += float(np.clip(step, -2.0, 2.0))
        if abs(step) < 1e-12:
            break
    return constant
