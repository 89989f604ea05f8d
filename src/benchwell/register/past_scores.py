"""What a course knew before: its scores on one scale, and its attended contacts."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import Connection, Select, and_, bindparam, select

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


def _attended(connection: Connection, place: Place) -> list[dt.date]:
    if place.course_id is None:
        return []
    asked = select(contacts.c.date).where(contacts.c.course_id == place.course_id, contacts.c.attended.is_(True))
    return list(connection.execute(asked).scalars())
