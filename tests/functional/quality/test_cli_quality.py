"""benchwell quality on the official test cases, as a person runs it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

SHARED = Path(__file__).parents[4] / "shared"
OFFICIAL = SHARED / "conformance"
BUNDLES = SHARED / "data" / "ecqm-cms159-dev" / "cms159"
OWN = Path(__file__).parents[2] / "fixtures" / "quality"
MEASURES = ("cms159", "cms2", "cms177")
HOW_MANY = {"cms159": 22, "cms2": 12, "cms177": 13}  # open cases; one of CMS177 is disputed and not scored

needs_official = pytest.mark.skipif(not OFFICIAL.is_dir(), reason="the shared official cases are not here")


def own_cases(measure: str) -> list[Path]:
    return sorted(path for path in (OWN / measure).glob("*.json") if path.name != "valuesets.json")


def counts(cli, measure: str, valuesets: Path, *sources: Path) -> dict[str, dict[str, int]]:
    """Counts by subject, as the command prints them."""
    done = cli("quality", "--measure", measure, "--period", "2026", "--valuesets", valuesets, *sources, "--json")
    assert done.code == 0
    return {one["subject"]: one["populations"] for one in done.json()["subjects"]}


def unwrap(case: Path, folder: Path) -> tuple[Path, str, dict[str, int]]:
    """A case as a Bundle in a file, its person, and what is expected."""
    read = json.loads(case.read_text(encoding="utf-8"))
    bundle = folder / case.name
    bundle.write_text(json.dumps(read["bundle"]), encoding="utf-8")
    (person,) = {
        entry["resource"]["id"] for entry in read["bundle"]["entry"] if entry["resource"]["resourceType"] == "Patient"
    }
    expected = {one["code"]: one["count"] for group in read["expected"] for one in group["populations"]}
    return bundle, person, expected


@pytest.mark.parametrize("measure", MEASURES)
def test_the_cases_in_this_repository(cli, tmp_path, measure):
    found = [unwrap(case, tmp_path) for case in own_cases(measure)]
    assert counts(cli, measure, OWN / measure / "valuesets.json", tmp_path) == {
        person: expected for _, person, expected in found
    }


@pytest.mark.parametrize("measure", MEASURES)
def test_cases_may_come_with_what_is_expected_of_them(cli, tmp_path, measure):
    wanted = {person: expected for _, person, expected in (unwrap(case, tmp_path) for case in own_cases(measure))}
    assert counts(cli, measure, OWN / measure / "valuesets.json", *own_cases(measure)) == wanted


@needs_official
@pytest.mark.parametrize("measure", MEASURES)
def test_every_open_official_case(cli, tmp_path, measure):
    cases = sorted((OFFICIAL / measure / "cases").glob("*.json"))
    scored = [case for case in cases if not json.loads(case.read_text(encoding="utf-8")).get("disputed")]
    found = [unwrap(case, tmp_path) for case in scored]
    assert len(found) == HOW_MANY[measure]
    assert counts(cli, measure, OFFICIAL / measure / "valuesets-minimal.json", tmp_path) == {
        person: expected for _, person, expected in found
    }


@needs_official
def test_the_same_cases_as_transactions_with_their_own_answer_inside(cli, tmp_path):
    wanted = {}
    for case in sorted((OFFICIAL / "cms159" / "cases").glob("*.json")):
        _, person, expected = unwrap(case, tmp_path)
        wanted[person] = expected
    assert counts(cli, "cms159", OFFICIAL / "cms159" / "valuesets-minimal.json", BUNDLES) == wanted


@needs_official
@pytest.mark.parametrize("measure", MEASURES)
def test_lines_of_resources_give_the_same_counts(cli, tmp_path, measure):
    bundles, lines = tmp_path / "bundles", tmp_path / "lines"
    bundles.mkdir()
    lines.mkdir()
    by_kind: dict[str, list[str]] = {}
    for case in sorted((OFFICIAL / measure / "cases").glob("*.json")):
        bundle, _, _ = unwrap(case, bundles)
        for entry in json.loads(bundle.read_text(encoding="utf-8"))["entry"]:
            by_kind.setdefault(entry["resource"]["resourceType"], []).append(json.dumps(entry["resource"]))
    for kind, found in by_kind.items():
        (lines / f"{kind}.ndjson").write_text("\n".join(found) + "\n", encoding="utf-8")
    valuesets = OFFICIAL / measure / "valuesets-minimal.json"
    assert counts(cli, measure, valuesets, lines) == counts(cli, measure, valuesets, bundles)


def test_what_is_printed_as_data(cli, tmp_path):
    for case in own_cases("cms159"):
        unwrap(case, tmp_path)
    done = cli(
        "quality", "--measure", "cms159", "--period", "2026", "--valuesets", OWN / "cms159/valuesets.json", tmp_path,
        "--json",
    )  # fmt: skip
    data = done.json()
    assert list(data) == ["measure", "version", "period", "valuesets", "subjects", "summary"]
    assert data["measure"] == "cms159"
    assert data["period"] == {"start": "2026-01-01", "end": "2026-12-31"}
    summary = data["summary"]
    assert summary["populations"] == {
        "initial-population": 4, "denominator": 4, "denominator-exclusion": 1, "numerator": 1,
    }  # fmt: skip
    assert summary["performance"] == {"numerator": 1, "denominator": 3, "rate": pytest.approx(1 / 3)}
    assert summary["not_assessed"] == 2
    assert summary["official_name"] is False  # these value sets hold a few codes only
    for code, whole in summary["populations"].items():
        assert sum(stratum["populations"][code] for stratum in summary["strata"]) == whole


def test_what_a_person_reads(cli, tmp_path):
    for case in own_cases("cms159"):
        unwrap(case, tmp_path)
    done = cli(
        "quality", "--measure", "cms159", "--period", "2026-01-01..2026-12-31",
        "--valuesets", OWN / "cms159/valuesets.json", tmp_path,
    )  # fmt: skip
    assert done.code == 0
    assert "1 of 3 (33.3%)" in done.out
    assert "1 of 3 (33%) have a value that could have met the measure." in done.out
    assert "Rules of cms159 on incomplete value sets" in done.out
    assert "Not Depression Remission at Twelve Months" in done.out
    assert "Aligned with" not in done.out


def test_reports_in_fhir(cli, tmp_path):
    for case in own_cases("cms159"):
        unwrap(case, tmp_path)
    arguments = ["quality", "--measure", "cms159", "--period", "2026", "--fhir",
                 "--valuesets", OWN / "cms159/valuesets.json", tmp_path]  # fmt: skip
    reports = [entry["resource"] for entry in cli(*arguments).json()["entry"]]
    assert {one["resourceType"] for one in reports} == {"MeasureReport"}
    assert [one["type"] for one in reports].count("individual") == 5
    only = [entry["resource"]["type"] for entry in cli(*arguments, "--report-type", "summary").json()["entry"]]
    assert only == ["summary"]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--measure", "cms1590"], 11, "cms159"),
        (["--measure", "cms159", "--valuesets", "{empty}"], 26, "is not loaded"),
        (["--measure", "cms159"], 26, "is not loaded"),
        (["--measure", "cms159", "--period", "last year"], 10, "is not a period"),
        (["--measure", "cms159", "--valuesets", "{valuesets}", "--json", "--fhir"], 2, "two different outputs"),
    ],
)
def test_refusals(cli, tmp_path, arguments, code, words):
    empty = tmp_path / "one.json"
    listed = {"resourceType": "ValueSet", "url": "http://example.org/x", "expansion": {"total": 0, "contains": []}}
    empty.write_text(json.dumps(listed), encoding="utf-8")
    places = {"empty": empty, "valuesets": OWN / "cms159/valuesets.json"}
    given = [argument.format(**places) for argument in arguments]
    if "--period" not in given:
        given += ["--period", "2026"]
    done = cli("quality", own_cases("cms159")[0], *given)
    assert done.code == code
    assert words in done.err


def test_a_cut_off_value_set_is_refused(cli, tmp_path):
    loaded = json.loads((OWN / "cms159/valuesets.json").read_text(encoding="utf-8"))
    loaded["entry"][0]["resource"]["expansion"]["total"] = 500
    cut = tmp_path / "cut.json"
    cut.write_text(json.dumps(loaded), encoding="utf-8")
    done = cli("quality", "--measure", "cms159", "--period", "2026", "--valuesets", cut, own_cases("cms159")[0])
    assert done.code == 26
    assert "cut off" in done.err


def test_a_folder_without_fhir_is_refused(cli, tmp_path):
    done = cli(
        "quality", "--measure", "cms159", "--period", "2026", "--valuesets", OWN / "cms159/valuesets.json", tmp_path
    )
    assert done.code == 12
    assert "holds no FHIR" in done.err


def test_sources_without_anybody_are_refused(cli, tmp_path):
    (tmp_path / "other.json").write_text('{"resourceType": "Organization", "id": "1"}', encoding="utf-8")
    done = cli(
        "quality", "--measure", "cms159", "--period", "2026", "--valuesets", OWN / "cms159/valuesets.json", tmp_path
    )
    assert done.code == 12
    assert "hold no Patient" in done.err
