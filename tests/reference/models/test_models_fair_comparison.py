"""Worked examples of METHODS M3.6 to M3.11 and M5.4, at the stated tolerance (1e-4 relative) or the printed digits."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special

from benchwell.models.calibration import calibration
from benchwell.models.cusum import DOUBLED, HALVED, cusum, cusum_weights, vlad
from benchwell.models.direct import direct_rate, direct_rates_from_rows
from benchwell.models.indirect import observed_expected, ratio_limits_of_groups
from benchwell.models.mixed_statistics import MixedStatistics
from benchwell.models.multiplicity import edition_discoveries
from benchwell.models.predicted_expected import ExpectedAt, predicted_expected
from benchwell.models.ranks import posterior_ranks
from benchwell.models.within_between import within_between

LINEAR_PREDICTOR = [-1.2, -0.4, 0.1, 0.6]


def printed(expected, digits):
    """Equal to the printed number to the digits it is printed with."""
    return pytest.approx(expected, abs=0.5000001 * 10.0**-digits, rel=0)


def test_e3_6_observed_and_expected():
    p, y = np.array([0.2, 0.35, 0.5, 0.4, 0.6, 0.3, 0.25, 0.45]), np.array([1, 0, 1, 1, 1, 0, 0, 1])
    expected, variance = p.sum(), (p * (1 - p)).sum()
    assert (y.sum(), expected, variance) == (5, pytest.approx(3.05), pytest.approx(1.7625))
    result = observed_expected([y.sum()], [expected], [variance], 0.42)
    assert result.ratio == printed([1.6393], 4)
    assert result.z == printed([1.4688], 4)
    assert result.rate == printed([0.6885], 4)
    assert not result.clipped.any()
    limits = ratio_limits_of_groups(p, y, np.zeros(8), 1)
    # Common outcomes: the exact limits from the chances lie inside Poisson's.
    assert result.poisson_lower < limits.lower < result.ratio < limits.upper < result.poisson_upper


def test_e3_6_rates_above_one_are_clipped_and_say_so():
    result = observed_expected([5], [3.05], [1.7625], 0.7)
    assert result.rate == [1.0]
    assert result.clipped == [True]


def test_e3_6_count_type_limits():
    result = observed_expected([18], [12.4], [10.0], 0.42)
    assert result.ratio == printed([1.4516], 4)
    assert [result.poisson_lower[0], result.poisson_upper[0]] == printed([0.8603, 2.2942], 4)
    assert [result.byar_lower[0], result.byar_upper[0]] == printed([0.8599, 2.2943], 4)


def test_e3_6b_ratios_of_two_clinics_are_not_comparable_but_direct_rates_are():
    # Both clinics: mild .6, severe .4. Reference: mild .6, severe .2. A treats 90 mild and 10 severe, B 10 and 90.
    observed = [90 * 0.6 + 10 * 0.4, 10 * 0.6 + 90 * 0.4]
    expected = [90 * 0.6 + 10 * 0.2, 10 * 0.6 + 90 * 0.2]
    variance = [90 * 0.24 + 10 * 0.16, 10 * 0.24 + 90 * 0.16]
    result = observed_expected(observed, expected, variance, 0.4)
    assert result.ratio == printed([1.0357, 1.75], 4)
    assert result.comparable is False
    assert "each only with the reference" in result.caution
    # The model behind is one of the clinics' own strata, where both have the same effect: none.
    own = special.logit([0.6, 0.4])
    assert direct_rate(0.0, [0.0, 0.0], own) == pytest.approx([0.5, 0.5], rel=1e-12)


def test_e3_6b_direct_rates_from_people():
    own = special.logit([0.6, 0.4])
    rows = [
        (own[stratum], met, clinic)
        for clinic, people in enumerate([(90, 10), (10, 90)])
        for stratum, rate in enumerate([0.6, 0.4])
        for met in np.arange(people[stratum]) < round(people[stratum] * rate)
    ]
    lp, y, clinic = (np.array(column) for column in zip(*rows, strict=True))
    rates = direct_rates_from_rows(lp, y, clinic, 2, own)
    assert rates.rate == pytest.approx([0.5, 0.5], rel=1e-9)
    assert rates.n.tolist() == [100, 100]


def test_e3_7_predicted_and_expected():
    result = predicted_expected(LINEAR_PREDICTOR, [0] * 4, [0.45], 0.42, intercept=-0.3)
    assert result.predicted == printed([1.938404], 6)
    assert result.expected == printed([1.538846], 6)
    assert result.ratio == printed([1.259647], 6)
    assert result.rate == printed([0.529052], 6)
    assert result.expected_at is ExpectedAt.AVERAGE_CLINIC
    marginal = predicted_expected(LINEAR_PREDICTOR, [0] * 4, [0.45], 0.42, intercept=-0.3, tau2=0.25)
    assert marginal.expected == printed([1.557261], 6)
    assert marginal.expected_at is ExpectedAt.ALL_CLINICS


def test_e3_7_direct_rate():
    assert direct_rate(-0.3, [0.45, 0.0], [-1, -0.5, 0, 0.2, 0.8, 1.1]) == printed([0.555880, 0.456200], 6)


def test_e3_8_within_and_between():
    clinics = [
        ([12, 16, 20, 14], [8, 10, 15, 7]),
        ([18, 15, 13], [9, 6, 6]),
        ([17, 11, 19, 14, 16], [14, 9, 16, 12, 12]),
    ]
    designs = [np.column_stack([np.ones(len(pre)), np.array(pre) - 15.0]) for pre, _ in clinics]
    posts = [np.array(post, dtype=float) for _, post in clinics]
    sums = MixedStatistics.from_sites(
        [len(y) for y in posts],
        [X.T @ X for X in designs],
        [X.T @ y for X, y in zip(designs, posts, strict=True)],
        [y @ y for y in posts],
    )
    result = within_between(sums)
    assert result.within.values == printed([0.857816], 6)
    assert result.random.values == printed([0.858135], 6)
    assert result.pooled.values == printed([0.863592], 6)
    assert result.posts == printed([9.571092, 6.714061, 12.256874], 6)
    assert result.variance_ratio == pytest.approx(7.382766 / 1.094133, rel=1e-4)
    assert result.random.standard_errors == printed([0.113543], 6)
    assert result.df == 1


def test_e3_10_places():
    ranks = posterior_ranks([0.60, 0.52, 0.50], [0.03, 0.04, 0.05])
    assert ranks.expected == printed([1.0980, 2.3226, 2.5794], 4)
    assert ranks.p_first == printed([0.9090, 0.0511, 0.0399], 4)
    assert ranks.refused  # three clinics whose intervals overlap
    assert "the data cannot rank these clinics" in ranks.reason


def test_e3_11_model_checks():
    p = [0.1, 0.2, 0.25, 0.3, 0.35, 0.5, 0.55, 0.6, 0.75, 0.9]
    check = calibration(p, [0, 0, 0, 1, 0, 1, 0, 1, 1, 1])
    assert check.c_statistic == pytest.approx(0.88, rel=1e-12)
    assert check.brier == printed(0.1510, 4)
    assert check.scaled_brier == printed(0.3960, 4)
    assert check.observed_expected == printed(1.1111, 4)
    assert check.in_the_large == printed(0.262087, 6)
    assert (check.intercept, check.slope) == (printed(0.576560, 6), printed(1.944184, 6))
    assert (check.ici, check.e50) == (printed(0.108253, 6), printed(0.092461, 6))


def test_e5_4_cusum_and_vlad():
    p, y = [0.3, 0.5, 0.2, 0.4, 0.6, 0.3], [1, 1, 0, 1, 1, 1]
    chart = cusum(p, y, DOUBLED)
    assert chart.weight == printed([0.4308, 0.2877, -0.1823, 0.3567, 0.2231, 0.4308], 4)
    assert chart.value == printed([0.4308, 0.7185, 0.5361, 0.8928, 1.1160, 1.5467], 4)
    assert vlad(p, y) == pytest.approx([-0.7, -1.2, -1.0, -1.6, -2.0, -2.7], rel=1e-12)
    # R_A = 1/2 as the formula reads: ln[((1-p+p)/(1-p+p/2)) / 2] when adverse.
    assert cusum_weights(p, y, HALVED)[0] == pytest.approx(np.log((1 / 0.85) * 0.5), rel=1e-12)
    assert not cusum(p, y, HALVED).value[[0, 1]].any()


def test_e5_7_edition_table():
    p = [0.001, 0.008, 0.012, 0.03, 0.041, 0.06, 0.2, 0.35, 0.6, 0.9]
    table = edition_discoveries([*p, np.nan])
    assert (table.comparisons, table.flags) == (10, 6)
    assert edition_discoveries(p, q=0.05).flags == 3
    assert table.expected_false == pytest.approx(0.6)
    assert edition_discoveries(p, any_dependence=True).adjusted[0] == printed(0.02929, 5)


def test_m5_7_twenty_clinics_by_ten_measures_make_ten_false_flags():
    assert edition_discoveries(np.ones((20, 10))).expected_false_uncorrected == pytest.approx(10)
