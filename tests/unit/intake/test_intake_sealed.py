"""What a reading connection can do, and what it cannot be talked into."""

from __future__ import annotations

import stat
from pathlib import Path

import duckdb
import pytest

from benchwell.engine import DuckDBEngine
from benchwell.intake.sealed import sealed
from benchwell.intake.sql import connection

SPILL = "SELECT value FROM duckdb_settings() WHERE name = 'temp_directory'"
OFFLINE = "SELECT value FROM duckdb_settings() WHERE name LIKE 'auto%_known_extensions'"


def _private(folder: str) -> bool:
    return stat.S_IMODE(Path(folder).stat().st_mode) == 0o700


def test_only_the_given_file_can_be_read(tmp_path: Path) -> None:
    given, other = tmp_path / "given.csv", tmp_path / "other.csv"
    for file in (given, other):
        file.write_text("a\n1\n")
    with sealed([given]) as db:
        assert db.execute(f"SELECT * FROM read_csv('{given}')").fetchall() == [(1,)]
        for refused in (
            f"SELECT * FROM read_csv('{other}')",
            f"COPY (SELECT 1) TO '{tmp_path / 'new.csv'}'",
            f"ATTACH '{tmp_path / 'new.duckdb'}'",
            "INSTALL httpfs",
            "SET enable_external_access = true",
            "SET allowed_paths = ['/']",
        ):
            with pytest.raises(duckdb.Error):
                db.execute(refused)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["given.csv", "other.csv"]


def test_what_is_spilled_is_private_and_goes() -> None:
    with sealed() as db:
        folder = db.execute(SPILL).fetchall()[0][0]
        assert _private(folder)
        assert db.execute(OFFLINE).fetchall() == [("false",), ("false",)]
    assert not Path(folder).exists()


def test_grouping_never_spills_into_the_working_directory() -> None:
    with connection() as db:
        assert _private(db.execute(SPILL).fetchall()[0][0])
        assert db.execute(OFFLINE).fetchall() == [("false",), ("false",)]


def test_the_engine_fetches_no_extension() -> None:
    with DuckDBEngine() as engine:
        assert engine.connection.execute(OFFLINE).fetchall() == [("false",), ("false",)]
