"""QuestionnaireResponse to raw rows: one for each instrument that the form holds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from benchwell.intake.fhir.answers import Stated, answer_value, in_points
from benchwell.intake.fhir.forms import LinkReader, Readers
from benchwell.intake.fhir.instrument_codes import InstrumentCodes, Slot, check_value, out_of_range, unit_of
from benchwell.intake.fhir.raw_assessments import RAW, edition_of, informant_of, raw_row
from benchwell.intake.fhir.resources import Answer, QuestionnaireResponse, ResponseItem
from benchwell.intake.fhir.rows import Context, Found, Rows
from benchwell.intake.fhir.when import When, read_when
from benchwell.registry import Instrument

_STANDING = {"completed": 1, "amended": 2}
_MODE = "/questionnaireresponse-completionmode"
_MOST_ITEMS = 2000  # of one response; more is no form that anybody filled in


class Asked(NamedTuple):
    """A question of a form that means something here, and what was answered."""

    link_id: str
    slot: Slot
    answers: list[Answer]


@dataclass
class Sheet:
    """What a response says of one instrument."""

    instrument: Instrument
    items: list[float | None]
    totals: list[tuple[str | None, float, str | None]] = field(default_factory=list)  # scale, value, unit
    reason: str | None = None  # why nothing of it may come in
    column: str = "item.answer"


def map_response(found: Found, context: Context, rows: Rows, readers: Readers) -> None:
    """Add the raw rows of one response, or a finding why there are none.

    `completed` and `amended` count; `entered-in-error` takes the whole response back; `in-progress` and `stopped` are
    forms that nobody finished. A response without any declared instrument adds nothing and is no finding.
    """
    response = found.resource
    if not isinstance(response, QuestionnaireResponse):
        raise TypeError(f"{type(response).__name__} is no QuestionnaireResponse")
    record = _record(found)
    if record is None:
        rows.refuse(found.row, "id", "missing_id")
        return
    if response.status == "entered-in-error":
        stored, edit = edition_of(response.meta)
        rows.add(
            RAW,
            raw_row(record=record, part=0, kind="form", standing=3, stored=stored, edit=edit, retracted=True,
                    source_row=found.row),
        )  # fmt: skip
        return
    reader = readers.of(response)
    asked = list(_asked(response.item, reader))
    if not asked:
        return
    if response.status not in _STANDING:
        rows.refuse(found.row, "status", "not_finished")
        return
    patient = context.references.id_of(response.subject, "Patient")
    if patient is None:
        rows.refuse(found.row, "subject", "missing_patient_id")
        return
    when = read_when(response.authored)
    if isinstance(when, str):
        rows.refuse(found.row, "authored", when)
        return
    if when.date > context.as_of:
        rows.refuse(found.row, "authored", "after_snapshot")
        return
    sheets = _sheets(asked, reader, found.row, rows)
    _add(found, record, patient, when, sheets, context, rows)


def _add(
    found: Found, record: str, patient: str, when: When, sheets: list[Sheet], context: Context, rows: Rows
) -> None:
    response = found.resource
    assert isinstance(response, QuestionnaireResponse)  # noqa: S101  # the caller asked
    stored, edit = edition_of(response.meta)
    encounter = context.references.id_of(response.encounter, "Encounter")
    informant = informant_of(response.source, *((response.author,) if response.author else ()))
    standing, mode = _STANDING[response.status or ""], _mode(response)
    part = 0
    for sheet in sheets:
        scored = any(value is not None for value in sheet.items)
        if sheet.reason is None and not scored:
            _check_totals(sheet)
        if sheet.reason is None and not scored and not sheet.totals:
            sheet.reason = "no_score"
        if sheet.reason is not None:
            rows.note(found.row, sheet.column, sheet.reason)
            continue
        totals = sheet.totals
        if scored:  # the answers give every scale: only the total of the primary one is worth keeping beside them
            totals = [one for one in totals if one[0] is None][:1] or [(None, None, None)]  # type: ignore[list-item]
        for scale, total, unit in totals:
            rows.add(
                RAW,
                (record, part, "form" if scored else "score", standing, stored, edit, False, patient,
                 sheet.instrument.id, scale, when.date, when.time, when.instant, sheet.items if scored else None,
                 total, unit, response.language, informant, mode, encounter, None, None, None, None, found.row),
            )  # fmt: skip
            part += 1
    if part == 0:
        rows.refused.add(found.row)


def _record(found: Found) -> str | None:
    id_ = found.resource.id or (found.full_url or "").rpartition("/")[2].rpartition(":")[2]
    return f"QuestionnaireResponse/{id_}" if id_ else None


def _asked(items: list[ResponseItem], reader: LinkReader) -> Iterator[Asked]:
    """Every declared question in the order of the form, however deep it is nested."""
    waiting = list(reversed(items))
    seen = 0
    while waiting and seen < _MOST_ITEMS:
        item = waiting.pop()
        seen += 1
        slot = reader.slot(item.linkId, item.definition)
        if slot is not None:
            yield Asked(item.linkId, slot, item.answer)
        if item.item:
            waiting.extend(reversed(item.item))
        for answer in item.answer:
            if answer.item:
                waiting.extend(reversed(answer.item))


def _sheets(asked: list[Asked], reader: LinkReader, row: int, rows: Rows) -> list[Sheet]:
    """Answers and totals by instrument; the instrument that the form is called after comes first."""
    shape = tuple(one.slot.code for one in asked)
    plan = reader.plans.get(shape)
    if plan is None:
        plan = instruments_of([one.slot for one in asked], reader.codes, reader.named)
        if len(reader.plans) < 1000:
            reader.plans[shape] = plan
    sheets: dict[str, Sheet] = {}
    for one in asked:
        name = plan.get(one.slot.code)
        if name is None:
            if one.slot.role == "total" and one.answers:
                rows.note(row, "item.answer", "ambiguous_instrument", "flagged")
            continue
        sheet = sheets.get(name)
        if sheet is None:
            instrument = reader.codes.instruments[name]
            count = instrument.items.count if instrument.items else 0
            sheet = sheets[name] = Sheet(instrument, [None] * count)
        if one.answers:
            _take(sheet, one, reader.codes, row, rows)
    if reader.named in sheets:
        return [sheets[reader.named], *(sheet for name, sheet in sheets.items() if name != reader.named)]
    return list(sheets.values())


def instruments_of(slots: list[Slot], codes: InstrumentCodes, named: str | None) -> dict[str, str]:
    """Which instrument each code of a form belongs to.

    Instruments that the form names (by its own code, a total or a panel) come first; of those that share an item, the
    one of which most items are there; of equals, the smaller: two questions of a PHQ-2 are a PHQ-2.

    Returns:
        Instrument by code; a code that stays open (a total that two instruments share) is left out.
    """
    known = set() if named is None else {named}
    for slot in slots:
        if slot.role != "item" and len(slot.targets) == 1:
            known.add(slot.targets[0].instrument)
    counts: dict[str, int] = {}
    for code, targets in {slot.code: slot.targets for slot in slots if slot.role == "item"}.items():
        del code
        for target in targets:
            counts[target.instrument] = counts.get(target.instrument, 0) + 1
    sizes = {name: one.items.count if one.items else 0 for name, one in codes.instruments.items()}
    found: dict[str, str] = {}
    for slot in slots:
        names = [target.instrument for target in slot.targets]
        if slot.role == "item":
            found[slot.code] = min(names, key=lambda one: (one not in known, -counts[one], sizes[one], one))
        elif len(names) == 1:
            found[slot.code] = names[0]
        else:
            wanted = [name for name in names if name in known or name in counts]
            if len(wanted) == 1:
                found[slot.code] = wanted[0]
    return found


def _take(sheet: Sheet, asked: Asked, codes: InstrumentCodes, row: int, rows: Rows) -> None:
    instrument = sheet.instrument
    target = next(one for one in asked.slot.targets if one.instrument == instrument.id)
    if asked.slot.role == "item":
        column = f"item.answer[{instrument.id}.{target.item}]"
        declared = codes.answers[instrument.id, target.item]
        stated = _agreed(
            [in_points(instrument, answer_value(one, declared, asked.slot.answers)) for one in asked.answers]
        )
        if stated.value is None:
            rows.note(row, column, stated.reason or "answer_unknown")
            return
        if sheet.items[target.item - 1] not in (None, stated.value):
            rows.note(row, column, "answer_unclear")  # asked twice, answered differently
            sheet.items[target.item - 1] = None
            return
        low, high = instrument.form.range_of(target.item)
        reason = out_of_range(stated.value, low, high)
        if reason is None and instrument.form.integer and stated.value != int(stated.value):
            reason = "non_integer"
        if reason is not None:
            sheet.reason, sheet.column = reason, column
        sheet.items[target.item - 1] = stated.value
        return
    stated = _agreed([answer_value(one, {}, {}) for one in asked.answers])
    try:
        unit = unit_of(instrument, stated.code, stated.unit)
    except KeyError:
        stated, unit = Stated(reason="unknown_unit"), None
    if stated.value is None:
        if asked.slot.role == "total":
            rows.note(row, f"item.answer[{instrument.id}]", stated.reason or "answer_unknown", "flagged")
        return
    sheet.totals.append((target.scale, stated.value, unit))


def _agreed(stated: list[Stated]) -> Stated:
    """One answer to one question; several that are equal are one, others none."""
    first = stated[0]
    return first if len(stated) == 1 or all(one == first for one in stated) else Stated(reason="answer_unclear")


def _check_totals(sheet: Sheet) -> None:
    """Without answers a total must stand alone, so it is checked like one of a table."""
    for scale, value, unit in sheet.totals:
        reason = check_value(sheet.instrument, sheet.instrument.scale(scale), value, unit)
        if reason is not None:
            sheet.reason, sheet.column = reason, f"item.answer[{sheet.instrument.id}]"


def _mode(response: QuestionnaireResponse) -> str | None:
    for one in response.extension:
        if one.url.lower().endswith(_MODE) and one.valueCodeableConcept is not None:
            for coding in one.valueCodeableConcept.coding:
                if coding.code:
                    return coding.code.lower()
    return None
