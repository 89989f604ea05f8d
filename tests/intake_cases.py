"""Fixtures of all tests of intake: small files written on the spot, and the shared real ones where they are there."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest

from benchwell.intake import IntakeResult, Mapping, parse_mapping, read_source
from benchwell.registry import Registry

AS_OF = dt.date(2026, 6, 30)
SHARED = Path(__file__).parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def registry() -> Registry:
    return Registry.load()


@pytest.fixture
def take_in(tmp_path: Path, registry: Registry) -> Callable[..., IntakeResult]:
    """Write text (or bytes) as a CSV file and take it in."""

    def run(content: str | bytes, mapping: str | Mapping | None = None, name: str = "scores.csv") -> IntakeResult:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
        given = parse_mapping(mapping, "mapping.yaml") if isinstance(mapping, str) else mapping
        return read_source(path, registry, given, as_of=AS_OF)

    return run


@pytest.fixture
def shared() -> Callable[[str], Path]:
    """A file of the shared data set; the test is skipped, by name, where it is not there."""

    def find(name: str) -> Path:
        path = SHARED / name
        if not path.exists():
            pytest.skip(f"shared data {name} is not here")
        return path

    return find
