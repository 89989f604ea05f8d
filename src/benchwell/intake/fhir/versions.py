"""Other versions of FHIR, by the marks that only they have: refused by name, since they mean other things."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from benchwell.intake.fhir.resources import Questionnaire, Resource, ServiceRequest

_STU3, _R5 = "fhir_stu3", "fhir_r5"

# Members that R4 does not know, by resource type. DSTU2 counts as STU3: what to do is the same.
_MEMBERS: dict[str, tuple[tuple[str, str], ...]] = {
    "Patient": (("careProvider", _STU3),),
    "Encounter": (
        ("indication", _STU3),
        ("incomingReferral", _STU3),
        ("actualPeriod", _R5),
        ("reason", _STU3),
    ),
    "Condition": (("context", _STU3), ("assertedDate", _STU3), ("dateRecorded", _STU3)),
    "Procedure": (
        ("context", _STU3),
        ("notDone", _STU3),
        ("notPerformed", _STU3),
        ("occurrenceDateTime", _R5),
        ("occurrencePeriod", _R5),
    ),
    "ServiceRequest": (("reason", _R5),),
    "MedicationRequest": (("context", _STU3), ("medication", _R5)),
    "Questionnaire": (("group", _STU3),),
    "QuestionnaireResponse": (("context", _STU3), ("group", _STU3)),
    "Observation": (("context", _STU3), ("related", _STU3)),
    "Coverage": (("kind", _R5), ("insurer", _R5)),
    "Consent": (("consentingParty", _STU3), ("decision", _R5), ("grantor", _R5)),
}
# Members whose JSON starts with another sign than in R4: an object, a list or a text where there was another.
_STARTS: dict[str, tuple[tuple[str, bytes, str], ...]] = {
    "Encounter": (("class", b'"', _STU3), ("class", b"[", _R5)),
    "Condition": (
        ("clinicalStatus", b'"', _STU3),
        ("verificationStatus", b'"', _STU3),
        ("category", b"{", _STU3),
    ),
    "QuestionnaireResponse": (("questionnaire", b"{", _STU3),),
    "Observation": (("category", b"{", _STU3),),
    "Consent": (("provision", b"[", _R5),),
}


def _service_request(resource: ServiceRequest) -> tuple[str, str] | None:
    """In R5 the code stands one level deeper, so that nothing is left where R4 has it."""
    code = resource.code
    return (_R5, "code") if code is not None and not code.coding and code.text is None else None


def _questionnaire(resource: Questionnaire) -> tuple[str, str] | None:
    """In STU3 the answers that a question offers have another name, at any depth; in DSTU2 questions have."""
    if len(resource.group):
        return _STU3, "group"
    items = list(resource.item)
    while items:
        item = items.pop()
        if len(item.option):
            return _STU3, "item.option"
        items += item.item
    return None


_LOOKS: dict[type[Resource], Callable[[Any], tuple[str, str] | None]] = {
    ServiceRequest: _service_request,
    Questionnaire: _questionnaire,
}
# Types that R4 no longer has.
_GONE = frozenset(
    {
        "MedicationOrder",
        "ProcedureRequest",
        "ReferralRequest",
        "DiagnosticOrder",
        "DeviceUseRequest",
        "EligibilityRequest",
        "BodySite",
        "Sequence",
        "DataElement",
    }
)
_ARGONAUT = "http://fhir.org/guides/argonaut/"  # a guide for DSTU2 and STU3 only


def version_of(resource: Resource) -> tuple[str, str] | None:
    """The reason code and member that give another version of FHIR away; null if nothing does.

    Members that R4 does not have are none that this could find: what brings one was not decoded (`Foreign`).

    >>> from benchwell.intake.fhir.resources import Patient
    >>> version_of(Patient(id="1")) is None
    True
    """
    look = _LOOKS.get(type(resource))
    found = look(resource) if look is not None else None
    if found is not None:
        return found
    if resource.meta is not None:
        for profile in resource.meta.profile:
            if profile.startswith(_ARGONAUT):
                return _STU3, "meta.profile"
    return None


def version_of_members(kind: str, members: Mapping[str, bytes]) -> tuple[str, str] | None:
    """The same for a resource that could not be decoded: its type, and its members as JSON.

    >>> version_of_members("Encounter", {"class": b"[]"}), version_of_members("MedicationOrder", {})
    (('fhir_r5', 'class'), ('fhir_stu3', 'resourceType'))
    """
    if kind in _GONE:
        return _STU3, "resourceType"
    for member, start, reason in _STARTS.get(kind, ()):
        if members.get(member, b"").startswith(start):
            return reason, member
    for member, reason in _MEMBERS.get(kind, ()):
        if member in members:
            return reason, member
    return None
