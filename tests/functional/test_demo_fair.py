"""`./run demo --fair`: who changes state when it is taken into account whom a clinic treats, beside the truth."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROW = re.compile(r"^(synthetic-clinic-\d\d)\s+(.+?)\s{2,}(.+?)\s{2,}(.+?)\s+([+-]\d\.\d)$", re.MULTILINE)


@pytest.fixture(scope="module")
def demo(tmp_path_factory) -> tuple[str, Path]:
    folder = tmp_path_factory.mktemp("demo")
    done = subprocess.run(
        [sys.executable, "scripts/demo.py", "--fair", str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, folder


@pytest.fixture
def shown(demo) -> dict[str, tuple[list[str], float]]:
    return {clinic: ([*lights], float(effect)) for clinic, *lights, effect in ROW.findall(demo[0])}


def test_the_pages_are_there(demo):
    assert {page.name for page in demo[1].glob("*.html")} == {"fair-report.html", "fair-synthetic-clinic-23.html"}


def test_each_clinic_in_the_table_changes_its_light(demo, shown):
    assert len(shown) >= 5
    assert f"Whose light changes: {len(shown)} of 26 clinics" in demo[0]
    assert "A state is what probability alone says; a light is the state after the gates" in demo[0]
    tutorial = (ROOT / "docs" / "tutorials" / "compare-fairly.md").read_text(encoding="utf-8")
    (states,) = re.findall(r"The state of (\d+) of 26 clinics changes between views", demo[0])
    assert f"changes for {states} of 26 clinics; the *light*, the state after the gates, for {len(shown)}." in tutorial
    assert [clinic for clinic, (lights, _) in shown.items() if len(set(lights)) < 2] == []


def test_a_clinic_that_achieves_more_with_poorer_people_is_seen_only_with_social_risk_taken_into_account(shown):
    lights, effect = shown["synthetic-clinic-23"]
    assert effect > 1
    assert lights == ["○ cannot tell yet", "○ cannot tell yet", "▲ clearly above"]


def test_clinics_that_see_poorer_people_lose_a_colour_that_was_not_theirs(shown):
    for clinic in ("synthetic-clinic-09", "synthetic-clinic-15"):
        lights, effect = shown[clinic]
        assert abs(effect) < 1, clinic
        assert lights == ["▼ clearly below", "▼ clearly below", "○ cannot tell yet"], clinic


def test_no_colour_of_the_last_view_contradicts_the_truth(shown):
    wrong = [
        clinic
        for clinic, (lights, effect) in shown.items()
        if (lights[-1].startswith("▲") and effect < 0) or (lights[-1].startswith("▼") and effect > 0)
    ]
    assert wrong == []
