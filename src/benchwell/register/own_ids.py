"""Whose id it is: programs of each organization number for themselves, so that two may both have a form 1.

Who uses an id first has it as it is: a FHIR export of the same system brings the same record under the same id. A
record of another organization's program that is about another person gets a mark before what its id names within it:

    QuestionnaireResponse/1   QuestionnaireResponse/1.28cf8f65f15a   QuestionnaireResponse/1.28cf8f65f15a#gad-7
"""

from __future__ import annotations

import hashlib
from typing import Any, Final

from sqlalchemy import Connection, Row, select

from benchwell.register.schema import clients, courses
from benchwell.register.viewer import Viewer

_MARK: Final = 12  # hexadecimal digits: few enough to leave an id of FHIR one


def namespace_of(viewer: Viewer) -> str:
    """Within what ids of a sender are unique: its organization, since keys are replaced; of a person, the account.

    >>> from benchwell.register.viewer import Role
    >>> namespace_of(Viewer(Role.CLIENT, client_id="k1", organization_id="north"))
    'organization:north'
    """
    return _of_program(viewer.organization_id) if viewer.client_id is not None else f"user:{viewer.user_id or ''}"


def marked(id_: str, namespace: str) -> str:
    """The id of a record whose own one is taken by somebody else's.

    >>> marked("QuestionnaireResponse/1#gad-7", "organization:north")
    'QuestionnaireResponse/1.28cf8f65f15a#gad-7'
    """
    record, hash_, part = id_.partition("#")
    return f"{record}.{hashlib.sha256(namespace.encode()).hexdigest()[:_MARK]}{hash_}{part}"


def is_of_others(connection: Connection, row: Row[Any], person_id: str, namespace: str) -> bool:
    """Whether a record that has an id only shares that by chance with one that comes in.

    Args:
        connection: Any.
        row: The assessment that stands under the id.
        person_id: Whom the other is about.
        namespace: Within what the other's id is unique.
    """
    if row.person_id == person_id:
        return False  # of one person, another sender's words on one record: who may change it is asked elsewhere
    if row.source == "api":
        asked = select(clients.c.organization_id).where(clients.c.id == row.entered_by)
        sender = connection.execute(asked).one_or_none()
        return namespace != (_of_program(sender.organization_id) if sender else f"user:{row.entered_by or ''}")
    if row.source == "lake":
        asked = select(courses.c.organization_id).where(courses.c.id == row.course_id)
        return namespace not in (_of_program(connection.execute(asked).scalar_one_or_none()), _of_program(None))
    return False  # what pages number is like no other number


def _of_program(organization_id: str | None) -> str:
    return f"organization:{organization_id or ''}"
