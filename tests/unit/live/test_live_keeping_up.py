"""The lake is looked at again and again, also after a look that failed, until the service ends."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from benchwell.errors import BenchwellError, LakeError
from benchwell.pipeline.live.keeping_up import KeepingUp


@pytest.mark.parametrize("problem", [LakeError("The lake is being written."), RuntimeError("synthetic-value")])
def test_a_look_that_fails_is_not_the_last_one(problem: Exception, caplog: pytest.LogCaptureFixture) -> None:
    looks: list[int] = []
    enough = threading.Event()

    def look(_: Callable[[], None]) -> None:
        looks.append(len(looks))
        if len(looks) == 1:
            raise problem
        enough.set()

    keeping_up = KeepingUp(look, every=0.001)
    keeping_up.start()
    assert enough.wait(10)
    keeping_up.stop()
    assert len(looks) >= 2
    assert not any(thread.name == "keeping-up" for thread in threading.enumerate())
    assert ("being written" in caplog.text) == isinstance(problem, BenchwellError)
    assert "synthetic-value" not in caplog.text  # words of other errors may hold anything


def test_ending_does_not_wait_for_the_rest_of_a_look() -> None:
    begun, steps = threading.Event(), []

    def look(go_on: Callable[[], None]) -> None:
        while True:
            steps.append(1)
            begun.set()
            go_on()

    keeping_up = KeepingUp(look, every=0.001)
    keeping_up.start()
    assert begun.wait(10)
    keeping_up.stop()  # returns, though the look has no end of its own
    assert steps


def test_ending_before_the_first_look_looks_at_nothing() -> None:
    looks: list[int] = []
    keeping_up = KeepingUp(lambda _: looks.append(1), every=600)
    keeping_up.start()
    keeping_up.stop()
    assert looks == []
