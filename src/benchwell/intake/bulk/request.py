"""What to ask a FHIR server for: the parameters of one bulk export, checked before anything is sent."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit

import msgspec

from benchwell.clinical.moments import parse_moment
from benchwell.errors import BulkExportError

Level = Literal["system", "patient", "group"]

LAST = "last"
"""As `since`: the time of the last complete export in the same folder."""

_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}", re.ASCII)
_TYPE = re.compile(r"[A-Z][A-Za-z]{1,63}", re.ASCII)
_ELEMENT = re.compile(r"([A-Z][A-Za-z]+\.)?[a-z][A-Za-z0-9]*", re.ASCII)
_ASSOCIATED = re.compile(r"LatestProvenanceResources|RelevantProvenanceResources|_\w+", re.ASCII)
_FORMAT = re.compile(r"[A-Za-z0-9.+/-]{1,64}", re.ASCII)
# FHIR search: these shape a response, they filter nothing; the standard forbids them in _typeFilter.
_RESPONSE_PARAMETERS = {
    *("_sort", "_count", "_include", "_revinclude", "_summary", "_total", "_elements"),
    *("_contained", "_containedType", "_maxresults", "_score", "_graph", "_format", "_pretty"),
}


@dataclass(frozen=True, slots=True)
class BulkRequest:
    """One bulk export.

    Attributes:
        base_url: Base address of the FHIR server. https, unless it is this machine.
        level: Everything ("system"), all patients, or the patients of one group.
        group: Id of the group, for level "group".
        types: Resource types; empty is whatever the server gives.
        since: Only what changed after this instant, such as 2026-01-01T00:00:00Z; `LAST` takes it from the folder.
        type_filters: Searches such as "Observation?code=44261-6"; servers may ignore them.
        elements: Elements such as "Patient.birthDate" that suffice; servers may ignore them.
        patients: Ids of patients; the request is then a POST, since addresses end up in logs.
        associated: Values of includeAssociatedData.
        output_format: `_outputFormat`; None leaves it to the server, whose default is NDJSON.
        post: Ask by POST with a Parameters resource even where GET would do.

    Raises:
        BulkExportError: If a parameter is none that a server may be asked.

    >>> BulkRequest("https://ehr.example.org/fhir/", types=("Patient",)).kickoff_url
    'https://ehr.example.org/fhir/Patient/$export'
    """

    base_url: str
    level: Level = "patient"
    group: str | None = None
    types: tuple[str, ...] = ()
    since: str | None = None
    type_filters: tuple[str, ...] = field(default=(), repr=False)
    elements: tuple[str, ...] = ()
    patients: tuple[str, ...] = field(default=(), repr=False)
    associated: tuple[str, ...] = ()
    output_format: str | None = None
    post: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "base_url", _checked_base(self.base_url))
        self._check_level()
        self._check_filters()
        _check_each("types", self.types, _TYPE, "such as Patient or QuestionnaireResponse")
        _check_each("elements", self.elements, _ELEMENT, "such as birthDate or Patient.birthDate")
        _check_each("patients", self.patients, _ID, "give the ids alone, without `Patient/`")
        _check_each("associated", self.associated, _ASSOCIATED, "LatestProvenanceResources is one")
        if self.output_format is not None and not _FORMAT.fullmatch(self.output_format):
            raise BulkExportError("The output format is none.", hint="application/fhir+ndjson is what every server has")
        if self.since not in (None, LAST):
            _check_instant(self.since)

    @property
    def kickoff_url(self) -> str:
        """Where the export is asked for, without parameters."""
        middle = {"system": "", "patient": "Patient/", "group": f"Group/{self.group}/"}[self.level]
        return f"{self.base_url}/{middle}$export"

    @property
    def by_post(self) -> bool:
        """Whether the request has a body."""
        return self.post or bool(self.patients)

    def query(self, since: str | None) -> list[tuple[str, str]]:
        """The parameters of a GET; lists that hold no commas are joined, filters are repeated."""
        return [
            *([("_outputFormat", self.output_format)] if self.output_format else []),
            *([("_since", since)] if since else []),
            *([("_type", ",".join(self.types))] if self.types else []),
            *([("_elements", ",".join(self.elements))] if self.elements else []),
            *([("includeAssociatedData", ",".join(self.associated))] if self.associated else []),
            *(("_typeFilter", text) for text in self.type_filters),
        ]

    def body(self, since: str | None) -> bytes:
        """The Parameters resource of a POST."""
        kinds = {"_since": "valueInstant"}
        parameters: list[dict[str, Any]] = [
            {"name": name, kinds.get(name, "valueString"): value} for name, value in self.query(since)
        ]
        parameters += [
            {"name": "patient", "valueReference": {"reference": f"Patient/{patient}"}} for patient in self.patients
        ]
        return msgspec.json.encode({"resourceType": "Parameters", "parameter": parameters})

    def fingerprint(self, since: str | None) -> str:
        """SHA-256 of what is asked, so that a folder knows its export without keeping ids of people."""
        return hashlib.sha256(self.kickoff_url.encode() + b"\0" + self.body(since)).hexdigest()

    def _check_level(self) -> None:
        if self.level not in ("system", "patient", "group"):
            raise BulkExportError("The level is none.", hint="known: system, patient, group")
        if (self.level == "group") != (self.group is not None):
            raise BulkExportError("A group and the level 'group' go together.", hint="give both or neither")
        if self.group is not None and not _ID.fullmatch(self.group):
            raise BulkExportError("The group's id is no FHIR id.", hint="letters, digits, - and ., at most 64")
        if self.patients and self.level == "system":
            raise BulkExportError("Single patients cannot be asked for at system level.", hint="use level patient")

    def _check_filters(self) -> None:
        for number, text in enumerate(self.type_filters, start=1):
            kind, mark, search = text.partition("?")
            if not mark or not search or not _TYPE.fullmatch(kind):
                raise BulkExportError(
                    f"Type filter {number} is no search.", hint="it reads like Observation?code=44261-6"
                )
            if kind not in self.types:
                raise BulkExportError(
                    f"Type filter {number} is for {kind}, which is not among the types.", hint=f"add the type {kind}"
                )
            names = {part.partition("=")[0].partition(":")[0] for part in search.split("&")}
            if refused := sorted(names & _RESPONSE_PARAMETERS):
                raise BulkExportError(
                    f"Type filter {number} uses {', '.join(refused)}, which the standard forbids there.",
                    hint="a filter chooses resources; it cannot sort, count or include",
                )


def _checked_base(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise BulkExportError("The server's address is none.", hint="it reads like https://ehr.example.org/fhir")
    if parts.username is not None or parts.password is not None:
        raise BulkExportError("The server's address holds a name or password.", hint="use backend credentials instead")
    if parts.query or parts.fragment:
        raise BulkExportError("The server's address has parameters.", hint="give the base address alone")
    return url.rstrip("/")


def _check_each(name: str, values: tuple[str, ...], form: re.Pattern[str], hint: str) -> None:
    for number, value in enumerate(values, start=1):
        if not form.fullmatch(value):
            raise BulkExportError(f"Number {number} of {name} is not one.", hint=hint)


def _check_instant(text: str | None) -> None:
    try:
        moment = parse_moment(text or "")
    except ValueError:
        moment = None
    if moment is None or moment.precision != "second" or not moment.has_offset:
        raise BulkExportError(
            "`since` is no instant.", hint="it reads like 2026-01-01T00:00:00Z, with seconds and zone"
        )
