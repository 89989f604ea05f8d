"""What the tests of the documentation share: the files of the repository, and code blocks of pages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BINARY = {".png", ".xlsx", ".gz", ".parquet", ".mo", ".woff2"}
FENCE = re.compile(r"^```(?P<info>[^\n]*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Repository:
    """The repository as a reader of the documentation sees it."""

    root: Path

    @property
    def pages(self) -> list[Path]:
        """Every Markdown page that we wrote."""
        return sorted(
            [*self.root.glob("*.md"), *(self.root / "docs").rglob("*.md"), *self.root.glob("examples/**/*.md")]
        )

    def texts(self, *folders: str) -> Iterator[tuple[Path, str]]:
        """Every text file below some folders or files."""
        for folder in folders:
            start = self.root / folder
            for path in sorted(start.rglob("*")) if start.is_dir() else [start]:
                if path.is_file() and "__pycache__" not in path.parts and path.suffix not in BINARY:
                    yield path, path.read_text(encoding="utf-8")

    @staticmethod
    def blocks(page: Path, info: str) -> list[str]:
        """Code blocks of a page whose opening line is ``` and `info`."""
        found = FENCE.finditer(page.read_text(encoding="utf-8"))
        return [match["body"] for match in found if match["info"].strip() == info]


@pytest.fixture(scope="session")
def repository() -> Repository:
    return Repository(ROOT)
