"""Writes share commits, and nobody's write spoils another's."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import Connection, event, func, insert, select, text, update
from sqlalchemy.exc import SQLAlchemyError

from benchwell.errors import RegisterError
from benchwell.register import Register
from benchwell.register import schema as s
from benchwell.register.writer import Writer


@pytest.fixture
def register(register_url: str) -> Iterator[Register]:
    with Register(register_url) as opened:
        yield opened


def _put(name: str) -> Any:
    def work(connection: Connection) -> str:
        connection.execute(insert(s.facts).values(name=name, value="1"))
        return name

    return work


def _names(register: Register) -> list[str]:
    with register.read() as connection:
        return list(connection.execute(select(s.facts.c.name).order_by(s.facts.c.name)).scalars())


def _together(register: Register, *works: Any) -> list[Future[Any]]:
    """Let several writes be taken together: every thread of the writer waits until all are in line."""
    gate = threading.Event()
    threads = len(register._writer._threads)
    held = [register.submit(lambda _: gate.wait(10)) for _ in range(threads)]
    while register._writer._waiting.qsize():
        pass
    futures = [register.submit(work) for work in works]
    gate.set()
    for one in held:
        one.result(10)
    return futures


def test_register_writer_shares_a_commit(register: Register) -> None:
    futures = _together(register, *(_put(f"n{number:03d}") for number in range(40)))
    assert [future.result(10) for future in futures] == _names(register)


class _Odd(BaseException):
    """Something that nobody expects."""


def _raise(error: BaseException) -> Any:
    def work(connection: Connection) -> None:
        _put("lost")(connection)
        raise error

    return work


def _end_early(connection: Connection) -> None:
    _put("lost")(connection)
    connection.commit()


def _undo_all(connection: Connection) -> None:
    _put("lost")(connection)
    connection.rollback()


SPOILERS = {
    "an error of its own": _raise(KeyError("mine")),
    "something that is no exception": _raise(_Odd()),
    "an interrupt": _raise(KeyboardInterrupt()),
    "a row that is there": lambda connection: [_put("again")(connection) for _ in range(2)],
    "words that are no SQL": lambda connection: connection.execute(text("SELECT nonsense FROM nowhere")),
    "an early commit": _end_early,
    "a rollback of all": _undo_all,
    "a closed connection": lambda connection: connection.close(),
}


@pytest.mark.parametrize("spoiler", SPOILERS)
def test_register_writer_keeps_others_from_harm(register: Register, spoiler: str) -> None:
    before, spoilt, after = _together(register, _put("before"), SPOILERS[spoiler], _put("later"))
    assert before.result(10) == "before"
    assert after.result(10) == "later"
    assert spoilt.exception(10) is not None
    assert _names(register) == ["before", "later"]
    assert register.write(_put("next")) == "next"


def test_register_writer_tells_no_value(register: Register) -> None:
    register.write(_put("synthetic-secret"))
    with pytest.raises(RegisterError) as told:
        register.write(_put("synthetic-secret"))
    assert "synthetic-secret" not in str(told.value)
    assert told.value.__cause__ is None


def test_register_writer_refuses_when_the_line_is_full(register_url: str) -> None:
    gate = threading.Event()
    with Register(register_url, room=3) as register:
        held: list[Future[bool]] = []
        wait = partial(register.submit, lambda _: gate.wait(10))
        with pytest.raises(RegisterError, match="busy"):
            held.extend(wait() for _ in range(400))  # 64 in each thread's hands, and three in line
        gate.set()
        assert [one.result(10) for one in held] == [True] * len(held)
        assert register.write(_put("after")) == "after"


def test_register_writer_finishes_what_waits_and_then_refuses(register_url: str) -> None:
    register = Register(register_url)
    futures = [register.submit(_put(f"n{number:03d}")) for number in range(100)]
    register.close()
    register.close()
    assert [future.result(0) for future in futures] == [f"n{number:03d}" for number in range(100)]
    with pytest.raises(RegisterError, match="closed"):
        register.submit(_put("late"))


def test_register_writer_leaves_out_what_was_cancelled(register: Register) -> None:
    gate, begun = threading.Event(), threading.Event()

    def hold(_: Connection) -> None:
        begun.set()
        gate.wait(10)

    held = register.submit(hold)
    assert begun.wait(10)
    extra = [register.submit(lambda _: gate.wait(10)) for _ in range(200)]
    cancelled = [future for future in extra if future.cancel()]
    gate.set()
    held.result(10)
    assert cancelled
    assert register.write(_put("after")) == "after"


def test_register_writer_does_not_wait_for_itself(register: Register) -> None:
    with pytest.raises(RegisterError, match="inside of another"):
        register.write(lambda _: register.write(_put("inner")))


def test_register_writer_tries_again_after_a_deadlock(postgres_url: str) -> None:
    with Register(postgres_url) as register:
        for name in ("a", "b"):
            register.write(_put(name))
        meeting = threading.Barrier(2, timeout=5)
        tries: list[str] = []

        def take(first: str, second: str) -> Any:
            def work(connection: Connection) -> None:
                tries.append(first)
                bump = update(s.facts).values(value=s.facts.c.value + "1")
                connection.execute(bump.where(s.facts.c.name == first))
                if len(tries) <= 2:
                    meeting.wait()
                connection.execute(bump.where(s.facts.c.name == second))

            return work

        # Two threads that hold one row each and want the other's: the database ends one of them.
        futures = [register.submit(take("a", "b"))]
        while not tries:
            pass
        futures.append(register.submit(take("b", "a")))
        for future in futures:
            future.result(10)
        with register.read() as connection:
            assert connection.execute(select(s.facts.c.value)).scalars().all() == ["111", "111"]
        assert len(tries) in (3, 4)  # four: the loser was back before the winner had its second row


def test_register_writer_counts_every_write_of_many_threads(register: Register) -> None:
    register.write(lambda connection: connection.execute(insert(s.facts).values(name="n", value="")))
    bump = update(s.facts).values(value=s.facts.c.value + "1")

    def ask() -> None:
        for future in [register.submit(lambda connection: connection.execute(bump).rowcount) for _ in range(25)]:
            assert future.result(20) == 1

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    with register.read() as connection:
        assert connection.execute(select(func.length(s.facts.c.value))).scalar() == 100


def test_register_writer_does_not_take_a_hidden_failure_for_a_success(postgres_url: str) -> None:
    def hide(connection: Connection) -> str:
        connection.execute(insert(s.facts).values(name="hidden", value="1"))
        with pytest.raises(SQLAlchemyError):
            connection.exec_driver_sql("SELECT 1 / 0")
        return "done"  # PostgreSQL has given the transaction up: it would answer COMMIT with ROLLBACK

    with Register(postgres_url) as register:
        hidden, other = _together(register, hide, _put("other"))
        assert other.result(10) == "other"
        with pytest.raises(RegisterError):
            hidden.result(10)
        assert _names(register) == ["other"]


def test_register_writer_asks_for_savepoints_only_where_somebody_raises(register: Register) -> None:
    statements: list[Any] = []
    event.listen(register.engine, "savepoint", lambda _connection, name: statements.append(name))
    for future in _together(register, *(_put(f"n{number}") for number in range(5))):
        future.result(10)
    assert statements == []
    futures = _together(register, _put("before"), _put("n0"), _put("after"))
    assert [futures[0].result(10), futures[2].result(10)] == ["before", "after"]
    with pytest.raises(RegisterError):
        futures[1].result(10)
    assert statements
    assert {"before", "after"} <= set(_names(register))


class _Several:
    """Work that is done together: puts a name each, refuses some before it writes, and raises at others."""

    def __init__(self) -> None:
        self.calls: list[list[str]] = []

    def __call__(self, connection: Connection, names: Sequence[str]) -> list[str | BaseException]:
        self.calls.append(list(names))
        return [self._one(connection, name) for name in names]

    def _one(self, connection: Connection, name: str) -> str | BaseException:
        if name.startswith("refused"):
            return KeyError(name)
        _put(name)(connection)
        if name.startswith("raised"):
            raise LookupError(name)
        return name


def _joined(register: Register, work: _Several, *names: str) -> list[Future[str]]:
    """Let several items be taken together, one thread of the writer after another having let go."""
    gate = threading.Event()
    threads = len(register._joined._threads)
    held = [register.submit_joined(lambda _, items: [gate.wait(10) for _ in items], None) for _ in range(threads)]
    while register._joined._waiting.qsize():
        pass
    futures = [register.submit_joined(work, name) for name in names]
    gate.set()
    for one in held:
        one.result(10)
    return futures


def test_register_writer_does_together_what_waits_for_the_same_work(register: Register) -> None:
    several, names = _Several(), [f"n{number:02d}" for number in range(12)]
    futures = _joined(register, several, *names)
    assert [future.result(10) for future in futures] == names == _names(register)
    assert len(several.calls) < len(names)


def test_register_writer_refuses_one_of_several_without_undoing_others(register: Register) -> None:
    several = _Several()
    before, refused, after = _joined(register, several, "before", "refused", "later")
    assert [before.result(10), after.result(10)] == ["before", "later"] == _names(register)
    assert isinstance(refused.exception(10), KeyError)
    assert sum(map(len, several.calls)) == 3  # nobody's was done a second time


def test_register_writer_undoes_only_what_raised_of_several(register: Register) -> None:
    several = _Several()
    before, raised, after = _joined(register, several, "before", "raised", "later")
    assert [before.result(10), after.result(10)] == ["before", "later"] == _names(register)
    assert isinstance(raised.exception(10), LookupError)
    assert ["raised"] in several.calls


def test_register_writer_keeps_the_order_of_what_waits(tmp_path: Path) -> None:
    with Register.in_file(tmp_path / "register.db") as register:  # one writer; several have no order among them
        seen: list[str] = []

        def note(_: Connection, names: Sequence[str]) -> list[str]:
            seen.extend(names)
            return list(names)

        gate = threading.Event()
        held = register.submit(lambda _: gate.wait(10))
        register.submit_joined(note, "a")
        register.submit_joined(note, "b")
        register.submit(lambda _: seen.append("alone"))
        last = register.submit_joined(note, "c")
        gate.set()
        held.result(10)
        last.result(10)
        assert seen == ["a", "b", "alone", "c"]


def test_register_writer_gives_others_a_moment_only_where_it_is_busy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asleep, enough = threading.Event(), threading.Event()

    def sleep(_: float) -> None:
        asleep.set()
        enough.wait(10)

    monkeypatch.setattr("benchwell.register.writer.time", SimpleNamespace(monotonic=lambda: 0.0, sleep=sleep))
    with Register.in_file(tmp_path / "register.db") as register:
        writer, several = Writer(register.engine.execution_options(writes=True), gather=0.01), _Several()
        writer.submit_joined(several, "first").result(10)
        assert not asleep.is_set()  # nobody was there before
        futures = [writer.submit_joined(several, "n0")]
        assert asleep.wait(10)
        futures += [writer.submit_joined(several, f"n{number}") for number in range(1, 4)]
        enough.set()
        names = [f"n{number}" for number in range(4)]
        assert [future.result(10) for future in futures] == names
        assert several.calls == [["first"], names]
        writer.close()
