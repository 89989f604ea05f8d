"""docs/tables.md: every table that crosses a room's wall; the notes are the comments in its declaration."""

from __future__ import annotations

import ast
import inspect
import re

import pyarrow as pa

from benchwell import terms
from benchwell.tables import CANONICAL, DERIVED, Table, canonical, curves, models, results, rows
from benchwell.tables.table import APART
from docgen.markdown import page, table

TYPES = {
    pa.string(): "text",
    pa.int64(): "whole number",
    pa.float64(): "number",
    pa.date32(): "date",
    pa.bool_(): "yes/no",
    APART.value_type: "value",
}
PROVENANCE = {
    "source_hash": "SHA-256 of the bytes of the source",
    "source_row": "row in the source; 1 is the first data row",
    "retracted": "yes: the source took the whole record back; it stays in the history of the lake and nobody reads it",
    "stated_at": "when the source stored this version (FHIR `meta.lastUpdated`), seconds since 1970",
    "stated_version": "number of this version (FHIR `meta.versionId`)",
    "stated_apart": "values that another version than this one states: column, when it was stored, its number",
    "stated_with": "newest change among the records that this one was put together with, seconds since 1970",
}


def notes() -> dict[tuple[str, str], str]:
    """(table, column) → the comment behind that column; column "" is the comment above the table."""
    found: dict[tuple[str, str], str] = {}
    for module in (canonical, rows, models, results, curves):
        found |= _notes_of(inspect.getsource(module))
    return found


def _notes_of(source: str) -> dict[tuple[str, str], str]:
    lines = source.splitlines()
    found: dict[tuple[str, str], str] = {}
    shared: dict[str, str] = {}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Dict):  # columns that several tables share
            shared |= {
                key.value: match[1]
                for key in node.keys
                if isinstance(key, ast.Constant) and (match := re.search(r"# (.+)$", lines[key.lineno - 1]))
            }
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "table"):
            continue
        name = ast.literal_eval(node.args[0])
        found[name, ""] = _comment_above(lines, node.lineno)
        if any(keyword.arg is None for keyword in node.keywords):
            found |= {(name, column): note for column, note in shared.items()}
        for keyword in node.keywords:
            match = re.search(r"# (.+)$", lines[keyword.value.lineno - 1])
            if keyword.arg and match:
                found[name, keyword.arg] = match[1]
    return found


def _comment_above(lines: list[str], lineno: int) -> str:
    comment: list[str] = []
    for line in reversed(lines[: lineno - 1]):
        if not line.strip().startswith("#"):
            break
        comment.insert(0, line.strip().lstrip("# "))
    return " ".join(comment)


def _type(kind: pa.DataType) -> str:
    return f"list of {TYPES[kind.value_type]}s" if pa.types.is_list(kind) else TYPES[kind]


def _words(note: str) -> str:
    """Spell out a vocabulary that a note names."""
    return re.sub(r"terms\.(\w+)", lambda match: " | ".join(getattr(terms, match[1])), note)


def _describe(one: Table, remarks: dict[tuple[str, str], str]) -> list[str]:
    rows = [
        (
            f"`{field.name}`",
            _type(field.type),
            "key" if field.name in one.key else "",
            _words(remarks.get((one.name, field.name), PROVENANCE.get(field.name, ""))),
        )
        for field in one.schema
    ]
    above = remarks.get((one.name, ""), "")
    return [f"### {one.name}", "", *([above, ""] if above else []), *table(["column", "type", "", "note"], rows)]


def schemas() -> str:
    """The page."""
    remarks = notes()
    return page(
        "# Tables",
        "Names follow FHIR and OMOP. Ids are text, dates are dates, and unknown is null: never 0, never an empty text. "
        "A later record with the same key supersedes the earlier one.",
        "## What you bring",
        "These tables are in the lake. Intake fills them from your files.",
        *(_describe(one, remarks) for one in CANONICAL.values()),
        "## What Benchwell makes",
        "`outcomes`, `organization_results`, `benchmarks` and `exclusions` are read with `Edition.table(name)`. "
        "`outcomes` holds one row per course of care and is private: it lies in `rows/` of an edition, which can be "
        "deleted before the edition is handed on; nothing that is published or verified needs it.",
        *(_describe(one, remarks) for one in DERIVED.values()),
    )
