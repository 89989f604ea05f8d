"""Ctrl-C in a long intake: it reaches the workers too, and the program ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

SCRIPT = """
import sys
from pathlib import Path
from benchwell.intake.fhir.read import read_fhir
from benchwell.registry import Registry

def told(size):
    print("reading", flush=True)

if __name__ == "__main__":
    for part in read_fhir([Path(sys.argv[1])], Registry.load(), workers=2, progress=told):
        pass
"""


def test_ctrl_c_ends_the_program_and_its_workers(tmp_path: Path) -> None:
    line = {
        "resourceType": "Observation",
        "id": "o",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "29463-7"}]},
        "subject": {"reference": "Patient/p"},
        "note": [{"text": "x" * 2000}],
    }
    text = (json.dumps(line) + "\n") * 20_000
    export = tmp_path / "export.ndjson"
    with export.open("w", encoding="utf-8") as file:
        for _ in range(4):
            file.write(text)
    script = tmp_path / "script.py"
    script.write_text(SCRIPT, encoding="utf-8")
    command = [sys.executable, str(script), str(export)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "reading\n"
        os.killpg(running.pid, signal.SIGINT)  # as a terminal does: every process of the group
        try:
            running.communicate(timeout=60)
        finally:
            if running.poll() is None:
                os.killpg(running.pid, signal.SIGKILL)
    assert running.returncode in (-signal.SIGINT, 1, 130)
