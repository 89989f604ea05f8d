"""The same record twice in one source: equal copies count once; of two that disagree, a stated rule keeps one."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from benchwell.intake.rejections import Rejections
from benchwell.intake.sql import connection
from benchwell.tables import CANONICAL

# Only records whose key stands more than once are looked at: they are few, whatever the size of the source.
_TWICE = """
CREATE TEMP TABLE twice AS
SELECT position, source_row, {reviewed} AS reviewed, hash({same}) AS content,
       dense_rank() OVER (ORDER BY {keys}) AS record
FROM records SEMI JOIN (SELECT {keys} FROM records GROUP BY {keys} HAVING count(*) > 1) AS several USING ({keys})
"""
_TURNS = """
SELECT position, source_row,
       row_number() OVER (PARTITION BY record, content ORDER BY source_row, position) AS copy,
       min(content) OVER (PARTITION BY record) <> max(content) OVER (PARTITION BY record) AS conflict,
       row_number() OVER (PARTITION BY record ORDER BY reviewed DESC, source_row DESC, position DESC) AS turn
FROM twice
"""


def drop_duplicates(
    name: str, records: pa.Table, rejections: Rejections, *, silent: npt.NDArray[np.int64] | None = None
) -> pa.Table:
    """Keep one record per key.

    Equal copies: the first row stays. Rows that disagree: one marked as reviewed wins, else the later row; both are
    reported.

    Args:
        name: Table name; the key is that of `tables.CANONICAL`.
        records: Records with `source_row`.
        rejections: Receives what was dropped.
        silent: Rows of which equal copies are expected (a baseline repeated on every visit).
    """
    key = list(CANONICAL[name].key)
    values = [column for column in records.column_names if column not in {*key, "source_row", "source_hash"}]
    with connection() as db:
        db.register("records", records.append_column("position", pa.array(np.arange(records.num_rows))))
        keys = ", ".join(f'"{column}"' for column in key)
        same = ", ".join(f'"{column}"' for column in values) or "1"
        reviewed = "coalesce(reviewed, false)" if "reviewed" in values else "false"
        db.execute(_TWICE.format(keys=keys, same=same, reviewed=reviewed))  # all three come from our schema
        found = db.sql(_TURNS).to_arrow_table()
    if not found.num_rows:
        return records
    position, row = found["position"].to_numpy(), found["source_row"].to_numpy()
    conflict, copy, turn = (found[column].to_numpy() for column in ("conflict", "copy", "turn"))
    drop = np.where(conflict, turn > 1, copy > 1).astype(bool)
    quiet = np.isin(row, silent) if silent is not None else np.zeros(len(row), dtype=bool)
    label = "patient_id+instrument+date" if name == "assessments" else "+".join(key)
    rejections.add(row[drop & ~conflict & ~quiet], label, "duplicate_row")
    rejections.add(row[conflict & drop], label, "conflicting_duplicate", "rejected")
    rejections.add(row[conflict & ~drop], label, "conflicting_duplicate")
    keep = np.ones(records.num_rows, dtype=bool)
    keep[position[drop]] = False
    return records.filter(pa.array(keep))
