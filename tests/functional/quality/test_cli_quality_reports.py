"""The MeasureReports that `benchwell quality --fhir` prints, on the official cases and beside the guide's examples."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fhir_shapes import shape_problems

SHARED = Path(__file__).parents[4] / "shared" / "conformance"
OWN = Path(__file__).parents[2] / "fixtures" / "quality"
MEASURES = ("cms159", "cms2", "cms177")

needs_shared = pytest.mark.skipif(
    not SHARED.is_dir(), reason="the shared conformance material is not beside this clone"
)


def bundles(cases: list[Path], folder: Path) -> dict[str, dict[str, int]]:
    """Write the Bundles of cases into a folder; what is expected of each person, where it is not disputed."""
    expected = {}
    for case in cases:
        read = json.loads(case.read_text(encoding="utf-8"))
        (folder / case.name).write_text(json.dumps(read["bundle"]), encoding="utf-8")
        entries = [entry["resource"] for entry in read["bundle"]["entry"]]
        (person,) = [one["id"] for one in entries if one["resourceType"] == "Patient"]
        if not read.get("disputed"):
            expected[person] = {one["code"]: one["count"] for group in read["expected"] for one in group["populations"]}
    return expected


def reports(cli, measure: str, valuesets: Path, folder: Path, *more: str) -> list[dict[str, Any]]:
    done = cli("quality", "--measure", measure, "--period", "2026", "--valuesets", valuesets, folder, "--fhir", *more)
    assert done.code == 0
    bundle = done.json()
    assert shape_problems(bundle) == []
    return [entry["resource"] for entry in bundle["entry"]]


def counts(part: dict[str, Any]) -> dict[str, int]:
    return {one["code"]["coding"][0]["code"]: one["count"] for one in part["population"]}


def check(found: list[dict[str, Any]], expected: dict[str, dict[str, int]]) -> None:
    """Individual reports say what is expected, summaries their sum, and strata add up everywhere."""
    summary, listed, *individual = found
    told = {one["subject"]["reference"].removeprefix("Patient/"): counts(one["group"][0]) for one in individual}
    assert {person: told[person] for person in expected} == expected
    together = counts(summary["group"][0])
    assert together == {code: sum(one[code] for one in told.values()) for code in together}
    assert counts(listed["group"][0]) == together
    for report in found:
        (group,) = report["group"]
        for stratifier in group.get("stratifier", []):
            strata = [counts(one) for one in stratifier["stratum"]]
            assert counts(group) == {code: sum(one[code] for one in strata) for code in counts(group)}
    entries = {one["id"]: len(one["entry"]) for one in listed["contained"]}
    for population in listed["group"][0]["population"]:
        code = population["code"]["coding"][0]["code"]
        counted = sum(one[code] > 0 for one in told.values())
        assert entries.get(f"list-{code}", 0) == counted


@pytest.mark.parametrize("measure", MEASURES)
def test_reports_of_the_cases_in_this_repository(cli, tmp_path, measure):
    cases = sorted(path for path in (OWN / measure).glob("*.json") if path.name != "valuesets.json")
    expected = bundles(cases, tmp_path)
    check(reports(cli, measure, OWN / measure / "valuesets.json", tmp_path), expected)


@needs_shared
@pytest.mark.parametrize("measure", MEASURES)
def test_reports_of_every_open_official_case(cli, tmp_path, measure):
    cases = sorted((SHARED / measure / "cases").glob("*.json"))
    expected = bundles(cases, tmp_path)
    found = reports(cli, measure, SHARED / measure / "valuesets-minimal.json", tmp_path, "--reporter", "Organization/1")
    assert len(found) == len(cases) + 2
    check(found, expected)


def paths(value: Any, where: str = "") -> Iterator[str]:
    """Every member of a resource by path, and every extension by its address."""
    if isinstance(value, list):
        for one in value:
            yield from paths(one, where)
    elif isinstance(value, dict):
        for name, inner in value.items():
            at = f"{where}.{name}".removeprefix(".")
            yield f"{at} {value['url']}" if "url" in value and name.startswith("value") else at
            yield from paths(inner, at)


@needs_shared
def test_what_our_reports_hold_stands_at_the_same_place_in_the_examples_of_the_guide(cli, tmp_path):
    examples = [json.loads(path.read_text(encoding="utf-8")) for path in (SHARED / "measurereport").glob("*.json")]
    known = {path for one in examples for path in paths(one)}
    bundles(sorted((SHARED / "cms159" / "cases").glob("*.json")), tmp_path)
    found = reports(cli, "cms159", SHARED / "cms159/valuesets-minimal.json", tmp_path, "--reporter", "Organization/1")
    own = {path for one in found for path in paths(one)}
    # Lists behind the counts of strata, words for a stratum, and what a person reads: allowed by R4, in no example.
    more = {
        "group.stratifier.stratum.population.subjectResults",
        "group.stratifier.stratum.population.subjectResults.reference",
        "group.stratifier.stratum.value.text",
        "group.stratifier.code.text",
        "group.stratifier.stratum.id",
        "text",
        "text.status",
        "text.div",
        "contained.code.text",
        "contained.valueCodeableConcept",
        "contained.valueCodeableConcept.coding",
        "contained.valueCodeableConcept.coding.code",
        "contained.valueCodeableConcept.coding.system",
        "contained.valueCodeableConcept.text",
    }
    assert own - known == more
    assert len(own & known) > 40
