"""What a source took back stays in the history of the lake and is read by nobody."""

from __future__ import annotations

import narwhals as nw

from benchwell.engine import Frame


def standing(frame: Frame) -> Frame:
    """The records that stand: those that no source has taken back (entered in error, deleted).

    Every reader of canonical tables goes through here: `Lake.read` does, and so must whoever reads canonical tables
    that never were in a lake. A record that says nothing about it stands; a table without the column is left alone.

    Args:
        frame: A canonical table.

    >>> import pyarrow as pa
    >>> from benchwell.engine import DuckDBEngine
    >>> with DuckDBEngine() as engine:
    ...     people = engine.from_arrow(pa.table({"patient_id": ["a", "b", "c"], "retracted": [True, False, None]}))
    ...     sorted(engine.to_arrow(standing(people))["patient_id"].to_pylist())
    ['b', 'c']
    """
    if "retracted" not in frame.collect_schema().names():
        return frame
    return frame.filter(~nw.col("retracted").fill_null(False))
