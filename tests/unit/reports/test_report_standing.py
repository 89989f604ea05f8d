"""An edition is never changed, so the page looks beside it for what supersedes it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from benchwell.reports.standing import Standing, standing
from signals_edition import edition


@dataclass(frozen=True)
class Folder:
    path: Path
    manifest: dict[str, Any]


def put(folder: Path, name: str, supersedes: str | None = None, sha256: str | None = None, reason: str = "") -> Folder:
    manifest = {
        "id": name,
        "sha256": f"hash of {name}",
        "supersedes": supersedes,
        "supersedes_sha256": sha256 or (f"hash of {supersedes}" if supersedes else None),
        "correction_reason": reason or None,
    }
    path = folder / name
    path.mkdir()
    (path / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return Folder(path, manifest)


def test_an_edition_that_nothing_supersedes_stands(tmp_path):
    alone = put(tmp_path, "one")
    put(tmp_path, "other")
    assert standing(alone) == Standing()
    assert standing(alone).warning == standing(alone).note == ""


def test_a_superseded_edition_names_its_correction_and_the_reason(tmp_path):
    old, new = put(tmp_path, "old"), put(tmp_path, "new", "old", reason="a score was entered wrongly")
    assert standing(old).warning == (
        "This edition is superseded by new: a score was entered wrongly. Use that one instead of this page."
    )
    assert standing(new).warning == ""
    assert standing(new).note == "This edition corrects old: a score was entered wrongly."


def test_a_chain_of_corrections_names_the_last_one(tmp_path):
    first = put(tmp_path, "a")
    for before, after in (("a", "b"), ("b", "c"), ("c", "d")):
        put(tmp_path, after, before, reason=f"wrong in {before}")
    assert [name for name, _ in standing(first).superseded] == ["b", "c", "d"]
    assert "superseded by d, after 2 more corrections: wrong in c." in standing(first).warning


def test_editions_that_supersede_one_another_do_not_go_round_forever(tmp_path):
    one = put(tmp_path, "one", "two")
    put(tmp_path, "two", "one")
    assert [name for name, _ in standing(one).superseded] == ["two", "one"]


def test_a_correction_of_other_content_under_the_same_id_is_none_of_this(tmp_path):
    old = put(tmp_path, "old")
    put(tmp_path, "new", "old", sha256="hash of another")
    assert standing(old) == Standing()


@pytest.mark.parametrize("text", ["", "[]", "not json", '{"supersedes": "old"}'])
def test_what_is_no_edition_supersedes_nothing(tmp_path, text):
    old = put(tmp_path, "old")
    (tmp_path / "strange").mkdir()
    (tmp_path / "strange" / "manifest.json").write_text(text, encoding="utf-8")
    assert standing(old) == Standing()


def test_an_edition_in_memory_stands_alone():
    assert standing(edition()) == Standing()
