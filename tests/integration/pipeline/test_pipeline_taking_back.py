"""A form entered in error, after it came in: none of its scores is left."""

from __future__ import annotations

import json

import pyarrow as pa

from benchwell import Workspace
from benchwell.engine import DuckDBEngine

PHQ9 = ["44250-9", "44255-8", "44259-0", "44254-1", "44251-7", "44258-2", "44252-5", "44253-3", "44260-8"]
GAD7 = ["69725-0", "68509-9", "69733-4", "69734-2", "69735-9", "69689-8", "69736-7"]


def form(name, status):
    """An intake packet: both questionnaires in one response."""
    items = [{"linkId": f"/{code}", "answer": [{"valueInteger": 1}]} for code in (*PHQ9, *GAD7)]
    return {
        "resourceType": "QuestionnaireResponse",
        "id": name,
        "status": status,
        "subject": {"reference": f"Patient/synthetic-{name}"},
        "authored": "2025-03-01T10:00:00Z",
        "item": items if status == "completed" else [],
    }


def write(path, *resources):
    path.write_text("".join(json.dumps(one) + "\n" for one in resources), encoding="utf-8")
    return path


def standing(workspace):
    with DuckDBEngine() as engine:
        rows = engine.to_arrow(workspace.lake.read(engine, "assessments", workspace.lake.snapshot()))
    return sorted(zip(rows["assessment_id"].to_pylist(), rows["instrument"].to_pylist(), strict=True))


def test_every_instrument_of_a_form_goes_with_it(tmp_path):
    workspace = Workspace(tmp_path / "ws")
    workspace.intake(write(tmp_path / "a.ndjson", form("a", "completed"), form("b", "completed")))
    before = standing(workspace)
    assert {instrument for _, instrument in before} == {"phq-9", "gad-7"}
    assert len(before) == 4
    workspace.intake(write(tmp_path / "b.ndjson", form("a", "entered-in-error")))
    assert standing(workspace) == [row for row in before if row[0].startswith("QuestionnaireResponse/b")]
    workspace.intake(write(tmp_path / "c.ndjson", form("a", "completed"), form("c", "completed")))
    assert len(standing(workspace)) == 6  # given again: it stands again


def test_an_amended_form_leaves_nothing_behind_that_is_no_longer_in_it(tmp_path):
    workspace = Workspace(tmp_path / "ws")
    workspace.intake(write(tmp_path / "a.ndjson", form("a", "completed"), form("b", "completed")))
    less = form("a", "completed")
    less["item"] = less["item"][:9]
    report = workspace.intake(write(tmp_path / "b.ndjson", {**less, "status": "amended"}))
    a, b = "QuestionnaireResponse/a", "QuestionnaireResponse/b"
    assert standing(workspace) == [(a, "phq-9"), (b, "phq-9"), (f"{b}#gad-7", "gad-7")]
    assert report.superseded == 2
    turned = {**form("b", "amended"), "item": form("b", "completed")["item"][9:]}
    workspace.intake(write(tmp_path / "c.ndjson", turned))
    assert standing(workspace) == [(a, "phq-9"), (b, "gad-7")]


def test_a_source_that_takes_nothing_back_is_left_as_it_is(tmp_path):
    from benchwell.pipeline.taking_back import with_parts_taken_back
    from benchwell.tables import CANONICAL

    rows = CANONICAL["assessments"].conform(pa.table({"assessment_id": ["x", "x#gad-7"]}))
    assert with_parts_taken_back(Workspace(tmp_path / "ws").lake, rows) is rows
