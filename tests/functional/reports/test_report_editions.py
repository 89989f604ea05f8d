"""Pages of editions that the real pipeline built: adjusted views of a synthetic network, and superseded editions."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from benchwell import Edition, Workspace
from benchwell.reports import render_network_report, render_organization_report
from benchwell.signals import four_views
from benchwell.synthetic import MAPPING, CaseMix, FollowUp, World, write_csv
from functional.product_cases import AS_OF, practice_rows, write_rows
from report_page import Page

MEASURE = "phq9-change-12w"
BENCHMARKS = ["network-phq9-response-12w", "phq9-change-12w-plain"]


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Edition:
    """Twelve clinics, sorted by deprivation, a quarter of the people not followed up."""
    folder: Path = tmp_path_factory.mktemp("synthetic")
    world = World(
        clinics=12,
        episodes=1200,
        seed=3,
        casemix=CaseMix(deprivation_sorting=0.4, deprivation_effect=0.8),
        follow_up=FollowUp(mechanism="mar", missing=0.25),
    )
    write_csv(folder / "data.csv", world)
    (folder / "map.yaml").write_text(MAPPING, encoding="utf-8")
    workspace = Workspace.create(folder / "workspace")
    workspace.intake(folder / "data.csv", mapping=folder / "map.yaml")
    named = [one.id for one in workspace.registry.benchmarks.values() if one.measure == MEASURE]
    assert named, "the measure ships a benchmark with a case mix"
    return workspace.build(as_of="2025-12-31", benchmarks=named)


def test_an_organization_sees_every_view_that_its_edition_holds(network: Edition) -> None:
    page = Page(render_organization_report(network, "clinic-05"))
    views = four_views(network, MEASURE, "clinic-05").views
    assert len(views) >= 3
    for view in views:
        assert view.title in page.text
        assert not view.missing or view.missing[1:] in page.text
    assert "Compared fairly" in page.text
    assert "The follow-up scores of the missing were filled in" in page.text
    assert "not recorded here" in page.text, "the synthetic file says nothing of chronicity"


def test_a_network_says_how_many_of_its_states_may_be_false(network: Edition) -> None:
    text = Page(render_network_report(network)).text
    assert re.search(r"\d+ comparisons?", text)
    assert "Clinics in each state." in text


def test_a_page_of_a_superseded_edition_says_so(own_practice: Workspace, tmp_path: Path) -> None:
    old = own_practice.edition()
    organization = old.arrow("organization_results")["organization_id"][0].as_py()
    assert "superseded" not in Page(render_organization_report(old, organization)).text.lower()
    rows = practice_rows()
    next(row for row in rows if row["patient_id"] == "p14" and row["date"].month > 4)["total"] = 5
    own_practice.intake(write_rows(tmp_path / "corrected.csv", rows))
    new = own_practice.build(
        as_of=AS_OF, benchmarks=BENCHMARKS, supersedes=old.id, reason="a score was entered wrongly"
    )
    for render in (render_network_report, lambda edition: render_organization_report(edition, organization)):
        assert f"This edition is superseded by {new.id}: a score was entered wrongly." in Page(render(old)).text
        assert f"This edition corrects {old.id}: a score was entered wrongly." in Page(render(new)).text
        assert "superseded" not in Page(render(new)).text.lower()
