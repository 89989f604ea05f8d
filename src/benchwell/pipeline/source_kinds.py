"""What kind of source somebody gave: a table, FHIR, or an OMOP database; content decides, not the name."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any

from benchwell.errors import MappingError, SourceError
from benchwell.intake.fhir.read import read_fhir
from benchwell.intake.fhir.sources import is_fhir
from benchwell.intake.omop.read import read_omop
from benchwell.intake.omop.source import is_omop
from benchwell.pipeline.intake_report import Part
from benchwell.registry import Registry


class SourceKind(StrEnum):
    """How a source is read."""

    TABLE = "table"
    FHIR = "FHIR"
    OMOP = "OMOP"


def kind_of(source: Any) -> tuple[SourceKind, list[Path]]:
    """The kind of a source, and its paths; none for a frame in memory.

    Several paths are one source if they are FHIR: the forms of an export may lie in one file and their totals in
    another.

    Raises:
        SourceError: If several paths are given that are not all FHIR, or one is a device.
    """
    several = isinstance(source, list | tuple)
    if not several and not isinstance(source, str | Path):
        return SourceKind.TABLE, []
    paths = [Path(one) for one in source] if several else [Path(source)]
    for path in paths:
        if path.is_char_device() or path.is_block_device():  # it may never end
            raise SourceError(f"{path} is a device, not a file.", hint="name a file or a folder")
    if paths and all(is_fhir(path) for path in paths):
        return SourceKind.FHIR, paths
    if len(paths) != 1:
        raise SourceError("Several files at once are one source only if all of them are FHIR.", hint="give one by one")
    return (SourceKind.OMOP if is_omop(paths[0]) else SourceKind.TABLE), paths


def refuse_mapping(kind: SourceKind, paths: Sequence[Path], mapping: object) -> None:
    """Say so if somebody gives a mapping for a source that needs none.

    Raises:
        MappingError: If so.
    """
    if mapping is not None:
        raise MappingError(
            f"{name_of(paths)} is {kind.value}, whose codes say what it holds; mappings are for tables.",
            hint="leave the mapping out",
        )


def together(sources: Sequence[Path]) -> list[Path | list[Path]]:
    """The sources of one command in their order, with all FHIR among them as one source, at the place of the first."""
    coded = [path for path in sources if is_fhir(path)]
    if len(coded) < 2:
        return list(sources)
    found: list[Path | list[Path]] = [path for path in sources if path not in coded]
    found.insert(sum(path not in coded for path in sources[: sources.index(coded[0])]), coded)
    return found


def read_coded(kind: SourceKind, paths: Sequence[Path], registry: Registry, *, as_of: dt.date) -> Iterable[Part]:
    """The parts of a source that needs no mapping."""
    if kind is SourceKind.OMOP:
        return iter([read_omop(paths[0], registry, as_of=as_of)])
    return read_fhir(paths, registry, as_of=as_of)


def name_of(paths: Sequence[Path]) -> str:
    """What to call a source: its file or folder, and how many more there are.

    >>> name_of([Path("exports/2026"), Path("more.ndjson")])
    '2026 and 1 more'
    """
    first = paths[0].resolve().name
    return first if len(paths) == 1 else f"{first} and {len(paths) - 1} more"
