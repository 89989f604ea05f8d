"""One posted body: the decoder and mappers of files, and a short way past the folding where there is nothing to fold.

Nearly every post is one questionnaire, or one score. What several records of one person may say of each other is what
folding is for (`folding`, in SQL); a body without such records gives the same rows at once, in a fraction of a
millisecond. Everything else takes the way of files, and a property test holds the two to the same.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

import msgspec

from benchwell.intake.fhir.assessment_mappers import MAPPERS
from benchwell.intake.fhir.decode import Bundle, decode
from benchwell.intake.fhir.forms import Forms
from benchwell.intake.fhir.raw_assessments import RAW, SCHEMA
from benchwell.intake.fhir.read import read_fhir_bytes
from benchwell.intake.fhir.references import References
from benchwell.intake.fhir.resources import Observation, QuestionnaireResponse
from benchwell.intake.fhir.rows import Context, Finding, Found, Rows
from benchwell.intake.fhir.unpack import Piece, unpack
from benchwell.intake.reasons import REASONS
from benchwell.intake.scores import is_converted
from benchwell.registry import Instrument, Registry

_SHORT: Final = (QuestionnaireResponse, Observation)
_NO_FORMS: Final = Forms()  # one for all posts, so that compiled readers of forms are kept
_COLUMN: Final = {name: place for place, name in enumerate(SCHEMA.names)}
_BREAKS: Final = bytes.maketrans(b"\r\n", b"  ")


@dataclass(frozen=True)
class PostedForm:
    """One assessment that a body states; attributes as in `tables.CANONICAL["assessments"]`.

    Attributes:
        assessment_id: `QuestionnaireResponse/x`, or `QuestionnaireResponse/x#gad-7` for a second instrument in it.
        source_row: Which entry of the Bundle it stands in; 1 for a single resource.
        encounter_id: In which contact; only where the body is read the short way.
    """

    assessment_id: str
    source_row: int
    patient_id: str | None = None
    episode_id: str | None = None
    instrument: str | None = None
    scale: str | None = None
    language: str | None = None
    informant: str | None = None
    mode: str | None = None
    date: dt.date | None = None
    time: str | None = None
    items: tuple[float | None, ...] | None = None
    total: float | None = None
    unit: str | None = None
    derived_from: str | None = None
    retracted: bool = False
    encounter_id: str | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Posted:
    """What a body states.

    Attributes:
        forms: Assessments, by id.
        findings: What was refused, corrected or flagged: entry, FHIR path, reason; never a value.
        read: Resources read; those of types that are not read do not count.
        notes: What was decided, in words.
    """

    forms: tuple[PostedForm, ...]
    findings: tuple[Finding, ...]
    read: int
    notes: tuple[str, ...] = ()


def decode_posted(body: bytes, registry: Registry, as_of: dt.date) -> Posted:
    """Read one posted body: a QuestionnaireResponse, an Observation, or a Bundle.

    A resource without an id, as FHIR's "create" has it, gets one from its content: the same again is the same record.

    Args:
        body: UTF-8 JSON, one document.
        registry: Declarations.
        as_of: Later days are refused.

    >>> body = b'{"resourceType":"QuestionnaireResponse","status":"completed"}'
    >>> decode_posted(body, Registry.load(), dt.date(2026, 6, 1)).forms
    ()
    """
    short = decode_quickly(body, registry, as_of)
    return _long_way(with_ids(_in_one_line(body)), registry, as_of) if short is None else short


def decode_quickly(body: bytes, registry: Registry, as_of: dt.date) -> Posted | None:
    """The same, if it takes less than a moment; null for a body in which records might have to be put together."""
    return _short_way(_in_one_line(body), registry, as_of)


def says_something(body: bytes, registry: Registry, as_of: dt.date) -> bool:
    """Whether a questionnaire or score states anything that is read, if only a part of a record or a fault."""
    found = _resources(_in_one_line(body))
    if found is None:
        posted = decode_posted(body, registry, as_of)
        return bool(posted.forms or posted.findings)
    rows = _mapped(found, registry, as_of)
    return bool(rows.tables or rows.findings)


def _in_one_line(body: bytes) -> bytes:
    """No line end stands within a text of JSON, so a body is one document however it is laid out."""
    return body.removeprefix(b"\xef\xbb\xbf").translate(_BREAKS)


def with_ids(body: bytes) -> bytes:
    """A body in which each questionnaire and score has an id; as it is if there is nothing to add."""
    try:
        whole = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return body
    if not isinstance(whole, dict):
        return body
    entries = whole.get("entry") if whole.get("resourceType") == "Bundle" else None
    if isinstance(entries, list):
        lone = [one.get("resource") for one in entries if isinstance(one, dict) and not one.get("fullUrl")]
    else:
        lone = [whole]
    added = [_name(one) for one in lone if isinstance(one, dict) and _is_nameless(one)]
    return msgspec.json.encode(whole) if added else body


def _is_nameless(resource: dict[str, Any]) -> bool:
    return resource.get("resourceType") in ("QuestionnaireResponse", "Observation") and "id" not in resource


def _name(resource: dict[str, Any]) -> str:
    resource["id"] = id_ = _id_by_content(msgspec.json.encode(resource, order="sorted"))
    return id_


def _id_by_content(content: bytes) -> str:
    return f"bw-{hashlib.sha256(content).hexdigest()[:40]}"


def _short_way(body: bytes, registry: Registry, as_of: dt.date) -> Posted | None:
    """Null for everything in which records might have to be put together."""
    found = _resources(body)
    if found is None:
        return None
    rows = _mapped(found, registry, as_of)
    if rows.tables.keys() - {RAW}:
        return None
    raw = rows.tables.get(RAW, [])
    if not _stand_alone(raw):
        return None
    forms = [_form(row, registry, rows) for row in raw]
    findings = sorted({(one.row, one.column, one.reason, one.action) for one in rows.findings})
    return Posted(
        tuple(sorted(forms, key=lambda form: form.assessment_id)),
        tuple(Finding(*one) for one in findings),
        len(found),
    )


def _resources(body: bytes) -> list[tuple[Found, References | None]] | None:
    """Questionnaires and scores with ids; null if there is anything else."""
    content = decode(body)
    if isinstance(content, _SHORT):
        if not content.id:
            named = decode(with_ids(body))
            return [(Found(named, 1), None)] if isinstance(named, _SHORT) and named.id else None
        return [(Found(content, 1), None)]
    if not isinstance(content, Bundle) or content.type == "history":
        return None
    found: list[tuple[Found, References | None]] = []
    for row in unpack(Piece(0, "document", body), References()):
        for one in row:
            if not isinstance(one.content, _SHORT) or not one.content.id:
                return None
            found.append((Found(one.content, one.row, one.full_url), one.references))
    return found


def _mapped(found: Iterable[tuple[Found, References | None]], registry: Registry, as_of: dt.date) -> Rows:
    context, rows = Context(registry, References(), _NO_FORMS, as_of), Rows()
    for one, references in found:
        MAPPERS[type(one.resource)](
            one, context if references is None else Context(registry, references, _NO_FORMS, as_of), rows
        )
    return rows


def _stand_alone(raw: Iterable[tuple[Any, ...]]) -> bool:
    """Whether no row may have to do with another one: no links, no single answers, nothing that stands twice."""
    sheets: set[tuple[str, str]] = set()
    records: dict[str, int] = {}
    for count, row in enumerate(raw):
        kind, record, part = row[_COLUMN["kind"]], row[_COLUMN["record"]], row[_COLUMN["part"]]
        if row[_COLUMN["links"]] or row[_COLUMN["members"]] or kind not in ("form", "score"):
            return False
        if part == 0 and record in records:
            return False
        records[record] = part
        sheet = (row[_COLUMN["patient_id"]], row[_COLUMN["instrument"]])
        if sheet in sheets or (row[_COLUMN["retracted"]] and count):
            return False
        sheets.add(sheet)
    return True


def _form(row: tuple[Any, ...], registry: Registry, rows: Rows) -> PostedForm:
    said = dict(zip(SCHEMA.names, row, strict=True))
    record, place = said["record"], said["source_row"]
    if said["retracted"]:
        return PostedForm(record, place, retracted=True)
    instrument = registry.instruments[said["instrument"]]
    items, total = _items(instrument, said["items"]), said["total"]
    if items is not None and total is not None:
        if sum(one is None for one in items) > instrument.max_missing_of(instrument.primary):
            rows.note(place, "item", "too_few_answers", REASONS["too_few_answers"].action)
            items = None
        else:
            _compare(instrument, items, said, rows)
    return PostedForm(
        _id(said),
        place,
        patient_id=said["patient_id"],
        instrument=instrument.id,
        scale=said["scale"],
        language=said["language"],
        informant=said["informant"],
        mode=said["mode"],
        date=said["date"],
        time=said["time"],
        items=items,
        total=total,
        unit=said["unit"],
        encounter_id=said["encounter_id"],
    )


def _items(instrument: Instrument, items: list[float | None] | None) -> tuple[float | None, ...] | None:
    if items is None or instrument.items is None or all(one is None for one in items):
        return None
    return tuple(items)


def _compare(instrument: Instrument, items: tuple[float | None, ...], said: dict[str, Any], rows: Rows) -> None:
    """Note a total that differs from what complete answers plainly add up to."""
    if said["unit"] is not None or said["scale"] is not None:
        return
    used = _plain_items(instrument)
    if used is None:
        return
    given = [items[item - 1] for item in used]
    if any(one is None for one in given):
        return
    reverse = instrument.form.reverse
    keyed = [
        sum(instrument.form.range_of(item)) - (value or 0.0) if item in reverse else (value or 0.0)
        for item, value in zip(used, given, strict=True)
    ]
    reported = sum(keyed) if instrument.primary.method == "sum" else sum(keyed) / len(keyed)
    if abs(reported - said["total"]) > 1e-6:
        rows.note(said["source_row"], "total", "total_differs", REASONS["total_differs"].action)


def _plain_items(instrument: Instrument) -> tuple[int, ...] | None:
    """The items of a primary scale that plainly adds up or averages its answers; null for any other."""
    scale = instrument.primary
    if is_converted(scale) or scale.recode or scale.highest_of:
        return None
    return scale.items or tuple(range(1, instrument.form.count + 1))


def _id(said: dict[str, Any]) -> str:
    if said["part"] == 0:
        return str(said["record"])
    named = said["instrument"] if said["scale"] is None else f"{said['instrument']}.{said['scale']}"
    return f"{said['record']}#{named}"


def _long_way(body: bytes, registry: Registry, as_of: dt.date) -> Posted:
    part = read_fhir_bytes(body, registry, as_of=as_of)
    table = part.tables.get("assessments")
    known = _names()
    forms = []
    for row in [] if table is None else table.to_pylist():
        items = row.pop("items")
        values = {name: value for name, value in row.items() if name in known}
        values["retracted"] = bool(values["retracted"])
        forms.append(PostedForm(**values, items=None if items is None else tuple(items)))
    findings = tuple(
        Finding(one["row"], one["column"], one["reason"], one["action"]) for one in part.rejections.to_pylist()
    )
    return Posted(tuple(forms), findings, part.counts.read, part.notes)


@lru_cache(maxsize=1)
def _names() -> frozenset[str]:
    return frozenset(PostedForm.__dataclass_fields__) - {"items", "encounter_id"}
