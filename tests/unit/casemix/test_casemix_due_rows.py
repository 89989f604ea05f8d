"""When an outcome was due: the very rule by which an episode is mature, for every kind of window."""

from __future__ import annotations

from typing import Any

import narwhals as nw
import pyarrow as pa
import pytest

from benchwell.casemix.due_rows import due_rows
from benchwell.engine import DuckDBEngine
from benchwell.outcomes.status import is_mature
from benchwell.registry import Measure, Registry

REGISTRY = Registry.load()
WINDOW = REGISTRY.measure("phq9-response-12w")
LAST = REGISTRY.measure("nhs-reliable-improvement")


def outcomes(measures: list[Measure]) -> pa.Table:
    rows: list[dict[str, Any]] = []
    for measure in measures:
        for place, eligible in enumerate((True, True, False)):
            rows.append(
                {
                    "measure": measure.id,
                    "episode_id": f"e{2 - place}",
                    "organization_id": "north",
                    "index_day": 20000 + place,
                    "status": "followed",
                    "met": place == 0,
                    "weight": 1.0,
                    "eligible": eligible,
                }
            )
    return pa.Table.from_pylist(rows)


EPISODES = pa.table({"episode_id": ["e0", "e1", "e2"], "end_day": pa.array([None, None, 20050], pa.int64())})


def rows_of(measures: list[Measure]) -> dict[str, list[dict[str, Any]]]:
    with DuckDBEngine() as engine:
        found = due_rows(engine, engine.from_arrow(outcomes(measures)), engine.from_arrow(EPISODES), measures)
        return {name: table.to_pylist() for name, table in found.items()}


def test_due_is_the_end_of_the_window_plus_grace() -> None:
    found = rows_of([WINDOW, LAST])
    assert WINDOW.followup is not None
    wait = WINDOW.followup.to_day + WINDOW.followup.grace_days
    assert [(row["episode_id"], row["due_day"]) for row in found[WINDOW.id]] == [
        ("e1", 20001 + wait),
        ("e2", 20000 + wait),
    ]


def test_a_course_that_has_ended_closes_a_window_of_the_last_observation() -> None:
    assert LAST.followup is not None
    assert LAST.followup.pick == "last_observation"
    open_course, ended = rows_of([WINDOW, LAST])[LAST.id]
    assert open_course["due_day"] == 20001 + LAST.followup.to_day + LAST.followup.grace_days
    assert ended["due_day"] == 20050 + LAST.followup.grace_days


@pytest.mark.parametrize("measure", [WINDOW, LAST], ids=lambda one: one.id)
def test_an_episode_is_mature_from_its_due_day_on(measure: Measure) -> None:
    (_, row) = rows_of([measure])[measure.id]
    person = nw.from_native(pa.table({"index_day": [20000], "end_day": [20050]}))
    for day, mature in ((row["due_day"] - 1, False), (row["due_day"], True)):
        assert person.select(mature=is_mature(measure, day))["mature"].to_list() == [mature]


def test_only_yes_no_measures_with_rows_of_people_are_looked_at() -> None:
    mean = REGISTRY.measure("phq9-change-12w")
    published = next(one for one in REGISTRY.measures.values() if one.is_published)
    assert rows_of([mean, published]) == {}
    assert list(rows_of([mean, WINDOW])) == [WINDOW.id]


def test_a_measure_without_a_window_is_due_on_its_index_day() -> None:
    measure = WINDOW.model_copy(update={"followup": None})
    assert [row["due_day"] for row in rows_of([measure])[measure.id]] == [20001, 20000]
