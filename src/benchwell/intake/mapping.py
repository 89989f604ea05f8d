"""The mapping: which column of a source fills which column of which canonical table, as reviewable YAML."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any, Literal, Self

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from benchwell.tables import CANONICAL, Table
from benchwell.tables.table import PROVENANCE

DateFormat = Literal["ymd", "dmy", "mdy", "serial"]
Scalar = str | int | float | bool | None


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Cell(_Model):
    """Where one canonical value comes from.

    Exactly one of `column`, `constant`, `join`, `by` and (for dates) `day_offset` or `day` says where; the rest says
    how to read it.
    """

    column: str | None = None
    constant: Scalar = None
    join: tuple[str, ...] = ()  # several columns, with `separator` between them
    separator: str = "/"
    by: str | None = None  # a column whose value picks one of `cases`
    cases: dict[str, Cell] = {}
    otherwise: Cell | None = None
    values: dict[str, Scalar] = {}  # text in the source: canonical value (null: missing)
    missing: tuple[str, ...] = ()  # further texts that mean missing, for this column only
    prefix: str = ""  # put before ids that are unique only within the source
    format: DateFormat | None = None
    decimal: Literal[".", ","] | None = None
    percent: bool = False  # the column holds 0 to 100, the table 0 to 1
    origin: dt.date | None = None  # a synthetic day 0, where a source has only days relative to an unknown date
    day_offset: str | None = None  # column with days after `origin`
    day: int | None = None  # the same day after `origin` in every row

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        return {"column": value} if isinstance(value, str) else value

    @field_validator("missing", mode="before")
    @classmethod
    def _texts(cls, value: Any) -> Any:
        return _as_texts(value)

    @field_validator("values", "cases", mode="before")
    @classmethod
    def _text_keys(cls, value: Any) -> Any:
        return {as_text(key): item for key, item in value.items()} if isinstance(value, dict) else value

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        given = [
            self.column is not None,
            self.constant is not None,
            bool(self.join),
            self.by is not None,
            self.day_offset is not None,
            self.day is not None,
        ]
        if sum(given) != 1:
            raise ValueError("give exactly one of column, constant, join, by, day_offset, day")
        if (self.day_offset is not None or self.day is not None) and self.origin is None:
            raise ValueError("relative days need `origin`, a date that stands for day 0")
        if self.by is not None and not self.cases:
            raise ValueError("`by` needs `cases`")
        return self

    def used_columns(self) -> set[str]:
        """Source columns that this cell reads."""
        own = {name for name in (self.column, self.by, self.day_offset) if name is not None} | set(self.join)
        nested = [*self.cases.values(), *([self.otherwise] if self.otherwise else [])]
        return own.union(*(cell.used_columns() for cell in nested)) if nested else own


class Items(_Model):
    """The answer columns of an instrument, in the instrument's order."""

    columns: tuple[str, ...] = Field(min_length=1)
    values: dict[str, Scalar] = {}
    missing: tuple[str, ...] = ()
    decimal: Literal[".", ","] | None = None

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        return {"columns": value} if isinstance(value, list | tuple | str) else value

    @field_validator("columns", mode="before")
    @classmethod
    def _spread(cls, value: Any) -> Any:
        names = [value] if isinstance(value, str) else value
        return tuple(one for name in names for one in expand_range(str(name))) if names is not None else names

    @field_validator("missing", mode="before")
    @classmethod
    def _texts(cls, value: Any) -> Any:
        return _as_texts(value)

    @field_validator("values", mode="before")
    @classmethod
    def _text_keys(cls, value: Any) -> Any:
        return {as_text(key): item for key, item in value.items()} if isinstance(value, dict) else value


class Block(_Model):
    """One record of one table per row of the source (or per row and visit, with `for_each`)."""

    fields: dict[str, Cell]
    items: Items | None = None
    where: dict[str, tuple[str, ...]] = {}  # only rows whose column has one of these texts
    repeated: bool = False  # the same record stands on several rows on purpose: keep one without a word

    @model_validator(mode="before")
    @classmethod
    def _flat(cls, value: Any) -> Any:
        """`{patient_id: ID, total: SUM, items: [...]}` is what people write; `fields` holds the plain columns."""
        if not isinstance(value, dict) or "fields" in value:
            return value
        own = {key: value[key] for key in ("items", "where", "repeated") if key in value}
        return {**own, "fields": {key: item for key, item in value.items() if key not in own}}

    def used_columns(self) -> set[str]:
        """Source columns that this block reads."""
        used = set(self.where) | (set(self.items.columns) if self.items else set())
        return used.union(*(cell.used_columns() for cell in self.fields.values()))


class Choice(_Model):
    """Why the guess gave a column its role: shown to the person who approves it."""

    column: str
    role: str
    why: str
    confidence: Literal["certain", "likely", "unsure"]


class Mapping(_Model):
    """How to read one kind of source.

    >>> from benchwell.intake.mapping_file import parse_mapping
    >>> mapping = parse_mapping("tables: {assessments: {patient_id: ID, date: DAY, total: SUM}}", "m.yaml")
    >>> sorted(mapping.used_columns())
    ['DAY', 'ID', 'SUM']
    """

    version: Literal[1] = 1
    layout: Literal["long", "wide", "published", "entities"] = "long"
    notes: str | None = None  # where the source comes from, what is synthetic, what to beware of
    sheet: str | None = None
    delimiter: str | None = Field(default=None, min_length=1, max_length=1)
    decimal: Literal[".", ","] | None = None
    dates: DateFormat | None = None
    missing: tuple[str, ...] = ()  # texts that mean missing in every column, beside empty and NA
    derive_episodes: bool = True  # one episode per person where the source names none
    default_organization: str | None = None  # the one organization of a source that names none
    tables: dict[str, tuple[Block, ...]] = Field(min_length=1)
    guess: tuple[Choice, ...] = ()
    unused: tuple[str, ...] = ()

    @field_validator("missing", mode="before")
    @classmethod
    def _texts(cls, value: Any) -> Any:
        return _as_texts(value)

    @field_validator("tables", mode="before")
    @classmethod
    def _blocks(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {
            str(name): [
                one for block in (blocks if isinstance(blocks, list | tuple) else [blocks]) for one in _each(block)
            ]
            for name, blocks in value.items()
        }

    @model_validator(mode="after")
    def _known(self) -> Self:
        for name, blocks in self.tables.items():
            if name not in CANONICAL:
                raise ValueError(f"no table {name!r}; known: {', '.join(sorted(CANONICAL))}")
            for block in blocks:
                _check_block(CANONICAL[name], block)
        return self

    def used_columns(self) -> set[str]:
        """Source columns that this mapping reads."""
        blocks = [block for blocks in self.tables.values() for block in blocks]
        return set().union(*(block.used_columns() for block in blocks))


def _check_block(table: Table, block: Block) -> None:
    lists = {field.name for field in table.schema if pa.types.is_list(field.type)}  # `items` has words of its own
    allowed = set(table.columns) - lists - PROVENANCE.keys()
    unknown = sorted(set(block.fields) - allowed)
    if unknown:
        raise ValueError(f"table {table.name} has no column {unknown}; it has {sorted(allowed)}")
    if block.items is not None and table.name != "assessments":
        raise ValueError(f"only assessments have items, not {table.name}")


def expand_range(name: str) -> list[str]:
    """`phq9_{1-9}` as nine names; a name without a range as itself.

    >>> expand_range("q{1-3}")
    ['q1', 'q2', 'q3']
    """
    found = re.search(r"\{(\d+)-(\d+)\}", name)
    if found is None:
        return [name]
    first, last = int(found[1]), int(found[2])
    return [f"{name[: found.start()]}{number}{name[found.end() :]}" for number in range(first, last + 1)]


def _each(block: Any) -> list[Any]:
    """Spread `for_each: [{visit: pre, day: 0}, ...]` by putting each value where `{visit}` stands."""
    if not isinstance(block, dict) or "for_each" not in block:
        return [block]
    rest = {key: value for key, value in block.items() if key != "for_each"}
    visits = block["for_each"]
    if not isinstance(visits, list) or not all(isinstance(visit, dict) for visit in visits):
        raise ValueError("for_each is a list of names and values, for example [{visit: pre, day: 0}]")
    return [_filled(rest, visit) for visit in visits]


def _filled(value: Any, visit: dict[str, Any]) -> Any:
    if isinstance(value, dict):
        return {key: _filled(item, visit) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, visit) for item in value]
    if isinstance(value, str):
        for name, item in visit.items():
            if value == f"{{{name}}}":
                return item  # keeps numbers numbers
            value = value.replace(f"{{{name}}}", str(item))
    return value


def as_text(value: Any) -> str:
    """A scalar of YAML as the text a source would hold."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _as_texts(value: Any) -> Any:
    if isinstance(value, str | int | float):
        value = [value]
    return tuple(as_text(item) for item in value) if isinstance(value, list | tuple) else value
