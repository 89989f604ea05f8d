"""A register is brought up to date on opening; what is in it stays, and a newer one is refused."""

from __future__ import annotations

import contextlib
import shutil
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import create_engine, delete, func, insert, select, text, update
from sqlalchemy.exc import DBAPIError

from benchwell.errors import RegisterError
from benchwell.register import Register
from benchwell.register import schema as s
from benchwell.register.migrations import FOLDER, differences, head, upgrade, version_of
from benchwell.register.migrations.new import write_version

FIRST = "0001_first_tables.py"


def _line(**values: object) -> dict[str, object]:
    return {"at": time.time(), "role": "clinician", "action": "read", "route": "/people/{person_id}"} | values


def _old(url: str, folder: Path) -> None:
    """A register as the first version left it, with something in it."""
    folder.mkdir()
    shutil.copy(FOLDER / "versions" / FIRST, folder)
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        upgrade(connection, folder)
        connection.execute(insert(s.people).values(id="synthetic-p", label="S. P.", origin="live"))
        connection.execute(insert(s.audit).values(**_line(person_id="synthetic-p")))
    engine.dispose()


def test_register_versions_make_the_tables_of_the_schema(register_url: str) -> None:
    with Register(register_url) as register, register.read() as connection:
        assert differences(connection) == []
        assert version_of(connection) == head()


def test_register_versions_are_seen_when_one_is_lacking(tmp_path: Path) -> None:
    with Register.in_file(tmp_path / "register.db") as register:
        register.write(lambda connection: connection.execute(text("ALTER TABLE facts ADD COLUMN extra TEXT")))
        with register.read() as connection:
            assert [change[0] for change in differences(connection)] == ["remove_column"]


def test_register_versions_keep_what_an_older_one_held(register_url: str, tmp_path: Path) -> None:
    _old(register_url, tmp_path / "first")
    with Register(register_url) as register, register.read() as connection:
        assert version_of(connection) == head() != "0001"
        assert connection.execute(select(s.people.c.id, s.people.c.label)).all() == [("synthetic-p", "S. P.")]
        assert connection.execute(select(s.audit.c.person_id)).scalars().all() == ["synthetic-p"]


def test_register_versions_refuse_a_newer_register(register_url: str) -> None:
    with Register(register_url) as register:
        register.write(lambda connection: connection.execute(text("UPDATE alembic_version SET version_num = '9999'")))
    with pytest.raises(RegisterError, match="newer Benchwell"):
        Register(register_url)


def test_register_versions_upgrade_once_when_several_workers_start(register_url: str, tmp_path: Path) -> None:
    _old(register_url, tmp_path / "first")
    opens = "import sys; from benchwell.register import Register; Register(sys.argv[1]).close()"
    workers = [subprocess.Popen([sys.executable, "-c", opens, register_url], stderr=subprocess.PIPE) for _ in range(3)]
    assert [(worker.communicate()[1], worker.returncode) for worker in workers] == [(b"", 0)] * 3
    with Register(register_url) as register, register.read() as connection:
        assert version_of(connection) == head()


def test_register_versions_next_one_is_written_from_the_schema(tmp_path: Path) -> None:
    shutil.copytree(FOLDER / "versions", tmp_path / "versions", ignore=shutil.ignore_patterns("__pycache__"))
    table = s.METADATA.tables["facts"]
    path = write_version("Nothing new", tmp_path / "versions")
    words = path.read_text(encoding="utf-8")
    assert path.name.startswith(f"{int(head()) + 1:04d}_")
    assert f'down_revision = "{head()}"' in words
    assert table.name not in words


def test_register_file_is_its_owners_alone(tmp_path: Path) -> None:
    with Register.in_file(tmp_path / "register.db") as register:
        register.write(lambda connection: connection.execute(insert(s.facts).values(name="a", value="b")))
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes == dict.fromkeys(["register.db", "register.db-shm", "register.db-wal"], 0o600)


@pytest.mark.parametrize("url", ["mysql://host/name", "no url", "sqlite://", "sqlite:///:memory:"])
def test_register_refuses_an_address_that_is_none(url: str) -> None:
    with pytest.raises(RegisterError):
        Register(url)


def test_register_never_tells_its_password() -> None:
    with pytest.raises(RegisterError) as told:
        Register("postgresql://someone:synthetic-secret@localhost:1/nowhere")
    assert "synthetic-secret" not in str(told.value)


def test_register_refuses_a_file_that_is_something_else(tmp_path: Path) -> None:
    (tmp_path / "register.db").write_bytes(b"these are words, and no database at all" * 100)
    with pytest.raises(RegisterError, match="cannot be opened"):
        Register.in_file(tmp_path / "register.db")


CHANGES = {
    "update": update(s.audit).values(action="write"),
    "forget_somebody_who_is_not_erased": update(s.audit).values(person_id=None),
    "delete": delete(s.audit),
    "replace": text("INSERT INTO audit (sequence, at, role, action, route) VALUES (1, 0, 'x', 'y', 'z')"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_register_audit_rows_are_never_changed(register_url: str, change: str) -> None:
    with Register(register_url) as register:
        person = {"id": "synthetic-p", "origin": "live"}
        register.write(lambda connection: connection.execute(insert(s.people).values(**person)))
        register.write(lambda connection: connection.execute(insert(s.audit).values(**_line(person_id="synthetic-p"))))
        with pytest.raises(RegisterError):
            register.write(lambda connection: connection.execute(CHANGES[change]))
        with register.read() as connection:
            assert connection.execute(select(s.audit.c.action, s.audit.c.person_id)).all() == [("read", "synthetic-p")]


def test_register_audit_is_not_replaced_or_emptied_in_sql_of_each_kind(register_url: str) -> None:
    with Register(register_url) as register:
        register.write(lambda connection: connection.execute(insert(s.audit).values(**_line())))
        words = {
            "sqlite": "INSERT OR REPLACE INTO audit (sequence, at, role, action, route) VALUES (1, 0, 'x', 'y', 'z')",
            "postgresql": "TRUNCATE audit",
        }[register.kind]
        with pytest.raises(RegisterError):
            register.write(lambda connection: connection.execute(text(words)))
        with register.read() as connection:
            assert connection.execute(select(func.count()).select_from(s.audit)).scalar() == 1


def test_register_audit_may_forget_an_erased_person_and_nothing_else(register_url: str) -> None:
    with Register(register_url) as register:
        person = {"id": "synthetic-p", "origin": "live", "erased_at": 1.0}
        register.write(lambda connection: connection.execute(insert(s.people).values(**person)))
        register.write(lambda connection: connection.execute(insert(s.audit).values(**_line(person_id="synthetic-p"))))
        with pytest.raises(RegisterError):
            register.write(lambda connection: connection.execute(update(s.audit).values(person_id=None, at=0.0)))
        register.write(lambda connection: connection.execute(update(s.audit).values(person_id=None)))
        with register.read() as connection:
            assert connection.execute(select(s.audit.c.person_id)).scalars().all() == [None]


def test_register_reads_keep_nothing(register_url: str) -> None:
    with Register(register_url) as register:
        with register.read() as connection, contextlib.suppress(DBAPIError):  # PostgreSQL refuses at once
            connection.execute(insert(s.facts).values(name="a", value="b"))
        with register.read() as connection:
            assert connection.execute(select(func.count()).select_from(s.facts)).scalar() == 0
