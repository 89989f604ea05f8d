"""A form that a source takes back, or states anew, takes every score with it that is no longer in it."""

from __future__ import annotations

from collections.abc import Iterable

import narwhals as nw
import pyarrow as pa
import pyarrow.compute as pc

from benchwell.engine import DuckDBEngine
from benchwell.lake import Lake
from benchwell.tables import CANONICAL
from benchwell.tables.table import VERSION

_FHIR = "QuestionnaireResponse/"
_PART = "#"  # a form that holds several instruments gives `id` and `id#instrument`
_COLUMNS = ["assessment_id", "retracted", *VERSION]
_Version = tuple[float, int, float]
_UNKNOWN: _Version = (float("-inf"), -1, float("-inf"))


def with_parts_taken_back(lake: Lake, assessments: pa.Table) -> pa.Table:
    """Assessments of one intake, with a retraction for each stored part of a form that they no longer hold.

    Whoever takes a form back names the form only; which instruments were in it, the lake knows. A form of FHIR that is
    stated again is stated whole: an instrument that is no longer in it was taken out. For the same reason nothing comes
    in of a form that is older than the stored one, not even an instrument that only the older one holds.

    Args:
        lake: What came in earlier.
        assessments: Of one intake.
    """
    ids = assessments["assessment_id"].combine_chunks()
    retracted = pc.fill_null(assessments["retracted"], False).combine_chunks()
    whole = ids.filter(pc.or_(retracted, pc.starts_with(ids, _FHIR)))
    if not len(whole):
        return assessments
    here = _forms(whole).unique()
    stored = _stored(lake, here, _forms(ids.filter(pc.match_substring(ids, _PART))).unique())
    if not stored.num_rows:
        return assessments
    now, then = _newest(assessments, _forms(stored["assessment_id"]).unique()), _newest(stored)
    old = pa.array([form for form in now if _is_older(now[form], then[form])], pa.string())
    parts = stored.filter(
        pc.and_(pc.match_substring(stored["assessment_id"], _PART), pc.invert(pc.fill_null(stored["retracted"], False)))
    )["assessment_id"].combine_chunks()
    gone = parts.filter(pc.invert(pc.is_in(parts, value_set=ids)))
    gone = gone.filter(pc.invert(pc.is_in(_forms(gone), value_set=old)))
    if len(old):
        assessments = assessments.filter(pc.invert(pc.is_in(_forms(ids), value_set=old)))
    if not len(gone):
        return assessments
    versions = [now[form] for form in _forms(gone).to_pylist()]
    rows = {"assessment_id": gone, "retracted": pa.repeat(True, len(gone)), **_columns(versions)}
    return pa.concat_tables([assessments, CANONICAL["assessments"].conform(pa.table(rows))])


def _stored(lake: Lake, here: pa.Array, several: pa.Array) -> pa.Table:
    """What the lake holds of forms with several instruments, there or here; also what was taken back."""
    with DuckDBEngine() as engine:
        files = lake.files("assessments", lake.snapshot())
        known = engine.read(files, CANONICAL["assessments"].schema).select(_COLUMNS)
        parts = engine.to_arrow(known.filter(nw.col("assessment_id").str.contains(_PART, literal=True)))
        found = [parts.filter(pc.is_in(_forms(parts["assessment_id"]), value_set=here))]
        if len(several):
            forms = engine.from_arrow(pa.table({"assessment_id": several}))
            found.append(engine.to_arrow(known.join(forms, on="assessment_id", how="semi")))
    return pa.concat_tables([one.select(_COLUMNS) for one in found])


def _newest(rows: pa.Table, forms: pa.Array | None = None) -> dict[str, _Version]:
    """The newest version of each form that rows state."""
    if forms is not None:
        rows = rows.filter(pc.is_in(_forms(rows["assessment_id"]), value_set=forms))
    found: dict[str, _Version] = {}
    names = _forms(rows["assessment_id"]).to_pylist()
    columns = (rows[name].to_pylist() for name in VERSION)
    for form, *version in zip(names, *columns, strict=True):
        at, number, around = version
        known = (
            _UNKNOWN[0] if at is None else at,
            -1 if number is None else number,
            _UNKNOWN[2] if around is None else around,
        )
        found[form] = max(found.get(form, _UNKNOWN), known)
    return found


def _is_older(now: _Version, then: _Version) -> bool:
    return _UNKNOWN[:2] not in (now[:2], then[:2]) and now < then


def _columns(versions: Iterable[_Version]) -> dict[str, pa.Array]:
    columns = zip(*versions, strict=True)
    known = ([None if one == low else one for one in column] for column, low in zip(columns, _UNKNOWN, strict=True))
    types = (CANONICAL["assessments"].schema.field(name).type for name in VERSION)
    return {name: pa.array(column, kind) for name, column, kind in zip(VERSION, known, types, strict=True)}


def _forms(ids: pa.Array | pa.ChunkedArray) -> pa.Array:
    found = ids.combine_chunks() if isinstance(ids, pa.ChunkedArray) else ids
    return pc.list_element(pc.split_pattern(found, _PART, max_splits=1), 0)
