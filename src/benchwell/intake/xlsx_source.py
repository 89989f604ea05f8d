"""Read one sheet of an Excel workbook as text: real dates become ISO dates, whole numbers lose their point."""

from __future__ import annotations

import datetime as dt
import hashlib
import io
from typing import Any

import numpy as np
import pyarrow as pa
import python_calamine

from benchwell.errors import MappingError, SourceError
from benchwell.intake.raw import RawTable, finish
from benchwell.workbooks import is_too_large


def read_xlsx(content: bytes, file: str, sheet: str | None = None) -> RawTable:
    """One sheet as a raw table: the named one, else the first that has data.

    Raises:
        SourceError: If it is no workbook, or the sheet is empty.
        MappingError: If there is no sheet of that name.
    """
    if not content:
        raise SourceError(f"{file} is empty.", hint="`benchwell template` writes a file to start from")
    name, grid = _grid(content, file, sheet)
    filled = [position for position, row in enumerate(grid) if any(cell != "" for cell in row)]
    if not filled:
        raise SourceError(f"{file}, sheet {name!r}, is empty.")
    header = [_text(cell) or "" for cell in grid[filled[0]]]
    while header and not header[-1].strip():
        header.pop()
    body = grid[filled[0] + 1 :]
    ragged = [n for n, row in enumerate(body, start=1) if any(cell != "" for cell in row[len(header) :])]
    wrong = set(ragged)
    kept = [(number, row) for number, row in enumerate(body, start=1) if number not in wrong]
    columns = [pa.array([_text(row[at]) for _, row in kept], pa.string()) for at in range(len(header))]
    table = pa.Table.from_arrays(columns, names=header)
    rows = np.array([number for number, _ in kept], dtype=np.int64)
    note = () if sheet else (f"Read sheet {name!r}.",)
    hashed = hashlib.sha256(content).hexdigest()
    return finish(file, hashed, table, rows, np.array(ragged, dtype=np.int64), note)


def _grid(content: bytes, file: str, sheet: str | None) -> tuple[str, list[list[Any]]]:
    if is_too_large(content):
        raise SourceError(
            f"{file} has a sheet with cells too far apart, or too many of them.",
            hint="clear stray cells far below or beside the table, or export it as CSV",
        )
    try:
        workbook = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(content))
        names = workbook.sheet_names
        if sheet is None:
            for name in names:
                grid = workbook.get_sheet_by_name(name).to_python(skip_empty_area=False)
                if grid:
                    return name, grid
            raise SourceError(f"{file} has no sheet with data.")
        if sheet not in names:
            raise MappingError(f"{file} has no sheet {sheet!r}.", hint=f"its sheets are: {', '.join(names)}")
        return sheet, workbook.get_sheet_by_name(sheet).to_python(skip_empty_area=False)
    except (SourceError, MappingError):
        raise
    except BaseException as error:
        # A damaged workbook can end in a Rust panic, which is no Exception.
        if isinstance(error, KeyboardInterrupt | SystemExit | MemoryError):
            raise
        raise SourceError(
            f"{file} is not an Excel workbook that can be read.", hint="save it again as XLSX, or export CSV"
        ) from None


def _text(cell: Any) -> str | None:
    if cell is None or cell == "":
        return None
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    if isinstance(cell, dt.datetime):
        return cell.strftime("%Y-%m-%dT%H:%M:%S")
    if isinstance(cell, dt.date | dt.time):
        return cell.isoformat()
    if isinstance(cell, dt.timedelta):
        return str(cell)
    return str(cell)
