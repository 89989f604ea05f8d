"""A whole export against a server of our own."""

from __future__ import annotations

import json

import pytest

from benchwell.errors import BulkExportError
from benchwell.intake.bulk import LAST, BulkSettings
from benchwell.intake.bulk.journal import FILE_NAME
from bulk_server import INSTANT, Answer, ndjson, outcome


def test_an_export_leaves_its_files_and_a_manifest_that_names_them(server, fetch):
    server.offer(server.hold("p"), server.hold("o", 5, "Observation"), server.hold("o2", 2, "Observation"))
    export = fetch()
    assert [(file.name, file.lines) for file in export.files] == [
        ("Patient.000.ndjson", 3),
        ("Observation.000.ndjson", 5),
        ("Observation.001.ndjson", 2),
    ]
    assert (export.folder / "Observation.000.ndjson").read_bytes() == ndjson("Observation", 5)
    manifest = json.loads(export.manifest.read_text())
    assert manifest["transactionTime"] == INSTANT
    assert manifest["requiresAccessToken"] is False
    assert manifest["output"][1] == {"type": "Observation", "url": "Observation.000.ndjson", "count": 5}
    assert sorted(path.name for path in export.folder.iterdir()) == sorted(
        [FILE_NAME, "manifest.json", *(file.name for file in export.files)]
    )
    assert all(path.stat().st_mode & 0o077 == 0 for path in [export.folder, *export.folder.iterdir()])


def test_the_server_is_told_to_forget_a_fetched_export(server, fetch):
    server.offer(server.hold("p"))
    fetch()
    assert server.deleted == ["/status/1"]


def test_an_export_of_nothing_is_an_export(server, fetch):
    server.offer()
    assert fetch().files == ()


def test_deleted_and_error_files_are_kept_apart(server, fetch):
    gone = {"url": server.hold("d", b'{"resourceType":"Bundle"}\n')["url"], "type": "Bundle"}
    wrong = {"url": server.hold("e", b'{"resourceType":"OperationOutcome"}\n')["url"], "type": "OperationOutcome"}
    server.offer(server.hold("p"), deleted=[gone], error=[wrong])
    export = fetch()
    assert [file.name for file in export.deleted] == ["deleted.000.ndjson"]
    assert [file.name for file in export.errors] == ["error.000.ndjson"]
    manifest = json.loads(export.manifest.read_text())
    assert (manifest["deleted"][0]["url"], manifest["error"][0]["url"]) == ("deleted.000.ndjson", "error.000.ndjson")


def test_pages_of_a_manifest_are_one_export(server, fetch):
    first, second = server.hold("a"), server.hold("b", 4)
    page = {"transactionTime": INSTANT, "requiresAccessToken": False, "output": [second, first]}
    server.pages["/pages/2"] = Answer(body=page)
    server.offer(first, link=[{"relation": "next", "url": f"{server.origin}/pages/2"}])
    assert [file.lines for file in fetch().files] == [3, 4]


def test_pages_that_never_end_are_refused(server, fetch):
    page = {"transactionTime": INSTANT, "requiresAccessToken": False}
    server.pages["/pages/2"] = Answer(body=page | {"link": [{"relation": "next", "url": "/pages/2"}]})
    server.offer(link=[{"relation": "next", "url": "/pages/2"}])
    with pytest.raises(BulkExportError, match="never end"):
        fetch()


def test_files_by_patient_have_header_lines_and_no_type(server, fetch):
    entry = server.hold("x", ndjson("Parameters", 2) + ndjson("Patient", 3))
    server.offer({"url": entry["url"], "count": 3}, outputOrganizedBy="Patient")
    export = fetch()
    assert (export.files[0].name, export.files[0].lines, export.differing) == ("resources.000.ndjson", 5, ())
    manifest = json.loads(export.manifest.read_text())
    assert manifest["outputOrganizedBy"] == "Patient"
    assert manifest["output"] == [{"url": "resources.000.ndjson"}]


def test_a_complete_folder_is_not_fetched_over(server, fetch):
    server.offer(server.hold("p"))
    fetch()
    with pytest.raises(BulkExportError, match=f"complete export of {INSTANT}"):
        fetch()
    assert server.exports == 1


def test_a_folder_with_other_files_is_refused(fetch, server, tmp_path):
    (tmp_path / "export").mkdir()
    (tmp_path / "export" / "mine.ndjson").write_text("{}\n")
    with pytest.raises(BulkExportError, match="holds other files"):
        fetch()
    assert server.asked == []


def test_later_runs_ask_for_what_changed_since_the_last(server, fetch):
    server.offer(
        server.hold("p"),
    )
    assert fetch(since=LAST).folder.name == "export"
    server.offer(server.hold("p2", 1), transactionTime="2026-02-01T00:00:00Z")
    assert fetch(since=LAST).folder.name == "update-001"
    server.offer(server.hold("p3", 2), transactionTime="2026-03-01T00:00:00Z")
    export = fetch(since=LAST)
    assert (export.folder.name, export.files[0].lines) == ("update-002", 2)
    asked = [dict(one.query).get("_since") for one in server.to("/fhir/Patient/$export")]
    assert asked == [None, INSTANT, "2026-02-01T00:00:00Z"]


def test_changes_of_another_request_are_not_added(server, fetch):
    server.offer(server.hold("p"))
    fetch(since=LAST, types=("Patient",))
    with pytest.raises(BulkExportError, match="another request"):
        fetch(since=LAST, types=("Patient", "Observation"))


def test_a_server_that_ignores_filters_is_no_trouble(server, fetch):
    server.offer(server.hold("o", 4, "Observation"), server.hold("c", 2, "Condition"))
    export = fetch(types=("Observation",), type_filters=("Observation?code=44261-6",))
    assert [file.lines for file in export.files] == [4, 2]


@pytest.mark.parametrize(
    ("manifest", "says"),
    [
        (b"<html>", "no JSON"),
        ({"transactionTime": INSTANT}, "none of a bulk export"),
        ({"transactionTime": "Jane Roe", "requiresAccessToken": False}, "no instant"),
        (
            {"transactionTime": INSTANT, "requiresAccessToken": False, "output": [{"url": 5}]},
            r"at `\$.output\[0\].url`",
        ),
    ],
)
def test_a_manifest_that_is_none_is_refused(server, fetch, manifest, says):
    server.manifest = manifest
    with pytest.raises(BulkExportError, match=says) as caught:
        fetch()
    assert "Jane" not in str(caught.value)


@pytest.mark.parametrize("status", [400, 403, 404, 422, 500, 501])
def test_a_refused_kickoff_shows_codes_and_no_text(server, fetch, status):
    server.kickoffs.append(Answer(status, body=outcome("not-supported", "Jane Roe, born 1980")))
    with pytest.raises(BulkExportError) as caught:
        fetch()
    assert f"answered {status} (not-supported)" in str(caught.value)
    assert "Jane" not in str(caught.value)
    assert caught.value.exit_code == 27
    assert caught.value.hint


def test_a_code_that_is_none_is_not_repeated(server, fetch):
    server.kickoffs.append(Answer(400, body=outcome("Jane Roe")))
    with pytest.raises(BulkExportError, match=r"400 \(unknown\)"):
        fetch()


@pytest.mark.parametrize("answer", [Answer(202), Answer(202, {"Content-Location": "file:///etc/passwd"}), Answer(200)])
def test_a_kickoff_without_a_place_to_look_is_refused(server, fetch, answer):
    server.kickoffs.append(answer)
    with pytest.raises(BulkExportError):
        fetch()


def test_a_busy_server_is_asked_again_for_an_export(server, fetch, clock):
    server.kickoffs += [Answer(429, {"Retry-After": "17"}), Answer(503)]
    server.offer()
    fetch()
    assert clock.waits[0] == 17
    assert server.exports == 1


def test_a_server_that_stays_busy_ends_the_run(server, fetch):
    server.kickoffs += [Answer(429)] * 3
    with pytest.raises(BulkExportError, match="answered 429"):
        fetch(settings=BulkSettings(attempts=3))
    assert len(server.to("/fhir/")) == 3


def test_nobody_listening_is_told(server, fetch):
    with pytest.raises(BulkExportError, match="cannot be reached"):
        fetch(base="http://127.0.0.1:1/fhir", settings=BulkSettings(attempts=2))
