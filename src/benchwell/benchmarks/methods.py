"""Which figures a benchmark declaration asks for, and how each is estimated."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from benchwell.benchmarks import cohort as estimators
from benchwell.benchmarks.cohort import Estimator
from benchwell.registry import Benchmark, Measure
from benchwell.terms import BenchmarkKind

PATIENTS, UNWEIGHTED = "patients", "unweighted"
POOLED = "pooled"
DEFAULT_DECILE, RAW_DECILE = "top_decile.constrained_eb", "top_decile.raw"


@dataclass(frozen=True)
class Method:
    """One figure of a benchmark.

    Attributes:
        kind: What it is.
        name: The `method` of its record.
        weighting: Whether organizations or patients count once.
        estimator: Works over the last axis of a cohort.
        p: The probability of a percentile.
        compares: Whether organizations are compared with it, so that it is also stored without each of them.
        corrected: Whether its bootstrap interval is BCa. Deciles of shrunken figures need it: their replicates lie low
            and lean. Quantiles of figures as counted do not, and the jackknife behind it is rough for them.
    """

    kind: BenchmarkKind
    name: str
    weighting: str
    estimator: Estimator
    p: float | None = None
    compares: bool = False
    corrected: bool = False

    @property
    def is_pooled(self) -> bool:
        """Whether it counts all people together, those of small organizations too."""
        return self.name == POOLED


POOLED_METHOD = Method(BenchmarkKind.MEAN, POOLED, PATIENTS, estimators.pooled, compares=True)


def methods_of(benchmark: Benchmark, measure: Measure) -> tuple[Method, ...]:
    """The methods that a declaration's kinds stand for, in a fixed order."""
    found: list[Method] = []
    if BenchmarkKind.MEAN in benchmark.kinds:
        found.append(POOLED_METHOD)
        found.append(Method(BenchmarkKind.MEAN, "unweighted", UNWEIGHTED, estimators.unweighted_mean))
    if BenchmarkKind.PERCENTILE in benchmark.kinds:
        found.extend(_percentiles(benchmark))
    if BenchmarkKind.TOP_DECILE in benchmark.kinds:
        found.extend(_deciles())
    if BenchmarkKind.ABC in benchmark.kinds and measure.summary == "proportion":
        found.append(Method(BenchmarkKind.ABC, "abc", PATIENTS, estimators.achievable))
    return tuple(found)


def _percentiles(benchmark: Benchmark) -> Iterator[Method]:
    for p in benchmark.percentiles:
        name = f"p{100 * p:g}"
        for weighting, suffix, make in (
            (UNWEIGHTED, "", estimators.percentile),
            (PATIENTS, ".patients", estimators.patient_percentile),
        ):
            compares = p == 0.5 and weighting == benchmark.weighting
            yield Method(BenchmarkKind.PERCENTILE, f"{name}{suffix}", weighting, make(p), p, compares)


def _deciles() -> Iterator[Method]:
    for name, estimator in (
        (RAW_DECILE, estimators.decile_raw),
        ("top_decile.eb", estimators.decile_eb),
        (DEFAULT_DECILE, estimators.decile_constrained),
        ("top_decile.model_p90", estimators.decile_model),
        ("top_decile.model_mean", estimators.decile_model_mean),
    ):
        compares, corrected = name == DEFAULT_DECILE, name != RAW_DECILE
        yield Method(BenchmarkKind.TOP_DECILE, name, UNWEIGHTED, estimator, compares=compares, corrected=corrected)
