"""How many digits an edition keeps of what a model gives: the last ones depend on the order of sums and on threads."""

from __future__ import annotations

import numpy as np

from benchwell.models.arrays import FloatArray

_DIGITS = 12


def significant(values: FloatArray) -> FloatArray:
    """Numbers at 12 significant digits; NaN and infinity stay.

    >>> significant(np.array([1 / 3, 0.0]))
    array([0.33333333, 0.        ])
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        exponent = np.floor(np.log10(np.abs(values)))
    exponent = np.where(np.isfinite(exponent), exponent, 0.0)
    scale = 10.0 ** (_DIGITS - 1 - exponent)
    return np.where(np.isfinite(values), np.rint(values * scale) / scale, values)


def figure(value: float, digits: int = _DIGITS) -> float:
    """A number at 12 significant digits, or as many as are asked for, as it is printed.

    >>> figure(1 / 3), figure(4.880419469450717, 10)
    (0.333333333333, 4.880419469)
    """
    return float(f"{value:.{digits}g}")


def finite_or_none(value: float) -> float | None:
    """A number for a file that knows null and no NaN.

    >>> finite_or_none(float("nan")) is None
    True
    """
    return value if np.isfinite(value) else None
