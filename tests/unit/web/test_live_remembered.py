"""What is remembered is computed once, also when many ask at the same moment."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event

import pytest

from benchwell.i18n import current, using
from benchwell.pipeline.live.remembered import Remembered


def test_threads_that_ask_for_the_same_value_wait_for_one_of_them():
    kept, barrier, made = Remembered[int](4), Barrier(4), []

    def ask(_):
        barrier.wait()
        return kept.get("key", lambda: made.append(1) or 7)

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(ask, range(4))) == [7] * 4
    assert made == [1]


def test_another_value_does_not_wait():
    kept, started, go = Remembered[int](4), Event(), Event()

    def slow():
        started.set()
        assert go.wait(5)
        return 1

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(kept.get, "slow", slow)
        assert started.wait(5)
        assert kept.get("quick", lambda: 2) == 2
        go.set()
        assert first.result(5) == 1


def test_a_failure_is_raised_and_not_kept():
    kept = Remembered[int](4)
    with pytest.raises(ZeroDivisionError):
        kept.get("key", lambda: 1 // 0)
    assert kept.get("key", lambda: 3) == 3


def test_the_least_recently_used_is_forgotten_first():
    kept = Remembered[str](2)
    for key in ("a", "b", "a", "c"):
        kept.get(key, lambda key=key: key)
    assert kept.get("a", lambda: "again") == "a"
    assert kept.get("b", lambda: "again") == "again"


def test_texts_are_kept_once_for_each_language():
    kept = Remembered[str](4, spoken=True)
    with using("de"):
        assert kept.get("key", current) == "de"
    assert kept.get("key", current) == "en"
    with using("de"):
        assert kept.get("key", lambda: "anew") == "de"
