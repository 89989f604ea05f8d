"""The bundled FHIR export: taken in, made an edition, counted by an official measure: every figure by hand."""

from __future__ import annotations

import csv
import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchwell import Edition, verify

EXAMPLE = Path(__file__).parents[3] / "examples" / "fhir-clinic"
EXPORT, VALUE_SETS = EXAMPLE / "export", EXAMPLE / "valuesets"
# PROVENANCE.md says who is in which number.
CMS159 = {"initial-population": 49, "denominator": 49, "denominator-exclusion": 4, "numerator": 18}
TEENS = {"initial-population": 4, "denominator": 4, "denominator-exclusion": 0, "numerator": 2}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory) -> Path:
    """A workspace that has taken the export in once."""
    path = tmp_path_factory.mktemp("fhir-example") / "network"
    subprocess.run(command("init", path), check=True, capture_output=True)
    return path


@pytest.fixture(scope="module")
def taken(workspace) -> dict:
    done = subprocess.run(
        command("intake", EXPORT, "-w", workspace, "--as-of", "2026-01-31", "--allow-rejections", "--json"),
        check=True,
        capture_output=True,
        text=True,
    )
    return json.loads(done.stdout)[0]


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "benchwell.cli", *map(str, arguments)]


def quality(*extra: str) -> dict:
    asked = ("quality", "--measure", "cms159", "--period", "2025", "--valuesets", VALUE_SETS, *extra, EXPORT)
    return json.loads(subprocess.run(command(*asked), check=True, capture_output=True, text=True).stdout)


def test_the_export_is_what_its_scripts_make(tmp_path):
    subprocess.run([sys.executable, EXAMPLE / "make_example.py", tmp_path], check=True)
    subprocess.run([sys.executable, EXAMPLE / "make_valuesets.py", tmp_path / "sets.json"], check=True)
    names = sorted(path.name for path in EXPORT.iterdir())
    assert names == sorted(path.name for path in tmp_path.iterdir() if path.name != "sets.json")
    for name in names:
        made, kept = (folder / name for folder in (tmp_path, EXPORT))
        unpacked = gzip.decompress if name.endswith(".gz") else bytes  # packers differ, what is packed does not
        assert unpacked(made.read_bytes()) == unpacked(kept.read_bytes()), name
    assert (tmp_path / "sets.json").read_bytes() == (VALUE_SETS / "made-up-extract.json").read_bytes()


def test_everybody_in_it_says_that_nobody_is_meant():
    for line in (EXPORT / "Patient.ndjson").read_text(encoding="utf-8").splitlines():
        patient = json.loads(line)
        assert patient["id"].startswith("synthetic-")
        assert patient["name"][0]["family"] == "Synthetic"


def test_a_bad_line_costs_that_line(taken):
    assert (taken["read"], taken["accepted"], taken["flagged"], taken["rejected"]) == (806, 797, 3, 6)
    with Path(taken["rejections"]).open(encoding="utf-8") as file:
        found = {(row["file"].partition(".")[0], row["reason"], row["action"]) for row in csv.DictReader(file)}
    assert found == {
        ("Encounter", "not_json", "rejected"),
        ("QuestionnaireResponse", "total_differs", "flagged"),
        ("Observation", "duplicate_row", "rejected"),
        ("Observation", "older_version", "flagged"),
        ("Observation", "fhir_stu3", "rejected"),
        ("Observation", "partial_date", "rejected"),
        ("Observation", "not_finished", "rejected"),
        ("Observation", "above_range", "rejected"),
    }


def test_one_assessment_is_one_row_in_whatever_form_it_came(taken):
    # 60 first forms, 48 after twelve weeks (four in five), 36 a year later; one taken back and one deleted stay as rows
    assert taken["records"]["assessments"] == 60 + 48 + 36 + 2
    assert {name: taken["records"][name] for name in ("patients", "organizations", "episodes", "conditions")} == {
        "patients": 60,
        "organizations": 3,
        "episodes": 40,
        "conditions": 60 + 2,
    }


def test_the_same_export_again_changes_nothing(workspace, taken):
    again = subprocess.run(
        command("intake", EXPORT, "-w", workspace, "--as-of", "2026-01-31", "--allow-rejections", "--json"),
        check=True,
        capture_output=True,
        text=True,
    )
    report = json.loads(again.stdout)[0]
    assert (report["already"], report["snapshot"]) == (True, taken["snapshot"])


def test_an_edition_of_it_counts_what_stands(workspace, taken):
    assert taken["already"] is False
    asked = command("build", "-w", workspace, "--as-of", "2026-01-31", "-b", "network-phq9-change-12w", "--json")
    edition = Path(json.loads(subprocess.run(asked, check=True, capture_output=True, text=True).stdout)["path"])
    assert verify(edition, workspace=workspace).passed
    flow = {
        row["reason"]: row["count"]
        for row in Edition.load(edition).table("exclusions").rows(named=True)
        if row["measure"] == "phq9-change-12w"
    }
    # One declined. One first visit was cancelled, so that course begins after the first form. 48 - 1 were followed.
    assert flow == {"opted-out": 1, "no-baseline": 1, "no-followup": 60 - 2 - 47, "analysed": 47}
    manifest = json.loads((edition / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["reading"]["courses_derived"] == 20  # the clinic at the river names none


def test_one_page_of_the_export_names_the_file_of_every_finding(tmp_path):
    done = subprocess.run(
        command("report", EXPORT, "-o", tmp_path / "page.html", "--as-of", "2026-01-31"),
        check=True,
        capture_output=True,
        text=True,
    )
    assert "Encounter.ndjson, row 338, whole row: rejected, not_json" in done.stderr
    assert "44 of your 55 eligible people were followed up" in done.stdout
    assert "<html" in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_cms159_is_what_was_counted_by_hand():
    result = quality("--json")
    summary = result["summary"]
    assert summary["populations"] == CMS159
    assert {one["id"]: one["populations"] for one in summary["strata"]}["age-12-17"] == TEENS
    assert summary["performance"] == {"numerator": 18, "denominator": 45, "rate": 18 / 45}
    assert (summary["subjects"], summary["not_assessed"]) == (60, 15)
    # 15 value sets that are all there, and all cut short: the rules, not the official name
    assert (len(result["valuesets"]), summary["official_name"]) == (15, False)
    assert "2 resources or lines could not be read and were left out" in summary["notes"]


def test_its_measure_report_says_the_same():
    bundle = quality("--fhir", "--report-type", "summary", "--reporter", "Organization/synthetic-clinic-north")
    (report,) = (entry["resource"] for entry in bundle["entry"])
    (group,) = report["group"]
    assert {one["code"]["coding"][0]["code"]: one["count"] for one in group["population"]} == CMS159
    strata = group["stratifier"][0]["stratum"]
    for number, code in enumerate(CMS159):
        assert sum(stratum["population"][number]["count"] for stratum in strata) == CMS159[code]
