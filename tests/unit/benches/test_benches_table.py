"""The table of results: each fit with its time beside ours, each target with whether it is met."""

from __future__ import annotations

import math

import pytest
from benchmarks.bench_models import SHORT, _options, _plan, compared, hopeless, row_of
from benchmarks.models.contest import FASTER, OTHERS, OURS, SIZES, STREAM, TARGETS, TINY
from benchmarks.models.measured import Limits, Measured
from benchmarks.models.table import Row, results, targets

GPBOOST, STATSMODELS, LME4 = OTHERS
SIZE = {size.name: size for size in (*SIZES, STREAM, TINY)}
TOLD = {"names": ["a"], "coefficients": [1.0], "standard_errors": [1.0], "group_sd": [1.0], "loglik": -1.0}


def fit(model, size, contestant, seconds, gb=0.3):
    return Row(model, SIZE[size], contestant, seconds, 1.0, gb, 3, "same (0 SE)")


def line_of(lines, start):
    return next(line for line in lines if line.startswith(f"| {start}"))


def test_each_fit_has_its_line_with_its_time_beside_ours():
    lines = results(
        [
            fit("linear", "1M", OURS, 2.0),
            fit("linear", "1M", LME4, 30.0),
            Row("linear", SIZE["1M"], STATSMODELS, why="> 300 s"),
        ]
    )
    assert lines[2:] == [
        "| linear | 1 000 000 / 1 200 | benchwell, REML | 2.00 |  | 1.00 | 0.30 | same (0 SE) |",
        "| linear | 1 000 000 / 1 200 | lme4, REML | 30.00 | 15.0 | 1.00 | 0.30 | same (0 SE) |",
        "| linear | 1 000 000 / 1 200 | statsmodels, REML | > 300 s | | | | |",
    ]
    assert len({line.count("|") for line in lines}) == 1


@pytest.mark.parametrize(
    ("seconds", "gb", "met"),
    [(2.0, 0.5, "yes"), (2.01, 0.5, "**no**"), (1.0, 0.51, "**no**"), (math.inf, 0.1, "**no**")],
)
def test_a_target_is_met_when_time_and_memory_are(seconds, gb, met):
    line = line_of(targets([fit("linear", "1M", OURS, seconds, gb)]), "linear, 1M: at most 2 s and 0.5 GB")
    assert line.endswith(f"| {met} |")


def test_a_target_without_a_memory_asks_for_none():
    assert line_of(targets([fit("nested", "1M", OURS, 2.9, 9.0)]), "nested, 1M").endswith("| yes |")


def test_what_was_not_run_is_neither_met_nor_missed():
    lines = targets([fit("linear", "200k", OURS, 1.0)])
    assert len(lines) == 2 + len(TARGETS) + len(FASTER)
    assert all(line.endswith("| not in this run | |") for line in lines[2:])


def test_our_own_failure_misses_a_target():
    failed = Row("linear", SIZE["1M"], OURS, why="failed: MemoryError")
    assert line_of(targets([failed]), "linear, 1M: at most").endswith("| failed: MemoryError | **no** |")


@pytest.mark.parametrize(("theirs", "met"), [(24.0, "yes"), (23.9, "**no**")])
def test_how_many_times_faster(theirs, met):
    lines = targets([fit("linear", "1M", OURS, 2.0), fit("linear", "1M", LME4, theirs)])
    assert line_of(lines, "linear, 1M: at least 12 times").endswith(f"times | {met} |")


def test_a_program_without_a_time_is_compared_with_in_words():
    lines = targets([fit("linear", "1M", OURS, 2.0), Row("linear", SIZE["1M"], LME4, why="> 300 s")])
    assert line_of(lines, "linear, 1M: at least").endswith("| > 300 s | |")


def test_the_median_run_counts_and_the_largest_memory():
    runs = [Measured(seconds, seconds / 2, gb, TOLD) for seconds, gb in ((3.0, 0.1), (1.0, 0.4), (2.0, 0.2))]
    row = row_of(runs, "linear", SIZE["1M"], LME4, TOLD)
    assert (row.seconds, row.cpu, row.peak_gb, row.runs) == (2.0, 1.0, 0.4, 3)
    assert row.agrees == "same (0 SE)"


def test_a_run_without_a_result_gives_a_row_that_says_why():
    row = row_of([Measured(300.0, 1.0, 0.1, None, "> 300 s")], "linear", SIZE["1M"], LME4, TOLD)
    assert (row.seconds, row.why) == (None, "> 300 s")


def test_a_fit_that_did_not_converge_says_so_whatever_it_found():
    lost = TOLD | {"converged": False}
    assert compared(lost, TOLD) == "same (0 SE); by its own account not converged"
    assert compared(lost, None, ours=True) == "reference; by its own account not converged"
    assert compared(TOLD, None) == "not compared"


def test_a_fit_is_not_tried_where_the_size_before_says_that_it_cannot_end():
    limits = Limits(seconds=300.0)
    slow = [fit("linear", "1M", STATSMODELS, 70.0)]
    assert hopeless(STATSMODELS, "linear", SIZE["5M"], slow, limits) == "not tried (by 1M, about 350 s)"
    assert hopeless(STATSMODELS, "nested", SIZE["5M"], slow, limits) == ""
    assert hopeless(STATSMODELS, "linear", SIZE["5M"], [fit("linear", "1M", STATSMODELS, 50.0)], limits) == ""


def test_a_short_fit_is_always_tried_as_starting_dominates_it():
    assert SHORT > 9.0
    assert hopeless(LME4, "linear", SIZE["5M"], [fit("linear", "12k", LME4, 9.0)], Limits(seconds=300.0)) == ""


def test_after_a_failure_larger_sizes_are_not_tried():
    failed = Row("linear", SIZE["200k"], LME4, why="> 300 s")
    first = hopeless(LME4, "linear", SIZE["1M"], [failed], Limits())
    assert first == "not tried (200k: > 300 s)"
    assert hopeless(LME4, "linear", SIZE["5M"], [failed, Row("linear", SIZE["1M"], LME4, why=first)], Limits()) == first


def test_the_plan_is_every_model_at_every_size_and_the_stream_last():
    plan = _plan(_options([]))
    assert len(plan) == 3 * len(SIZES) + 1
    assert plan[-1] == ("linear", STREAM)
    assert [size.episodes for model, size in plan if model == "nested"] == [12_473, 200_000, 1_000_000, 5_000_000]


@pytest.mark.parametrize(
    ("arguments", "plan"),
    [
        (["--only", "stream"], [("linear", "10M")]),
        (["--only", "nested", "--size", "1M"], [("nested", "1M")]),
        (["--only", "linear", "--quick"], [("linear", "12k"), ("linear", "200k")]),
        (["--only", "linear", "--quick", "--size", "12k"], [("linear", "12k")]),
        (["--size", "10M"], [("linear", "10M")]),
    ],
)
def test_the_plan_follows_the_options(arguments, plan):
    assert [(model, size.name) for model, size in _plan(_options(arguments))] == plan
