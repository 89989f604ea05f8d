"""`benchwell serve` as a person starts it: a process of its own, asked over HTTP."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from benchwell.errors import ServiceError
from benchwell.pipeline import Workspace
from benchwell.register import Register
from benchwell.register.alone import alone
from benchwell.web.server import Listening, serve

_START = 300.0  # seconds; a demonstration builds an edition first


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def _serving(*options: str) -> Iterator[tuple[str, list[str], subprocess.Popen[str]]]:
    """A server, what it has printed, and its process; ended if it has not ended by itself."""
    port = _free_port()
    command = [sys.executable, "-m", "benchwell.cli", "serve", "--port", str(port), *options]
    quiet = {"PYTHONWARNINGS": "default"}
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=os.environ | quiet
    )
    printed: list[str] = []
    assert process.stdout is not None
    reader = threading.Thread(target=lambda lines: printed.extend(lines), args=(process.stdout,), daemon=True)
    reader.start()
    try:
        _await(f"http://127.0.0.1:{port}/alive", process, printed)
        yield f"http://127.0.0.1:{port}", printed, process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        reader.join(10)
        process.stdout.close()


def _await(address: str, process: subprocess.Popen[str], printed: list[str]) -> None:
    until = time.monotonic() + _START
    while time.monotonic() < until:
        assert process.poll() is None, "".join(printed)
        try:
            if httpx.get(address).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.2)
    raise AssertionError("".join(printed))


def _sign_in(browser: httpx.Client, name: str, password: str) -> None:
    page = browser.get("/sign-in").text
    mark = re.search(r'name="csrf" value="([^"]+)"', page)
    assert mark is not None
    answer = browser.post("/sign-in", data={"login": name, "password": password, "csrf": mark[1]})
    assert answer.status_code == 303, answer.text


def test_a_demonstration_lets_every_role_in_and_ends_on_ctrl_c(tmp_path: Path) -> None:
    with _serving("--demo", "-w", str(tmp_path / "demo")) as (address, printed, process):
        users = dict(re.findall(r"^(\w+) +(\S{12}) ", "".join(printed), re.MULTILINE))
        assert set(users) == {"clinician", "lead", "manager", "analyst", "payer", "patient", "admin"}
        for name, password in users.items():
            with httpx.Client(base_url=address, timeout=120) as browser:
                _sign_in(browser, name, password)
                page = browser.get("/", follow_redirects=True)
                assert page.status_code == 200, name
                assert "nobody here exists" in page.text, name
        process.send_signal(signal.SIGINT)
        assert process.wait(30) in (0, 130)
    demo = Workspace(tmp_path / "demo")
    edition = demo.edition()
    # Whoever builds again sees the same measures, and each view of adjustment has a figure.
    assert set(demo.settings.benchmarks) == set(edition.declarations.benchmarks)
    assert len(demo.settings.benchmarks) == 5
    overall = [row for row in edition.table("model_checks").rows(named=True) if row["level"] == "all"]
    assert {row["status"] for row in overall} == {"pass"}


def test_the_first_start_prints_a_link_that_makes_one_administrator(tmp_path: Path) -> None:
    Workspace.create(tmp_path / "own")
    with _serving("-w", str(tmp_path / "own")) as (address, printed, process):
        link = re.search(rf"{address}/begin/\S+", "".join(printed))
        assert link is not None
        assert httpx.get(link[0]).status_code == 200
        assert httpx.get(link[0][:-1]).status_code in (403, 404)
        with socket.create_connection(("127.0.0.1", int(address.rpartition(":")[2]))):  # a page that is open
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) in (0, 143, -15)
    assert len(printed) == 2, "what it said at the start, and nothing at the end"


def test_a_demonstration_is_not_mixed_into_a_workspace_of_ones_own(tmp_path: Path) -> None:
    Workspace.create(tmp_path / "own")
    command = [sys.executable, "-m", "benchwell.cli", "serve", "--demo", "-w", str(tmp_path / "own")]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ended.returncode, "workspace of your own" in ended.stderr) == (ServiceError.exit_code, True)
    assert not (tmp_path / "own" / "register.db").exists()


def test_a_demonstration_is_for_this_machine_only(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "benchwell.cli", "serve", "--demo", "-w", str(tmp_path / "d"), "--host", "0.0.0.0"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ended.returncode, "this machine only" in ended.stderr) == (ServiceError.exit_code, True)
    assert not (tmp_path / "d").exists()


def test_a_port_in_use_is_said(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(ServiceError, match="Nothing can be served at"):
            serve(Listening(tmp_path, port=int(taken.getsockname()[1])))


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"workers": 2}, "Several workers cannot share"),
        ({"workers": 2, "register": "sqlite:///r.db"}, "Several workers cannot share"),
        ({"certificate": Path("c.pem")}, "go together"),
    ],
    ids=["workers", "workers-in-a-file", "certificate"],
)
def test_settings_that_contradict_one_another_are_refused(tmp_path: Path, asked: dict[str, Any], said: str) -> None:
    Workspace.create(tmp_path / "w")
    with pytest.raises(ServiceError, match=said):
        serve(Listening(tmp_path / "w", **asked))


def test_several_workers_may_share_the_register_that_the_workspace_names(tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path / "w")
    named = workspace.settings.model_copy(update={"register_url": "postgresql://nobody@/none"})
    named.save(tmp_path / "w" / "benchwell.yaml")
    with pytest.raises(ServiceError, match="go together"):  # the next thing to look at: the register is well
        serve(Listening(tmp_path / "w", workers=2, certificate=Path("c.pem")))


def test_a_port_in_use_is_said_before_a_link_is_made_that_leads_to_whoever_listens_there(tmp_path: Path) -> None:
    Workspace.create(tmp_path / "w")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        command = [sys.executable, "-m", "benchwell.cli", "serve", "-w", str(tmp_path / "w")]
        port = str(taken.getsockname()[1])
        ended = subprocess.run([*command, "--port", port], capture_output=True, text=True, check=False, timeout=60)
    assert ended.returncode == ServiceError.exit_code
    assert ended.stdout == ""
    assert ended.stderr.startswith("Error: Nothing can be served at 127.0.0.1")
    assert not (tmp_path / "w" / "register.db").exists()


@pytest.mark.parametrize("content", [None, "no certificate"], ids=["missing", "broken"])
def test_a_certificate_that_cannot_be_used_is_said(tmp_path: Path, content: str | None) -> None:
    Workspace.create(tmp_path / "w")
    paths = tmp_path / "c.pem", tmp_path / "k.pem"
    for path in paths if content else ():
        path.write_text(content or "")
    with pytest.raises(ServiceError, match="The certificate and its key cannot be used") as problem:
        serve(Listening(tmp_path / "w", certificate=paths[0], key=paths[1]))
    assert problem.value.hint is not None
    assert "PEM" in problem.value.hint


def test_it_starts_while_another_program_copies_the_lake(tmp_path: Path) -> None:
    """It had waited for ten minutes without a word."""
    Workspace.create(tmp_path / "w")
    with Register.in_file(tmp_path / "w" / "register.db") as register, alone(register, 0) as is_ours:
        assert is_ours
        with _serving("-w", str(tmp_path / "w")) as (address, _printed, _process):
            assert httpx.get(f"{address}/sign-in").status_code == 200
