"""The server as users start it, and PostgreSQL as Debian installs it, in processes of their own."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryFile, mkdtemp
from urllib.parse import quote
from urllib.request import urlopen

_PATIENCE = 120.0  # seconds for a server to come up


class Server:
    """One `benchwell serve`.

    Args:
        workspace: Its folder.
        url: Its register; null is a file in the workspace.
        workers: Processes.
    """

    def __init__(self, workspace: Path, url: str | None, workers: int = 1) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        command = [sys.executable, "-m", "benchwell.cli", "serve", "-w", str(workspace), "--port", str(self.port)]
        command += ["--register", url, "--workers", str(workers)] if url else []
        self._said = TemporaryFile()  # noqa: SIM115  open as long as the process
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=self._said)
        self._wait()

    def workers(self) -> list[int]:
        """Process ids that serve: those of the supervisor's children that are not its helpers, else its own."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return [int(one) for one in children if b"spawn_main" in Path(f"/proc/{one}/cmdline").read_bytes()]

    def processor_seconds(self) -> float:
        """Processor time of all of its processes so far."""
        pids = [self.process.pid, *self.workers()]
        fields = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in pids]
        return sum(int(one[11]) + int(one[12]) for one in fields) / os.sysconf("SC_CLK_TCK")

    def kill(self) -> None:
        """As a loss of power would: nothing is finished."""
        # The supervisor first: it would start another worker in place of one that it sees die.
        for pid in [self.process.pid, *self.workers()]:
            with suppress(ProcessLookupError):  # it ends with its supervisor
                os.kill(pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> float:
        """End it as a user would; seconds that it took."""
        start = time.perf_counter()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)
        return time.perf_counter() - start

    def _wait(self) -> None:
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                self._said.seek(0)
                raise RuntimeError(f"the server ended before it was up: {self._said.read()[-2000:].decode()}")
            try:
                with urlopen(f"http://127.0.0.1:{self.port}/alive", timeout=5):
                    return
            except OSError:
                time.sleep(0.05)
        raise RuntimeError("the server did not come up")


@contextmanager
def postgres() -> Iterator[str | None]:
    """The address of a database of a server of our own, with its usual durability; null where it is not installed."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not folders:
        yield None
        return
    programs, folder = folders[-1], Path(mkdtemp(prefix="bw-pg-"))
    user = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}
    if user:
        shutil.chown(folder, "postgres", "postgres")
    quiet = {"check": True, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": folder, **user}
    control = [programs / "pg_ctl", "-D", folder / "data", "-w"]
    subprocess.run([programs / "initdb", "-D", folder / "data", "-U", "benchwell", "-A", "trust"], **quiet)
    options = f"-c listen_addresses='' -k {folder}"
    subprocess.run([*control, "-l", folder / "log", "-o", options, "start"], **quiet)
    try:
        yield f"postgresql://benchwell@/postgres?host={quote(str(folder), safe='')}"
    finally:
        subprocess.run([*control, "-m", "fast", "stop"], **quiet)
        shutil.rmtree(folder, ignore_errors=True)
