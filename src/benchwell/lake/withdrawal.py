"""Take back what a source said, when the same source is read again in another way."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchwell.engine import DuckDBEngine
from benchwell.lake.store import DataFile, lake_errors
from benchwell.lake.superseding import Change, find_hits, split
from benchwell.tables import Table


def withdraw(
    engine: DuckDBEngine, table: Table, source_hash: str, files: Sequence[DataFile], before: Sequence[DataFile]
) -> Change | None:
    """Remove the records that a source was the last to state, and bring back what it had superseded.

    A record that another source has stated since is left alone.

    Args:
        engine: For the join by key.
        table: Which table.
        source_hash: The source.
        files: The table now.
        before: The table before the source was first heard.

    Returns:
        The change, or nothing if the source states no record of this table.
    """
    kept, said, touched = [table.empty()], [table.empty()], []
    for file in files:
        with lake_errors(f"Table {table.name}"):
            column = pq.read_table(file.path, columns=["source_hash"], partitioning=None)["source_hash"]
            own = pc.fill_null(pc.equal(column, source_hash), False)
            if not pc.any(own).as_py():
                continue
            rows = table.conform(pq.read_table(file.path, partitioning=None))
        touched.append(file)
        said.append(rows.filter(own))
        kept.append(rows.filter(pc.invert(own)))
    if not touched:
        return None
    _, earlier = split(before, find_hits(engine, table, before, pa.concat_tables(said)), table)
    return Change(pa.concat_tables([*kept, earlier]), touched, int(np.sum([t.num_rows for t in said])))
