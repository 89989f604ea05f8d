"""A clinician enters a form: nothing is chosen beforehand, nothing is lost, and nothing is kept twice."""

from __future__ import annotations

import datetime as dt
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from benchwell.pipeline.live import entering, waiting
from benchwell.register import Role
from benchwell.register import schema as s
from live_house import OWN, House, live_house

TODAY = dt.date.today()


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """The clinic."""
    with live_house(tmp_path, today=TODAY) as made:
        yield made


def send(house: House, path: str, **fields: Any) -> Any:
    browser = house.browser(Role.CLINICIAN)
    return browser.post(path, data={"csrf": browser.csrf, **fields})


def text(answer: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text))


def rows(house: House, table: Any) -> list[Any]:
    with house.service.register.read() as connection:
        return list(connection.execute(select(table)).all())


def phq(*answers: int) -> dict[str, str]:
    """A PHQ-9 whose last questions were left out on purpose, where there are fewer than nine answers."""
    said = [*map(str, answers), *["none"] * (9 - len(answers))]
    return {f"item-{item}": answer for item, answer in enumerate(said, start=1)}


def test_a_restricted_questionnaire_is_entered_by_number(house: House) -> None:
    page = text(house.browser(Role.CLINICIAN).get(f"/people/{OWN}/enter/core-10"))
    assert "The licence does not allow the wording here" in page
    assert " Item 10 " in page


def test_entering_leads_to_the_course_with_the_new_score(house: House) -> None:
    answer = send(house, f"/people/{OWN}/enter/phq-9", **phq(1, 1, 1, 1, 1, 1, 1, 1, 0))
    assert (answer.status_code, answer.headers["location"]) == (303, f"/people/{OWN}")
    (row,) = rows(house, s.assessments)
    assert (row.date, row.items, row.source, row.course_id) == (TODAY, [1] * 8 + [0], "clinician", "course-1")
    (score,) = rows(house, s.scores)
    assert (score.value, score.status) == (8, "complete")


def test_a_total_alone_may_be_entered(house: House) -> None:
    assert send(house, f"/people/{OWN}/enter/phq-9", total="12").status_code == 303
    assert [(row.value, row.status) for row in rows(house, s.scores)] == [(12, "total_only")]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, "There is no answer and no total."),
        ({"item-1": "7"}, "Item 1 has no such answer."),
        ({"item-2": "many"}, "The answer to item 2 is not a number."),
        ({"item-2": "nan"}, "The answer to item 2 is not a number."),
        ({"total": "99"}, "The total is outside the range"),
        ({"item-1": "1", "total": "5"}, "There are answers and a total."),
        ({"item-1": "1", "date": "yesterday"}, "is not a day"),
        (phq(1) | {"date": "2999-01-01"}, "has not come yet"),
        (phq(), "There is no answer and no total."),
        (
            phq(1, 2, 2) | {"item-2": "", "item-5": ""},
            "Questions 2 and 5 have no answer yet. Choose one each, or “left out”.",
        ),
        (phq(1) | {"item-9": ""}, "Question 9 has no answer yet."),
        ({"item-1": "1"}, "8 questions have no answer yet."),
    ],
)
def test_what_cannot_be_kept_is_asked_again(house: House, fields: dict[str, str], said: str) -> None:
    answer = send(house, f"/people/{OWN}/enter/phq-9", **fields)
    assert answer.status_code == 400
    assert said in text(answer)
    assert rows(house, s.assessments) == []
    if "item-1" in fields and fields["item-1"] == "1":
        assert re.search(r'name="item-1" value="1" checked', answer.text), "what was typed is still there"


def test_nothing_is_chosen_beforehand_and_what_was_forgotten_is_marked(house: House) -> None:
    page = house.browser(Role.CLINICIAN).get(f"/people/{OWN}/enter/phq-9").text
    assert " checked" not in page[page.index("<main") : page.index("</main>")]
    again = send(house, f"/people/{OWN}/enter/phq-9", **phq(1, 2, 3, 0, 1, 2) | {"item-4": ""}).text
    assert again.count(" checked") == 8, "also the three that were left out on purpose"
    assert again.count('class="error"') == 1
    assert 'href="#q-4"' in again
    assert 'id="q-4-error"' in again


def test_a_number_on_a_line_is_given_or_left_out(house: House) -> None:
    sent = {"item-1": "6,5", "item-2": "7", "item-3": "7", "item-4": ""}
    assert "Question 4 has no answer yet." in text(send(house, f"/people/{OWN}/enter/ors", **sent))
    assert send(house, f"/people/{OWN}/enter/ors", **sent | {"item-4": "none"}).status_code == 303
    assert [row.items for row in rows(house, s.assessments)] == [[6.5, 7, 7, None]]


def held(house: House, monkeypatch: pytest.MonkeyPatch, module: Any) -> threading.Event:
    """A register that is busy with something else from the moment at which a form is on its way; the event ends it."""
    may_go_on, real = threading.Event(), module.receive

    def behind(*arguments: Any, **more: Any) -> Any:
        house.service.register.submit(lambda _connection: may_go_on.wait(20))
        return real(*arguments, **more)

    monkeypatch.setattr(module, "receive", behind)
    monkeypatch.setattr(waiting.in_time, "__defaults__", (0.05,))
    return may_go_on


def test_a_register_that_does_not_answer_leaves_the_answers_on_the_page(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        may_go_on = held(house, patched, entering)
        answer = send(house, f"/people/{OWN}/enter/phq-9", **phq(1, 2, 1, 0, 1, 2, 1, 1, 0))
        may_go_on.set()
    assert answer.status_code == 503
    assert "it is not known yet whether this was kept. Your answers are still on this page" in text(answer)
    assert answer.text.count(" checked") == 9
    assert send(house, f"/people/{OWN}/enter/phq-9", **phq(1, 2, 1, 0, 1, 2, 1, 1, 0)).status_code == 303
    assert len(rows(house, s.assessments)) == 1, "the same form is kept only once"


def test_an_unknown_questionnaire_is_not_there(house: House) -> None:
    assert house.browser(Role.CLINICIAN).get(f"/people/{OWN}/enter/no-such-form").status_code == 404
