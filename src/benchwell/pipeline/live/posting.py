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
from benchwell.intake.fhir.live import Posted, PostedForm, decode_posted, decode_quickly
from benchwell.intake.fhir.rows import Finding
from benchwell.pipeline.live.receiving import Entry, NotReceivedError, Received, receive_all
from benchwell.pipeline.live.service import LiveService
from benchwell.publish.score_observations import ScoreObservations
from benchwell.register.own_ids import namespace_of
from benchwell.register.records import fingerprint_of
from benchwell.register.viewer import Viewer

TAKEN: Final = ("QuestionnaireResponse", "Observation")
BUNDLES: Final = ("transaction", "batch")
_STATUS: Final = {"conflict": 409}
_FLAGGED: Final = N_("A part of the record was left out or corrected.")
_EPOCH: Final = dt.date(1970, 1, 1)


class _Head(msgspec.Struct):
    resourceType: str = ""  # noqa: N815  FHIR's own names
    type: str | None = None
    entry: list[msgspec.Raw] = []


class _Kind(msgspec.Struct):
    resourceType: str = ""  # noqa: N815


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
        kinds = _kinds(head)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _refused(400, "structure", "not_json", _("This is no FHIR resource in JSON."))
    if head.resourceType != wanted:
        return _refused(400, "invalid", "other_type", _("This address takes resources of another type."))
    if wanted == "Bundle" and head.type not in BUNDLES:
        return _refused(422, "not-supported", "bundle_type", _("Only a transaction or a batch is taken in."))
    as_of = dt.date.today() + dt.timedelta(days=1)  # where people are treated the next day may have begun
    posted = decode_quickly(body, service.workspace.registry, as_of)
    if posted is None:
        posted = await asyncio.to_thread(decode_posted, body, service.workspace.registry, as_of)
    read = [_read(service, posted, kind, row, head, as_of) for row, kind in enumerate(kinds, start=1)]
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


def _kinds(head: _Head) -> list[str]:
    if head.resourceType != "Bundle":
        return [head.resourceType]
    entries = [msgspec.json.decode(one, type=_Entry) for one in head.entry]
    return [msgspec.json.decode(one.resource, type=_Kind).resourceType if one.resource else "" for one in entries]


def _read(service: LiveService, posted: Posted, kind: str, row: int, head: _Head, as_of: dt.date) -> _ReadEntry:
    forms = tuple(one for one in posted.forms if one.source_row == row)
    findings = [one for one in posted.findings if one.row == row]
    issues = tuple(_issue(one, bool(forms)) for one in findings)
    if forms:
        return _ReadEntry(forms, issues)
    if any(one.action == "rejected" for one in findings):
        return _ReadEntry((), issues, 422)
    # A part of another record of the same Bundle was taken in with that one: on its own it would say something.
    if kind in TAKEN and head.entry and _says_something(service, head.entry[row - 1], as_of):
        return _ReadEntry((), issues)
    text = (
        _("No instrument that is declared here.") if kind in TAKEN else _("Resources of this type are not kept here.")
    )
    return _ReadEntry((), (*issues, Issue("error", "not-supported", "nothing_read", text)), 422)


def _says_something(service: LiveService, entry: msgspec.Raw, as_of: dt.date) -> bool:
    resource = msgspec.json.decode(entry, type=_Entry).resource
    alone = decode_posted(bytes(resource), service.workspace.registry, as_of)
    return bool(alone.forms or alone.findings)


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
