"""A score arrives: whether it is new, a correction, or there already; all within one transaction.

The same record again changes nothing. The same id with other content is a correction: what stood there before is kept
as a retracted row under an id of its own, with its scores.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Insert, Row, and_, bindparam, func, insert, or_, select, update

from benchwell.i18n import _
from benchwell.register.own_ids import is_of_others, marked, namespace_of
from benchwell.register.prompts import RAISED, SafetyPrompt, add_prompts, raise_prompt
from benchwell.register.put import put, put_several
from benchwell.register.records import CONTENT, Entry, Kept, NotReceivedError, Place, ScoreOf, fingerprint_of
from benchwell.register.schema import assessments, people, safety_prompts, scores
from benchwell.register.scope import own_people
from benchwell.register.tokens import new_id
from benchwell.register.viewer import Viewer
from benchwell.register.whose_record import may_change

_LONGEST_ID: Final = 90  # a superseded version adds 33 characters to its id, of which a key has 128
_ADD_SCORES = insert(scores)
_THERE = select(assessments.c.id).where(assessments.c.id.in_(bindparam("ids", expanding=True)))


@dataclass(frozen=True)
class ToKeep:
    """A record on its way.

    Attributes:
        entry: The record.
        place: Whose it is (`place_of`).
        scores: What it says.
        safety: Safety questions to raise: item, and `raised` or `unanswered`.
        now: Seconds since 1970-01-01 UTC.
    """

    entry: Entry
    place: Place
    scores: Sequence[ScoreOf]
    safety: Sequence[tuple[int, str]]
    now: float


def keep(connection: Connection, one: ToKeep) -> Kept:
    """Keep a record with its scores and prompts, unless it is there already.

    Args:
        connection: Inside a transaction.
        one: The record.

    Raises:
        NotReceivedError: If its id belongs to another person's record, or to one that came from somebody else; then
            nothing was written.
    """
    entry, place, safety, now = one.entry, one.place, one.safety, one.now
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
    _add(connection, _ADD_SCORES, _score_rows(id_, one))
    about: dict[str, Any] = {"assessment_id": id_, "person_id": entry.person_id, "course_id": place.course_id}
    if is_correction:
        _follow(connection, id_, safety)
    prompts = tuple(raise_prompt(connection, now, item=item, state=state, **about) for item, state in safety)
    return Kept(id_, True, is_correction, prompts)


def keep_several(connection: Connection, several: Sequence[ToKeep]) -> list[Kept | None]:
    """Keep those of several records that are surely new, together; null for every other: `keep` it by itself.

    Args:
        connection: Inside a transaction.
        several: The records, of different ids.
    """
    names = [_names(one.entry) for one in several]
    there = connection.execute(_THERE, {"ids": [name for group in names for name in group]}).scalars().all()
    is_new = [bool(group) and not {*group} & {*there} for group in names]
    rows = [
        _row(one.entry, one.place, str(one.entry.assessment_id), fingerprint_of(one.entry), one.now)
        for one, new in zip(several, is_new, strict=True)
        if new
    ]
    # In one order everywhere: of two that keep the same records at once, neither waits for the other one's.
    written = put_several(connection, assessments, sorted(rows, key=lambda row: str(row["id"])))
    kept = [new and one.entry.assessment_id in written for one, new in zip(several, is_new, strict=True)]
    mine = [one for one, is_kept in zip(several, kept, strict=True) if is_kept]
    _add(connection, _ADD_SCORES, [row for one in mine for row in _score_rows(str(one.entry.assessment_id), one)])
    prompts = {one.entry.assessment_id: tuple(_prompts(one)) for one in mine}
    add_prompts(connection, [prompt for several_prompts in prompts.values() for prompt in several_prompts])
    return [
        Kept(str(one.entry.assessment_id), is_new=True, prompts=prompts[one.entry.assessment_id]) if is_kept else None
        for one, is_kept in zip(several, kept, strict=True)
    ]


def _names(entry: Entry) -> list[str]:
    """Every id under which a record may stand; none if it has none of its own, or one that cannot be kept."""
    plain = entry.assessment_id
    if plain is None or len(plain) > _LONGEST_ID:
        return []
    return [plain] if entry.namespace is None else [plain, marked(plain, entry.namespace)]


def _prompts(one: ToKeep) -> Iterator[SafetyPrompt]:
    about = (str(one.entry.assessment_id), one.entry.person_id, one.place.course_id)
    return (SafetyPrompt(new_id(), *about, item, state, one.now) for item, state in one.safety)


def _score_rows(assessment_id: str, one: ToKeep) -> list[dict[str, Any]]:
    return [{"assessment_id": assessment_id, **vars(score)} for score in one.scores]


def _add(connection: Connection, statement: Insert, rows: Sequence[dict[str, Any]]) -> None:
    if rows:  # drivers do one row faster than a list of one
        connection.execute(statement, rows if len(rows) > 1 else rows[0])


def _put_or_find(connection: Connection, entry: Entry, row: dict[str, Any]) -> Row[Any] | None:
    """Insert a record, or give the one that stands there; its id gets a mark where it is another sender's already."""
    plain = row["id"]
    own = None if entry.namespace is None or entry.assessment_id is None else marked(plain, entry.namespace)
    # Inserting first costs one statement less than looking first; of two that arrive at once, one sees the other.
    if put(connection, assessments, row, unless=own):
        return None
    found = _standing(connection, own) if own is not None else None
    if found is None:
        found = _standing(connection, plain)
        if own is None or len(own) > _LONGEST_ID or found is None:
            return found
        if not is_of_others(connection, found, entry.person_id, entry.namespace or ""):
            return found
        row["id"] = own
        return None if put(connection, assessments, row) else _standing(connection, own)
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
    said = {name: getattr(entry, name) for name in CONTENT}
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
