"""Workspace settings: what is written comes back, and what is wrong is named without being quoted."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchwell.errors import WorkspaceError
from benchwell.settings import ConsentRule, EngineSettings, Settings, UsePolicy


def test_defaults_suit_one_practice_that_learns() -> None:
    settings = Settings(id="practice")
    assert settings.use is UsePolicy.LEARNING
    assert settings.consent_rule is ConsentRule.OPT_OUT
    assert settings.engine == EngineSettings(memory_limit="2GB", threads=None)


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "benchwell.yaml"
    settings = Settings(
        id="north-2",
        name="Praxis Süd",
        use=UsePolicy.CONTRACT,
        consent_rule=ConsentRule.OPT_IN,
        engine=EngineSettings(memory_limit="1.5 GiB", threads=3),
    )
    settings.save(path)
    assert Settings.load(path) == settings
    assert [entry.name for entry in tmp_path.iterdir()] == ["benchwell.yaml"]


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("name: only a name", "id: field required"),
        ("id: Has Spaces", "id: "),
        ("id: a\nuse: sekret", "use: "),
        ("id: a\nconsent_rule: sekret", "consent_rule: "),
        ("id: a\nengine: {memory_limit: sekret}", r"engine\.memory_limit: "),
        ("id: a\nengine: {threads: 0}", r"engine\.threads: "),
        ("id: a\nsalt: 3", "salt: extra inputs are not permitted"),
        ("id: a\nuse: sekret\nsalt: 3", "use: .*; salt: "),
    ],
)
def test_a_wrong_key_is_named_and_its_value_is_not(tmp_path: Path, text: str, key: str) -> None:
    path = tmp_path / "benchwell.yaml"
    path.write_text(text)
    with pytest.raises(WorkspaceError, match=key) as wrong:
        Settings.load(path)
    assert "ekret" not in str(wrong.value)
    assert wrong.value.hint is not None
    assert "engine.threads" in wrong.value.hint


@pytest.mark.parametrize(
    ("content", "says"), [(b"a: [", "not YAML"), (b"\xff\xfe\xfa", "not YAML"), (b"- a", "no settings")]
)
def test_a_file_that_is_no_settings_is_refused(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "benchwell.yaml"
    path.write_bytes(content)
    with pytest.raises(WorkspaceError, match=says):
        Settings.load(path)


def test_missing_settings_and_a_missing_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError, match="There are no settings at"):
        Settings.load(tmp_path / "benchwell.yaml")
    with pytest.raises(WorkspaceError, match="cannot be written"):
        Settings(id="a").save(tmp_path / "nowhere" / "benchwell.yaml")
