"""Which edition the live service speaks from."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from benchwell.benchmarks import Edition
from benchwell.pipeline.workspace import Workspace


def edition_in_force(workspace: Workspace) -> Edition | None:
    """The newest edition; null before the first build. It is opened once, since an edition never changes."""
    folders = workspace.editions()
    if not folders:
        return None
    newest = max(folders, key=lambda path: (path / "manifest.json").stat().st_mtime_ns)
    return _open(newest)


def edition_of(workspace: Workspace, edition_id: str) -> Edition | None:
    """The edition of exactly this id; null if there is none."""
    folder = next((path for path in workspace.editions() if path.name == edition_id), None)
    return None if folder is None else _open(folder)


@lru_cache(maxsize=32)
def _open(folder: Path) -> Edition:
    return Edition.load(folder)
