"""Addresses of a person's pages; ids of other systems may hold anything."""

from __future__ import annotations

from urllib.parse import quote


def course_address(person_id: str, part: str = "") -> str:
    """The page of a person, or one of its parts.

    >>> course_address("synthetic-p1"), course_address("a b", "enter/phq-9")
    ('/people/synthetic-p1', '/people/a%20b/enter/phq-9')
    """
    return f"/people/{quote(person_id, safe='')}" + (f"/{part}" if part else "")
