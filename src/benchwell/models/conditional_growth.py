"""What to expect of one person next: a growth curve, conditional on where the person started (METHODS M6.1).

Plain numbers, no arrays: this runs while a score is being acknowledged.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

_NORMAL = NormalDist()


@dataclass(frozen=True)
class Predicted:
    """A normal distribution of one person's next score.

    Attributes:
        mean: Points.
        sd: Points, of a new score of a new person: spread between people and error of measurement.
    """

    mean: float
    sd: float

    def quantile(self, share: float) -> float:
        """The score below which `share` of such people are expected, points."""
        return self.mean + self.sd * normal_quantile(share)


@dataclass(frozen=True)
class Growth:
    """A line in time with a random intercept and slope: y = b0 + u0 + (b1 + u1) t + e.

    Attributes:
        intercept: b0, points, at t = 0.
        slope: b1, points per unit of t.
        intercept_variance: Var(u0), squared points.
        covariance: Cov(u0, u1).
        slope_variance: Var(u1).
        residual_variance: Var(e), squared points, > 0.

    Raises:
        ValueError: If the variances are no covariance matrix, or a value is not finite.
    """

    intercept: float
    slope: float
    intercept_variance: float
    covariance: float
    slope_variance: float
    residual_variance: float

    def __post_init__(self) -> None:
        """Refuse what cannot be variances."""
        if not all(map(math.isfinite, (self.intercept, self.slope, self.covariance))):
            raise ValueError("coefficients must be finite")
        if not (self.intercept_variance >= 0 and self.slope_variance >= 0 and 0 < self.residual_variance < math.inf):
            raise ValueError("variances must be at least zero, and that of a residual above it")
        product = self.intercept_variance * self.slope_variance
        if self.covariance**2 > product * (1 + 1e-9) + 1e-12:
            raise ValueError("the covariance is too large for its variances")

    def marginal(self, t: float) -> Predicted:
        """A score at time t of somebody of whom nothing is known.

        >>> Growth(15, -2.6, 16, -1.5, 1.2, 7).marginal(math.log(4)).quantile(0.9).__round__(4)
        17.289
        """
        return Predicted(self._mean(t), math.sqrt(self._covariance(t, t) + self.residual_variance))

    def given(self, t: float, baseline: float, baseline_t: float = 0.0) -> Predicted:
        """A score at time t of somebody whose score at `baseline_t` is known.

        Args:
            t: When, in the units that the curve was fitted in (usually the logarithm of a clock).
            baseline: The known score, points.
            baseline_t: When it was, same units as t.

        Returns:
            Mean and spread of a new score; at `baseline_t` itself they are of a second score on that day.

        Source:
            METHODS M6.1, E6.1: the conditional normal distribution; Finch, Lambert & Schaalje (2001), Clin Psychol
            Psychother 8:231-242.

        >>> expected = Growth(15, -2.6, 16, -1.5, 1.2, 7).given(math.log(4), 20)
        >>> round(expected.mean, 4), round(expected.sd, 4), round(expected.quantile(0.9), 4)
        (14.4218, 3.5668, 18.9929)
        """
        shared = self._covariance(t, baseline_t)
        known = self._covariance(baseline_t, baseline_t) + self.residual_variance
        mean = self._mean(t) + shared / known * (baseline - self._mean(baseline_t))
        variance = self._covariance(t, t) + self.residual_variance - shared * shared / known
        return Predicted(mean, math.sqrt(variance))

    def _mean(self, t: float) -> float:
        return self.intercept + self.slope * t

    def _covariance(self, one: float, other: float) -> float:
        """Covariance of the true scores at two times."""
        return self.intercept_variance + (one + other) * self.covariance + one * other * self.slope_variance


def log_weeks(weeks: float) -> float:
    """Time of a curve whose clock is weeks: the first day is 0.

    >>> round(log_weeks(0), 4), round(log_weeks(3), 4)
    (0.0, 1.3863)
    """
    return math.log1p(max(weeks, 0.0))


def log_sessions(session: float) -> float:
    """Time of a curve whose clock is the number of the session; before the first one counts as the first.

    >>> log_sessions(0), round(log_sessions(4), 4)
    (0.0, 1.3863)
    """
    return math.log(max(session, 1.0))


_quantiles: dict[float, float] = {}


def normal_quantile(share: float) -> float:
    """Standard normal quantile, remembered: a service asks for the same two of them all day.

    >>> round(normal_quantile(0.9), 4)
    1.2816
    """
    if share not in _quantiles:
        _quantiles[share] = _NORMAL.inv_cdf(share)
    return _quantiles[share]
