"""Benchwell: fair, transparent, versioned benchmarks from therapy outcome scores.

The whole public interface in Python:

- `Workspace(path)`: a folder that holds the lake, your declarations and the editions.
- `score(instrument, items)`: score one questionnaire.
- `report(source, output)`: an HTML report from a file of scores or from an edition.
- `Edition.load(path)` and `verify(path)`: open and recompute an edition.
- `Registry.load()`: the declared instruments, measures, benchmarks and references.
- `score_frame(frame, instrument, items)`: score a column-per-item frame (pandas, Polars, PyArrow, DuckDB).

Names are loaded on first use, so that `import benchwell` stays light.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from benchwell.benchmarks import Edition
    from benchwell.errors import BenchwellError
    from benchwell.pipeline import IntakeReport, Workspace, report, verify
    from benchwell.registry import Registry
    from benchwell.scoring import Score, score, score_frame

__version__ = "0.1.0"

_HOMES = {
    "BenchwellError": "benchwell.errors",
    "Edition": "benchwell.benchmarks",
    "IntakeReport": "benchwell.pipeline",
    "Registry": "benchwell.registry",
    "Score": "benchwell.scoring",
    "Workspace": "benchwell.pipeline",
    "report": "benchwell.pipeline",
    "score": "benchwell.scoring",
    "score_frame": "benchwell.scoring",
    "verify": "benchwell.pipeline",
}

__all__ = [
    "BenchwellError",
    "Edition",
    "IntakeReport",
    "Registry",
    "Score",
    "Workspace",
    "__version__",
    "report",
    "score",
    "score_frame",
    "verify",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'benchwell' has no attribute {name!r}")
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
