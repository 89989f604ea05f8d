"""Property tests look at the same examples in every run; HYPOTHESIS_PROFILE=search looks for new ones."""

from __future__ import annotations

import os

from hypothesis import settings

from postgres import postgres_cluster, postgres_url, register_url  # noqa: F401  # fixtures for every test

# A failure in a commit that others build on must be that commit's own. What a search finds becomes an @example.
settings.register_profile("repeatable", derandomize=True, database=None)
settings.register_profile("search", derandomize=False, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Bytes are named by their argument: a packed file holds its hour, and workers must agree on the names of tests."""
    return argname if isinstance(val, bytes) else None
