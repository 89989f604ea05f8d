"""Benchwell: fair, transparent, versioned benchmarks from therapy outcome scores.

The whole public interface in Python:

- `Workspace(path)`: a folder that holds the lake, your declarations and the editions.
- `score(instrument, items)`: score one questionnaire.
- `report(source, output)`: an HTML report from a file of scores or from an edition.
- `Edition.load(path)` and `verify(path)`: open and recompute an edition.
- `Registry.load()`: the declared instruments, measures, benchmarks and references.
- `score_frame(frame, instrument, items)`: score a column-per-item frame (pandas, Polars, PyArrow, DuckDB).
- `fit_linear(frame, outcome, covariates, groups)` and `fit_logistic(...)`: hierarchical case-mix models, as a `Fit`.
- `sufficient_statistics(...)` and `fit_linear_statistics(statistics)`: the same fit from sums that sites can send.

Names are loaded on first use, so that `import benchwell` stays light.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from benchwell.benchmarks import Edition
    from benchwell.casemix.fit import Fit
    from benchwell.casemix.fitting import fit_linear, fit_linear_statistics, fit_logistic
    from benchwell.casemix.sufficient import SufficientStatistics, sufficient_statistics
    from benchwell.errors import BenchwellError
    from benchwell.pipeline import IntakeReport, Workspace, report, verify
    from benchwell.registry import Registry
    from benchwell.scoring import Score, score, score_frame

__version__ = "0.1.0"

_HOMES = {
    "BenchwellError": "benchwell.errors",
    "Edition": "benchwell.benchmarks",
    "Fit": "benchwell.casemix.fit",
    "IntakeReport": "benchwell.pipeline",
    "Registry": "benchwell.registry",
    "Score": "benchwell.scoring",
    "SufficientStatistics": "benchwell.casemix.sufficient",
    "Workspace": "benchwell.pipeline",
    "fit_linear": "benchwell.casemix.fitting",
    "fit_linear_statistics": "benchwell.casemix.fitting",
    "fit_logistic": "benchwell.casemix.fitting",
    "report": "benchwell.pipeline",
    "score": "benchwell.scoring",
    "score_frame": "benchwell.scoring",
    "sufficient_statistics": "benchwell.casemix.sufficient",
    "verify": "benchwell.pipeline",
}

__all__ = [
    "BenchwellError",
    "Edition",
    "Fit",
    "IntakeReport",
    "Registry",
    "Score",
    "SufficientStatistics",
    "Workspace",
    "__version__",
    "fit_linear",
    "fit_linear_statistics",
    "fit_logistic",
    "report",
    "score",
    "score_frame",
    "sufficient_statistics",
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
