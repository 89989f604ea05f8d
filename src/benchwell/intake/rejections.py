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
        if not self._found:
            return DERIVED["rejections"].schema.empty_table()
        # Sorted kinds of finding, so that one integer per finding sorts by row, column, reason and action.
        kinds = sorted({found[1:] for found in self._found})
        place = {kind: position for position, kind in enumerate(kinds)}
        parts = [rows * len(kinds) + place[column, reason, action] for rows, column, reason, action in self._found]
        rows, kind = np.divmod(np.unique(np.concatenate(parts)), len(kinds))
        spread = [pa.array([one[part] for one in kinds]).take(pa.array(kind)) for part in range(3)]
        constant = [pa.repeat(source_hash, len(rows)), pa.repeat(file, len(rows))]
        return pa.Table.from_arrays([*constant, pa.array(rows), *spread], schema=DERIVED["rejections"].schema)

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
