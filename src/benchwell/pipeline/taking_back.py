"""A form that a source takes back, or states anew, takes every score with it that is no longer in it."""

from __future__ import annotations

import narwhals as nw
import pyarrow as pa
import pyarrow.compute as pc

from benchwell.engine import DuckDBEngine
from benchwell.lake import Lake
from benchwell.tables import CANONICAL

_FHIR = "QuestionnaireResponse/"
_PART = "#"  # a form that holds several instruments gives `id` and `id#instrument`


def with_parts_taken_back(lake: Lake, assessments: pa.Table) -> pa.Table:
    """Assessments of one intake, with a retraction for each stored part of a form that they no longer hold.

    Whoever takes a form back names the form only; which instruments were in it, the lake knows. A form of FHIR that is
    stated again is stated whole: an instrument that is no longer in it was taken out.

    Args:
        lake: What came in earlier.
        assessments: Of one intake.
    """
    ids = assessments["assessment_id"].combine_chunks()
    retracted = pc.fill_null(assessments["retracted"], False).combine_chunks()
    whole = ids.filter(pc.or_(retracted, pc.starts_with(ids, _FHIR)))
    if not len(whole):
        return assessments
    with DuckDBEngine() as engine:
        stored = lake.read(engine, "assessments", lake.snapshot()).select("assessment_id")
        parts = engine.to_arrow(stored.filter(nw.col("assessment_id").str.contains(_PART, literal=True)))
    also = parts["assessment_id"].combine_chunks()
    also = also.filter(pc.is_in(_forms(also), value_set=_forms(whole).unique()))
    also = also.filter(pc.invert(pc.is_in(also, value_set=ids)))
    if not len(also):
        return assessments
    rows = pa.table({"assessment_id": also, "retracted": pa.repeat(True, len(also))})
    return pa.concat_tables([assessments, CANONICAL["assessments"].conform(rows)])


def _forms(ids: pa.Array) -> pa.Array:
    return pc.list_element(pc.split_pattern(ids, _PART, max_splits=1), 0)
