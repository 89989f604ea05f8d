"""The lake is looked at again and again, also after a look that failed, until the service ends."""

from __future__ import annotations

import threading

from benchwell.errors import LakeError
from benchwell.pipeline.live.keeping_up import KeepingUp


def test_a_look_that_fails_is_not_the_last_one() -> None:
    looks: list[int] = []
    enough = threading.Event()

    def look() -> None:
        looks.append(len(looks))
        if len(looks) == 1:
            raise LakeError("The lake is being written.")
        enough.set()

    keeping_up = KeepingUp(look, every=0.001)
    keeping_up.start()
    assert enough.wait(10)
    keeping_up.stop()
    after = len(looks)
    assert after >= 2
    assert not any(thread.name == "keeping-up" for thread in threading.enumerate())


def test_ending_before_the_first_look_looks_at_nothing() -> None:
    looks: list[int] = []
    keeping_up = KeepingUp(lambda: looks.append(1), every=600)
    keeping_up.start()
    keeping_up.stop()
    assert looks == []
