"""What a resource says, read a second time: plain Python over parsed JSON that shares no code with the product.

It knows PHQ-9 and GAD-7 by LOINC, written down here by hand. Where a resource says one thing in two ways, it says
neither; where it is not simple, it says so, and nothing is compared.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

ITEMS = {
    "phq-9": ("44250-9", "44255-8", "44259-0", "44254-1", "44251-7", "44258-2", "44252-5", "44253-3", "44260-8"),
    "gad-7": ("69725-0", "68509-9", "69733-4", "69734-2", "69735-9", "69689-8", "69736-7"),
}
TOTALS = {"phq-9": "44261-6", "gad-7": "70274-6"}
PANELS = {"phq-9": "44249-1", "gad-7": "69737-5"}
ANSWERS = {"LA6568-5": 0, "LA6569-3": 1, "LA6570-1": 2, "LA6571-9": 3}
_PLACES = {code: (name, place) for name, codes in ITEMS.items() for place, code in enumerate(codes)}
_SCORES = {code: name for name, code in TOTALS.items()}
_GROUPS = {code: name for name, code in PANELS.items()}
_LOINC = ("http://loinc.org", "https://loinc.org", "urn:oid:2.16.840.1.113883.6.1")
_POINTS = (None, "", "1", "{score}", "score", "points", "{points}", "{#}")
_ANSWER_KINDS = ("Coding", "Integer", "Decimal", "Quantity", "String", "Boolean", "Date", "DateTime")
_RESULT_KINDS = ("CodeableConcept", "Integer", "Quantity", "String", "Boolean", "DateTime")
_DAY = re.compile(r"\s*(\d{4}-\d\d-\d\d)(?:T.*)?\s*", re.ASCII | re.DOTALL)
_NUMBER = re.compile(r"[+-]?[0-9]{1,12}(\.[0-9]{1,12})?")

UNCLEAR = "unclear"  # it says two things, or something that is no number
Value = float | str


@dataclass
class Said:
    """What one resource says.

    Attributes:
        patient: Id of the person, null if it is not plainly said.
        day: As written, null if no full day is.
        items: By instrument and place: each different value that is said of it.
        totals: By instrument: each different value.
    """

    patient: str | None = None
    day: str | None = None
    items: dict[tuple[str, int], set[Value]] = field(default_factory=dict)
    totals: dict[str, set[Value]] = field(default_factory=dict)


def said(resource: Any) -> Said | None:
    """Read one parsed resource; null if it is none of an assessment, or malformed."""
    if not isinstance(resource, dict) or resource.get("status") == "entered-in-error":
        return None
    try:
        if resource.get("resourceType") == "QuestionnaireResponse":
            return _response(resource)
        if resource.get("resourceType") == "Observation":
            return _observation(resource)
    except (TypeError, AttributeError, ValueError, KeyError, RecursionError):
        return None  # the wrong type somewhere: the product must have a finding or read it without that part
    return None


def _response(resource: dict[str, Any]) -> Said:
    found = Said(_patient(resource.get("subject")), _day(resource.get("authored")))
    for item in _walk(resource.get("item") or []):
        code = str(item.get("linkId", "")).rstrip("/").split("/")[-1]
        values = [_value(one, _ANSWER_KINDS, item=code in _PLACES) for one in item.get("answer") or []]
        _put(found, code, values)
    return found


def _observation(resource: dict[str, Any]) -> Said:
    written = resource.get("effectiveDateTime") or resource.get("effectiveInstant")
    found = Said(_patient(resource.get("subject")), _day(written))
    for part in (resource, *(resource.get("component") or [])):
        codes = {
            one["code"] for one in (part.get("code") or {}).get("coding") or [] if _is_loinc(one) and one.get("code")
        }
        meanings = [code for code in codes if code in _PLACES or code in _SCORES or code in _GROUPS]
        stated = any(part.get(f"value{kind}") is not None for kind in _RESULT_KINDS)
        own = [_value(part, _RESULT_KINDS, item=any(code in _PLACES for code in meanings))] if stated else []
        names = {_SCORES.get(code) or _GROUPS.get(code) for code in meanings}
        if len(meanings) == 2 and len(names) == 1 and None not in names:
            meanings = [TOTALS[names.pop() or ""]]  # the panel and the total of one instrument
        if len(meanings) == 1:  # of two meanings it has none
            _put(found, meanings[0], own)
    return found


def _put(found: Said, code: str, values: list[Value]) -> None:
    if code in _PLACES and values:
        found.items.setdefault(_PLACES[code], set()).update(values)
    name = _SCORES.get(code) or _GROUPS.get(code)
    if name is not None and values:
        found.totals.setdefault(name, set()).update(values)


def _walk(items: list[Any]) -> Iterator[dict[str, Any]]:
    waiting = list(items)[::-1]
    while waiting:
        item = waiting.pop()
        yield item
        waiting.extend((item.get("item") or [])[::-1])
        for answer in item.get("answer") or []:
            waiting.extend((answer.get("item") or [])[::-1])


def _value(source: dict[str, Any], kinds: tuple[str, ...], *, item: bool) -> Value:
    stated = {kind: source[f"value{kind}"] for kind in kinds if source.get(f"value{kind}") is not None}
    values: set[Value] = set()
    for kind, one in stated.items():
        if kind in ("Integer", "Decimal"):
            values.add(_plain(one))
        elif kind == "Quantity":
            named = [one[key].strip().lower() for key in ("unit", "code") if one.get(key)]
            units = not named or any(unit in _POINTS for unit in named)
            values.add(_plain(one.get("value")) if units and not one.get("comparator") else UNCLEAR)
        elif kind == "String":
            values.add(float(one.strip()) if _NUMBER.fullmatch(one.strip()) else UNCLEAR)
        elif kind == "Coding":
            values |= _coded([one], source, item=item)
        elif kind == "CodeableConcept":
            values |= _coded(one.get("coding") or [], {}, item=item)
        else:
            values.add(UNCLEAR)
    if source.get("dataAbsentReason") is not None:
        return UNCLEAR
    return values.pop() if len(values) == 1 else UNCLEAR


def _coded(codings: list[Any], source: dict[str, Any], *, item: bool) -> set[Value]:
    values: set[Value] = set()
    for coding in codings:
        if item and _is_loinc(coding) and coding.get("code") in ANSWERS:
            values.add(float(ANSWERS[coding["code"]]))
    for holder in (*codings, source):
        for one in holder.get("extension") or []:
            if str(one.get("url", "")).lower().endswith("ordinalvalue"):
                number = one.get("valueDecimal", one.get("valueInteger"))
                if number is not None:
                    values.add(_plain(number))
    return values or {UNCLEAR}


def _is_loinc(coding: dict[str, Any]) -> bool:
    system = coding.get("system")
    return not system or str(system).strip().rstrip("/").lower() in _LOINC


def _plain(value: Any) -> Value:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return UNCLEAR
    return float(value)


def _patient(subject: Any) -> str | None:
    text = subject.get("reference") if isinstance(subject, dict) else None
    found = re.fullmatch(r"Patient/([^/?#|]+)", text) if isinstance(text, str) else None
    return found.group(1) if found else None


def _day(written: Any) -> str | None:
    found = _DAY.fullmatch(written) if isinstance(written, str) else None
    return found.group(1) if found else None
