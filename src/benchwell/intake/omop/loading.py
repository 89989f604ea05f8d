"""Load the columns that are read into typed-by-name text tables, with the row number of every record."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from benchwell.errors import SourceError
from benchwell.intake.omop.fields import FIELDS
from benchwell.intake.omop.source import CdmSource, attached, columns_of, delimiter_of, first_line
from benchwell.intake.sealed import literal, quoted, sealed

_MACROS = (
    # Whole numbers that a tool wrote as floats (`12.0`) are the same ids.
    r"as_id(t) AS CASE WHEN regexp_full_match(t, '\d+\.0+') THEN split_part(t, '.', 1) ELSE t END",
    r"as_concept(t) AS nullif(try_cast(as_id(t) AS BIGINT), 0)",
    r"as_day(t) AS CASE WHEN regexp_full_match(t, '\d{4}-\d{2}-\d{2}([T ].*)?') THEN try_cast(left(t, 10) AS DATE) "
    r"WHEN regexp_full_match(t, '\d{8}') THEN try_strptime(t, '%Y%m%d')::DATE END",
    # Midnight is what loading programs write for an unknown time.
    r"as_clock(t) AS nullif(nullif(left(regexp_extract(t, '(?:^|[T ])((?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d)?)', 1) "
    r"|| ':00', 8), ':00'), '00:00:00')",
    r"as_number(t) AS CASE WHEN isfinite(try_cast(t AS DOUBLE)) THEN try_cast(t AS DOUBLE) END",
)


class Cdm:
    """An opened source: one in-memory DuckDB with a table for each CDM table that is read.

    `cdm_person`, `cdm_observation` … hold `row` (1 = first data row) and the columns of `fields.FIELDS` as text,
    trimmed, null where blank. `findings` collects what was refused or flagged.
    """

    def __init__(self, source: CdmSource, db: duckdb.DuckDBPyConnection) -> None:
        self.source = source
        self.db = db
        self.read = 0  # rows read, ragged ones included
        db.execute("CREATE TEMP TABLE findings (tbl VARCHAR, row BIGINT, col VARCHAR, reason VARCHAR, action VARCHAR)")
        for macro in _MACROS:
            db.execute(f"CREATE TEMP MACRO {macro}")

    def load(self, table: str, where: str = "true") -> None:
        """Make `cdm_<table>` from the rows that fit a condition on its columns; empty if the source lacks the table."""
        columns = FIELDS[table]
        if table not in self.source.files:
            empty = ", ".join(f"NULL::VARCHAR AS {column}" for column in columns)
            self.db.execute(f"CREATE TEMP TABLE cdm_{table} AS SELECT 0::BIGINT AS row, {empty} LIMIT 0")
            return
        try:
            relation, present = self._relation(table)
        except duckdb.Error:
            raise _unreadable(self.source.label(table)) from None
        cells = ", ".join(
            f"nullif(trim({quoted(present[column])}::VARCHAR), '') AS {column}"
            if column in present
            else f"NULL::VARCHAR AS {column}"
            for column in columns
        )
        # Rows are numbered before the filter: without an order, DuckDB numbers them as they stand in the file.
        numbered = f"SELECT row_number() OVER () AS row, {cells} FROM {relation}"  # noqa: S608  # quoted or ours
        try:
            self.db.execute(f"CREATE TEMP TABLE cdm_{table} AS SELECT * FROM ({numbered}) WHERE {where}")  # noqa: S608
        except duckdb.Error:
            raise _unreadable(self.source.label(table)) from None
        self._set_ragged_aside(table)

    def _relation(self, table: str) -> tuple[str, dict[str, str]]:
        """The FROM clause of a table, and its columns: name in lower case to name as written."""
        if self.source.database:
            address = attached(self.db)[table]
            names = [row[0] for row in self.db.execute(f"DESCRIBE {address}").fetchall()]
            return address, {name.lower(): name for name in names}
        path = self.source.files[table]
        if path.suffix.lower() == ".parquet":
            import pyarrow.parquet

            written = pyarrow.parquet.read_schema(path).names
            return f"read_parquet({literal(str(path))})", {name.lower(): name for name in written}
        return _csv(path, table), {name: name for name in columns_of(path)}

    def _set_ragged_aside(self, table: str) -> None:
        """Report rows of another width, and number the rows after them as they stand in the file."""
        path = self.source.files[table]
        if self.source.database or path.suffix.lower() == ".parquet":
            return
        encoding = f"SELECT 1 FROM rejects_{table} WHERE error_type = 'INVALID ENCODING' LIMIT 1"  # noqa: S608
        wrong = self.db.execute(encoding).fetchall()
        if wrong:
            raise _unreadable(self.source.label(table))
        # `since`: the first row number, among those that were kept, that comes after the n-th ragged row.
        ragged = (
            "SELECT line - 1 AS ragged, row_number() OVER (ORDER BY line) AS n, ragged - n + 1 AS since "  # noqa: S608
            f"FROM (SELECT DISTINCT line FROM rejects_{table})"  # a name of ours
        )
        self.db.execute(f"CREATE OR REPLACE TEMP TABLE ragged AS {ragged}")
        count = self.count("ragged")
        if count:
            self.db.execute(
                f"UPDATE cdm_{table} AS t SET row = t.row + s.n FROM (SELECT c.row, r.n FROM cdm_{table} AS c "  # noqa: S608
                "ASOF JOIN (SELECT since, max(n) AS n FROM ragged GROUP BY since) AS r ON c.row >= r.since) AS s "
                "WHERE t.row = s.row"
            )
            self.db.execute(f"INSERT INTO findings SELECT '{table}', ragged, '', 'ragged_row', 'rejected' FROM ragged")  # noqa: S608
        self.read += count

    def sift(self, stage: str) -> None:
        """Take the faulty rows out of a staging table and record why.

        Args:
            stage: A table with `tbl`, `row` and `fault`: null, or column and reason code with a space between.
        """
        self.read += self.count(stage)
        self.db.execute(
            "INSERT INTO findings SELECT tbl, row, split_part(fault, ' ', 1), split_part(fault, ' ', 2), 'rejected' "  # noqa: S608
            f"FROM {stage} WHERE fault IS NOT NULL"  # a name of ours
        )
        self.db.execute(f"DELETE FROM {stage} WHERE fault IS NOT NULL")  # noqa: S608

    def flag(self, rows: str, column: str, reason: str, action: str = "flagged") -> None:
        """Record a finding for the rows (`tbl`, `row`) that a query gives."""
        self.db.execute(
            f"INSERT INTO findings SELECT tbl, row, '{column}', '{reason}', '{action}' FROM ({rows})"  # noqa: S608
        )

    def count(self, stage: str) -> int:
        """Rows of a table."""
        return int(self.db.execute(f"SELECT count(*) FROM {stage}").fetchall()[0][0])  # noqa: S608


def _unreadable(label: str) -> SourceError:
    return SourceError(
        f"{label} cannot be read as a table.",
        hint="write it as UTF-8 text with a header, quoted with double quotation marks, or as Parquet",
    )


def _csv(path: Path, table: str) -> str:
    header = first_line(path)
    delimiter = delimiter_of(header)
    # Vocabulary downloads are tab-delimited and never quoted, and their names hold quotation marks.
    quote = '"' if delimiter != "\t" or header.startswith('"') else ""
    columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in columns_of(path))
    return (
        f"read_csv({literal(str(path))}, delim={literal(delimiter)}, quote={literal(quote)}, escape={literal(quote)}, "
        f"header=true, auto_detect=false, columns={{{columns}}}, nullstr=['NULL', 'null', '\\N', 'NA'], "
        f"store_rejects=true, rejects_table='rejects_{table}', rejects_scan='scans_{table}', rejects_limit=0)"
    )


@contextmanager
def opened(source: CdmSource) -> Iterator[Cdm]:
    """Open a source for one reading."""
    files = () if source.database else source.files.values()
    with sealed(files, source.path if source.database else None) as db:
        yield Cdm(source, db)
