"""The pulse in the store: one answer each, nobody's, and nothing of earlier weeks left to tell who answered."""

from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import insert, select

from benchwell.register import Register
from benchwell.register import schema as s
from benchwell.register.pulses import answer, answers_before, has_answered

WEEK = dt.date(2026, 11, 23)
LATER = WEEK + dt.timedelta(7)
HERE = "synthetic-north"


@pytest.fixture
def register(register_url):
    with Register(register_url) as made:
        made.write(lambda c: c.execute(insert(s.organizations).values(id=HERE, name="North", origin="live")) and None)
        yield made


def give(register, user: str, value: int, week: dt.date = WEEK) -> bool:
    return register.write(lambda connection: answer(connection, user, HERE, week, value))


def rows(register, table):
    with register.read() as connection:
        return connection.execute(select(table)).all()


def test_each_answers_once_a_week(register):
    assert [give(register, "u1", 1), give(register, "u1", 5), give(register, "u2", 3)] == [True, False, True]
    assert sorted(row.answer for row in rows(register, s.pulses)) == [1, 3]
    assert give(register, "u1", 4, LATER) is True
    with register.read() as connection:
        assert has_answered(connection, "u1", LATER)
        assert not has_answered(connection, "u2", LATER)


def test_many_at_once_lose_nothing_and_count_nothing_twice(register):
    people = [f"u{place}" for place in range(12)] * 2
    with ThreadPoolExecutor(8) as pool:
        kept = list(pool.map(lambda user: give(register, user, int(user[1:]) % 5 + 1), people))
    assert sum(kept) == 12
    assert sorted(row.answer for row in rows(register, s.pulses)) == sorted(place % 5 + 1 for place in range(12))
    assert len(rows(register, s.pulse_turns)) == 12


def test_a_new_answer_gives_every_answer_of_the_week_a_new_row(register):
    for place in range(6):
        give(register, f"u{place}", 3)
    before = {row.id for row in rows(register, s.pulses)}
    give(register, "u9", 3)
    after = {row.id for row in rows(register, s.pulses)}
    assert len(after) == 7
    assert not before & after


def test_what_tells_who_answered_is_gone_the_week_after(register):
    give(register, "u1", 1)
    first = rows(register, s.facts)
    give(register, "u2", 2, LATER)
    keys = [row.name for row in rows(register, s.facts) if row.name.startswith("pulse_key:")]
    assert [row.name for row in first if row.name.startswith("pulse_key:")] == [f"pulse_key:{WEEK}"]
    assert keys == [f"pulse_key:{LATER}"]
    assert {row.week for row in rows(register, s.pulse_turns)} == {LATER}
    assert {row.week for row in rows(register, s.pulses)} == {WEEK, LATER}


def test_only_weeks_that_are_over_are_read_and_in_order_of_values(register):
    for place, value in enumerate((5, 1, 4)):
        give(register, f"u{place}", value)
    with register.read() as connection:
        assert answers_before(connection, HERE, WEEK) == {}
        assert answers_before(connection, HERE, LATER) == {WEEK: (1, 4, 5)}
        assert answers_before(connection, "elsewhere", LATER) == {}
