"""Many small writes share one commit: what is acknowledged is on disk, and the disk is asked once for all of them."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from itertools import groupby
from typing import Any, NamedTuple, TypeAlias, TypeVar

from psycopg.pq import TransactionStatus
from sqlalchemy import Connection, Engine, RootTransaction, event
from sqlalchemy.exc import SQLAlchemyError

from benchwell.errors import RegisterError
from benchwell.register.refusals import BusyRegisterError, is_lost, is_passing, is_unable, unable, why

T = TypeVar("T")
Item = TypeVar("Item")
# Does one kind of work for several who ask for it: gives each a result, or the exception that tells it why not. Of an
# item that gets an exception nothing may have been written.
Together: TypeAlias = Callable[[Connection, Sequence[Item]], Sequence[T | BaseException]]
_TOGETHER = 64  # writes per commit; more would make the first of them wait for the last
_BUSY = 0.1  # seconds since the last commit within which the line counts as busy
_BEHIND = 0.02  # seconds that the loser of a deadlock leaves to the winner
_STATE = threading.local()  # `.working` while a thread runs somebody's work


class _Task(NamedTuple):
    work: Together[Any, Any]
    item: Any
    done: Future[Any]


class _Answer(NamedTuple):
    done: Future[Any]
    result: Any = None
    error: BaseException | None = None

    def give(self) -> None:
        if self.error is None:
            self.done.set_result(self.result)
        else:
            self.done.set_exception(self.error)


class _UndecidedError(Exception):
    """The connection went away while committing: whether the writes were kept is not known here."""


class _RaisedError(Exception):
    """A piece of work raised something where it had no savepoint of its own."""


class _SpoiltError(Exception):
    """A piece of work ended the transaction that it shares with others.

    Attributes:
        told: What whoever asked for it is told.
    """

    def __init__(self, told: BaseException) -> None:
        super().__init__()
        self.told = told


class Writer:
    """Threads that take waiting writes and commit them together.

    What a piece of work raises undoes its own writes, and goes to whoever asked. For that each piece needs a savepoint
    of its own, which costs two more statements; since most pieces raise nothing, they are first tried without, and all
    of them again, with savepoints, if one did. A future is fulfilled only after the commit. Where a commit as a whole
    fails, each piece is tried again alone, so that one cannot spoil another.

    Work of one kind that waits is done together (`submit_joined`): the busier the register, the less a piece costs.

    Args:
        engine: The database.
        threads: How many commits may be under way at once.
        room: How many writes may wait.
        gather: Seconds that a busy line gives others to come along; one that nobody has used for a while waits for
            nobody.
    """

    def __init__(self, engine: Engine, threads: int = 1, room: int = 4096, gather: float = 0.0) -> None:
        self._engine = engine
        self._gather = gather
        event.listen(engine, "commit", _not_by_the_work)
        self._waiting: queue.SimpleQueue[_Task | None] = queue.SimpleQueue()
        self._room = room
        self._closed = False
        self._door = threading.Lock()  # nobody gets in line behind the last in line
        self._threads = [
            threading.Thread(target=self._serve, name=f"register-writer-{number}", daemon=True)
            for number in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, work: Callable[[Connection], T]) -> Future[T]:
        """Put work in line.

        Raises:
            BusyRegisterError: If the register is closed, or the line is full.
        """
        return self.submit_joined(_each, work)

    def submit_joined(self, work: Together[Item, T], item: Item) -> Future[T]:
        """Put an item in line, to be done together with others that wait for the same work.

        Raises:
            BusyRegisterError: As in `submit`.
        """
        done: Future[T] = Future()
        with self._door:
            if self._closed:
                raise BusyRegisterError("The register is closed.", hint="nothing was kept; try again soon")
            if self._waiting.qsize() >= self._room:
                raise BusyRegisterError(
                    "The register is busy: too many writes wait already.", hint="nothing was kept; try again soon"
                )
            self._waiting.put(_Task(work, item, done))
        return done

    def is_own_thread(self) -> bool:
        """Whether the caller is one of the writer's threads, which must not wait for one another."""
        return threading.current_thread() in self._threads

    def close(self) -> None:
        """Finish what is in line, then end."""
        with self._door:
            if self._closed:
                return
            self._closed = True
        for _ in self._threads:
            self._waiting.put(None)
        for thread in self._threads:
            thread.join()

    def _serve(self) -> None:
        ended = -_BUSY
        while (first := self._waiting.get()) is not None:
            if self._gather and time.monotonic() - ended < _BUSY:
                time.sleep(self._gather)
            tasks, is_last = self._more(first)
            self._answer([task for task in tasks if task.done.set_running_or_notify_cancel()])
            ended = time.monotonic()
            if is_last:
                return

    def _more(self, first: _Task) -> tuple[list[_Task], bool]:
        tasks = [first]
        while len(tasks) < _TOGETHER:
            try:
                task = self._waiting.get_nowait()
            except queue.Empty:
                break
            if task is None:
                return tasks, True
            tasks.append(task)
        return tasks, False

    def _answer(self, tasks: list[_Task]) -> None:
        try:
            answers = self._together(tasks)
        except BaseException as problem:  # whatever it was, whoever asked must hear of it, and the thread goes on
            answers = [_Answer(task.done, error=problem) for task in tasks]
        for answer in answers:
            answer.give()

    def _together(self, tasks: list[_Task]) -> list[_Answer]:
        if not tasks:
            return []
        try:
            try:
                return self._commit(tasks, _plainly)
            except _RaisedError:
                return self._commit(tasks, _apart)
        except _UndecidedError:
            return [_Answer(task.done, error=_undecided()) for task in tasks]
        except (SQLAlchemyError, _SpoiltError) as problem:
            _step_back(problem)
            return [self._alone(task) for task in tasks]

    def _alone(self, task: _Task) -> _Answer:
        """One piece in a commit of its own; once more if others were in the way."""
        for is_last in (False, True):
            try:
                return self._commit([task], _apart)[0]
            except _UndecidedError:
                return _Answer(task.done, error=_undecided())
            except _SpoiltError as problem:
                return _Answer(task.done, error=problem.told)
            except SQLAlchemyError as problem:
                if is_last or not (is_passing(problem) or is_lost(problem)):
                    return _Answer(task.done, error=_refused(problem))
                _step_back(problem)
        raise AssertionError("the loop returns")  # pragma: no cover

    def _commit(self, tasks: list[_Task], run: Callable[[Connection, Sequence[_Task]], Any]) -> list[_Answer]:
        with self._engine.connect() as connection:
            whole = connection.begin()
            try:
                groups = _groups(tasks) if run is _plainly else ([task] for task in tasks)
                answers = [answer for group in groups for answer in _run(connection, group, run)]
            except BaseException:
                _undo(connection, whole)
                raise
            try:
                whole.commit()
            except SQLAlchemyError as problem:
                if is_lost(problem):
                    raise _UndecidedError from None
                raise
        return answers


def _step_back(problem: Exception) -> None:
    """Let those go first who were in the way: whoever asks again at once may take from them what they wait for."""
    if is_passing(problem):
        time.sleep(_BEHIND)


def _undo(connection: Connection, whole: RootTransaction) -> None:
    if whole.is_active:
        whole.rollback()
    elif not connection.closed:
        connection.invalidate()  # somebody's work tried to end it: only a new connection is surely in no transaction


def _groups(tasks: Sequence[_Task]) -> Iterator[Sequence[_Task]]:
    """Neighbours that wait for the same work; what waits stays in its order."""
    for _, group in groupby(tasks, key=lambda task: task.work):
        yield list(group)


def _each(connection: Connection, works: Sequence[Callable[[Connection], T]]) -> Sequence[T | BaseException]:
    """Work that has nothing to do with others."""
    return [work(connection) for work in works]


def _run(
    connection: Connection, group: Sequence[_Task], run: Callable[[Connection, Sequence[_Task]], Any]
) -> list[_Answer]:
    was_begun = _is_begun(connection)
    _STATE.working = True
    try:
        answers = [_answer_of(task, result) for task, result in zip(group, run(connection, group), strict=True)]
    except _RaisedError:
        raise
    except SQLAlchemyError as problem:
        if is_passing(problem) or is_lost(problem):
            raise  # the transaction as a whole is lost
        answers = [_Answer(task.done, error=_refused(problem)) for task in group]
    except BaseException as problem:  # the asker's own: it learns of it, the others go on
        answers = [_Answer(task.done, error=problem) for task in group]
    finally:
        _STATE.working = False
    if connection.closed or not connection.in_transaction() or not _is_sound(connection, was_begun):
        raise _SpoiltError(answers[0].error or _not_yours())
    return answers


def _answer_of(task: _Task, result: Any) -> _Answer:
    is_problem = isinstance(result, BaseException)
    return _Answer(task.done, error=result) if is_problem else _Answer(task.done, result)


def _apart(connection: Connection, group: Sequence[_Task]) -> Any:
    """In a savepoint of its own."""
    (task,) = group
    with connection.begin_nested():
        return task.work(connection, [task.item])


def _plainly(connection: Connection, group: Sequence[_Task]) -> Any:
    """Straight into the transaction that all share.

    Raises:
        _RaisedError: If the work did: what it wrote is still there.
    """
    try:
        return group[0].work(connection, [task.item for task in group])
    except SQLAlchemyError as problem:
        if is_passing(problem) or is_lost(problem):
            raise
        raise _RaisedError from None
    except BaseException:
        raise _RaisedError from None


def _is_sound(connection: Connection, was_begun: bool) -> bool:
    """Whether the driver is in a transaction that can still be committed; it knows without asking the database.

    Where the database has given a transaction up and the work hid that, PostgreSQL would take a commit, and keep
    nothing.
    """
    driver: Any = connection.connection.driver_connection
    if connection.dialect.name == "sqlite":
        return bool(driver.in_transaction)
    # PostgreSQL's driver begins with the first statement: work that asked nothing may leave it as it was.
    status = driver.info.transaction_status
    return status == TransactionStatus.INTRANS or (status == TransactionStatus.IDLE and not was_begun)


def _is_begun(connection: Connection) -> bool:
    driver: Any = connection.connection.driver_connection
    return connection.dialect.name == "sqlite" or driver.info.transaction_status != TransactionStatus.IDLE


def _not_by_the_work(_: Connection) -> None:
    if getattr(_STATE, "working", False):
        raise _not_yours()


def _not_yours() -> RegisterError:
    return RegisterError("A write may not end the transaction that it shares with others.")


def _refused(problem: SQLAlchemyError) -> RegisterError:
    words = f"The register refused a write ({why(problem)})."
    if is_passing(problem):
        return BusyRegisterError(words, hint="others were in the way; try again")
    return unable(is_write=True) if is_unable(problem) else RegisterError(words, hint="nothing of it was kept")


def _undecided() -> RegisterError:
    return BusyRegisterError(
        "The connection to the register was lost while it kept a write.",
        hint="whether it was kept cannot be told from here; send it again under the same id",
    )
