"""Leave without noise: Narwhals keeps DuckDB's types in a cache, and DuckDB reports them as leaked when Python ends."""

from __future__ import annotations

import atexit
import sys

# Modules of Narwhals whose caches lead to DuckDB's types.
_HOLDERS = ("narwhals._namespace", "narwhals._duckdb.utils")


def forget_types() -> None:
    """Empty the caches that lead to DuckDB's types; what is not there, or is no cache, is passed over."""
    for name in _HOLDERS:
        module = sys.modules.get(name)
        for value in list(vars(module).values()) if module is not None else ():
            clear = getattr(value, "cache_clear", None)
            if callable(clear):
                clear()


def leave_quietly() -> None:
    """Have it done when Python ends; asking again changes nothing."""
    atexit.unregister(forget_types)
    atexit.register(forget_types)
