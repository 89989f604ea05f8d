"""What an argument must be before a formula may see it.

The kernels of this room take anything NumPy can turn into an array, and refuse what would make a formula answer
in silence with nonsense: NaN, infinity, negative counts, more successes than people. Such input is a programming
mistake of ours, so the refusal is a `ValueError` that names the argument, never its value.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

FloatArray: TypeAlias = npt.NDArray[np.float64]
IntArray: TypeAlias = npt.NDArray[np.int64]
BoolArray: TypeAlias = npt.NDArray[np.bool_]
ArrayLike: TypeAlias = npt.ArrayLike


def finite(name: str, values: ArrayLike) -> FloatArray:
    """Turn `values` into a float array of the same shape; NaN and infinity are refused.

    >>> finite("rates", [0.5, 1])
    array([0.5, 1. ])
    >>> finite("rates", [0.5, float("nan")])
    Traceback (most recent call last):
    ValueError: rates holds NaN or infinite values; drop or mask them first
    """
    array = np.asarray(values, dtype=np.float64)
    if not np.isfinite(array).all():
        raise ValueError(f"{name} holds NaN or infinite values; drop or mask them first")
    return array


def vector(name: str, values: ArrayLike, *, at_least: int = 1) -> FloatArray:
    """Turn `values` into a finite float array of shape (k,) with k >= `at_least`.

    >>> vector("rates", [[0.5]])
    Traceback (most recent call last):
    ValueError: rates must be one-dimensional, not 2-dimensional
    """
    array = finite(name, values)
    if array.ndim != 1:
        raise ValueError(f"{name} must be one-dimensional, not {array.ndim}-dimensional")
    if len(array) < at_least:
        raise ValueError(f"{name} needs at least {at_least} value(s), got {len(array)}")
    return array


def same_shape(**arrays: npt.NDArray[Any]) -> None:
    """Refuse arrays whose shapes differ; the message names each with its shape."""
    shapes = {name: array.shape for name, array in arrays.items()}
    if len(set(shapes.values())) > 1:
        raise ValueError(f"shapes differ: {', '.join(f'{name} {shape}' for name, shape in shapes.items())}")


def non_negative(name: str, values: ArrayLike) -> FloatArray:
    """Turn `values` into a finite float array without negative entries."""
    array = finite(name, values)
    if (array < 0).any():
        raise ValueError(f"{name} holds negative values")
    return array


def positive(name: str, values: ArrayLike) -> FloatArray:
    """Turn `values` into a finite float array with every entry above zero."""
    array = finite(name, values)
    if (array <= 0).any():
        raise ValueError(f"{name} must be above zero everywhere")
    return array


def met_of_n(met: ArrayLike, n: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Turn counts of successes and of people into broadcast float arrays with 0 <= met <= n.

    >>> met_of_n([1, 2], 4)
    (array([1., 2.]), array([4., 4.]))
    """
    met_array, n_array = np.broadcast_arrays(non_negative("met", met), non_negative("n", n))
    if (met_array > n_array).any():
        raise ValueError("met is larger than n somewhere")
    return met_array, n_array


def share(name: str, value: float) -> float:
    """Return `value` if it lies strictly between 0 and 1 (a level, a probability, a share)."""
    if not 0.0 < value < 1.0:
        raise ValueError(f"{name} must lie strictly between 0 and 1")
    return float(value)


def ratio(top: ArrayLike, bottom: ArrayLike, *, empty: float = np.nan) -> FloatArray:
    """Divide, with `empty` where the denominator is not above zero.

    >>> ratio([1.0, 0.0], [4.0, 0.0])
    array([0.25,  nan])
    """
    above, below = np.broadcast_arrays(np.asarray(top, dtype=np.float64), np.asarray(bottom, dtype=np.float64))
    quotient: FloatArray = np.full(below.shape, empty, dtype=np.float64)
    np.divide(above, below, out=quotient, where=below > 0)
    return quotient
