"""FHIR R4 resources as types: what is read, in FHIR's own names. Everything else of a resource is skipped."""

from __future__ import annotations

import msgspec

from benchwell.intake.fhir.elements import (
    Address,
    Coding,
    Concept,
    Element,
    Extension,
    Foreign,
    Identifier,
    Meta,
    Period,
    Quantity,
    Reference,
)


class Resource(Element, tag_field="resourceType"):
    """What every resource has."""

    id: str | None = None
    meta: Meta | None = None
    extension: list[Extension] = []
    identifier: list[Identifier] | Identifier = []  # a single one in QuestionnaireResponse and Bundle


class Communication(Element):
    """A language that a patient speaks."""

    language: Concept | None = None
    preferred: bool | None = None


class Patient(Resource, tag=True):
    """A person in care."""

    gender: str | None = None
    birthDate: str | None = None
    deceasedBoolean: bool | None = None
    deceasedDateTime: str | None = None
    address: list[Address] = []
    communication: list[Communication] = []
    active: bool | None = None
    managingOrganization: Reference | None = None
    generalPractitioner: list[Reference] = []
    # members of other versions of FHIR: whoever sends them is refused by name (versions.py)
    careProvider: Foreign = msgspec.UNSET


class Organization(Resource, tag=True):
    """A clinic, practice or network."""

    active: bool | None = None
    type: list[Concept] = []
    name: str | None = None
    partOf: Reference | None = None
    address: list[Address] = []


class Location(Resource, tag=True):
    """A place; it belongs to an organization."""

    status: str | None = None
    name: str | None = None
    address: Address | None = None
    managingOrganization: Reference | None = None
    partOf: Reference | None = None


class Qualification(Element):
    """What a practitioner is licensed for, and since when."""

    code: Concept | None = None
    period: Period | None = None


class Practitioner(Resource, tag=True):
    """A clinician; never by name."""

    active: bool | None = None
    qualification: list[Qualification] = []


class PractitionerRole(Resource, tag=True):
    """What a practitioner does where."""

    active: bool | None = None
    practitioner: Reference | None = None
    organization: Reference | None = None
    code: list[Concept] = []
    specialty: list[Concept] = []
    period: Period | None = None


class EpisodeDiagnosis(Element):
    """A condition that an episode or encounter is about."""

    condition: Reference | None = None
    role: Concept | None = None
    use: Concept | None = None
    rank: int | None = None


class EpisodeOfCare(Resource, tag=True):
    """A course of care."""

    status: str | None = None
    type: list[Concept] = []
    diagnosis: list[EpisodeDiagnosis] = []
    patient: Reference | None = None
    managingOrganization: Reference | None = None
    period: Period | None = None
    referralRequest: list[Reference] = []
    careManager: Reference | None = None


class Participant(Element):
    """Who took part."""

    type: list[Concept] = []
    individual: Reference | None = None


class Hospitalization(Element):
    """How a stay ended."""

    dischargeDisposition: Concept | None = None


class EncounterLocation(Element):
    """Where."""

    location: Reference | None = None


class Encounter(Resource, tag=True):
    """A contact. In R4 `class` is one Coding."""

    status: str | None = None
    class_: Coding | None = msgspec.field(name="class", default=None)
    type: list[Concept] = []
    serviceType: Concept | None = None
    subject: Reference | None = None
    episodeOfCare: list[Reference] = []
    basedOn: list[Reference] = []
    participant: list[Participant] = []
    appointment: list[Reference] = []
    period: Period | None = None
    length: Quantity | None = None
    reasonCode: list[Concept] = []
    reasonReference: list[Reference] = []
    diagnosis: list[EpisodeDiagnosis] = []
    hospitalization: Hospitalization | None = None
    location: list[EncounterLocation] = []
    serviceProvider: Reference | None = None
    partOf: Reference | None = None
    # members of other versions of FHIR: whoever sends them is refused by name (versions.py)
    reason: Foreign = msgspec.UNSET
    indication: Foreign = msgspec.UNSET
    incomingReferral: Foreign = msgspec.UNSET
    actualPeriod: Foreign = msgspec.UNSET


class Condition(Resource, tag=True):
    """A problem or diagnosis."""

    clinicalStatus: Concept | None = None
    verificationStatus: Concept | None = None
    category: list[Concept] = []
    code: Concept | None = None
    subject: Reference | None = None
    encounter: Reference | None = None
    onsetDateTime: str | None = None
    onsetPeriod: Period | None = None
    onsetAge: Quantity | None = None
    onsetString: str | None = None
    abatementDateTime: str | None = None
    abatementPeriod: Period | None = None
    abatementAge: Quantity | None = None
    abatementString: str | None = None
    recordedDate: str | None = None
    # members of other versions of FHIR: whoever sends them is refused by name (versions.py)
    context: Foreign = msgspec.UNSET
    assertedDate: Foreign = msgspec.UNSET
    dateRecorded: Foreign = msgspec.UNSET


class Procedure(Resource, tag=True):
    """Something that was done."""

    status: str | None = None
    statusReason: Concept | None = None
    category: Concept | None = None
    code: Concept | None = None
    subject: Reference | None = None
    encounter: Reference | None = None
    basedOn: list[Reference] = []
    performedDateTime: str | None = None
    performedPeriod: Period | None = None
    reasonCode: list[Concept] = []
    reasonReference: list[Reference] = []
    # members of other versions of FHIR: whoever sends them is refused by name (versions.py)
    context: Foreign = msgspec.UNSET
    notDone: Foreign = msgspec.UNSET
    notPerformed: Foreign = msgspec.UNSET
    occurrenceDateTime: Foreign = msgspec.UNSET
    occurrencePeriod: Foreign = msgspec.UNSET


class ServiceRequest(Resource, tag=True):
    """Something that was asked for: a referral."""

    status: str | None = None
    intent: str | None = None
    category: list[Concept] = []
    doNotPerform: bool | None = None
    code: Concept | None = None
    subject: Reference | None = None
    encounter: Reference | None = None
    occurrenceDateTime: str | None = None
    occurrencePeriod: Period | None = None
    authoredOn: str | None = None
    reasonCode: list[Concept] = []
    reasonReference: list[Reference] = []
    # members of other versions of FHIR: whoever sends them is refused by name (versions.py)
    reason: Foreign = msgspec.UNSET


class Repeat(Element):
    """When a dose is taken."""

    boundsPeriod: Period | None = None
    boundsDuration: Quantity | None = None


class Timing(Element):
    """When a dose is taken."""

    event: list[str] = []
    repeat: Repeat | None = None


class Dosage(Element):
    """How a medication is taken."""

    timing: Timing | None = None


class DispenseRequest(Element):
    """How long a supply lasts."""

    validityPeriod: Period | None = None
    expectedSupplyDuration: Quantity | None = None
    quantity: Quantity | None = None
    numberOfRepeatsAllowed: int | None = None


class MedicationRequest(Resource, tag=True):
    """A prescription."""

    status: str | None = None
    intent: str | None = None
    doNotPerform: bool | None = None
    medicationCodeableConcept: Concept | None = None
    medicationReference: Reference | None = None
    contained: list[msgspec.Raw] = []
    subject: Reference | None = None
    encounter: Reference | None = None
    authoredOn: str | None = None
    dosageInstruction: list[Dosage] = []
    dispenseRequest: DispenseRequest | None = None
    reasonCode: list[Concept] = []
    reasonReference: list[Reference] = []
    # members of other versions of FHIR: whoever sends them is refused by name (versions.py)
    context: Foreign = msgspec.UNSET
    medication: Foreign = msgspec.UNSET


class Medication(Resource, tag=True):
    """What a prescription that names no code points to."""

    code: Concept | None = None


class AnswerOption(Element):
    """One of the answers that a question offers; its extension may hold the ordinal value."""

    valueCoding: Coding | None = None
    valueInteger: int | None = None
    valueString: str | None = None
    extension: list[Extension] = []


class QuestionnaireItem(Element):
    """A question, or a group of questions."""

    linkId: str = ""
    definition: str | None = None
    code: list[Coding] = []
    text: str | None = None
    type: str | None = None
    answerValueSet: str | None = None
    answerOption: list[AnswerOption] = []
    item: list[QuestionnaireItem] = []
    extension: list[Extension] = []
    option: msgspec.Raw = msgspec.Raw()  # STU3: refused by name (versions.py)


class Questionnaire(Resource, tag=True):
    """A form; says what the link ids and answers of its responses mean."""

    url: str | None = None
    version: str | None = None
    name: str | None = None
    title: str | None = None
    status: str | None = None
    language: str | None = None
    code: list[Coding] = []
    item: list[QuestionnaireItem] = []
    contained: list[msgspec.Raw] = []
    # members of other versions of FHIR: whoever sends them is refused by name (versions.py)
    group: msgspec.Raw = msgspec.Raw()


class Answer(Element):
    """One answer."""

    valueCoding: Coding | None = None
    valueInteger: int | None = None
    valueDecimal: float | None = None
    valueQuantity: Quantity | None = None
    valueString: str | None = None
    valueBoolean: bool | None = None
    valueDate: str | None = None
    valueDateTime: str | None = None
    extension: list[Extension] = []
    item: list[ResponseItem] = []


class ResponseItem(Element):
    """The answers to one question, or a group."""

    linkId: str = ""
    definition: str | None = None
    text: str | None = None
    answer: list[Answer] = []
    item: list[ResponseItem] = []
    extension: list[Extension] = []


class QuestionnaireResponse(Resource, tag=True):
    """A form that was filled in."""

    status: str | None = None
    questionnaire: str | None = None
    language: str | None = None
    subject: Reference | None = None
    encounter: Reference | None = None
    authored: str | None = None
    author: Reference | None = None
    source: Reference | None = None
    basedOn: list[Reference] = []
    partOf: list[Reference] = []
    item: list[ResponseItem] = []
    contained: list[msgspec.Raw] = []
    modifierExtension: msgspec.Raw = msgspec.Raw()
    # members of other versions of FHIR: whoever sends them is refused by name (versions.py)
    context: Foreign = msgspec.UNSET
    group: Foreign = msgspec.UNSET


class Component(Element):
    """A part of an observation that has a value of its own."""

    code: Concept | None = None
    valueQuantity: Quantity | None = None
    valueCodeableConcept: Concept | None = None
    valueString: str | None = None
    valueInteger: int | None = None
    valueBoolean: bool | None = None
    dataAbsentReason: Concept | None = None
    extension: list[Extension] = []


class Observation(Resource, tag=True):
    """A score, an item answer, a panel of those, or a laboratory value."""

    status: str | None = None
    category: list[Concept] = []
    code: Concept | None = None
    subject: Reference | None = None
    focus: list[Reference] = []
    encounter: Reference | None = None
    effectiveDateTime: str | None = None
    effectivePeriod: Period | None = None
    effectiveInstant: str | None = None
    issued: str | None = None
    performer: list[Reference] = []
    valueQuantity: Quantity | None = None
    valueCodeableConcept: Concept | None = None
    valueString: str | None = None
    valueBoolean: bool | None = None
    valueInteger: int | None = None
    valueDateTime: str | None = None
    dataAbsentReason: Concept | None = None
    interpretation: list[Concept] = []
    method: Concept | None = None
    hasMember: list[Reference] = []
    derivedFrom: list[Reference] = []
    component: list[Component] = []
    modifierExtension: msgspec.Raw = msgspec.Raw()
    # members of other versions of FHIR: whoever sends them is refused by name (versions.py)
    context: Foreign = msgspec.UNSET
    related: Foreign = msgspec.UNSET


class Coverage(Resource, tag=True):
    """Who pays."""

    status: str | None = None
    type: Concept | None = None
    beneficiary: Reference | None = None
    period: Period | None = None
    payor: list[Reference] = []
    order: int | None = None
    # members of other versions of FHIR: whoever sends them is refused by name (versions.py)
    kind: Foreign = msgspec.UNSET
    insurer: Foreign = msgspec.UNSET


class Provision(Element):
    """What is permitted or denied, for which purpose and when."""

    type: str | None = None
    period: Period | None = None
    purpose: list[Coding] = []
    action: list[Concept] = []
    provision: list[Provision] = []
    # Further limits of what is permitted: not read, only seen to be there.
    actor: list[msgspec.Raw] = []
    securityLabel: list[msgspec.Raw] = []
    class_: list[msgspec.Raw] = msgspec.field(name="class", default=[])
    code: list[msgspec.Raw] = []
    data: list[msgspec.Raw] = []
    dataPeriod: Period | None = None
    modifierExtension: list[msgspec.Raw] = []


class Consent(Resource, tag=True):
    """A person's decision."""

    status: str | None = None
    scope: Concept | None = None
    category: list[Concept] = []
    patient: Reference | None = None
    dateTime: str | None = None
    policyRule: Concept | None = None
    provision: Provision | None = None
    modifierExtension: list[msgspec.Raw] = []  # may turn the meaning around: not read, only seen to be there
    # members of other versions of FHIR: whoever sends them is refused by name (versions.py)
    consentingParty: Foreign = msgspec.UNSET
    decision: Foreign = msgspec.UNSET
    grantor: Foreign = msgspec.UNSET


Known = (
    Patient
    | Organization
    | Location
    | Practitioner
    | PractitionerRole
    | EpisodeOfCare
    | Encounter
    | Condition
    | Procedure
    | ServiceRequest
    | MedicationRequest
    | Medication
    | Questionnaire
    | QuestionnaireResponse
    | Observation
    | Coverage
    | Consent
)
