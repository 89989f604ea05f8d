"""Canonical tables, scores and outcomes as tables of CDM 5.4, and these as files."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from benchwell.intake.omop.read import OWN_EXPORT
from benchwell.private_file import owner_only
from benchwell.publish.omop.cohorts import cohorts
from benchwell.publish.omop.fields import cdm_tables
from benchwell.publish.omop.observations import observations
from benchwell.publish.omop.people import people
from benchwell.publish.omop.source import Columns, ExportSource
from benchwell.publish.omop.visits import visits
from benchwell.registry import Measure, Registry

CDM_VERSION = "5.4"
_CDM_VERSION_CONCEPT = 756265  # "OMOP CDM Version 5.4.0"
FileFormat = Literal["parquet", "csv"]


@dataclass(frozen=True)
class OmopTables:
    """CDM tables by name, and how many people were left out because nobody knows their year of birth."""

    tables: Mapping[str, pa.Table]
    without_birth_year: int


def omop_tables(
    tables: Mapping[str, pa.Table],
    scores: pa.Table,
    registry: Registry,
    *,
    as_of: dt.date,
    name: str,
    outcomes: pa.Table | None = None,
    measures: Mapping[str, Measure] | None = None,
) -> OmopTables:
    """Canonical tables as tables of CDM 5.4, every one with all fields of the standard.

    Args:
        tables: Canonical tables by name; those that are missing are empty. Records taken back are left out.
        scores: `tables.DERIVED["scores"]`, of these assessments.
        registry: Declarations of the instruments.
        as_of: Release date, which CDM_SOURCE states.
        name: What the source is called.
        outcomes: `tables.DERIVED["outcomes"]`, written as cohorts.
        measures: Declarations of the outcomes' measures, by id.

    Returns:
        The same tables for the same input, row by row.
    """
    source = ExportSource.of(tables)
    columns: dict[str, tuple[Columns, int]] = {
        "cdm_source": (_cdm_source(name, as_of), 1),
        **people(source),
        **visits(source),
        **observations(source, scores, registry),
        **cohorts(source, outcomes, measures or {}),
    }
    known = cdm_tables()
    made = {table: known[table].fill(*columns[table]) for table in known if table in columns}
    made["episode_event"] = _of_written(made["episode_event"], made["episode"])
    made["observation_period"] = known["observation_period"].fill(*_periods(made))
    return OmopTables({table: made[table] for table in known}, source.left_out)


def write_omop(tables: Mapping[str, pa.Table], folder: Path, file_format: FileFormat = "parquet") -> list[Path]:
    """Write CDM tables as files, named as in the standard in upper case.

    Args:
        tables: By name, from `omop_tables`.
        folder: Made if it is not there, for its owner alone; files of the same names are replaced, each as a whole.
        file_format: `parquet`, or `csv` (UTF-8, commas, a header, empty cells where nothing is known).

    Returns:
        The files, in the order of the tables.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    written = []
    for name, table in tables.items():
        path = folder / f"{name.upper()}.{file_format}"
        draft = path.with_name(f".{path.name}")
        try:
            with open(draft, "wb", opener=owner_only) as file:
                if file_format == "parquet":
                    pyarrow.parquet.write_table(table, file)
                else:
                    pyarrow.csv.write_csv(table, file)
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
        written.append(path)
    return written


def holds_export(folder: Path, file_format: FileFormat) -> bool:
    """Whether a folder holds an export of ours in this format and nothing else: only that may be written over.

    Names alone do not tell: the tables of somebody's own database are called the same.
    """
    source = folder / f"CDM_SOURCE.{file_format}"
    known = {f"{table.upper()}.{file_format}" for table in cdm_tables()}
    if not source.is_file() or any(path.name.removeprefix(".") not in known for path in folder.iterdir()):
        return False
    try:
        read = pyarrow.parquet.read_table if file_format == "parquet" else pyarrow.csv.read_csv
        return bool(read(source)["cdm_etl_reference"].to_pylist() == [OWN_EXPORT])
    except (pa.ArrowException, KeyError):
        return False


def _cdm_source(name: str, as_of: dt.date) -> Columns:
    def one(value: object, kind: pa.DataType) -> pa.Array:
        return pa.array([value], kind)

    return {
        "cdm_source_name": one(name, pa.string()),
        "cdm_source_abbreviation": one("Benchwell", pa.string()),
        "cdm_holder": one(name, pa.string()),
        "source_description": one("Scores and outcomes of psychotherapy, exported by Benchwell.", pa.string()),
        "cdm_etl_reference": one(OWN_EXPORT, pa.string()),
        "source_release_date": one(as_of, pa.date32()),
        "cdm_release_date": one(as_of, pa.date32()),
        "cdm_version": one(CDM_VERSION, pa.string()),
        "cdm_version_concept_id": one(_CDM_VERSION_CONCEPT, pa.int64()),
        "vocabulary_version": one("none", pa.string()),
    }


def _of_written(events: pa.Table, episodes: pa.Table) -> pa.Table:
    """Links of courses of care that are written; one without any date is not."""
    return events.filter(pc.is_in(events["episode_id"], value_set=episodes["episode_id"].combine_chunks()))


def _periods(made: Mapping[str, pa.Table]) -> tuple[Columns, int]:
    """From the first to the last record of each person, whatever it is."""
    dates = [("visit_occurrence", "visit_start_date"), ("visit_occurrence", "visit_end_date"),
             ("observation", "observation_date"), ("measurement", "measurement_date"),
             ("episode", "episode_start_date"), ("episode", "episode_end_date")]  # fmt: skip
    parts = [
        pa.table({"person_id": made[table]["person_id"], "day": made[table][column].combine_chunks()})
        for table, column in dates
    ]
    spans = pa.concat_tables(parts).group_by("person_id").aggregate([("day", "min"), ("day", "max")])
    spans = spans.sort_by("person_id")
    columns: Columns = {
        "observation_period_id": pa.array(range(1, spans.num_rows + 1), pa.int64()),
        "person_id": spans["person_id"],
        "observation_period_start_date": spans["day_min"],
        "observation_period_end_date": spans["day_max"],
    }
    return columns, spans.num_rows
