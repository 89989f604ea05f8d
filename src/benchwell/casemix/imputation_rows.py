"""The eligible episodes of each measure as arrays: what is known of them, and what was found (METHODS M1.6)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import narwhals as nw
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from benchwell.engine import Engine, Frame
from benchwell.models.arrays import BoolArray, FloatArray, IntArray
from benchwell.registry import Measure
from benchwell.terms import OutcomeStatus

UNKNOWN = "unknown"
_KEY = ("measure", "episode_id")
_OWN = (*_KEY, "organization_id", "index_day", "baseline", "followup", "met", "value", "status", "reason")


@dataclass(frozen=True)
class EpisodeRows:
    """The eligible episodes of one measure, in the order of their ids.

    Attributes:
        index_day: Shape (n,).
        baseline: Shape (n,), points.
        followup: Shape (n,), points; NaN where not followed.
        outcome: Met (0 or 1) or the value, NaN where not followed.
        followed: Shape (n,).
        fixed: Died by suicide: a score is not drawn.
        organization: Place in `organizations`.
        organizations: Ids, ascending.
        strata: Level of each episode, per stratum.
        predictors: Columns to predict from.
        episodes: Ids.
    """

    index_day: FloatArray
    baseline: FloatArray
    followup: FloatArray
    outcome: FloatArray
    followed: BoolArray
    fixed: BoolArray
    organization: IntArray
    organizations: tuple[str, ...]
    strata: Mapping[str, pa.Array]
    predictors: pa.Table
    episodes: pa.Array

    @property
    def n_clinics(self) -> int:
        """Organizations with eligible episodes."""
        return len(self.organizations)

    @property
    def digest(self) -> bytes:
        """Equal for measures that follow the same people on the same scores."""
        parts = [self.followup, self.baseline, self.followed, self.fixed, self.organization]
        whole = hashlib.sha256("\0".join(self.organizations).encode())
        for part in parts:
            whole.update(part.tobytes())
        whole.update("\0".join(self.episodes.to_pylist()).encode())
        return whole.digest()

    def within(self, first_day: int | None, last_day: int | None) -> EpisodeRows:
        """Only episodes with an index day in this range, both ends included."""
        if first_day is None or last_day is None:
            return self
        return self._taken(np.flatnonzero((self.index_day >= first_day) & (self.index_day <= last_day)))

    def _taken(self, kept: IntArray) -> EpisodeRows:
        present, place = np.unique(self.organization[kept], return_inverse=True)
        arrays = ("index_day", "baseline", "followup", "outcome", "followed", "fixed")
        return replace(
            self,
            **{name: getattr(self, name)[kept] for name in arrays},
            organization=place.astype(np.int64),
            organizations=tuple(self.organizations[one] for one in present),
            strata={name: levels.take(pa.array(kept)) for name, levels in self.strata.items()},
            predictors=self.predictors.take(pa.array(kept)),
            episodes=self.episodes.take(pa.array(kept)),
        )


def imputation_rows(
    outcomes: Frame,
    measures: Sequence[Measure],
    engine: Engine,
    extra: Sequence[Frame],
    strata: Mapping[str, Sequence[str]],
) -> dict[str, EpisodeRows]:
    """Collect once, and cut into one set of rows per measure.

    Args:
        outcomes: `tables.DERIVED["outcomes"]`.
        measures: With a paired score.
        engine: Collects.
        extra: Frames keyed by `measure` and `episode_id`; every other column of theirs may predict.
        strata: Names of columns in `extra` by which figures are split, by measure.
    """
    frame = outcomes.filter(
        nw.col("eligible"), nw.col("measure").is_in([one.id for one in measures] or [""]), ~nw.col("baseline").is_null()
    ).select(_OWN)
    named: dict[str, str] = {}
    for more in extra:
        # Numbered, since a stratum such as "baseline" is also a column of outcomes.
        new = {name: f"extra_{len(named) + place}" for place, name in enumerate(_new(more, named))}
        if new:
            named |= new
            columns = [nw.col(name).alias(alias) for name, alias in new.items()]
            right = more.select(*_KEY, *columns)
            before = frame.collect_schema().names()
            frame = frame.join(right, on=list(_KEY), how="left").select(*before, *new.values())
    rows = engine.to_arrow(frame.sort(*_KEY)).combine_chunks()
    first, found = 0, {one.id: rows.slice(0, 0) for one in measures}
    for count in pc.value_counts(rows["measure"]).to_pylist():
        found[count["values"]] = rows.slice(first, count["counts"])
        first += count["counts"]
    return {one.id: _arrays(one, found[one.id], named, strata.get(one.id, ())) for one in measures}


def _new(more: Frame, known: Mapping[str, str]) -> list[str]:
    return [name for name in more.collect_schema().names() if name not in _KEY and name not in known]


def _arrays(measure: Measure, table: pa.Table, named: Mapping[str, str], strata: Sequence[str]) -> EpisodeRows:
    status = table["status"].combine_chunks()
    followed = _flags(pc.equal(status, OutcomeStatus.FOLLOWED.value))
    ids = table["organization_id"].combine_chunks().dictionary_encode()
    names = ids.dictionary.to_pylist()
    order = sorted(range(len(names)), key=lambda place: str(names[place]))
    rank = np.empty(len(names), dtype=np.int64)
    rank[order] = np.arange(len(names))
    baseline, followup = _numbers(table["baseline"]), _numbers(table["followup"])
    predictors = {name: table[column] for name, column in named.items()} | {"baseline": table["baseline"]}
    outcome = table["met"].cast(pa.float64()) if measure.summary == "proportion" else table["value"]
    return EpisodeRows(
        index_day=_numbers(table["index_day"]),
        baseline=baseline,
        followup=np.where(followed, followup, np.nan),
        outcome=np.where(followed, _numbers(outcome), np.nan),
        followed=followed,
        fixed=_flags(pc.equal(status, OutcomeStatus.DIED.value)) & _flags(pc.equal(table["reason"], "suicide")),
        organization=rank[np.asarray(ids.indices.to_numpy(zero_copy_only=False), dtype=np.int64)],
        organizations=tuple(names[place] for place in order),
        strata={name: _texts(table, named.get(name)) for name in strata},
        predictors=pa.table(predictors),
        episodes=table["episode_id"].combine_chunks(),
    )


def _numbers(column: pa.ChunkedArray | pa.Array) -> FloatArray:
    filled = pc.fill_null(pc.cast(column, pa.float64()), np.nan)
    return np.asarray(filled.to_numpy(zero_copy_only=False) if isinstance(filled, pa.Array) else filled.to_numpy())


def _flags(column: pa.ChunkedArray | pa.Array) -> BoolArray:
    return np.asarray(np.nan_to_num(_numbers(pc.cast(column, pa.int8()))) == 1.0)


def _texts(table: pa.Table, column: str | None) -> pa.Array:
    if column is None:
        return pa.repeat(UNKNOWN, table.num_rows)
    return pc.fill_null(table[column].combine_chunks().cast(pa.string()), UNKNOWN)
