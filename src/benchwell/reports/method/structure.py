"""What a method page is made of, before it becomes Markdown or HTML."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from benchwell.terms import FactStatus


@dataclass(frozen=True)
class Code:
    """An id or a value as it stands in the file."""

    text: str


@dataclass(frozen=True)
class Strong:
    """Words that carry the point."""

    text: str


@dataclass(frozen=True)
class Mark:
    """Whether a constant was read in its own source; an unchecked one must catch the eye."""

    status: FactStatus


@dataclass(frozen=True)
class Link:
    """Another declaration; a renderer that has no page for it shows its id.

    Attributes:
        folder: `instruments`, `measures`, `benchmarks` or `references`.
        id: The declaration's id.
    """

    folder: str
    id: str


Inline = str | Code | Strong | Mark | Link
# Words: one piece, or several that are set one after the other.
Words = Inline | tuple[Inline, ...]


@dataclass(frozen=True)
class Table:
    """Heads and rows; without rows it is not shown."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Words, ...], ...]
    caption: str = ""


@dataclass(frozen=True)
class Listing:
    """A list: numbered, or with bullets."""

    items: tuple[Words, ...]
    numbered: bool = False


Part = Words | Table | Listing


@dataclass(frozen=True)
class Section:
    """A heading and what follows it; without content it is not shown. A folded one waits until it is asked for."""

    title: str
    parts: tuple[Part, ...]
    folded: bool = False

    @property
    def shown(self) -> bool:
        """Whether there is anything in it."""
        return any(is_shown(part) for part in self.parts)


@dataclass(frozen=True)
class MethodPage:
    """A declaration in words.

    Attributes:
        kind: What it is: instrument, measure, casemix, benchmark or reference.
        id: Its id.
        title: Its title.
        why: The question that it answers.
        lead: The most important facts in sentences.
        sections: Everything else.
        unchecked: How many constants nobody has yet read in their own source.
    """

    kind: str
    id: str
    revision: int
    status: str
    author: str
    reviewers: str
    title: str
    why: str
    notes: str
    lead: tuple[Words, ...]
    sections: tuple[Section, ...]
    unchecked: int


def is_shown(part: Part) -> bool:
    """Whether a part holds anything."""
    if isinstance(part, Table):
        return bool(part.rows)
    if isinstance(part, Listing):
        return bool(part.items)
    return bool(part)


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]], caption: str = "") -> Table:
    """A table of anything: values become the words that people write.

    Columns that hold nothing in any row are left out.

    >>> table(["a", "b"], [(1.0, None), (2, "")]).columns
    ('a',)
    """
    cells = [tuple(as_words(value) for value in row) for row in rows]
    kept = [place for place in range(len(columns)) if any(row[place] not in ("", "–") for row in cells)]
    return Table(
        tuple(columns[place] for place in kept),
        tuple(tuple(row[place] for place in kept) for row in cells),
        caption,
    )


def as_words(value: Any) -> Words:
    """A cell: inline pieces stay, values become text, null becomes an en dash."""
    if value is None:
        return "–"
    if isinstance(value, Code | Strong | Mark | Link):
        return value
    if isinstance(value, tuple) and any(isinstance(piece, Code | Strong | Mark | Link) for piece in value):
        return value
    return plain(value)


def plain(value: Any) -> str:
    """A value as people write it: 10 rather than 10.0, lists without brackets.

    >>> plain(10.0), plain({"a": 1, "b": [2, None]})
    ('10', 'a: 1; b: 2, missing')
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, dict):
        return "; ".join(f"{key}: {plain(item)}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(f"({plain(item)})" if isinstance(item, list | tuple | dict) else plain(item) for item in value)
    return "missing" if value is None else str(value)


def joined(pieces: Sequence[Inline], between: str = ", ") -> tuple[Inline, ...]:
    """Pieces with a text between each two."""
    found: list[Inline] = []
    for piece in pieces:
        found += [between, piece] if found else [piece]
    return tuple(found)
