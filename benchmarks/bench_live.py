"""The live service under load: scores in, lights on pages, and what is left after kill -9.

    ./run bench live [--rate 200] [--seconds 60] [--pages 50] [--kills 50] [--only sqlite|postgresql] [--fuzz TRIES]
                     [--keep]

The server is started as users start it. Posts come by the clock, whatever the server does, and a post's time counts
from when it was due. Then the server is killed again and again under load, with PostgreSQL a worker in turn, and every
record that was acknowledged is looked for after the restart. `--fuzz` also asks for what nobody may see, so many times,
in every role (tests/authorization_fuzz.py). `--keep` appends the tables to benchmarks/results.md.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks.live.clinic import Clinic, body, make_clinic
from benchmarks.live.load import Load, Watched
from benchmarks.live.server import Server, postgres
from benchmarks.machine import append
from benchmarks.process_tree import PeakMemory
from sqlalchemy import select

from benchwell.register import Register
from benchwell.register.schema import assessments
from benchwell.web.cookies import COOKIE

AIM_ACKNOWLEDGED, AIM_SHOWN = 0.100, 0.300  # seconds, of the 99th of 100
_PEOPLE_EACH = 40
_FUZZ = Path(__file__).parents[1] / "tests" / "authorization_fuzz.py"


@dataclass(frozen=True)
class Setting:
    """One way to keep the register."""

    name: str
    url: str | None
    workers: int


@dataclass(frozen=True)
class Run:
    """What one run under load gave; seconds, bytes."""

    watched: Watched
    seconds: float
    processor: float
    memory: int
    stopping: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=float, default=200.0, help="posts a second")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--pages", type=int, default=50)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--workers", type=int, default=2, help="with PostgreSQL")
    parser.add_argument("--only", choices=["sqlite", "postgresql"])
    parser.add_argument("--fuzz", type=int, default=0, metavar="TRIES", help="also look for leaks between roles")
    parser.add_argument("--keep", action="store_true", help="append the tables to benchmarks/results.md")
    options = parser.parse_args()
    with postgres() as url:
        settings = [Setting("SQLite", None, 1)] if options.only != "postgresql" else []
        if url is None:
            print("PostgreSQL is not installed: without it.", file=sys.stderr)
        elif options.only != "sqlite":
            settings.append(Setting(f"PostgreSQL, {options.workers} workers", url, options.workers))
        text = "\n\n".join(_setting(setting, options) for setting in settings)
    if options.fuzz:
        text += f"\n\n{_fuzz(options.fuzz)}"
    print(text)
    if options.keep:
        command = f"./run bench live {' '.join(sys.argv[1:])}".strip()
        append("The live service under load", command, text)


def _setting(setting: Setting, options: argparse.Namespace) -> str:
    with tempfile.TemporaryDirectory(prefix="benchwell-bench-") as name:
        folder = Path(name) / "workspace"
        clinic = make_clinic(folder, setting.url, clinicians=options.pages, people_each=_PEOPLE_EACH)
        run = _under_load(setting, folder, clinic, options)
        lines = _table(setting, run, options)
        if options.kills:
            lines.append(_losses(setting, folder, clinic, options))
    return "\n".join(lines)


def _under_load(setting: Setting, folder: Path, clinic: Clinic, options: argparse.Namespace) -> Run:
    server = Server(folder, setting.url, setting.workers)
    total = int(options.rate * options.seconds)
    bodies = [body(number, number * 7919 % clinic.people) for number in range(total)]
    with PeakMemory(server.process.pid) as memory:
        before = server.processor_seconds()
        watched = asyncio.run(_load(server, clinic, bodies, options.rate))
        processor = server.processor_seconds() - before
    return Run(watched, options.seconds, processor, memory.bytes, server.stop())


async def _load(server: Server, clinic: Clinic, bodies: Sequence[bytes], rate: float) -> Watched:
    load = Load(server.port, clinic.key)
    pages = [asyncio.create_task(load.listen(session, COOKIE)) for session in clinic.sessions]
    while load.pages_open < len(pages):
        await asyncio.sleep(0.05)
        for page in pages:
            if page.done():
                page.result()
    await load.posts(bodies, 0, rate)
    for _ in range(100):
        if len(load.watched.shown) >= len(load.watched.acknowledged):
            break
        await asyncio.sleep(0.1)
    for page in pages:
        page.cancel()
    with suppress(asyncio.CancelledError):
        await asyncio.gather(*pages, return_exceptions=True)
    return load.watched


def _table(setting: Setting, run: Run, options: argparse.Namespace) -> list[str]:
    watched = run.watched
    return [
        f"{setting.name}: {options.rate:g} posts a second for {options.seconds:g} s, {options.pages} open pages.",
        "",
        "| milliseconds from when the post was due | p50 | p95 | p99 | longest | of |",
        "|---|---:|---:|---:|---:|---:|",
        _row("to acknowledged (durable)", watched.acknowledging(), AIM_ACKNOWLEDGED),
        _row("to on the page", watched.showing(), AIM_SHOWN),
        "",
        f"{len(watched.due):,} posts, {len(watched.acknowledged):,} acknowledged, {len(watched.shown):,} shown, "
        f"{len(watched.refused):,} refused or lost. Processor time of the server {run.processor:.1f} s "
        f"({run.processor / run.seconds:.2f} cores, {1000 * run.processor / max(1, len(watched.due)):.2f} ms a post), "
        f"peak memory {run.memory / 2**20:.0f} MiB. It stopped in {run.stopping:.1f} s with all pages open.",
    ]


def _row(name: str, seconds: list[float], aim: float) -> str:
    shown = [f"{1000 * _quantile(seconds, share):.1f}" for share in (0.5, 0.95, 0.99, 1.0)]
    shown[2] += f" (aim: below {1000 * aim:.0f})"
    return f"| {name} | {' | '.join(shown)} | {len(seconds):,} |"


def _quantile(values: list[float], share: float) -> float:
    return values[min(len(values) - 1, int(share * len(values)))] if values else float("nan")


def _losses(setting: Setting, folder: Path, clinic: Clinic, options: argparse.Namespace) -> str:
    """Kill again and again under load, and look for what was acknowledged."""
    rng, acknowledged, lost, first = random.Random(5), 0, 0, 10_000_000
    server = Server(folder, setting.url, setting.workers)
    for turn in range(options.kills):
        is_worker = setting.workers > 1 and turn % 2 == 1
        bodies = [body(first + n, (first + n) * 7919 % clinic.people) for n in range(int(options.rate * 2))]
        known = asyncio.run(
            _until_killed(server, clinic, bodies, first, options.rate, rng.uniform(0.3, 1.2), is_worker)
        )
        first += len(bodies)
        if not is_worker:
            server = Server(folder, setting.url, setting.workers)
        found = _kept(folder, setting.url, known)
        acknowledged += len(known)
        lost += len(known) - found
        print(f"{setting.name}: kill {turn + 1}, {len(known)} acknowledged, {len(known) - found} lost", file=sys.stderr)
    server.stop()
    what = "server" if setting.workers == 1 else "server or, in turn, of one worker"
    return (
        f"\nAfter {options.kills} times kill -9 of the {what} under load: {acknowledged:,} acknowledged, {lost} lost."
    )


async def _until_killed(
    server: Server, clinic: Clinic, bodies: Sequence[bytes], first: int, rate: float, after: float, is_worker: bool
) -> list[int]:
    load = Load(server.port, clinic.key)
    posting = asyncio.create_task(load.posts(bodies, first, rate))
    await asyncio.sleep(after)
    if is_worker:
        os.kill(server.workers()[0], signal.SIGKILL)
    else:
        server.kill()
    await asyncio.sleep(0.2)
    load.is_over = True
    await posting
    return sorted(load.watched.acknowledged)


def _kept(folder: Path, url: str | None, numbers: Sequence[int]) -> int:
    ids = {f"QuestionnaireResponse/load-{number}" for number in numbers}
    with Register(url) if url else Register.in_file(folder / "register.db") as register, register.read() as connection:
        asked = select(assessments.c.id).where(assessments.c.id.in_(ids), assessments.c.retracted.is_(False))
        return len(ids & set(connection.execute(asked).scalars()))


def _fuzz(tries: int) -> str:
    """What the authorization fuzz says.

    Raises:
        RuntimeError: If it found a leak or an error.
    """
    told = subprocess.run([sys.executable, _FUZZ, str(tries)], capture_output=True, text=True, check=False)
    if told.returncode:
        raise RuntimeError(f"the fuzz found something: {told.stdout}{told.stderr[-2000:]}")
    return f"Authorization fuzz: {told.stdout.strip()}"


if __name__ == "__main__":
    main()
