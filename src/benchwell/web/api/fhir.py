"""FHIR R4: scores in, one by one or as a Bundle, and what this server can do.

What is answered with 201 or 200 is durable. The id of a resource makes a post repeatable: the same again is 200, other
content under the same id is a correction (201, the version before is kept). A resource without an id gets one from its
content. `If-None-Exist` is refused with 412 rather than ignored: its search would promise more than is looked at.
"""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

from fastapi import Request
from fastapi.responses import Response

from benchwell import __version__
from benchwell.i18n import _, using
from benchwell.pipeline.live.posting import Answer, Outcome, observations_of, post_fhir
from benchwell.register import Role
from benchwell.web.access import ANYONE, only
from benchwell.web.api.outcomes import FHIR, FhirAnswer, outcome, problem
from benchwell.web.routing import Routes
from benchwell.web.visit import Here, Visit

routes = Routes(tags=("FHIR",))
LONGEST: Final = 5 * 1024 * 1024  # bytes of a body
_TYPES: Final = (FHIR, "application/json")
_MAY: Final = only(Role.CLIENT, Role.CLINICIAN, scope="scores.write")
_REASONS: Final = {
    200: "OK", 201: "Created", 409: "Conflict", 422: "Unprocessable Entity", 424: "Failed Dependency",
}  # fmt: skip
_RESOURCE: Final = {"type": "object", "required": ["resourceType"], "properties": {"resourceType": {"type": "string"}}}
_SHOWN: Final = {"content": {FHIR: {"schema": _RESOURCE}}}
_RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    status: {"description": text, **_SHOWN}
    for status, text in {
        200: "There already, or taken back; for a Bundle: what became of each entry.",
        201: "New, or a correction.",
        400: "Not a resource of this type.",
        401: "No key.",
        403: "This key may not do this.",
        409: "A record of this id exists and is another one.",
        412: "Conditional creation is not offered.",
        413: "Too large.",
        415: "Not JSON.",
        422: "Not taken in; the issues say why.",
        429: "Too many requests.",
        503: "Not kept: the register is busy; send it again.",
    }.items()
}
_BODY: Final = {
    "requestBody": {"required": True, "content": {one: {"schema": _RESOURCE} for one in _TYPES}},
    "parameters": [
        {"name": "Prefer", "in": "header", "required": False, "schema": {"type": "string"}},
        {"name": "If-None-Exist", "in": "header", "required": False, "schema": {"type": "string"}},
    ],
}


@routes.post("/fhir/QuestionnaireResponse", _MAY, responses=_RESPONSES, openapi_extra=_BODY, status_code=201)
async def post_response(visit: Here) -> Response:
    """Take a filled-in questionnaire in."""
    return await _post(visit, "QuestionnaireResponse")


@routes.post("/fhir/Observation", _MAY, responses=_RESPONSES, openapi_extra=_BODY, status_code=201)
async def post_observation(visit: Here) -> Response:
    """Take a stated score in."""
    return await _post(visit, "Observation")


@routes.post("/fhir/Bundle", _MAY, responses=_RESPONSES, openapi_extra=_BODY)
@routes.post("/fhir", _MAY, responses=_RESPONSES, openapi_extra=_BODY)
async def post_bundle(visit: Here) -> Response:
    """Take several in: a transaction as a whole or not at all, of a batch each for itself."""
    return await _post(visit, "Bundle")


@routes.get("/fhir/metadata", ANYONE, responses={200: {"description": "CapabilityStatement", **_SHOWN}})
def metadata() -> Response:
    """What this server can do."""
    return FhirAnswer(_capabilities())


async def _post(visit: Visit, wanted: str) -> Response:
    request = visit.request
    if (refused := _refuse(request)) is not None:
        return refused
    body = await _body(request)
    if body is None:
        return problem(413, _("This is too large."))
    route = request.scope["route"].path
    answer = await post_fhir(visit.service, body, wanted, visit.viewer, visit.now, route)
    is_whole = "return=representation" in request.headers.get("prefer", "")
    with using(visit.language):
        return _bundle_answer(visit, answer, is_whole) if answer.bundle else _one_answer(visit, answer, is_whole)


def _refuse(request: Request) -> Response | None:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in _TYPES:
        return problem(415, _("Send JSON, as application/fhir+json."))
    if "if-none-exist" in request.headers:
        text = _("Conditional creation is not offered: the id of a resource makes a post repeatable.")
        return problem(412, text)
    return None


async def _body(request: Request) -> bytes | None:
    held = bytearray()
    async for part in request.stream():
        held += part
        if len(held) > LONGEST:
            return None
    return bytes(held)


def _one_answer(visit: Visit, answer: Answer, is_whole: bool) -> Response:
    (one,) = answer.outcomes
    if one.is_refused:
        return FhirAnswer(outcome(one.issues, one.status), status_code=one.status)
    headers = {"location": _location(visit.request, one), "etag": f'W/"{one.version}"'}
    if is_whole:
        entries = [{"resource": made} for made in observations_of(visit.service, [one])]
        content: dict[str, Any] = {"resourceType": "Bundle", "type": "collection", "entry": entries}
        if not entries:
            del content["entry"]
    else:
        content = outcome(one.issues)
    return FhirAnswer(content, status_code=one.status, headers=headers)


def _bundle_answer(visit: Visit, answer: Answer, is_whole: bool) -> Response:
    if answer.status >= 400:
        issues = [issue for one in answer.outcomes for issue in one.issues]
        return FhirAnswer(outcome(issues, answer.status), status_code=answer.status)
    entries = []
    for one in answer.outcomes:
        said: dict[str, Any] = {"status": f"{one.status} {_REASONS.get(one.status, '')}".strip()}
        if one.record:
            said |= {"location": _location(visit.request, one), "etag": f'W/"{one.version}"'}
        if one.issues:
            said["outcome"] = outcome(one.issues, one.status)
        entries.append({"response": said})
        if is_whole:
            entries += [{"resource": made} for made in observations_of(visit.service, [one])]
    made_bundle: dict[str, Any] = {"resourceType": "Bundle", "type": f"{answer.bundle}-response"}
    return FhirAnswer(made_bundle | ({"entry": entries} if entries else {}))


def _location(request: Request, one: Outcome) -> str:
    return f"{str(request.base_url).rstrip('/')}/fhir/{one.record}/_history/{one.version}"


def _capabilities() -> dict[str, Any]:
    create = {"interaction": [{"code": "create"}], "versioning": "no-version", "conditionalCreate": False}
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": dt.date.today().isoformat(),
        "kind": "instance",
        "software": {"name": "Benchwell", "version": __version__},
        "implementation": {"description": "Scores of questionnaires, in care"},
        "fhirVersion": "4.0.1",
        "format": ["json"],
        "rest": [
            {
                "mode": "server",
                "security": {"description": "A key of this service, as a bearer token."},
                "resource": [{"type": "QuestionnaireResponse", **create}, {"type": "Observation", **create}],
                "interaction": [{"code": "transaction"}, {"code": "batch"}],
            }
        ],
    }
