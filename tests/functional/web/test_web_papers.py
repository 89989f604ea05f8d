"""Documents to print are made a few at a time; whoever is sent away is told when to come again."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchwell.errors import ServiceError
from benchwell.register import Role
from benchwell.web.papers import AT_ONCE, IN_LINE, PRINTER, Printer
from live_house import OWN, House, add_scores, live_house


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with live_house(tmp_path) as made:
        yield made


def test_a_few_work_a_few_wait_and_the_rest_is_sent_away() -> None:
    printer, inside, may_go = Printer(at_once=1, in_line=1), threading.Event(), threading.Event()
    done: list[str] = []

    def use(name: str, wait: bool) -> None:
        with printer.turn():
            inside.set()
            if wait:
                may_go.wait(10)
            done.append(name)

    first = threading.Thread(target=use, args=("first", True))
    first.start()
    assert inside.wait(10)
    second = threading.Thread(target=use, args=("second", False))
    second.start()
    refused = 0
    while not refused:  # until the second stands in line
        try:
            with printer.turn():
                raise AssertionError("one too many works")
        except ServiceError:
            refused += 1
    may_go.set()
    first.join(10)
    second.join(10)
    assert sorted(done) == ["first", "second"]
    with printer.turn():
        done.append("third")
    assert done[-1] == "third"


def test_a_turn_ends_with_an_error_too() -> None:
    printer = Printer(at_once=1, in_line=0)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), printer.turn():
            _ = 1 / 0


@pytest.mark.parametrize("language", ["en", "de"])
def test_a_flood_of_documents_leaves_the_other_pages_alone(house: House, language: str) -> None:
    add_scores(house, OWN, "course-1", "phq-9", [("2026-06-02", 12), ("2026-07-02", 7)])
    browser = house.browser(Role.PATIENT)
    asked = {"accept-language": language}
    with _all_turns():
        answer = browser.get("/my/download.pdf", headers=asked)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
        assert {"en": "Try again in a moment", "de": "gleich noch einmal"}[language] in answer.text
        assert browser.get("/my").status_code == 200
    made = browser.get("/my/download.pdf")
    assert (made.status_code, made.content[:5]) == (200, b"%PDF-")


class _all_turns:  # noqa: N801  reads like a word
    def __init__(self) -> None:
        self.taken: list[Any] = []

    def __enter__(self) -> None:
        for _ in range(AT_ONCE + IN_LINE):
            assert PRINTER._here.acquire(blocking=False)

    def __exit__(self, *_: object) -> None:
        for _ in range(AT_ONCE + IN_LINE):
            PRINTER._here.release()
