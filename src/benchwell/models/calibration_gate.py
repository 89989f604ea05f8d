"""May a model's adjusted figures be published? The gate on its checks, with reasons (METHODS M3.11)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchwell.models.arrays import ArrayLike, vector

SLOPE = (0.9, 1.1)
LARGEST_IN_THE_LARGE = 0.1
GROUP_RATIO = (0.9, 1.1)
GROUP_OF = 200
# Own reading for a continuous outcome, in the spirit of the gate for a 0/1 outcome: standard deviations of the outcome.
LARGEST_MEAN_ERROR = 0.1


@dataclass(frozen=True)
class GateVerdict:
    """Whether adjusted figures pass, and if not why.

    Attributes:
        passed: Whether all checks hold.
        reasons: One sentence for each check that does not, in the order overall, then groups.
    """

    passed: bool
    reasons: tuple[str, ...]


def calibration_gate(
    slope: float,
    in_the_large: float,
    group_n: ArrayLike = (),
    group_ratio: ArrayLike = (),
    group_names: Sequence[str] | None = None,
) -> GateVerdict:
    """Decide on the checks of a 0/1 model made on held-out clinics.

    Args:
        slope: Calibration slope overall; NaN fails.
        in_the_large: Calibration-in-the-large overall, log odds; NaN fails.
        group_n: People of each group, shape (g,); groups below 200 are not judged.
        group_ratio: Observed over expected of each group, shape (g,).
        group_names: Names for the reasons; numbers from 1 otherwise.

    Returns:
        Verdict. A model that fails is recalibrated, or only unadjusted figures are published.

    Raises:
        ValueError: If the groups' lengths differ.

    Source:
        METHODS M3.11.

    >>> calibration_gate(0.82, 0.02, [500, 40], [1.02, 1.6]).reasons
    ('calibration slope 0.820 is outside 0.9 to 1.1',)
    """
    reasons = []
    if not SLOPE[0] <= slope <= SLOPE[1]:
        reasons.append(_outside("calibration slope", slope, SLOPE))
    if not abs(in_the_large) < LARGEST_IN_THE_LARGE:
        reasons.append(
            _unknown("calibration-in-the-large")
            if np.isnan(in_the_large)
            else f"calibration-in-the-large {in_the_large:.3f} is not within {LARGEST_IN_THE_LARGE} of 0"
        )
    n, quotient, names = _groups(group_n, group_ratio, group_names)
    reasons += [
        _outside(f"observed over expected in group {name}", value, GROUP_RATIO)
        for name, people, value in zip(names, n, quotient, strict=True)
        if people >= GROUP_OF and not GROUP_RATIO[0] <= value <= GROUP_RATIO[1]
    ]
    return GateVerdict(not reasons, tuple(reasons))


def continuous_gate(
    slope: float,
    mean_error: float,
    outcome_sd: float,
    group_n: ArrayLike = (),
    group_mean_error: ArrayLike = (),
    group_names: Sequence[str] | None = None,
) -> GateVerdict:
    """Decide on the checks of a model of a continuous outcome made on held-out clinics.

    METHODS states the gate for 0/1 outcomes only. This is our reading of it: the same slope, and mean errors within a
    tenth of the outcome's standard deviation, overall and in each group of 200 people or more.

    Args:
        slope: Slope of observed on predicted; NaN fails.
        mean_error: Mean of observed minus predicted, unit of the outcome.
        outcome_sd: Standard deviation of the outcome, > 0.
        group_n: People of each group, shape (g,).
        group_mean_error: Mean error of each group, shape (g,).
        group_names: Names for the reasons; numbers from 1 otherwise.

    Returns:
        Verdict.

    Raises:
        ValueError: If the groups' lengths differ or `outcome_sd` is not above zero.

    >>> continuous_gate(1.0, 0.9, 5.0).reasons
    ('mean error 0.180 SD is not within 0.1 SD of 0',)
    """
    if not outcome_sd > 0:
        raise ValueError("outcome_sd must be above zero")
    reasons = [] if SLOPE[0] <= slope <= SLOPE[1] else [_outside("slope of observed on predicted", slope, SLOPE)]
    n, errors, names = _groups(group_n, group_mean_error, group_names)
    judged = [("mean error", mean_error)] + [
        (f"mean error in group {name}", float(error))
        for name, people, error in zip(names, n, errors, strict=True)
        if people >= GROUP_OF
    ]
    for what, error in judged:
        if np.isnan(error):
            reasons.append(_unknown(what))
        elif abs(error) / outcome_sd > LARGEST_MEAN_ERROR:
            reasons.append(f"{what} {error / outcome_sd:.3f} SD is not within {LARGEST_MEAN_ERROR} SD of 0")
    return GateVerdict(not reasons, tuple(reasons))


def _groups(
    n: ArrayLike, values: ArrayLike, names: Sequence[str] | None
) -> tuple[list[float], list[float], Sequence[str]]:
    people, quotient = vector("group_n", n, at_least=0).tolist(), np.asarray(values, dtype=np.float64).tolist()
    labels = [str(number) for number in range(1, len(people) + 1)] if names is None else names
    if not len(people) == len(quotient) == len(labels):
        raise ValueError("group_n, the groups' values and group_names must be equally long")
    return people, quotient, labels


def _outside(what: str, value: float, limits: tuple[float, float]) -> str:
    if np.isnan(value):
        return _unknown(what)
    return f"{what} {value:.3f} is outside {limits[0]} to {limits[1]}"


def _unknown(what: str) -> str:
    return f"{what} cannot be estimated from these outcomes"
