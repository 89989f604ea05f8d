"""What was acknowledged is there after the process was killed in the middle of its work."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from sqlalchemy import select

from benchwell.register import Register
from benchwell.register import schema as s

ROUNDS, AT_LEAST = 3, 60  # `./run bench live` does fifty rounds with the whole service
# Four askers, so that commits are shared and the kill comes in the midst of some; a line for each that was kept.
WRITES = """
import os, sys, threading
from sqlalchemy import insert
from benchwell.register import Register
from benchwell.register.schema import facts

register = Register(sys.argv[1])

def ask(asker):
    number = 0
    while True:
        name = f"{sys.argv[2]}-{asker}-{number}"
        register.write(lambda connection: connection.execute(insert(facts).values(name=name, value="kept")) and None)
        os.write(1, f"{name}\\n".encode())
        number += 1

for asker in range(4):
    threading.Thread(target=ask, args=(asker,), daemon=True).start()
threading.Event().wait()
"""


def _killed(url: str, round_: int, script: Path) -> set[str]:
    """What one process said was kept, until it was killed."""
    process = subprocess.Popen([sys.executable, script, url, str(round_)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(AT_LEAST)]
    os.kill(process.pid, signal.SIGKILL)
    lines += process.stdout.read().splitlines(keepends=True)
    process.stdout.close()
    assert process.wait() == -signal.SIGKILL
    return {line.decode().strip() for line in lines if line.endswith(b"\n")}


def test_register_keeps_what_it_acknowledged_when_killed(register_url: str, tmp_path: Path) -> None:
    script = tmp_path / "writes.py"
    script.write_text(WRITES, encoding="utf-8")
    Register(register_url).close()
    told: set[str] = set()
    for round_ in range(ROUNDS):
        told |= _killed(register_url, round_, script)
        with Register(register_url) as register, register.read() as connection:
            kept = set(connection.execute(select(s.facts.c.name)).scalars())
        assert told <= kept
    assert len(told) >= ROUNDS * AT_LEAST
