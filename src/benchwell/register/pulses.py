"""One anonymous answer a week: what was answered, and, apart from it, that somebody has answered.

Nobody can tell which answer is whose, also not by looking at the database: an answer has neither account nor hour, and
with each new one the answers of the week are written anew in random order. That somebody has answered is kept as a
keyed hash until the week is over; then key and hashes are deleted.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import random

from sqlalchemy import Connection, delete, insert, select
from sqlalchemy.dialects import postgresql, sqlite

from benchwell.register.copying import make_known
from benchwell.register.schema import facts, pulse_turns, pulses
from benchwell.register.tokens import new_id, new_token

_KEY = "pulse_key:"


def week_of(day: dt.date) -> dt.date:
    """The Monday of a day's week.

    >>> week_of(dt.date(2026, 11, 25))
    datetime.date(2026, 11, 23)
    """
    return day - dt.timedelta(days=day.weekday())


def has_answered(connection: Connection, user_id: str, week: dt.date) -> bool:
    """Whether an account has answered in a week that is not over."""
    key = _key(connection, week)
    return key is not None and _has_turn(connection, week, _ticket(key, user_id))


def answer(connection: Connection, user_id: str, organization_id: str, week: dt.date, value: int) -> bool:
    """Keep an answer, unless this account has answered already; whether it was kept.

    Args:
        connection: Inside a transaction.
        user_id: Who answers; kept as a keyed hash, apart from the answer.
        organization_id: Where.
        week: Its Monday; what was kept of who answered in earlier weeks is deleted.
        value: The answer.
    """
    _forget_before(connection, week)
    key = _locked_key(connection, week)
    ticket = _ticket(key, user_id)
    if _has_turn(connection, week, ticket):
        return False
    connection.execute(insert(pulse_turns).values(week=week, ticket=ticket))
    _write_anew(connection, organization_id, week, value)
    return True


def answers_before(connection: Connection, organization_id: str, week: dt.date) -> dict[dt.date, tuple[int, ...]]:
    """Answers of the weeks that are over, by week; each in the order of their values, which says nothing of people.

    The running week is left out: from two looks at it, before and after somebody answered, that answer could be told.
    """
    asked = select(pulses).where(pulses.c.organization_id == organization_id, pulses.c.week < week)
    found: dict[dt.date, list[int]] = {}
    for row in connection.execute(asked.order_by(pulses.c.week)):
        found.setdefault(row.week, []).append(row.answer)
    return {one: tuple(sorted(values)) for one, values in found.items()}


def _write_anew(connection: Connection, organization_id: str, week: dt.date, value: int) -> None:
    """Write the week's answers in random order: the order of rows would tell who came when."""
    make_known(connection, "organizations", (organization_id,))
    here = (pulses.c.organization_id == organization_id) & (pulses.c.week == week)
    values = [row.answer for row in connection.execute(select(pulses.c.answer).where(here))]
    values.append(value)
    random.SystemRandom().shuffle(values)
    connection.execute(delete(pulses).where(here))
    rows = [{"id": new_id(), "organization_id": organization_id, "week": week, "answer": one} for one in values]
    connection.execute(insert(pulses), rows)


def _forget_before(connection: Connection, week: dt.date) -> None:
    connection.execute(delete(pulse_turns).where(pulse_turns.c.week < week))
    earlier = (facts.c.name.like(f"{_KEY}%")) & (facts.c.name < f"{_KEY}{week.isoformat()}")
    connection.execute(delete(facts).where(earlier))


def _key(connection: Connection, week: dt.date) -> str | None:
    found = connection.execute(select(facts.c.value).where(facts.c.name == f"{_KEY}{week.isoformat()}")).scalar()
    return None if found is None else str(found)


def _locked_key(connection: Connection, week: dt.date) -> str:
    """The week's key, made if there is none; whoever else answers waits, since answers are written anew as a whole."""
    name = f"{_KEY}{week.isoformat()}"
    insert_once = (postgresql if connection.dialect.name == "postgresql" else sqlite).insert(facts)
    connection.execute(insert_once.values(name=name, value=new_token()).on_conflict_do_nothing())
    return str(connection.execute(select(facts.c.value).where(facts.c.name == name).with_for_update()).scalar_one())


def _ticket(key: str, user_id: str) -> str:
    return hmac.new(key.encode(), user_id.encode(), hashlib.sha256).hexdigest()


def _has_turn(connection: Connection, week: dt.date, ticket: str) -> bool:
    asked = select(pulse_turns.c.week).where(pulse_turns.c.week == week, pulse_turns.c.ticket == ticket)
    return connection.execute(asked).first() is not None
