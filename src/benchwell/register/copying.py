"""Rows that the lake has, copied here in bulk. What was entered here and is not in the lake yet is never touched."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table, Text, and_, bindparam, cast, delete, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from benchwell.register import schema as s

Rows = Sequence[Mapping[str, Any]]
# Columns that a copy writes; what is only ever known here (labels, notes, teams, names of people) is in none of them.
COPIED: dict[str, tuple[str, ...]] = {
    "organizations": ("part_of", "name"),
    "practitioners": ("organization_id",),
    "people": ("birth_year", "language"),
    "courses": (
        "person_id", "organization_id", "practitioner_id", "condition", "therapy", "start_date", "end_date",
        "end_reason",
    ),
    "contacts": ("course_id", "person_id", "practitioner_id", "date", "kind", "attended"),
    "marks": ("person_id", "course_id", "date", "kind"),
    "assessments": (
        "person_id", "course_id", "instrument", "scale", "date", "time", "items", "total", "unit", "language",
        "informant", "mode", "retracted",
    ),
}  # fmt: skip
_PATCHED = {"organizations", "practitioners", "people", "courses"}  # a null says "not stated": it wipes nothing (lake)
SNAPSHOT = "lake_snapshot"  # the fact that says which lake was copied last
_IN_ONE = 500  # ids in one question


def copy_rows(connection: Connection, table: str, rows: Rows) -> None:
    """Insert rows of the lake, and renew those that are here unless they wait for the lake themselves.

    Args:
        connection: Inside a transaction.
        table: One of `COPIED`.
        rows: Each with `id` and the columns of `COPIED`; assessments also with `received_at`.
    """
    if not rows:
        return
    target = s.METADATA.tables[table]
    extra = {"changed": 0} | ({"source": "lake"} if table == "assessments" else {"origin": "lake"})
    made = _insert(connection, target)
    new = made.excluded
    said = {name: _coalesced(new[name], target.c[name]) if table in _PATCHED else new[name] for name in COPIED[table]}
    differs = or_(*(_differs(target.c[name], value) for name, value in said.items() if name != "items"))
    if "items" in said:  # JSON is compared as the text that both databases keep of it
        differs = or_(differs, _differs(_text(target.c["items"]), _text(new["items"])))
    unflowed = target.c.changed == 0
    statement = made.on_conflict_do_update(
        index_elements=[target.c.id], set_=said | {"changed": 0}, where=and_(unflowed, differs)
    )
    connection.execute(statement, [dict(row) | extra for row in rows])


def of_others(connection: Connection, rows: Rows) -> set[str]:
    """Which assessments of the lake have the id of a record that came in here and is about somebody else.

    Two systems number alike then: what one of them sent must not become what the other exported.

    Args:
        connection: Any.
        rows: Each with `id` and `person_id`.
    """
    whose = {row["id"]: row["person_id"] for row in rows}
    ids, t = list(whose), s.assessments.c
    found: set[str] = set()
    for start in range(0, len(ids), _IN_ONE):
        asked = select(t.id, t.person_id).where(t.id.in_(ids[start : start + _IN_ONE]), t.source != "lake")
        found |= {row.id for row in connection.execute(asked) if row.person_id != whose[row.id]}
    return found


def make_known(connection: Connection, table: str, ids: Collection[str]) -> None:
    """Rows for people, places and clinicians that a record names and nobody describes."""
    if ids:
        made = _insert(connection, s.METADATA.tables[table]).on_conflict_do_nothing()
        connection.execute(made, [{"id": one, "origin": "lake", "changed": 0} for one in sorted(ids)])


def copy_scores(connection: Connection, rows: Rows) -> None:
    """Scores of copied assessments: each with `assessment_id`, `scale`, `value`, `status`, `band` and `reason`."""
    if not rows:
        return
    made = _insert(connection, s.scores)
    said = {name: made.excluded[name] for name in ("value", "status", "band", "reason")}
    differs = or_(*(_differs(s.scores.c[name], value) for name, value in said.items()))
    keys = [s.scores.c.assessment_id, s.scores.c.scale]
    connection.execute(made.on_conflict_do_update(index_elements=keys, set_=said, where=differs), list(rows))


def copy_consents(connection: Connection, rows: Rows) -> None:
    """Decisions that the lake knows from elsewhere; one that is here already stays as it is.

    Of what is said on one day in two places a refusal holds: a grant from elsewhere does not undo one that was made
    here that day. The refusal waits for the lake again then, which may hold the grant by now.
    """
    usable = [dict(row) for row in rows if row["decision"] != "granted" or not _refused_here(connection, row)]
    if usable:
        made = _insert(connection, s.consents).on_conflict_do_nothing(index_elements=[s.consents.c.id])
        connection.execute(made, [row | {"decided_by": "lake", "changed": 0} for row in usable])


def _refused_here(connection: Connection, row: Mapping[str, Any]) -> bool:
    c = s.consents.c
    day = and_(c.person_id == row["person_id"], c.purpose == row["purpose"], c.date == row["date"])
    asked = select(c.id, c.decision, c.changed).where(day, c.decided_by != "lake").order_by(c.sequence.desc())
    last = connection.execute(asked.limit(1)).first()
    known = connection.execute(select(c.id).where(c.id == row["id"])).first()
    if last is None or last.decision == "granted" or known is not None:
        return False
    if last.changed == 0:
        connection.execute(update(s.consents).where(c.id == last.id).values(changed=1))
    return True


def waiting_ids(connection: Connection, table: str) -> set[str]:
    """Ids of the rows that the lake does not have yet, or not as they are now."""
    target = s.METADATA.tables[table]
    return set(connection.execute(select(target.c.id).where(target.c.changed > 0)).scalars())


def known_ids(connection: Connection, table: str) -> set[str]:
    """Ids of the rows that are here."""
    return set(connection.execute(select(s.METADATA.tables[table].c.id)).scalars())


def settled_ids(connection: Connection, table: str) -> set[str]:
    """Ids of the rows that the lake is known to have: what of these it has no longer was taken back there."""
    target = s.METADATA.tables[table]
    asked = select(target.c.id).where(target.c.changed == 0)
    if table == "assessments":
        asked = asked.where(target.c.retracted.is_(False))
    if table == "consents":
        asked = asked.where(target.c.decided_by == "lake")
    return set(connection.execute(asked).scalars())


def take_away(connection: Connection, table: str, ids: Collection[str]) -> None:
    """What the lake has no longer: scores stay as retracted, all else goes. What was changed here meanwhile stays."""
    target, wanted = s.METADATA.tables[table], sorted(ids)
    for start in range(0, len(wanted), _IN_ONE):
        these = and_(target.c.id.in_(wanted[start : start + _IN_ONE]), target.c.changed == 0)
        if table == "assessments":
            connection.execute(update(target).where(these).values(retracted=True, changed=0))
            continue
        if table == "courses":
            gone = select(target.c.id).where(these)
            for child in (s.contacts, s.marks, s.assessments):
                free = update(child).where(child.c.course_id.in_(gone))
                connection.execute(free.values(course_id=None, changed=child.c.changed))
            free = update(s.safety_prompts).where(s.safety_prompts.c.course_id.in_(gone))
            connection.execute(free.values(course_id=None))
        connection.execute(delete(target).where(these))


def fact(connection: Connection, name: str) -> str | None:
    """One fact of the service; null if it is not known."""
    return connection.execute(select(s.facts.c.value).where(s.facts.c.name == name)).scalar_one_or_none()


def set_fact(connection: Connection, name: str, value: str) -> None:
    """Keep a fact; an earlier value goes."""
    made = _insert(connection, s.facts)
    connection.execute(
        made.on_conflict_do_update(index_elements=[s.facts.c.name], set_={"value": made.excluded.value}),
        {"name": name, "value": value},
    )


def reset(connection: Connection, table: str, seen: Mapping[str, int]) -> None:
    """Rows are in the lake as they were read; what was changed since goes on waiting.

    Args:
        connection: Inside a transaction.
        table: Which table.
        seen: Ids, and the count of changes that each had when it was read.
    """
    if not seen:
        return
    target = s.METADATA.tables[table]
    as_read = and_(target.c.id == bindparam("row_id"), target.c.changed == bindparam("row_changed"))
    connection.execute(
        update(target).where(as_read).values(changed=0),
        [{"row_id": one, "row_changed": changed} for one, changed in seen.items()],
    )


def _insert(connection: Connection, table: Table) -> Any:
    return postgresql.insert(table) if connection.dialect.name == "postgresql" else sqlite.insert(table)


def _differs(old: Any, new: Any) -> Any:
    return old.is_distinct_from(new)


def _coalesced(new: Any, old: Any) -> Any:
    return func.coalesce(new, old)


def _text(column: Any) -> Any:
    return cast(column, Text)
