"""Episodes ready for analysis, in memory or as a Parquet file written block by block."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet

from benchwell.synthetic.clinics import Clinics, FloatArray, IntArray, draw_clinics
from benchwell.synthetic.people import People, draw_people
from benchwell.synthetic.phq9 import phq9
from benchwell.synthetic.streams import BLOCK
from benchwell.synthetic.truth import (
    Truth,
    TruthTally,
    clinic_names,
    expected_follow_up,
    remission_probability,
)
from benchwell.synthetic.world import World

INSURANCES = ("none", "public", "private")


@dataclass(frozen=True)
class Generated:
    """A world's episodes and its truth.

    Attributes:
        world: The settings.
        episodes: One row per episode: `episode`, `clinic`, `clinician`, covariates (`age`, `sex`, `phq9_base`,
            `comorbidity`, `deprivation_quintile`, `insurance`, `language`, `group`, `sessions`), `followed`, and the
            outcome (`phq9_follow_up`, `change` = follow-up minus first score, `remission`; null where not followed).
            Columns that begin with `true_` are what nobody sees in life: `true_follow_up` and `true_change` (what each
            person has or would have had, without an item that works differently), `true_expected_change` and
            `true_expected_remission` (of such people in an average clinic), `true_clinic_effect` and
            `true_clinician_effect` (points of improvement).
        truth: What is true of clinics and benchmarks.
    """

    world: World
    episodes: pa.Table
    truth: Truth

    def __repr__(self) -> str:
        """Size instead of rows.

        >>> generate(World(clinics=2, episodes=50))
        Generated(50 episodes, 2 clinics, seed 1)
        """
        return f"Generated({self.world.episodes} episodes, {self.world.clinics} clinics, seed {self.world.seed})"


def generate(world: World) -> Generated:
    """Make a world in memory.

    Args:
        world: Its settings. A million episodes take a few seconds and about 1 GB with the truth columns.

    Returns:
        Episodes and truth; the same settings give the same rows.

    >>> made = generate(World(clinics=10, episodes=500))
    >>> made.episodes.num_rows, made.truth.clinics.num_rows
    (500, 10)
    """
    clinics = draw_clinics(world)
    tally = TruthTally(world, clinics)
    tables = []
    for people in blocks(world, clinics):
        tally.add(people)
        tables.append(episode_table(world, clinics, people))
    return Generated(world, pa.concat_tables(tables), tally.truth())


def write_parquet(path: Path | str, world: World, *, truth: bool = False) -> Truth:
    """Write the episodes as Parquet, block by block: memory does not grow with their number.

    Args:
        path: File to write.
        world: The settings.
        truth: Whether to write the `true_` columns too.

    Returns:
        The truth, as `generate` gives it.
    """
    clinics = draw_clinics(world)
    tally = TruthTally(world, clinics)
    with ExitStack() as open_files:
        writer: pyarrow.parquet.ParquetWriter | None = None
        for people in blocks(world, clinics):
            tally.add(people)
            table = episode_table(world, clinics, people, truth=truth)
            writer = writer or open_files.enter_context(
                pyarrow.parquet.ParquetWriter(path, table.schema, compression="zstd")
            )
            writer.write_table(table)
    return tally.truth()


def blocks(world: World, clinics: Clinics) -> Iterator[People]:
    """The people, a block of episodes at a time."""
    for block, start in enumerate(range(0, world.episodes, BLOCK)):
        yield draw_people(world, clinics, block, start, min(start + BLOCK, world.episodes))


def episode_table(world: World, clinics: Clinics, people: People, *, truth: bool = True) -> pa.Table:
    """One block of people as a table, see `Generated.episodes`."""
    unknown = ~people.followed
    first = people.baseline + people.baseline_shift
    later = people.follow_up + people.follow_up_shift
    columns = {
        "episode": pa.array(people.episode),
        "clinic": _named(people.clinic, clinic_names(world)),
        "clinician": _named(people.clinician, _numbered("T", world.clinics * world.clinicians)),
        "age": pa.array(people.age.astype(np.int16)),
        "sex": _named(people.female.astype(np.int64), pa.array(["male", "female"])),
        "phq9_base": pa.array(first.astype(np.int16)),
        "comorbidity": pa.array(people.comorbid),
        "deprivation_quintile": pa.array(people.quintile.astype(np.int8)),
        "insurance": _named(people.insurance, pa.array(INSURANCES)),
        "language": _named(people.second_language.astype(np.int64), pa.array(["first", "second"])),
        "group": _named(people.group_b.astype(np.int64), pa.array(["A", "B"])),
        "sessions": pa.array(people.sessions.astype(np.int16)),
        "followed": pa.array(people.followed),
        "phq9_follow_up": pa.array(later, mask=unknown),
        "change": pa.array(later - first, mask=unknown),
        "remission": pa.array(later < phq9().remission, mask=unknown),
    }
    if truth:
        columns |= {f"true_{name}": pa.array(values) for name, values in _truths(world, clinics, people).items()}
    return pa.table(columns)


def _truths(world: World, clinics: Clinics, people: People) -> dict[str, FloatArray]:
    return {
        "follow_up": people.follow_up,
        "change": people.follow_up - people.baseline,
        "expected_change": expected_follow_up(world, people.expected, world.residual_sd) - people.baseline,
        "expected_remission": remission_probability(world, people.expected, world.residual_sd),
        "clinic_effect": clinics.effect[people.clinic],
        "clinician_effect": clinics.clinician_effect.ravel()[people.clinician],
    }


def _named(codes: IntArray, names: pa.Array) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32)), names)


def _numbered(prefix: str, count: int) -> pa.Array:
    width = len(str(count))
    return pa.array([f"{prefix}{number:0{width}d}" for number in range(1, count + 1)])
