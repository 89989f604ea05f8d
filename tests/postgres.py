"""A private PostgreSQL for tests of the live service: one cluster per test process, one new database per test.

Ask for `postgres_url` and give it to whatever opens a register; the database is gone after the test:

    def test_register_something(postgres_url: str) -> None:
        with Register(postgres_url) as register: ...

To run one test on both databases, ask for `register_url` instead: it comes once as SQLite, once as PostgreSQL. Where no
PostgreSQL is installed (looked for in PATH and in Debian's /usr/lib/postgresql/*/bin), such tests are skipped by name.
Both fixtures are there in every test: tests/conftest.py brings them.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

_QUICK = {"listen_addresses": "", "fsync": "off", "full_page_writes": "off", "max_connections": "60"}
_NUMBERS = count(1)


@dataclass(frozen=True)
class Cluster:
    """A running server: the folder of its socket, and the account that owns it."""

    socket: str

    def url(self, database: str) -> str:
        """The address of one of its databases."""
        return f"postgresql://benchwell@/{database}?host={quote(self.socket, safe='')}"

    def run(self, statement: str) -> None:
        """Run one statement on the server, outside of any transaction."""
        import psycopg  # needs libpq, which most tests do not

        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement)  # type: ignore[call-overload]  # our own words


def programs() -> Path | None:
    """The folder of `initdb` and `pg_ctl`, or nothing."""
    found = shutil.which("initdb")
    folders = [Path(found).resolve().parent] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    return next((folder for folder in reversed(folders) if (folder / "pg_ctl").is_file()), None)


def _account() -> dict[str, Any]:
    """PostgreSQL refuses to run as root: then it runs as its own user, or as nobody."""
    if os.geteuid() != 0:
        return {}
    names = {entry.pw_name for entry in pwd.getpwall()}
    user = pwd.getpwnam("postgres" if "postgres" in names else "nobody")
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


@pytest.fixture(scope="session")
def postgres_cluster() -> Iterator[Cluster]:
    """A server of this process's own; it listens on a socket in a folder of its own only."""
    folder_of_programs = programs()
    if folder_of_programs is None:
        pytest.skip("PostgreSQL is not installed (no initdb in PATH or /usr/lib/postgresql)")
    account = _account()
    folder = Path(tempfile.mkdtemp(prefix="bw-pg-"))  # short: the name of a socket may have 107 characters
    try:
        if account:
            os.chown(folder, account["user"], account["group"])
        data, quiet = folder / "data", {"check": True, "capture_output": True, "cwd": folder, **account}
        initdb = [folder_of_programs / "initdb", "-D", data, "-U", "benchwell", "-A", "trust", "-E", "UTF8"]
        subprocess.run([*initdb, "--locale=C", "--no-sync"], **quiet)
        options = " ".join(f"-c {name}={value or chr(39) * 2}" for name, value in _QUICK.items())
        server = [folder_of_programs / "pg_ctl", "-D", data, "-l", folder / "log", "-w"]
        # Not captured: the server would hold the pipe open, and nobody would ever see its end.
        silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": folder, **account}
        subprocess.run([*server, "-o", f"{options} -k {folder}", "start"], check=True, **silent)
        try:
            yield Cluster(str(folder))
        finally:
            subprocess.run([*server, "-m", "immediate", "stop"], check=True, **silent)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgres_url(postgres_cluster: Cluster) -> Iterator[str]:
    """The address of an empty database."""
    name = f"test_{os.getpid()}_{next(_NUMBERS)}"
    postgres_cluster.run(f"CREATE DATABASE {name}")
    yield postgres_cluster.url(name)
    postgres_cluster.run(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", "postgresql"])
def register_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a register that does not exist yet, once for each kind of database."""
    if request.param == "postgresql":
        return str(request.getfixturevalue("postgres_url"))
    return f"sqlite:///{tmp_path / 'register.db'}"
