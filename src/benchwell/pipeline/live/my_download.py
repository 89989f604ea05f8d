"""Everything that is kept about a person, to take along: JSON for programs, CSV for tables, a document for people.

The content is told in two parts (METHODS M8.7): what the person provided and the scores recorded from it, which may be
handed to anybody else as they are (GDPR article 20); and what others wrote down or computed, which the person may see
with its explanation (article 15).
"""

from __future__ import annotations

import datetime as dt
import io
import json
import zipfile
from collections.abc import Sequence
from dataclasses import asdict, replace
from importlib import resources
from typing import Any

from benchwell import __version__
from benchwell.i18n import N_, _, current, day, number
from benchwell.pipeline.live.courses import MARK_WORDS
from benchwell.pipeline.live.my_data import MyLine, my_lines, my_purposes, my_record, standing, wants_expected
from benchwell.pipeline.live.my_words import decision_words, purpose_words, readers_said, shared_said
from benchwell.pipeline.live.printing import printed
from benchwell.pipeline.live.service import LiveService
from benchwell.pipeline.live.shared_editions import shared_editions
from benchwell.publish.document import Block, Document, Facts, Heading, Items, Note, Picture, Table, Text, lacks_letters
from benchwell.publish.spreadsheet import csv_lines
from benchwell.register.my_data import OwnAnswers, OwnRecord, OwnScore
from benchwell.signals.therapy_words import therapy_words
from benchwell.terms import Purpose

FORMAT = "benchwell-my-data"
_VERSION = 1
_Row = dict[str, Any]


def schema_text() -> str:
    """The JSON Schema of the download, with a description of each part."""
    return (resources.files("benchwell.publish") / "documents" / "my-data.schema.json").read_text(encoding="utf-8")


def everything(service: LiveService, person_id: str, now: float) -> dict[str, Any]:
    """All of a person's data, as `my-data.schema.json` describes it.

    Args:
        service: The live service.
        person_id: Whose.
        now: Seconds since 1970-01-01 UTC.
    """
    record = my_record(service, person_id)
    first = min((one.date for one in record.answers), default=None)
    shared = shared_editions(service.workspace, standing(record.decisions), first)
    return {
        "format": FORMAT,
        "version": _VERSION,
        "made_at": _instant(now),
        "made_by": {"program": "benchwell", "version": __version__, "workspace": service.workspace.settings.id},
        "provided_and_recorded": {
            "person": {"id": record.person_id, "birth_year": record.birth_year, "language": record.language},
            "questionnaires": [_questionnaire(one) for one in record.answers],
            "decisions": [
                {
                    "receipt": one.id,
                    "purpose": one.purpose,
                    "decision": one.decision,
                    "holds_from": one.date.isoformat(),
                    "decided_at": _instant(one.decided_at),
                    "text_version": one.text_version,
                    "decided_by": one.decided_by,
                }
                for one in record.decisions
            ],
            "choices": dict(sorted(record.choices.items())),
            "deletion_requests": [
                {"receipt": one.id, "asked_at": _instant(one.asked_at), "state": one.state, "reason": one.reason}
                for one in record.deletions
            ],
        },
        "written_or_computed_by_others": {
            "label": record.label,
            "courses": [_dated(asdict(one)) for one in record.courses],
            "contacts": [
                {"date": date.isoformat(), "time": hour, "kind": kind, "attended": attended}
                for date, hour, kind, attended in record.contacts
            ],
            "marks": [{"date": date.isoformat(), "kind": kind, "note": note} for date, kind, note in record.marks],
            "safety_prompts": [
                {"raised_at": _instant(at), "item": item, "action": action} for at, item, action in record.prompts
            ],
            "statements": [_statement(one) for one in my_lines(service, record)],
            "expected_course_wanted": wants_expected(record),
            "read_by": [
                {"date": date, "who": who, "what": what} for date, who, what in readers_said(service, person_id)
            ],
            "editions": [
                {
                    "edition": one.edition,
                    "as_of": one.as_of.isoformat(),
                    "purpose": one.purpose.value,
                    "allowed": one.counted,
                    "since": one.since.isoformat() if one.since else None,
                }
                for one in shared
            ],
        },
    }


def download_json(service: LiveService, person_id: str, now: float) -> bytes:
    """All of a person's data as JSON."""
    found = everything(service, person_id, now)
    return (json.dumps(found, ensure_ascii=False, indent=2) + "\n").encode()


def download_csv(service: LiveService, person_id: str, now: float) -> bytes:
    """All of a person's data as tables in a zip; no cell is read as a formula by a spreadsheet."""
    found = everything(service, person_id, now)
    own, others = found["provided_and_recorded"], found["written_or_computed_by_others"]
    questionnaires = own["questionnaires"]
    tables: dict[str, list[_Row]] = {
        "person": [
            own["person"] | {name: others[name] for name in ("label", "expected_course_wanted")},
        ],
        "questionnaires": [{k: v for k, v in one.items() if k not in ("answers", "scores")} for one in questionnaires],
        "answers": [{"questionnaire": one["id"]} | row for one in questionnaires for row in one["answers"]],
        "scores": [{"questionnaire": one["id"]} | row for one in questionnaires for row in one["scores"]],
        "decisions": own["decisions"],
        "choices": [{"name": name, "value": value} for name, value in own["choices"].items()],
        "deletion_requests": own["deletion_requests"],
        **{name: rows for name, rows in others.items() if isinstance(rows, list)},
    }
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as folder:
        _put(folder, "README.txt", _readme([name for name, rows in tables.items() if rows]))
        for name, rows in tables.items():
            if rows:
                _put(folder, f"{name}.csv", _csv(rows))
    return packed.getvalue()


_FILES = {
    "person": N_("who you are here"),
    "questionnaires": N_("each questionnaire, and when it came"),
    "answers": N_("each answer; “questionnaire” is the id in questionnaires.csv"),
    "scores": N_("what was counted from the answers"),
    "decisions": N_("what you decided, and on which text"),
    "choices": N_("what you switched on or off"),
    "deletion_requests": N_("your requests to delete"),
    "courses": N_("your treatment"),
    "contacts": N_("your appointments"),
    "marks": N_("what happened on the way"),
    "safety_prompts": N_("answers that were shown to the people who treat you at once"),
    "statements": N_("what the page says about your scores"),
    "read_by": N_("who has looked"),
    "editions": N_("figures about groups, and whether your scores were allowed in them"),
}


def download_document(service: LiveService, person_id: str, now: float) -> Document:
    """All of a person's data, to read and print, in the language being spoken."""
    record = my_record(service, person_id)
    today = dt.datetime.fromtimestamp(now).date()
    blocks: list[Block] = [Text(_("Everything that is kept here about you, as of {day}.").format(day=day(today)))]
    lines = my_lines(service, record)
    blocks += [Heading(_("My course")), *(block for line in lines for block in _line_blocks(line))]
    if not lines:
        blocks.append(Text(_("There are no scores yet. After your first questionnaire you see your own line here.")))
    blocks += [Heading(_("My answers")), *_answer_blocks(service, record)]
    blocks += [Heading(_("What my data may be used for"))]
    blocks += [Facts(tuple((one.words.title, one.said) for one in my_purposes(service, record.decisions, today)))]
    blocks += _tables(service, record)
    made = Document(_("My data"), current(), f"Benchwell · {day(today)}", tuple(blocks))
    if not lacks_letters(made):
        return made
    boxes = Note(
        _("□ stands for a letter that cannot be printed here. The files with tables and for programs hold it.")
    )
    return replace(made, blocks=(*made.blocks, boxes))


def _questionnaire(one: OwnAnswers) -> _Row:
    return {
        "id": one.id,
        "course": one.course_id,
        "instrument": one.instrument,
        "date": one.date.isoformat(),
        "time": one.time,
        "stated_total": one.total,
        "stated_scale": one.scale,
        "unit": one.unit,
        "language": one.language,
        "informant": one.informant,
        "mode": one.mode,
        "entered_by": one.source,
        "received_at": _instant(one.received_at),
        "answers": [{"item": place, "value": value} for place, value in enumerate(one.items or (), start=1)],
        "scores": [asdict(score) for score in one.scores],
    }


def _statement(line: MyLine) -> _Row:
    return {
        "questionnaire": line.name,
        "meaning": line.meaning,
        "latest": line.latest,
        "change": line.change,
        "expected": line.expected or None,
    }


def _dated(row: _Row) -> _Row:
    return {name: value.isoformat() if isinstance(value, dt.date) else value for name, value in row.items()}


def _instant(at: float) -> str:
    return dt.datetime.fromtimestamp(at, tz=dt.UTC).isoformat(timespec="seconds")


def _put(folder: zipfile.ZipFile, name: str, content: str) -> None:
    folder.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content.encode("utf-8"))


def _readme(names: Sequence[str]) -> str:
    """What is in the folder, file by file, for whoever opens it."""
    words = _(
        "Everything that is kept here about you, as tables. You can open each file with a spreadsheet. A file that "
        "would be empty is left out."
    )
    small = _(
        "Each file is one table, in UTF-8, with commas. Words that a spreadsheet could take for a formula begin with "
        "an apostrophe. The same data for other programs: the JSON file, which is described at /my/schema.json."
    )
    files = "\r\n".join(f"{name}.csv: {_(_FILES[name])}" for name in names)
    return f"\ufeff{words}\r\n\r\n{files}\r\n\r\n{small}\r\n"


def _csv(rows: list[_Row]) -> str:
    # A spreadsheet reads UTF-8 only where the file says so.
    return "\ufeff" + csv_lines([tuple(rows[0]), *(tuple(row.values()) for row in rows)])


def _line_blocks(line: MyLine) -> list[Block]:
    blocks: list[Block] = [Heading(line.name, 2), Text(line.meaning), Text(line.latest)]
    picture = printed(line.chart)
    # The finding stands once: below the picture, or as a sentence where there is none.
    blocks.append(Text(line.change) if picture is None else Picture(picture, line.chart.text, line.change))
    if picture is not None and line.chart.key:
        blocks.append(Text(line.chart.key))
    if line.chart.rows:
        blocks.append(Table(line.chart.caption, line.chart.columns, line.chart.rows))
    return [*blocks, Text(line.expected)] if line.expected else blocks


def _answer_blocks(service: LiveService, record: OwnRecord) -> list[Block]:
    if not record.answers:
        return [Text(_("There are none."))]
    rows = tuple(
        (
            day(one.date),
            _name_of(service, one.instrument),
            ", ".join("–" if value is None else _plain(value) for value in one.items or ()) or "–",
            ", ".join(_score_words(service, one.instrument, score) for score in one.scores) or "–",
        )
        for one in record.answers
    )
    columns = (_("Day"), _("Questionnaire"), _("Answers, in their order"), _("Scores"))
    return [Table(_("Each questionnaire as it was answered"), columns, rows)]


def _name_of(service: LiveService, instrument: str) -> str:
    known = service.workspace.registry.instruments.get(instrument)
    return _(known.title) if known else instrument


def _score_words(service: LiveService, instrument: str, score: OwnScore) -> str:
    """A score with the name of its scale, where the questionnaire has several."""
    known = service.workspace.registry.instruments.get(instrument)
    scale = next((one for one in known.scales if one.id == score.scale), None) if known else None
    value = _plain(score.value)
    return (
        value if scale and known and len(known.scales) == 1 else f"{_(scale.title) if scale else score.scale}: {value}"
    )


def _tables(service: LiveService, record: OwnRecord) -> list[Block]:
    first = min((one.date for one in record.answers), default=None)
    parts: list[tuple[str, str, tuple[str, ...], tuple[tuple[str, ...], ...]]] = [
        (
            _("My decisions"),
            _("Each decision, with its text and the number of its receipt"),
            (_("Day"), _("Purpose"), _("Decision"), _("Text"), _("Receipt")),
            tuple(
                (day(o.date), purpose_words(Purpose(o.purpose)), decision_words(o.decision), o.text_version, o.id)
                for o in record.decisions
            ),
        ),
        (
            _("My treatment"),
            _("Each course of treatment, as your clinic wrote it down"),
            (_("From"), _("To"), _("Where"), _("With"), _("Why"), _("How")),
            tuple(
                (
                    day(o.start_date) if o.start_date else "–",
                    day(o.end_date) if o.end_date else "–",
                    *(
                        value or "–"
                        for value in (o.organization, o.practitioner, o.condition, therapy_words(o.therapy))
                    ),
                )
                for o in record.courses
            ),
        ),
        (
            _("What happened on the way"),
            _("What your clinic noted, by day"),
            (_("Day"), _("What"), _("Note")),
            tuple((day(date), _(MARK_WORDS.get(kind, kind)), note or "–") for date, kind, note in record.marks),
        ),
        (
            _("Who has looked"),
            _("Each time that somebody opened your record, the newest first; your own visits are left out"),
            (_("When"), _("Who"), _("What they did")),
            readers_said(service, record.person_id),
        ),
        (
            _("What was shared when"),
            _("Figures that were put together since your first score"),
            (_("Day"), _("For what"), _("Your scores"), _("Edition")),
            shared_said(shared_editions(service.workspace, standing(record.decisions), first)),
        ),
    ]
    blocks: list[Block] = []
    for title, caption, columns, rows in parts:
        blocks += [Heading(title), Table(caption, columns, rows) if rows else Text(_("There are none."))]
    contacts = tuple(f"{day(date)}, {hour}" if hour else day(date) for date, hour, _kind, _attended in record.contacts)
    blocks += [Heading(_("Appointments")), Items(contacts) if contacts else Text(_("There are none."))]
    return [*blocks, Note(_("You can ask your clinic to correct what is wrong, and to delete it."))]


def _plain(value: float | None) -> str:
    return "–" if value is None else number(value, 0 if value == int(value) else 1)
