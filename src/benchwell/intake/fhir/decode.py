"""One piece of JSON to a typed resource, a Bundle, or the reason why it is neither."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeVar, get_args

import msgspec

from benchwell.intake.fhir.elements import Element
from benchwell.intake.fhir.resources import Known, Resource
from benchwell.intake.fhir.versions import version_of, version_of_members

_SEVERITIES = ("fatal", "error", "warning", "information")
_PATH = re.compile(r" - at `\$\.?([A-Za-z0-9_.\[\]]*)`$")
T = TypeVar("T")
_MALFORMED = (msgspec.DecodeError, UnicodeDecodeError)


class BundleLink(Element):
    """Where the next page is."""

    relation: str | None = None


class Bundle(Element):
    """Many resources as one. Entries stay JSON, so that a bad one costs that one."""

    type: str | None = None
    timestamp: msgspec.Raw = msgspec.Raw()  # asked for deletions only: a wrong one must not cost the Bundle
    entry: list[msgspec.Raw] = []  # noqa: RUF012  msgspec copies it
    link: list[BundleLink] = []  # noqa: RUF012


class Request(Element):
    """What is to be done with an entry."""

    method: str | None = None
    url: str | None = None


class Response(Element):
    """What was done with an entry, in a history."""

    lastModified: msgspec.Raw = msgspec.Raw()  # noqa: N815  FHIR's own name


class Entry(Element):
    """One entry of a Bundle."""

    fullUrl: str | None = None  # noqa: N815  FHIR's own name
    resource: msgspec.Raw = msgspec.Raw()
    request: Request | None = None
    response: msgspec.Raw = msgspec.Raw()


@dataclass(frozen=True, slots=True)
class Refused:
    """Why nothing comes of it: a reason code and a FHIR path; never a value."""

    reason: str
    column: str = ""


@dataclass(frozen=True, slots=True)
class Skipped:
    """A resource of a type that is not read."""

    kind: str
    id: str | None = None
    severities: tuple[str, ...] = ()  # of the issues of an OperationOutcome


class _Issue(Element):
    severity: str | None = None


class _Outcome(Element):
    issue: list[_Issue] = []  # noqa: RUF012


_resource = msgspec.json.Decoder(Known)
_bundle = msgspec.json.Decoder(Bundle)
_entry = msgspec.json.Decoder(Entry)
_response = msgspec.json.Decoder(Response)
_members = msgspec.json.Decoder(dict[str, msgspec.Raw])
_text = msgspec.json.Decoder(str)
_outcome = msgspec.json.Decoder(_Outcome)
KNOWN = frozenset(kind.__name__ for kind in get_args(Known))


def decode(json: bytes | msgspec.Raw) -> Resource | Bundle | Skipped | Refused:
    """Decode one resource.

    >>> decode(b'{"resourceType":"Patient","id":"1"}').id
    '1'
    >>> decode(b'{"resourceType":"Patient","id":1}')
    Refused(reason='wrong_type', column='id')
    >>> decode(b'{"resourceType":"Claim","id":"7"}'), decode(b'{"resourceType":')
    (Skipped(kind='Claim', id='7', severities=()), Refused(reason='not_json', column=''))
    """
    try:
        resource = _resource.decode(json)
    except msgspec.ValidationError as error:
        return _other(json, str(error))
    except _MALFORMED:
        return Refused("not_json")
    except RecursionError:
        return Refused("too_deep")
    other = version_of(resource)
    return resource if other is None else Refused(*other)


def decode_entry(json: msgspec.Raw) -> Entry | Refused:
    """Decode what stands around the resource of a Bundle's entry."""
    return _guarded(_entry, json)


def deleted_by(entry: Entry, bundle: Bundle) -> str | None:
    """By when an entry was done, as written: the entry's own time, else that of its Bundle; null if nobody says so."""
    own = None
    if len(entry.response):
        response = _guarded(_response, entry.response)
        own = None if isinstance(response, Refused) else _as_text(response.lastModified)
    return own or _as_text(bundle.timestamp)


def _severities(json: bytes | msgspec.Raw) -> tuple[str, ...]:
    found = _guarded(_outcome, json)
    if isinstance(found, Refused):
        return ()
    return tuple(issue.severity for issue in found.issue if issue.severity in _SEVERITIES)


def _other(json: bytes | msgspec.Raw, message: str) -> Resource | Bundle | Skipped | Refused:
    """Why a resource did not fit its type: another type, another version of FHIR, or a mistake."""
    members = _guarded(_members, json)
    if isinstance(members, Refused):
        return Refused("no_resource_type") if members.reason == "wrong_type" else members
    kind = _as_text(members.get("resourceType"))
    if not kind:
        return Refused("no_resource_type")
    if kind == "Bundle":
        return _guarded(_bundle, json)
    other = version_of_members(kind, {name: bytes(raw) for name, raw in members.items()})
    if other is not None:
        return Refused(*other)
    if kind in KNOWN:
        return Refused("wrong_type", _path(message))
    return Skipped(kind, _as_text(members.get("id")), _severities(json) if kind == "OperationOutcome" else ())


def _guarded(decoder: msgspec.json.Decoder[T], json: bytes | msgspec.Raw) -> T | Refused:
    try:
        return decoder.decode(json)
    except msgspec.ValidationError as error:
        return Refused("wrong_type", _path(str(error)))
    except _MALFORMED:
        return Refused("not_json")
    except RecursionError:
        return Refused("too_deep")


def _as_text(json: msgspec.Raw | None) -> str | None:
    if json is None or not len(json):
        return None
    found = _guarded(_text, json)
    return found if isinstance(found, str) else None


def _path(message: str) -> str:
    """The path in a decoder's message. The rest of the message may quote a value."""
    found = _PATH.search(message)
    return found.group(1) if found else ""
