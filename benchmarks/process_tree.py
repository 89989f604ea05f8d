"""Peak memory of a process and everything it starts: what the machine has to hold at one time."""

from __future__ import annotations

import threading
import time
from pathlib import Path

_EVERY = 0.1  # seconds


class PeakMemory:
    """Samples proportional set sizes (pages shared by several processes count once) while a process runs.

    Proportional sizes come from the kernel; where it does not tell them, resident sizes are added up, which counts
    shared pages more than once.
    """

    def __init__(self, pid: int) -> None:
        self.pid, self.bytes = pid, 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> PeakMemory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.is_set():
            self.bytes = max(self.bytes, sum(_size(pid) for pid in _tree(self.pid)))
            time.sleep(_EVERY)


def _tree(root: int) -> list[int]:
    found, waiting = [], [root]
    while waiting:
        pid = waiting.pop()
        found.append(pid)
        for children in Path(f"/proc/{pid}/task").glob("*/children"):
            try:
                waiting += [int(child) for child in children.read_text(encoding="ascii").split()]
            except OSError:  # it ended just now
                continue
    return found


def _size(pid: int) -> int:
    for name, label in (("smaps_rollup", "Pss:"), ("status", "VmRSS:")):
        try:
            lines = Path(f"/proc/{pid}/{name}").read_text(encoding="ascii").splitlines()
        except OSError:
            continue
        for line in lines:
            if line.startswith(label):
                return int(line.split()[1]) * 1024
    return 0
