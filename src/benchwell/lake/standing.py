"""What a source took back stays in the history of the lake and is read by nobody."""

from __future__ import annotations

import narwhals as nw

from benchwell.engine import Frame
from benchwell.tables.table import OF_THE_LAKE


def standing(frame: Frame) -> Frame:
    """The records that stand: those that no source has taken back (entered in error, deleted).

    Every reader of canonical tables goes through here: `Lake.read` does, and so must whoever reads canonical tables
    that never were in a lake. A record that says nothing about it stands; a table without the column keeps all rows.
    Which version of a record it holds is the lake's own business: readers do not get those columns.

    Args:
        frame: A canonical table.

    >>> import pyarrow as pa
    >>> from benchwell.engine import DuckDBEngine
    >>> with DuckDBEngine() as engine:
    ...     people = engine.from_arrow(pa.table({"patient_id": ["a", "b", "c"], "retracted": [True, False, None]}))
    ...     sorted(engine.to_arrow(standing(people))["patient_id"].to_pylist())
    ['b', 'c']
    """
    known = frame.collect_schema().names()
    frame = frame.drop([name for name in OF_THE_LAKE if name in known])
    if "retracted" not in known:
        return frame
    return frame.filter(~nw.col("retracted").fill_null(False))
