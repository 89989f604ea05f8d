"""FHIR in, scores out: through the command line, end to end."""

from __future__ import annotations

import json

import pytest


def phq9(patient, number, day, answers):
    codes = ["44250-9", "44255-8", "44259-0", "44254-1", "44251-7", "44258-2", "44252-5", "44253-3", "44260-8"]
    answered = zip(codes, answers, strict=True)
    return {
        "resourceType": "QuestionnaireResponse",
        "id": f"{patient}-{number}",
        "status": "completed",
        "questionnaire": "http://loinc.org/q/44249-1",
        "subject": {"reference": f"Patient/{patient}"},
        "authored": f"{day}T10:00:00Z",
        "item": [{"linkId": f"/{code}", "answer": [{"valueInteger": answer}]} for code, answer in answered],
    }


@pytest.fixture
def exported(tmp_path):
    """Twelve people with a first and a last PHQ-9, as a server would export them: one file a type."""
    people = [{"resourceType": "Patient", "id": f"p{n}", "gender": "female", "birthDate": "1980"} for n in range(12)]
    forms = [
        form
        for n in range(12)
        for form in (
            phq9(f"p{n}", 1, "2025-01-10", [2] * 9),
            phq9(f"p{n}", 2, "2025-04-04", [0] * 8 + [n % 4]),
        )
    ]
    folder = tmp_path / "export"
    folder.mkdir()
    for name, rows in (("Patient", people), ("QuestionnaireResponse", forms)):
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (folder / f"{name}.ndjson").write_text(text, encoding="utf-8")
    return folder


def test_an_export_becomes_an_edition(cli, exported, tmp_path):
    workspace = tmp_path / "ws"
    assert cli("init", workspace).code == 0
    taken = cli("intake", exported, "-w", workspace, "--json").json()[0]
    assert (taken["read"], taken["accepted"], taken["records"]["assessments"]) == (36, 36, 24)
    again = cli("intake", exported, "-w", workspace, "--json").json()[0]
    assert again["already"] is True
    built = cli("build", "-w", workspace, "-b", "network-phq9-response-12w", "--as-of", "2026-01-31", "--json").json()
    response = next(one for one in built["benchmarks"] if one["id"] == "network-phq9-response-12w")
    assert "12" in response["people"]


def test_files_of_one_export_are_one_source_wherever_they_stand(cli, exported, tmp_path):
    workspace = tmp_path / "ws"
    cli("init", workspace)
    files = sorted(exported.iterdir())
    taken = cli("intake", *files, "-w", workspace, "--json").json()
    assert [one["records"]["assessments"] for one in taken] == [24]


def test_a_mapping_for_fhir_is_a_misunderstanding(cli, exported, tmp_path):
    cli("init", tmp_path / "ws")
    refused = cli("intake", exported, "-w", tmp_path / "ws", "--mapping", exported / "Patient.ndjson")
    assert refused.code == 13
    assert "mappings are for tables" in refused.err


def test_a_report_needs_no_workspace(cli, exported, tmp_path):
    done = cli("report", exported, "-o", tmp_path / "r.html", "--as-of", "2026-01-31")
    assert done.code == 0
    assert "All of your 12 eligible people were followed up" in done.out


def test_scores_leave_as_observations_and_come_back_as_the_same_scores(cli, exported, tmp_path):
    workspace, second = tmp_path / "ws", tmp_path / "second"
    cli("init", workspace)
    cli("intake", exported, "-w", workspace)
    made = cli("export", "fhir", tmp_path / "o.ndjson", "-w", workspace, "--json").json()
    assert (made["observations"], made["people"], made["withheld"]) == (24, 12, 0)
    cli("init", second)
    cli("intake", tmp_path / "o.ndjson", "-w", second)
    cli("export", "fhir", tmp_path / "again.ndjson", "-w", second)

    def scores(path):
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        return sorted((o["subject"]["reference"], o["effectiveDateTime"], o["valueQuantity"]["value"]) for o in lines)

    assert scores(tmp_path / "again.ndjson") == scores(tmp_path / "o.ndjson")


def test_scores_leave_as_omop_tables_and_come_back(cli, exported, tmp_path):
    workspace, second = tmp_path / "ws", tmp_path / "second"
    cli("init", workspace)
    cli("intake", exported, "-w", workspace)
    made = cli("export", "omop", tmp_path / "cdm", "-w", workspace, "--csv")
    assert made.code == 0
    cli("init", second)
    taken = cli("intake", tmp_path / "cdm", "-w", second, "--json").json()[0]
    assert taken["records"]["assessments"] == 24


def test_options_that_would_do_nothing_are_refused(cli, tmp_path):
    assert cli("export", "fhir", tmp_path / "o.ndjson", "--csv").code == 2
    assert cli("export", "omop", tmp_path / "o", "--purpose", "care").code == 2
    assert cli("fetch", "https://x.example.org", tmp_path / "f", "--client-id", "me").code == 2


def test_a_server_that_is_not_there_is_named(cli, tmp_path):
    gone = cli("fetch", "http://127.0.0.1:9/fhir", tmp_path / "f")
    assert gone.code != 0
    assert "cannot be reached" in gone.err
