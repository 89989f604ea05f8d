"""What a workspace holds: the parts that taking in and building work with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from benchwell.engine import DuckDBEngine
from benchwell.lake import Lake
from benchwell.pipeline.progress import Stages
from benchwell.registry import Registry
from benchwell.settings import Settings


@dataclass(frozen=True)
class Holdings:
    """The opened parts of one workspace.

    Attributes:
        path: Its folder.
        settings: From its `benchwell.yaml`.
        lake: Its canonical tables.
        registry: The package's declarations and its own.
        stages: Times what is done with it.
    """

    path: Path
    settings: Settings
    lake: Lake
    registry: Registry
    stages: Stages

    def engine(self) -> DuckDBEngine:
        """A new engine within the limits of the workspace's settings, for a `with` block."""
        limits = self.settings.engine
        return DuckDBEngine(memory_limit=limits.memory_limit, threads=limits.threads)
