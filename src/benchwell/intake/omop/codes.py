"""Which code means which score: LOINC codes and OMOP concept ids of declared instruments, and codes of our own.

A scale or answer without a LOINC code is exported as `benchwell:INSTRUMENT/SCALE` or `benchwell:INSTRUMENT/ITEM` in
the source value, and read back from there.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from benchwell.registry import Instrument, Registry
from benchwell.registry.instrument import Scale

T_SCORE = "t-score"
_RAW = ("raw", "raw score", "{raw}", "raw-score", "sum")
_T = ("t", "t-score", "t score", "{t}", "{tscore}", "{t-score}", "tscore")


def plain_code(code: str) -> str:
    """A LOINC code without its system.

    >>> plain_code("loinc|44261-6")
    '44261-6'
    """
    return code.rsplit("|", 1)[-1]


def own_code(instrument: str, part: str | int) -> str:
    """Our code for a scale (by id) or an answer (by number, from 1).

    >>> own_code("pcl-5", 3), own_code("pcl-5", "total")
    ('benchwell:pcl-5/3', 'benchwell:pcl-5/total')
    """
    return f"benchwell:{instrument}/{part}"


def score_code(instrument: Instrument, scale: Scale) -> str:
    """The code under which a scale's value is exported: LOINC where declared, else our own."""
    codes = instrument.score_codes(scale)
    return plain_code(codes[0]) if codes else own_code(instrument.id, scale.id)


def item_code(instrument: Instrument, item: int) -> str:
    """The code under which an answer is exported (item from 1)."""
    codes = instrument.codes.get("items") or ()
    code = codes[item - 1] if item <= len(codes) else None
    return plain_code(code) if isinstance(code, str) else own_code(instrument.id, item)


def concept_id(instrument: Instrument, scale: Scale) -> int:
    """The standard OMOP concept of a scale's value; 0 where none is declared."""
    declared: dict[str, Any] = instrument.codes.get("omop", {})
    return int(declared.get("total", 0)) if scale.primary and not scale.lookup else 0


def meanings(registry: Registry) -> pa.Table:
    """One row for each code and what it can mean.

    Columns: `code` (lower case), `kind` (total, panel, item), `instrument`, `scale` (null: primary), `item` (from 1),
    `unit` (null: points), `items` (how many the instrument has).
    """
    rows = [row for instrument in registry.instruments.values() for row in _meanings(instrument)]
    schema = pa.schema(
        [("code", pa.string()), ("kind", pa.string()), ("instrument", pa.string()), ("scale", pa.string()),
         ("item", pa.int64()), ("unit", pa.string()), ("items", pa.int64())]
    )  # fmt: skip
    return pa.Table.from_pylist(rows, schema=schema)


def _meanings(instrument: Instrument) -> Iterator[dict[str, Any]]:
    count = instrument.items.count if instrument.items else 0
    base = {"instrument": instrument.id, "items": count}
    if isinstance(panel := instrument.codes.get("panel"), str):
        yield base | {"code": plain_code(panel).lower(), "kind": "panel"}
    for scale in instrument.scales:
        named = None if scale.primary else scale.id
        for code in instrument.score_codes(scale):
            unit = T_SCORE if scale.lookup and code != instrument.codes.get("total") else None
            yield base | {"code": plain_code(code).lower(), "kind": "total", "scale": named, "unit": unit}
        yield base | {"code": own_code(instrument.id, scale.id), "kind": "total", "scale": named}
    for item in range(1, count + 1):
        for code in {item_code(instrument, item).lower(), own_code(instrument.id, item)}:
            yield base | {"code": code, "kind": "item", "item": item}


def known_concepts(registry: Registry) -> pa.Table:
    """Standard concept ids that instruments declare: `concept_id`, `code`."""
    pairs = {
        (int(number), plain_code(instrument.codes[key]).lower())
        for instrument in registry.instruments.values()
        for key, number in instrument.codes.get("omop", {}).items()
        if isinstance(instrument.codes.get(key), str)
    }
    ids, codes = [pair[0] for pair in sorted(pairs)], [pair[1] for pair in sorted(pairs)]
    return pa.table({"concept_id": pa.array(ids, pa.int64()), "code": pa.array(codes, pa.string())})


def answers(registry: Registry) -> pa.Table:
    """Coded answers: `instrument`, `code` (lower case), `value`."""
    rows = [
        {"instrument": instrument.id, "code": plain_code(code).lower(), "value": float(value)}
        for instrument in registry.instruments.values()
        for value, code in (instrument.codes.get("answers") or {}).items()
        if isinstance(code, str)
    ]
    schema = pa.schema([("instrument", pa.string()), ("code", pa.string()), ("value", pa.float64())])
    return pa.Table.from_pylist(rows, schema=schema)


def item_ranges(registry: Registry) -> pa.Table:
    """What an answer may be: `instrument`, `item`, `low`, `high`, `whole`."""
    rows = [
        {"instrument": one.id, "item": item, "low": low, "high": high, "whole": one.items.integer}
        for one in registry.instruments.values()
        if one.items is not None
        for item in range(1, one.items.count + 1)
        for low, high in [one.items.range_of(item)]
    ]
    schema = pa.schema([("instrument", pa.string()), ("item", pa.int64()), ("low", pa.float64()),
                        ("high", pa.float64()), ("whole", pa.bool_())])  # fmt: skip
    return pa.Table.from_pylist(rows, schema=schema)


def total_ranges(registry: Registry) -> pa.Table:
    """What a stated value may be, by unit.

    Columns: `instrument`, `scale` ("" is primary), `word` (unit as written, lower case, "" none), `unit` (as the lake
    names it), `multiply`, `add`, `low`, `high`, `whole`, `plain` (the value is the sum of all answers).
    """
    rows = [
        row
        for one in registry.instruments.values()
        for scale in one.scales
        for row in _units(one, scale)
    ]  # fmt: skip
    schema = pa.schema(
        [("instrument", pa.string()), ("scale", pa.string()), ("word", pa.string()), ("unit", pa.string()),
         ("multiply", pa.float64()), ("add", pa.float64()), ("low", pa.float64()), ("high", pa.float64()),
         ("whole", pa.bool_()), ("plain", pa.bool_())]
    )  # fmt: skip
    return pa.Table.from_pylist(rows, schema=schema)


def _units(one: Instrument, scale: Scale) -> Iterator[dict[str, Any]]:
    converted = bool(scale.lookup) or scale.multiply != 1 or scale.divide != 1
    summed = one.items is not None and one.items.integer and scale.method == "sum" and not converted
    # A prorated total is a whole number only where the rule for missing answers rounds it.
    whole = summed and (one.missing.rule in ("none", "zero") or one.missing.round != "none")
    plain = summed and scale.primary and not (scale.items or scale.recode or scale.highest_of or one.form.reverse)
    base = {"instrument": one.id, "scale": "" if scale.primary else scale.id, "multiply": 1.0, "add": 0.0,
            "low": scale.min, "high": scale.max, "whole": whole, "plain": plain}  # fmt: skip
    yield base | {"word": "", "unit": None}
    if one.unit is not None:
        yield base | {"word": one.unit.lower(), "unit": one.unit}
    if scale.lookup:
        for word in _T:
            yield base | {"word": word, "unit": T_SCORE}
    if one.items is not None:
        low, high = one.raw_range(scale)
        for word in _RAW:
            yield base | {"word": word, "unit": "raw", "low": low, "high": high, "plain": False}
    for name, conversion in one.conversions.items():
        yield base | {"word": name.lower(), "unit": name, "multiply": conversion.multiply, "add": conversion.add}
