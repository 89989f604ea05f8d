"""What is true of a world, whatever was measured: clinics' adjusted figures, benchmarks, gaps.

Rates and means are expectations, not draws: the only chance left in them is who came.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pyarrow as pa
from scipy import special

from benchwell.synthetic.clinics import Clinics, FloatArray
from benchwell.synthetic.people import People
from benchwell.synthetic.phq9 import phq9
from benchwell.synthetic.world import World

_STEP = 0.05  # points; means over a histogram this fine are right to about 1e-5
_LOW, _HIGH = -80.0, 110.0


@dataclass(frozen=True)
class Truth:
    """What is true of a world.

    Attributes:
        clinics: One row per clinic: `clinic`, `episodes`, `effect` (points of improvement), `games`, and what the whole
            network's people would reach in it: `adjusted_change` (follow-up minus first score, lower is better) and
            `adjusted_remission` (share, higher is better), over clinicians like its own.
        median_remission: Median of `adjusted_remission`.
        top_decile_remission: Its 90th percentile.
        mean_remission: Its mean over clinics.
        median_change: Median of `adjusted_change`.
        top_decile_change: Its 10th percentile (a fall of scores is favorable).
        gap_within: How much less often B reaches remission than A in the same clinic (expected rates, A minus B).
        gap_between: How much of the gap comes from where A and B are treated.
        kappa: How many points higher the follow-up of the missing is than that of followed people like them (same
            covariates), about 0 unless follow-up is missing not at random or a clinic games.
    """

    clinics: pa.Table
    median_remission: float
    top_decile_remission: float
    mean_remission: float
    median_change: float
    top_decile_change: float
    gap_within: float
    gap_between: float
    kappa: float


def expected_follow_up(world: World, mean: FloatArray, sd: float) -> FloatArray:
    """Mean of the score that is recorded when the continuous one is normal: rounding and the bounds are part of it.

    >>> expected_follow_up(World(), np.array([-50.0, 13.5, 80.0]), 5.0).round(3)
    array([ 0. , 13.5, 27. ])
    """
    if world.outcome == "linear":
        return mean
    return np.asarray(np.interp(mean, *_recorded(sd)))


@lru_cache(maxsize=8)
def _recorded(sd: float) -> tuple[FloatArray, FloatArray]:
    """Means of the continuous score, and of the recorded one: the sum of P(at least t) for t = 1 to 27."""
    steps = np.arange(phq9().top) + 0.5
    grid = np.arange(_LOW, _HIGH, _STEP)
    return grid, np.asarray(special.ndtr((grid[:, None] - steps) / sd).sum(axis=1))


def remission_probability(world: World, mean: FloatArray, sd: float) -> FloatArray:
    """Probability that the recorded score is in remission when the continuous one is normal.

    >>> remission_probability(World(), np.array([4.5]), 5.0)
    array([0.5])
    """
    cut = phq9().remission - (0.5 if world.outcome == "phq9" else 0.0)
    return np.asarray(special.ndtr((cut - mean) / sd))


class TruthTally:
    """Gathers what the truth of a world needs, block by block."""

    def __init__(self, world: World, clinics: Clinics) -> None:
        self._world, self._clinics = world, clinics
        self._histogram = np.zeros(round((_HIGH - _LOW) / _STEP))
        self._baseline = 0.0
        self._cells = np.zeros((2, world.clinics, 2))  # people and expected remissions by group and clinic
        self._luck = np.zeros((2, 2))  # people and sum of luck, missing and followed

    def add(self, people: People) -> None:
        """Count one block."""
        world = self._world
        place = np.clip(((people.expected - _LOW) / _STEP).astype(np.int64), 0, len(self._histogram) - 1)
        self._histogram += np.bincount(place, minlength=len(self._histogram))
        self._baseline += float(people.baseline.sum())
        own = people.expected - self._clinics.effect[people.clinic]
        rate = remission_probability(world, own, _spread(world))
        cell = people.group_b * world.clinics + people.clinic
        for column, weight in enumerate((None, rate)):
            self._cells[:, :, column] += np.bincount(cell, weight, 2 * world.clinics).reshape(2, -1)
        for column, luck in enumerate((None, people.luck)):
            self._luck[:, column] += np.bincount(people.followed.astype(np.int64), luck, 2)

    def truth(self) -> Truth:
        """The truth of all blocks added."""
        world, clinics = self._world, self._clinics
        change, remission = self._adjusted()
        within, between = _kitagawa(self._cells)
        table = pa.table(
            {
                "clinic": clinic_names(world),
                "episodes": clinics.size,
                "effect": clinics.effect,
                "games": clinics.games,
                "adjusted_change": change,
                "adjusted_remission": remission,
            }
        )
        n, luck = self._luck[:, 0], self._luck[:, 1]
        kappa = world.residual_sd * float(luck[1] / n[1] - luck[0] / n[0]) if n.all() else 0.0
        return Truth(
            clinics=table,
            median_remission=float(np.median(remission)),
            top_decile_remission=float(np.quantile(remission, 0.9)),
            mean_remission=float(remission.mean()),
            median_change=float(np.median(change)),
            top_decile_change=float(np.quantile(change, 0.1)),
            gap_within=within,
            gap_between=between,
            kappa=kappa,
        )

    def _adjusted(self) -> tuple[FloatArray, FloatArray]:
        """What the whole network's people would reach in each clinic: mean change and share in remission."""
        world = self._world
        filled = np.flatnonzero(self._histogram)
        share = self._histogram[filled] / self._histogram.sum()
        middle = _LOW + (filled + 0.5) * _STEP
        baseline = self._baseline / self._histogram.sum()
        sd = _spread(world)
        change, remission = np.empty(world.clinics), np.empty(world.clinics)
        for number, effect in enumerate(self._clinics.effect):
            change[number] = share @ expected_follow_up(world, middle - effect, sd) - baseline
            remission[number] = share @ remission_probability(world, middle - effect, sd)
        return change, remission


def clinic_names(world: World) -> pa.Array:
    """Names of the clinics in order.

    >>> clinic_names(World(clinics=2)).to_pylist()
    ['clinic-1', 'clinic-2']
    """
    width = len(str(world.clinics))
    return pa.array([f"clinic-{number:0{width}d}" for number in range(1, world.clinics + 1)])


def _spread(world: World) -> float:
    """Spread of a person's score around what clinic and case mix explain: clinicians vary too."""
    return float(np.hypot(world.residual_sd, world.clinician_sd))


def _kitagawa(cells: FloatArray) -> tuple[float, float]:
    """Gap A minus B within and between clinics (METHODS M7.3); a clinic that only one group visits takes its rate."""
    people, met = cells[:, :, 0], cells[:, :, 1]
    if (people.sum(axis=1) == 0).any():
        return 0.0, 0.0
    weight = people / people.sum(axis=1, keepdims=True)
    rate = np.divide(met, people, out=np.zeros_like(met), where=people > 0)
    rate = np.where(people > 0, rate, rate[::-1])
    between = (weight[0] - weight[1]) * (rate[0] + rate[1]) / 2
    within = (rate[0] - rate[1]) * (weight[0] + weight[1]) / 2
    return float(within.sum()), float(between.sum())
