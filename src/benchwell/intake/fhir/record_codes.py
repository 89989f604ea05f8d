"""Read codes: all codings of a concept as texts, the first one that a table knows, and what none knows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from benchwell.clinical.systems import code_text
from benchwell.intake.fhir.elements import Coding, Concept, Quantity
from benchwell.intake.fhir.record_words import CONDITIONS_ICD, CONDITIONS_SNOMED, NOT_KNOWN, by_beginning
from benchwell.intake.fhir.rows import Found, Rows


def codings(concepts: Iterable[Concept | None]) -> list[Coding]:
    """Every coding that has a code, in order."""
    return [coding for concept in concepts if concept is not None for coding in concept.coding if coding.code]


def code_texts(*concepts: Concept | None) -> list[str] | None:
    """`system|code` of every coding, each once; null if there is none.

    >>> code_texts(Concept(coding=[Coding(system="http://hl7.org/fhir/sid/icd-10-cm", code="F32.9")]))
    ['icd-10-cm|F32.9']
    """
    found = dict.fromkeys(code_text(one.system, one.code) for one in codings(concepts) if one.code)
    return list(found) or None


def first_code(*concepts: Concept | None) -> str | None:
    """The first code, without its system: for required value sets of FHIR itself."""
    return next((one.code for one in codings(concepts)), None)


def word_of(code: str | None, words: Mapping[str, str], path: str, found: Found, rows: Rows) -> str | None:
    """Our word for a code; a code that is not known, and not a way of saying so, is noted."""
    if code is None or code in NOT_KNOWN:
        return None
    if code not in words:
        rows.note(found.row, path, "unread_code")
    return words.get(code)


def condition_word(codes: list[str] | None) -> str | None:
    """What a diagnosis is, in a word; the first code where no table knows any.

    >>> condition_word(["snomed|1", "icd-10-cm|F33.1"]), condition_word(["icd-10|Z00.0"]), condition_word(None)
    ('depression', 'icd-10|Z00.0', None)
    """
    for text in codes or []:
        system, _, code = text.rpartition("|")
        if system.startswith("icd-10"):
            word = by_beginning(code.replace(".", ""), CONDITIONS_ICD)
        else:
            word = CONDITIONS_SNOMED.get(code) if system == "snomed" else None
        if word is not None:
            return word
    return codes[0] if codes else None


_MINUTES = {"min": 1.0, "minute": 1.0, "minutes": 1.0, "m": 1.0, "h": 60.0, "hr": 60.0, "hour": 60.0, "hours": 60.0}


def minutes_of(length: Quantity | None) -> float | None:
    """A duration in minutes; null for none, for zero, and for units that are no part of a day."""
    if length is None or not length.value or length.value < 0:
        return None
    factor = _MINUTES.get((length.code or length.unit or "").lower())
    return length.value * factor if factor is not None else None
