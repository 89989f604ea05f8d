"""Rolling windows that a benchmark uses beside the whole period (METHODS M4.4, M4.5)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import pyarrow as pa

from benchwell.benchmarks.periods import ALL, rolling_quarters, window_label
from benchwell.benchmarks.statistics import rolled_up
from benchwell.registry import Benchmark, Measure
from benchwell.terms import BenchmarkKind


@dataclass(frozen=True)
class Windows:
    """Periods of one benchmark.

    Attributes:
        periods: Those that get records: "all" (the frozen reference) and, for a dynamic one, the current window.
        provisional: Those that the next quarter will move.
        quarters: Quarters of each rolling window by its label.
        previous: Label of the window before the current one, for own history.
    """

    periods: tuple[str, ...]
    provisional: frozenset[str]
    quarters: dict[str, tuple[str, ...]]
    previous: str | None

    @classmethod
    def of(cls, measure: Measure, benchmark: Benchmark, as_of: dt.date) -> Windows:
        """The windows of a benchmark at a date. Official aggregates come in periods of their own and roll no window."""
        dynamic = benchmark.cadence.kind == "dynamic"
        history = BenchmarkKind.OWN_HISTORY in benchmark.kinds
        if measure.is_published or not (dynamic or history):
            return cls((ALL,), frozenset(), {}, None)
        months = benchmark.cadence.months
        current = rolling_quarters(measure, as_of, months)
        before = rolling_quarters(measure, as_of, months, windows_back=1)
        quarters = {window_label(current): current}
        if history:
            quarters[window_label(before)] = before
        label = window_label(current)
        periods = (ALL, label) if dynamic else (ALL,)
        return cls(
            periods, frozenset({label}) if dynamic else frozenset(), quarters, window_label(before) if history else None
        )

    def rolled(self, statistics: pa.Table, measure: Measure) -> pa.Table:
        """The statistics rows of the windows."""
        mine = statistics.filter(pa.compute.equal(statistics["measure"], measure.id))
        parts = [rolled_up(mine, quarters, label) for label, quarters in self.quarters.items()]
        return pa.concat_tables(parts) if parts else mine.slice(0, 0)
