"""Records in any order and in several versions: each thing once, the newest statement of it, and no grant in doubt."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchwell.intake.fhir.record_words import PURPOSES
from fhir_records import Taken, at, coded, take

few = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
ID = st.sampled_from("abc")
DAY = st.sampled_from(["2026-01-01", "2026-02-28", "2025-12-31", "2026-03"])


def _reference(kind: str) -> st.SearchStrategy[dict[str, str]]:
    return ID.map(lambda id_: at(f"{kind}/{id_}"))


def _optional(**members: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=members)


def _resource(
    kind: str, required: dict[str, Any], **members: st.SearchStrategy[Any]
) -> st.SearchStrategy[dict[str, Any]]:
    stated = st.fixed_dictionaries({"resourceType": st.just(kind), "id": ID} | required)
    return st.builds(lambda own, more: own | more, stated, _optional(**members))


RESOURCE = st.one_of(
    _resource("Patient", {}, gender=st.sampled_from(["female", "male"]), birthDate=DAY),
    _resource("Organization", {}, name=st.sampled_from(["North", "South"]), partOf=_reference("Organization")),
    _resource("Location", {}, managingOrganization=_reference("Organization"), partOf=_reference("Location")),
    _resource("PractitionerRole", {}, practitioner=_reference("Practitioner"), organization=_reference("Organization")),
    _resource(
        "EpisodeOfCare",
        {"patient": _reference("Patient")},
        managingOrganization=_reference("Organization"),
        diagnosis=st.lists(st.builds(lambda one: {"condition": one}, _reference("Condition")), max_size=2),
        status=st.sampled_from(["active", "finished", "entered-in-error"]),
    ),
    _resource(
        "Encounter",
        {"subject": _reference("Patient")},
        episodeOfCare=st.lists(_reference("EpisodeOfCare"), max_size=1),
        location=st.lists(st.builds(lambda one: {"location": one}, _reference("Location")), max_size=1),
        participant=st.lists(
            st.builds(lambda one: {"individual": one}, _reference("Practitioner") | _reference("PractitionerRole")),
            max_size=1,
        ),
        period=st.builds(lambda day: {"start": day}, DAY),
        status=st.sampled_from(["finished", "cancelled", "entered-in-error"]),
    ),
    _resource(
        "Condition",
        {"subject": _reference("Patient")},
        code=st.sampled_from(["F32.9", "F41.1"]).map(lambda code: coded(code, "http://hl7.org/fhir/sid/icd-10-cm")),
    ),
    _resource("Procedure", {"subject": _reference("Patient")}, performedDateTime=DAY),
    _resource("ServiceRequest", {"subject": _reference("Patient")}, authoredOn=DAY),
    _resource(
        "Coverage",
        {"beneficiary": _reference("Patient"), "status": st.just("active")},
        type=st.sampled_from(["1", "5", "8"]).map(lambda code: coded(code, "https://nahdo.org/sopt")),
        period=st.builds(lambda day: {"start": day}, DAY),
    ),
)


def _stamped(resources: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Every version of a resource has a time of its own."""
    return [
        one | {"meta": {"lastUpdated": f"2026-01-01T00:{place // 60:02}:{place % 60:02}Z"}}
        for place, one in enumerate(resources)
    ]


def content(taken: Taken) -> dict[str, list[dict[str, Any]]]:
    def plain(table: pa.Table) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = table.drop_columns(["source_row"]).to_pylist()
        return rows

    return {name: plain(table) for name, table in taken.tables.items()}


@few
@given(st.lists(RESOURCE, max_size=14).map(_stamped), st.randoms(use_true_random=False))
def test_the_order_of_resources_does_not_matter(resources: list[dict[str, Any]], random: Any) -> None:
    turned = list(resources)
    random.shuffle(turned)
    assert content(take(*resources)) == content(take(*turned))


TABLE_OF = {
    "Encounter": ("encounters", "encounter_id", ""),
    "EpisodeOfCare": ("episodes", "episode_id", ""),
    "Condition": ("conditions", "condition_id", ""),
    "Procedure": ("procedures", "procedure_id", ""),
    "ServiceRequest": ("procedures", "procedure_id", "ServiceRequest/"),
    "Patient": ("patients", "patient_id", ""),
    "Organization": ("organizations", "organization_id", ""),
}


@few
@given(st.lists(RESOURCE, max_size=14).map(_stamped))
def test_each_thing_has_one_row_and_the_newest_statement_of_it(resources: list[dict[str, Any]]) -> None:
    """The slow twin: the last statement of each id, one by one."""
    taken = take(*resources)
    newest = {(one["resourceType"], one["id"]): one for one in resources}
    for (kind, id_), stated in newest.items():
        if kind not in TABLE_OF:
            continue
        table, key, prefix = TABLE_OF[kind]
        (row,) = [row for row in taken.rows_of(table) if row[key] == prefix + id_]
        if kind == "Encounter":
            assert row["attended"] == {"finished": True, "cancelled": False}.get(stated.get("status", ""))
            assert row["patient_id"] == stated["subject"]["reference"].partition("/")[2]
        if kind in {"Encounter", "EpisodeOfCare"}:
            assert row["retracted"] == (stated.get("status") == "entered-in-error")
        if kind == "Patient":
            assert row["gender"] == stated.get("gender")
    stated_rows = sum(kind in TABLE_OF for kind, _ in newest)
    tables = {table for table, _, _ in TABLE_OF.values()}
    added = [row for name in tables for row in taken.rows_of(name) if row["retracted"] is None]
    default = [row for row in taken.rows_of("organizations") if row["kind"] == "practice"]
    assert sum(len(taken.rows_of(name)) for name in tables) == stated_rows + len({str(r) for r in (*added, *default)})


@few
@given(st.lists(RESOURCE, max_size=14).map(_stamped))
def test_whoever_is_named_has_a_row(resources: list[dict[str, Any]]) -> None:
    taken = take(*resources)
    for key, table in (
        ("patient_id", "patients"),
        ("organization_id", "organizations"),
        ("practitioner_id", "practitioners"),
    ):
        known = {row[key] for row in taken.rows_of(table)}
        for name in taken.tables:
            standing = [row for row in taken.rows_of(name) if not row["retracted"]]
            assert {row[key] for row in standing if row.get(key) is not None} <= known


def _provision(inside: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    codes = st.sampled_from([*PURPOSES, "HPAYMT"])
    return _optional(
        type=st.sampled_from(["permit", "deny"]),
        purpose=st.lists(st.builds(lambda code: {"system": "urn:act", "code": code}, codes), max_size=3),
        actor=st.just([{"role": coded("X")}]),
        provision=inside,
    )


PROVISION = st.recursive(_provision(st.just([])), lambda inside: _provision(st.lists(inside, max_size=2)), max_leaves=6)


def _walk(provision: dict[str, Any]) -> list[dict[str, Any]]:
    return [provision, *(one for inside in provision.get("provision", []) for one in _walk(inside))]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(PROVISION, st.sampled_from(["active", "inactive", "rejected", "draft"]))
def test_nothing_is_granted_that_no_unlimited_permission_names(provision: dict[str, Any], status: str) -> None:
    taken = take(
        {"resourceType": "Consent", "id": "c", "status": status, "patient": at("Patient/p"), "dateTime": "2026-01-07",
         "provision": provision}
    )  # fmt: skip
    decisions = {row["purpose"]: row["decision"] for row in taken.rows_of("consents")}
    granted = {purpose for purpose, decision in decisions.items() if decision == "granted"}
    parts = _walk(provision)

    def named(kind: str, *, limited: bool) -> set[str]:
        chosen = [one for one in parts if one.get("type") == kind and (limited or "actor" not in one)]
        codes = [coding["code"] for one in chosen for coding in one.get("purpose", [])]
        return {PURPOSES[code].value for code in codes if code in PURPOSES}

    assert granted <= named("permit", limited=False) - named("deny", limited=True)
    assert not granted or status == "active"
    assert status == "draft" or named("deny", limited=True) <= {p for p, d in decisions.items() if d == "declined"}
