"""Do clinics' means matter otherwise than deviations from them? Mundlak's contrast, column by column (M3.8)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from benchwell.casemix.digits import finite_or_none
from benchwell.models.arrays import FloatArray, IntArray
from benchwell.models.fixed_effects_logistic import logistic_contrast
from benchwell.models.group_sums import sums_by_group
from benchwell.models.mixed_statistics import MixedStatistics
from benchwell.models.within_between import within_between


@dataclass(frozen=True)
class Contrast:
    """Coefficients of clinics' means beside those within clinics.

    Attributes:
        between: Per column, shape (p,); NaN where the data do not tell.
        between_errors: Their standard errors, likewise.
        p_values: Of between minus within, likewise.
        p: Of all contrasts together; None where there are too few clinics. Below .05, an adjustment by random effects
            alone would move results.
    """

    between: FloatArray
    between_errors: FloatArray
    p_values: FloatArray
    p: float | None


def contrast_of(columns: FloatArray, outcome: FloatArray, organization: IntArray, *, share: bool) -> Contrast | None:
    """The contrast of these people, each counted as one; None where it cannot be computed.

    Args:
        columns: Coded adjusters without the constant, shape (n, p).
        outcome: Shape (n,).
        organization: Index of each person's organization, shape (n,); some may have nobody.
        share: Whether the outcome is 0 or 1.

    Source:
        Mundlak (1978), Econometrica 46:69-85; METHODS M3.8.
    """
    present, index = np.unique(organization, return_inverse=True)
    try:
        if share:
            found = logistic_contrast(columns, outcome, index, len(present))
            z = found.contrast.values / found.contrast.standard_errors
            return Contrast(
                found.between.values,
                found.between.standard_errors,
                2 * special.ndtr(-np.abs(z)),
                finite_or_none(found.p),
            )
        linear = within_between(_statistics(columns, outcome, index, len(present)))
    except (ValueError, np.linalg.LinAlgError):  # a single clinic, or clinics' means that separate the outcomes
        return None
    return Contrast(linear.between.values, linear.between.standard_errors, linear.contrast_p, finite_or_none(linear.p))


def _statistics(columns: FloatArray, outcome: FloatArray, index: IntArray, k: int) -> MixedStatistics:
    """Sums of a mixed model of these people by clinic."""
    design = np.column_stack([np.ones(len(outcome)), columns])
    return MixedStatistics(
        n=len(outcome),
        xtx=design.T @ design,
        xty=design.T @ outcome,
        yty=float(outcome @ outcome),
        group_n=np.bincount(index, minlength=k),
        group_x=np.column_stack([sums_by_group(one, index, k) for one in design.T]),
        group_y=sums_by_group(outcome, index, k),
    )
