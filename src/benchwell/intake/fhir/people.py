"""A FHIR source as records of people, keeping of each only the events whose codes somebody asks for."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from benchwell.clinical.moments import moment_of
from benchwell.clinical.record import Event, PersonRecord
from benchwell.clinical.systems import code_text
from benchwell.intake.fhir.clinical_events import EVENTS, concept_codes, main_codes
from benchwell.intake.fhir.decode import decode
from benchwell.intake.fhir.edition import edition_of
from benchwell.intake.fhir.elements import Concept, Extension, Reference
from benchwell.intake.fhir.form_totals import FormTotals, is_restated
from benchwell.intake.fhir.references import References
from benchwell.intake.fhir.resources import (
    Condition,
    Coverage,
    Medication,
    MedicationRequest,
    Patient,
    QuestionnaireResponse,
    Resource,
)

# What is read of a source: a record of a person is made of nothing else.
READ = (Patient, Coverage, Medication, *EVENTS)

_FORM = QuestionnaireResponse.__name__
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


class Unread(NamedTuple):
    """A line or entry that could not be read.

    Attributes:
        file: Its file.
        row: Line of an NDJSON file, entry of a Bundle.
        reason: Why, as a reason code of intake.
        column: Where in the resource; empty if it is all of it.
    """

    file: str
    row: int
    reason: str
    column: str = ""


class _Kept(NamedTuple):
    """The version of a resource that counts.

    Attributes:
        order: Which version it is.
        subject: Whose it is.
        event: What it says; None if that can only be said when the whole source was read.
        waiting: Then the resource.
        medication: And the id of the medication that it names.
    """

    order: tuple[float, int]
    subject: str
    event: Event | None
    waiting: Resource | None = None
    medication: str | None = None


@dataclass
class People:
    """Records of people, built resource by resource.

    Attributes:
        wanted: Codes that are asked for; events without any of them are dropped at once.
        totals: Reads totals out of forms; without it forms are not read.
        counts: What was left aside, by reason.
        unread: What could not be read, and why.
    """

    wanted: frozenset[str]
    totals: FormTotals | None = None
    counts: Counter[str] = field(default_factory=Counter)
    unread: list[Unread] = field(default_factory=list)
    _patients: dict[str, tuple[tuple[float, int], Patient]] = field(default_factory=dict)  # id -> version
    _payers: dict[str, tuple[str, str]] = field(default_factory=dict)  # of whom -> start of the cover, code
    _kept: dict[tuple[str, str], _Kept] = field(default_factory=dict)  # type, id -> version
    _medications: dict[str, frozenset[str]] = field(default_factory=dict)
    _nameless: int = 0  # resources without an id

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
                self._medications[resource.id] = concept_codes(resource.code)
        elif isinstance(resource, QuestionnaireResponse):
            self._add_form(resource, references, alone)
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
            self._patients.pop(id_, None)
        self._kept.pop((kind, id_), None)

    def records(self) -> Iterator[PersonRecord]:
        """Every person of whom there is a Patient, by id."""
        events: dict[str, list[Event]] = defaultdict(list)
        forms: list[tuple[str, Event]] = []
        for (kind, _), one in self._kept.items():
            event = one.event if one.waiting is None else self._awaited(one, one.waiting)
            if event is not None and kind == _FORM:
                forms.append((one.subject, event))
            elif event is not None:
                events[one.subject].append(event)
        own = [(subject, form) for subject, form in forms if not is_restated(form, events.get(subject, ()))]
        for subject, form in own:
            events[subject].append(form)
        self.counts["from_forms"] += sum(subject in self._patients for subject, _ in own)
        self.counts["no_patient"] += sum(len(found) for known, found in events.items() if known not in self._patients)
        for known in sorted(self._patients):
            _, patient = self._patients[known]
            yield PersonRecord(
                known,
                moment_of(patient.birthDate),
                moment_of(patient.deceasedDateTime),
                _traits(patient, self._payers.get(known)),
                tuple(events.get(known, ())),
            )

    def _subject(self, named: Reference | None, references: References, alone: Alone | None) -> str | None:
        subject = references.id_of(named, "Patient")
        if alone is None or subject == alone.id or not alone.may_own(named):
            return subject
        self.counts["foreign_subject"] += 1
        return alone.id

    def _add_patient(self, patient: Patient) -> None:
        if patient.id is None:
            self.counts["no_subject"] += 1
            return
        order = edition_of(patient.meta).order
        known = self._patients.get(patient.id)
        if known is None or known[0] <= order:
            self._patients[patient.id] = order, patient

    def _add_payer(self, subject: str, coverage: Coverage) -> None:
        """The payer of the cover that began last."""
        codes = sorted(concept_codes(coverage.type))
        start = (coverage.period.start or "") if coverage.period is not None else ""
        if codes:
            self._payers[subject] = max((start, codes[0]), self._payers.get(subject, ("", "")))

    def _add_event(self, subject: str, resource: Resource, references: References) -> None:
        medication = None
        if isinstance(resource, MedicationRequest) and resource.medicationCodeableConcept is None:
            medication = references.id_of(resource.medicationReference, "Medication")
            if medication is None:
                resource.medicationCodeableConcept = _contained_medication(resource)
        key = self._key(resource)
        asked_for = medication is not None or not main_codes(resource).isdisjoint(self.wanted)
        if not asked_for and key not in self._kept:  # by far the most
            return
        order = edition_of(resource.meta).order
        if key in self._kept and self._kept[key].order > order:
            return
        if not asked_for:  # what an earlier version said is not so
            del self._kept[key]
        elif medication is not None or _is_dated_by_age(resource):
            self._kept[key] = _Kept(order, subject, None, resource, medication)
        else:
            event = EVENTS[type(resource)](resource, references.id_of, None)
            self._kept[key] = _Kept(order, subject, event)

    def _add_form(self, form: QuestionnaireResponse, references: References, alone: Alone | None) -> None:
        """The total of a form; a later version without one leaves none."""
        event = None if self.totals is None else self.totals.event(form)
        key = self._key(form)
        if event is None and key not in self._kept:
            return
        subject = self._subject(form.subject, references, alone)
        order = edition_of(form.meta).order
        if subject is None:
            self.counts["no_subject"] += 1
        elif key not in self._kept or self._kept[key].order <= order:
            self._kept[key] = _Kept(order, subject, event)

    def _key(self, resource: Resource) -> tuple[str, str]:
        """One resource is one event, however often the source holds it."""
        kind = type(resource).__name__
        if resource.id:
            return kind, resource.id
        self._nameless += 1
        return kind, f"#{self._nameless}"

    def _awaited(self, one: _Kept, resource: Resource) -> Event | None:
        """What could not be said before the whole source was read; None if nobody asks for it."""
        nobody = References()
        if one.medication is not None:
            codes = self._medications.get(one.medication, frozenset())
            if codes.isdisjoint(self.wanted):
                return None
            return replace(EVENTS[type(resource)](resource, nobody.id_of, None), codes=codes)
        _, patient = self._patients.get(one.subject, (None, None))
        birth = moment_of(patient.birthDate) if patient is not None else None
        return EVENTS[type(resource)](resource, nobody.id_of, birth)


def _is_dated_by_age(resource: Resource) -> bool:
    return isinstance(resource, Condition) and (resource.onsetAge is not None or resource.abatementAge is not None)


def _contained_medication(prescription: MedicationRequest) -> Concept | None:
    """The code of a medication that the prescription holds itself."""
    named = prescription.medicationReference
    for json in prescription.contained:
        found = decode(json)
        if isinstance(found, Medication) and named is not None and named.reference == f"#{found.id}":
            return found.code
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
