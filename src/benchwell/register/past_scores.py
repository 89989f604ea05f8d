"""What a course knew before: its scores on one scale, and its attended contacts."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import Connection, Row, Select, and_, bindparam, select

from benchwell.register.records import Place
from benchwell.register.schema import assessments, contacts, scores

_POINTS: Final = 500  # scores of one course that a signal looks at, the latest


@dataclass(frozen=True)
class PastScore:
    """One score of a course: its day, the number of attended contacts up to then (if asked for), value and status."""

    date: dt.date
    occasion: float | None
    value: float | None
    status: str


@dataclass(frozen=True)
class Asked:
    """Whose scores are asked for, and which.

    Attributes:
        place: The course.
        instrument: Id of the instrument.
        scale: Id of the scale.
        with_occasions: Whether contacts are to be counted.
    """

    place: Place
    instrument: str
    scale: str
    with_occasions: bool = False

    @property
    def whose(self) -> str:
        """The course; the person, where no course is known."""
        return self.place.course_id or self.place.person_id


def past_scores(connection: Connection, asked: Asked) -> list[PastScore]:
    """Scores of one course on one scale, in order; of the person, where no course is known."""
    given = {"instrument": asked.instrument, "scale": asked.scale, "whose": [asked.whose]}
    rows = connection.execute(_question(asked.place.course_id is not None), given).all()
    return _in_order(rows, _attended(connection, [asked]).get(asked.whose, []))


def past_scores_of_several(connection: Connection, several: Sequence[Asked]) -> list[list[PastScore]]:
    """The same for several courses, in as many questions as there are scales among them."""
    groups: defaultdict[tuple[bool, str, str], list[Asked]] = defaultdict(list)
    for one in several:
        groups[one.place.course_id is not None, one.instrument, one.scale].append(one)
    days = _attended(connection, several)
    found: dict[Asked, list[PastScore]] = {}
    for (is_course, instrument, scale), group in groups.items():
        whose = sorted({one.whose for one in group})
        given = {"instrument": instrument, "scale": scale, "whose": whose}
        answer = connection.execute(_question(is_course), given).all()
        if len(answer) == _POINTS and len(whose) > 1:  # the limit was meant for one of them
            found |= {one: past_scores(connection, one) for one in group}
            continue
        rows: defaultdict[str, list[Row[Any]]] = defaultdict(list)
        for row in answer:
            rows[row.whose].append(row)
        found |= {one: _in_order(rows[one.whose], days.get(one.whose, [])) for one in group}
    return [found[one] for one in several]


def _in_order(rows: Sequence[Row[Any]], days: Sequence[dt.date]) -> list[PastScore]:
    return [
        PastScore(row.date, float(sum(day <= row.date for day in days)) if days else None, row.value, row.status)
        for row in reversed(rows)
    ]


@lru_cache(maxsize=2)
def _question(is_course: bool) -> Select[Any]:
    whose = assessments.c.course_id if is_course else assessments.c.person_id
    return (
        select(whose.label("whose"), assessments.c.date, scores.c.value, scores.c.status)
        .join(scores, and_(scores.c.assessment_id == assessments.c.id, scores.c.scale == bindparam("scale")))
        .where(
            whose.in_(bindparam("whose", expanding=True)),
            assessments.c.instrument == bindparam("instrument"),
            assessments.c.retracted.is_(False),
        )
        # Of one day, what has a time came after what has none.
        .order_by(assessments.c.date.desc(), assessments.c.time.desc().nulls_last(), assessments.c.sequence.desc())
        .limit(_POINTS)
    )


def _attended(connection: Connection, several: Sequence[Asked]) -> dict[str, list[dt.date]]:
    """Days of attended contacts, by course, where they are asked for."""
    wanted = sorted({one.whose for one in several if one.with_occasions and one.place.course_id is not None})
    found: defaultdict[str, list[dt.date]] = defaultdict(list)
    if wanted:
        for row in connection.execute(_CONTACTS, {"courses": wanted}):
            found[row.course_id].append(row.date)
    return found


_CONTACTS = select(contacts.c.course_id, contacts.c.date).where(
    contacts.c.course_id.in_(bindparam("courses", expanding=True)), contacts.c.attended.is_(True)
)
