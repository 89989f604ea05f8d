"""Findings of a part: places back to file and line, the rejections table, and counts that add up."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

import numpy as np
import pyarrow as pa

from benchwell.intake.fhir.rows import Finding
from benchwell.intake.fhir.unpack import ROWS_PER_FILE
from benchwell.intake.result import Counts
from benchwell.tables import DERIVED

_LEVEL = {"corrected": 1, "flagged": 2, "rejected": 2}  # a refused part of a row that came in is a flag on the row


def rejections_of(findings: Iterable[Finding], files: Sequence[str], source_hash: str) -> pa.Table:
    """The rejections table of a part: one line per file, row, column and reason, in that order.

    Args:
        findings: By place in the part.
        files: Names of the part's files, in order.
        source_hash: Of the part.
    """
    unique = sorted({(one.row, one.column, one.reason, one.action) for one in findings})
    places = np.array([one[0] for one in unique], dtype=np.int64)
    file, row = np.divmod(places, ROWS_PER_FILE)
    names = pa.array(files, pa.string()).take(pa.array(file))
    texts = [pa.array([one[part] for one in unique], pa.string()) for part in (1, 2, 3)]
    columns = [pa.repeat(pa.scalar(source_hash), len(unique)), names, pa.array(row), *texts]
    return pa.Table.from_arrays(columns, schema=DERIVED["rejections"].schema)


def counts_of(read: int, findings: Iterable[Finding], refused: Collection[int]) -> Counts:
    """Each row in one class: rejected if nothing of it came in, else the gravest of its findings.

    >>> counts_of(3, [Finding(1, "", "not_json", "rejected"), Finding(2, "x", "no_score", "flagged")], [1]).as_dict()
    {'read': 3, 'accepted': 1, 'corrected': 0, 'flagged': 1, 'rejected': 1}
    """
    gone = set(refused)
    level: dict[int, int] = {}
    for one in findings:
        if one.row not in gone:
            level[one.row] = max(level.get(one.row, 0), _LEVEL[one.action])
    flagged = sum(value == 2 for value in level.values())
    corrected = len(level) - flagged
    return Counts(read, read - len(gone) - len(level), corrected, flagged, len(gone))


def rows_in_files(tables: dict[str, pa.Table]) -> dict[str, pa.Table]:
    """`source_row` as the row in its own file, instead of the place in the part."""
    return {name: _rows_in_file(table) for name, table in tables.items()}


def _rows_in_file(table: pa.Table) -> pa.Table:
    if "source_row" not in table.column_names:
        return table
    at = table.schema.get_field_index("source_row")
    places = table.column(at)
    rows = np.asarray(places.fill_null(0).to_numpy(), dtype=np.int64) % ROWS_PER_FILE
    known = pa.array(rows, mask=np.asarray(places.is_null().to_numpy(), dtype=bool))
    return table.set_column(at, table.schema.field(at), known)
