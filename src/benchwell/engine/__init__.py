"""Engines: the one seam to DuckDB (default) and Spark (extra)."""

from benchwell.engine.base import Engine, Frame
from benchwell.engine.duckdb_engine import DuckDBEngine
from benchwell.engine.frames import to_arrow

__all__ = ["DuckDBEngine", "Engine", "Frame", "to_arrow"]
