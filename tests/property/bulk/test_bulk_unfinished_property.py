"""Lines of a file are counted alike by pieces and by a plain loop; packed and plain give the same."""

from __future__ import annotations

import gzip
import hashlib
import tempfile
from pathlib import Path

from hypothesis import example, given
from hypothesis import strategies as st

from benchwell.intake.bulk import BulkSettings, unfinished
from benchwell.intake.bulk.manifest import PlannedFile
from benchwell.intake.bulk.room import Room

LINE = st.sampled_from([b"{}", b'{"a":1}', b"", b"  ", b"\t", b"\r", b"{" + b"x" * 40])


@given(st.lists(LINE), st.booleans(), st.booleans(), st.integers(2, 64))
@example([b"", b"{}"], True, False, 2)
def test_lines_are_counted_as_a_plain_loop_counts_them(lines, ended, packed, chunk):
    content = b"\n".join(lines) + b"\n" * ended
    item = PlannedFile("Patient.000.ndjson", "output", "https://ehr.example.org/1", needs_token=False)
    before, unfinished._CHUNK = unfinished._CHUNK, chunk
    try:
        with tempfile.TemporaryDirectory() as folder:
            part = Path(folder) / "x.part"
            part.write_bytes(gzip.compress(content) if packed else content)
            file = unfinished.unpack(part, item, Room(BulkSettings()))
            assert part.read_bytes() == content
            assert [path.name for path in Path(folder).iterdir()] == ["x.part"]
    finally:
        unfinished._CHUNK = before
    assert file.lines == sum(1 for line in content.splitlines() if line.strip())
    assert file.size == len(content)
    assert file.sha256 == hashlib.sha256(content).hexdigest()
