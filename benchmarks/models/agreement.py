"""Whether two programs found the same estimates of the same model."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# Differences of coefficients up to this share of a standard error count as the same answer.
SAME = 1e-3


@dataclass(frozen=True)
class Difference:
    """Largest differences between two fits.

    Attributes:
        coefficients: In standard errors of the reference.
        standard_errors: Relative.
        group_sd: Relative.
        loglik: Of the other fit less the reference, so that a positive one is a higher likelihood; NaN if not said.
    """

    coefficients: float
    standard_errors: float
    group_sd: float
    loglik: float

    @property
    def same(self) -> bool:
        """Whether every coefficient agrees to `SAME`."""
        return self.coefficients <= SAME

    def __str__(self) -> str:
        """As the table of results tells it.

        >>> print(Difference(2e-4, 1e-5, 3e-6, 0.0))
        same (0.0002 SE)
        >>> print(Difference(0.09, 1e-3, 9e-3, -0.2))
        differs: coefficients by 0.09 SE, SEs by 0.1 %, group SDs by 0.9 %, log likelihood by -0.2
        """
        if self.same:
            return f"same ({self.coefficients:.1g} SE)"
        return (
            f"differs: coefficients by {self.coefficients:.2g} SE, SEs by {100 * self.standard_errors:.2g} %, "
            f"group SDs by {100 * self.group_sd:.2g} %, log likelihood by {self.loglik:.2g}"
        )


def difference(fit: Mapping[str, Any], reference: Mapping[str, Any]) -> Difference:
    """Compare what two programs told of their fits.

    Raises:
        ValueError: If they did not fit the same columns or numbers of groupings: then the models differ.
    """
    if sorted(fit["names"]) != sorted(reference["names"]):
        raise ValueError(f"not the same columns: {', '.join(sorted(set(fit['names']) ^ set(reference['names'])))}")
    if len(fit["group_sd"]) != len(reference["group_sd"]):
        raise ValueError("not the same grouping columns")
    own = dict(zip(fit["names"], zip(fit["coefficients"], fit["standard_errors"], strict=True), strict=True))
    shifts, errors = [], []
    for name, coefficient, error in zip(
        reference["names"], reference["coefficients"], reference["standard_errors"], strict=True
    ):
        shifts.append(abs(own[name][0] - coefficient) / error)
        errors.append(abs(own[name][1] / error - 1.0))
    spreads = [
        abs(one - other) / other if other else (0.0 if not one else math.inf)
        for one, other in zip(fit["group_sd"], reference["group_sd"], strict=True)
    ]
    return Difference(
        _largest(shifts), _largest(errors), _largest(spreads), fit.get("loglik", math.nan) - reference["loglik"]
    )


def _largest(values: list[float]) -> float:
    """As `max`, but no NaN passes unseen."""
    return math.inf if any(map(math.isnan, values)) else max(values)
