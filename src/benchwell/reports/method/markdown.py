"""A method page in Markdown."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchwell.registry.declaration import Declaration
from benchwell.reports.method.page import method_page
from benchwell.reports.method.structure import (
    Code,
    Inline,
    Link,
    Listing,
    Mark,
    Part,
    Section,
    Strong,
    Table,
    Words,
    is_shown,
    plain,
    table,
)
from benchwell.terms import FactStatus

# Where the page of another declaration is; None where there is no page.
Target = Callable[[Link], str | None]

MARKS = {
    FactStatus.CHECKED: "checked",
    FactStatus.PARTLY_CHECKED: "*partly checked*",
    FactStatus.UNCHECKED: "**unchecked**",
    FactStatus.NO_VALUE: "none known",
}


def method_markdown(declaration: Declaration, *, target: Target | None = None, origin: str = "") -> str:
    """The page of a declaration in Markdown.

    Args:
        declaration: An instrument, measure, benchmark or reference.
        target: Gives the address of another declaration's page; without it, ids stand alone.
        origin: A sentence on where the declaration lies, "" for none.

    Returns:
        The page, with one line feed at its end.
    """
    page = method_page(declaration)
    head = [(Code(page.id), page.revision, page.status, page.author, page.reviewers)]
    blocks: list[str] = [f"# {page.title}", page.why]
    blocks.append(_part(table(["id", "revision", "review", "author", "reviewers"], head), target))
    blocks += [page.notes, origin, *(_part(words, target) for words in page.lead)]
    for section in page.sections:
        blocks += _section(section, target)
    return "\n\n".join(block for block in blocks if block) + "\n"


def _section(section: Section, target: Target | None) -> list[str]:
    return [f"## {section.title}", *(_part(part, target) for part in section.parts if is_shown(part))]


def _part(part: Part, target: Target | None) -> str:
    if isinstance(part, Table):
        lines = ["| " + " | ".join(part.columns) + " |", "|" + "---|" * len(part.columns)]
        lines += ["| " + " | ".join(_cell(words, target) for words in row) + " |" for row in part.rows]
        return "\n".join(lines)
    if isinstance(part, Listing):
        starts = (f"{n}." if part.numbered else "-" for n in range(1, len(part.items) + 1))
        return "\n".join(f"{start} {_words(item, target)}" for start, item in zip(starts, part.items, strict=True))
    return _words(part, target)


def _cell(words: Words, target: Target | None) -> str:
    return cell(_words(words, target))


def _words(words: Words, target: Target | None) -> str:
    pieces = words if isinstance(words, tuple) else (words,)
    return "".join(_piece(piece, target) for piece in pieces)


def _piece(piece: Inline, target: Target | None) -> str:
    if isinstance(piece, Code):
        return f"`{piece.text}`"
    if isinstance(piece, Strong):
        return f"**{piece.text}**"
    if isinstance(piece, Mark):
        return MARKS[piece.status]
    if isinstance(piece, Link):
        address = target(piece) if target is not None else None
        return f"[`{piece.id}`]({address})" if address else f"`{piece.id}`"
    return piece


def cell(value: Any) -> str:
    r"""One table cell: no line breaks, pipes escaped, null is an en dash.

    >>> print(cell("a|b"), cell(None))
    a\|b –
    """
    return "–" if value is None else " ".join(plain(value).split()).replace("|", "\\|")
