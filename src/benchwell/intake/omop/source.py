"""Find the CDM tables of a source: a folder of CSV or Parquet files, or a DuckDB database file."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from pathlib import Path

import duckdb

from benchwell.errors import SourceError
from benchwell.intake.omop.fields import FIELDS
from benchwell.intake.sealed import quoted, sealed

_ENDINGS = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".txt", ".parquet")
_CHUNK = 1 << 20
_HEADER = 1 << 16


@dataclass(frozen=True)
class CdmSource:
    """A source whose tables are known and not read yet.

    Attributes:
        path: The folder or the database file.
        files: Table name to its file; for a database file, the file itself.
        database: Whether it is a DuckDB database.
    """

    path: Path
    files: dict[str, Path]
    database: bool

    @property
    def name(self) -> str:
        """The folder's or file's own name."""
        return self.path.resolve().name

    def label(self, table: str) -> str:
        """What a finding calls the place of a table: its file, or `database:TABLE`."""
        return f"{self.name}:{table.upper()}" if self.database else self.files[table].name

    def source_hash(self) -> str:
        """SHA-256 over the names and bytes of the files, in name order."""
        digest = hashlib.sha256()
        for table in sorted(self.files if not self.database else {"": self.path}):
            path = self.path if self.database else self.files[table]
            digest.update(f"{table}\0{path.stat().st_size}\0".encode())
            with path.open("rb") as file:
                while chunk := file.read(_CHUNK):
                    digest.update(chunk)
        return digest.hexdigest()


def is_omop(path: Path | str) -> bool:
    """Whether a path holds an OMOP CDM: a PERSON table with its own columns.

    >>> is_omop("no-such-folder")
    False
    """
    try:
        return "person" in find_tables(Path(path)).files
    except (SourceError, OSError):
        return False


def find_tables(path: Path) -> CdmSource:
    """The CDM tables of a folder or database file.

    Raises:
        SourceError: If there is no PERSON table, or two files claim to be the same table.
    """
    if path.is_dir():
        files = _files(path)
        if "person" in files and "person_id" in columns_of(files["person"]):
            return CdmSource(path, files, database=False)
    elif path.is_file() and _is_duckdb(path):
        tables = _tables(path)
        if "person" in tables:
            return CdmSource(path, dict.fromkeys(sorted(tables), path), database=True)
    raise SourceError(
        f"{path} holds no OMOP CDM: no PERSON table with a person_id was found.",
        hint="name a folder with PERSON.csv (or .csv.gz, .parquet) and the other tables, or a DuckDB database file",
    )


def _files(folder: Path) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        ending = next((ending for ending in _ENDINGS if path.name.lower().endswith(ending)), None)
        table = path.name[: -len(ending)].lower() if ending else ""
        if table not in FIELDS or not path.is_file():
            continue
        if table in found:
            raise SourceError(
                f"{folder.name} holds {table.upper()} twice: {found[table].name} and {path.name}.",
                hint="keep one file for each table",
            )
        found[table] = path
    return found


def columns_of(path: Path) -> list[str]:
    """The column names of a file in lower case, as they stand."""
    if path.suffix.lower() == ".parquet":
        import pyarrow.parquet

        names = pyarrow.parquet.read_schema(path).names
    else:
        header = first_line(path)
        names = [name.strip().strip('"') for name in header.split(delimiter_of(header))]
    return [name.lower() for name in names]


def first_line(path: Path) -> str:
    """The header of a delimited file, without a byte order mark."""
    with gzip.open(path, "rb") if path.suffix.lower() == ".gz" else path.open("rb") as file:
        line: bytes = file.readline(_HEADER)
    return line.decode("utf-8-sig", errors="replace").rstrip("\r\n")


def delimiter_of(header: str) -> str:
    r"""The delimiter that a header uses most: a tab, a comma, a semicolon or a bar.

    >>> delimiter_of("person_id\tgender_concept_id")
    '\t'
    """
    return max("\t,;|", key=header.count)


def _is_duckdb(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(12)[8:] == b"DUCK"


def _tables(path: Path) -> set[str]:
    with sealed(database=path) as db:
        return set(attached(db)) & set(FIELDS)


def attached(db: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """Tables and views of the attached database: name in lower case to quoted address."""
    rows = db.execute(
        "SELECT table_schema, table_name FROM information_schema.tables WHERE table_catalog = 'cdm' ORDER BY ALL DESC"
    ).fetchall()
    return {name.lower(): f"cdm.{quoted(schema)}.{quoted(name)}" for schema, name in rows}
