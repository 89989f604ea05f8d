"""Places of a whole source: a contact names its room in one file, and the room its clinic in another."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from benchwell.intake.fhir.places import map_location
from benchwell.intake.fhir.record_rows import RAW
from benchwell.intake.fhir.rows import Context, Found, Rows

_NAME = "Location"


def known_places(found: Sequence[Found], context: Context) -> pa.Table:
    """Locations of the first look as raw rows that belong to no part: their `source_row` is null."""
    rows = Rows()
    for one in found:
        map_location(one, context, rows)
    table = rows.table(_NAME, RAW[_NAME])
    at = table.schema.get_field_index("source_row")
    return table.set_column(at, table.schema.field(at), pa.nulls(table.num_rows, pa.int64()))


def with_places(tables: dict[str, pa.Table], places: pa.Table) -> dict[str, pa.Table]:
    """The raw tables of a part, with the places that its contacts may name and that lie in other parts.

    A place of the part itself is told by its own row. Parts without contacts are left as they are.
    """
    if not places.num_rows or not tables.get("Encounter"):
        return tables
    own = tables.get(_NAME, RAW[_NAME].empty_table())
    elsewhere = places.filter(pc.invert(pc.is_in(places["id"], value_set=own["id"].combine_chunks())))
    return tables | {_NAME: pa.concat_tables([own.select(RAW[_NAME].names), elsewhere])}
