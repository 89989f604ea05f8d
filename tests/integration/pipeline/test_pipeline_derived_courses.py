"""Contacts and scores without a course, through the lake to an edition: courses are derived, frozen and verified."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pyarrow as pa
import pytest
import yaml

from benchwell import Workspace, verify
from benchwell.errors import UnknownDeclarationError
from benchwell.settings import FILE_NAME

AS_OF = dt.date(2026, 1, 1)
DAY_ONE = dt.date(2024, 1, 8)
RULE = "contacts-120-days"
BENCHMARKS = ["network-phq9-change-12w", "network-retention-6m"]


def on(day: int) -> dt.date:
    return DAY_ONE + dt.timedelta(days=day)


def people(n: int = 40) -> dict[str, list[dict[str, Any]]]:
    """Each person: three visits at one of two clinics, a PHQ-9 at the first and after 12 weeks; none names a course."""
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in ("patients", "encounters", "assessments")}
    for place in range(n):
        who = {"patient_id": f"p{place}"}
        found["patients"].append(who | {"birth_year": 1980})
        for visit, day in enumerate((0, 40, 84)):
            seen = {"organization_id": f"clinic-{place % 2}", "date": on(day), "kind": "treatment"}
            found["encounters"].append(who | seen | {"encounter_id": f"e{place}-{visit}", "attended": True})
        for day, total in ((0, 16.0), (84, 6.0 + place % 5)):
            form = {"assessment_id": f"a{place}-{day}", "instrument": "phq-9", "date": on(day), "total": total}
            found["assessments"].append(who | form)
    return found


def tables(rows: dict[str, list[dict[str, Any]]]) -> dict[str, pa.Table]:
    return {name: pa.Table.from_pylist(items) for name, items in rows.items() if items}


def workspace_of(folder, rows, source: str = "a" * 64) -> Workspace:
    workspace = Workspace(folder / "home")
    workspace.lake.merge(tables(rows), source_hash=source, file="records", counts={})
    return workspace


def clinics(rows):
    return rows | {"organizations": [{"organization_id": f"clinic-{place}"} for place in range(2)]}


@pytest.fixture
def workspace(tmp_path) -> Workspace:
    return workspace_of(tmp_path, clinics(people()))


def change(workspace: Workspace, **settings: Any) -> Workspace:
    path = workspace.path / FILE_NAME
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | settings))
    return Workspace(workspace.path)


def test_an_edition_counts_derived_courses_and_freezes_the_rule(workspace):
    edition = workspace.build(as_of=AS_OF, benchmarks=BENCHMARKS)
    assert edition.manifest["reading"] == {
        "courses_derived": 40,
        "contacts_joined_to_courses": 0,
        "contacts_without_course": 0,
        "scores_folded": 0,
    }
    stated = edition.manifest["identity"]["declarations"]["episode_rules"]
    declared = workspace.registry.episode_rule(RULE)
    assert stated == {RULE: {"revision": 1, "numbers": declared.numbers_hash, "text": declared.text_hash}}
    assert edition.declaration("episode_rule", RULE) == declared
    assert (edition.path / "methods" / "episode_rules" / f"{RULE}.html").is_file()
    outcomes = edition.arrow("outcomes")
    assert outcomes.num_rows == 80
    assert set(outcomes["status"].to_pylist()) == {"followed"}
    assert set(outcomes["organization_id"].to_pylist()) == {"clinic-0", "clinic-1"}
    flow = [row for row in edition.arrow("exclusions").to_pylist() if row["measure"] == "phq9-change-12w"]
    assert sum(row["count"] for row in flow) == 40
    checked = verify(edition.path, workspace=workspace.path)
    assert checked.passed, checked.failures
    assert any(check.name == f"declaration in force episode_rules/{RULE}" for check in checked.checks)


def test_no_id_of_a_person_or_contact_leaves_the_private_rows(workspace):
    edition = workspace.build(as_of=AS_OF, benchmarks=BENCHMARKS)
    public = [path for path in edition.path.rglob("*") if path.is_file() and "rows" not in path.parts]
    assert public
    for path in public:
        assert b"course:" not in path.read_bytes(), path.name
        if path.suffix == ".json":
            assert "course:" not in json.dumps(json.loads(path.read_text()))


def test_the_name_of_an_edition_depends_on_the_rule(workspace):
    first = workspace.build(as_of=AS_OF, benchmarks=BENCHMARKS)
    other = change(workspace, episode_rule="clinic-90-days").build(as_of=AS_OF, benchmarks=BENCHMARKS)
    assert other.id != first.id
    assert list(other.manifest["identity"]["declarations"]["episode_rules"]) == ["clinic-90-days"]


def test_without_a_rule_contacts_without_a_course_count_nowhere(workspace):
    edition = change(workspace, episode_rule=None).build(as_of=AS_OF, benchmarks=BENCHMARKS)
    assert edition.manifest["identity"]["declarations"]["episode_rules"] == {}
    assert edition.arrow("outcomes").num_rows == 0


def test_a_rule_that_is_not_declared_is_named_before_anything_is_computed(workspace):
    with pytest.raises(UnknownDeclarationError, match="contacts-12-days"):
        change(workspace, episode_rule="contacts-12-days").build(as_of=AS_OF)


def test_where_the_source_names_every_course_the_rule_is_not_part_of_the_edition(tmp_path):
    rows = clinics(people())
    rows["episodes"] = [
        {"episode_id": f"x{place}", "patient_id": f"p{place}", "organization_id": "clinic-0", "start_date": on(0)}
        for place in range(40)
    ]
    rows["encounters"] = [row | {"episode_id": f"x{row['patient_id'][1:]}"} for row in rows["encounters"]]
    edition = workspace_of(tmp_path, rows).build(as_of=AS_OF, benchmarks=BENCHMARKS)
    assert edition.manifest["identity"]["declarations"]["episode_rules"] == {}
    assert set(edition.manifest["reading"].values()) == {0}


def test_contacts_and_scores_of_courses_that_were_never_delivered_count_all_the_same(tmp_path):
    rows = clinics(people())
    for name in ("encounters", "assessments"):
        rows[name] = [row | {"episode_id": f"absent-{row['patient_id']}"} for row in rows[name]]
    edition = workspace_of(tmp_path, rows).build(as_of=AS_OF, benchmarks=BENCHMARKS)
    assert edition.manifest["reading"]["courses_derived"] == 40
    assert set(edition.arrow("outcomes")["status"].to_pylist()) == {"followed"}


def test_scores_alone_make_courses_in_the_only_clinic_or_in_none_that_is_known(tmp_path):
    rows = people() | {"encounters": [], "organizations": [{"organization_id": "clinic-0"}]}
    edition = workspace_of(tmp_path, rows).build(as_of=AS_OF, benchmarks=BENCHMARKS[:1])
    assert set(edition.arrow("outcomes")["organization_id"].to_pylist()) == {"clinic-0"}
    nowhere = tmp_path / "nowhere"
    nowhere.mkdir()
    edition = workspace_of(nowhere, rows | {"organizations": []}).build(as_of=AS_OF, benchmarks=BENCHMARKS[:1])
    assert set(edition.arrow("outcomes")["organization_id"].to_pylist()) == {"unknown"}
    assert set(edition.arrow("outcomes")["status"].to_pylist()) == {"followed"}


def test_a_form_and_its_total_from_two_intakes_are_one_assessment(tmp_path):
    rows = clinics(people())
    workspace = workspace_of(tmp_path, rows)
    before = workspace.build(as_of=AS_OF, benchmarks=BENCHMARKS)
    forms = [row | {"assessment_id": f"form-{row['assessment_id']}"} for row in rows["assessments"]]
    forms = [row | {"items": answers(row.pop("total"))} for row in forms]
    workspace.lake.merge(tables({"assessments": forms}), source_hash="b" * 64, file="forms", counts={})
    after = workspace.build(as_of=AS_OF, benchmarks=BENCHMARKS)
    assert after.manifest["reading"]["scores_folded"] == 80
    assert after.manifest["identity"]["inputs"]["statistics"] == before.manifest["identity"]["inputs"]["statistics"]
    assert verify(after.path, workspace=workspace.path).passed


def answers(total: float) -> list[float]:
    """Nine answers with a given sum."""
    return [float(min(3, max(0, total - 3 * place))) for place in range(9)]
