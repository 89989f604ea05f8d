"""Waiting for an export: as long as the server asks, longer each time where it says nothing, and not for ever."""

from __future__ import annotations

import json
from email.utils import formatdate

import pytest

from benchwell.errors import BulkExportError
from benchwell.intake.bulk import BulkSettings, Silence
from bulk_server import Answer, outcome


class Heard(Silence):
    def __init__(self):
        self.progress = []
        self.resumed = []

    def waiting(self, progress, seconds):
        self.progress.append(progress)

    def started(self, resumed):
        self.resumed.append(resumed)


def polled(server, *answers):
    server.polls.clear()
    server.polls.extend(answers)
    server.offer(server.hold("p"))


def test_seconds_and_dates_of_retry_after_are_waited_for(server, fetch, clock):
    begun = clock.time
    polled(
        server, Answer(202, {"Retry-After": "90"}), Answer(202, {"Retry-After": formatdate(begun + 300, usegmt=True)})
    )
    fetch()
    assert clock.waits == [90, 210]


def test_without_a_word_waits_double_up_to_a_longest(server, fetch, clock):
    polled(server, *[Answer(202)] * 8)
    fetch(settings=BulkSettings(first_wait_seconds=2, longest_wait_seconds=60))
    for waited, wanted in zip(clock.waits, [2, 4, 8, 16, 32, 60, 60, 60], strict=True):
        assert wanted * 0.75 <= waited <= min(wanted * 1.25, 60)
    assert len({round(waited / wanted, 6) for waited, wanted in zip(clock.waits, [2, 4, 8, 16, 32], strict=False)}) > 1


def test_a_wait_of_years_is_cut(server, fetch, clock):
    polled(server, Answer(202, {"Retry-After": "999999999"}))
    fetch()
    assert clock.waits == [3600]


def test_a_busy_or_broken_server_is_looked_at_again(server, fetch, clock):
    polled(
        server,
        *[Answer(429, {"Retry-After": "7"}), Answer(503, {"Retry-After": "8"}), Answer(502), Answer(504)],
        Answer(500, body=outcome("transient")),
    )
    fetch()
    assert clock.waits[:2] == [7, 8]
    assert server.times("GET", "/status/1") == 6


def test_a_server_that_stays_broken_ends_the_run_and_the_next_goes_on(server, fetch):
    polled(server, *[Answer(503)] * 4)
    with pytest.raises(BulkExportError, match="answered 503"):
        fetch(settings=BulkSettings(attempts=4))
    assert fetch().files[0].lines == 3
    assert server.exports == 1


def test_work_in_between_starts_the_count_of_failures_anew(server, fetch):
    polled(server, *[Answer(503), Answer(503), Answer(202)] * 3)
    assert fetch(settings=BulkSettings(attempts=3)).files


def test_a_failed_export_is_told_by_its_codes_and_the_next_run_asks_anew(server, fetch):
    polled(server, Answer(500, body=outcome("exception", "Jane Roe")))
    with pytest.raises(BulkExportError, match=r"The export failed: the server answered 500 \(exception\)") as caught:
        fetch()
    assert "Jane" not in str(caught.value)
    fetch()
    assert server.exports == 2


def test_progress_is_passed_on_as_one_short_printable_line(server, fetch):
    heard = Heard()
    polled(server, Answer(202, {"X-Progress": "50% \x1b[31m" + "x" * 500}), Answer(202))
    fetch(listener=heard)
    assert heard.progress[0].startswith("50% [31mxxx")
    assert len(heard.progress[0]) == 100
    assert heard.progress[1] is None


def test_a_deadline_ends_the_wait_and_the_next_run_goes_on_with_the_same_export(server, fetch):
    heard = Heard()
    polled(server, *[Answer(202, {"Retry-After": "100"})] * 5)
    with pytest.raises(BulkExportError, match="not ready within the time"):
        fetch(settings=BulkSettings(deadline_seconds=250))
    assert server.deleted == []
    fetch(listener=heard)
    assert server.exports == 1
    assert heard.resumed == [True]


def test_an_export_that_is_gone_when_taken_up_is_asked_for_anew(server, fetch):
    heard = Heard()
    polled(server, *[Answer(202, {"Retry-After": "100"})] * 3)
    with pytest.raises(BulkExportError, match="not ready within the time"):
        fetch(settings=BulkSettings(deadline_seconds=50))
    server.polls.clear()
    server.gone.add(1)
    fetch(listener=heard)
    assert server.exports == 2
    assert heard.resumed == [True, False]


def test_an_export_that_is_gone_at_once_is_an_error(server, fetch):
    server.gone.add(1)
    with pytest.raises(BulkExportError, match="not there any more"):
        fetch()


def test_stopping_calls_the_export_off_and_the_next_run_begins_anew(server, fetch):
    class Impatient(Silence):
        def waiting(self, progress, seconds):
            raise KeyboardInterrupt

    server.offer(server.hold("p"))
    with pytest.raises(KeyboardInterrupt):
        fetch(listener=Impatient())
    assert server.deleted == ["/status/1"]
    fetch()
    assert server.exports == 2


def test_stopping_can_leave_the_export_for_later(server, fetch):
    class Impatient(Silence):
        def waiting(self, progress, seconds):
            raise KeyboardInterrupt

    server.offer(server.hold("p"))
    with pytest.raises(KeyboardInterrupt):
        fetch(listener=Impatient(), settings=BulkSettings(keep_when_stopped=True))
    assert server.deleted == []
    fetch()
    assert server.exports == 1


def test_looks_say_what_they_accept(server, fetch):
    server.offer(server.hold("p"))
    fetch(types=("Patient", "Observation"), since="2026-01-01T00:00:00Z", output_format="application/fhir+ndjson")
    (kickoff,) = server.to("/fhir/Patient/$export")
    assert kickoff.headers["accept"] == "application/fhir+json"
    assert kickoff.headers["prefer"] == "respond-async"
    assert dict(kickoff.query) == {
        "_type": "Patient,Observation",
        "_since": "2026-01-01T00:00:00Z",
        "_outputFormat": "application/fhir+ndjson",
    }
    assert {one.headers["accept"] for one in server.to("/status/")} == {"application/json"}
    assert [one.headers["accept"] for one in server.to("/files/")] == ["application/fhir+ndjson"]


def test_every_level_has_its_address(server, fetch):
    server.offer()
    fetch("a", level="system")
    fetch("b", level="group", group="g.1")
    assert [one.path for one in server.asked if one.path.endswith("$export")] == [
        "/fhir/$export",
        "/fhir/Group/g.1/$export",
    ]


@pytest.mark.parametrize(("level", "group"), [("system", None), ("patient", None), ("group", "g1")])
@pytest.mark.parametrize("post", [False, True])
def test_every_level_takes_every_parameter(server, fetch, level, group, post):
    wanted = {
        "_outputFormat": "ndjson",
        "_since": "2026-01-01T00:00:00+01:00",
        "_type": "Patient,Observation",
        "_elements": "id,Patient.birthDate",
        "includeAssociatedData": "LatestProvenanceResources,_ours",
        "_typeFilter": "Observation?code=http://loinc.org|44261-6,69737-5",
    }
    server.offer()
    fetch(
        level=level,
        group=group,
        post=post,
        output_format="ndjson",
        since="2026-01-01T00:00:00+01:00",
        types=("Patient", "Observation"),
        elements=("id", "Patient.birthDate"),
        associated=("LatestProvenanceResources", "_ours"),
        type_filters=("Observation?code=http://loinc.org|44261-6,69737-5",),
    )
    (kickoff,) = [one for one in server.asked if one.path.endswith("$export")]
    if post:
        found = {
            one["name"]: one.get("valueString", one.get("valueInstant"))
            for one in json.loads(kickoff.body)["parameter"]
        }
    else:
        found = dict(kickoff.query)
    assert found == wanted


def test_single_patients_are_asked_for_by_post(server, fetch):
    server.offer()
    fetch(patients=("p1", "p2"), types=("Patient",), elements=("birthDate",), associated=("LatestProvenanceResources",))
    (kickoff,) = server.to("/fhir/Patient/$export", "POST")
    assert kickoff.query == []
    assert kickoff.headers["content-type"] == "application/fhir+json"
    body = json.loads(kickoff.body)
    assert body["resourceType"] == "Parameters"
    assert body["parameter"] == [
        {"name": "_type", "valueString": "Patient"},
        {"name": "_elements", "valueString": "birthDate"},
        {"name": "includeAssociatedData", "valueString": "LatestProvenanceResources"},
        {"name": "patient", "valueReference": {"reference": "Patient/p1"}},
        {"name": "patient", "valueReference": {"reference": "Patient/p2"}},
    ]
