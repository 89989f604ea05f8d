"""Small cases for derived courses: write contacts as rows, get courses and the contacts of each back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa

from benchwell.engine import DuckDBEngine
from benchwell.outcomes import Courses, derive_episodes
from benchwell.registry import EpisodeRule
from benchwell.tables import CANONICAL, DERIVED, INTEGER

_DAYS = {
    "episodes": ("referral_day", "start_day", "end_day"),
    "encounters": ("day",),
    "conditions": ("onset_day", "recorded_day", "abatement_day"),
}


def rule(**more: Any) -> EpisodeRule:
    """A break of more than 30 days, and nothing else."""
    head = {"id": "test-rule", "revision": 1, "title": "Test", "why": "test", "author": "test", "gap_days": 30}
    return EpisodeRule.model_validate(head | more)


def contact(day: int, patient: str = "p", **more: Any) -> dict[str, Any]:
    row = {"encounter_id": f"{patient}-{day}", "patient_id": patient, "organization_id": "north", "day": day}
    return row | {"attended": True} | more


def schema_of(name: str) -> pa.Schema:
    if name == "scores":
        return DERIVED["scores"].schema
    schema = CANONICAL[name].schema
    for column in _DAYS.get(name, ()):
        schema = schema.append(pa.field(column, INTEGER))
    return pa.schema([pa.field(field.name, field.type) for field in schema])


def arrow(name: str, rows: Iterable[Mapping[str, Any]]) -> pa.Table:
    schema = schema_of(name)
    return pa.Table.from_pylist([{**dict.fromkeys(schema.names), **row} for row in rows], schema=schema)


def derive(
    declared: EpisodeRule,
    *,
    encounters: Iterable[Mapping[str, Any]] = (),
    episodes: Iterable[Mapping[str, Any]] = (),
    conditions: Iterable[Mapping[str, Any]] = (),
    scores: Iterable[Mapping[str, Any]] = (),
    organizations: Iterable[Mapping[str, Any]] = (),
    last_day: int = 100_000,
    engine: Any = None,
) -> tuple[list[dict[str, Any]], dict[str, str | None], Courses]:
    """Derived and named courses by id, the course of each contact, and the counts."""
    engine = engine or DuckDBEngine(threads=1)
    found = derive_episodes(
        declared,
        engine.from_arrow(arrow("episodes", episodes)),
        engine.from_arrow(arrow("encounters", encounters)),
        engine=engine,
        last_day=last_day,
        conditions=engine.from_arrow(arrow("conditions", conditions)),
        scores=engine.from_arrow(arrow("scores", scores)),
        organizations=engine.from_arrow(arrow("organizations", organizations)),
    )
    courses = engine.to_arrow(found.episodes)
    assert courses.column_names == schema_of("episodes").names
    contacts = engine.to_arrow(found.encounters)
    assert contacts.column_names == schema_of("encounters").names
    belongs = dict(zip(contacts["encounter_id"].to_pylist(), contacts["episode_id"].to_pylist(), strict=True))
    return sorted(courses.to_pylist(), key=lambda row: row["episode_id"]), belongs, found


def spans(courses: Iterable[Mapping[str, Any]]) -> list[list[int | None]]:
    """First and last day of each course, by first day."""
    return sorted(([row["start_day"], row["end_day"]] for row in courses), key=str)
