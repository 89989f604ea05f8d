"""Cohort estimators over the last axis agree with the kernels, and with themselves one row at a time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchwell.benchmarks import cohort as estimators
from benchwell.benchmarks.cohort import Cohort
from benchwell.benchmarks.methods import methods_of
from benchwell.benchmarks.uncertainty import bootstrap, leave_one_out
from benchwell.models.achievable import achievable_benchmark
from benchwell.models.bootstrap_limits import acceleration, bias_correction, limits, tail_levels, widened_z
from benchwell.models.deciles import top_decile_of_proportions
from benchwell.models.quantiles import quantile_type7, weighted_quantile
from benchwell.models.resampling import leave_one_out_pooled_rate
from benchwell.terms import Better
from unit.benchmarks.benchmarks_cases import MET, PEOPLE, make_benchmark, make_measure

clinics = st.lists(
    st.integers(5, 200).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), min_size=3, max_size=25
)


def cohort_of(counts: list[tuple[int, int]], better: Better = Better.HIGHER) -> Cohort:
    met, n = np.array(counts, dtype=float).T
    ids = tuple(f"c{place}" for place in range(len(n)))
    return Cohort(ids, met / n, n, n, np.ones(len(n)), True, better)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(clinics, st.sampled_from(Better))
def test_estimators_agree_with_the_kernels(counts: list[tuple[int, int]], better: Better) -> None:
    cohort = cohort_of(counts, better)
    met, n = np.array(counts, dtype=float).T
    decile = top_decile_of_proportions(met, n, better=better)
    assert estimators.decile_raw(cohort).item() == pytest.approx(decile.raw)
    assert estimators.decile_eb(cohort).item() == pytest.approx(decile.empirical_bayes)
    assert estimators.decile_constrained(cohort).item() == pytest.approx(decile.constrained)
    assert estimators.decile_model(cohort).item() == pytest.approx(decile.model)
    assert estimators.decile_model_mean(cohort).item() == pytest.approx(decile.model_top_mean)
    assert estimators.achievable(cohort).item() == pytest.approx(achievable_benchmark(met, n, better=better).benchmark)
    for p in (0.1, 0.25, 0.5, 0.9):
        assert estimators.percentile(p)(cohort).item() == pytest.approx(quantile_type7(met / n, p).item())
        assert estimators.patient_percentile(p)(cohort).item() == weighted_quantile(met / n, n, p).item()


@settings(max_examples=30, deadline=None, derandomize=True)
@given(clinics)
def test_many_resamples_at_once_are_each_one_alone(counts: list[tuple[int, int]]) -> None:
    cohort = cohort_of(counts)
    chosen = np.random.default_rng(0).integers(0, cohort.k, size=(5, cohort.k))
    benchmark = make_benchmark()
    for method in methods_of(benchmark, make_measure()):
        together = method.estimator(cohort.take(chosen))
        alone = [method.estimator(cohort.take(row)).item() for row in chosen]
        assert together.tolist() == pytest.approx(alone)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(clinics)
def test_leave_one_out_is_the_figure_of_the_others(counts: list[tuple[int, int]]) -> None:
    cohort = cohort_of(counts)
    for method in methods_of(make_benchmark(), make_measure()):
        found = leave_one_out(cohort, method)
        for place in range(cohort.k):
            others = cohort_of(counts[:place] + counts[place + 1 :])
            assert found[place] == pytest.approx(method.estimator(others).item())


def test_jackknife_after_bootstrap_is_close_to_the_exact_variance() -> None:
    cohort = cohort_of(list(zip(MET, PEOPLE, strict=True)))
    method = next(one for one in methods_of(make_benchmark(), make_measure()) if one.name == "pooled")
    resampled = bootstrap(cohort, [method], replicates=20_000, seed=1)
    x, n = np.array(MET, dtype=float), np.array(PEOPLE, dtype=float)
    exact = leave_one_out_pooled_rate(x, n)
    p = x.sum() / n.sum()
    variance = exact.gap_variance - p * (1 - p) / n
    found = [resampled.without(method, place, p).standard_error for place in range(10)]
    # The jackknife divides by k - 1 where the bootstrap divides by k, and is linear: a tenth apart with nine clinics.
    assert found == pytest.approx(np.sqrt(variance).tolist(), rel=0.12)


def test_a_seed_replays_the_interval_and_another_does_not() -> None:
    cohort = cohort_of(list(zip(MET, PEOPLE, strict=True)))
    methods = methods_of(make_benchmark(), make_measure())
    one, again, other = (bootstrap(cohort, methods, replicates=300, seed=seed) for seed in (1, 1, 2))
    for method in methods:
        value = method.estimator(cohort).item()
        assert one.of(method, value) == again.of(method, value)
    assert one.of(methods[0], 0.4) != other.of(methods[0], 0.4)


def test_deciles_of_shrunken_figures_have_bca_limits_and_quantiles_percentile_limits() -> None:
    cohort = cohort_of(list(zip(MET * 3, PEOPLE * 3, strict=True)))
    methods = [method for method in methods_of(make_benchmark(), make_measure()) if method.name != "pooled"]
    resampled = bootstrap(cohort, methods, replicates=500, seed=5)
    for method in methods:
        value, ascending = method.estimator(cohort).item(), np.sort(resampled.draws[method.name])
        found = resampled.of(method, value)
        leaning = (
            (bias_correction(value, ascending), acceleration(leave_one_out(cohort, method)))
            if method.corrected
            else (0.0, 0.0)
        )
        assert (found.lower, found.upper) == limits(ascending, tail_levels(widened_z(30), *leaning))
        assert found.method == ("clinic_bootstrap_bca" if method.corrected else "clinic_bootstrap")
    corrected = {method.name for method in methods if method.corrected}
    assert corrected == {f"top_decile.{name}" for name in ("eb", "constrained_eb", "model_p90", "model_mean")}


def test_limits_without_a_clinic_are_those_of_a_bootstrap_of_the_others() -> None:
    counts = list(zip(MET * 3, PEOPLE * 3, strict=True))
    method = next(one for one in methods_of(make_benchmark(), make_measure()) if one.corrected and one.compares)
    resampled = bootstrap(cohort_of(counts), [method], replicates=20_000, seed=2)
    for place in (0, 9):
        others = cohort_of(counts[:place] + counts[place + 1 :])
        value = method.estimator(others).item()
        alone = bootstrap(others, [method], replicates=20_000, seed=3).of(method, value)
        found = resampled.without(method, place, value)
        # Two bootstraps of different seeds differ by chance at their ends: by a tenth of the standard error or so.
        for one, other in ((found.lower, alone.lower), (found.upper, alone.upper)):
            assert one == pytest.approx(other, abs=0.25 * alone.standard_error)


def test_too_few_replicates_without_a_clinic_give_no_interval() -> None:
    cohort = cohort_of(list(zip(MET, PEOPLE, strict=True)))
    methods = methods_of(make_benchmark(), make_measure())
    assert bootstrap(cohort, methods, replicates=40, seed=1).without(methods[0], 0, 0.4).standard_error is None
