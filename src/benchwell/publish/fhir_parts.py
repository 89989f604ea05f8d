"""Small parts of FHIR R4 resources that several of ours are made of, as plain data."""

from __future__ import annotations

import datetime as dt
import hashlib
import html
import re
import uuid
from collections.abc import Iterable
from typing import Any

from benchwell.clinical.systems import system_address

Resource = dict[str, Any]

_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}", re.ASCII)
_TERMINOLOGY = "http://terminology.hl7.org/CodeSystem/"
# Names under which we give ids that belong to nobody's server: the same name always gives the same id.
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "benchwell")

MEASURE_POPULATION = _TERMINOLOGY + "measure-population"
MEASURE_SCORING = _TERMINOLOGY + "measure-scoring"
IMPROVEMENT = _TERMINOLOGY + "measure-improvement-notation"

POPULATION_NAMES = {
    "initial-population": "Initial Population",
    "denominator": "Denominator",
    "denominator-exclusion": "Denominator Exclusion",
    "numerator": "Numerator",
    "denominator-exception": "Denominator Exception",
    "measure-population": "Measure Population",
    "measure-observation": "Measure Observation",
}


def concept(system: str, code: str, display: str | None = None) -> Resource:
    """A CodeableConcept of one coding."""
    coding = {"system": system, "code": code} | ({"display": display} if display else {})
    return {"coding": [coding]}


def concept_of(text: str) -> Resource:
    """A CodeableConcept from `system|code` as tables and declarations write it; a code without system is text.

    >>> concept_of("cdc-race|2106-3")
    {'coding': [{'system': 'urn:oid:2.16.840.1.113883.6.238', 'code': '2106-3'}]}
    >>> concept_of("female")
    {'text': 'female'}
    """
    system, bar, code = text.rpartition("|")
    return concept(system_address(system), code) if bar else {"text": text}


def population_code(code: str) -> Resource:
    """What a population is."""
    return concept(MEASURE_POPULATION, code, POPULATION_NAMES.get(code))


def improvement(better: str) -> Resource:
    """Direction of a measure, `higher` or `lower`, in FHIR's words."""
    rises = better == "higher"
    display = f"{'Increased' if rises else 'Decreased'} score indicates improvement"
    return concept(IMPROVEMENT, "increase" if rises else "decrease", display)


def fhir_id(*parts: str) -> str:
    """An id that FHIR allows: the parts joined, or a digest of them where they are too long or have other characters.

    >>> fhir_id("cms159", "2026")
    'cms159-2026'
    >>> len(fhir_id("a b")), fhir_id("a b") == fhir_id("a b")
    (32, True)
    """
    joined = "-".join(parts)
    if _ID.fullmatch(joined):
        return joined
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


def is_fhir_id(text: str) -> bool:
    """Whether a text can be the id of a resource as it is."""
    return _ID.fullmatch(text) is not None


def address(kind: str, name: str, base: str | None) -> str:
    """Canonical address of a resource of ours: below `base`, or a fixed `urn:uuid:` if there is no server.

    >>> address("Measure", "phq9-remission-12m", "https://example.org/fhir/")
    'https://example.org/fhir/Measure/phq9-remission-12m'
    >>> address("Measure", "a", None) == address("Measure", "a", None) != address("Library", "a", None)
    True
    """
    if base is None:
        return f"urn:uuid:{uuid.uuid5(_NAMESPACE, f'{kind}/{name}')}"
    return f"{base.rstrip('/')}/{kind}/{name}"


def canonical(url: str, version: str | None) -> str:
    """An address with its version; without, where the version is not known or is words.

    >>> canonical("https://example.org/Measure/x", "1.0.000"), canonical("https://example.org/Measure/x", "not stated")
    ('https://example.org/Measure/x|1.0.000', 'https://example.org/Measure/x')
    """
    return f"{url}|{version}" if version and not re.search(r"\s", version) else url


def moment(value: dt.date | dt.datetime) -> str:
    """A dateTime: a day, or a time with its offset.

    Raises:
        ValueError: If a time has no offset: FHIR allows none.

    >>> moment(dt.date(2026, 1, 31)), moment(dt.datetime(2026, 1, 31, 9, tzinfo=dt.UTC))
    ('2026-01-31', '2026-01-31T09:00:00+00:00')
    """
    if isinstance(value, dt.datetime):
        if value.utcoffset() is None:
            raise ValueError("a time needs an offset from UTC")
        return value.isoformat(timespec="seconds")
    return value.isoformat()


def narrative(paragraphs: Iterable[str]) -> Resource:
    """What a person reads who opens the resource without our software.

    >>> narrative(["a < b"])["div"]
    '<div xmlns="http://www.w3.org/1999/xhtml"><p>a &lt; b</p></div>'
    """
    text = "".join(f"<p>{html.escape(one, quote=False)}</p>" for one in paragraphs)
    return {"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{text}</div>'}


def without_nothing(resource: Resource) -> Resource:
    """The resource without members that are null or empty: FHIR allows none.

    >>> without_nothing({"a": None, "b": [], "c": 0, "d": {"e": ""}})
    {'c': 0}
    """
    cleaned = {key: without_nothing(one) if isinstance(one, dict) else one for key, one in resource.items()}
    return {key: one for key, one in cleaned.items() if one is not None and one not in ("", [], {})}
