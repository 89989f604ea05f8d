"""Read one source: raw text in, canonical tables and a rejection report out."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from benchwell.intake.assessments import assessments_of, with_ids
from benchwell.intake.cells import Intake, name_of
from benchwell.intake.complete import completed
from benchwell.intake.duplicates import drop_duplicates
from benchwell.intake.entities import (
    MERGED,
    births,
    derived_episode_ids,
    entity_columns,
    kept_rows,
    merge,
    refuse_before_birth,
    start_from_first_score,
)
from benchwell.intake.guess import guess_raw
from benchwell.intake.ids import derive_ids
from benchwell.intake.mapping import Block, Mapping
from benchwell.intake.mapping_file import check_columns
from benchwell.intake.numbers import Mask
from benchwell.intake.published import rates_of
from benchwell.intake.raw import RawTable
from benchwell.intake.records import columns_of, missing, rows_of
from benchwell.intake.rejections import Rejections
from benchwell.intake.result import IntakeResult
from benchwell.intake.source import open_source
from benchwell.registry import Registry
from benchwell.tables import CANONICAL

_DERIVED_KEYS = {
    "encounters": ("encounter_id", ("episode_id", "date", "kind")),
    "events": ("event_id", ("patient_id", "episode_id", "date", "kind")),
    "ratings": ("rating_id", ("encounter_id", "rater_id", "scale", "dimension")),
}


def read_source(
    source: Path | str | Any, registry: Registry, mapping: Mapping | None = None, *, as_of: dt.date | None = None
) -> IntakeResult:
    """Take in one file or frame.

    Args:
        source: A CSV or XLSX file, or any frame that Narwhals supports.
        registry: Declarations, for instruments and their ranges.
        mapping: Which column is what; null to guess it (the result then says `guessed`).
        as_of: Snapshot date: later dates are refused. Null means today.

    Returns:
        Canonical tables, rejections and counts that add up. Every bad cell is a rejection, never an exception.

    Raises:
        SourceError: If the source cannot be read as a table.
        MappingError: If the mapping does not fit the source, or none can be guessed.

    >>> frame = pa.table({"patient_id": ["p1"], "date": ["2024-01-05"], "instrument": ["phq-9"], "total": ["12"]})
    >>> read_source(frame, Registry.load()).counts.accepted
    1
    """
    raw = open_source(source, mapping)
    guessed = mapping is None
    if mapping is None:
        guess = guess_raw(raw, registry)
        mapping, guessed = guess.mapping, not guess.own_template
    check_columns(mapping, raw.columns, raw.file)
    intake = Intake(mapping, registry, as_of or dt.date.today(), Rejections(), list(raw.notes))
    intake.rejections.add(raw.ragged, "", "ragged_row")
    empty = frozenset(name for name in raw.columns if raw.data.column(name).null_count == len(raw.rows))
    run = _Run(intake, raw, completed(mapping, empty))
    tables = run.tables()
    read = np.concatenate([raw.rows, raw.ragged])
    refused = np.concatenate([raw.rows[run.gone()], raw.ragged])
    counts = intake.rejections.counts(read, refused)
    rejections = intake.rejections.table(raw.source_hash, raw.file)
    return IntakeResult(tables, rejections, counts, raw.source_hash, raw.file, mapping, guessed, tuple(intake.notes))


@dataclass
class _Run:
    """One intake under way: which rows are refused, which brought a record in, and the records so far."""

    intake: Intake
    raw: RawTable
    mapping: Mapping
    refused: Mask = field(init=False)  # the row names an impossible person, episode or organization
    failed: Mask = field(init=False)  # one of its other records was refused
    brought: Mask = field(init=False)  # one of its other records came in

    def __post_init__(self) -> None:
        n = len(self.raw.rows)
        self.refused, self.failed, self.brought = (np.zeros(n, dtype=bool) for _ in range(3))

    def gone(self) -> Mask:
        """Rows of which nothing came in."""
        return self.refused | (self.failed & ~self.brought)

    def tables(self) -> dict[str, pa.Table]:
        """All canonical tables of the source."""
        entities = {name: self._entity_rows(name) for name in MERGED if name in self.mapping.tables}
        birth = self._births(entities)
        found: dict[str, pa.Table] = {}
        if "assessments" in self.mapping.tables:
            found["assessments"] = self._assessments(birth)
        for name in self.mapping.tables:
            if name not in MERGED and name != "assessments":
                found[name] = self._records(name)
        for name, records in entities.items():
            found[name] = self._merged(name, records)
        if "episodes" in found and found.get("assessments") is not None and found["assessments"].num_rows:
            found["episodes"] = start_from_first_score(found["episodes"], found["assessments"])
        return {name: self._conform(name, found[name]) for name in CANONICAL if name in found and found[name].num_rows}

    def _entity_rows(self, name: str) -> list[tuple[pa.Table, npt.NDArray[np.int64]]]:
        parts = []
        for block in self.mapping.tables[name]:
            rows, chosen = rows_of(self.intake, self.raw, block, self.refused)
            columns = entity_columns(name, block, rows)
            if name == "episodes" and "patient_id" in columns:
                derived = derived_episode_ids(columns["patient_id"])
                own = columns.get("episode_id")
                columns["episode_id"] = derived if own is None else pc.coalesce(own, derived)
                if own is None:
                    self.intake.note("No column names the episode: one episode per person was derived.")
            if self.mapping.layout == "entities":
                key = CANONICAL[name].key[0]
                rows.refuse(missing(columns[key]), name_of(block.fields[key], key), "missing_id")
            self.refused[chosen] |= rows.refused
            positions = np.flatnonzero(chosen)
            parts.append((kept_rows(columns, rows, np.ones(len(rows), dtype=bool)), positions))
        return parts

    def _births(self, entities: dict[str, list[tuple[pa.Table, npt.NDArray[np.int64]]]]) -> pa.Table | None:
        patients = entities.get("patients")
        if not patients or not {"birth_date", "birth_year"} & set(patients[0][0].column_names):
            return None
        table, positions = patients[0]
        known = births(table.filter(pa.array(~self.refused[positions])))
        return (
            None
            if known is None
            else known.group_by("patient_id").aggregate([("day", "max")]).rename_columns(["patient_id", "day"])
        )

    def _assessments(self, birth: pa.Table | None) -> pa.Table:
        blocks = self.mapping.tables["assessments"]
        plain = [block for block in blocks if not block.repeated]
        parts, quiet = [], []
        for block in blocks:
            rows, chosen = rows_of(self.intake, self.raw, block, self.refused)
            records, kept = assessments_of(block, rows, flag_empty=len(plain) == 1 and not block.repeated)
            records = self._with_episode(records)
            refuse_before_birth(rows, name_of(block.fields["date"], "date"), records["patient_id"].combine_chunks(),
                                records["date"].combine_chunks(), birth)  # fmt: skip
            kept &= ~rows.refused
            self._count(chosen, rows.refused, kept)
            records = with_ids(records, block, rows).append_column("source_row", pa.array(rows.numbers))
            parts.append(records.filter(pa.array(kept)))
            if block.repeated:
                quiet.append(rows.numbers)
        everything = pa.concat_tables(parts, promote_options="default")
        before = everything["source_row"].to_numpy()
        silent = np.concatenate(quiet) if quiet else None
        unique = drop_duplicates("assessments", everything, self.intake.rejections, silent=silent)
        self._uncount(before, unique["source_row"].to_numpy(), silent)
        return unique

    def _with_episode(self, records: pa.Table) -> pa.Table:
        if "episodes" not in self.mapping.tables or not self.mapping.derive_episodes:
            return records
        derived = derived_episode_ids(records["patient_id"].combine_chunks())
        if "episode_id" not in records.column_names:
            return records.append_column("episode_id", derived)
        at = records.column_names.index("episode_id")
        return records.set_column(at, "episode_id", pc.coalesce(records["episode_id"].combine_chunks(), derived))

    def _records(self, name: str) -> pa.Table:
        parts = []
        for block in self.mapping.tables[name]:
            rows, chosen = rows_of(self.intake, self.raw, block, self.refused)
            if name == "published_rates":
                columns, kept = rates_of(block, rows)
            else:
                columns = self._plain_columns(name, block, rows)
                kept = ~rows.refused
            self._count(chosen, rows.refused, kept)
            parts.append(kept_rows(columns, rows, kept))
        everything = pa.concat_tables(parts, promote_options="default")
        before = everything["source_row"].to_numpy()
        unique = drop_duplicates(name, everything, self.intake.rejections)
        self._uncount(before, unique["source_row"].to_numpy(), None)
        return unique

    def _plain_columns(self, name: str, block: Block, rows: Any) -> dict[str, pa.Array]:
        columns = columns_of(name, block, rows)
        if name in _DERIVED_KEYS:
            key, parts = _DERIVED_KEYS[name]
            derived = derive_ids(name, [columns.get(part, pa.nulls(len(rows), pa.string())) for part in parts])
            columns[key] = pc.coalesce(columns[key], derived) if key in columns else derived
        for key in CANONICAL[name].key:
            values = columns.get(key, pa.nulls(len(rows), pa.string()))
            reason = {"date": "missing_date", "patient_id": "missing_patient_id"}.get(key, "missing_id")
            rows.refuse(missing(values), name_of(block.fields[key], key) if key in block.fields else key, reason)
        return columns

    def _merged(self, name: str, parts: list[tuple[pa.Table, npt.NDArray[np.int64]]]) -> pa.Table:
        gone = self.gone()
        stay = [table.filter(pa.array(~gone[positions])) for table, positions in parts]
        labels = {
            column: name_of(cell, column)
            for block in self.mapping.tables[name]
            for column, cell in block.fields.items()
        }
        return merge(name, pa.concat_tables(stay, promote_options="default"), self.intake.rejections, labels)

    def _count(self, chosen: Mask, refused: Mask, kept: Mask) -> None:
        self.failed[chosen] |= refused
        self.brought[chosen] |= kept

    def _uncount(self, before: npt.NDArray[np.int64], after: npt.NDArray[np.int64],
                 silent: npt.NDArray[np.int64] | None) -> None:  # fmt: skip
        """Rows that brought nothing but copies brought nothing."""
        if len(before) == len(after):
            return
        copy = np.zeros(int(self.raw.rows.max()) + 1, dtype=bool)
        copy[before] = True
        copy[after] = False
        if silent is not None:
            copy[silent] = False
        here = copy[self.raw.rows]
        self.failed |= here
        self.brought &= ~here

    def _conform(self, name: str, table: pa.Table) -> pa.Table:
        hashed = table.append_column("source_hash", pa.repeat(self.raw.source_hash, table.num_rows))
        return CANONICAL[name].conform(hashed)
