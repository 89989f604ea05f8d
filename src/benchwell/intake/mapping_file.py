"""Mapping files: YAML in and out, with errors that name file, key and the columns that exist."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from benchwell.errors import MappingError
from benchwell.intake.mapping import Mapping
from benchwell.intake.raw import listed


def parse_mapping(text: str, where: str) -> Mapping:
    """A mapping from YAML text.

    Raises:
        MappingError: If it is not YAML or does not validate; names `where` and each key.
    """
    try:
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        line = getattr(getattr(error, "problem_mark", None), "line", None)
        at = "" if line is None else f" at line {line + 1}"
        raise MappingError(f"{where} is not valid YAML{at}.", hint="docs/mapping.md shows a whole file") from None
    if not isinstance(data, dict):
        raise MappingError(f"{where} holds no mapping.", hint="it starts with `tables:`; docs/mapping.md shows one")
    try:
        return Mapping.model_validate(data)
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(str(part) for part in item['loc']) or 'the whole'}: {item['msg'].removeprefix('Value error, ')}"
            for item in error.errors()
        )
        raise MappingError(
            f"{where} does not validate: {problems}.", hint="docs/mapping.md explains each key"
        ) from None


def load_mapping(path: Path) -> Mapping:
    """Read a mapping file.

    Raises:
        MappingError: If it cannot be read or does not validate.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise MappingError(f"The mapping {path.name} cannot be read ({type(error).__name__}).") from None
    return parse_mapping(text, path.name)


def save_mapping(mapping: Mapping, path: Path) -> None:
    """Write a mapping for approval, as `load_mapping` reads it."""
    data = mapping.model_dump(mode="json", exclude_defaults=True)
    data["tables"] = {name: [_plain_block(block) for block in blocks] for name, blocks in data["tables"].items()}
    body = yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=110)
    path.write_text("# How to read this source. docs/mapping.md explains each key.\n" + body, encoding="utf-8")


def _plain_block(block: dict[str, Any]) -> dict[str, Any]:
    fields = {
        key: cell["column"] if isinstance(cell, dict) and set(cell) == {"column"} else cell
        for key, cell in block["fields"].items()
    }
    return fields | {key: value for key, value in block.items() if key != "fields"}


def check_columns(mapping: Mapping, columns: list[str], file: str) -> None:
    """Refuse a mapping that names columns the source does not have.

    Raises:
        MappingError: Naming the missing columns and those that exist.
    """
    missing = sorted(mapping.used_columns() - set(columns))
    if missing:
        raise MappingError(
            f"{file} has no column {', '.join(repr(name) for name in missing)}, which the mapping reads.",
            hint=f"its columns: {listed(columns)}",
        )
