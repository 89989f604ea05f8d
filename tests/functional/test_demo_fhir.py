"""`./run demo --fhir`: a made-up bulk export becomes an edition, a page and MeasureReports, and says what it is."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_demo_says_what_was_counted_by_hand_and_leaves_its_files(tmp_path):
    done = subprocess.run(
        [sys.executable, "scripts/demo.py", "--fhir", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    shown = re.sub(r"\s+", " ", done.stdout)
    for words in (
        "806 rows: 797 as they were, 3 in, but worth a look, 6 rejected",
        "47 of 58 eligible people followed up",
        " 0 fail",
        "Rules of cms159 on incomplete value sets",
        "18 of 45 (40.0%)",
        "Not Depression Remission at Twelve Months",
    ):
        assert words in shown, words
    assert "Nobody in this export exists" in re.sub(r"\s+", " ", done.stderr)
    reports = json.loads((tmp_path / "fhir-measure-reports.json").read_text(encoding="utf-8"))
    assert {entry["resource"]["resourceType"] for entry in reports["entry"]} == {"MeasureReport"}
    assert len([one for one in reports["entry"] if one["resource"]["type"] == "individual"]) == 60
    assert "synthetic-clinic-river" in (tmp_path / "fhir-report.html").read_text(encoding="utf-8")
