"""One list of codes as a file states it, whole or a page of it; and how value sets are called."""

from __future__ import annotations

import re
from dataclasses import dataclass

_OID = re.compile(r"[0-2](?:\.(?:0|[1-9]\d*))+")
_PREFIXES = ("urn:oid:", "http://cts.nlm.nih.gov/fhir/valueset/", "https://cts.nlm.nih.gov/fhir/valueset/")
_DIGITS = 100  # of a number in a version; Python refuses to read very long ones
ADDRESS = "http://cts.nlm.nih.gov/fhir/ValueSet/"  # where the Value Set Authority Center keeps OIDs


@dataclass(frozen=True, slots=True)
class Listing:
    """A value set, or a page of one, as one file states it.

    Attributes:
        key: OID, or address without version: what sets are looked up by.
        version: As stated; None if the file does not say.
        title: As stated.
        codes: `loinc|44261-6` (`clinical.systems.code_text`); inactive codes too.
        entries: How many codes were listed, repetitions included: what a stated total counts.
        total: How many the file says there are; None if it does not say.
        offset: Position of the first one in the whole list: 0 unless this is a later page.
        problem: Why the list is known not to be whole; None if nothing says so.
        file: Name of the file.
    """

    key: str
    version: str | None
    title: str | None
    codes: frozenset[str]
    entries: int
    total: int | None
    offset: int
    problem: str | None
    file: str


def set_key(name: str) -> tuple[str, str | None]:
    """The OID or address of a value set, and the version that may follow it.

    >>> set_key("http://cts.nlm.nih.gov/fhir/ValueSet/2.16.840.1.113883.3.67.1.101.1.263|20220219")
    ('2.16.840.1.113883.3.67.1.101.1.263', '20220219')
    >>> set_key("urn:oid:2.16.840.1.113883.3.600.1916"), set_key("http://example.org/ValueSet/x")
    (('2.16.840.1.113883.3.600.1916', None), ('http://example.org/ValueSet/x', None))
    """
    plain, _, version = name.strip().partition("|")
    plain = plain.rstrip("/")
    for prefix in _PREFIXES:
        if plain.lower().startswith(prefix):
            plain = plain[len(prefix) :]
            break
    return plain, version or None


def set_address(key: str) -> str:
    """The canonical address of a value set: an OID lives with the Value Set Authority Center.

    >>> set_address("2.16.840.1.113883.3.600.1916")
    'http://cts.nlm.nih.gov/fhir/ValueSet/2.16.840.1.113883.3.600.1916'
    """
    return ADDRESS + key if is_oid(key) else key


def is_oid(text: str) -> bool:
    """Whether a text is an OID.

    >>> is_oid("2.16.840.1.113883.3.600.1916"), is_oid("CPT"), is_oid("2024.01")
    (True, False, False)
    """
    return _OID.fullmatch(text) is not None


def version_order(version: str | None) -> tuple[tuple[int, int | str], ...]:
    """Sorts versions: numbers in them as numbers, an unstated one first.

    >>> sorted(["20240214", "9.2", "10.1"], key=version_order)
    ['9.2', '10.1', '20240214']
    """
    parts = re.findall(r"\d+|[^\d.\-_ ]+", version or "")
    return tuple((1, int(part[:_DIGITS])) if part.isdigit() else (0, part.lower()) for part in parts)
