"""The tables of CDM 5.4 that are written: their fields, in the standard's order, and their types."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

import pyarrow as pa

_TYPES = {"integer": pa.int32(), "date": pa.date32(), "datetime": pa.timestamp("us"), "float": pa.float64()}
_NO_CONCEPT = 0


@dataclass(frozen=True)
class CdmTable:
    """One table of the standard."""

    name: str
    schema: pa.Schema  # required fields are not nullable
    lengths: Mapping[str, int]  # longest text, where the standard limits it

    def fill(self, columns: Mapping[str, pa.Array | pa.ChunkedArray], n: int) -> pa.Table:
        """A table of this shape: texts cut to their length, fields that are not given null, or 0 for a concept.

        Args:
            columns: Some of the fields, each of shape (n,).
            n: Rows.

        Raises:
            ValueError: If a column is no field of the table, or a required one is not given or holds a null.
        """
        extra = set(columns) - set(self.schema.names)
        if extra:
            raise ValueError(f"{self.name} has no field {sorted(extra)}")
        arrays = [self._array(field, columns.get(field.name), n) for field in self.schema]
        return pa.Table.from_arrays(arrays, schema=self.schema)

    def _array(self, field: pa.Field, values: pa.Array | pa.ChunkedArray | None, n: int) -> pa.Array:
        if values is None and field.name.endswith("_concept_id"):
            return pa.repeat(pa.scalar(_NO_CONCEPT, field.type), n)
        array = pa.nulls(n, field.type) if values is None else _cut(values, self.lengths.get(field.name), field.type)
        if array.null_count and not field.nullable:
            raise ValueError(f"{self.name}.{field.name} is required by the standard, and some rows have none")
        return array


def _cut(values: pa.Array | pa.ChunkedArray, length: int | None, kind: pa.DataType) -> pa.Array:
    import pyarrow.compute as pc

    array = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    array = array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
    array = array.cast(kind)
    return array if length is None else pc.utf8_slice_codeunits(array, 0, length)


@lru_cache(maxsize=1)
def cdm_tables() -> dict[str, CdmTable]:
    """Every table that is written, by name.

    >>> cdm_tables()["observation"].schema.names[:3]
    ['observation_id', 'person_id', 'observation_concept_id']
    """
    text = files(__package__).joinpath("cdm_5_4.csv").read_text(encoding="utf-8")
    fields: dict[str, list[pa.Field]] = {}
    lengths: dict[str, dict[str, int]] = {}
    for row in csv.DictReader(text.splitlines()):
        name, field, kind = row["table"], row["field"], row["type"]
        type_ = _TYPES.get(kind, pa.string())
        fields.setdefault(name, []).append(pa.field(field, type_, nullable=row["required"] == "no"))
        limit = kind.removeprefix("varchar(").removesuffix(")")
        lengths.setdefault(name, {}).update({field: int(limit)} if limit.isdigit() else {})
    return {name: CdmTable(name, pa.schema(columns), lengths[name]) for name, columns in fields.items()}
