"""What becomes of a score that comes in: kept once, corrected, taken back, compared, and told."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from benchwell.pipeline.live.receiving import Entry, NotReceivedError, Received, read_received, receive, retract
from benchwell.register import Role, Viewer
from benchwell.register import schema as s
from live_house import NORTH, OTHER, OWN, House, add_scores, live_house

DAY = dt.date(2026, 6, 20)
CALM = (1.0, 2.0, 1.0, 1.0, 0.0, 1.0, 1.0, 0.0, 0.0)
CLINICIAN = Viewer(Role.CLINICIAN, user_id="clinician", organization_id=NORTH, practitioner_id="c1")


@pytest.fixture
def house(tmp_path: Path, register_url: str) -> Iterator[House]:
    with live_house(tmp_path, url=register_url) as made:
        yield made


def entry(**other: object) -> Entry:
    given = {"person_id": OWN, "course_id": None, "instrument": "phq-9", "date": DAY, "items": CALM}
    return Entry(**(given | other))  # type: ignore[arg-type]


def take(house: House, one: Entry, viewer: Viewer | None = CLINICIAN) -> Received:
    return receive(house.service, one, 1000.0, viewer=viewer).result(10)


def rows(house: House, table: object) -> list[dict[str, object]]:
    with house.service.register.read() as connection:
        return [dict(row) for row in connection.execute(select(table)).mappings()]  # type: ignore[call-overload]


def test_a_form_is_scored_kept_and_logged(house: House) -> None:
    received = take(house, entry(source="clinician", entered_by="clinician"))
    assert received.is_new
    assert not received.prompts
    assert [(one.scale, one.value, one.status, one.band) for one in received.scores] == [
        ("total", 7.0, "complete", "mild")
    ]
    (row,) = rows(house, s.assessments)
    assert (row["course_id"], row["items"], row["source"]) == ("course-1", list(CALM), "clinician")
    (score,) = rows(house, s.scores)
    assert (score["value"], score["status"], score["band"]) == (7.0, "complete", "mild")
    line = rows(house, s.audit)[-1]
    assert (line["action"], line["person_id"], line["user_id"]) == ("write", OWN, "clinician")


def test_the_same_again_changes_nothing(house: House) -> None:
    first = take(house, entry(assessment_id="QuestionnaireResponse/1"))
    again = take(house, entry(assessment_id="QuestionnaireResponse/1"))
    assert (again.is_new, again.assessment_id) == (False, first.assessment_id)
    assert again.scores == first.scores
    assert again.signal == first.signal
    assert len(rows(house, s.assessments)) == len(rows(house, s.scores)) == 1


def test_a_page_that_is_sent_twice_is_one_form(house: House) -> None:
    first, again = take(house, entry()), take(house, entry())
    assert (again.is_new, again.assessment_id) == (False, first.assessment_id)
    other = take(house, entry(time="10:30"))
    assert other.is_new
    assert other.assessment_id != first.assessment_id


def test_another_content_under_the_same_id_is_a_correction(house: House) -> None:
    take(house, entry(assessment_id="a"))
    corrected = take(house, entry(assessment_id="a", items=(3.0, *CALM[1:])))
    assert corrected.is_new
    assert corrected.is_correction
    known = {row["retracted"]: row for row in rows(house, s.assessments)}
    assert known[False]["id"] == "a"
    assert str(known[True]["id"]).startswith("a~")
    assert known[True]["items"] == list(CALM)
    assert {row["assessment_id"]: row["value"] for row in rows(house, s.scores)} == {
        "a": 9.0,
        known[True]["id"]: 7.0,
    }
    assert corrected.signal is not None
    assert corrected.signal.n_scores == 1
    assert not take(house, entry(assessment_id="a", items=(3.0, *CALM[1:]))).is_new


def test_a_record_that_came_from_the_lake_is_known_by_what_it_says(house: House) -> None:
    take(house, entry(assessment_id="a"))
    house.service.register.write(lambda connection: connection.execute(update(s.assessments).values(fingerprint=None)))
    assert not take(house, entry(assessment_id="a")).is_new


def test_a_raised_safety_answer_is_there_at_once(house: House) -> None:
    received = take(house, entry(items=(*CALM[:8], 1.0)))
    assert [(one.item, one.state) for one in received.prompts] == [(9, "raised")]
    (kept,) = rows(house, s.safety_prompts)
    assert (kept["item"], kept["state"], kept["person_id"], kept["course_id"]) == (9, "raised", OWN, "course-1")


def test_an_unanswered_safety_question_is_asked_about(house: House) -> None:
    received = take(house, entry(items=(*CALM[:8], None)))
    assert [(one.item, one.state) for one in received.prompts] == [(9, "unanswered")]
    assert not take(house, entry(items=None, total=7.0, date=DAY - dt.timedelta(1))).prompts


def test_a_prompt_that_was_seen_is_raised_again_by_a_correction(house: House) -> None:
    take(house, entry(assessment_id="a", items=(*CALM[:8], None)))
    house.service.register.write(
        lambda connection: connection.execute(update(s.safety_prompts).values(seen_at=2.0, action="spoke_now"))
    )
    corrected = take(house, entry(assessment_id="a", items=(*CALM[:8], 2.0)))
    assert [one.state for one in corrected.prompts] == ["raised"]
    states = {row["state"]: row["seen_at"] for row in rows(house, s.safety_prompts)}
    assert states == {"unanswered": 2.0, "raised": None}


def test_an_open_prompt_follows_a_correction(house: House) -> None:
    take(house, entry(assessment_id="a", items=(*CALM[:8], None)))
    corrected = take(house, entry(assessment_id="a", items=(*CALM[:8], 2.0)))
    assert [one.state for one in corrected.prompts] == ["raised"]
    assert [(row["assessment_id"], row["state"]) for row in rows(house, s.safety_prompts)] == [("a", "raised")]


def test_the_signal_looks_at_the_whole_course(house: House) -> None:
    add_scores(house, OWN, "course-1", "phq-9", [("2026-06-02", 20), ("2026-06-09", 15)])
    received = take(house, entry())
    assert received.signal is not None
    assert (received.signal.n_scores, received.signal.change, received.signal.change_class) == (3, 13.0, "recovered")
    assert received.signal.state == "off"  # the workspace has not switched expected courses on


def test_a_course_is_found_by_its_day_or_named(house: House) -> None:
    ended = {"id": "course-0", "person_id": OWN, "organization_id": NORTH, "practitioner_id": "c1", "origin": "live"}
    ended |= {"start_date": dt.date(2025, 1, 1), "end_date": dt.date(2025, 6, 1)}
    house.service.register.write(lambda connection: connection.execute(s.courses.insert().values(**ended)))
    assert take(house, entry()).course_id == "course-1"
    assert take(house, entry(date=dt.date(2025, 3, 1))).course_id == "course-0"
    assert take(house, entry(date=dt.date(2025, 9, 1))).course_id is None
    assert take(house, entry(date=dt.date(2025, 9, 2), course_id="course-0")).course_id == "course-0"
    with pytest.raises(NotReceivedError) as refused:
        take(house, entry(course_id="course-3"))
    assert refused.value.reason == "unknown_course"


@pytest.mark.parametrize("person", [OTHER, "nobody"])
def test_a_person_out_of_reach_is_nobody(house: House, person: str) -> None:
    with pytest.raises(NotReceivedError) as refused:
        take(house, entry(person_id=person))
    assert refused.value.reason == "unknown_person"
    assert rows(house, s.assessments) == []
    assert person not in str(refused.value)


def test_an_id_of_another_persons_record_is_refused(house: House) -> None:
    take(house, entry(assessment_id="a"))
    with pytest.raises(NotReceivedError) as refused:
        take(house, entry(assessment_id="a", person_id="synthetic-p2"))
    assert refused.value.reason == "conflict"
    assert [row["person_id"] for row in rows(house, s.assessments)] == [OWN]


def test_a_program_may_add_people_if_its_key_says_so(house: House) -> None:
    client = Viewer(Role.CLIENT, client_id="ehr", organization_id=NORTH, scopes=frozenset({"scores.write"}))
    with pytest.raises(NotReceivedError):
        take(house, entry(person_id="newcomer"), client)
    may = Viewer(Role.CLIENT, client_id="ehr", organization_id=NORTH, scopes=client.scopes | {"people.write"})
    received = take(house, entry(person_id="newcomer"), may)
    assert received.is_new
    assert received.course_id is not None
    with pytest.raises(NotReceivedError):  # somebody of elsewhere stays out of reach
        take(house, entry(person_id=OTHER), may)


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        ({"instrument": "no-such"}, "unknown_instrument"),
        ({"scale": "no-such"}, "unknown_scale"),
        ({"date": dt.date(2999, 1, 1)}, "after_snapshot"),
        ({"items": None}, "no_score"),
        ({"items": (None,) * 9}, "no_score"),
        ({"assessment_id": "x" * 100}, "id_too_long"),
        ({"assessment_id": "x" * 200}, "not_text"),
    ],
)
def test_what_is_no_record_is_refused(house: House, other: dict[str, object], reason: str) -> None:
    with pytest.raises(NotReceivedError) as refused:
        take(house, entry(**other))
    assert refused.value.reason == reason


def test_a_record_taken_back_is_gone_from_the_course(house: House) -> None:
    take(house, entry(assessment_id="QuestionnaireResponse/1"))
    take(house, entry(assessment_id="QuestionnaireResponse/1#gad-7", instrument="gad-7", items=(1.0,) * 7))
    take(house, entry(assessment_id="QuestionnaireResponse/12"))
    stranger = Viewer(Role.CLINICIAN, user_id="x", practitioner_id="c2")
    assert not retract(house.service, "QuestionnaireResponse/1", 5.0, stranger, "r").result(10)
    assert retract(house.service, "QuestionnaireResponse/1", 5.0, CLINICIAN, "r").result(10)
    assert not retract(house.service, "QuestionnaireResponse/1", 6.0, CLINICIAN, "r").result(10)
    with house.service.register.read() as connection:
        standing = connection.execute(select(s.assessments.c.id).where(s.assessments.c.retracted.is_(False))).scalars()
        assert list(standing) == ["QuestionnaireResponse/12"]
        assert connection.execute(select(func.count()).select_from(s.assessments)).scalar() == 3


def test_what_is_read_again_says_the_same(house: House) -> None:
    add_scores(house, OWN, "course-1", "phq-9", [("2026-06-02", 20)])
    received = take(house, entry(items=(*CALM[:8], 1.0)))
    again = read_received(house.service, received.assessment_id)
    assert again is not None
    assert (again.scores, again.signal, again.prompts) == (received.scores, received.signal, received.prompts)
    assert again.topics == received.topics


def test_pages_hear_of_a_new_score_once(house: House) -> None:
    async def hear() -> list[tuple[str, str, str | None]]:
        listener = house.service.news.open("practitioner:c1", f"person:{OTHER}")
        try:
            for one in (entry(), entry(), entry(items=(*CALM[:8], 1.0))):
                await asyncio.wrap_future(receive(house.service, one, 1000.0))
            heard = [await asyncio.wait_for(listener.queue.get(), 5) for _ in range(2)]
            assert listener.queue.empty()
        finally:
            house.service.news.close(listener)
        return [(item.topic, item.kind, item.person_id) for item in heard]

    assert asyncio.run(hear()) == [("practitioner:c1", "score", OWN), ("practitioner:c1", "safety", OWN)]
