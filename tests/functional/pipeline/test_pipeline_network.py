"""A network of 60 made-up clinics, from a file to an edition, against a recount in plain Python."""

from __future__ import annotations

import datetime as dt
import importlib.util
import statistics
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import narwhals as nw
import pyarrow as pa
import pyarrow.csv
import pytest
import yaml

from benchwell import Edition, Workspace, verify

DAY = dt.date(2022, 6, 30)
MEASURE = "phq9-response-12w"
OURS = {
    "id": "our-response",
    "revision": 1,
    "title": "Depression response among our clinics",
    "why": "The network's own benchmark, with gates that so small a network can pass.",
    "author": "Network",
    "measure": MEASURE,
    "population": "the clinics of our network",
    "kinds": ["mean", "percentile", "top_decile", "abc", "own_history"],
    "tiers": ["organization", "all"],
    "strata": [{"by": "therapy"}, {"by": "sex"}],
    "cadence": {"kind": "dynamic", "months": 12, "refresh": "quarterly"},
    "gates": {"organization_n": 5, "decile_reliability": 0.97},  # of shares of so few people none is so reliable
    "replicates": 200,
}
OUR_CHANGE = OURS | {
    "id": "our-change",
    "measure": "phq9-change-12w",
    "kinds": ["mean", "top_decile"],
    "strata": [],
    "gates": {"organization_n": 5},
}


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> pa.Table:
    path = Path(__file__).parents[3] / "benchmarks" / "synthetic.py"
    spec = importlib.util.spec_from_file_location("benchmarks_synthetic_network", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    file = tmp_path_factory.mktemp("made") / "network.csv"
    module.write_csv(file, module.Size(assessments=6000, episodes=1200, clinics=60, seed=3))
    made = pyarrow.csv.read_csv(file).to_pylist()
    # Every third clinic does clearly better, so that so few people a clinic can show it.
    for row in made:
        if int(row["clinic"].removeprefix("clinic-")) % 3 == 0 and row["date"] > row["start_date"]:
            row |= {f"item_{n}": None if row[f"item_{n}"] is None else row[f"item_{n}"] // 3 for n in range(1, 10)}
    return pa.Table.from_pylist(made)


@pytest.fixture(scope="module")
def network(table: pa.Table, tmp_path_factory: pytest.TempPathFactory) -> Edition:
    folder = tmp_path_factory.mktemp("network")
    pyarrow.csv.write_csv(table, folder / "network.csv")
    home = Workspace(folder / "home").path
    declared = home / "declarations" / "benchmarks"
    declared.mkdir(parents=True, exist_ok=True)
    for one_declared in (OURS, OUR_CHANGE):
        (declared / f"{one_declared['id']}.yaml").write_text(yaml.safe_dump(one_declared), encoding="utf-8")
    workspace = Workspace(home)
    assert workspace.intake(folder / "network.csv").rejected == 0
    return workspace.build(as_of=DAY, benchmarks=["our-response", "our-change"])


def total_of(row: dict[str, Any]) -> int | None:
    """PHQ-9 by hand: up to two blanks are filled with the person's own mean, half rounds up."""
    answers = [row[f"item_{n}"] for n in range(1, 10) if row[f"item_{n}"] is not None]
    return None if len(answers) < 7 else int(sum(answers) * 9 / len(answers) + 0.5)


@pytest.fixture(scope="module")
def recount(table: pa.Table) -> dict[str, list[tuple[dt.date, bool | None]]]:
    """Per clinic, each eligible mature course: its first day, and whether it responded (null: not followed)."""
    courses: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in table.to_pylist():
        if row["date"] <= DAY:
            courses[row["episode_id"]].append(row)
    known = [(rows[0]["patient_id"], rows[0]["start_date"], episode) for episode, rows in courses.items()]
    earlier: dict[str, list[tuple[dt.date, str]]] = defaultdict(list)
    for patient, start, episode in known:
        earlier[patient].append((start, episode))
    found: dict[str, list[tuple[dt.date, bool | None]]] = defaultdict(list)
    for rows in courses.values():
        start = rows[0]["start_date"]
        scores = {(row["date"] - start).days: total_of(row) for row in rows}
        first = max((day for day, total in scores.items() if -14 <= day <= 0 and total is not None), default=None)
        open_before = any(
            before < start
            and (start - before).days < 365
            and not any(row["end_date"] and row["end_date"] < start for row in courses[other])
            for before, other in earlier[rows[0]["patient_id"]]
        )
        if first is None or scores[first] < 10 or open_before or start + dt.timedelta(days=112 + 30) > DAY:
            continue
        later = {day: total for day, total in scores.items() if 56 <= day <= 112 and total is not None}
        met = None
        if later:
            best = min(later, key=lambda day: (abs(day - 84), -day))
            met = 2 * later[best] <= scores[first]
        found[rows[0]["clinic"]].append((start, met))
    return found


def is_shown(courses: list[tuple[dt.date, bool | None]]) -> bool:
    """Five people, and at least one of them came back."""
    return len(courses) >= 5 and any(met is not None for _, met in courses)


def counts(courses: list[tuple[dt.date, bool | None]]) -> tuple[int, int, int]:
    followed = [met for _, met in courses if met is not None]
    return len(courses), len(followed), sum(followed)


def rate_of(clinics: list[tuple[int, int, int]]) -> float:
    """Responses among all eligible people of these clinics."""
    return sum(met for _, _, met in clinics) / sum(eligible for eligible, _, _ in clinics)


def whole(edition: Edition, **wanted: str) -> list[dict[str, Any]]:
    keys = {"stratum": "all", "period": "all", "without": "", "tier": "all"} | wanted
    return edition.table("benchmarks").filter(*(nw.col(name) == value for name, value in keys.items())).rows(named=True)


def one(edition: Edition, **wanted: str) -> dict[str, Any]:
    (row,) = whole(edition, **wanted)
    return row


def test_every_clinic_agrees_with_the_recount(network, recount):
    rows = network.table("organization_results").filter(
        nw.col("measure") == MEASURE, nw.col("period") == "all", nw.col("stratum") == "all"
    )
    found = {row["organization_id"]: row for row in rows.rows(named=True)}
    assert len(recount) > 50
    for clinic, courses in recount.items():
        eligible, followed, met = counts(courses)
        row = found[clinic]
        assert (row["n_eligible"], row["n_followed"]) == (eligible, followed), clinic
        assert row["status"] == ("ok" if is_shown(courses) else "insufficient")
        if row["status"] == "ok":
            assert row["n_met"] == met
            assert row["all_eligible"] == pytest.approx(met / eligible)
            assert row["completion"] == pytest.approx(followed / eligible)
        else:
            assert row["estimate"] is None
            assert row["n_needed"] >= 1


def test_the_common_figures_agree_with_the_recount(network, recount):
    shown = [counts(courses) for courses in recount.values() if is_shown(courses)]
    rates = [met / eligible for eligible, _, met in shown]
    assert one(network, benchmark="our-response", method="unweighted")["estimate"] == pytest.approx(
        statistics.fmean(rates)
    )
    assert one(network, benchmark="our-response", method="p50")["estimate"] == pytest.approx(statistics.median(rates))
    # "All people together" leaves nobody out, whether their own clinic is large enough to be shown or not.
    everybody = [counts(courses) for courses in recount.values()]
    pooled = one(network, benchmark="our-response", method="pooled")
    assert pooled["estimate"] == pytest.approx(rate_of(everybody))
    assert (pooled["n_organizations"], pooled["n_patients"]) == (len(everybody), sum(n for n, _, _ in everybody))


def test_a_clinic_is_compared_without_itself(network, recount):
    shown = {clinic for clinic, courses in recount.items() if is_shown(courses)}
    rows = (
        network.table("benchmarks")
        .filter(nw.col("benchmark") == "our-response", nw.col("method") == "pooled", nw.col("without") != "")
        .filter(nw.col("period") == "all", nw.col("stratum") == "all")
        .rows(named=True)
    )
    assert {row["without"] for row in rows} == shown
    for row in rows:
        others = [counts(courses) for clinic, courses in recount.items() if clinic != row["without"]]
        assert row["estimate"] == pytest.approx(rate_of(others))
        assert row["n_organizations"] == len(recount) - 1


def test_the_top_tenth_is_there_by_every_method_with_the_raw_one_beside_it(network):
    found = {row["method"]: row for row in whole(network, benchmark="our-change", kind="top_decile")}
    assert {"top_decile.raw", "top_decile.eb", "top_decile.constrained_eb"} <= set(found)
    assert all(row["status"] == "ok" for row in found.values()), {k: v["reason"] for k, v in found.items()}
    results = network.table("organization_results").filter(
        nw.col("measure") == "phq9-change-12w", nw.col("period") == "all", nw.col("stratum") == "all"
    )
    gains = [row["estimate"] for row in results.rows(named=True) if row["status"] == "ok"]
    raw = statistics.quantiles(gains, n=10, method="inclusive")[-1]
    assert found["top_decile.raw"]["estimate"] == pytest.approx(raw)
    # Shrinkage pulls the top towards the middle; the constrained form lies between.
    eb, constrained = found["top_decile.eb"]["estimate"], found["top_decile.constrained_eb"]["estimate"]
    assert eb < constrained < raw
    for row in found.values():
        assert row["lower"] <= row["estimate"] <= row["upper"]


def test_a_top_tenth_without_reliable_clinics_waits_and_says_why(network):
    for row in whole(network, benchmark="our-response", kind="top_decile"):
        assert (row["status"], row["estimate"]) == ("insufficient", None)
        assert row["reason"].startswith("too_few_reliable_organizations")


def test_strata_are_there_with_their_own_counts(network, table):
    levels = {row["level"] for row in whole(network, stratum="therapy", method="pooled")}
    assert levels == set(table["therapy"].to_pylist())
    shown = sum(row["n_patients"] for row in whole(network, stratum="sex", method="pooled") if row["status"] == "ok")
    assert shown > 0


def test_dynamic_windows_hold_the_last_twelve_mature_months(network, recount):
    periods = set(network.table("benchmarks")["period"].to_list())
    (window,) = (period for period in periods if ".." in period and period.endswith("2021-Q4"))
    assert window == "2021-Q1..2021-Q4"
    row = one(network, benchmark="our-response", method="pooled", period=window)
    assert row["provisional"]
    inside = {
        clinic: [course for course in courses if dt.date(2021, 1, 1) <= course[0] <= dt.date(2021, 12, 31)]
        for clinic, courses in recount.items()
    }
    assert row["estimate"] == pytest.approx(rate_of([counts(courses) for courses in inside.values()]))


def test_the_edition_verifies_to_the_last_number(network):
    assert verify(network.path).failures == ()
