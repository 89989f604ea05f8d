"""Verify an edition, with the lake and the declarations of a workspace if one is at hand."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchwell.benchmarks import Check
from benchwell.benchmarks import verify as verify_edition
from benchwell.errors import BenchwellError
from benchwell.lake import Snapshot
from benchwell.pipeline.progress import Listener, Stages
from benchwell.pipeline.workspace import Workspace
from benchwell.registry import Registry


@dataclass(frozen=True)
class Verification:
    """Every check of one edition."""

    edition: str
    path: Path
    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        """Whether everything holds."""
        return all(check.passed for check in self.checks)

    @property
    def failures(self) -> tuple[Check, ...]:
        """What does not hold."""
        return tuple(check for check in self.checks if not check.passed)

    def to_dict(self) -> dict[str, Any]:
        """Plain data, for `--json`."""
        return {
            "edition": self.edition,
            "path": str(self.path),
            "passed": self.passed,
            "checks": [asdict(check) for check in self.checks],
        }


def verify(
    edition: str | Path, *, workspace: str | Path | None = None, listener: Listener | None = None
) -> Verification:
    """Recompute every number of an edition from its frozen sums and compare it with what is stated.

    Args:
        edition: The edition's folder. Inside a workspace, its lake and declarations are checked too.
        workspace: The workspace to check against; null looks around the edition's folder.
        listener: Hears of stages.

    Returns:
        One check per file, declaration and table column; a failed one names what differs.

    Raises:
        EditionError: If the folder is no edition.
    """
    path = Path(edition)
    home = _home(path) if workspace is None else Workspace.open(workspace)
    with Stages(listener).stage("recomputing"):
        report = verify_edition(
            path,
            registry=Registry.load() if home is None else home.registry,
            lake_check=None if home is None else lambda stated: _lake_problems(home, stated),
        )
    return Verification(report.edition, path, report.checks)


def _home(edition: Path) -> Workspace | None:
    """The workspace that an edition lies in, if any."""
    around = edition.resolve().parent.parent
    if edition.resolve().parent.name != "editions" or not (around / "benchwell.yaml").is_file():
        return None
    return Workspace.open(around)


def _lake_problems(workspace: Workspace, stated: dict[str, Any]) -> list[str]:
    try:
        return workspace.lake.verify_snapshot(Snapshot.from_dict(stated))
    except BenchwellError as problem:
        return [problem.message]
