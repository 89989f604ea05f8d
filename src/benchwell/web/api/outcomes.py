"""OperationOutcome: how FHIR says what went wrong. It says where and why, and never repeats a value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from fastapi.responses import JSONResponse

from benchwell.pipeline.live.posting import Issue

FHIR: Final = "application/fhir+json"
_CODES: Final = {
    400: "structure", 401: "login", 403: "forbidden", 404: "not-found", 405: "not-supported", 409: "conflict",
    412: "not-supported", 413: "too-long", 415: "not-supported", 422: "invalid", 429: "throttled", 503: "transient",
}  # fmt: skip


class FhirAnswer(JSONResponse):
    """JSON that calls itself FHIR."""

    media_type = FHIR


def outcome(issues: Sequence[Issue], status: int = 200) -> dict[str, Any]:
    """Issues as a resource; without any, that all went well.

    >>> outcome([])["issue"][0]["severity"]
    'information'
    """
    code = "informational" if status < 400 else _CODES.get(status, "exception")
    none = Issue("information" if status < 400 else "error", code, "", "")
    return {"resourceType": "OperationOutcome", "issue": [_issue(one) for one in issues or [none]]}


def problem(status: int, message: str, hint: str | None = None, headers: dict[str, str] | None = None) -> FhirAnswer:
    """An error of the service as an OperationOutcome."""
    text = message if hint is None else f"{message} {hint}"
    issue = Issue("error", _CODES.get(status, "exception"), "", text)
    return FhirAnswer(outcome([issue]), status_code=status, headers=headers)


def _issue(issue: Issue) -> dict[str, Any]:
    made: dict[str, Any] = {"severity": issue.severity, "code": issue.code}
    if issue.text:
        made["diagnostics"] = issue.text
    if issue.reason:
        made["details"] = {"text": issue.reason}
    if issue.path:
        made["expression"] = [issue.path]
    return made
