"""An export that is read after a newer one brings nothing old back, and the report says what was decided."""

from __future__ import annotations

import json

import pytest

from benchwell import Workspace
from benchwell.engine import DuckDBEngine

PHQ9 = ["44250-9", "44255-8", "44259-0", "44254-1", "44251-7", "44258-2", "44252-5", "44253-3", "44260-8"]
GAD7 = ["69725-0", "68509-9", "69733-4", "69734-2", "69735-9", "69689-8", "69736-7"]
PERSON = {"reference": "Patient/p"}


def stamped(hour, resource):
    return resource | ({} if hour is None else {"meta": {"lastUpdated": f"2026-01-01T{hour:02}:00:00Z"}})


def form(hour, *codes, value=1, status="completed"):
    items = [{"linkId": f"/{code}", "answer": [{"valueInteger": value}]} for code in codes]
    return stamped(
        hour,
        {
            "resourceType": "QuestionnaireResponse",
            "id": "f",
            "status": status,
            "subject": PERSON,
            "authored": "2025-03-01T10:00:00Z",
            "item": items,
        },
    )


def total(hour, value, status="final"):
    code = {"coding": [{"system": "http://loinc.org", "code": "44261-6"}]}
    stated = {"code": code, "valueInteger": value, "effectiveDateTime": "2025-04-01", "status": status}
    return stamped(hour, {"resourceType": "Observation", "id": "o", "subject": PERSON, **stated})


def standing(workspace):
    with DuckDBEngine() as engine:
        rows = engine.to_arrow(workspace.lake.read(engine, "assessments", workspace.lake.snapshot())).to_pylist()
    return sorted((row["assessment_id"], row["items"] and sum(row["items"]), row["total"]) for row in rows)


@pytest.fixture
def taken(tmp_path):
    """Take exports in, in this order, into a workspace of their own; gives the workspace and the last report."""
    count = iter(range(1000))

    def run(*exports):
        workspace, report = Workspace(tmp_path / f"ws{next(count)}"), None
        for export in exports:
            path = tmp_path / f"{next(count)}.ndjson"
            path.write_text("".join(json.dumps(one) + "\n" for one in export), encoding="utf-8")
            report = workspace.intake(path, as_of="2026-06-30")
        return workspace, report

    return run


def test_an_old_total_does_not_come_back(taken):
    workspace, report = taken([total(9, 7)], [total(2, 12)])
    assert standing(workspace) == [("Observation/o", None, 7)]
    assert "holds in a newer version already: 1" in " ".join(report.notes)


def test_what_was_taken_back_does_not_come_back(taken):
    workspace, _ = taken([total(9, 7, "entered-in-error")], [total(2, 7)])
    assert standing(workspace) == []


@pytest.mark.parametrize("turned", [False, True])
def test_an_instrument_that_a_newer_form_no_longer_holds_stays_out(taken, turned):
    exports = [[form(2, *PHQ9, *GAD7)], [form(9, *PHQ9, value=2)]]
    workspace, _ = taken(*(reversed(exports) if turned else exports))
    assert standing(workspace) == [("QuestionnaireResponse/f", 18, None)]


@pytest.mark.parametrize("turned", [False, True])
def test_a_form_of_two_instruments_that_was_taken_back_stays_so(taken, turned):
    exports = [[form(2, *PHQ9, *GAD7)], [form(9, status="entered-in-error")]]
    workspace, _ = taken(*(reversed(exports) if turned else exports))
    assert standing(workspace) == []


@pytest.mark.parametrize("turned", [False, True])
def test_a_newer_form_may_hold_more(taken, turned):
    exports = [[form(2, *PHQ9)], [form(9, *PHQ9, *GAD7)]]
    workspace, _ = taken(*(reversed(exports) if turned else exports))
    assert standing(workspace) == [("QuestionnaireResponse/f", 9, None), ("QuestionnaireResponse/f#gad-7", 7, None)]


def test_where_nobody_says_which_is_newer_the_last_one_counts_and_the_report_says_so(taken):
    workspace, report = taken([total(None, 7)], [total(None, 12)])
    assert standing(workspace) == [("Observation/o", None, 12)]
    assert "without meta.lastUpdated and meta.versionId on both sides: 1" in " ".join(report.notes)
    _, same = taken([total(None, 7)], [total(None, 7), form(3, *PHQ9)])
    assert not any("meta." in note for note in same.notes)


def deletion(**more):
    entry = {"request": {"method": "DELETE", "url": "Observation/o"}, **more}
    return {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}


def export(folder, made_at, *resources, deleted=()):
    folder.mkdir()
    for name, rows in (("all.ndjson", resources), ("deleted.ndjson", deleted)):
        (folder / name).write_text("".join(json.dumps(one) + "\n" for one in rows), encoding="utf-8")
    named = {"output": [{"url": "all.ndjson"}], "deleted": [{"url": "deleted.ndjson"}] if deleted else []}
    manifest = {"transactionTime": made_at, "requiresAccessToken": False, "error": [], **named}
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return folder


def test_a_deletion_is_as_old_as_its_export(tmp_path):
    later = export(tmp_path / "later", "2026-01-01T09:00:00Z", form(3, *PHQ9), deleted=[deletion()])
    first = export(tmp_path / "first", "2026-01-01T05:00:00Z", total(2, 12))
    again = export(tmp_path / "again", "2026-01-01T12:00:00Z", total(11, 5))
    for order, left in (((later, first), []), ((first, later), []), ((again, later), [5]), ((later, again), [5])):
        workspace = Workspace(tmp_path / "-".join(["ws", *(one.name for one in order)]))
        for one in order:
            workspace.intake(one, as_of="2026-06-30")
        assert [value for name, _, value in standing(workspace) if name == "Observation/o"] == left, order


def test_a_history_says_itself_when_something_was_deleted(taken):
    late = deletion(response={"status": "204", "lastModified": "2026-01-01T09:00:00Z"})
    assert standing(taken([late], [total(2, 7)])[0]) == []
    assert len(standing(taken([late], [total(10, 7)])[0])) == 1
    assert standing(taken([deletion() | {"timestamp": "2026-01-01T09:00:00Z"}], [total(2, 7)])[0]) == []
