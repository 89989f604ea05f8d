"""Many small writes share one commit: what is acknowledged is on disk, and the disk is asked once for all of them."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from benchwell.errors import RegisterError

T = TypeVar("T")
_TOGETHER = 64  # writes per commit; more would make the first of them wait for the last


class _Task(NamedTuple):
    work: Callable[[Connection], Any]
    done: Future[Any]


class Writer:
    """Threads that take waiting writes and commit them together.

    Each piece of work runs in a savepoint of its own: what it raises undoes its own writes, and goes to whoever asked.
    A future is fulfilled only after the commit.

    Args:
        engine: The database.
        threads: How many commits may be under way at once.
    """

    def __init__(self, engine: Engine, threads: int = 1) -> None:
        self._engine = engine
        self._waiting: queue.SimpleQueue[_Task | None] = queue.SimpleQueue()
        self._closed = False
        self._threads = [
            threading.Thread(target=self._serve, name=f"register-writer-{number}", daemon=True)
            for number in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, work: Callable[[Connection], T]) -> Future[T]:
        """Put work in line.

        Raises:
            RegisterError: If the register is closed.
        """
        if self._closed:
            raise RegisterError("The register is closed.")
        done: Future[T] = Future()
        self._waiting.put(_Task(work, done))
        return done

    def close(self) -> None:
        """Finish what is in line, then end."""
        if self._closed:
            return
        self._closed = True
        for _ in self._threads:
            self._waiting.put(None)
        for thread in self._threads:
            thread.join()

    def _serve(self) -> None:
        while (first := self._waiting.get()) is not None:
            tasks, is_last = self._more(first)
            self._commit(tasks)
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

    def _commit(self, tasks: list[_Task]) -> None:
        answers: list[tuple[Future[Any], Any, BaseException | None]] = []
        try:
            with self._engine.begin() as connection:
                for task in tasks:
                    if not task.done.set_running_or_notify_cancel():
                        continue
                    try:
                        with connection.begin_nested():
                            answers.append((task.done, task.work(connection), None))
                    except SQLAlchemyError:
                        raise
                    except Exception as problem:  # the asker's own: it learns of it, the others go on
                        answers.append((task.done, None, problem))
        except SQLAlchemyError as problem:
            refused = RegisterError(
                f"The register refused a write ({type(problem).__name__}).", hint="nothing of it was kept; try again"
            )
            for task in tasks:
                if not task.done.done():
                    task.done.set_exception(refused)
            return
        for done, result, error in answers:
            if error is None:
                done.set_result(result)
            else:
                done.set_exception(error)
