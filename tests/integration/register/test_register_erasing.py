"""After an erasure nothing of the person is in any table, nor in the bytes of the register's files."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import insert, select

from benchwell.errors import RegisterError
from benchwell.register import Register
from benchwell.register import schema as s
from benchwell.register.erasing import erase_person, list_requests, refuse_request
from benchwell.register.my_data import ask_deletion
from benchwell.register.tombstones import erased_among, tombstone_of
from erasing_case import everything, fill

GONE, STAYS = "synthetic-leaving", "synthetic-staying"


def _erase(register: Register) -> str:
    number = register.write(lambda connection: ask_deletion(connection, 1.0, GONE)).id
    register.write(lambda connection: erase_person(connection, 2.0, number, decided_by="an-admin"))
    register.compact()
    return number


def test_register_erasing_leaves_nothing_in_any_table(register_url: str) -> None:
    with Register(register_url) as register:
        register.write(lambda connection: fill(connection, STAYS, "word-staying"))
        with register.read() as connection:
            before = everything(connection)
        register.write(lambda connection: fill(connection, GONE, "word-leaving"))
        _erase(register)
        with register.read() as connection:
            after = everything(connection)
            log = connection.execute(select(s.audit.c.user_id, s.audit.c.person_id).order_by(s.audit.c.sequence)).all()
        assert "leaving" not in after
        assert before.count("staying") == after.count("staying")
        assert log[2:] == [(None, None), ("somebody", None)]


def test_register_erasing_leaves_nothing_in_the_bytes_of_the_file(tmp_path: Path) -> None:
    with Register.in_file(tmp_path / "register.db") as register:
        register.write(lambda connection: fill(connection, STAYS, "word-staying"))
        register.write(lambda connection: fill(connection, GONE, "word-leaving"))
        _erase(register)
        words = b"".join(path.read_bytes() for path in tmp_path.iterdir())
        assert b"leaving" not in words
        assert b"staying" in words


def test_register_erasing_answers_the_request(register_url: str) -> None:
    with Register(register_url) as register:
        register.write(lambda connection: fill(connection, GONE, "word"))
        number = _erase(register)
        with register.read() as connection:
            (answered,) = [one for one in list_requests(connection) if one.id == number]
            assert (answered.state, answered.decided_by) == ("done", "an-admin")
            graves = select(s.people.c.id).where(s.people.c.erased_at.is_not(None))
            assert len(connection.execute(graves).all()) == 1
            assert erased_among(connection, [GONE, STAYS]) == {GONE}
            assert list_requests(connection, "asked") == ()


def test_register_erasing_keeps_an_account_that_serves_something_else(register_url: str) -> None:
    with Register(register_url) as register:
        register.write(lambda connection: fill(connection, GONE, "word"))
        other = {"id": "g-other", "user_id": f"u-{GONE}", "role": "clinician", "practitioner_id": "c9"}
        register.write(lambda connection: connection.execute(insert(s.grants).values(**other)))
        _erase(register)
        with register.read() as connection:
            assert connection.execute(select(s.grants.c.role)).scalars().all() == ["clinician"]
            assert connection.execute(select(s.users.c.id)).scalars().all() == [f"u-{GONE}"]


def test_register_erasing_may_be_refused_once(register_url: str) -> None:
    with Register(register_url) as register:
        register.write(lambda connection: fill(connection, STAYS, "word"))
        number = register.write(lambda connection: ask_deletion(connection, 1.0, STAYS)).id
        said = {"decided_by": "an-admin", "reason": "must_be_kept_by_law"}
        register.write(lambda connection: refuse_request(connection, 2.0, number, **said))
        with pytest.raises(RegisterError, match="answered before"):
            register.write(lambda connection: refuse_request(connection, 2.0, number, **said))
        with pytest.raises(RegisterError, match="no such request"):
            register.write(lambda connection: refuse_request(connection, 2.0, "nowhere", **said))


def test_register_tombstones_of_two_registers_differ(tmp_path: Path) -> None:
    stones = set()
    for name in ("one", "two"):
        with Register.in_file(tmp_path / name / "register.db") as register:
            stones.add(register.write(lambda connection: tombstone_of(connection, GONE)))
    assert len(stones) == 2
    assert not any(GONE in stone for stone in stones)
