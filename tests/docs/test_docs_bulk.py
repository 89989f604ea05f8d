"""The commands of the page on bulk data run, in their order, against a server of our own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from joserfc.jwk import ECKey

from bulk_server import Answer, serving

PAGE = Path(__file__).parents[2] / "docs" / "bulk-data.md"


def test_the_commands_fetch_an_export_and_later_what_changed(repository, tmp_path):
    first, later = repository.blocks(PAGE, "bash server")
    key = ECKey.generate_key("P-384", {"kid": "ours"})
    private = tmp_path / "key.json"
    private.write_text(json.dumps({"keys": [key.as_dict(private=True)]}), encoding="utf-8")
    private.chmod(0o600)
    with serving() as server:
        server.keys = {"ours": key.as_dict(private=False)}
        server.needs_token = True

        def run(script):
            script = script.replace("https://ehr.example.org/fhir", server.base)
            script = script.replace("--client-id benchwell ", "--client-id benchwell-test ")  # whom the server knows
            path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
            done = subprocess.run(
                ["bash", "-euo", "pipefail", "-c", script],
                cwd=tmp_path,
                capture_output=True,
                text=True,
                check=False,
                env=os.environ | {"PATH": path},
                timeout=120,
            )
            assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
            return done.stdout + done.stderr

        server.polls = type(server.polls)([Answer(202, {"Retry-After": "0"})])
        server.offer(server.hold("p", 5), token=True)
        assert "5 rows" in run(first)
        server.offer(server.hold("p", 2), token=True)
        assert "7 rows" in run(later)  # all of the folder is read; what has not changed changes nothing
        asked = [dict(one.query) for one in server.asked if one.path.endswith("$export")]
    assert [one.get("_since") is not None for one in asked] == [False, True]
    assert {one["_type"] for one in asked} == {"Patient,QuestionnaireResponse"}
    assert (tmp_path / "export" / "update-001" / "manifest.json").is_file()
