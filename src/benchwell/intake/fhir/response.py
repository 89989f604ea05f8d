"""QuestionnaireResponse to raw rows: one for each instrument that the form holds."""

from __future__ import annotations

from dataclasses import dataclass, field
from operator import attrgetter

from benchwell.intake.fhir.answers import Stated, answer_value, in_points
from benchwell.intake.fhir.edition import edition_of
from benchwell.intake.fhir.forms import LinkReader, Readers
from benchwell.intake.fhir.instrument_codes import Cell, InstrumentCodes, Slot, cell_of, check_value, unit_of
from benchwell.intake.fhir.raw_assessments import RAW, informant_of, known_when, patient_of, record_of, retracted_row
from benchwell.intake.fhir.resources import Answer, QuestionnaireResponse, ResponseItem
from benchwell.intake.fhir.rows import Context, Found, Rows
from benchwell.intake.fhir.when import When, read_when
from benchwell.registry import Instrument

_STANDING = {"completed": 1, "amended": 2}
_MODE = "/questionnaireresponse-completionmode"
_PLANS = 1000  # shapes of forms that a reader remembers
_FAST_SYSTEMS = (None, "http://loinc.org")
_OTHER_VALUES = attrgetter(
    "valueInteger", "valueDecimal", "valueQuantity", "valueString", "valueBoolean", "valueDate", "valueDateTime"
)
_NONE = (None,) * 7


@dataclass
class Sheet:
    """What a response says of one instrument."""

    instrument: Instrument
    items: list[float | None]
    totals: list[tuple[str | None, float, str | None]] = field(default_factory=list)  # scale, value, unit
    reason: str | None = None  # why nothing of it may come in
    column: str = "item.answer"
    unclear: set[int | str | None] = field(default_factory=set)  # items (by place) and scales that say two things


def map_response(found: Found, context: Context, rows: Rows, readers: Readers) -> None:
    """Add the raw rows of one response, or a finding why there are none.

    `completed` and `amended` count; `entered-in-error` takes the whole response back; `in-progress` and `stopped` are
    forms that nobody finished. A response without any declared instrument adds nothing and is no finding.
    """
    response = found.resource
    if not isinstance(response, QuestionnaireResponse):
        raise TypeError(f"{type(response).__name__} is no QuestionnaireResponse")
    record = record_of(found, "QuestionnaireResponse")
    if record is None:
        rows.refuse(found.row, "id", "missing_id")
    elif response.status == "entered-in-error":
        patient = context.references.id_of(response.subject, "Patient")
        rows.add(RAW, retracted_row(record, "form", response.meta, patient, found.row))
    else:
        reader = readers.of(response)
        plain = _plain_sheet(response.item, reader, found.row, rows)
        if plain is not None:
            if (about := _about(response, found.row, context, rows)) is not None:
                _add(found, record, *about, [plain], context, rows)
            return
        slots, answers = _asked(response.item, reader)
        if slots and (about := _about(response, found.row, context, rows)) is not None:
            _add(found, record, *about, _sheets(slots, answers, reader, found.row, rows), context, rows)


def sheets_of(response: QuestionnaireResponse, reader: LinkReader, rows: Rows) -> list[Sheet]:
    """What a response says of each declared instrument in it, whoever and whenever it was.

    Args:
        response: As decoded.
        reader: Of its form.
        rows: Receives findings.
    """
    plain = _plain_sheet(response.item, reader, 0, rows)
    if plain is not None:
        return [plain]
    slots, answers = _asked(response.item, reader)
    return _sheets(slots, answers, reader, 0, rows) if slots else []


def _about(response: QuestionnaireResponse, row: int, context: Context, rows: Rows) -> tuple[str, When] | None:
    """Whose it is and when it was; null with a finding if that cannot be said, or it is not finished."""
    if response.status not in _STANDING:
        rows.refuse(row, "status", "not_finished")
        return None
    patient = patient_of(response, row, context, rows)
    if patient is None:
        return None
    when = known_when(read_when(response.authored), "authored", row, context, rows)
    return None if when is None else (patient, when)


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
            check_totals(sheet)
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


def _asked(items: list[ResponseItem], reader: LinkReader) -> tuple[list[Slot], list[list[Answer]]]:
    """Every declared question in the order of the form, however deep it is nested, with its answers."""
    slots: list[Slot] = []
    answers: list[list[Answer]] = []
    waiting = items[::-1]
    while waiting:
        item = waiting.pop()
        slot = reader.slot(item.linkId, item.definition)
        if slot is not None:
            slots.append(slot)
            answers.append(item.answer)
        if item.item:
            waiting.extend(reversed(item.item))
        for answer in item.answer:
            if answer.item:
                waiting.extend(reversed(answer.item))
    return slots, answers


def _sheets(slots: list[Slot], answers: list[list[Answer]], reader: LinkReader, row: int, rows: Rows) -> list[Sheet]:
    """Answers and totals by instrument; the instrument that the form is called after comes first."""
    shape = tuple(map(id, slots))  # slots live as long as their reader
    plan = reader.plans.get(shape)
    if plan is None:
        plan = _plan(slots, reader)
        if len(reader.plans) < _PLANS:
            reader.plans[shape] = plan
    sheets: dict[str, Sheet] = {}
    for slot, cell, given in zip(slots, plan, answers, strict=True):
        if cell is None:
            if slot.role == "total" and given:
                rows.note(row, "item.answer", "ambiguous_instrument", "flagged")
            continue
        sheet = sheets.get(cell.instrument.id)
        if sheet is None:
            count = cell.instrument.items.count if cell.instrument.items else 0
            sheet = sheets[cell.instrument.id] = Sheet(cell.instrument, [None] * count)
        if given:
            _take(sheet, cell, slot.role, given, row, rows)
    if reader.named in sheets:
        return [sheets[reader.named], *(sheet for name, sheet in sheets.items() if name != reader.named)]
    return list(sheets.values())


def _take(sheet: Sheet, cell: Cell, role: str, answers: list[Answer], row: int, rows: Rows) -> None:
    if not cell.item:
        _take_total(sheet, cell, role, answers, row, rows)
        return
    if len(answers) == 1 and sheet.items[cell.item - 1] is None and not sheet.unclear:  # one answer: nearly always
        coding, extension = answers[0].valueCoding, answers[0].extension
        if coding is not None and not extension and not coding.extension and coding.system in _FAST_SYSTEMS:
            value = cell.fast.get(coding.code or "")
            if value is not None and _OTHER_VALUES(answers[0]) == _NONE:
                sheet.items[cell.item - 1] = value
                return
    _take_answer(sheet, cell, answers, row, rows)


def _plan(slots: list[Slot], reader: LinkReader) -> list[Cell | None]:
    """For each question of a form what it means for one instrument; null where that stays open."""
    found = instruments_of(slots, reader.codes, reader.named)
    return [cell_of(slot, found[slot.code], reader.codes) if slot.code in found else None for slot in slots]


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
    for targets in {slot.code: slot.targets for slot in slots if slot.role == "item"}.values():
        for target in targets:
            counts[target.instrument] = counts.get(target.instrument, 0) + 1
    found: dict[str, str] = {}
    for slot in slots:
        names = [target.instrument for target in slot.targets]
        if slot.role == "item":
            found[slot.code] = min(names, key=lambda one: (one not in known, -counts[one], codes.sizes[one], one))
        elif len(names) == 1:
            found[slot.code] = names[0]
        else:
            wanted = [name for name in names if name in known or name in counts]
            if len(wanted) == 1:
                found[slot.code] = wanted[0]
    return found


def _take_answer(sheet: Sheet, cell: Cell, answers: list[Answer], row: int, rows: Rows) -> None:
    place, column = cell.item - 1, f"item.answer[{cell.instrument.id}.{cell.item}]"
    stated = _agreed([in_points(cell.instrument, answer_value(one, cell.declared, cell.form)) for one in answers])
    if stated.value is None:
        rows.note(row, column, stated.reason or "answer_unknown", "flagged")
        sheet.unclear.add(place)
    elif sheet.items[place] not in (None, stated.value):
        rows.note(row, column, "answer_unclear")  # asked twice, answered differently
        sheet.unclear.add(place)
    if place in sheet.unclear:
        sheet.items[place] = None  # and stays so, whatever a third answer says
        return
    assert stated.value is not None  # noqa: S101  else it is unclear
    reason = cell.impossible(stated.value)
    if reason is not None:
        sheet.reason, sheet.column = reason, column
    sheet.items[place] = stated.value


def _take_total(sheet: Sheet, cell: Cell, role: str, answers: list[Answer], row: int, rows: Rows) -> None:
    column = f"item.answer[{cell.instrument.id}]"
    stated = _agreed([answer_value(one, {}, {}) for one in answers])
    try:
        unit = unit_of(cell.instrument, stated.code, stated.unit)
    except KeyError:
        stated, unit = Stated(reason="unknown_unit"), None
    if stated.value is None:
        if role == "total":
            rows.note(row, column, stated.reason or "answer_unknown", "flagged")
        return
    total = (cell.scale, stated.value, unit)
    if any(one[0] == cell.scale and one != total for one in sheet.totals):
        rows.note(row, column, "answer_unclear")  # two totals of one scale: neither counts
        sheet.unclear.add(cell.scale)
        sheet.totals = [one for one in sheet.totals if one[0] != cell.scale]
    if cell.scale not in sheet.unclear and total not in sheet.totals:
        sheet.totals.append(total)


def _agreed(stated: list[Stated]) -> Stated:
    """One answer to one question; several that are equal are one, others none."""
    first = stated[0]
    return first if len(stated) == 1 or all(one == first for one in stated) else Stated(reason="answer_unclear")


def check_totals(sheet: Sheet) -> None:
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


def _plain_sheet(items: list[ResponseItem], reader: LinkReader, row: int, rows: Rows) -> Sheet | None:
    """The short way for nearly every response: one instrument, each question with one declared answer.

    Returns:
        What `_sheets` would say of it; null, and nothing noted, for everything that has to be looked at more closely.
    """
    cells = _plain_cells(items, reader)
    if cells is None:
        return None
    instrument = next(cell.instrument for cell in cells if cell is not None)
    sheet = Sheet(instrument, [None] * (instrument.items.count if instrument.items else 0))
    totals = []
    for item, cell in zip(items, cells, strict=True):
        answers = item.answer
        if item.item or len(answers) > 1 or (cell is None and item.definition):
            return None
        if answers and cell is not None and cell.item:
            if not _take_plain(sheet.items, cell, answers[0]):
                return None
        elif answers and answers[0].item:
            return None
        elif answers and cell is not None:
            totals.append((cell, answers))
    for cell, answers in totals:  # last, since they may leave notes
        _take_total(sheet, cell, "total", answers, row, rows)
    return sheet


def _take_plain(values: list[float | None], cell: Cell, answer: Answer) -> bool:
    """Take one declared code of LOINC with nothing beside it; false if the answer is anything else."""
    coding = answer.valueCoding
    if coding is None or coding.extension or coding.system not in _FAST_SYSTEMS:
        return False
    value = cell.fast.get(coding.code or "")
    # One comparison for all other members of the answer.
    if value is None or values[cell.item - 1] is not None or answer != Answer(valueCoding=coding):
        return False
    values[cell.item - 1] = value
    return True


def _plain_cells(items: list[ResponseItem], reader: LinkReader) -> list[Cell | None] | None:
    """What each question of a form means, by its link ids alone; null unless one instrument is asked for."""
    shape = tuple([item.linkId for item in items])
    if shape in reader.plain:
        return reader.plain[shape]
    slots = [reader.slot(link_id) for link_id in shape]
    asked = [slot for slot in slots if slot is not None]
    plan = iter(_plan(asked, reader))
    cells = [None if slot is None else next(plan) for slot in slots]
    known = [cell for cell in cells if cell is not None]
    panels = any(slot.role == "panel" for slot in asked)
    alone = len({cell.instrument.id for cell in known}) == 1 and len(known) == len(asked) and not panels
    found = cells if alone else None
    if len(reader.plain) < _PLANS:
        reader.plain[shape] = found
    return found
