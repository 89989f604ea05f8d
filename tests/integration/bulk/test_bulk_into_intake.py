"""What was fetched is what the FHIR intake reads."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchwell.intake.bulk import LAST
from benchwell.intake.fhir.read import read_fhir
from benchwell.intake.fhir.sources import find_sources
from benchwell.registry import Registry

SAMPLE = Path(__file__).parents[3] / "../shared/conformance/bulk-data/sample-10-patients"


def test_intake_finds_every_file_of_an_export_and_of_its_updates(server, fetch, tmp_path):
    deleted = {"url": server.hold("d", b'{"resourceType":"Bundle"}\n')["url"], "type": "Bundle"}
    server.offer(server.hold("p"), server.hold("o", 2, "Observation"), deleted=[deleted])
    fetch(since=LAST)
    server.offer(server.hold("p2", 1), transactionTime="2026-02-01T00:00:00Z")
    fetch(since=LAST)
    found = find_sources([tmp_path / "export"])
    assert found.missing == []
    assert [str(one.path.relative_to(tmp_path / "export")) for one in found.files] == [
        "Patient.000.ndjson",
        "Observation.000.ndjson",
        "deleted.000.ndjson",
        "update-001/Patient.000.ndjson",
    ]


def test_intake_sees_that_an_unfinished_export_lacks_files(server, fetch, tmp_path):
    server.offer(server.hold("p"), {"type": "Patient", "url": server.url("none")})
    with pytest.raises(Exception, match="no longer has it"):
        fetch()
    assert "Patient.001.ndjson" in find_sources([tmp_path / "export"]).missing


@pytest.mark.shared
@pytest.mark.skipif(not SAMPLE.is_dir(), reason="needs the shared sample of a bulk export")
def test_the_public_sample_arrives_whole_and_is_read(server, fetch):
    names = sorted(path.name for path in SAMPLE.glob("*.000.ndjson"))
    server.offer(
        *(
            server.hold(name, (SAMPLE / name).read_bytes(), name.partition(".")[0], gzip=True, breaks=[9_000])
            for name in names
        )
    )
    export = fetch()
    assert {file.type: file.lines for file in export.files} == {
        "Condition": 555,
        "Encounter": 1215,
        "Organization": 43,
        "Patient": 13,
    }
    parts = list(read_fhir([export.folder], Registry.load(), workers=1))
    assert sum(part.tables["patients"].num_rows for part in parts if "patients" in part.tables) == 13
