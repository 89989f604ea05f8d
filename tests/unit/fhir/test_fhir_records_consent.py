"""Consents: nothing is granted in doubt, and what is denied counts."""

from __future__ import annotations

from typing import Any

import pytest

from benchwell.terms import Purpose
from fhir_records import AS_OF, Taken, at, coded, take

OURS = "urn:benchwell:purpose"
REASON = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
EVERY = {purpose.value for purpose in Purpose}


def purposes(*codes: str, system: str = REASON) -> dict[str, Any]:
    return {"purpose": [{"system": system, "code": code} for code in codes]}


def consent(provision: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    stated = {"status": "active", "patient": at("Patient/p"), "dateTime": "2026-01-07T10:00:00Z"}
    given = {"provision": provision} if provision is not None else {}
    return {"resourceType": "Consent", "id": "c", **stated, **given, **more}


def decided(taken: Taken) -> dict[tuple[str, str], str]:
    return {(row["purpose"], row["date"].isoformat()): row["decision"] for row in taken.rows_of("consents")}


def words(taken: Taken) -> dict[str, str]:
    return {purpose: word for (purpose, _), word in decided(taken).items()}


@pytest.mark.parametrize(
    ("provision", "expected"),
    [
        ({"type": "permit", **purposes("HQUALIMP")}, {"learning": "granted"}),
        ({"type": "deny", **purposes("HRESCH")}, {"research": "declined"}),
        ({"type": "permit", **purposes("TREAT", "HRESCH")}, {"care": "granted", "research": "granted"}),
        ({"type": "permit", **purposes("model_training", "public", system=OURS)},
         {"model_training": "granted", "public": "granted"}),
        ({"type": "permit", **purposes("HQUALIMP"), "action": [coded("use")]}, {"learning": "granted"}),
        ({"type": "deny"}, dict.fromkeys(EVERY, "declined")),
        ({"type": "permit", **purposes("HRESCH", "HQUALIMP"), "provision": [{"type": "deny", **purposes("HRESCH")}]},
         {"learning": "granted", "research": "declined"}),
        ({"type": "deny", "provision": [{"type": "permit", **purposes("HQUALIMP")}]},
         dict.fromkeys(EVERY, "declined") | {"learning": "granted"}),
        ({"type": "deny", **purposes("HRESCH"), "actor": [{"role": coded("X")}]}, {"research": "declined"}),
    ],
)  # fmt: skip
def test_provisions_become_decisions(provision: dict[str, Any], expected: dict[str, str]) -> None:
    assert words(take(consent(provision))) == expected


@pytest.mark.parametrize(
    "provision",
    [
        {"type": "permit"},
        {"type": "permit", **purposes("HPAYMT")},
        {"type": "permit", **purposes("HQUALIMP"), "actor": [{"role": coded("X")}]},
        {"type": "permit", **purposes("HQUALIMP"), "class": [{"code": "X"}]},
        {"type": "permit", **purposes("HQUALIMP"), "code": [coded("X")]},
        {"type": "permit", **purposes("HQUALIMP"), "data": [{"meaning": "related"}]},
        {"type": "permit", **purposes("HQUALIMP"), "dataPeriod": {"start": "2026-01-01"}},
        {"type": "permit", **purposes("HQUALIMP"), "action": [coded("collect")]},
        {"type": "permit", **purposes("learning", system="urn:else")},
        {"type": "permit", **purposes("learnings", system=OURS)},
        {"type": "permit", **purposes("HQUALIMP"), "modifierExtension": [{"url": "urn:x", "valueBoolean": True}]},
        {**purposes("HQUALIMP")},
        None,
    ],
)
def test_what_cannot_be_read_for_certain_grants_nothing(provision: dict[str, Any] | None) -> None:
    taken = take(consent(provision))
    assert taken.rows_of("consents") == []
    assert taken.rows.refused == {1}
    assert {reason for _, reason in taken.reasons} == {"consent_unread"}


def test_a_consent_that_is_modified_as_a_whole_grants_nothing() -> None:
    stated = consent({"type": "permit", **purposes("HQUALIMP")}, modifierExtension=[{"url": "urn:x"}])
    assert take(stated).reasons == [("Consent.provision", "consent_unread"), ("Consent", "consent_unread")]


def test_a_general_no_whose_exceptions_cannot_be_read_stays_a_no() -> None:
    exception = {"type": "permit", "code": [coded("2.16.840.1.113883.3.1937.777.24.5.3.8")], **purposes("HRESCH")}
    taken = take(consent({"type": "deny", "provision": [exception]}))
    assert words(taken) == dict.fromkeys(EVERY, "declined")
    assert ("Consent.provision", "consent_unread") in taken.reasons


def test_scope_and_policy_say_what_the_provision_leaves_open() -> None:
    research = {"scope": coded("research")}
    assert words(take(consent({"type": "permit"}, **research))) == {"research": "granted"}
    assert words(take(consent({"type": "deny"}, **research))) == {"research": "declined"}
    assert words(take(consent(policyRule=coded("OPTIN"), **research))) == {"research": "granted"}
    assert words(take(consent(policyRule=coded("OPTOUT"), scope=coded("patient-privacy")))) == dict.fromkeys(
        EVERY, "declined"
    )


@pytest.mark.parametrize(
    ("status", "decision"), [("active", "granted"), ("rejected", "declined"), ("inactive", "withdrawn")]
)
def test_status_decides_what_a_permission_is_worth(status: str, decision: str) -> None:
    taken = take(consent({"type": "permit", **purposes("HQUALIMP")}, status=status))
    assert decided(taken) == {("learning", "2026-01-07"): decision}


@pytest.mark.parametrize("status", ["draft", "proposed", None])
def test_what_nobody_has_decided_is_no_decision(status: str | None) -> None:
    stated = consent({"type": "permit", **purposes("HQUALIMP")})
    taken = take({k: v for k, v in (stated | {"status": status}).items() if v is not None})
    assert taken.rows_of("consents") == []
    assert taken.reasons == [("Consent.status", "consent_not_decided")]


def test_a_permission_ends_with_its_period_and_does_not_begin_before_it() -> None:
    period = {"start": "2026-02-01", "end": "2026-03-31"}
    taken = take(consent({"type": "permit", "period": period, **purposes("HRESCH")}))
    assert decided(taken) == {("research", "2026-02-01"): "granted", ("research", "2026-04-01"): "withdrawn"}


def test_an_undated_grant_is_refused_and_an_undated_refusal_counts_at_once() -> None:
    def undated(kind: str) -> dict[str, Any]:
        return {k: v for k, v in consent({"type": kind, **purposes("HRESCH")}).items() if k != "dateTime"}

    grant, refusal = take(undated("permit")), take(undated("deny"))
    assert grant.rows_of("consents") == []
    assert ("Consent.dateTime", "missing_date") in grant.reasons
    assert decided(refusal) == {("research", AS_OF.isoformat()): "declined"}


def test_of_several_consents_of_one_day_a_refusal_wins_and_an_error_counts_for_nothing() -> None:
    yes = consent({"type": "permit", **purposes("HRESCH")}, id="1")
    no = consent({"type": "deny", **purposes("HRESCH")}, id="2")
    wrong = no | {"id": "3", "status": "entered-in-error"}
    assert words(take(yes, no)) == words(take(no, yes)) == {"research": "declined"}
    assert [row["retracted"] for row in take(yes, wrong).rows_of("consents")] == [False]
    assert words(take(yes, wrong)) == {"research": "granted"}
    (alone,) = take(wrong).rows_of("consents")
    assert (alone["purpose"], alone["retracted"]) == ("research", True)


def test_a_consent_needs_its_person() -> None:
    taken = take(consent({"type": "deny"}, patient=at("RelatedPerson/r")))
    assert taken.rows_of("consents") == []
    assert taken.reasons == [("Consent.patient", "missing_patient_id")]


@pytest.mark.parametrize(
    ("provision", "more", "expected"),
    [
        ({}, {"status": "unknown"}, {}),
        ({}, {"status": "not-done"}, {}),
        ({}, {"status": "Active "}, {}),
        ({"type": "deny"}, {"status": "unknown"}, {"learning": "declined"}),
        ({"period": {"start": "2026-01-01", "end": "2026-13-01"}}, {}, {}),
        ({"period": {"start": "next year"}}, {}, {}),
        ({"provision": [purposes("HQUALIMP")]}, {}, {"learning": "declined"}),
        ({"provision": [{"type": "Deny", **purposes("HQUALIMP")}]}, {}, {"learning": "declined"}),
    ],
)
def test_a_malformed_consent_grants_nothing(
    provision: dict[str, Any], more: dict[str, Any], expected: dict[str, str]
) -> None:
    taken = take(consent({"type": "permit", **purposes("HQUALIMP"), **provision}, **more))
    assert words(taken) == expected
    assert taken.reasons


def test_an_exception_that_ends_is_no_grant_without_end() -> None:
    ended = {"type": "permit", **purposes("HQUALIMP"), "period": {"end": "2026-01-08"}}
    assert words(take(consent({"type": "deny", "provision": [ended]}))) == dict.fromkeys(EVERY, "declined")
