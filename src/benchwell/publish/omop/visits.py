"""Contacts and courses of care as VISIT_OCCURRENCE and EPISODE."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from benchwell.publish.omop.numbering import as_array, as_source_value, looked_up
from benchwell.publish.omop.source import Columns, ExportSource

_VISIT = {"inpatient": 9201, "outpatient": 9202, "emergency": 9203}


def visits(source: ExportSource) -> dict[str, tuple[Columns, int]]:
    """Columns of both tables, and how many rows each has."""
    rows = source.encounters
    visit: Columns = {
        "visit_occurrence_id": source.visit(rows["encounter_id"]),
        "person_id": source.person(rows["patient_id"]),
        "visit_concept_id": looked_up(rows["kind"], _VISIT),
        "visit_start_date": rows["date"],
        "visit_end_date": pc.coalesce(rows["end_date"], rows["date"]),
        "provider_id": source.provider(rows["practitioner_id"]),
        "care_site_id": source.site(rows["organization_id"]),
        "visit_source_value": as_source_value(rows["encounter_id"]),
    }
    begun = started(source)
    courses = begun.filter(pc.is_valid(begun["began"]))
    episode: Columns = {
        "episode_id": source.course(courses["episode_id"]),
        "person_id": source.person(courses["patient_id"]),
        "episode_start_date": courses["began"],
        "episode_end_date": _not_before(courses["end_date"], courses["began"]),
        "episode_source_value": as_source_value(courses["episode_id"]),
    }
    return {"visit_occurrence": (visit, rows.num_rows), "episode": (episode, courses.num_rows)}


def started(source: ExportSource) -> pa.Table:
    """Courses of care with the day they began: as stated, else the referral, else the first contact or score."""
    parts = [source.encounters.select(["episode_id", "date"]), source.assessments.select(["episode_id", "date"])]
    first = pa.concat_tables(parts).group_by("episode_id").aggregate([("date", "min")])
    place = pc.index_in(source.episodes["episode_id"], value_set=as_array(first["episode_id"]))
    seen = as_array(first["date_min"]).take(as_array(place))
    began = pc.coalesce(source.episodes["start_date"], source.episodes["referral_date"], seen)
    return source.episodes.append_column("began", began)


def _not_before(end: pa.ChunkedArray, start: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.if_else(pc.less(end, start), pa.scalar(None, pa.date32()), end)
