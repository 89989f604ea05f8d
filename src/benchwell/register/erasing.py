"""One person leaves the register: every row about them goes, and a tombstone says only that somebody left."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Select, Table, delete, insert, or_, select, update

from benchwell.errors import RegisterError
from benchwell.register import schema as s
from benchwell.register.tokens import hash_of
from benchwell.register.tombstones import tombstone_of
from benchwell.register.viewer import Role

_STAYS = {"audit", "people", "deletion_requests"}  # what becomes of these is said below


@dataclass(frozen=True)
class DeletionRequest:
    """A request to delete.

    Attributes:
        id: The number of its receipt.
        person_id: Whose; after it was carried out, the tombstone.
        asked_at: Seconds since 1970-01-01 UTC.
        state: asked | done | refused.
        decided_at: When it was carried out or refused.
        decided_by: By whom.
        reason: Code of why it was refused.
    """

    id: str
    person_id: str
    asked_at: float
    state: str
    decided_at: float | None
    decided_by: str | None
    reason: str | None


def list_requests(connection: Connection, state: str | None = None) -> tuple[DeletionRequest, ...]:
    """Requests to delete, the earliest first; of one state, or all."""
    asked = select(s.deletion_requests).order_by(s.deletion_requests.c.asked_at, s.deletion_requests.c.id)
    if state is not None:
        asked = asked.where(s.deletion_requests.c.state == state)
    return tuple(DeletionRequest(**row._mapping) for row in connection.execute(asked))


def find_request(connection: Connection, request_id: str) -> DeletionRequest:
    """One request.

    Raises:
        RegisterError: If there is none.
    """
    row = connection.execute(select(s.deletion_requests).where(s.deletion_requests.c.id == request_id)).one_or_none()
    if row is None:
        raise RegisterError("There is no such request to delete.")
    return DeletionRequest(**row._mapping)


def refuse_request(connection: Connection, now: float, request_id: str, *, decided_by: str, reason: str) -> None:
    """Answer a request with no, for a stated reason.

    Raises:
        RegisterError: If it was answered before, or there is none.
    """
    if find_request(connection, request_id).state != "asked":
        raise RegisterError("This request to delete was answered before.")
    _answer(connection, now, request_id, "refused", decided_by, reason)


def begin_erasure(connection: Connection, now: float, person_id: str) -> None:
    """Mark a person as erased: from here on nobody reaches the record, and nothing of it goes to the lake."""
    table = s.people
    marked = update(table).where(table.c.id == person_id, table.c.erased_at.is_(None))
    connection.execute(marked.values(erased_at=now))


def erase_person(connection: Connection, now: float, request_id: str, *, decided_by: str) -> None:
    """Remove every row about a person, and answer the request.

    The log keeps what was done when and in which role, without whom it was about. An account goes if it was the
    person's own and served nothing else.

    Args:
        connection: Inside a transaction.
        now: Seconds since 1970-01-01 UTC.
        request_id: Of the request.
        decided_by: Who carries it out.
    """
    person = find_request(connection, request_id).person_id
    begin_erasure(connection, now, person)  # the log forgets only whom this marks
    _forget_in_log(connection, person)
    _remove_accounts(connection, person)
    ours = select(s.assessments.c.id).where(s.assessments.c.person_id == person)
    for table in reversed(s.METADATA.sorted_tables):
        if "person_id" in table.c and table.name not in _STAYS:
            connection.execute(delete(table).where(_is_about(table, person, ours)))
        elif "assessment_id" in table.c:
            connection.execute(delete(table).where(table.c.assessment_id.in_(ours)))
    tombstone = tombstone_of(connection, person)
    if connection.execute(select(s.people.c.id).where(s.people.c.id == tombstone)).first() is None:
        grave = {"id": tombstone, "origin": "live", "erased_at": now, "changed": 0}
        connection.execute(insert(s.people).values(**grave))
    asked = s.deletion_requests
    connection.execute(update(asked).where(asked.c.person_id == person).values(person_id=tombstone))
    connection.execute(delete(s.people).where(s.people.c.id == person))
    _answer(connection, now, request_id, "done", decided_by, None)


def _is_about(table: Table, person: str, ours: Select[tuple[str]]) -> ColumnElement[bool]:
    about = table.c.person_id == person
    return or_(about, table.c.assessment_id.in_(ours)) if "assessment_id" in table.c else about


def _own_accounts(person: str) -> Select[tuple[str]]:
    return select(s.grants.c.user_id).where(s.grants.c.role == Role.PATIENT.value, s.grants.c.person_id == person)


def _forget_in_log(connection: Connection, person: str) -> None:
    log = s.audit
    left = update(log).where(log.c.role == Role.PATIENT.value, log.c.user_id.in_(_own_accounts(person)))
    connection.execute(left.values(user_id=None))
    connection.execute(update(log).where(log.c.person_id == person).values(person_id=None))


def _remove_accounts(connection: Connection, person: str) -> None:
    users = set(connection.execute(_own_accounts(person)).scalars())
    connection.execute(delete(s.grants).where(s.grants.c.person_id == person))
    users -= set(connection.execute(select(s.grants.c.user_id).where(s.grants.c.user_id.in_(users))).scalars())
    logins = connection.execute(select(s.users.c.login).where(s.users.c.id.in_(users))).scalars().all()
    locks = {hash_of(login) for login in logins if login is not None}
    connection.execute(delete(s.lockouts).where(s.lockouts.c.login.in_(locks)))
    for table in (s.sessions, s.links):
        connection.execute(delete(table).where(table.c.user_id.in_(users)))
    connection.execute(delete(s.users).where(s.users.c.id.in_(users)))


def _answer(
    connection: Connection, now: float, request_id: str, state: str, decided_by: str, reason: str | None
) -> None:
    said = {"state": state, "decided_at": now, "decided_by": decided_by, "reason": reason}
    connection.execute(update(s.deletion_requests).where(s.deletion_requests.c.id == request_id).values(**said))
