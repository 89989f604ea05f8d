"""Read an OMOP CDM: a folder or database in, canonical tables and a rejection report out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from benchwell.clinical.systems import system_called
from benchwell.intake.omop.fields import CONCEPT_COLUMNS
from benchwell.intake.omop.loading import Cdm, opened
from benchwell.intake.omop.people import PATIENTS, read_people
from benchwell.intake.omop.records import CONDITIONS, PROCEDURES, read_records
from benchwell.intake.omop.scores import load_scores, prepare_codes, read_scores
from benchwell.intake.omop.source import CdmSource, find_tables
from benchwell.intake.omop.visits import ENCOUNTERS, EPISODES, ORGANIZATIONS, PRACTITIONERS, read_visits
from benchwell.intake.result import Counts
from benchwell.registry import Registry
from benchwell.tables import CANONICAL, DERIVED

OWN_EXPORT = "benchwell export omop"  # what our exports name as `cdm_etl_reference`
_PLAIN = ("cdm_source", "location", "care_site", "provider", "person", "death", "payer_plan_period",
          "visit_occurrence", "episode", "episode_event", "condition_occurrence", "procedure_occurrence")  # fmt: skip
_VOCABULARIES = (
    "LOINC", "SNOMED", "ICD10CM", "ICD10", "ICD10GM", "ICD9CM", "ICD10PCS", "CPT4", "HCPCS", "RxNorm", "CVX",
)  # fmt: skip


@dataclass(frozen=True)
class OmopResult:
    """One CDM, taken in.

    Attributes:
        tables: Canonical tables by name (shapes of `tables.CANONICAL`); only those with rows.
        rejections: One row per refused or flagged cell; `file` and `column` name the CDM table. Never a value.
        counts: Rows that were read, and what became of them. Rows of OBSERVATION and MEASUREMENT that are no score of a
            declared instrument are not among them.
        source_hash: SHA-256 over the names and bytes of the files, in name order.
        file: Name of the folder or database file.
        notes: What was decided for the whole source, in words.
    """

    tables: Mapping[str, pa.Table]
    rejections: pa.Table
    counts: Counts
    source_hash: str
    file: str
    notes: tuple[str, ...] = ()


def read_omop(path: Path | str, registry: Registry, *, as_of: dt.date | None = None) -> OmopResult:
    """Take in an OMOP CDM (5.3 or 5.4).

    Args:
        path: A folder of CDM tables (CSV, gzipped CSV, TSV or Parquet; names in any case), or a DuckDB database file.
        registry: Declarations, for instruments, their codes and ranges.
        as_of: Snapshot date: later records are refused. Null means today.

    Returns:
        Canonical tables, findings and counts.

    Raises:
        SourceError: If there is no PERSON table, or a file cannot be read as a table.
    """
    source = find_tables(Path(path))
    snapshot = as_of or dt.date.today()
    with opened(source) as cdm:
        prepare_codes(cdm, registry)
        for table in _PLAIN:
            cdm.load(table)
        _load_concepts(cdm)
        load_scores(cdm)
        own = bool(cdm.db.execute("SELECT 1 FROM cdm_cdm_source WHERE cdm_etl_reference = ?", [OWN_EXPORT]).fetchall())
        read_people(cdm, snapshot, own=own)
        others = read_visits(cdm, snapshot, own=own)
        read_records(cdm, snapshot)
        source_hash = source.source_hash()
        tables = {"assessments": read_scores(cdm, snapshot, own=own)}
        for name, query in _QUERIES.items():
            tables[name] = cdm.db.sql(query).to_arrow_table()
        rejections, counts = _findings(cdm, source, source_hash)
    conformed = {
        name: CANONICAL[name].conform(
            tables[name]
            .append_column("source_hash", pa.repeat(pa.scalar(source_hash), tables[name].num_rows))
            # The source states the record, which revives it where an earlier source took it back.
            .append_column("retracted", pa.repeat(pa.scalar(False), tables[name].num_rows))
        )
        for name in CANONICAL
        if name in tables and tables[name].num_rows
    }
    return OmopResult(conformed, rejections, counts, source_hash, source.name, _notes(source, own, others))


_QUERIES = {
    "organizations": ORGANIZATIONS,
    "practitioners": PRACTITIONERS,
    "patients": PATIENTS,
    "episodes": EPISODES,
    "encounters": ENCOUNTERS,
    "conditions": CONDITIONS,
    "procedures": PROCEDURES,
}


def _load_concepts(cdm: Cdm) -> None:
    """Of a vocabulary of millions, the concepts that the loaded tables name, and those of scores, answers and units."""
    named = " UNION ".join(
        f"SELECT as_concept({column}) FROM cdm_{table}"  # noqa: S608  # names of ours
        for table in _PLAIN
        for column in CONCEPT_COLUMNS[table]
    )
    coded = "SELECT code FROM meanings UNION SELECT code FROM answers"
    cdm.load(
        "concept",
        f"as_concept(concept_id) IN ({named}) OR vocabulary_id = 'UCUM' "
        f"OR vocabulary_id = 'LOINC' AND lower(concept_code) IN ({coded})",
    )
    systems = " ".join(f"WHEN '{name}' THEN '{system_called(name)}'" for name in _VOCABULARIES)
    cdm.db.execute(
        "CREATE TEMP TABLE concepts AS SELECT DISTINCT ON (concept_id) as_concept(concept_id) AS concept_id, "  # noqa: S608
        "concept_name AS name, vocabulary_id AS vocabulary, concept_code AS code, "
        f"CASE vocabulary_id {systems} ELSE lower(vocabulary_id) END || '|' || concept_code AS text "
        "FROM cdm_concept WHERE as_concept(concept_id) IS NOT NULL ORDER BY cdm_concept.row"
    )


def _findings(cdm: Cdm, source: CdmSource, source_hash: str) -> tuple[pa.Table, Counts]:
    found = cdm.db.sql("SELECT DISTINCT * FROM findings ORDER BY tbl, row, col, reason, action DESC").to_arrow_table()
    tables = found["tbl"].to_pylist()
    columns = [f"{table.upper()}.{column}" for table, column in zip(tables, found["col"].to_pylist(), strict=True)]
    rejections = DERIVED["rejections"].conform(
        pa.table(
            {
                "source_hash": pa.repeat(pa.scalar(source_hash), found.num_rows),
                "file": pa.array([source.label(table) for table in tables], pa.string()),
                "row": found["row"],
                "column": pa.array(columns, pa.string()),
                "reason": found["reason"],
                "action": found["action"],
            }
        )
    )
    rejected, flagged = cdm.db.execute(
        "SELECT count(*) FILTER (gone), count(*) FILTER (NOT gone) "
        "FROM (SELECT bool_or(action = 'rejected') AS gone FROM findings GROUP BY tbl, row)"
    ).fetchall()[0]
    return rejections, Counts(cdm.read, cdm.read - rejected - flagged, 0, flagged, rejected)


def _notes(source: CdmSource, own: bool, others: int) -> tuple[str, ...]:
    notes = []
    if own:
        notes.append("This is an export of Benchwell: the ids in the source values are the records' own.")
    if "concept" not in source.files:
        notes.append("The source has no CONCEPT table: only standard concepts that Benchwell knows could be named.")
    if "episode" not in source.files:
        notes.append("The source has no EPISODE table: courses of care are derived from contacts and scores.")
    if others:
        notes.append(f"{others} rows of EPISODE are not episodes of care, and were not read.")
    if "survey_conduct" in source.files:
        notes.append("SURVEY_CONDUCT was not read: its answers stand in OBSERVATION.")
    return tuple(notes)
