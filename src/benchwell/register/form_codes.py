"""Short codes for a kiosk: typed on a device of the same place, for an hour, once.

A code is short, so it works only together with a device's own link, and the door slows down whoever types many.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection, insert, select, update

from benchwell.register.links import Link, find_link
from benchwell.register.schema import courses, links, practitioners
from benchwell.register.tokens import hash_of
from benchwell.register.viewer import Viewer

LASTS: Final = 3600.0
LENGTH: Final = 6
_MARK: Final = "kiosk:"  # tokens of links hold no colon
_LETTERS: Final = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"  # without 0 and O, 1 and I and L


def make_code(
    connection: Connection,
    now: float,
    viewer: Viewer,
    kind: str,
    *,
    person_id: str,
    course_id: str | None,
    instruments: Sequence[str],
) -> str | None:
    """Make a code for one person's form at the kiosks of the place.

    Args:
        connection: Inside a transaction.
        now: Seconds since 1970-01-01 UTC.
        viewer: Who gives it.
        kind: Kind of the form's link.
        person_id: Whose form.
        course_id: Of which course.
        instruments: What is asked.

    Returns:
        The code; null where the place is not known, so that no kiosk could take it.
    """
    place = _place(connection, viewer, course_id)
    if place is None:
        return None
    code = "".join(secrets.choice(_LETTERS) for _ in range(LENGTH))
    connection.execute(
        insert(links).values(
            token=hash_of(token_of(place, code)),
            kind=kind,
            person_id=person_id,
            course_id=course_id,
            organization_id=place,
            instruments=list(instruments),
            uses_left=1,
            created_at=now,
            created_by=viewer.user_id,
            expires_at=now + LASTS,
        )
    )
    return code


def token_of(organization_id: str, code: str) -> str:
    """What stands for a code in the store of links: it opens nothing at another place.

    >>> token_of("north", "ab c2 3d")
    'kiosk:north:ABC23D'
    """
    return f"{_MARK}{organization_id}:{''.join(code.split()).upper()}"


def is_of_code(token: str) -> bool:
    """Whether a token stands for a code, not for a link."""
    return token.startswith(_MARK)


def find_device(connection: Connection, now: float, device: str) -> Link | None:
    """The kiosk of a device's token, while it still works."""
    return find_link(connection, now, "kiosk", device)


def give_back(connection: Connection, link_id: str) -> None:
    """Let a link work once more, because what it opened could not be kept."""
    connection.execute(update(links).where(links.c.token == link_id).values(uses_left=links.c.uses_left + 1))


def place_of_viewer(connection: Connection, viewer: Viewer) -> str | None:
    """Where somebody works."""
    return _place(connection, viewer, None)


def _place(connection: Connection, viewer: Viewer, course_id: str | None) -> str | None:
    of_course = select(courses.c.organization_id).where(courses.c.id == course_id)
    found = viewer.organization_id or connection.execute(of_course).scalar_one_or_none()
    if found is None:
        of_person = select(practitioners.c.organization_id).where(practitioners.c.id == viewer.practitioner_id)
        found = connection.execute(of_person).scalar_one_or_none()
    return found
