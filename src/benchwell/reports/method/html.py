"""A method page as HTML that stands alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from markupsafe import Markup, escape

from benchwell.registry.declaration import Declaration
from benchwell.reports.method.markdown import Target
from benchwell.reports.method.page import method_page
from benchwell.reports.method.structure import (
    Code,
    Inline,
    Link,
    Listing,
    Mark,
    MethodPage,
    Part,
    Strong,
    Table,
    Words,
    is_shown,
)
from benchwell.reports.page import render
from benchwell.terms import FactStatus

# Shape and word together, so that an unchecked constant is seen in grey print too.
MARKS = {
    FactStatus.CHECKED: "● checked",
    FactStatus.PARTLY_CHECKED: "◐ partly checked",
    FactStatus.UNCHECKED: "○ unchecked",
    FactStatus.NO_VALUE: "– none known",
}


class Wrap(NamedTuple):
    """What a wide table scrolls in: a class of the page's style, and a role for assistive technology."""

    css: str
    role: str


REPORT = Wrap("scroll", "region")
LIVE = Wrap("table-wrap", "group")  # its sections are regions already, and two of one name cannot be told apart


def method_html(declaration: Declaration, *, target: Target | None = None) -> str:
    """The page of a declaration as one HTML file.

    Args:
        declaration: An instrument, measure, benchmark or reference.
        target: Gives the address of another declaration's page; without it, ids stand alone.
    """
    parts = method_parts(declaration, target=target)
    return render(
        "method.html.j2",
        page_title=parts.method.title,
        method=parts.method,
        lead=list(parts.lead),
        sections=parts.sections,
    )


@dataclass(frozen=True)
class MethodSection:
    """One section of a method page: its title, whether it is folded away, and its content, escaped."""

    title: str
    folded: bool
    body: Markup


@dataclass(frozen=True)
class MethodParts:
    """A method page in parts, for a page that has a frame of its own.

    Attributes:
        method: The page as data.
        lead: Paragraphs at its beginning, escaped.
        sections: Its sections.
    """

    method: MethodPage
    lead: tuple[Markup, ...]
    sections: tuple[MethodSection, ...]


def method_parts(declaration: Declaration, *, target: Target | None = None, wrap: Wrap = REPORT) -> MethodParts:
    """The page of a declaration in parts.

    Args:
        declaration: An instrument, measure, benchmark or reference.
        target: Gives the address of another declaration's page; without it, ids stand alone.
        wrap: What a wide table scrolls in.
    """
    page = method_page(declaration)
    sections = tuple(
        MethodSection(
            section.title,
            section.folded,
            Markup("").join(_part(part, section.title, target, wrap) for part in section.parts if is_shown(part)),
        )
        for section in page.sections
    )
    return MethodParts(page, tuple(_words(words, target) for words in page.lead), sections)


def _part(part: Part, title: str, target: Target | None, wrap: Wrap) -> Markup:
    if isinstance(part, Table):
        return _table(part, part.caption or title, target, wrap)
    if isinstance(part, Listing):
        items = Markup("").join(Markup("<li>{}</li>").format(_words(item, target)) for item in part.items)
        return (Markup("<ol>{}</ol>") if part.numbered else Markup("<ul>{}</ul>")).format(items)
    return Markup("<p>{}</p>").format(_words(part, target))


def _table(part: Table, caption: str, target: Target | None, wrap: Wrap) -> Markup:
    heads = Markup("").join(Markup('<th scope="col">{}</th>').format(column) for column in part.columns)
    rows = Markup("").join(_row(row, target) for row in part.rows)
    return Markup(
        '<div class="{wrap.css}" tabindex="0" role="{wrap.role}" aria-label="{caption}"><table>'
        '<caption class="hidden">{caption}</caption><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>'
    ).format(wrap=wrap, caption=caption, heads=heads, rows=rows)


def _row(row: tuple[Words, ...], target: Target | None) -> Markup:
    first = Markup('<th scope="row">{}</th>').format(_words(row[0], target))
    rest = (Markup("<td>{}</td>").format(_words(words, target)) for words in row[1:])
    return Markup("<tr>{}{}</tr>").format(first, Markup("").join(rest))


def _words(words: Words, target: Target | None) -> Markup:
    pieces = words if isinstance(words, tuple) else (words,)
    return Markup("").join(_piece(piece, target) for piece in pieces)


def _piece(piece: Inline, target: Target | None) -> Markup:
    if isinstance(piece, Code):
        return Markup("<code>{}</code>").format(piece.text)
    if isinstance(piece, Strong):
        return Markup("<strong>{}</strong>").format(piece.text)
    if isinstance(piece, Mark):
        return Markup('<span class="mark-{}">{}</span>').format(piece.status, MARKS[piece.status])
    if isinstance(piece, Link):
        address = target(piece) if target is not None else None
        code = Markup("<code>{}</code>").format(piece.id)
        return Markup('<a href="{}">{}</a>').format(address, code) if address else code
    return escape(piece)
