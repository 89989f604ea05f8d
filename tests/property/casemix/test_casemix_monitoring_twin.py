"""Charts over time: the worked example, a plain loop beside the table, and false alarms as often as stated."""

from __future__ import annotations

import datetime as dt
from math import log
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchwell.casemix.monitoring import monitor
from benchwell.registry import Measure
from benchwell.tables import DERIVED

FIRST = dt.date(2024, 1, 1)


def measure(**changes: Any) -> Measure:
    return Measure.model_validate(
        {
            "id": "response",
            "revision": 1,
            "title": "Response",
            "why": "Test.",
            "author": "Benchwell test",
            "better": "higher",
            "instruments": ["phq-9"],
            "index": {"rule": "start_date"},
            "baseline": {},
            "followup": {"from_day": 56, "to_day": 112, "pick": "closest", "target_day": 84},
            "endpoint": {"kind": "response"},
            "primary_denominator": "observed",
        }
        | changes
    )


def people(rows: list[tuple[str, int, bool | None]]) -> pa.Table:
    """Organization, due day after the first day of 2024, whether met (None: not followed)."""
    start = (FIRST - dt.date(1970, 1, 1)).days
    return pa.table(
        {
            "episode_id": pa.array([f"e{place:06d}" for place in range(len(rows))]),
            "organization_id": pa.array([row[0] for row in rows]),
            "status": pa.array(["missing" if row[2] is None else "followed" for row in rows]),
            "met": pa.array([row[2] for row in rows], pa.bool_()),
            "weight": pa.array([1.0] * len(rows)),
            "due_day": pa.array([start + row[1] for row in rows], pa.int64()),
        }
    )


def chances(values: list[float]) -> pa.Table:
    return pa.table({"episode_id": [f"e{place:06d}" for place in range(len(values))], "chance": values})


def clinical(table: pa.Table) -> list[dict[str, Any]]:
    return [row for row in table.to_pylist() if row["adjustment"] == "clinical"]


def test_worked_example_e5_4() -> None:
    """METHODS E5.4: six people, one a month; sixty later ones make a volume whose limit they do not reach."""
    p = [0.3, 0.5, 0.2, 0.4, 0.6, 0.3]
    y = [1, 1, 0, 1, 1, 1]
    later = [("a", 200 + 3 * place, place % 2 == 0) for place in range(60)]
    rows = [("a", 31 * place, not bad) for place, bad in enumerate(y)] + later
    found = clinical(
        monitor(
            {"response": people(rows)},
            [measure()],
            {"response": chances([1 - one for one in p] + [0.5] * 60)},
            {"response": 10},
        ).table
    )[:6]
    assert [row["n"] for row in found] == [1] * 6
    assert [row["adverse"] for row in found] == y
    assert found[0]["limit_worse"] > 1.5467
    assert [row["expected"] for row in found] == pytest.approx(p)
    assert [row["vlad"] for row in found] == pytest.approx([-0.7, -1.2, -1.0, -1.6, -2.0, -2.7])
    cusum = [0.4308, 0.7185, 0.5361, 0.8928, 1.1160, 1.5467]
    assert [row["cusum_worse"] for row in found] == pytest.approx(cusum, rel=1e-4)
    assert [row["cusum_worse_peak"] for row in found] == pytest.approx(cusum, rel=1e-4)


def plain(rows: list[tuple[int, int, float]], limits: dict[str, float]) -> list[dict[str, Any]]:
    """Due day, adverse, expected in order of time: the months by one loop, without arrays."""
    months: dict[str, dict[str, Any]] = {}
    total, level = 0.0, {"worse": 0.0, "better": 0.0}
    for day, adverse, expected in rows:
        label = (FIRST + dt.timedelta(days=day)).strftime("%Y-%m")
        month = months.setdefault(
            label,
            {
                "month": label,
                "n": 0,
                "adverse": 0,
                "expected": 0.0,
                "worse_peak": 0.0,
                "better_peak": 0.0,
                "signal": None,
            },
        )
        month["n"] += 1
        month["adverse"] += adverse
        month["expected"] += expected
        total += expected - adverse
        month["vlad"] = total
        for name, ratio in (("worse", 2.0), ("better", 0.5)):
            weight = log(1 / (1 - expected + ratio * expected)) + adverse * log(ratio)
            level[name] = max(0.0, level[name] + weight)
            month[name] = level[name]
            month[f"{name}_peak"] = max(month[f"{name}_peak"], level[name])
            if level[name] >= limits[name]:
                if month["signal"] != "worse":
                    month["signal"] = name
                level[name] = 0.0
    return list(months.values())


@st.composite
def courses(draw: st.DrawFn) -> list[tuple[str, int, bool | None, float]]:
    seed = draw(st.integers(0, 2**32 - 1))
    drift = draw(st.sampled_from([0.0, 0.35, -0.35]))
    rng = np.random.default_rng(seed)
    n = draw(st.integers(60, 250))
    chance = rng.uniform(0.05, 0.95, n)
    met = rng.random(n) < np.clip(chance + drift, 0, 1)
    missing = rng.random(n) < draw(st.sampled_from([0.0, 0.2]))
    clinic = rng.integers(0, 2, n)
    return [
        (f"c{clinic[one]}", int(rng.integers(0, 700)), None if missing[one] else bool(met[one]), float(chance[one]))
        for one in range(n)
    ]


@settings(max_examples=25, deadline=None)
@given(courses(), st.sampled_from(["higher", "lower"]), st.sampled_from(["observed", "all_eligible"]))
def test_table_is_what_a_plain_loop_gives(
    found: list[tuple[str, int, bool | None, float]], better: str, denominator: str
) -> None:
    declared = measure(better=better, primary_denominator=denominator)
    rows = people([row[:3] for row in found])
    table = monitor(
        {"response": rows}, [declared], {"response": chances([row[3] for row in found])}, {"response": 5}
    ).table
    assert table.schema.equals(DERIVED["monitoring_months"].schema)
    assert table.num_rows
    counted = [row for row in found if row[2] is not None or denominator == "all_eligible"]
    ordered = sorted(counted, key=lambda row: row[1])  # stable, as episodes come in order
    bad = [int(bool(row[2]) == (better == "lower")) for row in ordered]
    rate = sum(bad) / len(bad)
    for view in ("unadjusted", "clinical"):
        for clinic in ("c0", "c1"):
            mine = [row for row in table.to_pylist() if (row["adjustment"], row["organization_id"]) == (view, clinic)]
            if not mine:
                continue
            limits = {name: mine[0][f"limit_{name}"] for name in ("worse", "better")}
            path = [
                (row[1], adverse, rate if view == "unadjusted" else row[3] if better == "lower" else 1 - row[3])
                for row, adverse in zip(ordered, bad, strict=True)
                if row[0] == clinic
            ]
            twin = plain(path, limits)
            assert [row["month"] for row in mine] == [row["month"] for row in twin]
            for row, other in zip(mine, twin, strict=True):
                assert (row["n"], row["adverse"], row["signal"]) == (other["n"], other["adverse"], other["signal"])
                assert row["vlad"] == pytest.approx(other["vlad"], abs=1e-9)
                assert row["expected"] == pytest.approx(other["expected"], rel=1e-9)
                for name in ("worse", "better"):
                    assert row[f"cusum_{name}_peak"] == pytest.approx(other[f"{name}_peak"], abs=1e-9)
                    assert row[f"cusum_{name}"] == pytest.approx(other[name], abs=1e-9)


def test_false_alarms_come_as_often_as_the_table_says() -> None:
    """Two hundred clinics without any change for five years: about one signal each, in either direction."""
    rng = np.random.default_rng(17)
    clinics, n = 200, 300
    chance = 1 / (1 + np.exp(-rng.normal(-0.2, 0.5, clinics * n)))
    met = rng.random(clinics * n) < chance
    day = np.sort(rng.integers(0, 1826, (clinics, n)), axis=1).ravel()
    rows = [(f"c{one // n:03d}", int(day[one]), bool(met[one])) for one in range(clinics * n)]
    table = monitor(
        {"response": people(rows)}, [measure()], {"response": chances(chance.tolist())}, {"response": 10}
    ).table
    found = clinical(table)
    for side in ("worse", "better"):
        signals = [(row["organization_id"], row["month"]) for row in found if row["signal"] == side]
        arl = np.mean([row[f"arl_{side}"] for row in found])
        assert len(signals) == pytest.approx(clinics * n / arl, rel=0.25)  # four standard errors
        share = len({clinic for clinic, _ in signals}) / clinics
        assert 0.45 < share < 0.75  # 1 - exp(-1) = .63 if signals came without memory, less since C starts at 0


def test_a_network_where_everybody_did_well_has_no_chart() -> None:
    rows = people([("a", 7 * place, True) for place in range(80)])
    assert monitor({"response": rows}, [measure()], {}, {"response": 10}).table.num_rows == 0


def test_a_measure_that_followed_nobody_up_has_no_chart() -> None:
    rows = people([("a", 7 * place, None) for place in range(80)])
    assert monitor({"response": rows}, [measure()], {}, {"response": 10}).table.num_rows == 0


def test_people_whom_the_case_mix_leaves_out_stay_in_the_unadjusted_chart() -> None:
    rows = people([("a", 7 * place, place % 3 == 0) for place in range(80)])
    known = chances([0.4] * 80).slice(10)
    found = monitor({"response": rows}, [measure()], {"response": known}, {"response": 10}).table.to_pylist()
    people_of = {
        view: sum(row["n"] for row in found if row["adjustment"] == view) for view in ("unadjusted", "clinical")
    }
    assert people_of == {"unadjusted": 80, "clinical": 70}


def test_too_few_people_have_no_chart() -> None:
    few = [("a", 100 * place, place % 2 == 0) for place in range(9)] + [
        ("b", place, place % 2 == 0) for place in range(49)
    ]
    assert monitor({"response": people(few)}, [measure()], {}, {"response": 10}).table.num_rows == 0
    enough = [*few, ("a", 1000, True), ("b", 50, True)]
    found = monitor({"response": people(enough)}, [measure()], {}, {"response": 10}).table
    assert set(found["organization_id"].to_pylist()) == {"a", "b"}


def test_measures_that_are_not_yes_or_no_are_passed_over() -> None:
    mean = measure(id="change", endpoint={"kind": "change"})
    assert monitor({"change": people([("a", 1, True)])}, [mean], {}, {"change": 1}).table.num_rows == 0
    assert monitor({}, [measure()], {}, {"response": 1}).table.num_rows == 0


def test_a_chance_of_nearly_one_is_taken_as_less_and_said() -> None:
    rows = people([("a", 7 * place, place % 2 == 0) for place in range(80)])
    found = monitor({"response": rows}, [measure()], {"response": chances([1 - 1e-9] + [0.5] * 79)}, {"response": 10})
    (note,) = found.notes
    assert note.startswith("Charts over time of one measure: one person whose chance was below 0.1 % or above 99.9 %")
    assert clinical(found.table)[0]["expected"] == pytest.approx(0.001 + 0.5 * (clinical(found.table)[0]["n"] - 1))
