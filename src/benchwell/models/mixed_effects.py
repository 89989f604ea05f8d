"""Predicted effects of groups (BLUPs) with conditional SDs and reliabilities (METHODS M3.2, M3.9)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchwell.models.arrays import FloatArray, IntArray, ratio


@dataclass(frozen=True, eq=False)
class GroupEffects:
    """Effects by level, in units of y; see `LinearMixedFit` for the shapes."""

    inner: FloatArray
    inner_sd: FloatArray
    reliability: FloatArray
    outer: FloatArray | None = None
    outer_sd: FloatArray | None = None
    reliability_outer: FloatArray | None = None


def one_level_effects(n: FloatArray, residuals: FloatArray, between: float, residual_sd: float) -> GroupEffects:
    """Effects of one level of groups.

    Args:
        n: Rows per group, shape (g,).
        residuals: Sum of y - x'b per group, shape (g,).
        between: Variance of the groups over the residual variance.
        residual_sd: SD of the residuals.

    >>> one_level_effects(np.array([4.0]), np.array([8.0]), 1.0, 1.0).inner
    array([1.6])
    """
    left = between / (1 + n * between)
    return GroupEffects(left * residuals, residual_sd * np.sqrt(left), n * left)


def nested_effects(
    n: FloatArray, residuals: FloatArray, parent: IntArray, ratios: FloatArray, residual_sd: float
) -> GroupEffects:
    """Effects of both levels of nested groups; arguments as in `one_level_effects`, ratios inner then outer."""
    inner_ratio, outer_ratio = ratios
    shrink = 1 / (1 + n * inner_ratio)
    weight = np.bincount(parent, weights=n * shrink)
    left = outer_ratio / (1 + outer_ratio * weight)
    outer = left * np.bincount(parent, weights=shrink * residuals)
    own = inner_ratio * shrink
    inner = own * (residuals - n * outer[parent])
    inner_left = own + (own * n) ** 2 * left[parent]
    return GroupEffects(
        inner=inner,
        inner_sd=residual_sd * np.sqrt(inner_left),
        reliability=_reliability(inner_left, inner_ratio),
        outer=outer,
        outer_sd=residual_sd * np.sqrt(left),
        reliability_outer=outer_ratio * weight / (1 + outer_ratio * weight),
    )


def slope_effects(
    zz: FloatArray, residuals: FloatArray, ratios: FloatArray, residual_sd: float, back: FloatArray
) -> GroupEffects:
    """Intercepts and slopes of groups.

    Args:
        zz: Z'Z per group on the standardized slope, shape (g, 2, 2).
        residuals: Z'(y - Xb) per group, shape (g, 2).
        ratios: (D11, D21, D22) over the residual variance, on the standardized slope.
        residual_sd: SD of the residuals.
        back: Matrix that turns effects of the standardized slope into those of the slope, shape (2, 2).
    """
    d = ratios[[0, 1, 1, 2]].reshape(2, 2)
    values, vectors = np.linalg.eigh(d)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    inverse = np.linalg.inv(np.eye(2) + np.einsum("ka,gkl,lb->gab", root, zz, root))
    moved = back @ root
    left = np.einsum("ia,gab,jb->gij", moved, inverse, moved)
    spread = np.einsum("gii->gi", left)
    effects = np.einsum("ia,gab,kb,gk->gi", moved, inverse, root, residuals, optimize=True)
    return GroupEffects(
        effects, residual_sd * np.sqrt(np.maximum(spread, 0.0)), _reliability(spread, np.diag(moved @ moved.T))
    )


def _reliability(left: FloatArray, before: FloatArray | float) -> FloatArray:
    """One minus the share of the variance that is left, 0 where there was none."""
    before = np.broadcast_to(before, left.shape)
    return np.clip(1 - ratio(left, before, empty=1.0), 0.0, 1.0)
