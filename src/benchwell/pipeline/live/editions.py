"""Which edition the live service speaks from."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from benchwell.benchmarks import Edition
from benchwell.pipeline.workspace import Workspace
from benchwell.reports.standing import standing

_Stamped = tuple[Path, int]  # a folder, and when its manifest was written


def edition_in_force(workspace: Workspace) -> Edition | None:
    """The edition of the latest day that no other supersedes; null before the first build.

    Of several of one day it is the one that was built last. A correction of an earlier day does not take the place of
    a later day.
    """
    return _in_force(tuple(_stamped(folder) for folder in workspace.editions()))


def edition_of(workspace: Workspace, edition_id: str) -> Edition | None:
    """The edition of exactly this id; null if there is none."""
    folder = next((path for path in workspace.editions() if path.name == edition_id), None)
    return None if folder is None else _open(_stamped(folder))


def _stamped(folder: Path) -> _Stamped:
    return folder, (folder / "manifest.json").stat().st_mtime_ns


@lru_cache(maxsize=16)
def _in_force(known: tuple[_Stamped, ...]) -> Edition | None:
    # A folder's name begins with its day; where two were written at one moment, as in a copied workspace, the order of
    # names decides, so that every process says the same.
    latest = sorted(known, key=lambda one: (one[0].name[:10], one[1], one[0].name), reverse=True)
    for one in latest:
        edition = _open(one)
        if not standing(edition).superseded:
            return edition
    return _open(latest[0]) if latest else None  # each supersedes another: somebody has changed the folders


@lru_cache(maxsize=32)
def _open(stamped: _Stamped) -> Edition:
    return Edition.load(stamped[0])
