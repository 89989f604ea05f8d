"""Places and roles of a whole source: contacts name a room or a role in one file, and these their clinic elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from benchwell.intake.fhir.places import map_location, map_role
from benchwell.intake.fhir.record_rows import RAW
from benchwell.intake.fhir.resources import Location
from benchwell.intake.fhir.rows import Context, Found, Rows

_NAMES = ("Location", "PractitionerRole")
_ASKING = ("Encounter", "EpisodeOfCare")


def known_places(found: Sequence[Found], context: Context) -> dict[str, pa.Table]:
    """Locations and roles of the first look as raw rows that belong to no part: their `source_row` is null."""
    rows = Rows()
    for one in found:
        (map_location if isinstance(one.resource, Location) else map_role)(one, context, rows)
    return {name: _of_no_part(rows.table(name, RAW[name])) for name in _NAMES}


def with_places(tables: dict[str, pa.Table], places: Mapping[str, pa.Table]) -> dict[str, pa.Table]:
    """The raw tables of a part, with the places and roles that its contacts and courses may name in other parts.

    What stands in the part itself is told by its own row. Parts without contacts and courses are left as they are.
    """
    if not any(tables.get(name) for name in _ASKING):
        return tables
    grown = dict(tables)
    for name, known in places.items():
        own = tables.get(name, RAW[name].empty_table())
        elsewhere = known.filter(pc.invert(pc.is_in(known["id"], value_set=own["id"].combine_chunks())))
        if elsewhere.num_rows:
            grown[name] = pa.concat_tables([own.select(RAW[name].names), elsewhere])
    return grown


def _of_no_part(table: pa.Table) -> pa.Table:
    at = table.schema.get_field_index("source_row")
    return table.set_column(at, table.schema.field(at), pa.nulls(table.num_rows, pa.int64()))
