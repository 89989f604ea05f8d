"""Read the role of each column off its header, and remember why."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, field
from typing import Literal

from benchwell.errors import MappingError
from benchwell.intake.headers import ROLES, VISITS, normalized
from benchwell.intake.mapping import Block, Cell, Choice, Items, Mapping
from benchwell.intake.raw import RawTable, listed
from benchwell.registry import Instrument, Registry

_PLAIN_ITEM = re.compile(r"^(?:item|frage|pregunta|q)[_\s.]*(?P<number>\d{1,2})$", re.IGNORECASE)
_SYNTHETIC_ORIGIN = dt.date(2000, 1, 1)
_SESSION_DAYS = 7
_LONGEST = 80  # characters of a name that says what a column holds; looking takes their cube

Confidence = Literal["certain", "likely", "unsure"]


@dataclass
class Guesser:
    """One guess under way."""

    raw: RawTable
    registry: Registry
    roles: dict[str, str] = field(default_factory=dict)  # role -> column
    choices: list[Choice] = field(default_factory=list)

    def mapping(self) -> Mapping:
        """The guessed mapping."""
        self._common_names()
        visits = self._wide()
        blocks = visits or self._long()
        if "patients.patient_id" not in self.roles:
            raise self._cannot("no column looks like a person's id")
        if not blocks:
            raise self._cannot("no column looks like a score")
        used = {choice.column for choice in self.choices}
        tables = {"assessments": tuple(blocks)} | self._entities()
        return Mapping(
            layout="wide" if visits else "long",
            tables=tables,
            guess=tuple(self.choices),
            unused=tuple(column for column in self.raw.columns if column not in used),
            notes="Guessed from the headers. Check it, correct it, and keep it beside the source.",
        )

    def _cannot(self, why: str) -> MappingError:
        return MappingError(
            f"No mapping can be guessed for {self.raw.file}: {why}.",
            hint=f"write a mapping file (docs/mapping.md) for its columns: {listed(self.raw.columns)}",
        )

    def _choose(self, column: str, role: str, why: str, confidence: Confidence) -> None:
        self.choices.append(Choice(column=column, role=role, why=why, confidence=confidence))

    def _common_names(self) -> None:
        by_name = {normalized(column): column for column in reversed(self.raw.columns)}
        for spelling, role in ROLES.items():  # the clearest spelling first: patient_id before id
            if spelling in by_name and role not in self.roles:
                self.roles[role] = by_name[spelling]
        for role, column in self.roles.items():
            if not role.startswith("assessments."):
                self._choose(column, role, "a common name for it", "likely")

    def _wide(self) -> list[Block]:
        """Columns such as phq9_pre and phq9_post, or bdi_s0 to bdi_s12."""
        groups: dict[str, list[tuple[str, int]]] = {}
        for column in self.raw.columns:
            stem, day = _visit_of(column)
            instrument = None if stem is None else self.registry.find_instrument(stem)
            if instrument is not None and day is not None and ROLES.get(normalized(column)) is None:
                groups.setdefault(instrument.id, []).append((column, day))
        blocks = []
        for instrument_id, visits in groups.items():
            if len(visits) < 2:
                continue
            for column, day in visits:
                self._choose(column, f"total of {instrument_id}", "an instrument and a visit in the name", "likely")
                fields = self._person() | {"instrument": Cell(constant=instrument_id), "total": Cell(column=column)}
                blocks.append(Block(fields=fields | {"date": self._day(column, day)}))
        return blocks

    def _day(self, column: str, day: int) -> Cell:
        """The date column of the same visit if there is one, else a synthetic day."""
        visit = re.escape(re.split(r"[_\s.]", column.lower())[-1])
        dated = re.compile(rf"(?:date|datum|fecha)[_\s.]?{visit}|{visit}[_\s.]?(?:date|datum|fecha)")
        for other in self.raw.columns:
            if dated.fullmatch(other.lower()):
                self._choose(other, f"date of {column}", "the visit's name beside 'date'", "likely")
                return Cell(column=other)
        self._choose(column, f"day {day}, synthetic", "the visit's usual place; no column has its date", "unsure")
        return Cell(origin=_SYNTHETIC_ORIGIN, day=day)

    def _long(self) -> list[Block]:
        by_instrument = self._named_scores()
        if by_instrument:
            return by_instrument
        total = self.roles.get("assessments.total")
        items = self._plain_items()
        if total is None and items is None:
            return []
        if "assessments.instrument" not in self.roles:
            raise self._cannot("it has scores, but no column or header names the instrument")
        self._choose(self.roles["assessments.instrument"], "assessments.instrument", "a common name for it", "likely")
        fields = self._person() | {"instrument": Cell(column=self.roles["assessments.instrument"])} | self._date()
        if total is not None:
            self._choose(total, "assessments.total", "a common name for it", "likely")
            fields["total"] = Cell(column=total)
        return [Block(fields=fields, items=items)]

    def _named_scores(self) -> list[Block]:
        """Columns that carry the instrument's name: phq9_total, PHQ-9, phq9_1 to phq9_9."""
        totals: dict[str, str] = {}
        items: dict[str, dict[int, str]] = {}
        for column in self.raw.columns:
            if ROLES.get(normalized(column)) not in (None, "assessments.total"):
                continue
            instrument = self._total_of(column)
            if instrument is not None:
                totals.setdefault(instrument.id, column)
                continue
            found = self._item_of(column)
            if found is not None:
                items.setdefault(found[0], {})[found[1]] = column
        whole = {name: given for name, given in items.items() if self._whole(name, given)}
        blocks = []
        for name in dict.fromkeys([*totals, *whole]):
            fields = self._person() | {"instrument": Cell(constant=name)} | self._date()
            if name in totals:
                self._choose(totals[name], f"total of {name}", "the instrument's name", "likely")
                fields["total"] = Cell(column=totals[name])
            answers = None
            if name in whole:
                columns = tuple(whole[name][n] for n in sorted(whole[name]))
                for position, column in enumerate(columns, start=1):
                    self._choose(column, f"item {position} of {name}", "the instrument's name and a number", "likely")
                answers = Items(columns=columns)
            blocks.append(Block(fields=fields, items=answers))
        return blocks

    def _whole(self, name: str, given: dict[int, str]) -> bool:
        items = self.registry.instruments[name].items
        return items is not None and sorted(given) == list(range(1, items.count + 1))

    def _total_of(self, column: str) -> Instrument | None:
        if len(column) > _LONGEST:
            return None
        stem = re.sub(
            r"[_\s.-]*(total|score|sum|summe|gesamt|totalscore|puntaje|suma)$", "", column, flags=re.IGNORECASE
        )
        return self.registry.find_instrument(stem) if stem else None

    def _item_of(self, column: str) -> tuple[str, int] | None:
        if len(column) > _LONGEST:
            return None
        found = re.match(r"^(?P<stem>.+?)[_\s.-]+(?:q|i|item)?[_\s.]*(?P<number>\d{1,2})$", column, re.IGNORECASE)
        instrument = self.registry.find_instrument(found["stem"]) if found else None
        return (instrument.id, int(found["number"])) if found and instrument else None

    def _plain_items(self) -> Items | None:
        found = {int(match["number"]): column for column in self.raw.columns if (match := _PLAIN_ITEM.match(column))}
        if not found or sorted(found) != list(range(1, len(found) + 1)):
            return None
        columns = tuple(found[n] for n in sorted(found))
        for position, column in enumerate(columns, start=1):
            self._choose(column, f"item {position}", "numbered answers", "likely")
        return Items(columns=columns)

    def _person(self) -> dict[str, Cell]:
        fields = {}
        for name, role in (("patient_id", "patients.patient_id"), ("episode_id", "episodes.episode_id")):
            if role in self.roles:
                fields[name] = Cell(column=self.roles[role])
        return fields

    def _date(self) -> dict[str, Cell]:
        fields = {}
        if "assessments.date" not in self.roles:
            raise self._cannot("no column looks like the date of the score")
        for name in ("date", "time", "unit", "version", "informant"):
            column = self.roles.get(f"assessments.{name}")
            if column is not None:
                if not any(choice.column == column for choice in self.choices):
                    self._choose(column, f"assessments.{name}", "a common name for it", "likely")
                fields[name] = Cell(column=column)
        return fields

    def _entities(self) -> dict[str, tuple[Block, ...]]:
        tables: dict[str, dict[str, Cell]] = {}
        for role, column in self.roles.items():
            table, name = role.split(".")
            if table != "assessments":
                tables.setdefault(table, {})[name] = Cell(column=column)
        patient = tables["patients"]["patient_id"]
        tables.setdefault("episodes", {})["patient_id"] = patient
        organization = tables.get("organizations", {}).get("organization_id")
        if organization is not None:
            tables["episodes"]["organization_id"] = organization
        else:
            tables.pop("organizations", None)
        return {name: (Block(fields=fields),) for name, fields in tables.items()}


def _visit_of(column: str) -> tuple[str | None, int | None]:
    """`phq9_pre` as ("phq9", 0), `bdi_s3` as ("bdi", 21); no visit gives nulls."""
    found = re.match(r"^(?P<stem>.+?)[_\s.-]+(?P<visit>[^_\s.-]+)$", column) if len(column) <= _LONGEST else None
    if found is None:
        return None, None
    visit = found["visit"].lower()
    if visit in VISITS:
        return found["stem"], VISITS[visit]
    number = re.fullmatch(r"(?:s|t|session|visit|sitzung|sesion|w|week|woche)(\d{1,3})", visit)
    return (found["stem"], int(number[1]) * _SESSION_DAYS) if number else (None, None)
