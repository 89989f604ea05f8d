"""Small Markdown pieces that the generated pages share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from benchwell.reports.method.markdown import cell
from benchwell.reports.method.structure import plain

__all__ = ["cell", "page", "plain", "section", "table"]


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
