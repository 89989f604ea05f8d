"""What a server's OperationOutcome says, in codes only: its texts may hold what belongs to a person."""

from __future__ import annotations

import msgspec

from benchwell.errors import BulkExportError

# http://hl7.org/fhir/issue-type, R4: the only words of a server that reach a message.
ISSUE_TYPES = frozenset(
    [
        "invalid",
        "structure",
        "required",
        "value",
        "invariant",
        "security",
        "login",
        "unknown",
        "expired",
        "forbidden",
        "suppressed",
        "processing",
        "not-supported",
        "duplicate",
        "multiple-matches",
        "not-found",
        "deleted",
        "too-long",
        "code-invalid",
        "extension",
        "too-costly",
        "business-rule",
        "conflict",
        "transient",
        "lock-error",
        "no-store",
        "exception",
        "timeout",
        "incomplete",
        "throttled",
        "informational",
    ]
)
TRANSIENT = frozenset({"transient", "lock-error", "timeout", "throttled"})


class _Issue(msgspec.Struct):
    code: str = ""


class _Outcome(msgspec.Struct):
    resourceType: str = ""  # noqa: N815, FHIR's name
    issue: list[_Issue] = []


def issue_codes(body: bytes) -> list[str]:
    """Codes of the issues of an OperationOutcome, each once; empty if the body is none.

    >>> issue_codes(b'{"resourceType": "OperationOutcome", "issue": [{"code": "transient", "diagnostics": "Jane"}]}')
    ['transient']
    """
    try:
        outcome = msgspec.json.decode(body, type=_Outcome)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return []
    if outcome.resourceType != "OperationOutcome":
        return []
    return sorted({issue.code if issue.code in ISSUE_TYPES else "unknown" for issue in outcome.issue})


_HINTS = {
    400: "the server does not take these parameters: ask for less, for instance without type filters or elements",
    401: "check the client id, the key and that the server knows the key's public half",
    403: "the server knows this client but does not allow it: ask for the scopes of the types you need",
    404: "check the address and the group's id; the server may not offer this export",
    410: "the server no longer holds this export: use an empty folder and ask anew",
    422: "the server does not take these parameters: ask for less",
    429: "the server is busy: run the same command again later",
    501: "the server does not offer this export: try another level",
}


def refusal(what: str, status: int, body: bytes = b"", hint: str | None = None) -> BulkExportError:
    """The error for an answer that is none that was asked for.

    >>> print(refusal("The export was not started", 501).message)
    The export was not started: the server answered 501.
    """
    codes = issue_codes(body)
    said = f" ({', '.join(codes)})" if codes else ""
    later = "the server has trouble: run the same command again later" if status >= 500 else "ask who runs the server"
    return BulkExportError(f"{what}: the server answered {status}{said}.", hint=hint or _HINTS.get(status, later))
