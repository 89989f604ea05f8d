"""A form that a source takes back takes every score with it that was read from it."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from benchwell.engine import DuckDBEngine
from benchwell.lake import Lake
from benchwell.tables import CANONICAL

_PART = "#"  # a form that holds several instruments gives `id` and `id#instrument`


def with_parts_taken_back(lake: Lake, assessments: pa.Table) -> pa.Table:
    """Assessments of one intake, with a retraction for each stored part of a form that they retract.

    Whoever takes a form back names the form only; which instruments were in it, the lake knows.

    Args:
        lake: What came in earlier.
        assessments: Of one intake.
    """
    gone = assessments.filter(pc.fill_null(assessments["retracted"], False))["assessment_id"]
    if not len(gone):
        return assessments
    with DuckDBEngine() as engine:
        stored = engine.to_arrow(lake.read(engine, "assessments", lake.snapshot()).select("assessment_id"))
    parts = stored["assessment_id"].filter(pc.match_substring(stored["assessment_id"], _PART))
    forms = pc.list_element(pc.split_pattern(parts, _PART, max_splits=1), 0)
    also = parts.filter(pc.is_in(forms, value_set=gone.combine_chunks()))
    also = also.filter(pc.invert(pc.is_in(also, value_set=assessments["assessment_id"].combine_chunks())))
    rows = pa.table({"assessment_id": also, "retracted": pa.repeat(True, len(also))})
    return pa.concat_tables([assessments, CANONICAL["assessments"].conform(rows)])
