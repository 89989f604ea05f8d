"""Build an edition from a workspace's present snapshot."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from benchwell import __version__
from benchwell.benchmarks import Code, Edition, Inputs, write_edition
from benchwell.errors import LakeError, WorkspaceError
from benchwell.lake.lock import write_lock
from benchwell.pipeline.computing import Sums, compute_sums
from benchwell.pipeline.holdings import Holdings
from benchwell.pipeline.inputs import episode_rule_of
from benchwell.pipeline.pages import edition_pages
from benchwell.settings import Settings


def build(
    workspace: Holdings,
    as_of: dt.date,
    benchmarks: Sequence[str] | None,
    *,
    superseded: Edition | None,
    reason: str | None,
) -> Edition:
    """Score, sum, benchmark, write. See `Workspace.build`."""
    snapshot = workspace.lake.snapshot()
    settings = workspace.settings
    episode_rule_of(settings, workspace.registry)  # a misspelt one is named before anything is computed
    with workspace.engine() as engine:
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
            adjusted=sums.adjusted.tables,
            curves=sums.curves.tables,
            engine="duckdb",
            settings=moving_settings(settings),
            outcomes=sums.outcomes,
            features=sums.features,
            extra_files=extra_files(sums),
            supersedes=None if superseded is None else superseded.id,
            correction_reason=reason,
            supersedes_sha256=None if superseded is None else superseded.manifest["sha256"],
            deviations=sums.notes,
            reading=sums.reading,
        )
        built = {"at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"), "seconds": workspace.stages.seconds}
        with _only_builder(workspace.path) as editions:
            return write_edition(editions, inputs, built=built)


def moving_settings(settings: Settings) -> dict[str, Any]:
    """Settings that could move a number; expected courses are named only where they are on."""
    moving: dict[str, Any] = {"use": settings.use.value, "consent_rule": settings.consent_rule.value}
    return moving | ({"expected_course": True} if settings.expected_course else {})


@contextmanager
def _only_builder(workspace: Path) -> Iterator[Path]:
    """The folder of editions, for one writer at a time; what a killed one left there, rows of people too, is removed.

    Raises:
        WorkspaceError: If another build is writing.
    """
    editions = workspace / "editions"
    try:
        with write_lock(workspace / ".build.lock"):
            for leftover in editions.glob(".building-*"):
                shutil.rmtree(leftover, ignore_errors=True)
            yield editions
    except LakeError:
        raise WorkspaceError(
            f"Another build is writing to {workspace}, or the folder cannot be written.",
            hint="wait until it ends, then run this again; a killed one leaves no lock behind",
        ) from None


def extra_files(sums: Sums) -> dict[str, bytes]:
    """Method pages, and how weights, case-mix models and imputations were found."""
    models = {
        "follow_up_models.json": sums.follow_up_models,
        "casemix_models.json": sums.adjusted.casemix_models,
        "imputation_models.json": sums.adjusted.imputation_models,
    }
    files = {name: json.dumps(one, indent=2, sort_keys=True).encode("utf-8") for name, one in models.items()}
    return files | edition_pages(sums)


@lru_cache(maxsize=1)
def code() -> Code:
    """What computes: version and source, and the lock file and commit where it runs from a checkout."""
    package = Path(__file__).parents[1]
    lock = package.parents[1] / "requirements.lock"
    stated = lock.is_file()
    return Code(
        __version__,
        source_digest(package),
        hashlib.sha256(lock.read_bytes()).hexdigest() if stated else None,
        _commit(package.parents[1]) if stated else None,
    )


def source_digest(package: Path) -> str:
    """SHA-256 over the names and bytes of a package's files, in name order; compiled files do not count."""
    digest = hashlib.sha256()
    for file in sorted(path for path in package.rglob("*") if path.is_file() and "__pycache__" not in path.parts):
        digest.update(f"{file.relative_to(package).as_posix()}\0".encode())
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def _commit(root: Path) -> str | None:
    try:
        found = subprocess.run(  # a fixed command in our own checkout
            ["git", "rev-parse", "HEAD"],  # noqa: S607  # git is where the machine has it
            cwd=root,
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        return None  # a copy of the checkout on a machine without git
    return found.stdout.strip() if found.returncode == 0 else None
