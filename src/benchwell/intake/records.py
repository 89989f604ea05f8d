"""Turn one mapped block into the columns of its canonical table, by the type that the schema gives each column."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from benchwell.intake.cells import Intake, Rows, date_array, dates_of, flags_of, name_of, numbers_of, text_of
from benchwell.intake.mapping import Block, Cell
from benchwell.intake.numbers import Mask, to_array
from benchwell.intake.raw import RawTable
from benchwell.tables import CANONICAL, DATE, FLAG, INTEGER, NUMBER

_SEXES = {
    "f": "female", "female": "female", "w": "female", "woman": "female", "weiblich": "female", "mujer": "female",
    "femenino": "female", "m": "male", "male": "male", "man": "male", "männlich": "male", "hombre": "male",
    "masculino": "male", "d": "other", "other": "other", "divers": "other", "diverse": "other",
}  # fmt: skip


def rows_of(intake: Intake, raw: RawTable, block: Block, refused: Mask) -> tuple[Rows, Mask]:
    """The rows that a block reads, and where they stand in the source."""
    chosen = np.ones(len(raw.rows), dtype=bool)
    for column, values in block.where.items():
        found = pc.is_in(raw.data.column(column), value_set=pa.array(list(values)))
        chosen &= found.to_numpy().astype(bool)
    if chosen.all():
        return Rows(intake, raw.data, raw.rows, refused.copy()), chosen
    return Rows(intake, raw.data.filter(pa.array(chosen)), raw.rows[chosen], refused[chosen]), chosen


def columns_of(table: str, block: Block, rows: Rows, skip: frozenset[str] = frozenset()) -> dict[str, pa.Array]:
    """Every plain column of a block, parsed; what cannot be parsed is refused by row."""
    schema = CANONICAL[table].schema
    return {
        name: _column(name, schema.field(name).type, cell, rows)
        for name, cell in block.fields.items()
        if name not in skip
    }


def _column(name: str, kind: pa.DataType, cell: Cell, rows: Rows) -> pa.Array:
    if kind == DATE:
        return date_array(dates_of(cell, rows, name))
    if kind == FLAG:
        return flags_of(cell, rows, name)
    if kind in (NUMBER, INTEGER):
        values = numbers_of(cell, rows, name)
        if kind == INTEGER:
            odd = np.isfinite(values) & ((values != np.floor(values)) | (np.abs(values) > 1e15))
            rows.refuse(odd, name_of(cell, name), "non_integer")
            return to_array(np.where(odd, np.nan, values)).cast(pa.int64())
        return to_array(values)
    text = text_of(cell, rows, keep=("NA",) if name == "country" else ())
    return _sexes(text) if name == "sex" else text


def _sexes(text: pa.Array) -> pa.Array:
    coded = text.dictionary_encode()
    known = [_SEXES.get(value.casefold(), value.casefold()) for value in coded.dictionary.to_pylist()]
    return pa.array(known, pa.string()).take(coded.indices)


def missing(values: pa.Array) -> Mask:
    """Where an array is null."""
    return np.asarray(values.is_null().to_numpy(zero_copy_only=False), dtype=bool)
