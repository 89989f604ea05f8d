"""Observation to raw rows: a total, a panel, a panel with its answers inside, or the answer to one item."""

from __future__ import annotations

from typing import NamedTuple

from benchwell.intake.fhir.answers import Stated, Values, concept_value, in_points, quantity_value, text_value
from benchwell.intake.fhir.instrument_codes import InstrumentCodes, Slot, check_value, out_of_range, unit_of
from benchwell.intake.fhir.raw_assessments import RAW, edition_of, informant_of, links_of, raw_row
from benchwell.intake.fhir.resources import Component, Observation
from benchwell.intake.fhir.response import instruments_of
from benchwell.intake.fhir.rows import Context, Found, Rows
from benchwell.intake.fhir.when import When, read_when

_STANDING = {"final": 1, "amended": 2, "corrected": 2}


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
    slot = _slot(observation, codes)
    if slot is None and observation.component:
        slot = next((one for part in observation.component if (one := _part_slot(part, codes))), None)
    if slot is None:
        return
    status = observation.status
    if status not in _STANDING and status != "entered-in-error":
        rows.refuse(found.row, "status", "cancelled" if status == "cancelled" else "not_finished")
        return
    id_ = observation.id or (found.full_url or "").rpartition("/")[2].rpartition(":")[2]
    if not id_:
        rows.refuse(found.row, "id", "missing_id")
        return
    record = f"Observation/{id_}"
    stored, edit = edition_of(observation.meta)
    if status == "entered-in-error":
        kind = "answer" if slot.role == "item" else "score"
        rows.add(
            RAW,
            raw_row(record=record, part=0, kind=kind, standing=3, stored=stored, edit=edit, retracted=True,
                    source_row=found.row),
        )  # fmt: skip
        return
    patient = context.references.id_of(observation.subject, "Patient")
    if patient is None:
        rows.refuse(found.row, "subject", "missing_patient_id")
        return
    column, when = _when(observation)
    if isinstance(when, str):
        rows.refuse(found.row, column, when)
        return
    if when.date > context.as_of:
        rows.refuse(found.row, column, "after_snapshot")
        return
    links = links_of(context.references, observation.derivedFrom) if observation.derivedFrom else None
    members = links_of(context.references, observation.hasMember) if observation.hasMember else None
    informant = informant_of(None, *observation.performer) if observation.performer else None
    encounter = context.references.id_of(observation.encounter, "Encounter")
    head = (record, 0)
    edition = (_STANDING[status or ""], stored, edit, False, patient)
    if slot.role == "item" and not observation.component:
        value = _item_value(observation, slot, codes, found.row, rows)
        if value is not None:
            rows.add(
                RAW,
                (*head, "answer", *edition, None, None, when.date, when.time, when.instant, None, None, None,
                 None, informant, None, encounter, links, members, slot.code,
                 value, found.row),
            )  # fmt: skip
        return
    read = _read(observation, slot, codes, found.row, rows)
    if read is None:
        return
    kind = "form" if read.items is not None else "panel" if slot.role == "panel" else "score"
    if kind == "panel" and read.total is None and not members:
        rows.refuse(found.row, "value", "no_score")
        return
    rows.add(
        RAW,
        (*head, kind, *edition, read.instrument, read.scale, when.date, when.time, when.instant, read.items, read.total,
         read.unit, None, informant, None, encounter, links, members, None, None, found.row),
    )  # fmt: skip


def _slot(observation: Observation, codes: InstrumentCodes) -> Slot | None:
    if observation.code is not None:
        for coding in observation.code.coding:
            slot = codes.find(coding.system, coding.code)
            if slot is not None:
                return slot
    return None


def _part_slot(part: Component, codes: InstrumentCodes) -> Slot | None:
    for coding in part.code.coding if part.code is not None else ():
        slot = codes.find(coding.system, coding.code)
        if slot is not None:
            return slot
    return None


def _when(observation: Observation) -> tuple[str, When | str]:
    if observation.effectiveDateTime is not None:
        return "effectiveDateTime", read_when(observation.effectiveDateTime)
    if observation.effectivePeriod is not None:
        period = observation.effectivePeriod
        return "effectivePeriod", read_when(period.end or period.start)
    return "effectiveInstant", read_when(observation.effectiveInstant)


def _read(observation: Observation, slot: Slot, codes: InstrumentCodes, row: int, rows: Rows) -> Read | None:
    """Total, and answers that stand in components; null with a finding if neither can be used."""
    parts = [(part, one) for part in observation.component if (one := _part_slot(part, codes)) is not None]
    plan = instruments_of([slot, *(one for _, one in parts)], codes, None)
    name = plan.get(slot.code)
    if name is None:
        rows.refuse(row, "code", "ambiguous_instrument")
        return None
    instrument = codes.instruments[name]
    target = next(one for one in slot.targets if one.instrument == name)
    items, bad = _part_items(parts, plan, name, codes, row, rows)
    if bad is not None:
        rows.refuse(row, "component", bad)
        return None
    own = [(part, one) for part, one in parts if one.role != "item" and plan.get(one.code) == name]
    stated = _stated(observation, {}) if slot.role != "item" else Stated(reason="value_absent")
    scale = target.scale
    if stated.reason == "value_absent" and own:
        stated = _stated(own[0][0], {})
        scale = next(one for one in own[0][1].targets if one.instrument == name).scale
    if stated.value is None:
        if items is None and (stated.reason != "value_absent" or slot.role == "total" or own):
            rows.refuse(row, "value", stated.reason or "no_score")
            return None
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


def _part_items(
    parts: list[tuple[Component, Slot]], plan: dict[str, str], name: str, codes: InstrumentCodes, row: int, rows: Rows
) -> tuple[list[float | None] | None, str | None]:
    instrument = codes.instruments[name]
    if instrument.items is None or not any(one.role == "item" and plan[one.code] == name for _, one in parts):
        return None, None
    items: list[float | None] = [None] * instrument.items.count
    for part, slot in parts:
        if slot.role != "item" or plan[slot.code] != name:
            continue
        item = next(one.item for one in slot.targets if one.instrument == name)
        stated = in_points(instrument, _stated(part, codes.answers[name, item]))
        if stated.value is None:
            rows.note(row, f"component[{name}.{item}]", stated.reason or "answer_unknown")
            continue
        reason = _impossible(codes, name, item, stated.value)
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
            reason = _impossible(codes, target.instrument, target.item, stated.value)
        if reason is None and stated.value is not None:
            found.add(stated.value)
        else:
            reasons.append(reason or "answer_unknown")
    if len(found) == 1 and not reasons:
        return found.pop()
    rows.refuse(row, "value", reasons[0] if reasons else "answer_unclear")
    return None


def _impossible(codes: InstrumentCodes, name: str, item: int, value: float) -> str | None:
    form = codes.instruments[name].form
    reason = out_of_range(value, *form.range_of(item))
    return "non_integer" if reason is None and form.integer and value != int(value) else reason


def _stated(source: Observation | Component, declared: Values) -> Stated:
    """The value of an Observation or component, in whichever of its types it stands."""
    if source.valueQuantity is not None:
        return quantity_value(source.valueQuantity)
    if source.valueInteger is not None:
        return Stated(float(source.valueInteger))
    if source.valueCodeableConcept is not None:
        return concept_value(source.valueCodeableConcept, declared, {})
    if source.valueString is not None:
        return text_value(source.valueString)
    if source.valueBoolean is not None or (isinstance(source, Observation) and source.valueDateTime is not None):
        return Stated(reason="answer_unknown")
    return Stated(reason="value_absent")
