"""Take one source into a workspace's lake."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

from benchwell.errors import MappingError
from benchwell.intake import IntakeResult, Mapping, load_mapping, read_source, save_mapping
from benchwell.pipeline.holdings import Holdings
from benchwell.pipeline.intake_report import Gathered, IntakeReport
from benchwell.registry import hash_canonical


def take_in(
    workspace: Holdings,
    source: Any,
    mapping: str | Path | Mapping | None,
    *,
    as_of: dt.date,
    accept_guess: bool,
) -> IntakeReport:
    """Read, check, and merge. See `Workspace.intake`."""
    given = Path(mapping) if isinstance(mapping, str | Path) else None
    known = load_mapping(Path(mapping)) if isinstance(mapping, str | Path) else mapping
    path = Path(source) if isinstance(source, str | Path) else source
    with workspace.stages.stage("reading and checking"):
        result = read_source(path, workspace.registry, known, as_of=as_of)
    kept = _keep_mapping(workspace, result, given, known=known is not None, accept_guess=accept_guess)
    gathered = Gathered(workspace, kept, guessed=result.guessed)
    gathered.merge(result, reading=_hash(result.mapping))
    return gathered.report(result.file)


def _keep_mapping(
    workspace: Holdings, result: IntakeResult, given: Path | None, *, known: bool, accept_guess: bool
) -> Path | None:
    """Save the mapping that was used; a guess with any doubt in it waits for a person."""
    if not known and not result.guessed:
        return None  # our own template
    path = _saved_mapping(workspace.path / "mappings", result, given)
    doubtful = [choice.column for choice in result.mapping.guess if choice.confidence != "certain"]
    if result.guessed and doubtful and not accept_guess:
        raise MappingError(
            f"{result.file} is not in the template's layout, and {len(doubtful)} of its columns had to be guessed: "
            f"{', '.join(doubtful)}. Nothing was taken in; the guess waits for you in {path}.",
            hint=f"look at it, change what is wrong, and run again with --mapping {path}",
        )
    return path


def _saved_mapping(folder: Path, result: IntakeResult, given: Path | None) -> Path:
    """Where the mapping is kept. Nobody's own work in that folder is ever written over."""
    if given is not None and given.resolve().parent == folder.resolve():
        return given
    stem = Path(result.file).stem
    for path in (folder / f"{stem}.yaml", folder / f"{stem}-{_hash(result.mapping)[:8]}.yaml"):
        if not path.exists():
            save_mapping(result.mapping, path)
            return path
        if _same(path, result.mapping):
            return path
    save_mapping(result.mapping, path)  # a damaged copy under the mapping's own hash
    return path


def _same(path: Path, mapping: Mapping) -> bool:
    try:
        return _hash(load_mapping(path)) == _hash(mapping)
    except MappingError:
        return False


def _hash(mapping: Mapping) -> str:
    return hash_canonical(mapping.model_dump(mode="json", exclude={"guess", "notes"}))
