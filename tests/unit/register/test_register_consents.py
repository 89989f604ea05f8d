"""Decisions per purpose: the latest day holds, of several on one day the last; care is not a switch."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import insert, select

from benchwell.errors import RegisterError
from benchwell.register import Register
from benchwell.register import schema as s
from benchwell.register.consents import Receipt, current, decide
from benchwell.register.copying import copy_consents
from benchwell.terms import Purpose

PERSON, DAY = "synthetic-p", 86_400.0
NOON = dt.datetime(2026, 6, 1, 12).timestamp()


@pytest.fixture
def register(tmp_path: Path) -> Iterator[Register]:
    with Register.in_file(tmp_path / "register.db") as opened:
        opened.write(lambda connection: connection.execute(insert(s.people).values(id=PERSON, origin="live")))
        yield opened


def _decide(register: Register, purpose: str, decision: str, now: float = NOON) -> Receipt:
    said = {"text_version": "learning-1", "decided_by": "person"}
    return register.write(lambda connection: decide(connection, now, PERSON, purpose, decision, **said))


def _state(register: Register, purpose: Purpose = Purpose.LEARNING) -> tuple[str, dt.date | None]:
    with register.read() as connection:
        found = current(connection, PERSON)
    assert set(found) == set(Purpose)
    return found[purpose].state, found[purpose].date


def _elsewhere(register: Register, decision: str, date: dt.date) -> None:
    row = {"id": f"lake-{decision}", "person_id": PERSON, "purpose": "learning", "decision": decision, "date": date}
    row |= {"decided_at": 0.0, "text_version": "lake"}
    register.write(lambda connection: copy_consents(connection, [row]))


def test_register_consents_nobody_was_asked(register: Register) -> None:
    assert _state(register) == ("not_asked", None)


def test_register_consents_give_a_receipt(register: Register) -> None:
    receipt = _decide(register, "learning", "granted")
    assert (receipt.purpose, receipt.decision, receipt.date) == (Purpose.LEARNING, "granted", dt.date(2026, 6, 1))
    with register.read() as connection:
        row = connection.execute(select(s.consents)).one()
    assert (row.id, row.text_version, row.decided_at) == (receipt.number, "learning-1", NOON)
    assert "today" in receipt.meaning
    assert "Your treatment stays the same" in _decide(register, "learning", "withdrawn").meaning


@pytest.mark.parametrize(
    ("words", "holds"),
    [
        ([("granted", 0.0), ("withdrawn", DAY)], "withdrawn"),
        ([("withdrawn", DAY), ("granted", 0.0)], "withdrawn"),
        ([("granted", 0.0), ("withdrawn", 60.0)], "withdrawn"),
        ([("declined", 0.0), ("granted", 60.0)], "granted"),
    ],
)
def test_register_consents_the_last_word_holds(register: Register, words: list[tuple[str, float]], holds: str) -> None:
    for decision, later in words:
        _decide(register, "learning", decision, NOON + later)
    assert _state(register)[0] == holds
    assert _state(register, Purpose.RESEARCH) == ("not_asked", None)


@pytest.mark.parametrize("decision", ["declined", "withdrawn"])
def test_register_consents_care_is_ended_by_a_request_to_delete(register: Register, decision: str) -> None:
    with pytest.raises(RegisterError, match="switched off") as told:
        _decide(register, "care", decision)
    assert "deletion" in str(told.value.hint)
    assert _decide(register, "care", "granted").decision == "granted"


@pytest.mark.parametrize(("purpose", "decision"), [("advertising", "granted"), ("learning", "perhaps")])
def test_register_consents_refuse_what_is_no_decision(register: Register, purpose: str, decision: str) -> None:
    with pytest.raises(RegisterError, match="no such purpose or decision"):
        _decide(register, purpose, decision)


def test_register_consents_a_grant_elsewhere_does_not_undo_a_refusal_of_that_day(register: Register) -> None:
    _decide(register, "learning", "declined")
    register.write(lambda connection: connection.execute(s.consents.update().values(changed=0)))
    _elsewhere(register, "granted", dt.date(2026, 6, 1))
    assert _state(register)[0] == "declined"
    with register.read() as connection:
        assert connection.execute(select(s.consents.c.changed)).scalars().all() == [1]  # the lake must hear it again


def test_register_consents_a_refusal_elsewhere_holds_and_a_later_day_too(register: Register) -> None:
    _decide(register, "learning", "granted")
    _elsewhere(register, "declined", dt.date(2026, 6, 1))
    assert _state(register)[0] == "declined"
    _elsewhere(register, "granted", dt.date(2026, 6, 2))
    assert _state(register) == ("granted", dt.date(2026, 6, 2))
