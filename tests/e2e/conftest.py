"""Pages in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from browser import chromium, desk
from role_paths import furnished

__all__ = ["chromium", "desk", "served_house"]


@pytest.fixture
def served_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A clinic for one test: what people do in it changes it, and tests run in any order."""
    with furnished(tmp_path_factory.mktemp("house")) as found:
        yield found
