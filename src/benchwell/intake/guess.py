"""Guess a mapping from headers, and say why. A guess is shown and saved for approval, never trusted in silence."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from benchwell.intake.guess_columns import Guesser
from benchwell.intake.mapping import Block, Cell, Items, Mapping
from benchwell.intake.raw import RawTable
from benchwell.intake.source import open_source
from benchwell.intake.template import TEMPLATE_COLUMNS, TEMPLATE_NAMES
from benchwell.registry import Registry
from benchwell.tables import CANONICAL


@dataclass(frozen=True)
class Guess:
    """A guessed mapping, and whether the source is our own template (then there is nothing to approve)."""

    mapping: Mapping
    own_template: bool


def guess_mapping(source: Path | str | Any, registry: Registry) -> Mapping:
    """Guess which column is what. `mapping.guess` says why, `mapping.unused` what was left aside.

    Raises:
        SourceError: If the source cannot be read.
        MappingError: If no score or no person can be found; names the columns that exist.
    """
    return guess_raw(open_source(source), registry).mapping


def guess_raw(raw: RawTable, registry: Registry) -> Guess:
    """Guess for a source that is already open."""
    if _is_template(raw.columns):
        return Guess(_template_mapping(raw.columns), own_template=True)
    entity = _entity_table(raw.columns)
    if entity is not None:
        return Guess(entity, own_template=True)
    return Guess(Guesser(raw, registry).mapping(), own_template=False)


def _is_template(columns: list[str]) -> bool:
    items = {name for name in columns if re.fullmatch(r"item_\d{1,2}", name)}
    return {"patient_id", "date", "instrument"} <= set(columns) and set(columns) <= TEMPLATE_NAMES | items


def _template_mapping(columns: list[str]) -> Mapping:
    tables: dict[str, dict[str, Cell]] = {"assessments": {}, "patients": {}, "episodes": {}}
    for column in TEMPLATE_COLUMNS:
        if column.name in columns and not column.name.startswith("item_"):
            tables.setdefault(column.table, {})[column.field] = Cell(column=column.name)
    patient = Cell(column="patient_id")
    tables["assessments"]["patient_id"] = tables["episodes"]["patient_id"] = patient
    if "organizations" in tables:
        tables["episodes"]["organization_id"] = tables["organizations"]["organization_id"]
    if "episode_id" in tables["episodes"]:
        tables["assessments"]["episode_id"] = tables["episodes"]["episode_id"]
    numbers = sorted(int(name[5:]) for name in columns if re.fullmatch(r"item_\d{1,2}", name))
    items = Items(columns=tuple(f"item_{n}" for n in numbers)) if numbers else None
    blocks: dict[str, tuple[Block, ...]] = {}
    for name, fields in tables.items():
        blocks[name] = (Block(fields=fields, items=items if name == "assessments" else None),)
    return Mapping(layout="long", tables=blocks, notes="Benchwell's own template.")


# What a source must have to be taken as this table; the other columns of the table may be there too.
_ENTITY_NEEDS: dict[str, frozenset[str]] = {
    "consents": frozenset({"patient_id", "purpose", "date", "decision"}),
    "published_rates": frozenset({"source", "organization_id", "measure", "period_start", "rate"}),
    "characteristics": frozenset({"patient_id", "name", "date"}),
    "ratings": frozenset({"encounter_id", "rater_id", "value"}),
    "events": frozenset({"patient_id", "date", "kind"}),
    "encounters": frozenset({"episode_id", "date"}),
    "episodes": frozenset({"episode_id", "patient_id"}),
    "practitioners": frozenset({"practitioner_id"}),
    "patients": frozenset({"patient_id"}),
    "organizations": frozenset({"organization_id"}),
}


def _entity_table(columns: list[str]) -> Mapping | None:
    """A source whose columns are those of one canonical table, under their own names."""
    for name, needed in _ENTITY_NEEDS.items():
        if needed <= set(columns) <= set(CANONICAL[name].columns):
            fields = {column: Cell(column=column) for column in columns if not column.startswith("source_")}
            layout: Literal["published", "entities"] = "published" if name == "published_rates" else "entities"
            return Mapping(layout=layout, tables={name: (Block(fields=fields),)}, derive_episodes=False)
    return None
