"""benchwell quality on outcome measures of ours, from every kind of source, as a person runs it."""

from __future__ import annotations

import pytest

from benchwell.publish.measure_resource import measure_resource
from benchwell.registry import Registry
from nhs_courses import course, people, restated, write

POPULATIONS = ("initial-population", "denominator", "denominator-exclusion", "numerator")
RECOVERY = ("quality", "--measure", "nhs-recovery", "--period", "2026", "--as-of", "2027-06-30")
RESPONSE = ("quality", "--measure", "phq9-response-12w", "--period", "2025", "--as-of", "2026-01-31")


@pytest.fixture(scope="module")
def export(tmp_path_factory):
    """Six people: recovered, not recovered, not at caseness, no first GAD-7, one appointment only, no course."""
    resources = people(["recovered", "not", "well", "no-gad7", "one-visit", "no-course"])
    resources += course("recovered", [(0, 16, 9), (60, 4, 3)]) + restated("recovered", 60, 4, 3)
    resources += course("not", [(0, 14, 9), (60, 8, 8)])
    resources += course("well", [(0, 9, 7), (60, 2, 2)])
    resources += course("no-gad7", [(0, 16, None), (60, 4, None)])
    resources += course("one-visit", [(0, 16, 9), (60, 4, 3)], attended=[0])
    return write(tmp_path_factory.mktemp("fhir") / "export", resources)


def test_counts_from_fhir_have_the_documented_shape(cli, export):
    found = cli(*RECOVERY, export, "--json")
    assert found.code == 0
    data = found.json()
    assert set(data) == {"measure", "version", "period", "valuesets", "subjects", "summary"}
    assert data["measure"] == "nhs-recovery"
    assert data["period"] == {"start": "2026-01-01", "end": "2026-12-31"}
    assert data["valuesets"] == []
    assert {one["subject"]: tuple(one["populations"][code] for code in POPULATIONS) for one in data["subjects"]} == {
        "recovered": (1, 1, 0, 1),
        "not": (1, 1, 0, 0),
        "well": (1, 1, 1, 0),
        "no-gad7": (1, 1, 0, 0),
        "one-visit": (0, 0, 0, 0),
        "no-course": (0, 0, 0, 0),
    }
    summary = data["summary"]
    assert summary["subjects"] == 6
    assert summary["performance"] == {"numerator": 1, "denominator": 3, "rate": pytest.approx(1 / 3)}
    assert summary["not_assessed"] == 1
    assert summary["official_name"] is False  # nobody's official measure
    assert summary["claim"].startswith("Aligned with the definitions of NHS Talking Therapies")
    assert "nobody has certified it" in summary["claim"]
    assert "left out of the denominator: 1 not-at-caseness" in summary["notes"]
    assert "courses of the period that the measure is not about: 1 not-finished" in summary["notes"]


def test_what_a_person_reads(cli, export):
    found = cli(*RECOVERY, export)
    assert "1 of 3 (33.3%)" in found.out
    assert "6 people were read; the measure counts courses of care." in found.out
    assert "2 of 3 (67%) have a value that could have met the measure." in found.out
    assert "Note: a course counts in the period in which the course ended." in found.err


def test_a_workspace_is_a_source_and_gives_the_same_counts(cli, export, tmp_path):
    home = tmp_path / "home"
    cli("init", home)
    assert cli("intake", export, "-w", home, "--as-of", "2027-06-30").code == 0
    before = sorted(path.relative_to(home) for path in home.rglob("*"))
    taken, direct = (cli(*RECOVERY, source, "--json").json() for source in (home, export))
    assert taken["subjects"] == direct["subjects"]
    assert taken["summary"]["populations"] == direct["summary"]["populations"]
    assert sorted(path.relative_to(home) for path in home.rglob("*")) == before  # it is only read


def test_an_omop_database_gives_the_same_counts(cli, export, tmp_path):
    home, cdm = tmp_path / "home", tmp_path / "cdm"
    cli("init", home)
    cli("intake", export, "-w", home, "--as-of", "2027-06-30")
    assert cli("export", "omop", cdm, "-w", home, "--as-of", "2027-06-30").code == 0
    from_omop, from_fhir = (cli(*RECOVERY, source, "--json").json()["summary"] for source in (cdm, export))
    assert from_omop["populations"] == from_fhir["populations"]
    assert from_omop["not_assessed"] == from_fhir["not_assessed"]
    assert all(not note.endswith(".") for note in from_omop["notes"])


def test_several_sources_are_counted_together_and_refused_lines_are_told(cli, export, tmp_path):
    more = write(tmp_path / "more", people(["another"]) + course("another", [(0, 16, 9), (60, 4, 3)]))
    with (more / "Observation.ndjson").open("a", encoding="utf-8") as file:
        file.write("{not JSON\n")
    found = cli(*RECOVERY, export, more, "--json").json()["summary"]
    assert found["performance"] == {"numerator": 2, "denominator": 4, "rate": 0.5}
    assert any(" rows of export and 1 more were refused" in note for note in found["notes"])


def test_the_same_scores_as_a_table_count_as_in_an_edition(cli, practice, practice_csv):
    """The edition of the practice counts the same people: 20 of whom 15 came back and 8 halved their score."""
    (row,) = [
        one
        for one in practice.edition().arrow("organization_results").to_pylist()
        if one["measure"] == "phq9-response-12w" and one["period"] == one["stratum"] == "all"
    ]
    for source in (practice_csv, practice.path):
        found = cli(*RESPONSE, source, "--json").json()["summary"]
        assert found["populations"]["numerator"] == 8
        assert found["performance"]["denominator"] == row["n_eligible"] == 20
        assert found["not_assessed"] == 20 - row["n_followed"] == 5
        assert found["claim"].startswith("A measure of Benchwell's own.")


def test_the_outcome_becomes_due_in_one_period_only(cli, practice_csv):
    """The first course began on 2025-01-06: its window ends 112 days later, on 2025-04-28; the last one's on 06-24."""
    counts = {}
    days = ("2025-04-01..2025-04-27", "2025-04-28..2025-04-28", "2025-04-29..2025-06-24", "2025-06-25..2025-12-31")
    for period in days:
        asked = ["quality", "--measure", "phq9-response-12w", "--period", period, "--as-of", "2026-01-31"]
        counts[period] = cli(*asked, practice_csv, "--json").json()["summary"]["populations"]["initial-population"]
    assert list(counts.values()) == [0, 1, 19, 0]


def test_reports_in_fhir_name_our_own_measure(cli, export):
    reports = [entry["resource"] for entry in cli(*RECOVERY, export, "--fhir").json()["entry"]]
    assert [one["type"] for one in reports].count("individual") == 6
    summary = reports[0]
    declared = measure_resource(Registry.load().measure("nhs-recovery"))
    assert summary["measure"] == f"{declared['url']}|{declared['version']}"
    counted = {one["code"]["coding"][0]["code"]: one["count"] for one in summary["group"][0]["population"]}
    assert counted == dict(zip(POPULATIONS, (4, 4, 1, 1), strict=True))
    assert list(counted) == [one["code"]["coding"][0]["code"] for one in declared["group"][0]["population"]]
    assert summary["group"][0]["measureScore"]["value"] == pytest.approx(1 / 3)
    assert "1 of 3 courses of care" in summary["text"]["div"]


def test_who_declined_is_in_no_count_and_in_no_list(cli, tmp_path):
    names = ["yes", "declined", "declined-without-course"]
    resources = people(names) + [one for name in names[:2] for one in course(name, [(0, 16, 9), (60, 4, 3)])]
    for name in names[1:]:
        who = {"patient": {"reference": f"Patient/{name}"}, "dateTime": "2026-02-01T10:00:00Z"}
        resources.append(
            {"resourceType": "Consent", "id": name, "status": "active", "provision": {"type": "deny"}} | who
        )
    found = cli(*RECOVERY, write(tmp_path / "export", resources), "--json")
    assert [one["subject"] for one in found.json()["subjects"]] == ["yes"]
    assert "2 people may not be used, by their consent; they are in no count" in found.json()["summary"]["notes"]
    assert "declined-without-course" not in found.out + found.err


def test_nothing_is_left_behind(cli, export, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert cli(*RECOVERY, export).code == 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--measure", "nhs-recover"], 11, "did you mean 'nhs-recovery'"),
        (["--measure", "phq9-change-12w"], 14, "no numerator"),
        (["--measure", "nhs-published-recovery"], 14, "published by an official body"),
        (["--measure", "nhs-recovery", "--valuesets", "{export}"], 26, "needs no value sets"),
        (["--measure", "nhs-recovery", "{practice}"], 12, "stands alone"),
        (["--measure", "cms159", "{practice}"], 12, "does not keep"),
        (["--measure", "cms159", "--as-of", "2026-12-31"], 12, "for outcome measures"),
    ],
)
def test_refusals(cli, export, practice, arguments, code, words):
    given = [one.format(export=export, practice=practice.path) for one in arguments]
    done = cli("quality", "--period", "2026", *given, export)
    assert done.code == code
    assert words in done.err


def test_sources_without_a_questionnaire_of_the_measure_give_no_figure(cli, practice_csv):
    """A practice that asks PHQ-9 only has no recovery of zero."""
    done = cli(*RECOVERY, practice_csv)
    assert done.code == 12
    assert "it needs phq-9 and gad-7" in done.err


def test_every_measure_that_can_be_counted_is_listed_as_such(cli):
    listed = {one["id"]: one for one in cli("measures", "--json").json()}
    assert listed["cms159"]["kind"] == "official"
    said = {name: one["quality"] for name, one in listed.items()}
    assert {said[name] for name in ("cms159", "nhs-recovery", "retention-6m", "wait-within-6-weeks")} == {"yes"}
    assert {said[name] for name in ("phq9-change-12w", "nhs-published-recovery", "self-harm-rate")} == {"no"}
    page = cli("measures", "cms159")
    assert page.out.startswith("# Depression remission at twelve months")
