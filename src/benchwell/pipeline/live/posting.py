"""FHIR that programs post, record by record: what became of each entry, and why.

A Bundle of type `transaction` comes in as a whole or not at all; of a `batch` each entry stands for itself.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from benchwell.i18n import N_, _
from benchwell.intake.fhir.live import Posted, PostedForm, decode_posted, decode_quickly, says_something
from benchwell.intake.fhir.rows import Finding
from benchwell.pipeline.live.receiving import Entry, NotReceivedError, Received, receive_all
from benchwell.pipeline.live.service import LiveService
from benchwell.publish.score_observations import ScoreObservations
from benchwell.register.own_ids import namespace_of
from benchwell.register.records import fingerprint_of
from benchwell.register.viewer import Viewer

TAKEN: Final = ("QuestionnaireResponse", "Observation")
BUNDLES: Final = ("transaction", "batch")
MOST: Final = 1000  # entries of a Bundle: more would hold up everybody else's writes
_STATUS: Final = {"conflict": 409}
_FLAGGED: Final = N_("A part of the record was left out or corrected.")
_EPOCH: Final = dt.date(1970, 1, 1)


class _Head(msgspec.Struct):
    resourceType: str = ""  # noqa: N815  FHIR's own names
    type: str | None = None
    entry: list[msgspec.Raw] = []


class _Kind(msgspec.Struct):
    resourceType: str = ""  # noqa: N815
    component: msgspec.Raw = msgspec.Raw()
    hasMember: msgspec.Raw = msgspec.Raw()  # noqa: N815


class _Entry(msgspec.Struct):
    resource: msgspec.Raw = msgspec.Raw()


@dataclass(frozen=True)
class Issue:
    """One thing to know of an entry.

    Attributes:
        severity: error or warning.
        code: FHIR's code of the kind of issue.
        reason: Our own code.
        text: In words; never a value.
        path: FHIR path of what it is about; "" for the whole.
    """

    severity: str
    code: str
    reason: str
    text: str
    path: str = ""


@dataclass(frozen=True)
class Outcome:
    """What became of one entry.

    Attributes:
        status: As of HTTP: 201 new or corrected, 200 there already or taken back, 4xx not taken in.
        record: `QuestionnaireResponse/x`; "" if it was not taken in.
        version: Changes when the content does.
        received: What it says, an instrument each.
        issues: What to know of it.
    """

    status: int
    record: str = ""
    version: str = ""
    received: tuple[Received, ...] = ()
    issues: tuple[Issue, ...] = ()

    @property
    def is_refused(self) -> bool:
        """Whether nothing of it was kept."""
        return self.status >= 400


@dataclass(frozen=True)
class Answer:
    """What became of a body.

    Attributes:
        status: Of the whole.
        outcomes: One an entry; one for a single resource.
        bundle: Type of the Bundle; "" for a single resource.
    """

    status: int
    outcomes: tuple[Outcome, ...]
    bundle: str = ""


async def post_fhir(service: LiveService, body: bytes, wanted: str, viewer: Viewer, now: float, route: str) -> Answer:
    """Take a posted body in; what is answered with 200 or 201 is durable.

    Args:
        service: The running service.
        body: UTF-8 JSON.
        wanted: Which type was asked for: QuestionnaireResponse, Observation or Bundle.
        viewer: Must reach whoever it is about.
        now: Seconds since 1970-01-01 UTC.
        route: What the log calls the way it came.
    """
    try:
        head = msgspec.json.decode(body, type=_Head)
        kinds = _kinds(head, body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _refused(400, "structure", "not_json", _("This is no FHIR resource in JSON."))
    if head.resourceType != wanted:
        return _refused(400, "invalid", "other_type", _("This address takes resources of another type."))
    if wanted == "Bundle" and head.type not in BUNDLES:
        return _refused(422, "not-supported", "bundle_type", _("Only a transaction or a batch is taken in."))
    as_of = dt.date.today() + dt.timedelta(days=1)  # where people are treated the next day may have begun
    if len(kinds) > MOST:
        text = _("A Bundle holds at most {n} entries here. Send fewer at once.").format(n=MOST)
        return _refused(413, "too-costly", "too_many_entries", text)
    reading = _Reading(service, head, kinds, as_of)
    posted = None if wanted == "Bundle" else decode_quickly(body, service.workspace.registry, as_of)
    read = await asyncio.to_thread(reading.slowly, body) if posted is None else reading.entries(posted)
    sending = _Sending(service, viewer, now, route)
    if head.type == "transaction":
        return await sending.together(read)
    outcomes = tuple(await asyncio.gather(*(sending.alone(one) for one in read)))
    return Answer(outcomes[0].status if wanted != "Bundle" else 200, outcomes, "" if wanted != "Bundle" else "batch")


def observations_of(service: LiveService, outcomes: Sequence[Outcome]) -> list[dict[str, Any]]:
    """Scores as Observations; the one that the signal is about says it in a note."""
    made = ScoreObservations(service.workspace.registry.instruments)
    found = []
    for received in (one for outcome in outcomes for one in outcome.received):
        known = {scale.id for scale in service.workspace.registry.instrument(received.instrument).scales}
        for score in (one for one in received.scores if one.scale in known):
            row = {
                "assessment_id": received.assessment_id,
                "scale": score.scale,
                "patient_id": received.person_id,
                "instrument": received.instrument,
                "day": ((received.date or _EPOCH) - _EPOCH).days,
                "value": score.value,
                "status": score.status,
                "reason": score.reason,
                "episode_id": received.course_id,
                "derived_from": None,
            }
            one = made.observation(row)
            if received.signal is not None and received.signal.scale == score.scale:
                one.setdefault("note", []).append({"text": received.signal.sentence})
            found.append(one)
    return found


@dataclass(frozen=True)
class _ReadEntry:
    """One entry as it was read."""

    forms: tuple[PostedForm, ...]
    issues: tuple[Issue, ...]
    refused: int = 0  # status; 0 is "not refused"


def _kinds(head: _Head, body: bytes) -> list[_Kind]:
    if head.resourceType != "Bundle":
        return [msgspec.json.decode(body, type=_Kind)]
    entries = [msgspec.json.decode(one, type=_Entry) for one in head.entry]
    return [msgspec.json.decode(one.resource, type=_Kind) if one.resource else _Kind() for one in entries]


@dataclass(frozen=True)
class _Reading:
    """A body whose outline is known, entry by entry."""

    service: LiveService
    head: _Head
    kinds: list[_Kind]
    as_of: dt.date

    def slowly(self, body: bytes) -> list[_ReadEntry]:
        """Every entry, where that may take more than a moment."""
        return self.entries(decode_posted(body, self.service.workspace.registry, self.as_of))

    def entries(self, posted: Posted) -> list[_ReadEntry]:
        """Every entry."""
        forms: dict[int, list[PostedForm]] = {}
        for form in posted.forms:
            forms.setdefault(form.source_row, []).append(form)
        findings: dict[int, list[Finding]] = {}
        for finding in posted.findings:
            findings.setdefault(finding.row, []).append(finding)
        numbered = enumerate(self.kinds, start=1)
        return [self._entry(kind, row, tuple(forms.get(row, ())), findings.get(row, [])) for row, kind in numbered]

    def _entry(self, kind: _Kind, row: int, forms: tuple[PostedForm, ...], findings: list[Finding]) -> _ReadEntry:
        issues = tuple(_issue(one, bool(forms)) for one in findings)
        if any(self._is_lone(one, kind) for one in forms):
            text = _("This is one answer of a questionnaire. Send all of its answers in one Bundle, or the form.")
            return _ReadEntry((), (*issues, Issue("error", "incomplete", "lone_answer", text)), 422)
        if forms:
            return _ReadEntry(forms, issues)
        if any(one.action == "rejected" for one in findings):
            return _ReadEntry((), issues, 422)
        is_ours = kind.resourceType in TAKEN
        # A part of another record of the same Bundle was taken in with that one: on its own it would say something.
        if is_ours and self.head.entry and self._says_something(self.head.entry[row - 1]):
            return _ReadEntry((), issues)
        known = _("No instrument that is declared here.")
        text = known if is_ours else _("Resources of this type are not kept here.")
        return _ReadEntry((), (*issues, Issue("error", "not-supported", "nothing_read", text)), 422)

    def _is_lone(self, form: PostedForm, kind: _Kind) -> bool:
        """Whether an Observation of a single answer is all there is of a form: nine of them would be nine forms."""
        if kind.resourceType != "Observation" or kind.component or kind.hasMember or form.items is None:
            return False
        items = self.service.workspace.registry.instrument(form.instrument or "").items
        return items is not None and items.count > 1 and sum(one is not None for one in form.items) == 1

    def _says_something(self, entry: msgspec.Raw) -> bool:
        resource = msgspec.json.decode(entry, type=_Entry).resource
        return says_something(bytes(resource), self.service.workspace.registry, self.as_of)


def _issue(finding: Finding, is_kept: bool) -> Issue:
    severity = "error" if finding.action == "rejected" and not is_kept else "warning"
    code = "required" if finding.reason.startswith("missing_") else "invalid"
    text = finding.reason.replace("_", " ") if severity == "error" else f"{_(_FLAGGED)} ({finding.reason})"
    return Issue(severity, code, finding.reason, text, finding.column)


def _refused(status: int, code: str, reason: str, text: str) -> Answer:
    return Answer(status, (Outcome(status, issues=(Issue("error", code, reason, text),)),))


@dataclass(frozen=True)
class _Sending:
    """Entries on their way into the register."""

    service: LiveService
    viewer: Viewer
    now: float
    route: str

    async def alone(self, read: _ReadEntry) -> Outcome:
        """One entry in a write of its own."""
        if read.refused:
            return Outcome(read.refused, issues=read.issues)
        try:
            received = await self._receive(read.forms)
        except NotReceivedError as problem:
            return Outcome(_STATUS.get(problem.reason, 422), issues=(*read.issues, _of(problem)))
        return self._outcome(read, received)

    async def together(self, read: list[_ReadEntry]) -> Answer:
        """All entries in one write."""
        if any(one.refused for one in read):
            return Answer(422, tuple(Outcome(one.refused or 424, issues=one.issues) for one in read), "transaction")
        try:
            received = await self._receive([form for one in read for form in one.forms])
        except NotReceivedError as problem:
            status = _STATUS.get(problem.reason, 422)
            return Answer(status, (Outcome(status, issues=(_of(problem),)),), "transaction")
        in_turn = iter(received)
        outcomes = [self._outcome(one, [next(in_turn) for form in one.forms if not form.retracted]) for one in read]
        return Answer(200, tuple(outcomes), "transaction")

    async def _receive(self, forms: Sequence[PostedForm]) -> Sequence[Received]:
        """What is new and what is taken back, in one commit."""
        if not forms:
            return ()
        entries = [self._entry(form) for form in forms if not form.retracted]
        taken_back = [form.assessment_id for form in forms if form.retracted]
        future = receive_all(
            self.service, entries, self.now, viewer=self.viewer, route=self.route, taken_back=taken_back
        )
        return await asyncio.wrap_future(future)

    def _entry(self, form: PostedForm) -> Entry:
        by = self.viewer.client_id or self.viewer.user_id
        return Entry(
            form.patient_id or "",
            None,
            form.instrument or "",
            form.date or dt.date.today(),
            time=form.time,
            items=form.items,
            total=form.total,
            scale=form.scale,
            unit=form.unit,
            language=form.language,
            informant=form.informant,
            mode=form.mode,
            source="api",
            entered_by=by,
            assessment_id=form.assessment_id,
            contact_id=form.encounter_id,
            namespace=namespace_of(self.viewer),
        )

    def _outcome(self, read: _ReadEntry, received: Sequence[Received]) -> Outcome:
        if not read.forms:
            return Outcome(200, issues=read.issues)
        status = 201 if any(one.is_new for one in received) else 200
        version = "-".join(
            "retracted" if form.retracted else fingerprint_of(self._entry(form))[:16] for form in read.forms
        )
        return Outcome(status, read.forms[0].assessment_id.partition("#")[0], version, tuple(received), read.issues)


def _of(problem: NotReceivedError) -> Issue:
    code = {"conflict": "conflict", "unknown_person": "not-found", "unknown_course": "not-found"}.get(problem.reason)
    text = problem.message if problem.hint is None else f"{problem.message} {problem.hint}"
    return Issue("error", code or "invalid", problem.reason, text)
