"""Scores out as FHIR and in again: the same scores, and of people who said no nothing at all."""

from __future__ import annotations

import datetime as dt
import gzip
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import yaml

from benchwell import Workspace
from benchwell.errors import WorkspaceError
from benchwell.pipeline.exporting_fhir import ObservationExport, export_observations
from benchwell.registry import Instrument, Registry
from benchwell.tables import CANONICAL
from fhir_shapes import shape_problems
from functional.product_cases import write_rows

AS_OF = dt.date(2026, 1, 31)
FIXED = [3, 1, 2, 0, 3, 2, 1, 0, 1, 2, 3, 0, 1, 2, 0, 1, 3, 2, 1, 0, 2]


def export(workspace: Workspace, path: Path, **more: Any) -> ObservationExport:
    return export_observations(workspace.holdings, path, as_of=AS_OF, **more)


def lines(path: Path) -> list[dict[str, Any]]:
    content = path.read_bytes()
    return [json.loads(line) for line in (gzip.decompress(content) if path.suffix == ".gz" else content).splitlines()]


def decisions(path: Path, *rows: tuple[str, str, str, str]) -> Path:
    names = ("patient_id", "purpose", "date", "decision")
    return write_rows(path, [dict(zip(names, row, strict=True)) for row in rows])


def people(path: Path) -> set[str]:
    return {one["subject"]["reference"].removeprefix("Patient/") for one in lines(path)}


def test_every_score_is_one_line_in_a_fixed_order(own_practice, tmp_path):
    told = export(own_practice, tmp_path / "scores.ndjson")
    written = lines(told.path)
    assert (told.observations, told.people, told.withheld, told.without_value) == (35, 20, 0, 0)
    assert [shape_problems(one) for one in written] == [[]] * 35
    keys = [(one["subject"]["reference"], one["effectiveDateTime"]) for one in written]
    assert keys == sorted(keys)
    assert len({one["id"] for one in written}) == 35
    again = export(own_practice, tmp_path / "again.ndjson")
    assert again.path.read_bytes() == told.path.read_bytes()
    packed = export(own_practice, tmp_path / "scores.ndjson.gz")
    assert lines(packed.path) == written
    assert packed.path.read_bytes() == export(own_practice, tmp_path / "b.ndjson.gz").path.read_bytes()


def test_who_declined_is_not_exported(own_practice, tmp_path):
    said = decisions(
        tmp_path / "consents.csv",
        ("p00", "learning", "2025-06-01", "withdrawn"),
        ("p01", "learning", "2025-06-01", "declined"),
        ("p02", "research", "2025-06-01", "withdrawn"),
        ("p03", "learning", "2025-06-01", "withdrawn"),
        ("p03", "learning", "2025-07-01", "granted"),
    )
    own_practice.intake(said)
    told = export(own_practice, tmp_path / "scores.ndjson")
    assert people(told.path) == {f"p{number:02d}" for number in range(20)} - {"p00", "p01"}
    assert (told.people, told.withheld) == (18, 2)


def test_for_another_purpose_silence_is_no(own_practice, tmp_path):
    own_practice.intake(decisions(tmp_path / "consents.csv", ("p05", "research", "2025-02-01", "granted")))
    told = export(own_practice, tmp_path / "scores.ndjson", purpose="research")
    assert people(told.path) == {"p05"}
    assert (told.purpose, told.withheld) == ("research", 19)
    # p05 started on 21 January: only what came after the yes leaves.
    assert [one["effectiveDateTime"] for one in lines(told.path)] == ["2025-04-15"]


def test_where_silence_is_no_nobody_who_was_not_asked_is_exported(own_practice, tmp_path):
    path = own_practice.path / "benchwell.yaml"
    settings = yaml.safe_load(path.read_text(encoding="utf-8")) | {"consent_rule": "opt_in"}
    path.write_text(yaml.safe_dump(settings), encoding="utf-8")
    told = export(Workspace(own_practice.path), tmp_path / "scores.ndjson")
    assert (told.observations, told.withheld, lines(told.path)) == (0, 20, [])


def answered(instrument: Instrument, person: str, skipped: bool) -> dict[str, Any]:
    """One filled-in form, with or without its first answer."""
    items = []
    for number in range(1, instrument.form.count + 1):
        options = instrument.form.answers_of(number) or instrument.form.range_of(number)
        items.append(float(options[FIXED[(number * 7) % len(FIXED)] % len(options)]))
    return {
        "assessment_id": f"{person}-{instrument.id}",
        "patient_id": person,
        "instrument": instrument.id,
        "date": dt.date(2025, 3, 3),
        "items": [None, *items[1:]] if skipped else items,
    }


@pytest.fixture
def all_forms(tmp_path) -> Workspace:
    """Two people with every declared form whose score has a public code; the second skips a question."""
    coded = [
        one
        for one in Registry.load().instruments.values()
        if one.items is not None and isinstance(one.codes.get("total") or one.codes.get("t_score"), str)
    ]
    forms = [answered(one, person, person == "x2") for one in coded for person in ("x1", "x2")]
    tables = {
        "assessments": CANONICAL["assessments"].conform(pa.Table.from_pylist(forms)),
        "patients": CANONICAL["patients"].conform(pa.table({"patient_id": ["x1", "x2"]})),
    }
    workspace = Workspace(tmp_path / "forms")
    workspace.lake.merge(tables, source_hash="forms", file="forms", counts={"accepted": len(forms)})
    return workspace


def told_by(path: Path) -> dict[tuple[str, str, str], float | None]:
    """Value by person, instrument with scale, and day; null where there is none."""
    return {
        (one["subject"]["reference"], one["code"]["coding"][-1]["code"], one["effectiveDateTime"]): (
            one["valueQuantity"]["value"] if "valueQuantity" in one else None
        )
        for one in lines(path)
    }


def public_codes(path: Path) -> Counter[str]:
    """How many instruments use each public code."""
    codes = {tuple(coding["code"] for coding in one["code"]["coding"]) for one in lines(path)}
    return Counter(one[0] for one in codes if len(one) > 1)


def test_reading_the_export_back_gives_the_same_scores(all_forms, tmp_path):
    told = export(all_forms, tmp_path / "out.ndjson")
    first, codes = told_by(told.path), public_codes(told.path)
    assert len(first) == told.observations > 20
    assert told.without_value > 0  # forms that allow no missing answer
    back = Workspace(tmp_path / "back")
    back.intake(told.path, as_of=AS_OF)
    again = told_by(export(back, tmp_path / "again.ndjson").path)
    own = {one["code"]["coding"][-1]["code"]: one["code"]["coding"][0]["code"] for one in lines(told.path)}
    # What has no value is no score, and a code that nobody or two instruments use names none.
    known = {key: value for key, value in first.items() if value is not None and codes[own[key[1]]] == 1}
    assert again == known
    assert len(known) >= 10


def test_a_lake_that_reads_its_own_export_counts_no_answered_form_twice(all_forms, tmp_path):
    told = export(all_forms, tmp_path / "out.ndjson")
    all_forms.intake(told.path, as_of=AS_OF)
    after = export(all_forms, tmp_path / "after.ndjson")
    assert after.path.read_bytes() == told.path.read_bytes()


def test_stated_totals_survive_the_way_out_and_in(own_practice, tmp_path):
    back = Workspace(tmp_path / "back")
    back.intake(export(own_practice, tmp_path / "out.ndjson").path, as_of=AS_OF)
    again = export(back, tmp_path / "again.ndjson")
    assert told_by(again.path) == told_by(tmp_path / "out.ndjson")
    assert {one["id"] for one in lines(again.path)} == {one["id"] for one in lines(tmp_path / "out.ndjson")}


def test_an_empty_workspace_and_a_folder_that_is_not_there_say_so(own_practice, tmp_path):
    with pytest.raises(WorkspaceError, match="no score to export"):
        export(Workspace(tmp_path / "empty"), tmp_path / "out.ndjson")
    with pytest.raises(WorkspaceError, match="cannot be written"):
        export(own_practice, tmp_path / "none" / "out.ndjson")
    with pytest.raises(WorkspaceError, match="No purpose 'sale'"):
        export(own_practice, tmp_path / "out.ndjson", purpose="sale")
    assert not (tmp_path / "out.ndjson").exists()


def test_a_failure_leaves_the_earlier_file_as_it_was(own_practice, tmp_path, monkeypatch):
    told = export(own_practice, tmp_path / "out.ndjson")
    before = told.path.read_bytes()

    def fails(*_: object) -> None:
        raise RuntimeError("stop")

    monkeypatch.setattr("benchwell.publish.score_observations.ScoreObservations.observation", fails)
    with pytest.raises(RuntimeError):
        export(own_practice, told.path)
    assert told.path.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir() if one.name.startswith(".out")] == []
