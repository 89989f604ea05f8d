"""Small parts of the pipeline: days, stages, typed answers, what a checkout says about its code."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from benchwell.errors import ScoringError, UnknownDeclarationError, WorkspaceError
from benchwell.pipeline import Workspace, building, describe_declaration, list_declarations, score_answers
from benchwell.pipeline.progress import Stages
from benchwell.pipeline.workspace import day_of


class Heard:
    def __init__(self) -> None:
        self.said: list[str] = []

    def started(self, stage: str) -> None:
        self.said.append(f"> {stage}")

    def finished(self, stage: str, seconds: float) -> None:
        assert seconds >= 0
        self.said.append(f"< {stage}")


def test_stages_are_timed_and_told():
    heard = Heard()
    stages = Stages(heard)
    for _ in range(2):
        with stages.stage("scoring"):
            pass
    assert heard.said == ["> scoring", "< scoring"] * 2
    assert list(stages.seconds) == ["scoring"]


def test_a_stage_that_fails_is_not_told_as_done():
    heard = Heard()
    with pytest.raises(ValueError, match="broken"), Stages(heard).stage("scoring"):
        raise ValueError("broken")
    assert heard.said == ["> scoring"]


def test_a_day_in_every_form():
    day = dt.date(2026, 1, 31)
    assert day_of("2026-01-31") == day_of(day) == day_of(dt.datetime(2026, 1, 31, 23, 59)) == day
    assert day_of(None) >= day
    for wrong in ("31.01.2026", "", "2026-02-30"):
        with pytest.raises(WorkspaceError, match="not a date"):
            day_of(wrong)


@pytest.mark.parametrize("blank", ["NA", "n/a", "-", "none", "null", "nan"])
def test_an_answer_not_given_is_no_zero(blank):
    full, partly = score_answers("gad-7", ["1"] * 7), score_answers("gad-7", [*["1"] * 6, blank])
    assert (full["value"], full["status"]) == (7.0, "complete")
    assert partly["status"] != "complete"


def test_words_are_no_answers_and_are_not_repeated():
    with pytest.raises(ScoringError, match="Answer 2 is not a number") as caught:
        score_answers("gad-7", ["1", "SECRET"])
    assert "SECRET" not in str(caught.value)


def test_declarations_are_found_by_other_spellings():
    declaration, page = describe_declaration("instruments", "PHQ 9")
    assert declaration["id"] == "phq-9"
    assert page.startswith("# ")
    for kind in ("measures", "casemix", "benchmarks", "instruments"):
        with pytest.raises(UnknownDeclarationError):
            describe_declaration(kind, "no such")
        assert all(item["why"] for item in list_declarations(kind))


def test_the_code_is_known_without_git(monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert building._commit(Path.cwd()) is None


def test_a_name_becomes_an_id(tmp_path):
    assert Workspace.create(tmp_path / "a", name="Praxis Dr. Müller & Söhne").settings.id == "praxis-dr-m-ller-s-hne"
    assert Workspace.create(tmp_path / "b", name="心理").settings.id == "workspace"
    assert Workspace(tmp_path / "North Clinic").settings.id == "north-clinic"
    assert "editions=0" in repr(Workspace(tmp_path / "a"))


def test_a_workspace_needs_its_settings(tmp_path):
    with pytest.raises(WorkspaceError, match="benchwell init"):
        Workspace.open(tmp_path)
    made = Workspace.create(tmp_path / "home")
    assert Workspace.open(made.path).settings == made.settings
    with pytest.raises(WorkspaceError, match="is a workspace already"):
        Workspace.create(made.path)
    (made.path / "editions").rmdir()  # somebody tidied up
    assert Workspace.open(made.path).editions() == []
