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


@lru_cache(maxsize=8)
def _open(folder: Path) -> Edition:
    return Edition.load(folder)
