"""How a long run tells its door what it is doing, without knowing any terminal."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol


class Listener(Protocol):
    """Hears of stages. The command line draws them; a test or a notebook may ignore them."""

    def started(self, stage: str) -> None:
        """A stage begins."""
        ...

    def finished(self, stage: str, seconds: float) -> None:
        """A stage is done."""
        ...


@dataclass
class Stages:
    """Times each stage and tells the listener, if there is one."""

    listener: Listener | None = None
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Run a block as one named stage.

        >>> stages = Stages()
        >>> with stages.stage("scoring"):
        ...     pass
        >>> list(stages.seconds)
        ['scoring']
        """
        if self.listener is not None:
            self.listener.started(name)
        begin = time.perf_counter()
        yield
        elapsed = time.perf_counter() - begin
        self.seconds[name] = self.seconds.get(name, 0.0) + elapsed
        if self.listener is not None:
            self.listener.finished(name, elapsed)
