"""Our own table to fill in: needs no mapping, and every column says what it is."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import xlsxwriter

from benchwell.errors import SourceError

ITEM_COLUMNS = 21  # as many as the longest common questionnaire of a practice; more may be added


@dataclass(frozen=True)
class TemplateColumn:
    """One column: its header, whether it must be filled, what it means, an example, and the table it feeds."""

    name: str
    needed: bool
    text: str
    example: str
    table: str
    field: str


_PERSON, _SCORE, _COURSE, _PLACE = "patients", "assessments", "episodes", "organizations"

TEMPLATE_COLUMNS: tuple[TemplateColumn, ...] = (
    TemplateColumn("patient_id", True, "Your own code for the person. Never a name.", "p01", _PERSON, "patient_id"),
    TemplateColumn("date", True, "Day of the questionnaire: YYYY-MM-DD, or a date cell.", "2026-01-15", _SCORE, "date"),
    TemplateColumn("instrument", True, "Which questionnaire; `benchwell instruments` lists them.", "phq-9", _SCORE,
                   "instrument"),
    TemplateColumn("total", False, "Total score. Leave empty if you enter the answers.", "14", _SCORE, "total"),
    TemplateColumn("unit", False, "Only where a total can be read in two ways: raw or reported (WHO-5, PROMIS).", "raw",
                   _SCORE, "unit"),
    TemplateColumn("time", False, "Clock time HH:MM, if there are two forms on one day.", "09:30", _SCORE, "time"),
    TemplateColumn("episode_id", False, "Your code for this course of therapy. Empty: one course per person.", "c1",
                   _COURSE, "episode_id"),
    TemplateColumn("start_date", False, "First day of the course. Empty: day of the first score.", "2026-01-08",
                   _COURSE, "start_date"),
    TemplateColumn("end_date", False, "Last day of the course; empty while it goes on.", "2026-06-30", _COURSE,
                   "end_date"),
    TemplateColumn("end_reason", False, "Why it ended: completed, dropped_out, referred, moved, died …", "completed",
                   _COURSE, "end_reason"),
    TemplateColumn("therapy", False, "Kind of therapy.", "cbt", _COURSE, "therapy"),
    TemplateColumn("condition", False, "What it is for.", "depression", _COURSE, "condition"),
    TemplateColumn("format", False, "individual, group, family or digital.", "individual", _COURSE, "format"),
    TemplateColumn("mode", False, "in_person, telehealth, digital or hybrid.", "in_person", _COURSE, "mode"),
    TemplateColumn("clinic", False, "Code of the clinic. Empty everywhere: one practice.", "north", _PLACE,
                   "organization_id"),
    TemplateColumn("clinician", False, "Code of the clinician.", "t1", _COURSE, "practitioner_id"),
    TemplateColumn("birth_year", False, "Year of birth; enough for age groups.", "1984", _PERSON, "birth_year"),
    TemplateColumn("sex", False, "female, male or other.", "female", _PERSON, "sex"),
    TemplateColumn("language", False, "Language of the person.", "en", _PERSON, "language"),
    *(
        TemplateColumn(f"item_{n}", False, f"Answer to question {n}, as a number.", "2", _SCORE, f"item {n}")
        for n in range(1, ITEM_COLUMNS + 1)
    ),
)  # fmt: skip

TEMPLATE_NAMES = frozenset(column.name for column in TEMPLATE_COLUMNS)


def write_template(path: Path) -> list[Path]:
    """Write the empty template: XLSX with a second sheet that explains, or CSV with a text file beside it.

    The CSV holds nothing but the header, so that it stays readable by any program and by our own intake; its
    explanations stand in `<name>-columns.txt`.

    Returns:
        The files written.

    Raises:
        SourceError: If the suffix is neither .csv nor .xlsx, the file exists, or it cannot be written.
    """
    suffix = path.suffix.lower()
    if suffix not in {".csv", ".xlsx"}:
        raise SourceError(f"A template is .csv or .xlsx, not {suffix or 'without a suffix'}.", hint="scores.xlsx")
    if path.exists():
        raise SourceError(f"{path.name} is already there.", hint="choose another name; nothing was overwritten")
    try:
        return _write_csv(path) if suffix == ".csv" else _write_xlsx(path)
    except (OSError, xlsxwriter.exceptions.FileCreateError) as error:
        raise SourceError(f"{path.name} cannot be written ({type(error).__name__}).") from None


def _write_csv(path: Path) -> list[Path]:
    with path.open("w", encoding="utf-8-sig", newline="") as file:  # the mark tells spreadsheets that it is UTF-8
        csv.writer(file).writerow(column.name for column in TEMPLATE_COLUMNS)
    beside = path.with_name(f"{path.stem}-columns.txt")
    width = max(len(column.name) for column in TEMPLATE_COLUMNS)
    lines = ["One row per completed questionnaire. Columns you do not need may stay empty or be deleted.", ""]
    lines += [
        f"{c.name:<{width}}  {'needed  ' if c.needed else 'optional'}  {c.text} Example: {c.example}"
        for c in TEMPLATE_COLUMNS
    ]
    beside.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return [path, beside]


def _write_xlsx(path: Path) -> list[Path]:
    with xlsxwriter.Workbook(str(path)) as book:
        bold = book.add_format({"bold": True, "bg_color": "#E8EEF4"})
        needed = book.add_format({"bold": True, "bg_color": "#CFE3D4"})
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        text = book.add_format({"num_format": "@"})
        scores = book.add_worksheet("scores")
        scores.freeze_panes(1, 1)
        for at, column in enumerate(TEMPLATE_COLUMNS):
            scores.write(0, at, column.name, needed if column.needed else bold)
            is_day = column.name.endswith("date")
            is_code = column.name in {"patient_id", "episode_id", "clinic", "clinician"}
            scores.set_column(at, at, max(10, len(column.name) + 2), day if is_day else text if is_code else None)
            scores.write_comment(0, at, column.text)
        explained = book.add_worksheet("columns")
        explained.set_column(0, 0, 14)
        explained.set_column(1, 1, 10)
        explained.set_column(2, 2, 80)
        for at, title in enumerate(("column", "needed", "meaning", "example")):
            explained.write(0, at, title, bold)
        for row, column in enumerate(TEMPLATE_COLUMNS, start=1):
            for at, cell in enumerate((column.name, "yes" if column.needed else "no", column.text, column.example)):
                explained.write_string(row, at, cell)
    return [path]
