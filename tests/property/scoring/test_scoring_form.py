"""One form in plain Python and a table of forms give the same, on every declaration."""

from __future__ import annotations

import math
import random
from pathlib import Path
from typing import Any

import narwhals as nw
import pyarrow as pa
import pytest

from benchwell.registry import Instrument, Registry
from benchwell.scoring import score_assessments, score_form
from benchwell.scoring.bands import band
from benchwell.tables import TABLES

HEAD = {"revision": 1, "title": "A form", "why": "To test.", "author": "A. Author", "better": "lower"}
LICENCE = {"state": "free", "text": "none", "status": "unchecked"}
# Rules that a workspace may declare and no bundled instrument uses.
OWN = (
    HEAD
    | {
        "id": "own-item-mean",
        "items": {"count": 6, "min": 0, "max": 4, "reverse": [2]},
        "scales": [{"id": "total", "title": "Total", "primary": True, "min": 0, "max": 24}],
        "missing": {"rule": "item-mean", "max_missing": 3, "round": "half-up"},
        "bands": [{"min": 0, "max": 9, "label": "low"}, {"min": 10, "max": 24, "label": "high"}],
        "licence": LICENCE,
    },
    HEAD
    | {
        "id": "own-mean",
        "items": {"count": 4, "min": 1, "max": 7, "integer": False},
        "scales": [
            {"id": "mean", "title": "Mean", "primary": True, "method": "mean", "min": 1, "max": 7},
            {"id": "part", "title": "Part", "items": [1, 3], "method": "mean", "divide": 7, "min": 0, "max": 1},
        ],
        "missing": {"rule": "person-mean", "max_missing": 2},
        "licence": LICENCE,
    },
    HEAD
    | {
        "id": "own-zero",
        "items": {"count": 5, "min": 0, "max": 3, "ranges": {3: [0, 5]}, "answers": {4: [0, 3]}},
        "scales": [
            {"id": "sum", "title": "Sum", "primary": True, "min": 0, "max": 100, "multiply": 5},
            {"id": "worse", "title": "Groups", "highest_of": [[1, 2], [3, 4]], "min": 0, "max": 8},
        ],
        "missing": {"rule": "zero", "max_missing": 4},
        "conversions": {"Mmol": {"multiply": 2, "add": 1}},
        "licence": LICENCE,
    },
)
INSTRUMENTS: dict[str, Instrument] = {
    **Registry.load().instruments,
    **{str(one["id"]): Instrument.model_validate(one) for one in OWN},
}
ODD = (None, math.nan, -1.0, 7.0, 77.0, 0.25, math.inf, -math.inf)
Form = tuple[list[float | None] | None, float | None, str | None, str | None]


def forms_of(instrument: Instrument, number: int) -> list[Form]:
    rng = random.Random(f"forms of {instrument.id}")
    units = [None, None, "", "raw", " Raw ", "{score}", "T", "stones", instrument.unit, *instrument.conversions]
    return [
        (_answers(rng, instrument), _total(rng, instrument), _scale(rng, instrument), rng.choice(units))
        for _ in range(number)
    ]


def _answers(rng: random.Random, instrument: Instrument) -> list[float | None] | None:
    if rng.random() < 0.25:
        return None
    if instrument.items is None:
        return rng.choice([[], [1.0, 2.0]])
    absent = rng.choice([0, 0, 0.05, 0.15, 0.5, 1])
    given: list[float | None] = []
    for item in range(1, instrument.items.count + 1):
        low, high = instrument.items.range_of(item)
        allowed = instrument.items.answers_of(item) or (low, high, (low + high) / 3)
        given.append(None if rng.random() < absent else float(rng.choice(allowed)))
    if rng.random() < 0.3:
        given[rng.randrange(len(given))] = rng.choice(ODD)
    if rng.random() < 0.05:
        given = given[:-1] if rng.random() < 0.5 else [*given, 1.0]
    return given


def _total(rng: random.Random, instrument: Instrument) -> float | None:
    scale = rng.choice(instrument.scales)
    inside = rng.uniform(scale.min, scale.max)
    return rng.choice([None, None, float(round(inside)), round(inside, 1), -3.0, 500.0, math.nan, math.inf])


def _scale(rng: random.Random, instrument: Instrument) -> str | None:
    return rng.choice([None, None, "elsewhere", *(scale.id for scale in instrument.scales)])


def in_a_table(instrument: Instrument, forms: list[Form]) -> dict[int, set[tuple[Any, ...]]]:
    names = ("items", "total", "scale", "unit")
    rows = [
        {"assessment_id": str(number), "instrument": instrument.id, **dict(zip(names, form, strict=True))}
        for number, form in enumerate(forms)
    ]
    shape = pa.schema([TABLES["assessments"].schema.field(name) for name in rows[0]])
    table = TABLES["assessments"].conform(pa.Table.from_pylist(rows, schema=shape))
    table = table.append_column("day", pa.array([0] * len(rows), pa.int64()))
    scores = score_assessments(nw.from_native(table, eager_only=True), {instrument.id: instrument})
    found: dict[int, set[tuple[Any, ...]]] = {}
    for scale in {row["scale"] for row in scores.rows(named=True)}:
        part = scores.filter(nw.col("scale") == scale)
        known = [one for one in instrument.scales if one.id == scale]
        bands = band(instrument, known[0], nw.col("value")) if known else nw.lit(None, dtype=nw.String())
        for row in part.with_columns(band=bands).rows(named=True):
            told = (row["scale"], row["value"], row["status"], row["reason"], row["band"])
            found.setdefault(int(row["assessment_id"]), set()).add(told)
    return found


@pytest.mark.parametrize("name", sorted(INSTRUMENTS))
def test_one_form_gets_what_a_table_of_forms_gets(name: str) -> None:
    instrument = INSTRUMENTS[name]
    forms = forms_of(instrument, 400)
    expected = in_a_table(instrument, forms)
    statuses = set()
    for number, (items, total, scale, unit) in enumerate(forms):
        found = score_form(instrument, items, total, scale=scale, unit=unit)
        assert set(map(tuple, found)) == expected[number], forms[number]
        assert len(found) == len(expected[number])
        statuses |= {one.status for one in found}
    assert {"invalid", "total_only"} <= statuses  # the forms were of all kinds


def test_every_declaration_is_held_to_it() -> None:
    folder = Path(__file__).parents[3] / "src" / "benchwell" / "declarations" / "instruments"
    assert {path.stem for path in folder.glob("*.yaml")} <= set(INSTRUMENTS)
