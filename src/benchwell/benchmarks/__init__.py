"""Benchmarks: frozen statistics, organization results, benchmark records, the edition and its verification.

In the order in which `build` uses them:

- `Plan.of(benchmarks)`, `summarize(engine, outcomes, features, plan)`, `frozen(...)`: rows to sums.
- `published_statistics(published_rates, measures)`: official aggregates to the same table.
- `compute(statistics, organizations, declarations, as_of)`: every published number, also what `verify` runs.
- `write_edition(folder, inputs)`, `Edition.load(path)`, `verify(path)`.
"""

from benchwell.benchmarks.compute import Computed, Declarations, compute
from benchwell.benchmarks.edition import Edition
from benchwell.benchmarks.external import ensure_comparable
from benchwell.benchmarks.manifest import Code, Inputs
from benchwell.benchmarks.published import published_statistics
from benchwell.benchmarks.records import benchmark_records
from benchwell.benchmarks.results import organization_results
from benchwell.benchmarks.statistics import Plan, frozen, summarize
from benchwell.benchmarks.verify import Check, VerifyReport, row_plan, verify
from benchwell.benchmarks.windows import Windows
from benchwell.benchmarks.write import write_edition

__all__ = [
    "Check",
    "Code",
    "Computed",
    "Declarations",
    "Edition",
    "Inputs",
    "Plan",
    "VerifyReport",
    "Windows",
    "benchmark_records",
    "compute",
    "ensure_comparable",
    "frozen",
    "organization_results",
    "published_statistics",
    "row_plan",
    "summarize",
    "verify",
    "write_edition",
]
