"""A score arrives: whose it is, whether it is new, and what the course knew before; all within one transaction.

The same record again changes nothing. The same id with other content is a correction: what stood there before is kept
as a retracted row under an id of its own, with its scores.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, TypeAlias

from sqlalchemy import Connection, Row, Select, Table, and_, bindparam, exists, func, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from benchwell.errors import BenchwellError
from benchwell.i18n import _
from benchwell.register.own_ids import is_of_others, marked, namespace_of
from benchwell.register.prompts import RAISED, SafetyPrompt, raise_prompt
from benchwell.register.schema import assessments, choices, contacts, courses, people, safety_prompts, scores
from benchwell.register.scope import own_people
from benchwell.register.tokens import new_id
from benchwell.register.viewer import Viewer
from benchwell.register.whose_record import may_change

_POINTS = 500  # scores of one course that a signal looks at, the latest
_LONGEST = 128  # characters of a key or a code
_LONGEST_ID = 90  # a superseded version adds 33 characters to its id, of which a key has 128
RegisterConnection: TypeAlias = Connection  # what a piece of work gets; outside of this room nobody speaks SQL with it
_ADD_SCORES = insert(scores)
_CONTENT = (
    "person_id", "instrument", "scale", "date", "time", "items", "total", "unit", "language", "informant", "mode",
)  # fmt: skip


class NotReceivedError(BenchwellError):
    """A record cannot be taken in as it is; `reason` says why, in a code.

    Args:
        reason: unknown_person, unknown_course, unknown_instrument, unknown_scale, no_score, after_snapshot,
            too_long_ago, not_text, id_too_long, conflict.
        message: The same in words, without a value.
    """

    def __init__(self, reason: str, message: str, *, hint: str | None = None) -> None:
        self.reason = reason
        super().__init__(message, hint=hint)


@dataclass(frozen=True)
class Entry:
    """A filled-in form or a stated score, as it is handed in.

    Attributes:
        person_id: Whose.
        course_id: Of which course; null: that of the contact, else the one that ran on that day.
        instrument: Id of the instrument.
        date: Day of the form, where the person is treated.
        time: HH:MM or HH:MM:SS, if known.
        items: Answers in the instrument's order, null where one is missing; null for a stated total.
        total: A stated total.
        scale: Which scale `total` belongs to; null is the primary one.
        unit: Unit of `total`.
        language: Of the form.
        informant: Who answered.
        mode: How it was filled in.
        source: link, kiosk, clinician, api or lake.
        entered_by: User or client.
        assessment_id: Its id, if it has one already; null: one is made, unless the same form has just been handed in.
        contact_id: In which contact it was filled in, if known.
        namespace: Within what its id is unique (`own_ids`); null: in the whole register.
    """

    person_id: str
    course_id: str | None
    instrument: str
    date: dt.date
    time: str | None = None
    items: tuple[float | None, ...] | None = None
    total: float | None = None
    scale: str | None = None
    unit: str | None = None
    language: str | None = None
    informant: str | None = None
    mode: str | None = None
    source: str = "clinician"
    entered_by: str | None = None
    assessment_id: str | None = None
    contact_id: str | None = None
    namespace: str | None = None


@dataclass(frozen=True)
class Place:
    """Whose record it goes into.

    Attributes:
        person_id: Whose.
        course_id: Of which course; null if none ran on that day.
        organization_id: Where.
        practitioner_id: Who treats.
        expected: Whether the person wants an expected course to be computed; null: has not said.
        label: What the clinician calls the record; "" if nothing was given.
    """

    person_id: str
    course_id: str | None
    organization_id: str | None
    practitioner_id: str | None
    expected: bool | None
    label: str = ""


@dataclass(frozen=True)
class Kept:
    """What became of a record.

    Attributes:
        assessment_id: Its id.
        is_new: False: it was there already, word for word.
        is_correction: It replaced an earlier version.
        prompts: Safety prompts that it raised and, of a repetition, that still wait.
    """

    assessment_id: str
    is_new: bool
    is_correction: bool = False
    prompts: tuple[SafetyPrompt, ...] = ()


@dataclass(frozen=True)
class ScoreOf:
    """One row of the scores table, less its key."""

    scale: str
    value: float | None
    status: str
    band: str | None
    reason: str | None


@dataclass(frozen=True)
class PastScore:
    """One score of a course: its day, the number of attended contacts up to then (if asked for), value and status."""

    date: dt.date
    occasion: float | None
    value: float | None
    status: str


def fingerprint_of(entry: Entry | Any) -> str:
    """SHA-256 of what a record says, however it came in: the same form has the same.

    >>> import datetime as dt
    >>> day = dt.date(2026, 6, 1)
    >>> one, other = Entry("p", None, "phq-9", day, total=7), Entry("p", "c", "phq-9", day, total=7.0, source="api")
    >>> fingerprint_of(one) == fingerprint_of(other)
    True
    """
    said = [getattr(entry, name) for name in _CONTENT]
    said[3] = str(said[3])
    said[5] = None if said[5] is None else [None if one is None else float(one) for one in said[5]]
    said[6] = None if said[6] is None else float(said[6])
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()


def is_text(text: str | None) -> bool:
    """Whether every database takes it as a short text.

    >>> is_text("p-1"), is_text(None), is_text("a" * 200), is_text(chr(0))
    (True, True, False, False)
    """
    return text is None or (len(text) <= _LONGEST and text.isprintable())


def place_of(connection: Connection, entry: Entry, viewer: Viewer | None) -> Place:
    """Whose record an entry goes into.

    Args:
        connection: Inside a transaction.
        entry: The record.
        viewer: Must reach the person; null: whoever calls has made sure.

    Raises:
        NotReceivedError: If there is no such person for the viewer, or the course is not the person's.
    """
    asked = _asked_place(viewer, entry.course_id is not None)
    given = {"person": entry.person_id, "day": entry.date, "course": entry.course_id}
    if entry.course_id is None:
        del given["course"]
    else:
        del given["day"]
    found = connection.execute(asked, given).all()
    if not found:
        raise NotReceivedError(
            "unknown_person",
            _("There is no such person here for whoever sends this."),
            hint=_("add the person first, or ask for a key that may do so"),
        )
    if entry.course_id is not None and found[0].course is None:
        raise NotReceivedError("unknown_course", _("This course is none of this person's."))
    chosen = _of_contact(connection, entry, found) if len(found) > 1 and entry.contact_id else found[0]
    return Place(
        chosen.id, chosen.course, chosen.organization_id, chosen.practitioner_id, chosen.expected, chosen.label or ""
    )


@lru_cache(maxsize=1024)
def _asked_place(viewer: Viewer | None, is_named: bool) -> Select[Any]:
    """The question of `place_of`; it is put together once for each viewer, since that takes longer than asking it."""
    day = bindparam("day", type_=courses.c.start_date.type)
    runs = and_(
        or_(courses.c.start_date.is_(None), courses.c.start_date <= day),
        or_(courses.c.end_date.is_(None), courses.c.end_date >= day),
    )
    if is_named:
        runs = courses.c.id == bindparam("course")
    asked = (
        select(people.c.id, courses.c.id.label("course"), courses.c.organization_id, courses.c.practitioner_id)
        .add_columns(choices.c.value.label("expected"), people.c.label)
        .outerjoin(courses, and_(courses.c.person_id == people.c.id, runs))
        .outerjoin(choices, and_(choices.c.person_id == people.c.id, choices.c.name == "expected"))
        .where(people.c.id == bindparam("person"), people.c.erased_at.is_(None))
        .order_by(courses.c.start_date.desc(), courses.c.id)
    )
    return asked if viewer is None else asked.where(own_people(viewer))


def _of_contact(connection: Connection, entry: Entry, found: Sequence[Row[Any]]) -> Row[Any]:
    asked = select(contacts.c.course_id).where(
        contacts.c.id == entry.contact_id, contacts.c.person_id == entry.person_id
    )
    course = connection.execute(asked).scalar_one_or_none()
    return next((row for row in found if row.course == course), found[0])


def add_unknown_person(connection: Connection, entry: Entry, viewer: Viewer) -> None:
    """Begin the record of somebody whom a program names first, with a course at its organization from that day on."""
    known = connection.execute(select(people.c.id).where(people.c.id == entry.person_id)).first()
    if known is not None:
        return  # somebody else's, or erased: `place_of` refuses it
    _put(connection, people, {"id": entry.person_id, "origin": "live"})
    course = {"id": new_id(), "person_id": entry.person_id, "organization_id": viewer.organization_id}
    connection.execute(insert(courses).values(**course, start_date=entry.date, origin="live"))


def keep(
    connection: Connection,
    entry: Entry,
    place: Place,
    found: Sequence[ScoreOf],
    safety: Sequence[tuple[int, str]],
    now: float,
) -> Kept:
    """Keep a record with its scores and prompts, unless it is there already.

    Args:
        connection: Inside a transaction.
        entry: The record.
        place: Whose it is (`place_of`).
        found: Its scores.
        safety: Safety questions to raise: item, and `raised` or `unanswered`.
        now: Seconds since 1970-01-01 UTC.

    Raises:
        NotReceivedError: If its id belongs to another person's record, or to one that came from somebody else.
    """
    if entry.assessment_id is not None and len(entry.assessment_id) > _LONGEST_ID:
        raise NotReceivedError("id_too_long", _("The id of this record is too long."))
    mark = fingerprint_of(entry)
    if entry.assessment_id is None and (same := _same(connection, entry, mark)) is not None:
        return Kept(same, is_new=False, prompts=_unseen(connection, same))
    row = _row(entry, place, entry.assessment_id or new_id(), mark, now)
    is_correction = False
    before = _put_or_find(connection, entry, row)
    id_ = row["id"]
    if before is not None:
        if before.person_id != entry.person_id:
            raise NotReceivedError("conflict", _("A record of this id exists and is not this one."))
        if not before.retracted and (before.fingerprint or fingerprint_of(before)) == mark:
            return Kept(id_, is_new=False, prompts=_unseen(connection, id_))
        if not may_change(connection, before.source, before.entered_by, entry.entered_by):
            raise _of_another()
        _supersede(connection, before, row)
        is_correction = True
    rows = [{"assessment_id": id_, **vars(one)} for one in found]
    connection.execute(_ADD_SCORES, rows if len(rows) > 1 else rows[0])  # drivers do one row faster than a list of one
    about: dict[str, Any] = {"assessment_id": id_, "person_id": entry.person_id, "course_id": place.course_id}
    if is_correction:
        _follow(connection, id_, safety)
    prompts = tuple(raise_prompt(connection, now, item=item, state=state, **about) for item, state in safety)
    return Kept(id_, True, is_correction, prompts)


def _put_or_find(connection: Connection, entry: Entry, row: dict[str, Any]) -> Row[Any] | None:
    """Insert a record, or give the one that stands there; its id gets a mark where it is another sender's already."""
    plain = row["id"]
    own = None if entry.namespace is None or entry.assessment_id is None else marked(plain, entry.namespace)
    # Inserting first costs one statement less than looking first; of two that arrive at once, one sees the other.
    if _put(connection, assessments, row, unless=own):
        return None
    found = _standing(connection, own) if own is not None else None
    if found is None:
        found = _standing(connection, plain)
        if own is None or len(own) > _LONGEST_ID or found is None:
            return found
        if not is_of_others(connection, found, entry.person_id, entry.namespace or ""):
            return found
        row["id"] = own
        return None if _put(connection, assessments, row) else _standing(connection, own)
    row["id"] = own
    return found


def _standing(connection: Connection, id_: str) -> Row[Any] | None:
    return connection.execute(select(assessments).where(assessments.c.id == id_)).one_or_none()


def is_kept(connection: Connection, entry: Entry) -> bool:
    """Whether a record stands here already under its id, word for word."""
    asked = select(assessments.c.fingerprint).where(
        assessments.c.id == entry.assessment_id, assessments.c.retracted.is_(False)
    )
    return connection.execute(asked).scalar_one_or_none() == fingerprint_of(entry)


def take_back(connection: Connection, viewer: Viewer, record: str) -> list[str]:
    """Retract a record that was entered in error, with every instrument that stood in it (`id#gad-7`).

    Returns:
        Whose it was; empty if there is no such record for the viewer, or it was taken back before.

    Raises:
        NotReceivedError: If it came from somebody else.
    """
    own = marked(record, namespace_of(viewer))
    names = [
        one
        for name in (record, own)
        for one in (assessments.c.id == name, assessments.c.id.startswith(f"{name}#", autoescape=True))
    ]
    asked = (
        select(assessments.c.id, assessments.c.person_id, assessments.c.source, assessments.c.entered_by)
        .join(people, people.c.id == assessments.c.person_id)
        .where(
            or_(*names),
            assessments.c.retracted.is_(False),
            people.c.erased_at.is_(None),
            own_people(viewer),
        )
    )
    found = connection.execute(asked).all()
    by = viewer.client_id or viewer.user_id
    mine = [row for row in found if may_change(connection, row.source, row.entered_by, by)]
    if any(row.id.partition("#")[0] == own for row in mine):  # the one without the mark is another sender's
        found = [row for row in mine if row.source == "api"]
    elif len(mine) < len(found):
        raise _of_another()
    if found:
        ids = [row.id for row in found]
        connection.execute(update(assessments).where(assessments.c.id.in_(ids)).values(retracted=True))
    return sorted({row.person_id for row in found})


def _of_another() -> NotReceivedError:
    return NotReceivedError("conflict", _("A record of this id exists, and came from somebody else."))


def past_scores(
    connection: Connection, place: Place, instrument: str, scale: str, *, with_occasions: bool = False
) -> list[PastScore]:
    """Scores of one course on one scale, in order; of the person, where no course is known."""
    given = {"instrument": instrument, "scale": scale, "whose": place.course_id or place.person_id}
    rows = connection.execute(_asked_past(place.course_id is not None), given).all()[::-1]
    days = _attended(connection, place) if with_occasions else []
    return [
        PastScore(row.date, float(sum(day <= row.date for day in days)) if days else None, row.value, row.status)
        for row in rows
    ]


@lru_cache(maxsize=2)
def _asked_past(is_course: bool) -> Select[Any]:
    return (
        select(assessments.c.date, scores.c.value, scores.c.status)
        .join(scores, and_(scores.c.assessment_id == assessments.c.id, scores.c.scale == bindparam("scale")))
        .where(
            (assessments.c.course_id if is_course else assessments.c.person_id) == bindparam("whose"),
            assessments.c.instrument == bindparam("instrument"),
            assessments.c.retracted.is_(False),
        )
        .order_by(assessments.c.date.desc(), assessments.c.time.desc(), assessments.c.sequence.desc())
        .limit(_POINTS)
    )


def _unseen(connection: Connection, assessment_id: str) -> tuple[SafetyPrompt, ...]:
    """What waits in a record: whoever sends it once more has perhaps not heard of it the first time."""
    waits = and_(safety_prompts.c.assessment_id == assessment_id, safety_prompts.c.seen_at.is_(None))
    return tuple(
        SafetyPrompt(one.id, one.assessment_id, one.person_id, one.course_id, one.item, one.state, one.raised_at)
        for one in connection.execute(select(safety_prompts).where(waits).order_by(safety_prompts.c.item))
    )


def _same(connection: Connection, entry: Entry, mark: str) -> str | None:
    """A form without an id that was just handed in: a page that was sent twice."""
    if connection.dialect.name == "postgresql":
        # Of two that come at the same moment, the second waits for the first to be there; SQLite has one writer anyway.
        connection.execute(select(func.pg_advisory_xact_lock(int(mark[:15], 16))))
    asked = select(assessments.c.id).where(
        assessments.c.person_id == entry.person_id,
        assessments.c.instrument == entry.instrument,
        assessments.c.date == entry.date,
        assessments.c.fingerprint == mark,
        assessments.c.retracted.is_(False),
    )
    return connection.execute(asked.limit(1)).scalar_one_or_none()


def _row(entry: Entry, place: Place, id_: str, mark: str, now: float) -> dict[str, Any]:
    said = {name: getattr(entry, name) for name in _CONTENT}
    said["items"] = None if entry.items is None else list(entry.items)
    return said | {
        "id": id_,
        "course_id": place.course_id,
        "source": entry.source,
        "entered_by": entry.entered_by,
        "received_at": now,
        "fingerprint": mark,
        "retracted": False,
    }


def _put(connection: Connection, table: Table, row: dict[str, Any], *, unless: str | None = None) -> bool:
    """Insert a row unless its key is there, or another id that it may have; whether they were not."""
    added = _added(connection.dialect.name, table, tuple(row), unless is not None)
    given = row if unless is None else row | {"unless": unless}
    return connection.execute(added, given).first() is not None


@lru_cache(maxsize=16)
def _added(dialect: str, table: Table, columns: tuple[str, ...], is_guarded: bool) -> Any:
    made = postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)
    values = {name: bindparam(name, type_=table.c[name].type) for name in columns}
    if is_guarded:
        there = table.alias()
        known = exists().where(there.c.id == bindparam("unless", type_=table.c.id.type))
        added = made.from_select(list(values), select(*values.values()).where(~known), include_defaults=False)
    else:
        added = made.values(values)
    return added.on_conflict_do_nothing().returning(table.c.id)


def _supersede(connection: Connection, before: Row[Any], row: dict[str, Any]) -> None:
    """Keep the version before under an id of its own, retracted; the new one takes its place."""
    old = f"{before.id}~{new_id()}"
    copy = dict(before._mapping) | {"id": old, "retracted": True, "changed": 0}  # the lake keeps versions of its own
    del copy["sequence"]
    connection.execute(insert(assessments).values(**copy))
    connection.execute(update(scores).where(scores.c.assessment_id == before.id).values(assessment_id=old))
    # What somebody has seen belongs to the version that was seen; what nobody has seen stays open.
    seen = and_(safety_prompts.c.assessment_id == before.id, safety_prompts.c.seen_at.is_not(None))
    connection.execute(update(safety_prompts).where(seen).values(assessment_id=old))
    connection.execute(update(assessments).where(assessments.c.id == before.id).values(**row))


def _follow(connection: Connection, assessment_id: str, safety: Sequence[tuple[int, str]]) -> None:
    """Let prompts that nobody has seen say what the newer version says; a raised one stays raised until it is seen."""
    for item, state in safety:
        same = and_(
            safety_prompts.c.assessment_id == assessment_id,
            safety_prompts.c.item == item,
            safety_prompts.c.state != RAISED,
        )
        connection.execute(update(safety_prompts).where(same).values(state=state))


def _attended(connection: Connection, place: Place) -> list[dt.date]:
    if place.course_id is None:
        return []
    asked = select(contacts.c.date).where(contacts.c.course_id == place.course_id, contacts.c.attended.is_(True))
    return list(connection.execute(asked).scalars())


NOTIFY: Final = "benchwell_news"


def tell_others(connection: Connection, message: str) -> None:
    """Tell the other processes of a PostgreSQL register, when and if this transaction commits; elsewhere nothing.

    Args:
        connection: Inside a transaction.
        message: Ids only.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_notify(NOTIFY, message)))
