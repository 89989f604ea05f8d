"""Whether groups of studies differ: the test of the difference, never two tests compared (METHODS M10.2)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from benchwell.models.arrays import ArrayLike, positive, same_shape, vector


@dataclass(frozen=True)
class SubgroupDifference:
    """Test of no difference between the pooled effects of groups. Observational: groups differ in much else.

    Attributes:
        q_between: Weighted sum of squares between groups.
        df: Groups less one.
        p_value: Its p value.
        difference: First less second effect for two groups, else NaN.
        z: `difference` over its standard error for two groups, else NaN.
    """

    q_between: float
    df: int
    p_value: float
    difference: float
    z: float


def subgroup_difference(estimate: ArrayLike, std_error: ArrayLike) -> SubgroupDifference:
    """Test whether pooled effects of independent groups of studies differ.

    Args:
        estimate: Pooled effect of each group, shape (g,), g >= 2.
        std_error: Their standard errors, shape (g,), > 0. Without them there is no claim.

    Returns:
        The test.

    Raises:
        ValueError: If there are fewer than two groups, or a standard error is missing (NaN) or not above zero.

    Source:
        Borenstein & Higgins (2013), Prev Sci 14:134-143; METHODS E10.2.

    >>> test = subgroup_difference([-0.970965, -0.481271], [0.275956, 0.216989])
    >>> round(test.q_between, 4), round(test.p_value, 4)
    (1.9459, 0.163)
    """
    y, s = vector("estimate", estimate, at_least=2), positive("std_error", std_error)
    same_shape(estimate=y, std_error=s)
    weight = 1 / s**2
    q = float((weight * (y - (weight * y).sum() / weight.sum()) ** 2).sum())
    difference = float(y[0] - y[1]) if len(y) == 2 else float("nan")
    return SubgroupDifference(
        q_between=q,
        df=len(y) - 1,
        p_value=float(special.chdtrc(len(y) - 1, q)),
        difference=difference,
        z=difference / float(np.hypot(s[0], s[1])),
    )
