"""What `benchwell build` prints of a real trial: one screen per benchmark at 80 columns, every site, nothing ranked."""

from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path

import pytest
from rich.console import Console

from benchwell import Workspace, terminal
from benchwell.pipeline import edition_summary
from benchwell.signals.words import FORBIDDEN

TRIAL = Path(__file__).parents[3] / "examples" / "hamd-trial-sites"
LEAST = 10


@pytest.fixture(scope="module")
def summary(tmp_path_factory):
    workspace = Workspace.create(tmp_path_factory.mktemp("screen") / "trial")
    workspace.intake(TRIAL / "hamd_sites.csv", TRIAL / "mapping.yaml")
    return edition_summary(workspace.build(as_of="2019-12-31", benchmarks=["hamd-sites-response"]))


@pytest.fixture
def screen(summary, monkeypatch, capsys):
    monkeypatch.setattr(terminal, "_out", Console(width=80, highlight=False))
    terminal.show_edition(summary)
    return capsys.readouterr().out


def counted() -> dict[str, tuple[int, int, int]]:
    """Eligible, followed and responders of each site, from the file alone: last visit 35 to 49 days after the start."""
    people: dict[tuple[str, str], list[tuple[int, float, float]]] = defaultdict(list)
    with (TRIAL / "hamd_sites.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            visit = (int(row["RELDAYS"]), float(row["BASVAL"]), float(row["HAMDTL17"]))
            people[row["POOLINV"], row["PATIENT"]].append(visit)
    sites = defaultdict(lambda: [0, 0, 0])
    for (site, _), visits in people.items():
        last = [visit for visit in sorted(visits) if 35 <= visit[0] <= 49][-1:]
        sites[site][0] += 1
        sites[site][1] += len(last)
        sites[site][2] += sum(2 * total <= before for _, before, total in last)
    return {site: tuple(numbers) for site, numbers in sites.items()}


def test_every_site_has_its_three_answers_or_what_it_still_needs(summary):
    sites = summary["benchmarks"][0]["sites"]
    expected = counted()
    assert [one["organization_id"] for one in sites] == sorted(expected)
    for one in sites:
        eligible, followed, met = expected[one["organization_id"]]
        assert one["people"] == (str(eligible), str(followed))
        if eligible < LEAST:
            more = LEAST - eligible
            assert one["figures"] == ()
            assert one["refusal"] == f"{more} more {'person' if more == 1 else 'people'} needed"
        else:
            assert one["figures"][0] == f"{int(100 * met / followed + 0.5)} %"
            assert one["figures"][1] == f"{int(100 * met / eligible + 0.5)} %"
            assert float(one["figures"][-1]) > 0


def test_the_screen_is_80_columns_wide_and_leaves_nothing_blank(screen):
    lines = screen.splitlines()
    assert [line for line in lines if len(line.rstrip()) > 80 and "Edition" not in line] == []
    assert "17 clinics, 6 with a figure" in screen
    assert "achievable (ABC)" in screen
    assert "Not shown: top tenth: 6 clinics have a reliability of at least 0.5" in screen
    assert "too_few" not in screen
    assert not [word for word in FORBIDDEN if word.isalpha() and f" {word} " in screen.lower()]


def test_full_records_stay_in_the_data(summary):
    benchmark = summary["benchmarks"][0]
    methods = {row["method"] for row in benchmark["records"]}
    assert {"p25", "p50", "p75", "pooled", "abc", "top_decile.raw", "top_decile.constrained_eb"} <= methods
    assert all(row["reason"] for row in benchmark["records"] if row["status"] != "ok")
    assert len(benchmark["results"]) == 17
