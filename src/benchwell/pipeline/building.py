"""Build an edition from a workspace's present snapshot."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import subprocess
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from benchwell import __version__
from benchwell.benchmarks import Code, Edition, Inputs, write_edition
from benchwell.engine import DuckDBEngine
from benchwell.errors import WorkspaceError
from benchwell.pipeline.computing import Sums, compute_sums
from benchwell.pipeline.pages import edition_pages

if TYPE_CHECKING:
    from benchwell.pipeline.workspace import Workspace


def build(
    workspace: Workspace,
    as_of: dt.date,
    benchmarks: Sequence[str] | None,
    *,
    supersedes: str | None,
    reason: str | None,
) -> Edition:
    """Score, sum, benchmark, write. See `Workspace.build`."""
    snapshot = workspace.lake.snapshot()
    settings = workspace.settings
    with DuckDBEngine(memory_limit=settings.engine.memory_limit, threads=settings.engine.threads) as engine:
        sums = compute_sums(
            engine,
            lambda name: workspace.lake.read(engine, name, snapshot),
            workspace.registry,
            settings,
            as_of,
            benchmarks,
            workspace.stages,
        )
    if not sums.declarations.benchmarks:
        raise WorkspaceError(
            f"There is nothing to benchmark in {workspace.path} yet.", hint="take scores in: benchwell intake FILE"
        )
    superseded = None if supersedes is None else workspace.edition(supersedes)
    with workspace.stages.stage("benchmarks and edition"):
        inputs = Inputs(
            statistics=sums.statistics,
            exclusions=sums.exclusions,
            organizations=sums.organizations,
            declarations=sums.declarations,
            instruments=sums.instruments,
            as_of=as_of,
            snapshot=snapshot.to_dict(),
            code=code(),
            engine="duckdb",
            settings={"use": settings.use.value, "consent_rule": settings.consent_rule.value},
            outcomes=sums.outcomes,
            features=sums.features,
            extra_files=extra_files(sums),
            supersedes=None if superseded is None else superseded.id,
            correction_reason=reason,
            supersedes_sha256=None if superseded is None else superseded.manifest["sha256"],
            deviations=sums.notes,
        )
        built = {"at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"), "seconds": workspace.stages.seconds}
        return write_edition(workspace.path / "editions", inputs, built=built)


def extra_files(sums: Sums) -> dict[str, bytes]:
    """Method pages, and how the weights for missing follow-up were found."""
    models = json.dumps(sums.follow_up_models, indent=2, sort_keys=True).encode("utf-8")
    return {"follow_up_models.json": models} | edition_pages(sums)


@lru_cache(maxsize=1)
def code() -> Code:
    """What computes: the package's version, and the commit and lock file where it runs from a checkout."""
    root = Path(__file__).parents[3]
    lock = root / "requirements.lock"
    if not lock.is_file():
        return Code(__version__)
    commit = subprocess.run(  # a fixed command in our own checkout
        ["git", "rev-parse", "HEAD"],  # noqa: S607  # git is where the machine has it
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    return Code(
        __version__,
        commit.stdout.strip() if commit.returncode == 0 else None,
        hashlib.sha256(lock.read_bytes()).hexdigest(),
    )
