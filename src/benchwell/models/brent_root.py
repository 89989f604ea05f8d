"""Root of a function of one variable by Brent's method, with the tolerance in the caller's hand.

SciPy's `brentq` takes nothing coarser or finer than its own rule and ends elsewhere inside the tolerance than other
programs do. Published figures were often computed with a coarse tolerance (R's `uniroot` stops at 1.2e-4 unless told
otherwise); with the same interval and tolerance this search takes the same steps, so they can be checked to the digit.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

R_UNIROOT_TOLERANCE = float(np.finfo(np.float64).eps) ** 0.25
"""Absolute tolerance that R's `uniroot` uses unless told otherwise: 2^-13, about 1.2e-4."""


def brent_root(
    function: Callable[[float], float], low: float, high: float, tolerance: float = 0.0, max_steps: int = 1000
) -> float:
    """Where `function` crosses zero between `low` and `high`.

    Args:
        function: A continuous function.
        low: One end of the interval.
        high: The other end; `function` must not have the same sign at both ends.
        tolerance: Absolute half-width of the last interval; 0 goes as far as floating point can.
        max_steps: Steps after which the search gives up.

    Returns:
        The root, within `tolerance` plus two units of floating-point rounding.

    Raises:
        ValueError: If the signs at the two ends are the same.
        ArithmeticError: If `max_steps` were not enough.

    Source:
        Brent (1973), Algorithms for Minimization Without Derivatives, ch. 4.

    >>> round(brent_root(lambda x: x * x - 2, 0.0, 2.0), 12)
    1.414213562373
    """
    previous, best = low, high
    f_previous, f_best = function(previous), function(best)
    if f_previous == 0 or f_best == 0:
        return previous if f_previous == 0 else best
    if (f_previous > 0) == (f_best > 0):
        raise ValueError("function has the same sign at both ends of the interval")
    other, f_other = previous, f_previous
    for _ in range(max_steps):
        step_before = best - previous
        if abs(f_other) < abs(f_best):
            previous, best, other = best, other, best
            f_previous, f_best, f_other = f_best, f_other, f_best
        width = 2 * float(np.finfo(np.float64).eps) * abs(best) + tolerance / 2
        step = (other - best) / 2
        if abs(step) <= width or f_best == 0:
            return best
        if abs(step_before) >= width and abs(f_previous) > abs(f_best):
            step = _interpolated(step, step_before, width, (previous, best, other), (f_previous, f_best, f_other))
        previous, f_previous = best, f_best
        best += step if abs(step) > width else (width if step > 0 else -width)
        f_best = function(best)
        if (f_best > 0) == (f_other > 0):
            other, f_other = previous, f_previous
    raise ArithmeticError(f"no root within {max_steps} steps")


def _interpolated(
    half: float,
    step_before: float,
    width: float,
    x: tuple[float, float, float],
    f: tuple[float, float, float],
) -> float:
    """Step by a line through two points or a parabola through three, or half the interval if that is safer."""
    (previous, best, other), (f_previous, f_best, f_other) = x, f
    gap = other - best
    if previous == other:
        t1 = f_best / f_previous
        p, q = gap * t1, 1.0 - t1
    else:
        q, t1, t2 = f_previous / f_other, f_best / f_other, f_best / f_previous
        p = t2 * (gap * q * (q - t1) - (best - previous) * (t1 - 1.0))
        q = (q - 1.0) * (t1 - 1.0) * (t2 - 1.0)
    if p > 0:
        q = -q
    else:
        p = -p
    inside = p < 0.75 * gap * q - abs(width * q) / 2 and p < abs(step_before * q / 2)
    return p / q if inside else half
