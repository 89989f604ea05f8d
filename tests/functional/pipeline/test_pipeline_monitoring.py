"""One clinic of a made-up network gets worse mid-way: from the file of scores to the chart, the page and --json."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchwell import Edition, Workspace, verify
from benchwell.synthetic import MAPPING, Courses, World, write_csv
from functional.product_cases import Ran

CLINIC = "clinic-05"
CHANGE = dt.date(2025, 5, 1)  # people who start from here on do less well there
DUE = "2025-09"  # 112 days of the window and 30 of grace later
AS_OF = "2027-03-31"
MEASURE = "phq9-response-12w"
YEARS = 3
WORLD = World(clinics=12, episodes=3600, clinic_sd=0.0, courses=Courses(start_days=365 * YEARS), seed=8)


def worsen(path: Path) -> None:
    """Every answer after the first questionnaire is a point worse, for those who start late in one clinic."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    started: set[str] = set()
    for row in sorted(rows, key=lambda one: one["date"]):
        first = row["episode_id"] not in started
        started.add(row["episode_id"])
        if not first and row["clinic"] == CLINIC and dt.date.fromisoformat(row["start_date"]) >= CHANGE:
            for name in (f"item_{number}" for number in range(1, 10)):
                row[name] = str(min(int(row[name]) + 1, 3)) if row[name] else ""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Edition:
    folder = tmp_path_factory.mktemp("drift")
    write_csv(folder / "scores.csv", WORLD)
    worsen(folder / "scores.csv")
    (folder / "map.yaml").write_text(MAPPING, encoding="utf-8")
    workspace = Workspace.create(folder / "network")
    workspace.intake(folder / "scores.csv", folder / "map.yaml")
    return workspace.build(as_of=AS_OF, benchmarks=["network-phq9-response-12w"])


@pytest.fixture(scope="module")
def months(network: Edition) -> list[dict[str, Any]]:
    found = network.arrow("monitoring_months").to_pylist()
    return [row for row in found if row["measure"] == MEASURE and row["adjustment"] == "unadjusted"]


def test_the_change_signals_after_it_and_not_before(months: list[dict[str, Any]]) -> None:
    signals = [row["month"] for row in months if row["organization_id"] == CLINIC and row["signal"] == "worse"]
    assert signals
    assert min(signals) >= DUE
    assert min(signals) <= "2026-03"  # half a year of people later


def test_clinics_without_change_signal_about_as_rarely_as_stated(months: list[dict[str, Any]]) -> None:
    others = [row for row in months if row["organization_id"] != CLINIC]
    for side in ("worse", "better"):
        expected = sum(row["n"] / row[f"arl_{side}"] for row in others)
        found = sum(row["signal"] == side for row in others)
        assert expected == pytest.approx(11 * YEARS / 5, rel=0.2)  # one chance for all: run lengths rise in steps
        assert found <= expected + 4 * expected**0.5


def test_every_person_of_the_sums_is_in_the_charts(network: Edition, months: list[dict[str, Any]]) -> None:
    sums = {
        row["organization_id"]: (row["n_eligible"], row["n_eligible"] - row["n_met"])
        for row in network.arrow("statistics").to_pylist()
        if (row["measure"], row["period"], row["stratum"]) == (MEASURE, "all", "all")
    }
    for clinic, counts in sums.items():
        mine = [row for row in months if row["organization_id"] == clinic]
        assert (sum(row["n"] for row in mine), sum(row["adverse"] for row in mine)) == counts
    assert len(sums) == 12


def test_the_edition_verifies_by_named_checks(network: Edition) -> None:
    found = {check.name: check for check in verify(network.path).checks if check.name.startswith("monitoring ")}
    assert set(found) == {f"monitoring {what}" for what in ("people", "vlad", "peaks", "limits", "signals", "sums")}
    assert all(check.passed for check in found.values())


def test_page_and_json_say_the_same(network: Edition, cli: Callable[..., Ran], tmp_path: Path) -> None:
    page = tmp_path / "clinic.html"
    ran = cli("report", network.path, "--organization", CLINIC, "-o", page, "--json")
    assert ran.code == 0
    (found,) = [one for one in ran.json()["over_time"] if one["measure"] == MEASURE]
    view, run = found["monitoring"], found["run_chart"]
    assert view["status"] == "ok"
    assert {one["side"] for one in view["signals"]} == {"worse"}
    assert run["share_limits"]["center"] == pytest.approx(run["center"], abs=0.1)
    html = page.read_text(encoding="utf-8")
    assert "Person by person over time: less favorable than expected in" in html
    assert "a false alarm would come once in about" in html
    assert "Limits for so many" in html
