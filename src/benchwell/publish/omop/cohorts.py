"""Outcomes as cohorts: who counts, who was followed up, and who reached the endpoint, measure by measure."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from benchwell.publish.omop.source import Columns, ExportSource
from benchwell.registry import Measure
from benchwell.terms import OutcomeStatus

_KINDS = {
    "eligible": "courses of care that count in the denominator of all eligible people",
    "followed": "courses of care with a score in the follow-up window",
    "met": "followed courses of care that reached the endpoint",
}


def cohorts(
    source: ExportSource, outcomes: pa.Table | None, measures: Mapping[str, Measure]
) -> dict[str, tuple[Columns, int]]:
    """Columns of COHORT_DEFINITION and COHORT, and how many rows each has.

    A row of COHORT is one course of care: it starts on the index day and ends on the day of the follow-up score, or on
    the index day where there is none.

    Args:
        source: What is exported.
        outcomes: `tables.DERIVED["outcomes"]`; null writes none.
        measures: Declarations of the measures in it, by id.
    """
    names = [] if outcomes is None else sorted(set(outcomes["measure"].unique().to_pylist()) & set(measures))
    keys = [(measures[name], kind) for name in names for kind in _KINDS]
    parts = [] if outcomes is None else [_members(source, outcomes, one, kind) for one, kind in keys]
    numbers = [pa.repeat(number, part.num_rows) for number, part in enumerate(parts, start=1)]
    rows = pa.concat_tables(parts) if parts else pa.table({name: pa.array([], pa.int64()) for name in _MEMBER})
    members: Columns = {
        "cohort_definition_id": pa.chunked_array(numbers, pa.int64()),
        "subject_id": rows["subject"],
        "cohort_start_date": rows["start"].cast(pa.int32()).cast(pa.date32()),
        "cohort_end_date": rows["end"].cast(pa.int32()).cast(pa.date32()),
    }
    definition: Columns = {
        "cohort_definition_id": pa.array(range(1, len(keys) + 1), pa.int64()),
        "cohort_definition_name": pa.array([f"{one.title}: {kind}" for one, kind in keys], pa.string()),
        "cohort_definition_description": pa.array([_KINDS[kind] for _, kind in keys], pa.string()),
        "cohort_definition_syntax": pa.array(
            [f"benchwell measure {one.id} revision {one.revision} {one.numbers_hash} {kind}" for one, kind in keys],
            pa.string(),
        ),
    }
    return {"cohort_definition": (definition, len(keys)), "cohort": (members, rows.num_rows)}


_MEMBER = ("subject", "start", "end")


def _members(source: ExportSource, outcomes: pa.Table, measure: Measure, kind: str) -> pa.Table:
    rows = outcomes.filter(pc.equal(outcomes["measure"], measure.id))
    fits = {
        "eligible": pc.fill_null(rows["eligible"], False),
        "followed": pc.equal(rows["status"], OutcomeStatus.FOLLOWED.value),
        "met": pc.fill_null(rows["met"], False),
    }[kind]
    subject = source.person(rows["patient_id"])
    start = pc.coalesce(rows["index_day"], rows["baseline_day"])
    end = pc.if_else(pc.greater(rows["followup_day"], start), rows["followup_day"], start)
    known = pc.and_(fits, pc.and_(pa.chunked_array([pc.is_valid(subject)]), pc.is_valid(start)))
    found = pa.table({"subject": subject, "start": start, "end": pc.coalesce(end, start)}).filter(known)
    return found.sort_by([(name, "ascending") for name in _MEMBER])
