"""What a result needs beside it: the machine, the versions, the command."""

from __future__ import annotations

import datetime as dt
import importlib.metadata
import os
import platform
import sys
from pathlib import Path

RESULTS = Path(__file__).with_name("results.md")


def describe() -> str:
    """Cores, memory, processor, system and the versions that matter, in one line."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    packages = ", ".join(
        f"{name} {importlib.metadata.version(name)}" for name in ("duckdb", "narwhals", "deltalake", "pyarrow")
    )
    return (
        f"{os.cpu_count()} cores ({_processor()}), {memory:.0f} GiB, {platform.system()} {platform.release()}, "
        f"Python {platform.python_version()}, {packages}"
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or "unknown processor"
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "unknown")


def append(title: str, command: str, body: str) -> None:
    """Add one dated entry to results.md."""
    stamp = dt.datetime.now(dt.UTC).strftime("%Y-%m-%d")
    if not RESULTS.exists():
        RESULTS.write_text(
            "# Benchmark results\n\nNewest last. Each entry is one run of one command.\n", encoding="utf-8"
        )
    with RESULTS.open("a", encoding="utf-8") as file:
        file.write(f"\n## {title} ({stamp})\n\nMachine: {describe()}.\nCommand: `{command}`.\n\n{body}\n")
    print(f"Appended to {RESULTS.name}.", file=sys.stderr)
