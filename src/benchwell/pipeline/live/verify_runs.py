"""Verifying an edition on demand: in a thread of its own, so that pages go on answering meanwhile.

How a run stands is a small file beside the editions, so that every worker of the service can say it.
"""

from __future__ import annotations

import json
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchwell.durable import whole_file
from benchwell.errors import BenchwellError
from benchwell.pipeline.live.editions import edition_of
from benchwell.pipeline.verifying import verify

if TYPE_CHECKING:
    from benchwell.pipeline.live.service import LiveService
    from benchwell.pipeline.workspace import Workspace

STALE = 3600.0  # seconds after which a run that never ended is taken for one that died
_SHOWN = 50
_starting = threading.Lock()
_one_at_a_time = threading.Lock()  # each takes what the machine has: others wait, so that pages go on answering


@dataclass(frozen=True)
class VerifyRun:
    """One verification.

    Attributes:
        edition: Id of the edition.
        state: `running`, `passed`, `failed`, or `died` where it neither ended nor goes on.
        started: Seconds since 1970-01-01 UTC.
        ended: The same; None while it runs.
        checks: How many things were checked.
        failures: What does not hold: name and detail; the first fifty.
        n_failures: How many do not hold.
    """

    edition: str
    state: str
    started: float
    ended: float | None = None
    checks: int = 0
    failures: tuple[tuple[str, str], ...] = ()
    n_failures: int = 0

    @property
    def seconds(self) -> float | None:
        """How long it took."""
        return None if self.ended is None else self.ended - self.started


def last_run(workspace: Workspace, edition_id: str, now: float) -> VerifyRun | None:
    """How the latest verification of an edition stands; None if there was none.

    Args:
        workspace: The workspace.
        edition_id: Which edition.
        now: Seconds since 1970-01-01 UTC.
    """
    try:
        found: dict[str, Any] = json.loads(_file(workspace, edition_id).read_text(encoding="utf-8"))
        found["failures"] = tuple((str(name), str(detail)) for name, detail in found["failures"])
        run = VerifyRun(**found)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if run.state == "running" and now - run.started > STALE:
        return VerifyRun(run.edition, "died", run.started)
    return run


def start(service: LiveService, edition_id: str, now: float) -> threading.Thread | None:
    """Begin to verify an edition, unless it is being verified already.

    Args:
        service: The running service.
        edition_id: Which edition.
        now: Seconds since 1970-01-01 UTC.

    Returns:
        The thread that does it; None if there is no such edition, or it is being verified already.
    """
    workspace = service.workspace
    edition = edition_of(workspace, edition_id)
    if edition is None:
        return None
    with _starting:
        under_way = last_run(workspace, edition_id, now)
        if under_way is not None and under_way.state == "running":
            return None
        _save(workspace, VerifyRun(edition_id, "running", now))
    # It dies with the service: a run that was cut off says so after a while, and can be asked for again.
    thread = threading.Thread(
        target=_run, args=(workspace, edition.path, now), name=f"verify-{edition_id}", daemon=True
    )
    thread.start()
    return thread


def _run(workspace: Workspace, path: Path, started: float) -> None:
    try:
        with _one_at_a_time:
            report = verify(path, workspace=workspace.path)
    except BenchwellError as problem:
        why = (("edition", problem.message),)
        _save(workspace, VerifyRun(path.name, "failed", started, time.time(), 0, why, 1))
        return
    failures = tuple((one.name, one.detail) for one in report.failures[:_SHOWN])
    state = "passed" if report.passed else "failed"
    run = VerifyRun(path.name, state, started, time.time(), len(report.checks), failures, len(report.failures))
    _save(workspace, run)


def _file(workspace: Workspace, edition_id: str) -> Path:
    return workspace.path / "cache" / "verified" / f"{edition_id}.json"


def _save(workspace: Workspace, run: VerifyRun) -> None:
    """Whole or not at all: others read it while it is written."""
    path = _file(workspace, run.edition)
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as file:
        file.write(json.dumps(asdict(run)).encode())
