"""Small Markdown pieces that the generated pages share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any


def cell(value: Any) -> str:
    """One table cell: no line breaks, pipes escaped, null is an en dash."""
    if value is None:
        return "–"
    return " ".join(plain(value).split()).replace("|", "\\|")


def plain(value: Any) -> str:
    """A value as people write it: 10 rather than 10.0, lists without brackets."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, dict):
        return "; ".join(f"{key}: {plain(item)}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(f"({plain(item)})" if isinstance(item, list | tuple | dict) else plain(item) for item in value)
    return "missing" if value is None else str(value)


def table(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> list[str]:
    """A pipe table; an empty one is no table at all."""
    body = ["| " + " | ".join(cell(value) for value in row) + " |" for row in rows]
    if not body:
        return []
    return ["| " + " | ".join(header) + " |", "|" + "---|" * len(header), *body, ""]


def section(title: str, *parts: Iterable[str] | str) -> list[str]:
    """A heading with what follows; nothing if there is nothing to follow."""
    lines: list[str] = []
    for part in parts:
        lines += [part, ""] if isinstance(part, str) and part else list(part)
    return [f"## {title}", "", *lines] if lines else []


def page(*parts: Iterable[str] | str) -> str:
    """One page: parts joined, blank lines between them, one line feed at the end."""
    lines: list[str] = []
    for part in parts:
        lines += ([part, ""] if part else []) if isinstance(part, str) else list(part)
    return "\n".join(lines).strip() + "\n"
