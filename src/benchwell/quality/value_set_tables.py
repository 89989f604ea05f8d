"""Value sets as the Value Set Authority Center exports them: text, CSV and Excel tables, and SVS XML.

A table starts with lines of name and value (OID, Definition Version), then a header, then a code a line. Tables of
many sets have the OID of the set in a column instead. Columns and lines are found by their names, so the order of
columns and the number of lines before them do not matter.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from xml.etree import ElementTree

from benchwell.clinical.systems import code_text, system_called, system_name
from benchwell.errors import ValueSetError
from benchwell.quality.value_set_listing import Listing, is_oid, set_key
from benchwell.workbooks import is_too_large

_LARGEST_EXACT = 2**53  # a number cell beyond this has lost digits
_LONGEST_COUNT = 9  # digits

# Names as they are written, without spaces and case.
_CODE = ("code", "conceptcode")
_SYSTEM_OID = ("codesystemoid", "codesystemid")
_SYSTEM = ("codesystem", "codesystemname")
_SET_OID = ("valuesetoid", "oid", "valuesetid")
_SET_NAME = ("valuesetname", "name")
_VERSION = ("definitionversion", "valuesetversion", "version")
_SET_VERSION_COLUMN = ("definitionversion", "valuesetversion")  # "version" in a table of codes is the code system's
_COUNT = ("codecount", "numberofcodes", "totalcodes", "concepts", "conceptcount")


@dataclass
class _Open:
    """A set that is being read."""

    oid: str = ""
    version: str | None = None
    title: str | None = None
    total: int | None = None
    codes: list[str] = field(default_factory=list)
    listed: bool = False  # its header of codes was seen

    def listing(self, file: str) -> Listing:
        key, version = set_key(self.oid)
        return Listing(
            key, self.version or version, self.title, frozenset(self.codes), len(self.codes), self.total, 0, None, file
        )


def listings_of_text(text: str, file: str) -> Iterator[Listing]:
    """Value sets of a text or CSV export; tabs, commas, semicolons or bars between the cells."""
    sample = [line for line in text.splitlines() if line.strip()][:200]
    # What separates the header of the codes separates everything.
    marks = "\t,;|"
    widest = max(marks, key=lambda mark: max((line.count(mark) for line in sample), default=0))
    return listings_of_rows(_text_rows(text, widest, file), file)


def _text_rows(text: str, mark: str, file: str) -> Iterator[list[str]]:
    try:
        yield from csv.reader(io.StringIO(text, newline=""), delimiter=mark)
    except csv.Error:
        raise ValueSetError(f"{file} is not a table that can be read.", hint="download it again") from None


def listings_of_workbook(content: bytes, file: str) -> Iterator[Listing]:
    """Value sets of an Excel export: its sheets one after the other, as information and codes stand on two sheets.

    Raises:
        ValueSetError: If it is no workbook, or a code was stored as a number and has lost digits.
    """
    return listings_of_rows(_sheet_rows(content, file), file)


def listings_of_rows(rows: Iterable[Sequence[str]], file: str) -> Iterator[Listing]:
    """Value sets of a table, row by row."""
    found: dict[tuple[str, str | None], _Open] = {}
    head, columns = _Open(), None
    for row in rows:
        cells = [cell.strip() for cell in row]
        names = [_plain(cell) for cell in cells]
        if _is_header(names):
            columns, head.listed = names, True
            if head.oid:
                found.setdefault((head.oid, head.version), head)
        elif (line := _information(names, cells)) is not None:
            if line[0] == "oid" and head.listed:
                head, columns = _Open(), None  # the next set of the same file
            _inform(head, *line)
        elif columns is not None and any(cells):
            _take(found, head, dict(zip(columns, cells, strict=False)), file)
    for one in found.values():
        yield one.listing(file)


def listings_of_xml(text: str, file: str) -> Iterator[Listing]:
    """Value sets of a response of SVS (IHE Sharing Value Sets), the API that the authority center offers beside FHIR.

    Raises:
        ValueSetError: If it is no XML.
    """
    try:
        root = ElementTree.fromstring(text)  # noqa: S314 - expat refuses entity bombs; external entities are not read
    except (ElementTree.ParseError, ValueError):
        raise ValueSetError(f"{file} is not XML that can be read.", hint="download it again") from None
    for element in root.iter():
        if _tag(element) not in ("ValueSet", "DescribedValueSet"):
            continue
        codes = [
            code_text(_system(concept.get("codeSystem", ""), concept.get("codeSystemName", "")), code)
            for concept in element.iter()
            if _tag(concept) == "Concept" and (code := concept.get("code", "").strip())
        ]
        oid, version = set_key(element.get("ID") or element.get("id") or "")
        yield Listing(
            key=oid,
            version=element.get("version") or version,
            title=element.get("displayName"),
            codes=frozenset(codes),
            entries=len(codes),
            total=None,
            offset=0,
            problem=None,
            file=file,
        )


def _tag(element: ElementTree.Element) -> str:
    return element.tag.rsplit("}", 1)[-1]


def _plain(cell: str) -> str:
    return re.sub(r"[^a-z0-9]", "", cell.lower())


def _is_header(names: Sequence[str]) -> bool:
    return any(name in _CODE for name in names) and any(name in (*_SYSTEM, *_SYSTEM_OID) for name in names)


def _information(names: Sequence[str], cells: Sequence[str]) -> tuple[str, str] | None:
    """What a line of name and value says: ("oid" | "version" | "title" | "total", value); None if it is none."""
    filled = [cell for cell in cells if cell]
    if not filled or not names[0] or len(filled) > 2:
        return None
    name, value = names[0], filled[1] if len(filled) == 2 else ""
    if not value and ":" in cells[0]:
        before, _, value = cells[0].partition(":")
        name, value = _plain(before), value.strip()
    known = {"oid": _SET_OID, "version": _VERSION, "title": _SET_NAME, "total": _COUNT}
    kind = next((kind for kind, spellings in known.items() if name in spellings), None)
    if kind is None or not value or (kind == "oid" and not is_oid(set_key(value)[0])):
        return None
    return kind, value


def _inform(head: _Open, kind: str, value: str) -> None:
    if kind == "oid":
        head.oid = value
    elif kind == "version":
        head.version = value
    elif kind == "title":
        head.title = value
    elif value.isdecimal() and len(value) <= _LONGEST_COUNT:
        head.total = int(value)


def _take(found: dict[tuple[str, str | None], _Open], head: _Open, cells: dict[str, str], file: str) -> None:
    code = _first(cells, _CODE)
    system = _system(_first(cells, _SYSTEM_OID), _first(cells, _SYSTEM))
    if not code or not system:
        return
    oid = _first(cells, _SET_OID) or head.oid
    if not oid:
        raise ValueSetError(
            f"{file} has codes, but nowhere the OID of their value set.",
            hint="export it again with the lines before the table, or with a column 'Value Set OID'",
        )
    version = _first(cells, _SET_VERSION_COLUMN) or head.version
    title = _first(cells, _SET_NAME) or head.title
    one = found.setdefault((oid, version), _Open(oid, version, title))
    one.codes.append(code_text(system, code))


def _first(cells: dict[str, str], names: Iterable[str]) -> str:
    return next((cells[name] for name in names if cells.get(name)), "")


def _system(oid: str, name: str) -> str:
    """A code system by OID, else by its address or name; kept as written where it is not known."""
    if oid:
        known = system_name(f"urn:oid:{oid}" if is_oid(oid) else oid)
        if known not in (oid, f"urn:oid:{oid}"):
            return known
    return system_called(name) or (f"urn:oid:{oid}" if is_oid(oid) else oid or system_name(name))


def _sheet_rows(content: bytes, file: str) -> Iterator[list[str]]:
    import python_calamine

    if is_too_large(content):
        raise ValueSetError(
            f"{file} has a sheet with cells too far apart, or too many of them.",
            hint="use the file as it was downloaded, not one that was saved again from a spreadsheet",
        )
    try:
        workbook = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(content))
        grids = [workbook.get_sheet_by_name(name).to_python(skip_empty_area=False) for name in workbook.sheet_names]
    except BaseException as error:
        # A damaged workbook can end in a Rust panic, which is no Exception.
        if isinstance(error, KeyboardInterrupt | SystemExit | MemoryError):
            raise
        raise ValueSetError(f"{file} is not an Excel workbook that can be read.", hint="download it again") from None
    for grid in grids:
        for number, row in enumerate(grid, start=1):
            yield [_cell(cell, file, number) for cell in row]


def _cell(cell: Any, file: str, number: int) -> str:
    if isinstance(cell, float) and cell.is_integer():
        if abs(cell) >= _LARGEST_EXACT:
            raise ValueSetError(
                f"{file}, row {number}: a code was stored as a number and has lost its last digits.",
                hint="use the file as it was downloaded, not one that was saved again from a spreadsheet",
            )
        return str(int(cell))
    return str(cell)
