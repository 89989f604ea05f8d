"""What an answer is worth: by its code, by the ordinal value that it brings, or as a plain number. Never a guess."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from benchwell.intake.fhir.elements import Coding, Concept, Extension, Quantity
from benchwell.intake.fhir.instrument_codes import bare_code, unit_of
from benchwell.intake.fhir.resources import Answer
from benchwell.registry import Instrument

_NUMBER = re.compile(r"[+-]?\d{1,12}(?:\.\d{1,12})?", re.ASCII)
_ORDINALS = ("/ordinalvalue", "/itemweight", "/iso21090-co-value")  # R4, R5 and what came before; by end of address

_LARGEST = 10**15

Values = Mapping[str, float]


class Stated(NamedTuple):
    """A number as a source states it: the number or the reason why there is none, and its unit as written."""

    value: float | None = None
    reason: str | None = None
    code: str | None = None
    unit: str | None = None


def number(value: float | None) -> Stated:
    """A number that a score could be; what is absurdly large is not understood.

    >>> number(3).value, number(10**400).reason
    (3.0, 'answer_unknown')
    """
    if value is None or not -_LARGEST <= value <= _LARGEST:
        return Stated(reason="answer_unknown")
    return Stated(float(value))


def ordinal_of(extensions: Iterable[Extension] | None) -> float | None:
    """The ordinal value that a coding or an answer brings along; null if none, NaN if two differ or one is absurd.

    >>> ordinal_of([Extension(url="http://hl7.org/fhir/StructureDefinition/ordinalValue", valueDecimal=2)])
    2.0
    """
    found: float | None = None
    for one in extensions or ():
        if one.url.lower().endswith(_ORDINALS):
            stated = one.valueDecimal if one.valueDecimal is not None else one.valueInteger
            if stated is not None:
                value = number(stated).value
                found = value if value is not None and found in (None, value) else math.nan
    return found


def coding_value(codings: Iterable[Coding], declared: Values, form: Values, beside: float | None = None) -> Stated:
    """The value of a coded answer.

    Codes of the declaration, ordinal values that come with the answer and those that the form states must agree.

    Args:
        codings: The answer in one or more code systems.
        declared: Values by code of this item's declaration.
        form: Values by code that the questionnaire states.
        beside: Ordinal value that stands beside the coding.
    """
    values = set() if beside is None else {beside}
    for coding in codings:
        if coding.extension:
            own = ordinal_of(coding.extension)
            if own is not None:
                values.add(own)
        if coding.code is not None:
            code = bare_code(coding.system, coding.code)
            values.update(known[code] for known in (declared, form) if code in known)
    if len(values) == 1:
        value = values.pop()
        return Stated(value) if math.isfinite(value) else Stated(reason="answer_unclear")
    return Stated(reason="answer_unclear" if values else "answer_unknown")


def answer_value(answer: Answer, declared: Values, form: Values) -> Stated:
    """The value of one answer of a QuestionnaireResponse.

    >>> answer_value(Answer(valueCoding=Coding(code="LA6570-1")), {"LA6570-1": 2.0}, {}).value
    2.0
    >>> answer_value(Answer(valueString="often"), {}, {}).reason
    'answer_unknown'
    """
    stated: list[Stated] = []
    if (coding := answer.valueCoding) is not None:
        beside = ordinal_of(answer.extension) if answer.extension else None
        stated.append(coding_value((coding,), declared, form, beside))
    if answer.valueInteger is not None:
        stated.append(number(answer.valueInteger))
    if answer.valueDecimal is not None:
        stated.append(number(answer.valueDecimal))
    if answer.valueQuantity is not None:
        stated.append(quantity_value(answer.valueQuantity))
    if answer.valueString is not None:
        stated.append(text_value(answer.valueString))
    if any(one is not None for one in (answer.valueBoolean, answer.valueDate, answer.valueDateTime)):
        stated.append(Stated(reason="answer_unknown"))
    return one_of(stated) or Stated(reason="answer_unknown")


def one_of(stated: Sequence[Stated]) -> Stated | None:
    """What statements of one thing agree on; null without any. FHIR allows one: two must give the same number.

    >>> one_of([Stated(2.0), Stated(2.0)]).value, one_of([Stated(2.0), Stated(3.0)]).reason
    (2.0, 'answer_unclear')
    """
    if len(stated) < 2:
        return stated[0] if stated else None
    first = stated[0]
    agreed = first.value is not None and all(one.value == first.value for one in stated)
    with_unit = next((one for one in stated if one.code or one.unit), first)
    return with_unit if agreed else Stated(reason="answer_unclear")


def concept_value(concept: Concept, declared: Values, form: Values) -> Stated:
    """The value of a coded answer in an Observation."""
    return coding_value(concept.coding, declared, form)


def quantity_value(quantity: Quantity) -> Stated:
    """The number of a quantity, if it is exact.

    >>> quantity_value(Quantity(value=4.0, comparator="<")).reason
    'not_exact'
    """
    if quantity.comparator:
        return Stated(reason="not_exact")
    return number(quantity.value)._replace(code=quantity.code, unit=quantity.unit)


def text_value(text: str) -> Stated:
    """A number that stands as text: the official `valueString: "12"`.

    >>> text_value(" 12 ").value, text_value("12 points").reason
    (12.0, 'answer_unknown')
    """
    plain = text.strip()
    return Stated(float(plain)) if _NUMBER.fullmatch(plain) else Stated(reason="answer_unknown")


def in_points(instrument: Instrument, stated: Stated) -> Stated:
    """Refuse an item's answer in a unit that is none of points: `3 /a` is no answer of 3."""
    if stated.value is None or not (stated.code or stated.unit):
        return stated
    try:
        unit_of(instrument, stated.code, stated.unit)
    except KeyError:
        return Stated(reason="unknown_unit")
    return Stated(stated.value)
