"""What the live service stands on: one workspace, one register, the latest edition, and whoever waits for news."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from benchwell.pipeline.live.news import News
from benchwell.pipeline.workspace import Workspace
from benchwell.register import Register

if TYPE_CHECKING:
    from benchwell.benchmarks import Edition


@dataclass
class LiveService:
    """One running service.

    Attributes:
        workspace: Lake, declarations, editions, settings.
        register: The live store.
        news: Open pages hear of new scores here.
        is_demo: Everybody in it is made up, and every page says so.
    """

    workspace: Workspace
    register: Register
    news: News = field(default_factory=News)
    is_demo: bool = False

    def edition(self) -> Edition | None:
        """The edition in force; null before the first build."""
        from benchwell.pipeline.live.editions import edition_in_force

        return edition_in_force(self.workspace)

    def close(self) -> None:
        """Let go of everything."""
        self.register.close()
