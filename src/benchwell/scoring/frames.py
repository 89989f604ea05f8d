"""Score any frame that Narwhals knows, with one column an item."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import narwhals as nw

from benchwell.errors import ScoringError
from benchwell.registry import Instrument
from benchwell.scoring.answers import from_columns
from benchwell.scoring.bands import band
from benchwell.scoring.person import find_instrument, find_scale
from benchwell.scoring.rows import TARGET, with_score
from benchwell.scoring.total import with_total

_ADDED = ("value", "status", "reason", "band")


def score_frame(
    frame: Any,
    instrument: str | Instrument,
    items: Sequence[str],
    *,
    scale: str | None = None,
    prefix: str = "",
) -> Any:
    """Add value, status, reason and band to a frame.

    Args:
        frame: Any frame that Narwhals supports: pandas, Polars, PyArrow, DuckDB, Spark.
        instrument: An instrument, or its id or another known spelling.
        items: Names of the item columns, in the instrument's order.
        scale: A scale's id; null is the primary scale.
        prefix: Put before the names of the added columns, to score several instruments in one frame.

    Returns:
        A frame of the same type, with four columns more.

    Raises:
        UnknownDeclarationError: If there is no such instrument.
        ScoringError: If the number of columns is wrong, a column is absent or not numeric, or a name is taken.

    >>> import pyarrow as pa
    >>> table = pa.table({"a": [1, 3, None], "b": [2, 3, 1]})
    >>> score_frame(table, "gad-2", ["a", "b"]).select(["value", "reason"]).to_pydict()
    {'value': [3.0, 6.0, None], 'reason': [None, None, 'too-many-missing']}
    """
    found = find_instrument(instrument)
    chosen = find_scale(found, scale)
    known: Any = nw.from_native(frame)
    schema = known.collect_schema()
    names = list(schema.names())
    _check(found, items, names, prefix)
    _check_numbers(items, schema)
    rows = from_columns(known, items).with_columns(**{TARGET: nw.lit(chosen.id)})
    rows = with_total(rows, nw.lit(None, dtype=nw.Float64()), nw.lit(""))
    # Scoring adds its own names; the caller's columns of the same name wait under another.
    held = {name: f"_bw_held_{name}" for name in names if name in ("scale", *_ADDED)}
    rows = with_score(rows.rename(held) if held else rows, found, chosen)
    rows = rows.with_columns(band=band(found, chosen, nw.col("value")))
    own = {name: nw.col(held.get(name, name)) for name in names}
    return nw.to_native(rows.select(**own, **{prefix + name: nw.col(name) for name in _ADDED}))


def _check(instrument: Instrument, items: Sequence[str], names: Sequence[str], prefix: str) -> None:
    if instrument.items is None:
        raise ScoringError(f"{instrument.id} takes stated scores only, not answers.")
    if len(items) != instrument.items.count:
        raise ScoringError(f"{instrument.id} has {instrument.items.count} items, but {len(items)} columns were named.")
    if absent := sorted(set(items) - set(names)):
        raise ScoringError(f"The frame has no column {absent}.", hint=f"it has {sorted(names)}")
    if taken := sorted({prefix + name for name in _ADDED} & set(names)):
        raise ScoringError(f"The frame already has {taken}.", hint="pass prefix='...' to name the new columns")


def _check_numbers(items: Sequence[str], schema: nw.Schema) -> None:
    # An engine's own refusal would quote the cell; ours names the column only. A column without any value has
    # no type in some libraries.
    texts = sorted({item for item in items if not (schema[item].is_numeric() or schema[item] == nw.Unknown)})
    if texts:
        raise ScoringError(f"The columns {texts} do not hold numbers.", hint="convert them first; missing is null")
