"""The clinics of a world: size, own effect, area, and how they ask."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from benchwell.synthetic.streams import stream
from benchwell.synthetic.world import World

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Clinics:
    """One element per clinic; clinicians have one row per clinic.

    Attributes:
        size: Episodes.
        first: Number of the first episode; a clinic's episodes follow one another.
        effect: Own effect, points of improvement.
        clinician_effect: Effects of its clinicians, shape (clinics, clinicians), points.
        deprivation: Place of its area, standard normal; higher is more deprived.
        severity: How ill its people are at the start next to others, standard normal.
        group_logit: Log-odds that a person belongs to group B.
        missing_logit: How much more readily follow-up is missing here, log-odds.
        games: Whether it does not ask those who did badly.
    """

    size: IntArray
    first: IntArray
    effect: FloatArray
    clinician_effect: FloatArray
    deprivation: FloatArray
    severity: FloatArray
    group_logit: FloatArray
    missing_logit: FloatArray
    games: BoolArray


def draw_clinics(world: World) -> Clinics:
    """Draw the clinics of a world.

    >>> clinics = draw_clinics(World(clinics=3, episodes=100))
    >>> int(clinics.size.sum()), clinics.effect.shape
    (100, (3,))
    """
    k = world.clinics
    normal = {name: stream(world.seed, name).normal(size=k) for name in ("area", "own", "severity", "missing clinic")}
    tie = world.casemix.quality_sorting
    standing = tie * normal["area"] + np.sqrt(1 - tie**2) * normal["own"]
    size = _sizes(world)
    share = np.clip(world.equity.share, 1e-12, 1 - 1e-12)
    games = np.zeros(k, dtype=bool)
    games[stream(world.seed, "games").permutation(k)[: round(world.gaming.clinics * k)]] = True
    return Clinics(
        size=size,
        first=np.cumsum(size) - size,
        effect=world.clinic_sd * standing,
        clinician_effect=world.clinician_sd * stream(world.seed, "clinicians").normal(size=(k, world.clinicians)),
        deprivation=normal["area"],
        severity=normal["severity"],
        group_logit=np.log(share / (1 - share)) - world.equity.sorting * standing,
        missing_logit=world.follow_up.clinic_sd * normal["missing clinic"],
        games=games,
    )


def _sizes(world: World) -> IntArray:
    """Episodes per clinic, at least one each, as equal as `size_spread` says; they add up exactly."""
    weight = np.exp(world.size_spread * stream(world.seed, "sizes").normal(size=world.clinics))
    wanted = weight / weight.sum() * (world.episodes - world.clinics)
    size = np.floor(wanted).astype(np.int64)
    short = world.episodes - world.clinics - int(size.sum())
    size[np.argsort(size - wanted, kind="stable")[:short]] += 1
    whole: IntArray = size + 1
    return whole
