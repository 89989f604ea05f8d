"""Edges of model checks: what outcomes do not allow, and what fails the gate."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import special

from benchwell.models.calibration import calibration, calibration_in_the_large
from benchwell.models.calibration_binned import BinnedPredictions, bin_predictions, binned_calibration, merge_small_bins
from benchwell.models.calibration_gate import calibration_gate, continuous_gate
from benchwell.models.continuous_calibration import continuous_calibration
from benchwell.models.discrimination import c_statistic_from_counts


def test_checks_that_outcomes_do_not_allow_are_unknown_and_fail_the_gate():
    check = calibration([0.2, 0.4], [0, 0])
    assert math.isnan(check.c_statistic)
    assert math.isnan(check.scaled_brier)
    assert math.isnan(check.in_the_large)
    assert math.isnan(check.slope)
    verdict = calibration_gate(check.slope, check.in_the_large)
    assert not verdict.passed
    assert all("cannot be estimated" in reason for reason in verdict.reasons)
    assert math.isnan(c_statistic_from_counts([0, 0], [3, 1]))


def test_gate_names_what_fails_and_does_not_judge_small_groups():
    assert calibration_gate(1.05, -0.09, [200, 199], [1.1, 2.0]).passed
    verdict = calibration_gate(1.2, -0.1, [200, 500], [1.11, 0.5], ["women", "men"])
    assert verdict.reasons == (
        "calibration slope 1.200 is outside 0.9 to 1.1",
        "calibration-in-the-large -0.100 is not within 0.1 of 0",
        "observed over expected in group women 1.110 is outside 0.9 to 1.1",
        "observed over expected in group men 0.500 is outside 0.9 to 1.1",
    )


def test_gate_for_scores_uses_standard_deviations():
    assert continuous_gate(0.95, 0.4, 5.0, [300, 10], [-0.5, 4.0]).passed
    verdict = continuous_gate(math.nan, math.nan, 5.0, [300], [0.6])
    assert verdict.reasons == (
        "slope of observed on predicted cannot be estimated from these outcomes",
        "mean error cannot be estimated from these outcomes",
        "mean error in group 1 0.120 SD is not within 0.1 SD of 0",
    )


def test_scores_that_do_not_vary_have_no_slope():
    check = continuous_calibration([2.0], [3.0])
    assert math.isnan(check.slope)
    assert math.isnan(check.r2)
    assert math.isnan(check.outcome_sd)
    assert check.group_n.tolist() == []


def test_chances_of_zero_and_one_do_not_break_the_checks():
    check = calibration([0.0, 1.0, 0.5, 0.5], [0, 1, 1, 0])
    assert check.c_statistic == pytest.approx(0.875)
    assert math.isfinite(check.in_the_large)


def test_calibration_in_the_large_is_found_from_far_away():
    p = np.full(1_000, 1e-8)
    found = calibration_in_the_large(p, np.r_[np.ones(999), 0.0], np.ones(1_000))
    assert found == pytest.approx(special.logit(0.999) - special.logit(1e-8), rel=1e-8)


def test_bins_of_separated_or_equal_outcomes_have_no_slope():
    separated = binned_calibration(BinnedPredictions(*np.array([[5.0, 5], [1, 4], [0, 5]])))
    assert math.isnan(separated.slope)
    one_bin = binned_calibration(BinnedPredictions(np.array([0.0, 5]), np.array([0.0, 2]), np.array([0.0, 3])))
    assert math.isnan(one_bin.slope)
    assert one_bin.curve.shape == (1, 3)


@pytest.mark.parametrize(
    ("n", "expected", "observed"),
    [([5.0, 5, 5], [1, 2.5, 4], [0, 2, 5]), ([5.0, 5], [2, 3], [0, 5]), ([9.0, 1], [4, 0.5], [9, 0])],
)
def test_separated_bins_have_no_slope(n, expected, observed):
    assert math.isnan(binned_calibration(BinnedPredictions(*map(np.array, (n, expected, observed)))).slope)


def test_recalibration_from_far_away_is_found_by_halved_steps():
    bins = BinnedPredictions(np.array([50.0, 50, 50]), np.array([1e-7, 25, 50 - 1e-7]), np.array([20.0, 26, 30]))
    check = binned_calibration(bins)
    rows = [(q, one) for q, met in ((2e-9, 20), (0.5, 26), (1 - 2e-9, 30)) for one in [1] * met + [0] * (50 - met)]
    assert check.slope == pytest.approx(calibration(*zip(*rows, strict=True)).slope, rel=1e-6)


def test_binned_checks_come_near_those_of_people():
    rng = np.random.default_rng(8)
    p = special.expit(rng.normal(-0.3, 1, size=20_000))
    y = (rng.random(20_000) < special.expit(0.1 + 0.8 * special.logit(p))).astype(float)
    binned, exact = binned_calibration(merge_small_bins(bin_predictions(p, y))), calibration(p, y)
    assert binned.observed_expected == pytest.approx(exact.observed_expected)
    assert binned.c_statistic == pytest.approx(exact.c_statistic, abs=0.005)
    assert binned.slope == pytest.approx(exact.slope, abs=0.01)
    assert binned.in_the_large == pytest.approx(exact.in_the_large, abs=0.005)
