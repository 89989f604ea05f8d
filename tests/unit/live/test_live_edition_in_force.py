"""Which of several editions a service speaks from."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from benchwell.benchmarks.edition import manifest_hash
from benchwell.pipeline.live.editions import edition_in_force, edition_of
from benchwell.pipeline.workspace import Workspace

EARLY, LATE, CORRECTED = "2025-06-30-aaaaaaaaaaaa", "2026-06-30-bbbbbbbbbbbb", "2025-06-30-cccccccccccc"


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.create(tmp_path / "practice")


def _put(workspace: Workspace, edition: str, *, written: int, supersedes: str | None = None, note: str = "") -> None:
    """A folder with nothing but a manifest, written at a stated moment."""
    folder = workspace.path / "editions" / edition
    folder.mkdir(exist_ok=True)
    manifest = {"id": edition, "as_of": edition[:10], "files": {}, "supersedes": supersedes, "note": note}
    file = folder / "manifest.json"
    file.write_text(json.dumps(manifest | {"sha256": manifest_hash(manifest)}), encoding="utf-8")
    os.utime(file, ns=(written, written))


def _in_force(workspace: Workspace) -> str:
    found = edition_in_force(workspace)
    assert found is not None
    return found.id


def test_there_is_none_before_the_first(workspace: Workspace) -> None:
    assert edition_in_force(workspace) is None
    assert edition_of(workspace, EARLY) is None


def test_a_new_one_is_in_force_at_once(workspace: Workspace) -> None:
    _put(workspace, EARLY, written=1)
    assert _in_force(workspace) == EARLY
    _put(workspace, LATE, written=2)
    assert _in_force(workspace) == LATE


def test_a_correction_takes_the_place_of_what_it_supersedes(workspace: Workspace) -> None:
    _put(workspace, EARLY, written=5)  # copied later than its correction was
    _put(workspace, CORRECTED, written=1, supersedes=EARLY)
    assert _in_force(workspace) == CORRECTED


def test_a_correction_of_an_earlier_day_leaves_the_later_day_in_force(workspace: Workspace) -> None:
    _put(workspace, EARLY, written=1)
    _put(workspace, LATE, written=2)
    _put(workspace, CORRECTED, written=3, supersedes=EARLY)
    assert _in_force(workspace) == LATE


def test_two_of_one_day_and_moment_are_told_apart_by_name(workspace: Workspace) -> None:
    _put(workspace, EARLY, written=1)
    _put(workspace, CORRECTED, written=1)
    assert _in_force(workspace) == CORRECTED


def test_folders_that_supersede_one_another_stop_nothing(workspace: Workspace) -> None:
    _put(workspace, EARLY, written=1, supersedes=CORRECTED)
    _put(workspace, CORRECTED, written=2, supersedes=EARLY)
    assert _in_force(workspace) == CORRECTED


def test_a_folder_that_was_restored_is_read_again(workspace: Workspace) -> None:
    for written, note in ((1, "before"), (2, "restored")):
        _put(workspace, EARLY, written=written, note=note)
        found = edition_of(workspace, EARLY)
        assert found is not None
        assert found.manifest["note"] == note
