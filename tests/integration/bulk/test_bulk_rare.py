"""What happens seldom: hung up amid a question, endless answers, servers that refuse to forget."""

from __future__ import annotations

import logging
import threading
import time

import pytest

from benchwell.errors import BulkExportError
from benchwell.intake.bulk import LAST, BulkSettings, Silence, SystemClock, connection
from benchwell.intake.bulk.credentials import load_key
from benchwell.intake.bulk.waiting import Patience, StoppedError
from bulk_server import HANG_UP, INSTANT, Answer


def test_a_kickoff_without_an_answer_is_not_repeated_since_the_export_may_have_begun(server, fetch):
    server.kickoffs.append(HANG_UP)
    with pytest.raises(BulkExportError, match="did not answer"):
        fetch()
    assert len(server.to("/fhir/Patient")) == 1


def test_looks_are_repeated_when_the_line_breaks(server, fetch):
    server.polls.extend([HANG_UP, HANG_UP])
    server.offer(server.hold("p"))
    assert fetch().files


def test_a_server_that_falls_silent_is_told_and_taken_up_later(server, fetch):
    server.polls.extend([HANG_UP] * 3)
    server.offer(server.hold("p"))
    with pytest.raises(BulkExportError, match="cannot be reached while it prepares"):
        fetch(settings=BulkSettings(attempts=3))
    assert fetch().files
    assert server.exports == 1


def test_an_answer_that_cannot_be_unpacked_is_asked_for_again(server, fetch):
    server.polls.append(Answer(200, {"Content-Encoding": "gzip"}, b"not packed"))
    server.offer(server.hold("p"))
    assert fetch().files


def test_an_answer_without_end_is_refused(server, fetch, monkeypatch):
    monkeypatch.setattr(connection, "_LARGEST_REPLY", 10_000)
    server.manifest = {"transactionTime": INSTANT, "requiresAccessToken": False, "x": "y" * 20_000}
    with pytest.raises(BulkExportError, match="does not end"):
        fetch()


@pytest.mark.parametrize("path", ["/\x01", ":x/"])
def test_an_address_that_cannot_be_asked_is_refused(server, fetch, path):
    server.offer({"type": "Patient", "url": f"{server.origin if path[0] == '/' else 'http://127.0.0.1'}{path}"})
    with pytest.raises(BulkExportError, match="gave an address"):
        fetch()


@pytest.mark.parametrize("answer", [Answer(404), Answer(500), HANG_UP, Answer(302, {"Location": "/"})])
def test_a_server_that_does_not_forget_changes_nothing(server, fetch, answer):
    def refuse(asked):
        if asked.method == "DELETE":
            server.pages[asked.path] = answer

    server.before = refuse
    server.offer(server.hold("p"))
    assert fetch().files


def test_an_export_that_is_lost_twice_is_told(server, fetch):
    server.polls.extend(Answer(202, {"Retry-After": "100"}) for _ in range(3))
    with pytest.raises(BulkExportError, match="not ready"):
        fetch(settings=BulkSettings(deadline_seconds=50))
    server.polls.clear()
    server.gone |= {1, 2}
    with pytest.raises(BulkExportError, match="not there any more"):
        fetch()
    assert server.exports == 2
    server.offer(server.hold("p"))
    assert fetch().files
    assert server.exports == 3


def test_a_file_lost_by_an_earlier_run_leads_to_a_new_export(server, fetch):
    server.offer(server.hold("p", 4, breaks=[0] * 3))
    with pytest.raises(BulkExportError, match="did not arrive"):
        fetch(settings=BulkSettings(attempts=3))
    server.files.clear()

    def again(asked):
        if asked.path.endswith("$export"):
            server.offer(server.hold("q", 2))

    server.before = again
    assert fetch().files[0].lines == 2
    assert server.exports == 2


def test_a_folder_that_cannot_be_written_is_told(server, fetch, tmp_path):
    (tmp_path / "export" / ".bulk-export.journal").mkdir(parents=True)
    with pytest.raises(BulkExportError, match="cannot be written"):
        fetch()


def test_a_file_that_cannot_be_written_is_told(server, fetch, tmp_path):
    server.offer(server.hold("p"))

    def block(asked):
        (tmp_path / "export" / "Patient.000.ndjson.part").mkdir(exist_ok=True)

    server.before = block
    with pytest.raises(BulkExportError, match=r"Patient.000.ndjson cannot be written"):
        fetch()


def test_an_answer_that_is_no_outcome_gives_no_codes(server, fetch):
    server.kickoffs.append(Answer(400, body={"resourceType": "Patient", "issue": [{"code": "invalid"}]}))
    with pytest.raises(BulkExportError, match="answered 400\\."):
        fetch()


def test_control_c_before_anything_began_has_nothing_to_call_off(server, fetch):
    class Impatient(Silence):
        def started(self, resumed):
            raise KeyboardInterrupt

    server.offer()
    with pytest.raises(KeyboardInterrupt):
        fetch(listener=Impatient())
    assert server.deleted == ["/status/1"]
    with pytest.raises(KeyboardInterrupt):
        fetch(listener=Impatient())
    assert server.deleted == ["/status/1", "/status/2"]


def test_a_token_endpoint_that_cannot_be_reached_is_told(server, fetch, credentials):
    known = credentials(token_url="http://127.0.0.1:1/token")
    with pytest.raises(BulkExportError, match="gives tokens cannot be reached"):
        fetch(credentials=known, settings=BulkSettings(attempts=2))


def test_a_given_token_address_needs_no_configuration(server, fetch, credentials):
    server.configuration = {}
    server.offer()
    fetch(credentials=credentials(token_url=f"{server.origin}/token"))
    assert server.forms[0]["scope"] == ["system/*.read"]


def test_a_token_endpoint_that_stays_busy_is_told(server, fetch, credentials):
    known = credentials()
    server.token_answers.extend([Answer(503)] * 2)
    with pytest.raises(BulkExportError, match="No access token was given: the server answered 503"):
        fetch(credentials=known, settings=BulkSettings(attempts=2))


def test_a_busy_configuration_is_asked_for_again(server, fetch, credentials, clock):
    known = credentials()

    def busy(asked):
        path = "/fhir/.well-known/smart-configuration"
        if asked.path == path:
            server.pages[path] = Answer(503, {"Retry-After": "5"})
            if len(server.to(path)) > 1:
                server.pages[path] = Answer(body=server.configuration)

    server.before = busy
    server.offer()
    server.polls.clear()
    fetch(credentials=known, settings=BulkSettings(attempts=3))
    assert clock.waits[0] == 5


def test_a_configuration_that_stays_busy_is_told(server, fetch, credentials):
    known = credentials()
    server.pages["/fhir/.well-known/smart-configuration"] = Answer(503)
    with pytest.raises(BulkExportError, match="does not say where"):
        fetch(credentials=known, settings=BulkSettings(attempts=2))


def test_a_first_run_for_changes_that_broke_is_taken_up(server, fetch):
    server.offer(server.hold("p", 4, breaks=[0] * 3))
    with pytest.raises(BulkExportError, match="did not arrive"):
        fetch(since=LAST, settings=BulkSettings(attempts=3))
    assert fetch(since=LAST).folder.name == "export"
    assert server.exports == 1


def test_secrets_do_not_show_themselves(server, credentials, clock):
    from benchwell.intake.bulk.tokens import TokenSource

    known = credentials()
    key = load_key(known)
    assert repr(key) == "SigningKey(ES384)"
    patience = Patience(BulkSettings(), clock)
    with connection.Connection(server.base, BulkSettings()) as opened:
        assert repr(TokenSource(opened, known, server.base, (), patience)) == "TokenSource(client_id='benchwell-test')"


def test_the_machines_own_clock_waits_and_can_be_woken():
    clock, stop = SystemClock(), threading.Event()
    assert abs(clock.now() - time.time()) < 5
    clock.wait(0.001, stop)
    stop.set()
    begun = time.perf_counter()
    clock.wait(30, stop)
    assert time.perf_counter() - begun < 5
    with pytest.raises(StoppedError):
        Patience(BulkSettings(), clock, stop).wait(30)


def test_nothing_of_ours_is_logged_even_at_debug(server, fetch, caplog):
    server.offer(server.hold("p"))
    with caplog.at_level(logging.DEBUG):
        fetch()
    assert [record.name for record in caplog.records if record.name.startswith("http")] == []
