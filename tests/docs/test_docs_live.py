"""What the pages say about the live service's interface for programs: every command is run against a real server."""

from __future__ import annotations

import os
import re
import shutil
import subprocess

import pytest
import yaml

from benchwell.pipeline.live.contract import Contract
from benchwell.register.clients import add_client
from benchwell.settings import ServiceSettings
from live_house import NORTH, live_house
from live_server import live_server

PAGE = "docs/tutorials/live-service-for-ehr-engineers.md"
PAIR = re.compile(r"^```bash live\n(.*?)^```\n\n^```text answer\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SCOPES = ("scores.write", "scores.read", "people.write")


def is_like(said: str, written: str) -> bool:
    """Whether an answer is the one that the page shows; `…` stands for anything within a line."""
    pattern = re.escape(written.strip()).replace("…", ".*")
    return re.fullmatch(pattern, said.strip()) is not None


@pytest.mark.skipif(shutil.which("curl") is None, reason="the program curl is not here")
def test_every_command_gives_the_answer_that_the_page_shows(repository, tmp_path):
    text = (repository.root / PAGE).read_text(encoding="utf-8")
    pairs = PAIR.findall(text)
    assert len(pairs) == text.count("```bash live") == text.count("```text answer")
    assert len(pairs) >= 6
    with live_house(tmp_path) as house, live_server(house.app) as address:
        write = house.service.register.write
        _, key = write(lambda connection: add_client(connection, 1.0, "Record system", SCOPES, NORTH))
        for command, written in pairs:
            done = subprocess.run(
                ["bash", "-euo", "pipefail", "-c", command],
                capture_output=True,
                text=True,
                check=False,
                env=os.environ | {"URL": address, "KEY": key, "no_proxy": "*"},
                timeout=60,
            )
            assert done.returncode == 0, done.stderr
            assert is_like(done.stdout, written), f"{command}\n{done.stdout}\nbut the page says\n{written}"


def test_an_answer_that_differs_is_seen():
    assert is_like('{"id":"a1b2","n":3}\n', '{"id":"…","n":3}\n')
    assert not is_like('{"id":"a1b2","n":4}\n', '{"id":"…","n":3}\n')


def test_files_shown_on_the_page_are_read(repository):
    page = repository.root / "docs" / "live-service.md"
    contract, settings = (yaml.safe_load(block) for block in repository.blocks(page, "yaml"))
    assert Contract.model_validate(contract).payer
    assert ServiceSettings.model_validate(settings["service"]).is_encrypted
