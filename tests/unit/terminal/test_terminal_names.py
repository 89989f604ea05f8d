"""Names in a source are anybody's words: they neither steer the terminal nor break a table."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from benchwell.cli.app import app
from benchwell.terminal import say, show_lines, show_table


@pytest.mark.parametrize("name", ["Praxis [/x]", "[red]North[/red]", "[link=file:///etc]a"])
def test_square_brackets_are_only_brackets(capsys: pytest.CaptureFixture[str], name: str) -> None:
    show_table(name, [name], [[name], [None], [1]])
    assert capsys.readouterr().out.count(name) == 3


@pytest.mark.parametrize("mark", ["\x1b[2J", "\x9b31m", "\x07", "\r", "\u202e", "\x00"])
def test_no_name_steers_the_terminal(capsys: pytest.CaptureFixture[str], mark: str) -> None:
    text = f"a{mark}b"
    show_table(text, [text], [[text]])
    show_lines([text])
    say(text)
    shown = capsys.readouterr()
    assert mark[0] not in shown.out + shown.err
    assert shown.out.count("\ufffd") == 4
    assert shown.err.count("\ufffd") == 1


def test_nor_does_a_message(tmp_path: Path) -> None:
    path = tmp_path / "a\x1b[2Jb.csv"
    told = CliRunner().invoke(app, ["report", str(path)]).output
    assert "\x1b" not in told
    assert "a\ufffd[2Jb.csv" in told
