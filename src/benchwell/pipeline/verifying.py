"""Verify an edition, with the lake and the declarations of a workspace if one is at hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from benchwell.benchmarks import Check, VerifyReport
from benchwell.benchmarks import verify as verify_edition
from benchwell.benchmarks.edition import MANIFEST
from benchwell.errors import BenchwellError, DeclarationError, EditionError, WorkspaceError
from benchwell.lake import Lake, Snapshot
from benchwell.pipeline.choosing import plain_benchmark
from benchwell.pipeline.progress import Listener, Stages
from benchwell.registry import Registry
from benchwell.settings import FILE_NAME


def verify(
    edition: str | Path, *, workspace: str | Path | None = None, listener: Listener | None = None
) -> VerifyReport:
    """Recompute every number of an edition from its frozen sums and compare it with what is stated.

    Args:
        edition: The edition's folder. Inside a workspace, its lake and declarations are checked too.
        workspace: The workspace to check against; null looks around the edition's folder.
        listener: Hears of stages.

    Returns:
        One check per file, declaration and table column; a failed one names what differs.

    Raises:
        EditionError: If the folder is no edition.
    """
    path = Path(edition)
    home = _home(path) if workspace is None else _given(Path(workspace))
    with Stages(listener).stage("recomputing"):
        registry, damaged = _in_force(home)
        try:
            report = verify_edition(
                path,
                registry=registry,
                lake_check=None if home is None else lambda stated: _lake_problems(home, stated),
            )
        except (EditionError, KeyError, TypeError) as problem:
            return VerifyReport(path.resolve().name, path, (_unreadable(path, problem),))
    return replace(report, checks=(*report.checks, *damaged))


def _unreadable(edition: Path, problem: Exception) -> Check:
    """An edition whose manifest was damaged is a failed check; a folder without one is no edition at all."""
    if not (edition / MANIFEST).is_file():
        raise problem
    detail = problem.message if isinstance(problem, EditionError) else f"{MANIFEST} is not what was written"
    return Check(f"file {MANIFEST}", False, found="unreadable", detail=detail)


def _home(edition: Path) -> Path | None:
    """The workspace that an edition lies in, if any."""
    folder = edition.resolve().parent
    return folder.parent if folder.name == "editions" and (folder.parent / FILE_NAME).is_file() else None


def _given(workspace: Path) -> Path:
    if not (workspace / FILE_NAME).is_file():
        raise WorkspaceError(f"{workspace} is not a workspace.", hint="name the folder that holds benchwell.yaml")
    return workspace


def _in_force(home: Path | None) -> tuple[Registry | None, list[Check]]:
    """The declarations in force now, with the plain benchmarks that stand in where none is declared."""
    try:
        declared = Registry.load() if home is None else Registry.load(home / "declarations")
    except DeclarationError as problem:
        return None, [Check("declarations in force", False, found="unreadable", detail=problem.message)]
    plain = [plain_benchmark(measure) for measure in declared.measures.values()]
    return Registry([*plain, *declared]), []


def _lake_problems(home: Path, stated: dict[str, Any]) -> list[str]:
    try:
        return Lake(home / "lake").verify_snapshot(Snapshot.from_dict(stated))
    except BenchwellError as problem:
        return [problem.message]
