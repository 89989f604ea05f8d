"""Collect what was refused, corrected or flagged, and turn it into the rejections table."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from benchwell.intake.reasons import REASONS
from benchwell.intake.result import Counts
from benchwell.tables import DERIVED

Positions = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

_SEVERITY = {"corrected": 1, "flagged": 2, "rejected": 3}


@dataclass
class Rejections:
    """Findings by row number (1 = first data row). Holds numbers, names and codes: never a value."""

    _found: list[tuple[Positions, str, str, str]] = field(default_factory=list)

    def add(self, rows: Positions, column: str, reason: str, action: str | None = None) -> None:
        """Record one reason for many rows of one column.

        Raises:
            KeyError: If the reason code is not declared in `reasons.REASONS`.
        """
        usual = REASONS[reason].action
        if len(rows):
            self._found.append((np.asarray(rows, dtype=np.int64), column, reason, action or usual))

    def table(self, source_hash: str, file: str) -> pa.Table:
        """The rejections table, sorted by row, one line per row x column x reason."""
        schema = DERIVED["rejections"].schema
        if not self._found:
            return schema.empty_table()
        sizes = [len(rows) for rows, *_ in self._found]
        spread = [
            pa.array([found[part] for found in self._found]).take(np.repeat(np.arange(len(sizes)), sizes))
            for part in (1, 2, 3)
        ]
        total = sum(sizes)
        table = pa.Table.from_arrays(
            [
                pa.repeat(source_hash, total),
                pa.repeat(file, total),
                pa.array(np.concatenate([rows for rows, *_ in self._found])),
                *spread,
            ],
            names=["source_hash", "file", "row", "column", "reason", "action"],
        )
        keys = ["source_hash", "file", "row", "column", "reason", "action"]
        unique = table.group_by(keys, use_threads=False).aggregate([])
        order = [("row", "ascending"), ("column", "ascending"), ("reason", "ascending")]
        return DERIVED["rejections"].conform(unique.select(keys).sort_by(order))

    def counts(self, read: Positions, refused: Positions) -> Counts:
        """Each row in one class: rejected if nothing of it came in, else the gravest of its findings.

        Args:
            read: Numbers of all data rows, ragged ones included.
            refused: Numbers of the rows of which nothing came in.
        """
        if not len(read):
            return Counts(0, 0, 0, 0, 0)
        severity = np.zeros(int(read.max()) + 1, dtype=np.int8)
        for rows, _, _, action in self._found:
            # A refused cell in a row that came in otherwise (another visit of a wide row) is a flag on the row.
            level = min(_SEVERITY[action], 2)
            severity[rows] = np.maximum(severity[rows], level)
        severity[refused] = 3
        accepted, corrected, flagged, rejected = (int(n) for n in np.bincount(severity[read], minlength=4))
        return Counts(len(read), accepted, corrected, flagged, rejected)
