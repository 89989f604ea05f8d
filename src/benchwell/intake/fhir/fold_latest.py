"""The latest version of a resource counts; what was taken back takes along what was derived from it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from benchwell.intake.sql import connection

Positions = npt.NDArray[np.int64]

# A resource may give several rows; they stand next to each other and share everything that is compared here.
_VERSIONS = """
WITH one AS (
    SELECT copy, any_value(record) AS record, any_value(stored) AS stored, any_value(edit) AS edit,
           any_value(standing) AS standing, min(position) AS position,
           string_agg(hash(part, kind, retracted, patient_id, instrument, scale, date, time, items, total, unit, code,
                           value)::VARCHAR, ',' ORDER BY part) AS content
    FROM rows GROUP BY copy
), several AS (
    SELECT *, row_number() OVER (PARTITION BY record ORDER BY stored DESC NULLS LAST, edit DESC NULLS LAST,
                                 standing DESC, position DESC) AS turn
    FROM one SEMI JOIN (SELECT record FROM one GROUP BY record HAVING count(*) > 1) AS twice USING (record)
)
SELECT old.copy, old.position,
       CASE WHEN old.content = new.content THEN 'duplicate_row'
            WHEN (old.stored, old.edit, old.standing) IS NOT DISTINCT FROM (new.stored, new.edit, new.standing)
                 THEN 'conflicting_duplicate'
            ELSE 'older_version' END AS reason
FROM several AS old JOIN several AS new ON new.record = old.record AND new.turn = 1
WHERE old.turn > 1
"""


def latest(rows: pa.Table) -> tuple[pa.Table, list[tuple[str, Positions]]]:
    """Keep the latest version of each resource: by `meta.lastUpdated`, `meta.versionId`, status, then place.

    Args:
        rows: Raw rows with `position` (0, 1 … as they came).

    Returns:
        The rows that stay, and for each reason the positions of versions that do not.
    """
    part = rows["part"].to_numpy()
    firsts = rows["record"].filter(pa.array(part == 0))
    if pc.count_distinct(firsts).as_py() == len(firsts):
        return rows, []  # nothing stands twice, as nearly always
    numbered = rows.append_column("copy", pa.array(np.cumsum(part == 0)))
    with connection() as db:
        db.register("rows", numbered)
        old = db.sql(_VERSIONS).to_arrow_table()
    if not old.num_rows:
        return rows, []
    reasons = np.asarray(old["reason"].to_pylist(), dtype=object)  # few: only what stands more than once
    position = old["position"].to_numpy()
    found = [(str(reason), position[reasons == reason]) for reason in sorted(set(reasons.tolist()))]
    gone = pc.is_in(numbered["copy"], value_set=old["copy"].combine_chunks())
    return rows.filter(pc.invert(gone)), found


def taken_back(rows: pa.Table) -> pa.Array:
    """Which rows are retracted, or derived from a form that is."""
    retracted = rows["retracted"].combine_chunks().fill_null(False)
    forms = pc.starts_with(rows["record"].combine_chunks(), "QuestionnaireResponse/")
    gone = rows["record"].combine_chunks().filter(pc.and_(retracted, forms)).unique()
    if not len(gone):
        return retracted
    links = rows["links"].combine_chunks()
    hit = pc.is_in(pc.list_flatten(links), value_set=gone)
    parents = pc.list_parent_indices(links).filter(hit)
    derived = np.zeros(rows.num_rows, dtype=bool)
    derived[parents.to_numpy()] = True
    return pc.or_(retracted, pa.array(derived))
