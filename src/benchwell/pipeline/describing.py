"""What the doors show of declarations, scores and editions, as plain data."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from benchwell.errors import ScoringError, UnknownDeclarationError
from benchwell.registry import Declaration, Measure, Registry
from benchwell.registry.quality_measure import QualityMeasure
from benchwell.scoring import score
from benchwell.settings import FILE_NAME, Settings

_NOT_GIVEN = {"", "-", "na", "n/a", "none", "null", "nan"}


def registry_of(workspace: Path | None) -> Registry:
    """The package's declarations, and those of a workspace if one is named."""
    if workspace is None:
        return Registry.load()
    from benchwell.pipeline.workspace import Workspace

    return Workspace.open(workspace).registry


def settings_of(workspace: Path | None) -> Settings | None:
    """The settings of a workspace if one is named."""
    return None if workspace is None else Settings.load(workspace / FILE_NAME)


def list_declarations(kind: str, workspace: Path | None = None) -> list[dict[str, Any]]:
    """One line per declaration of a kind (`instruments`, `measures`, `quality`, `casemix`, `benchmarks`).

    Measures and official measures (`quality`) also say whether `benchwell quality` computes them.

    >>> [item["id"] for item in list_declarations("instruments") if item["id"] == "phq-9"]
    ['phq-9']
    """
    found = getattr(registry_of(workspace), kind)
    return [_line(declaration) for _, declaration in sorted(found.items())]


def _line(declaration: Declaration) -> dict[str, Any]:
    data = {"id": declaration.id, "title": declaration.title, "revision": declaration.revision}
    for name in ("better", "measure", "primary_denominator"):
        value = getattr(declaration, name, None)
        if value is not None:
            data[name] = str(value)
    if isinstance(declaration, Measure | QualityMeasure):
        data |= _kind_of_measure(declaration)
    licence = getattr(declaration, "licence", None)
    if licence is not None:
        data["licence"] = licence.state
    return data | {"status": declaration.status, "why": declaration.why}


def _kind_of_measure(measure: Measure | QualityMeasure) -> dict[str, str]:
    """Whose measure it is, and whether it is counted over a period."""
    if isinstance(measure, QualityMeasure):
        return {"kind": "official", "quality": "yes"}
    kind = "published" if measure.is_published else "ours"
    return {"kind": kind, "quality": "yes" if measure.is_counted_over_period else "no"}


def describe_measure(wanted: str, workspace: Path | None = None) -> tuple[dict[str, Any], str]:
    """One measure, official or ours, as plain data and as its method page in Markdown.

    Raises:
        UnknownDeclarationError: If there is none of that id.
    """
    registry = registry_of(workspace)
    if wanted in registry.quality:
        return describe_declaration("quality", wanted, workspace)
    if wanted not in registry.measures:
        raise UnknownDeclarationError.from_id("measure", wanted, [*registry.measures, *registry.quality])
    return describe_declaration("measures", wanted, workspace)


def describe_declaration(kind: str, wanted: str, workspace: Path | None = None) -> tuple[dict[str, Any], str]:
    """One declaration as plain data, and as its method page in Markdown.

    Raises:
        UnknownDeclarationError: If there is none of that id.
    """
    from benchwell.reports import method_markdown

    registry = registry_of(workspace)
    known = getattr(registry, kind)
    declaration = known.get(wanted)
    if declaration is None and kind == "instruments":
        declaration = registry.find_instrument(wanted)
    if declaration is None:
        raise UnknownDeclarationError.from_id(kind.removesuffix("s"), wanted, list(known))
    hashes = {"numbers_hash": declaration.numbers_hash, "text_hash": declaration.text_hash}
    return declaration.canonical() | hashes, method_markdown(declaration)


def score_answers(
    instrument: str, items: list[str], total: float | None = None, unit: str | None = None
) -> dict[str, Any]:
    """Score answers that were typed: numbers, or NA where none was given; commas and spaces both separate.

    Raises:
        ScoringError: If something typed is not a number.

    >>> score_answers("gad-7", ["1,1,1,1,1,1,1"])["value"]
    7.0
    """
    words = [word for item in items for word in re.split(r"[,;\s]+", item.strip())]
    answers = [_answer(place, word) for place, word in enumerate(words, start=1)]
    result = score(instrument, answers or None, total, unit=unit)
    return {
        "instrument": result.instrument,
        "value": result.value,
        "status": str(result.status),
        "reason": result.reason,
        "band": result.band,
        "better": str(result.better),
        "scales": dict(result.scales),
        "safety": list(result.safety),
    }


def _answer(place: int, word: str) -> float | None:
    if word.lower() in _NOT_GIVEN:
        return None
    try:
        return float(word)
    except ValueError:
        raise ScoringError(f"Answer {place} is not a number.", hint="write NA for an answer not given") from None
