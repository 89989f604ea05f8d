"""Profile-likelihood intervals of a linear fit, in the units of the frame."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from benchwell.casemix.coding import Coding, back_to_frame_scale
from benchwell.errors import ModelError
from benchwell.models.linear_mixed import linear_mixed
from benchwell.models.mixed_statistics import MixedStatistics

if TYPE_CHECKING:
    from benchwell.casemix.fit import Fit, Interval


def profile_of_fit(fit: Fit, level: float) -> dict[str, Interval]:
    """What `Fit.intervals(method="profile")` gives; see there."""
    # Scipy's root finder takes longer to import than a fit; Wald intervals need none.
    from benchwell.models.mixed_intervals import profile_intervals

    if fit.statistics is None:
        raise ModelError(
            "Profile intervals need the sums of a linear fit, which logistic and saved fits do not have.",
            hint='method="wald", or fit the linear model again',
        )
    sums = in_frame_units(fit.statistics.sums, fit.coding)
    found = profile_intervals(sums, linear_mixed(sums, method="ml"), level)
    limits = dict(zip(fit.coding.columns, found.coefficients, strict=True))
    intervals = {name: limits[name] for name in fit.coefficients}
    if found.sd_outer is not None:
        intervals[f"sd({fit.coding.groups[0]})"] = found.sd_outer
    intervals[f"sd({fit.coding.groups[-1]})"] = found.sd_inner
    if found.slope_sd is not None and found.slope_correlation is not None:
        intervals[f"sd({fit.coding.groups[-1]}, {fit.coding.slope})"] = found.slope_sd
        intervals[f"correlation({fit.coding.groups[-1]}, {fit.coding.slope})"] = found.slope_correlation
    intervals["sd(residual)"] = found.residual_sd
    return {name: (float(low), float(high)) for name, (low, high) in intervals.items()}


def in_frame_units(sums: MixedStatistics, coding: Coding) -> MixedStatistics:
    """The sums that uncentered and unscaled columns would have given.

    An interval of the intercept is not a function of the centered columns' intervals, so it has to be found there.
    """
    move = np.linalg.inv(back_to_frame_scale(coding, coding.columns))
    center = coding.outcome.center
    group_x = sums.group_x @ move
    # The constant has to stay exactly the number of rows.
    group_x[:, 0] = sums.group_n
    moved = replace(
        sums,
        xtx=move.T @ sums.xtx @ move,
        xty=move.T @ (sums.xty + center * sums.xtx[:, 0]),
        yty=sums.yty + 2 * center * sums.xty[0] + center**2 * sums.n,
        group_x=group_x,
        group_y=sums.group_y + center * sums.group_n,
        slope=None,
        group_zz=None,
        group_zx=None,
        group_zy=None,
        group_xtx=None,
        group_xty=None,
        group_yty=None,
    )
    if sums.slope is None or sums.group_zz is None or sums.group_zx is None or sums.group_zy is None:
        return moved
    scale = np.array([1.0, coding.constants[1][sums.slope]])
    zy = (sums.group_zy + center * sums.group_zz[:, :, 0]) * scale
    zx = np.einsum("k,gkp,pq->gkq", scale, sums.group_zx, move)
    return replace(moved, slope=sums.slope, group_zz=sums.group_zz * np.outer(scale, scale), group_zx=zx, group_zy=zy)
