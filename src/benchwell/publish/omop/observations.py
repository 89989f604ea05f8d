"""Answers and scores as OBSERVATION; laboratory values as MEASUREMENT: the domains of their standard concepts."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from benchwell.intake.omop.codes import concept_id, item_code, score_code
from benchwell.publish.omop.numbering import as_array
from benchwell.publish.omop.source import Columns, ExportSource
from benchwell.registry import Instrument, Registry
from benchwell.terms import ScoreStatus

T_SCORE_UNIT = "{tscore}"
_ROW = ("form", "patient_id", "episode_id", "date", "time", "code", "concept", "value", "unit", "informant", "order")


def observations(source: ExportSource, scores: pa.Table, registry: Registry) -> dict[str, tuple[Columns, int]]:
    """Columns of OBSERVATION, MEASUREMENT and EPISODE_EVENT, and how many rows each has.

    Args:
        source: What is exported.
        scores: `tables.DERIVED["scores"]`: assessments without a row in it are told again elsewhere, and left out.
        registry: Declares the instruments; assessments of others are left out.
    """
    scored = pc.is_in(source.assessments["assessment_id"], value_set=as_array(scores["assessment_id"]))
    forms = source.assessments.filter(scored)
    used = [one for one in forms["instrument"].unique().to_pylist() if one in registry.instruments]
    instruments = [registry.instrument(name) for name in sorted(used)]
    rows = pa.concat_tables([_totals(forms, scores, instruments), *(_answers(forms, one) for one in instruments)])
    rows = rows.sort_by([("form", "ascending"), ("order", "ascending"), ("code", "ascending")])
    after = max(source.visit.last, 0)
    number = pa.array(np.arange(after + 1, after + 1 + rows.num_rows))
    rows = rows.append_column("number", number)
    # All rows of one form point to its first row, the first row to itself.
    first = rows.group_by("form").aggregate([("number", "min")])
    place = as_array(pc.index_in(rows["form"], value_set=as_array(first["form"])))
    rows = rows.append_column("event", as_array(first["number_min"]).take(place))
    laboratory = pa.array([one.is_laboratory for one in instruments], pa.bool_())
    names = pa.array([one.id for one in instruments], pa.string())
    own = as_array(pc.index_in(rows["form"], value_set=as_array(forms["assessment_id"])))
    instrument = as_array(forms["instrument"]).take(own)
    measured = laboratory.take(pc.index_in(instrument, value_set=names))
    parts = {"observation": rows.filter(pc.invert(measured)), "measurement": rows.filter(measured)}
    found = {name: (_columns(name, part, source), part.num_rows) for name, part in parts.items()}
    return found | {"episode_event": _events(rows, source)}


def _totals(forms: pa.Table, scores: pa.Table, instruments: list[Instrument]) -> pa.Table:
    """One row for each valid score."""
    valid = [ScoreStatus.COMPLETE.value, ScoreStatus.PRORATED.value, ScoreStatus.TOTAL_ONLY.value]
    good = pc.and_(pc.is_in(scores["status"], value_set=pa.array(valid)), pc.is_valid(scores["value"]))
    here = pc.is_in(scores["assessment_id"], value_set=as_array(forms["assessment_id"]))
    rows = scores.filter(pc.and_(good, here))
    scales = [(one, scale) for one in instruments for scale in one.scales]
    keys = pa.array([f"{one.id}\t{scale.id}" for one, scale in scales], pa.string())
    which = pc.index_in(
        pc.binary_join_element_wise(as_array(rows["instrument"]), as_array(rows["scale"]), "\t"), value_set=keys
    )
    place = as_array(pc.index_in(rows["assessment_id"], value_set=as_array(forms["assessment_id"])))
    units = [T_SCORE_UNIT if scale.lookup else one.unit for one, scale in scales]
    return _rows(
        forms.take(place),
        code=pa.array([score_code(one, scale) for one, scale in scales], pa.string()).take(which),
        concept=pa.array([concept_id(one, scale) for one, scale in scales], pa.int64()).take(which),
        value=as_array(rows["value"]),
        unit=pa.array(units, pa.string()).take(which),
        order=pa.array([0 if scale.primary else 1 for _, scale in scales], pa.int64()).take(which),
    )


def _answers(forms: pa.Table, instrument: Instrument) -> pa.Table:
    """One row for each answer that was given to the items of one instrument."""
    items = pc.and_(pc.equal(forms["instrument"], instrument.id), pc.is_valid(forms["items"]))
    own = forms.filter(items)
    lists = as_array(own["items"])
    lengths = pc.fill_null(pc.list_value_length(lists), 0).to_numpy(zero_copy_only=False).astype(np.int64)
    parents = np.repeat(np.arange(len(lengths)), lengths)
    item = np.arange(len(parents)) - np.repeat(np.cumsum(lengths) - lengths, lengths) + 1
    values = lists.flatten()
    count = instrument.items.count if instrument.items else 0
    given = np.asarray(values.is_valid()) & (item <= count)
    codes = pa.array([item_code(instrument, one) for one in range(1, count + 1)], pa.string())
    return _rows(
        own.take(pa.array(parents[given])),
        code=codes.take(pa.array(item[given] - 1)),
        concept=pa.array(np.zeros(given.sum(), dtype=np.int64)),
        value=values.filter(pa.array(given)),
        unit=pa.nulls(int(given.sum()), pa.string()),
        order=pa.array(item[given] + 1),
    )


def _rows(forms: pa.Table, **columns: pa.Array) -> pa.Table:
    own = {"form": forms["assessment_id"]} | {
        name: forms[name] for name in ("patient_id", "episode_id", "date", "time", "informant")
    }
    return pa.table(own | columns).select(list(_ROW))


def _columns(table: str, rows: pa.Table, source: ExportSource) -> Columns:
    """The fields of either table: they differ in name, and in where a clock time may stand."""
    clock = pc.if_else(pc.match_substring_regex(rows["time"], r"^\d\d:\d\d(:\d\d)?$"), rows["time"], None)
    full = pc.utf8_slice_codeunits(pc.binary_join_element_wise(as_array(clock), ":00", ""), 0, 8)
    day = as_array(rows["date"]).cast(pa.string())
    moment = pc.strptime(pc.binary_join_element_wise(day, full, " "), "%Y-%m-%d %H:%M:%S", "us")
    columns: Columns = {
        f"{table}_id": rows["number"],
        "person_id": source.person(rows["patient_id"]),
        f"{table}_concept_id": rows["concept"],
        f"{table}_date": rows["date"],
        f"{table}_datetime": moment,
        f"{table}_source_concept_id": rows["concept"],
        "value_as_number": rows["value"],
        f"{table}_source_value": rows["code"],
        "unit_source_value": rows["unit"],
        f"{table}_event_id": rows["event"],
    }
    if table == "observation":
        columns["qualifier_source_value"] = rows["informant"]
    return columns


def _events(rows: pa.Table, source: ExportSource) -> tuple[Columns, int]:
    """Which visits and scores belong to which course of care."""
    visits = source.encounters.filter(pc.is_valid(source.encounters["episode_id"]))
    scores = rows.filter(pc.is_valid(rows["episode_id"]))
    course = pa.chunked_array([source.course(visits["episode_id"]), source.course(scores["episode_id"])])
    event = pa.chunked_array([source.visit(visits["encounter_id"]), as_array(scores["number"])])
    known = as_array(pc.is_valid(course))
    found = pa.table({"episode_id": course, "event_id": event}).filter(known)
    return {"episode_id": found["episode_id"], "event_id": found["event_id"]}, found.num_rows
