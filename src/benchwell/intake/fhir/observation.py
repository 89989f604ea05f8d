"""Observation to raw rows: a total, a panel, a panel with its answers inside, or the answer to one item."""

from __future__ import annotations

from typing import NamedTuple

from benchwell.intake.fhir.answers import (
    Stated,
    Values,
    concept_value,
    in_points,
    number,
    one_of,
    quantity_value,
    text_value,
)
from benchwell.intake.fhir.edition import edition_of
from benchwell.intake.fhir.elements import Concept, Reference
from benchwell.intake.fhir.instrument_codes import InstrumentCodes, Slot, check_value, unit_of
from benchwell.intake.fhir.raw_assessments import (
    RAW,
    informant_of,
    known_when,
    links_of,
    patient_of,
    record_of,
    retracted_row,
)
from benchwell.intake.fhir.resources import Component, Observation
from benchwell.intake.fhir.response import instruments_of
from benchwell.intake.fhir.rows import Context, Found, Rows
from benchwell.intake.fhir.when import When, read_when

_STANDING = {"final": 1, "amended": 2, "corrected": 2}
_OPEN = Slot("total", (), "")  # a code whose codings do not agree


class Read(NamedTuple):
    """What an Observation of an instrument states."""

    instrument: str
    scale: str | None
    items: list[float | None] | None
    total: float | None
    unit: str | None


def map_observation(found: Found, context: Context, rows: Rows, codes: InstrumentCodes) -> None:
    """Add the raw row of one Observation, or a finding why there is none.

    `final`, `amended` and `corrected` count; `entered-in-error` takes it back; `cancelled` is a result that never was;
    others are not finished. Observations of other things add nothing and are no finding.
    """
    observation = found.resource
    if not isinstance(observation, Observation):
        raise TypeError(f"{type(observation).__name__} is no Observation")
    slot = _slot(observation.code, codes)
    if slot is None and observation.component:
        slot = next((one for part in observation.component if (one := _slot(part.code, codes))), None)
    if slot is None:
        return
    record = record_of(found, "Observation")
    if record is None:
        rows.refuse(found.row, "id", "missing_id")
    elif observation.status == "entered-in-error":
        kind = "answer" if slot.role == "item" and not observation.component else "score"
        patient = context.references.id_of(observation.subject, "Patient")
        rows.add(RAW, retracted_row(record, kind, observation.meta, patient, found.row))
    elif not slot.targets:
        rows.refuse(found.row, "code", "ambiguous_instrument")
    elif (about := _about(observation, found.row, context, rows)) is not None:
        if slot.role == "item" and not observation.component:
            _add_answer(found, record, *about, slot, context, rows, codes)
        else:
            _add_score(found, record, *about, slot, context, rows, codes)


def _about(observation: Observation, row: int, context: Context, rows: Rows) -> tuple[str, When] | None:
    """Whose it is and when it was; null with a finding if that cannot be said, or it is not finished."""
    if observation.status not in _STANDING:
        rows.refuse(row, "status", "cancelled" if observation.status == "cancelled" else "not_finished")
        return None
    patient = patient_of(observation, row, context, rows)
    if patient is None:
        return None
    if observation.focus and _of_another(observation.focus, patient, context):
        rows.refuse(row, "focus", "other_person")
        return None
    column, said = _when(observation)
    when = known_when(said, column, row, context, rows)
    return None if when is None else (patient, when)


def _add_answer(
    found: Found, record: str, patient: str, when: When, slot: Slot, context: Context, rows: Rows,
    codes: InstrumentCodes,
) -> None:  # fmt: skip
    observation = found.resource
    assert isinstance(observation, Observation)  # noqa: S101  # the caller asked
    value = _item_value(observation, slot, codes, found.row, rows)
    if value is None:
        return
    rows.add(
        RAW,
        (record, 0, "answer", *_edition(observation), False, patient, None, None, *when, None, None, None,
         *_beside(observation, context), slot.code, value, found.row),
    )  # fmt: skip


def _add_score(
    found: Found, record: str, patient: str, when: When, slot: Slot, context: Context, rows: Rows,
    codes: InstrumentCodes,
) -> None:  # fmt: skip
    observation = found.resource
    assert isinstance(observation, Observation)  # noqa: S101  # the caller asked
    read = _read(observation, slot, codes, found.row, rows)
    if read is None:
        return
    kind = "form" if read.items is not None else "panel" if slot.role == "panel" else "score"
    if kind == "panel" and read.total is None and not observation.hasMember:
        rows.refuse(found.row, "value", "no_score")
        return
    rows.add(
        RAW,
        (record, 0, kind, *_edition(observation), False, patient, read.instrument, read.scale, *when, read.items,
         read.total, read.unit, *_beside(observation, context), None, None, found.row),
    )  # fmt: skip


def _edition(observation: Observation) -> tuple[int, float | None, int | None]:
    return _STANDING[observation.status or ""], *edition_of(observation.meta)


def _beside(
    observation: Observation, context: Context
) -> tuple[None, str | None, None, str | None, list[str] | None, list[str] | None]:
    """Columns from language to members."""
    references = context.references
    return (
        None,
        informant_of(None, *observation.performer) if observation.performer else None,
        None,
        references.id_of(observation.encounter, "Encounter"),
        links_of(references, observation.derivedFrom) if observation.derivedFrom else None,
        links_of(references, observation.hasMember) if observation.hasMember else None,
    )


def _of_another(focus: list[Reference], patient: str, context: Context) -> bool:
    """Whether a result is about another person than the one in whose record it stands."""
    for one in focus:
        who = context.references.id_of(one, "Patient")
        if who not in (None, patient) or any(
            context.references.id_of(one, kind) for kind in ("RelatedPerson", "Group")
        ):
            return True
    return False


def _slot(code: Concept | None, codes: InstrumentCodes) -> Slot | None:
    """What a code asks for; without targets if its codings ask for different things."""
    found: Slot | None = None
    for coding in code.coding if code is not None else ():
        slot = codes.find(coding.system, coding.code)
        if slot is None or slot is found:
            continue
        found = slot if found is None else _same_score(found, slot)
    return found


def _same_score(one: Slot, other: Slot) -> Slot:
    """Total and panel of one instrument are one score; whatever else stands beside each other is open."""
    names = [{target.instrument for target in slot.targets} for slot in (one, other)]
    if "item" in (one.role, other.role) or names[0] != names[1]:
        return _OPEN
    return other if one.role == "panel" else one


def _when(observation: Observation) -> tuple[str, When | str]:
    if observation.effectiveDateTime is not None:
        return "effectiveDateTime", read_when(observation.effectiveDateTime)
    if observation.effectivePeriod is not None:
        period = observation.effectivePeriod
        return "effectivePeriod", read_when(period.end or period.start)
    return "effectiveInstant", read_when(observation.effectiveInstant)


def _read(observation: Observation, slot: Slot, codes: InstrumentCodes, row: int, rows: Rows) -> Read | None:
    """Total, and answers that stand in components; null with a finding if neither can be used."""
    parts = _parts(observation, slot, codes, row, rows)
    if not parts and len(slot.targets) == 1:
        plan = {slot.code: slot.targets[0].instrument}  # by far the most common
    else:
        plan = instruments_of([slot, *(one for _, one in parts)], codes, None)
    name = plan.get(slot.code)
    if name is None:
        rows.refuse(row, "code", "ambiguous_instrument")
        return None
    instrument = codes.instruments[name]
    items, bad = _part_items(parts, plan, name, codes, row, rows)
    if bad is not None:
        rows.refuse(row, "component", bad)
        return None
    if any(plan.get(one.code) != name for _, one in parts):
        rows.note(row, "component.code", "ambiguous_instrument", "flagged")  # parts of another instrument
    own = [(part, one) for part, one in parts if one.role != "item" and plan.get(one.code) == name]
    stated, scale = _own_total(observation, slot, own, name, row, rows)
    if stated.value is None:
        if items is None and (stated.reason != "value_absent" or slot.role == "total" or own):
            rows.refuse(row, "value", stated.reason or "no_score")
            return None
        if stated.reason != "value_absent":
            rows.note(row, "value", stated.reason or "answer_unknown", "flagged")
        return Read(name, scale, items, None, None)
    try:
        unit = unit_of(instrument, stated.code, stated.unit)
    except KeyError:
        rows.refuse(row, "valueQuantity", "unknown_unit")
        return None
    reason = check_value(instrument, instrument.scale(scale), stated.value, unit)
    if reason is not None and items is None:
        rows.refuse(row, "value", reason)
        return None
    return Read(name, scale, items, stated.value, unit)


def _own_total(
    observation: Observation, slot: Slot, own: list[tuple[Observation | Component, Slot]], name: str, row: int,
    rows: Rows,
) -> tuple[Stated, str | None]:  # fmt: skip
    """The total that is taken, and its scale: the Observation's own, else that of its first component of a total."""
    stated = _stated(observation, {}) if slot.role != "item" else Stated(reason="value_absent")
    scale = next(one for one in slot.targets if one.instrument == name).scale
    for part, one in own:
        other = _stated(part, {})
        of = next(target for target in one.targets if target.instrument == name).scale
        if stated.reason == "value_absent":
            stated, scale = other, of
        elif of == scale and other.reason != "value_absent" and other.value != stated.value:
            rows.note(row, "component", "conflicting_value")
    return stated, scale


def _parts(
    observation: Observation, slot: Slot, codes: InstrumentCodes, row: int, rows: Rows
) -> list[tuple[Observation | Component, Slot]]:
    """Components that are declared; the Observation itself, where it answers an item."""
    own = slot.role == "item" and _stated(observation, {}).reason != "value_absent"
    parts: list[tuple[Observation | Component, Slot]] = [(observation, slot)] if own else []
    for part in observation.component:
        one = _slot(part.code, codes)
        if one is not None and one.targets:
            parts.append((part, one))
        elif one is not None:
            rows.note(row, "component.code", "ambiguous_instrument", "flagged")
    return parts


def _part_items(
    parts: list[tuple[Observation | Component, Slot]],
    plan: dict[str, str],
    name: str,
    codes: InstrumentCodes,
    row: int,
    rows: Rows,
) -> tuple[list[float | None] | None, str | None]:
    instrument = codes.instruments[name]
    if instrument.items is None or not any(one.role == "item" and plan[one.code] == name for _, one in parts):
        return None, None
    said: dict[int, list[Stated]] = {}
    for part, slot in parts:
        if slot.role == "item" and plan[slot.code] == name:
            item = next(one.item for one in slot.targets if one.instrument == name)
            said.setdefault(item, []).append(in_points(instrument, _stated(part, codes.answers[name, item])))
    items: list[float | None] = [None] * instrument.items.count
    for item, several in said.items():
        stated = one_of(several) or several[0]
        if stated.value is None:
            rows.note(row, f"component[{name}.{item}]", stated.reason or "answer_unknown", "flagged")
            continue
        reason = codes.cells[name, item].impossible(stated.value)
        if reason is not None:
            return None, reason
        items[item - 1] = stated.value
    return (items if any(value is not None for value in items) else None), None


def _item_value(observation: Observation, slot: Slot, codes: InstrumentCodes, row: int, rows: Rows) -> float | None:
    """The answer to one item; where instruments share the item, they must agree on what it is worth."""
    found: set[float] = set()
    reasons: list[str] = []
    for target in slot.targets:
        instrument = codes.instruments[target.instrument]
        stated = in_points(instrument, _stated(observation, codes.answers[target.instrument, target.item]))
        reason = stated.reason
        if stated.value is not None:
            reason = codes.cells[target.instrument, target.item].impossible(stated.value)
        if reason is None and stated.value is not None:
            found.add(stated.value)
        else:
            reasons.append(reason or "answer_unknown")
    if len(found) == 1 and not reasons:
        return found.pop()
    rows.refuse(row, "value", reasons[0] if reasons else "answer_unclear")
    return None


def _stated(source: Observation | Component, declared: Values) -> Stated:
    """The value of an Observation or component, in whichever of its types it stands."""
    stated: list[Stated] = []
    if source.valueQuantity is not None:
        stated.append(quantity_value(source.valueQuantity))
    if source.valueInteger is not None:
        stated.append(number(source.valueInteger))
    if source.valueCodeableConcept is not None:
        stated.append(concept_value(source.valueCodeableConcept, declared, {}))
    if source.valueString is not None:
        stated.append(text_value(source.valueString))
    if source.valueBoolean is not None or (isinstance(source, Observation) and source.valueDateTime is not None):
        stated.append(Stated(reason="answer_unknown"))
    if stated and source.dataAbsentReason is not None:
        return Stated(reason="answer_unclear")  # a value, and why there is none
    return one_of(stated) or Stated(reason="value_absent")
