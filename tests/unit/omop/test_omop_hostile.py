"""A source that means harm: a database file can hold names and views that anybody wrote."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from benchwell.errors import SourceError
from benchwell.intake.omop import is_omop, read_omop

SCHEMA = """mine"."other"; COPY (SELECT 1) TO '{target}'; DESCRIBE cdm."mine"."other"; --"""


def _columns(kind: str) -> str:
    return f"SELECT 1 AS person_id, 1990 AS year_of_birth, {kind} AS person_source_value"


def test_a_name_in_a_database_is_never_run(tmp_path: Path, omop_registry) -> None:
    target, path = tmp_path / "written.csv", tmp_path / "cdm.duckdb"
    schema = SCHEMA.format(target=target).replace('"', '""')
    with duckdb.connect(path) as db:
        db.execute("CREATE SCHEMA mine")
        db.execute("CREATE TABLE mine.other (a INTEGER)")
        db.execute(f'CREATE SCHEMA "{schema}"')
        db.execute(f'CREATE TABLE "{schema}".person AS {_columns("NULL")}')
    taken = read_omop(path, omop_registry)
    assert taken.tables["patients"]["birth_year"].to_pylist() == [1990]
    assert not target.exists()


@pytest.mark.parametrize(
    "elsewhere",
    [
        "(SELECT content FROM read_text('{secret}'))",
        "(SELECT count(*) FROM read_csv('{secret}'))",
        "(SELECT count(*) FROM glob('{secret}'))",
    ],
)
def test_a_view_in_a_database_reads_nothing_else(tmp_path: Path, omop_registry, elsewhere: str) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("a\nKennwort\n")
    path = tmp_path / "cdm.duckdb"
    with duckdb.connect(path) as db:
        db.execute(f"CREATE VIEW person AS {_columns(elsewhere.format(secret=secret))}")
    assert is_omop(path)
    with pytest.raises(SourceError, match="PERSON cannot be read") as refused:
        read_omop(path, omop_registry)
    assert "secret" not in str(refused.value)


def test_a_view_of_the_same_database_is_read(tmp_path: Path, omop_registry) -> None:
    path = tmp_path / "cdm.duckdb"
    with duckdb.connect(path) as db:
        db.execute(f"CREATE TABLE everybody AS {_columns('7')}")
        db.execute("CREATE VIEW person AS SELECT * FROM everybody")
    assert read_omop(path, omop_registry).tables["patients"].num_rows == 1


@pytest.mark.parametrize("name", ["a[1]", "it's", "100 %", "a;b"])
def test_a_folder_may_be_called_anything(tmp_path: Path, monkeypatch, omop_registry, name: str) -> None:
    folder = tmp_path / name
    folder.mkdir()
    (folder / "PERSON.csv").write_text("person_id,gender_concept_id,year_of_birth\n1,8507,1980\n")
    monkeypatch.chdir(tmp_path)
    for path in (folder, Path(name)):
        assert read_omop(path, omop_registry).tables["patients"].num_rows == 1
