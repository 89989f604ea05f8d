"""Take one source into a workspace's lake, whatever it is: a table, FHIR, or an OMOP database."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchwell.errors import MappingError
from benchwell.intake import IntakeResult, Mapping, load_mapping, read_source, save_mapping
from benchwell.pipeline.holdings import Holdings
from benchwell.pipeline.intake_report import Gathered, IntakeReport
from benchwell.pipeline.source_kinds import SourceKind, kind_of, name_of, read_coded, refuse_mapping
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
    kind, paths = kind_of(source)
    if kind is not SourceKind.TABLE:
        refuse_mapping(kind, paths, mapping)
        return _take_in_coded(workspace, kind, paths, as_of)
    given = Path(mapping) if isinstance(mapping, str | Path) else None
    known = load_mapping(Path(mapping)) if isinstance(mapping, str | Path) else mapping
    path = paths[0] if paths else source
    with workspace.stages.stage("reading and checking"):
        result = read_source(path, workspace.registry, known, as_of=as_of)
    kept = _keep_mapping(workspace, result, given, known=known is not None, accept_guess=accept_guess)
    gathered = Gathered(workspace, kept, guessed=result.guessed)
    gathered.merge(result, reading=_hash(result.mapping))
    return gathered.report(result.file)


def _take_in_coded(workspace: Holdings, kind: SourceKind, paths: Sequence[Path], as_of: dt.date) -> IntakeReport:
    """Sources whose codes say what they hold, part by part, so that memory does not grow with them."""
    gathered = Gathered(workspace)
    parts = iter(read_coded(kind, paths, workspace.registry, as_of=as_of))
    while True:
        with workspace.stages.stage("reading and checking"):
            part = next(parts, None)
        if part is None:
            return gathered.report(name_of(paths))
        gathered.merge(part, reading=kind.value)


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
