"""Data on standard output, messages on standard error, exit codes as documented; each case a real process."""

from __future__ import annotations

import json
import os
import pty
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from functional.product_cases import AS_OF, EXAMPLES, environment


def piped(command: str, **more: str) -> subprocess.CompletedProcess[str]:
    """A pipeline of bash, with the exit code of each part on the last line of standard error."""
    program = f"{shlex.quote(sys.executable)} -m benchwell.cli"
    script = command.replace("benchwell", program) + '\necho "codes: ${PIPESTATUS[*]}" >&2'
    return subprocess.run(
        ["bash", "-c", script], capture_output=True, encoding="utf-8", env=environment(**more), timeout=120, check=False
    )


def test_data_go_to_one_stream_and_messages_to_the_other(shell, own_practice):
    ran = shell("build", "-w", own_practice.path, "--as-of", AS_OF, "-b", "phq9-change-12w-plain", "--json")
    assert ran.code == 0
    assert ran.json()["as_of"] == AS_OF
    assert ran.err == ""


@pytest.mark.parametrize("kind", ["instruments", "measures", "casemix", "benchmarks"])
def test_lists_and_single_declarations_are_strict_json(cli, kind):
    listed = cli(kind, "--json")
    assert listed.code == 0
    assert listed.err == ""
    ids = [item["id"] for item in listed.json()]
    assert ids == sorted(ids)
    one = cli(kind, ids[0], "--json").json()
    assert one["id"] == ids[0]
    assert len(one["numbers_hash"]) == 64


@pytest.mark.parametrize("kind", ["instruments", "measures", "casemix", "benchmarks"])
def test_what_is_piped_is_neither_wrapped_nor_colored(cli, kind):
    listed = cli(kind)
    assert "\x1b" not in listed.out
    shown = listed.out.splitlines()
    for item in cli(kind, "--json").json():
        assert [line for line in shown if line.startswith(f"{item['id']} ") and f" {item['title']} " in line] != []


def test_a_method_page_is_plain_markdown_in_a_pipe(cli):
    page = cli("instruments", "phq-9")
    assert page.code == 0
    assert page.out.startswith("# ")
    assert "\x1b" not in page.out


def test_a_reader_who_leaves_early_hears_nothing():
    done = piped("benchwell instruments --json | true; echo ${PIPESTATUS[0]}; benchwell measures | true")
    assert done.stdout in ("141\n", "0\n")  # 0: it had written all before the reader left
    assert done.stderr.splitlines() in (["codes: 141 0"], ["codes: 0 0"]), done.stderr


def test_a_full_disk_behind_standard_output_is_said():
    done = piped("benchwell measures --json > /dev/full")
    assert "codes: 10" in done.stderr
    assert "No space left" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_plain_terminal_is_enough(shell):
    settings = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"}
    assert shell("benchmarks", **settings).code == 0


def test_control_c_says_that_nothing_half_done_was_kept(tmp_path):
    source, page = EXAMPLES / "solo-practice" / "scores.csv", tmp_path / "page.html"
    # Interrupted where it works: the first stage says so by asking for this signal.
    code = (
        "import os, signal, sys, benchwell.pipeline.one_person as room; from benchwell import cli\n"
        "room.read_source = lambda *a, **k: os.kill(os.getpid(), signal.SIGINT)\n"
        f"sys.argv = ['benchwell', 'report', {str(source)!r}, '-o', {str(page)!r}]; cli.main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", timeout=60, check=False)
    assert done.returncode == 130
    assert done.stderr.startswith("Stopped. Nothing half-done was kept")
    assert "Traceback" not in done.stderr
    assert not page.exists()


def test_a_fault_of_ours_tells_its_place_and_no_value(tmp_path):
    code = (
        "import sys, benchwell.pipeline as house; from benchwell import cli\n"
        "def broken(*a, **k): raise KeyError('SECRET-PATIENT-77')\n"
        "house.report = broken\n"
        "sys.argv = ['benchwell', 'report', 'scores.csv']; cli.main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", timeout=60, check=False)
    assert done.returncode == 10
    assert "SECRET" not in done.stderr + done.stdout
    assert "Traceback" not in done.stderr
    assert "KeyError" in done.stderr


def test_in_a_window_tables_fit_and_progress_is_drawn(own_practice):
    master, slave = pty.openpty()
    command = [sys.executable, "-m", "benchwell.cli", "build", "-w", str(own_practice.path), "--as-of", AS_OF]
    with subprocess.Popen(
        command, stdin=slave, stdout=slave, stderr=slave, env=environment(TERM="xterm", COLUMNS="100", LINES="40")
    ) as child:
        os.close(slave)
        seen = bytearray()
        while True:
            try:
                chunk = os.read(master, 65536)
            except OSError:  # the other side closed
                break
            if not chunk:
                break
            seen += chunk
        child.wait(timeout=60)
    os.close(master)
    text = seen.decode("utf-8", errors="replace")
    assert child.returncode == 0, text
    assert "scoring" in text
    assert "Edition 2026-01-31-" in text


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--version"], 0),
        ([], 2),
        (["nonsense"], 2),
        (["report"], 2),
        (["build", "--as-of", "tomorrow"], 2),
        (["score", "phq-9", "--total", "many"], 2),
        (["score", "no-such", "1"], 11),
        (["instruments", "no-such"], 11),
        (["measures", "no-such"], 11),
        (["benchmarks", "no-such"], 11),
        (["measures", "no-such", "--json"], 11),
        (["report", "no-such.csv"], 12),
        (["build", "-w", "no-such"], 15),
        (["measures", "-w", "no-such"], 15),
        (["verify", "no-such"], 16),
        (["score", "phq-9", "SECRET-PATIENT-77"], 22),
    ],
)
def test_each_kind_of_failure_has_its_exit_code(cli, arguments, code, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ran = cli(*arguments)
    assert ran.code == code
    assert "SECRET" not in ran.out + ran.err
    if code:
        assert ran.out == ""
        assert ran.err.strip()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("arguments", "code"), [(["--version"], 0), (["nonsense"], 2), (["verify", "no-such"], 16)])
def test_the_process_ends_with_that_code(shell, arguments, code, tmp_path):
    assert shell(*arguments, cwd=tmp_path).code == code


def test_the_installed_command_is_the_same(tmp_path):
    command = Path(sys.executable).with_name("benchwell")
    if not command.exists():
        pytest.skip("the command is not installed beside this Python")
    done = subprocess.run(
        [command, "score", "gad-7", *"1111111", "--json"], capture_output=True, timeout=60, check=False
    )
    assert json.loads(done.stdout)["value"] == 7.0


def test_scores_can_be_typed_in_many_ways(cli):
    for typed in (["1,1,1,1,1,1,1"], ["1 1 1 1 1 1 1"], list("1111111"), ["1;1;1;1;1;1", "1"]):
        assert cli("score", "gad-7", *typed, "--json").json()["value"] == 7.0
    partly = cli("score", "gad-7", *"11111", "NA", "1", "--json").json()
    assert partly["status"] in ("prorated", "invalid")
    assert cli("score", "phq-9", "--total", "12", "--json").json()["status"] == "total_only"


@pytest.mark.parametrize("answer", ["-1", "9", "inf", "0.5", "1e400"])
def test_an_impossible_answer_gives_no_score_and_strict_json(cli, answer):
    result = cli("score", "gad-7", answer, *"111111", "--json").json()
    assert result["value"] is None
    assert result["status"] == "invalid"


@pytest.mark.parametrize("total", ["nan", "inf", "-inf", "-3", "99"])
def test_an_impossible_total_gives_no_score_and_strict_json(cli, total):
    result = cli("score", "gad-7", f"--total={total}", "--json").json()
    assert result["value"] is None
