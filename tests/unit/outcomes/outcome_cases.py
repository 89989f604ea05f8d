"""Small cases for outcome tests: write scores and episodes as rows, get outcome rows back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa

from benchwell.engine import DuckDBEngine, Frame
from benchwell.outcomes import OutcomeInputs, build_outcomes
from benchwell.registry import Instrument, Measure
from benchwell.tables import CANONICAL, DERIVED, INTEGER, TEXT

CONSENTS = pa.schema([("patient_id", TEXT), ("usable", pa.bool_()), ("since_day", INTEGER)])
DAYS = {
    "episodes": ("referral_day", "start_day", "end_day"),
    "patients": ("birth_day", "death_day"),
    "encounters": ("day",),
    "events": ("day",),
    "characteristics": ("day",),
}


def day_of(date: str) -> int:
    return (dt.date.fromisoformat(date) - dt.date(1970, 1, 1)).days


def schema_of(name: str) -> pa.Schema:
    if name == "scores":
        return DERIVED["scores"].schema
    if name == "consents":
        return CONSENTS
    schema = CANONICAL[name].schema
    for column in DAYS.get(name, ()):
        schema = schema.append(pa.field(column, INTEGER))
    return pa.schema([pa.field(field.name, field.type) for field in schema])


def arrow(name: str, rows: Iterable[Mapping[str, Any]]) -> pa.Table:
    schema = schema_of(name)
    filled = [{**dict.fromkeys(schema.names), **row} for row in rows]
    return pa.Table.from_pylist(filled, schema=schema)


def score(episode: str | None, day: int, value: float | None, **more: Any) -> dict[str, Any]:
    """One valid PHQ-9 total; `more` overrides any column."""
    row = {
        "assessment_id": f"a-{episode}-{more.get('instrument', 'phq-9')}-{day}-{value}",
        "scale": "total",
        "patient_id": f"p-{episode}",
        "episode_id": episode,
        "instrument": "phq-9",
        "day": day,
        "value": value,
        "status": "complete",
    }
    return row | more


def episode(name: str, start: int | None = 0, **more: Any) -> dict[str, Any]:
    row = {"episode_id": name, "patient_id": f"p-{name}", "organization_id": "org-1", "start_day": start}
    return row | more


def contact(episode_id: str, day: int, **more: Any) -> dict[str, Any]:
    row = {"encounter_id": f"c-{episode_id}-{day}", "episode_id": episode_id, "day": day, "attended": True}
    return row | {"kind": "treatment"} | more


def tables_of(**rows: Iterable[Mapping[str, Any]]) -> dict[str, pa.Table]:
    """All eight tables; patients follow from the episodes unless given."""
    given = {name: list(items) for name, items in rows.items()}
    known = {row["patient_id"] for row in given.get("patients", [])}
    wanted = dict.fromkeys(row["patient_id"] for row in given.get("episodes", []))
    given["patients"] = [*given.get("patients", []), *({"patient_id": name} for name in wanted if name not in known)]
    return {name: arrow(name, given.get(name, [])) for name in OutcomeInputs.__dataclass_fields__}


def inputs_of(tables: Mapping[str, pa.Table], engine: Any) -> OutcomeInputs:
    return OutcomeInputs(**{name: engine.from_arrow(table) for name, table in tables.items()})


def run(
    measures: Measure | Sequence[Measure],
    instruments: Mapping[str, Instrument],
    *,
    snapshot: int = 10_000,
    engine: Any = None,
    **rows: Iterable[Mapping[str, Any]],
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Outcome rows and exclusion rows, sorted."""
    engine = engine or DuckDBEngine(threads=1)
    wanted = [measures] if isinstance(measures, Measure) else list(measures)
    built = build_outcomes(
        inputs_of(tables_of(**rows), engine), wanted, instruments, snapshot_day=snapshot, keep=engine.keep
    )

    def collect(frame: Frame, name: str) -> list[dict[str, Any]]:
        table = engine.to_arrow(frame)
        assert table.column_names == DERIVED[name].columns
        key = DERIVED[name].key
        return sorted(table.to_pylist(), key=lambda row: [str(row[column]).zfill(9) for column in key])

    return collect(built.outcomes, "outcomes"), collect(built.exclusions, "exclusions")


def one(*args: Any, **kwargs: Any) -> dict[str, Any]:
    """The only outcome row."""
    (row,) = run(*args, **kwargs)[0]
    return row


def instrument(name: str = "phq-9", **more: Any) -> Instrument:
    """A synthetic instrument with the shape of a nine-item sum score."""
    head = {
        "id": name,
        "revision": 1,
        "title": name,
        "why": "test",
        "author": "test",
        "better": "lower",
        "items": {"count": 9, "max": 3},
        "scales": [{"id": "total", "title": "Total", "min": 0, "max": 27, "primary": True}],
        "caseness": {"operator": ">=", "value": 10, "status": "checked"},
        "remission": {"operator": "<", "value": 5, "status": "checked"},
        "reliable_change": {"points": 6, "status": "checked"},
        "licence": {"state": "free", "text": "test", "status": "checked"},
    }
    return Instrument.model_validate(head | more)


PHQ9 = instrument()
GAD7 = instrument(
    "gad-7",
    items={"count": 7, "max": 3},
    scales=[{"id": "total", "title": "Total", "min": 0, "max": 21, "primary": True}],
    caseness={"operator": ">=", "value": 8, "status": "checked"},
    reliable_change={"points": 4, "status": "checked"},
)
WHO5 = instrument(
    "who-5",
    better="higher",
    items={"count": 5, "max": 5},
    scales=[{"id": "total", "title": "Total", "min": 0, "max": 100, "multiply": 4, "primary": True}],
    caseness={"operator": "<=", "value": 50, "status": "checked"},
    remission={"operator": ">", "value": 50, "status": "checked"},
    reliable_change={"points": 10, "status": "unchecked"},
)
INSTRUMENTS = {item.id: item for item in (PHQ9, GAD7, WHO5)}


def measure(endpoint: Mapping[str, Any] | str, **more: Any) -> Measure:
    """A PHQ-9 measure from the start date, window 120 to 240 days, last score."""
    head = {
        "id": "test-measure",
        "revision": 1,
        "title": "Test",
        "why": "test",
        "author": "test",
        "better": "higher",
        "instruments": ["phq-9"],
        "index": {"rule": "start_date"},
        "baseline": {},
        "followup": {"from_day": 120, "to_day": 240, "pick": "last"},
        "endpoint": {"kind": endpoint} if isinstance(endpoint, str) else endpoint,
    }
    return Measure.model_validate(head | more)
