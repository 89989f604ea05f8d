"""Rows turned into the sums of a mixed model, and a slow twin that builds the whole covariance of the rows.

The twin shares no code with `benchwell.models`: it inverts V as it stands in the textbook.
"""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchwell.models.mixed_statistics import MixedStatistics

ORACLES = Path(__file__).parents[1] / "../shared/oracles"


@dataclass
class Rows:
    """A small or large data set, one entry per row."""

    x: np.ndarray
    y: np.ndarray
    inner: np.ndarray  # index of the innermost group
    outer: np.ndarray | None = None
    slope: int | None = None

    def statistics(self, *, own_products: bool = False) -> MixedStatistics:
        """The sums of these rows."""
        groups, codes = np.unique(self.inner, return_inverse=True)
        order = np.argsort(codes, kind="stable")
        first = np.flatnonzero(np.diff(codes[order], prepend=-1))
        x, y = self.x[order], self.y[order]

        def by_group(values):
            return np.add.reduceat(values, first, axis=0)

        optional = {}
        if self.outer is not None:
            optional["parent"] = np.unique(self.outer[order][first], return_inverse=True)[1]
        if self.slope is not None:
            z = np.column_stack([np.ones(len(y)), x[:, self.slope]])
            optional |= {
                "slope": self.slope,
                "group_zz": by_group(z[:, :, None] * z[:, None, :]),
                "group_zx": by_group(z[:, :, None] * x[:, None, :]),
                "group_zy": by_group(z * y[:, None]),
            }
        if own_products:
            optional |= {
                "group_xtx": by_group(x[:, :, None] * x[:, None, :]),
                "group_xty": by_group(x * y[:, None]),
                "group_yty": by_group(y * y),
            }
        assert len(first) == len(groups)
        return MixedStatistics(
            n=len(y),
            xtx=x.T @ x,
            xty=x.T @ y,
            yty=float(y @ y),
            group_n=np.bincount(codes),
            group_x=by_group(x),
            group_y=by_group(y),
            **optional,
        )

    def covariance(self, *, residual, inner=0.0, outer=0.0, slope_covariance=None):
        """V of the rows, by the definition."""
        same_inner = self.inner[:, None] == self.inner[None, :]
        v = residual * np.eye(len(self.y)) + inner * same_inner
        if self.outer is not None:
            v += outer * (self.outer[:, None] == self.outer[None, :])
        if slope_covariance is not None:
            z = np.column_stack([np.ones(len(self.y)), self.x[:, self.slope]])
            v += same_inner * (z @ slope_covariance @ z.T)
        return v


def dense_fit(rows: Rows, v: np.ndarray, method: str) -> tuple[float, np.ndarray, np.ndarray]:
    """Log likelihood, coefficients and their covariance at V."""
    n, p = rows.x.shape
    inverse = np.linalg.inv(v)
    information = rows.x.T @ inverse @ rows.x
    coefficients = np.linalg.solve(information, rows.x.T @ inverse @ rows.y)
    residual = rows.y - rows.x @ coefficients
    deviance = np.linalg.slogdet(v)[1] + residual @ inverse @ residual
    if method == "reml":
        deviance += np.linalg.slogdet(information)[1] + (n - p) * np.log(2 * np.pi)
    else:
        deviance += n * np.log(2 * np.pi)
    return -0.5 * deviance, coefficients, np.linalg.inv(information)


def oracle(case: str) -> tuple[dict, dict[str, np.ndarray]]:
    """Results and columns (as text) of an oracle case."""
    results = json.loads((ORACLES / f"{case}.json").read_text())
    with (ORACLES / f"{case}.csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    return results, {name: np.array([row[name] for row in table]) for name in table[0]}


def index_of(labels: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """Codes 0 to k - 1 and the labels behind them, in sorted order."""
    levels, codes = np.unique(labels, return_inverse=True)
    return codes, levels.tolist()
