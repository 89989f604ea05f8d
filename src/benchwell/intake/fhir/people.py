"""A FHIR source as records of people, keeping of each only the events whose codes somebody asks for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from benchwell.clinical.moments import Moment, parse_moment
from benchwell.clinical.record import Event, PersonRecord
from benchwell.clinical.systems import code_text
from benchwell.intake.fhir.clinical_events import EVENTS, codes_of, main_codes
from benchwell.intake.fhir.decode import decode
from benchwell.intake.fhir.elements import Concept, Extension, Reference
from benchwell.intake.fhir.references import References
from benchwell.intake.fhir.resources import Coverage, Medication, MedicationRequest, Patient, Resource

# What is read of a source: a record of a person is made of nothing else.
READ = (Patient, Coverage, Medication, *EVENTS)

_KINDS = {
    "Condition": "condition",
    "Encounter": "encounter",
    "Observation": "observation",
    "Procedure": "procedure",
    "ServiceRequest": "service-request",
    "MedicationRequest": "medication-request",
}
_RACE = "us-core-race"
_ETHNICITY = "us-core-ethnicity"


@dataclass(frozen=True, slots=True)
class Alone:
    """The only person of a Bundle.

    Attributes:
        id: `Patient.id`.
        base: Address of the server in what the Bundle calls the person; None if it says nothing.
    """

    id: str
    base: str | None

    def may_own(self, named: Reference | None) -> bool:
        """Whether what names somebody so is this person's: it names nobody, or somebody of another server.

        A Bundle is what one server says of one person; an address of another server is what that one calls the same
        person. Somebody else of the same server stays somebody else.

        >>> me = Alone("7", "https://ehr.example")
        >>> me.may_own(None), me.may_own(Reference(reference="http://elsewhere.example/fhir/Patient/9"))
        (True, True)
        >>> me.may_own(Reference(reference="Patient/9"))
        False
        """
        text = named.reference if named is not None else None
        if text is None:
            return named is None or named.identifier is None
        return text.startswith(("http://", "https://")) and text.partition("/Patient/")[0] != self.base


@dataclass
class _Person:
    """One person while a source is read."""

    patient: Patient | None = None
    payer: tuple[str, str] | None = None  # start of the cover, code
    events: dict[tuple[str, str], tuple[str, Event]] = field(default_factory=dict)  # kind, id -> stored at, event


@dataclass
class People:
    """Records of people, built resource by resource.

    Attributes:
        wanted: Codes that are asked for; events without any of them are dropped at once.
        counts: What was left aside, by reason.
    """

    wanted: frozenset[str]
    counts: Counter[str] = field(default_factory=Counter)
    _people: dict[str, _Person] = field(default_factory=dict)
    _aged: list[tuple[str, Resource]] = field(default_factory=list)  # conditions dated by the age of the person
    _medications: dict[str, frozenset[str]] = field(default_factory=dict)
    _prescriptions: list[tuple[str, str, MedicationRequest]] = field(default_factory=list)  # by reference to those

    def add(self, resource: Resource, references: References, *, alone: Alone | None = None) -> None:
        """Take in one resource.

        Args:
            resource: As decoded.
            references: Which id a reference means.
            alone: The only person of the Bundle that it stood in.
        """
        if isinstance(resource, Patient):
            self._add_patient(resource)
        elif isinstance(resource, Medication):
            if resource.id is not None:
                self._medications[resource.id] = codes_of(resource.code)
        elif type(resource) in READ:
            named = getattr(resource, "subject", None) or getattr(resource, "beneficiary", None)
            subject = self._subject(named, references, alone)
            if subject is None:
                self.counts["no_subject"] += 1
            elif isinstance(resource, Coverage):
                self._add_payer(subject, resource)
            else:
                self._add_event(subject, resource, references)

    def remove(self, kind: str, id_: str) -> None:
        """Forget what the source took back."""
        if kind == "Patient":
            self._people.pop(id_, None)
            return
        for person in self._people.values():
            person.events.pop((_KINDS.get(kind, kind), id_), None)

    def records(self) -> Iterator[PersonRecord]:
        """Every person of whom there is a Patient, by id."""
        self._settle()
        for known in sorted(self._people):
            person = self._people[known]
            if person.patient is None:
                self.counts["no_patient"] += len(person.events)
                continue
            yield PersonRecord(
                known,
                _moment(person.patient.birthDate),
                _moment(person.patient.deceasedDateTime),
                _traits(person.patient, person.payer),
                tuple(event for _, event in person.events.values()),
            )

    def _subject(self, named: Reference | None, references: References, alone: Alone | None) -> str | None:
        subject = references.id_of(named, "Patient")
        if alone is None or subject == alone.id or not alone.may_own(named):
            return subject
        self.counts["foreign_subject"] += 1
        return alone.id

    def _person(self, subject: str) -> _Person:
        return self._people.setdefault(subject, _Person())

    def _add_patient(self, patient: Patient) -> None:
        if patient.id is None:
            self.counts["no_subject"] += 1
            return
        person = self._person(patient.id)
        if person.patient is None or _stored_at(person.patient) <= _stored_at(patient):
            person.patient = patient

    def _add_payer(self, subject: str, coverage: Coverage) -> None:
        """The payer of the cover that began last."""
        codes = sorted(codes_of(coverage.type))
        start = (coverage.period.start or "") if coverage.period is not None else ""
        person = self._person(subject)
        if codes and (person.payer is None or person.payer <= (start, codes[0])):
            person.payer = (start, codes[0])

    def _add_event(self, subject: str, resource: Resource, references: References) -> None:
        if isinstance(resource, MedicationRequest) and resource.medicationCodeableConcept is None:
            target = references.id_of(resource.medicationReference, "Medication")
            if target is not None:
                self._prescriptions.append((subject, target, resource))
                return
            resource.medicationCodeableConcept = _contained_medication(resource)
        if main_codes(resource).isdisjoint(self.wanted):
            return
        event = EVENTS[type(resource)](resource, references.id_of, None)
        if getattr(resource, "onsetAge", None) is not None or getattr(resource, "abatementAge", None) is not None:
            self._aged.append((subject, resource))
        self._keep(subject, event, resource)

    def _keep(self, subject: str, event: Event, resource: Resource) -> None:
        """One resource is one event, however often the source holds it: the version that was stored last."""
        events = self._person(subject).events
        key = (event.kind, event.id or f"#{len(events)}")
        stored = _stored_at(resource)
        if key not in events or events[key][0] <= stored:
            events[key] = (stored, event)

    def _settle(self) -> None:
        """What could not be said before the whole source was read."""
        nobody = References()
        for subject, resource in self._aged:
            person = self._person(subject)
            birth = _moment(person.patient.birthDate) if person.patient is not None else None
            self._keep(subject, EVENTS[type(resource)](resource, nobody.id_of, birth), resource)
        for subject, target, resource in self._prescriptions:
            codes = self._medications.get(target, frozenset())
            if not codes.isdisjoint(self.wanted):
                event = EVENTS[MedicationRequest](resource, nobody.id_of, None)
                self._keep(subject, replace(event, codes=codes), resource)
        self._aged.clear()
        self._prescriptions.clear()


def _contained_medication(prescription: MedicationRequest) -> Concept | None:
    """The code of a medication that the prescription holds itself."""
    named = prescription.medicationReference
    for json in prescription.contained:
        found = decode(json)
        if isinstance(found, Medication) and named is not None and named.reference == f"#{found.id}":
            return found.code
    return None


def _stored_at(resource: Resource) -> str:
    return (resource.meta.lastUpdated or "") if resource.meta is not None else ""


def _moment(text: str | None) -> Moment | None:
    if text is None:
        return None
    try:
        return parse_moment(text)
    except ValueError:
        return None


def _traits(patient: Patient, payer: tuple[str, str] | None) -> dict[str, str]:
    found = {
        "race": _omb_category(patient.extension, _RACE),
        "ethnicity": _omb_category(patient.extension, _ETHNICITY),
        "sex": patient.gender,
        "payer": None if payer is None else payer[1],
    }
    return {name: code for name, code in found.items() if code}


def _omb_category(extensions: list[Extension], name: str) -> str | None:
    for extension in extensions:
        if extension.url.rpartition("/")[2] == name:
            for part in extension.extension:
                if part.url == "ombCategory" and part.valueCoding is not None and part.valueCoding.code:
                    return code_text(part.valueCoding.system, part.valueCoding.code)
    return None
