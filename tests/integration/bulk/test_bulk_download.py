"""Fetching files over a line that breaks, from servers that are busy, forgetful or wrong."""

from __future__ import annotations

import gzip
import os
import signal
import subprocess
import sys
import threading
from email.utils import formatdate
from pathlib import Path

import pytest

from benchwell.errors import BulkExportError
from benchwell.intake.bulk import BulkSettings, Silence
from benchwell.intake.fhir.sources import find_sources
from bulk_server import Answer, ndjson

LARGE = ndjson("Patient", 20_000)  # about 1.9 MB


def ranges(server, name="p"):
    return [one.headers.get("range") for one in server.to(f"/files/{name}")]


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("chunked", [False, True])
def test_a_broken_transfer_goes_on_where_it_broke(server, fetch, packed, chunked):
    server.offer(server.hold("p", LARGE, gzip=packed, chunked=chunked, breaks=[30_000, 20_000]))
    export = fetch()
    assert (export.folder / "Patient.000.ndjson").read_bytes() == LARGE
    assert ranges(server)[0] is None
    starts = [int(text.removeprefix("bytes=").removesuffix("-")) for text in ranges(server)[1:]]
    assert starts == sorted(starts)
    assert len(starts) == 2
    assert starts[-1] == 50_000
    assert server.to("/files/p")[1].headers["if-range"] == '"1"'


@pytest.mark.parametrize("how", [{"ranges": False}, {"etag": None}, {"etag": 'W/"1"'}])
def test_without_ranges_or_a_strong_mark_the_file_begins_again(server, fetch, how):
    server.offer(server.hold("p", LARGE, breaks=[30_000], **how))
    assert (fetch().folder / "Patient.000.ndjson").read_bytes() == LARGE
    if how != {"ranges": False}:
        assert ranges(server) == [None, None]


def test_a_file_that_changed_between_begins_again(server, fetch):
    server.offer(server.hold("p", LARGE, breaks=[30_000]))
    newer = ndjson("Patient", 20_000).replace(b"x", b"y")

    def change(asked):
        if asked.headers.get("range"):
            server.files["p"].content, server.files["p"].etag = newer, '"2"'

    server.before = change
    assert (fetch().folder / "Patient.000.ndjson").read_bytes() == newer


@pytest.mark.parametrize(
    "answer",
    [
        Answer(416),
        Answer(206, {"Content-Range": "bytes 5-9/10"}, b"wrong"),
        Answer(206, {}, b"wrong"),
        Answer(206, {"Content-Range": "bytes 30000-30004/40000", "ETag": '"other"'}, b"wrong"),
    ],
)
def test_a_part_of_something_else_is_never_added(server, fetch, answer):
    server.offer(server.hold("p", LARGE, breaks=[30_000]))

    def prepare(asked):
        if asked.headers.get("range") and not server.files["p"].first and len(server.to("/files/p")) == 2:
            server.files["p"].first.append(answer)

    server.before = prepare
    assert (fetch().folder / "Patient.000.ndjson").read_bytes() == LARGE


def test_busy_servers_are_asked_again_as_they_ask(server, fetch, clock):
    entry = server.hold("p")
    server.files["p"].first.extend(
        [Answer(429, {"Retry-After": "11"}), Answer(503, {"Retry-After": "12"}), Answer(500)]
    )
    server.offer(entry)
    server.polls.clear()
    fetch()
    assert clock.waits[:2] == [11, 12]


def test_a_line_that_always_breaks_ends_the_run_and_the_next_goes_on(server, fetch):
    server.offer(server.hold("p", LARGE, breaks=[10_000] + [0] * 4))
    with pytest.raises(BulkExportError, match=r"Patient.000.ndjson did not arrive"):
        fetch(settings=BulkSettings(attempts=4))
    assert (fetch().folder / "Patient.000.ndjson").read_bytes() == LARGE
    assert server.exports == 1
    assert ranges(server)[-1] == "bytes=10000-"


def test_a_line_that_breaks_at_the_same_place_for_ever_ends(server, fetch):
    server.offer(server.hold("p", LARGE, ranges=False, breaks=[10_000] * 50))
    with pytest.raises(BulkExportError, match="did not arrive"):
        fetch()
    assert len(server.to("/files/p")) == 6


def test_progress_counts_however_often_the_line_breaks(server, fetch):
    server.offer(server.hold("p", LARGE, breaks=[50_000] * 20))
    assert fetch(settings=BulkSettings(attempts=3)).files[0].lines == 20_000


def test_packed_bytes_that_end_early_are_fetched_again(server, fetch):
    whole = gzip.compress(LARGE)
    entry = server.hold("p", LARGE, gzip=True)
    server.files["p"].first.append(Answer(200, {"Content-Encoding": "gzip"}, whole[:-20]))
    server.offer(entry)
    assert fetch().files[0].lines == 20_000


def test_files_that_are_gz_themselves_are_unpacked(server, fetch):
    entry = server.hold("p", gzip.compress(LARGE))
    server.offer(entry | {"count": 20_000})
    assert (fetch().folder / "Patient.000.ndjson").read_bytes() == LARGE


def test_fewer_lines_than_stated_are_fetched_once_more_and_then_refused(server, fetch):
    entry = server.hold("p", 3)
    server.offer(entry | {"count": 4})
    with pytest.raises(BulkExportError, match=r"Patient.000.ndjson has 3 lines, the manifest says 4") as caught:
        fetch()
    assert len(server.to("/files/p")) == 2
    assert "accept differing counts" in str(caught.value)
    server.files["p"].content = ndjson("Patient", 4)
    assert fetch().files[0].lines == 4


def test_differing_counts_can_be_accepted_and_are_told(server, fetch):
    server.offer(server.hold("p", 3) | {"count": 4}, server.hold("q", 2))
    export = fetch(settings=BulkSettings(accept_differing_counts=True))
    assert [file.name for file in export.differing] == ["Patient.000.ndjson"]


def test_blank_lines_are_no_resources(server, fetch):
    server.offer(server.hold("p", b'{"a":1}\n\n{"a":2}\r\n  \n{"a":3}') | {"count": 3})
    assert fetch().files[0].lines == 3


def test_a_page_to_log_in_is_no_file(server, fetch):
    server.offer({"type": "Patient", "url": server.hold("p", b"<html>Sign in, Jane</html>")["url"]})
    with pytest.raises(BulkExportError, match=r"Patient.000.ndjson is no NDJSON") as caught:
        fetch()
    assert "Jane" not in str(caught.value)


@pytest.mark.parametrize("packed", [False, True])
def test_files_can_be_limited(server, fetch, packed):
    server.offer(server.hold("p", LARGE, gzip=packed))
    with pytest.raises(BulkExportError, match="larger than 1,000,000 bytes"):
        fetch(settings=BulkSettings(max_file_bytes=1_000_000))


@pytest.mark.parametrize("packed", [False, True])
def test_an_export_larger_than_its_bound_stops_and_a_larger_bound_goes_on(server, fetch, packed):
    server.offer(server.hold("p", LARGE, gzip=packed), server.hold("q", LARGE, gzip=packed))
    with pytest.raises(BulkExportError, match=f"The export is larger than {len(LARGE) + 1000:,} bytes") as caught:
        fetch(settings=BulkSettings(max_bytes=len(LARGE) + 1000, parallel=1))
    assert "--max-gb" in str(caught.value)
    before = len(server.to("/files/p"))
    export = fetch(settings=BulkSettings(max_bytes=2 * len(LARGE)))
    assert [file.size for file in export.files] == [len(LARGE)] * 2
    assert len(server.to("/files/p")) == before  # what was complete is not fetched again


def test_what_an_earlier_run_left_counts_against_the_bound(server, fetch):
    server.offer(server.hold("p", LARGE), {"type": "Patient", "url": server.url("late")})
    server.files["late"] = server.files["p"].__class__(LARGE)
    server.files["late"].first.append(Answer(403))
    with pytest.raises(BulkExportError, match="403"):
        fetch(settings=BulkSettings(parallel=1))
    with pytest.raises(BulkExportError, match="larger than"):
        fetch(settings=BulkSettings(max_bytes=len(LARGE) + 10))


def test_nobody_fills_a_disk_by_default():
    assert BulkSettings().max_bytes == 100 * 10**9


def test_a_packing_nobody_asked_for_is_refused(server, fetch):
    entry = server.hold("p")
    server.files["p"].first.append(Answer(200, {"Content-Encoding": "br"}, b"x"))
    server.offer(entry)
    with pytest.raises(BulkExportError, match="not asked for"):
        fetch()


def test_a_file_that_is_gone_costs_the_export_and_the_next_run_asks_anew(server, fetch):
    there = server.hold("p")
    server.offer(there, {"type": "Patient", "url": server.url("gone")})
    with pytest.raises(BulkExportError, match=r"Patient.001.ndjson cannot be fetched: the server no longer has it"):
        fetch(settings=BulkSettings(parallel=1))
    server.offer(there)
    export = fetch()
    assert server.exports == 2
    assert not (export.folder / "Patient.001.ndjson").exists()


@pytest.mark.parametrize(("expires", "says"), [(10, "its time on the server is over"), (-10, "the server answered")])
def test_files_that_expired_are_told_as_such(server, fetch, clock, expires, says):
    entry = server.hold("p")
    server.files["p"].first.append(Answer(403))
    server.offer(entry)
    server.polls.clear()
    server.status_headers = {"Expires": formatdate(clock.time + expires, usegmt=True)}

    def later(asked):
        clock.time += 100 * asked.path.startswith("/files/")

    server.before = later
    with pytest.raises(BulkExportError, match=says) as caught:
        fetch()
    assert "403" in str(caught.value)


def test_files_come_several_at_once_but_not_all(server, fetch):
    busy, most = 0, 0
    lock, together = threading.Lock(), threading.Barrier(3, timeout=5)

    def watch(asked):
        nonlocal busy, most
        if asked.path.startswith("/files/"):
            with lock:
                busy += 1
                most = max(most, busy)
            together.wait()
            with lock:
                busy -= 1

    server.offer(*(server.hold(f"p{number}") for number in range(9)))
    server.before = watch
    assert len(fetch(settings=BulkSettings(parallel=3)).files) == 9
    assert most == 3


def test_progress_of_files_is_told(server, fetch):
    class Heard(Silence):
        def __init__(self):
            self.planned_files, self.bytes, self.names = 0, 0, []

        def planned(self, files):
            self.planned_files = files

        def received(self, name, size):
            self.bytes = max(self.bytes, size)

        def finished(self, file):
            self.names.append(file.name)

    heard = Heard()
    server.offer(server.hold("p", LARGE))
    fetch(listener=heard)
    assert (heard.planned_files, heard.bytes, heard.names) == (1, len(LARGE), ["Patient.000.ndjson"])


RUN = """
import sys
from pathlib import Path
from benchwell.intake.bulk import BulkRequest, BulkSettings, export_bulk
settings = BulkSettings(parallel=1, first_wait_seconds=.01)
try:
    export_bulk(BulkRequest(sys.argv[1]), Path(sys.argv[2]), settings=settings)
except KeyboardInterrupt:
    sys.exit(130)
"""


def interrupted(server, tmp_path, how, name):
    """Run in a process of its own that gets a signal while it fetches file `name`."""
    process, ready = None, threading.Event()

    def strike(asked):
        if asked.path == f"/files/{name}":
            ready.wait(20)
            server.before = None
            os.kill(process.pid, how)
            if how == signal.SIGKILL:
                process.wait(20)

    server.before = strike
    process = subprocess.Popen([sys.executable, "-c", RUN, server.base, str(tmp_path / "export")])
    ready.set()
    return process.wait(60)


def test_a_killed_run_is_taken_up_without_asking_anew(server, fetch, tmp_path):
    server.offer(server.hold("a", LARGE), server.hold("b", LARGE))
    assert interrupted(server, tmp_path, signal.SIGKILL, "b") == -signal.SIGKILL
    assert find_sources([tmp_path / "export"]).missing == ["Patient.001.ndjson"]
    assert fetch().files[1].lines == 20_000
    assert server.exports == 1
    assert len(server.to("/files/a")) == 1
    assert len(server.to("/files/b")) == 2


def test_control_c_while_fetching_calls_the_export_off(server, tmp_path):
    server.offer(server.hold("a", LARGE), server.hold("b", LARGE))
    assert interrupted(server, tmp_path, signal.SIGINT, "b") == 130
    assert server.deleted == ["/status/1"]


def test_a_half_written_line_of_the_journal_is_forgotten(server, fetch, tmp_path):
    server.offer(server.hold("p", LARGE, breaks=[0] * 3))
    with pytest.raises(BulkExportError, match="did not arrive"):
        fetch(settings=BulkSettings(attempts=3))
    with (tmp_path / "export" / ".bulk-export.journal").open("ab") as file:
        file.write(b'{"type":"done","fi')
    assert fetch().files[0].lines == 20_000
    assert server.exports == 1


def test_a_damaged_journal_is_told(server, fetch, tmp_path):
    (tmp_path / "export").mkdir()
    (tmp_path / "export" / ".bulk-export.journal").write_bytes(b"not a line of ours\n")
    with pytest.raises(BulkExportError, match="changed or damaged"):
        fetch()


def test_a_file_that_was_cut_after_the_break_is_fetched_again(server, fetch, tmp_path):
    server.offer(server.hold("a", 5), server.hold("b", LARGE, breaks=[0] * 3))
    with pytest.raises(BulkExportError, match="did not arrive"):
        fetch(settings=BulkSettings(attempts=3, parallel=1))
    (tmp_path / "export" / "Patient.000.ndjson").write_bytes(b"{}\n")
    assert fetch().files[0].lines == 5
    assert (tmp_path / "export" / "Patient.000.ndjson").read_bytes() == ndjson("Patient", 5)


def test_another_request_does_not_take_over_an_unfinished_one(server, fetch):
    server.offer(server.hold("p", LARGE, breaks=[0] * 3))
    with pytest.raises(BulkExportError, match="did not arrive"):
        fetch(settings=BulkSettings(attempts=3))
    with pytest.raises(BulkExportError, match="unfinished export of another request"):
        fetch(types=("Patient",))


def test_two_runs_do_not_share_a_folder(server, fetch, tmp_path):
    from benchwell.intake.bulk.journal import Journal

    (tmp_path / "export").mkdir()
    with Journal.open(tmp_path / "export"), pytest.raises(BulkExportError, match="Another run is fetching"):
        fetch()


def test_a_folder_that_cannot_be_made_is_told(server, fetch, tmp_path):
    Path(tmp_path / "file").write_text("x")
    with pytest.raises(BulkExportError, match="cannot be made"):
        fetch("file/export")
