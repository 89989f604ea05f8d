"""Worked examples of METHODS for mixed models and growth: E3.2, E3.3, E2.8, E2.8b, and the RE column of E3.8."""

from __future__ import annotations

import numpy as np
import pytest

import mixed_cases
from benchwell.models.growth import growth_slopes, own_slopes
from benchwell.models.linear_mixed import criterion_at, linear_mixed
from benchwell.models.mixed_intervals import profile_intervals
from benchwell.models.mixed_statistics import MixedStatistics, combine

A = [(12, 8), (16, 10), (20, 15), (14, 7)]
B = [(18, 9), (15, 6), (13, 6)]
C = [(17, 14), (11, 9), (19, 16), (14, 12), (16, 12)]


def rows_of(groups, outer=None):
    pairs = np.array([pair for group in groups for pair in group], dtype=float)
    inner = np.repeat(np.arange(len(groups)), [len(group) for group in groups])
    x = np.column_stack([np.ones(len(pairs)), pairs[:, 0] - 15])
    return mixed_cases.Rows(x, pairs[:, 1], inner, outer=None if outer is None else np.asarray(outer)[inner])


def sites():
    return MixedStatistics.from_sites(
        [4, 3, 5],
        [[[4, 2], [2, 36]], [[3, 1], [1, 13]], [[5, 2], [2, 38]]],
        [[40, 54], [21, 15], [63, 56]],
        [438, 153, 821],
    )


def test_e3_2_three_sites_that_sent_their_sums_once():
    fit = linear_mixed(sites())
    assert fit.coefficients == pytest.approx([9.53147, 0.858135], rel=1e-6)
    assert fit.standard_errors == pytest.approx([1.59943, 0.113543], rel=1e-5)
    assert fit.residual_sd**2 == pytest.approx(1.094133, rel=1e-6)
    assert fit.sd_inner**2 == pytest.approx(7.382766, rel=1e-6)
    assert fit.loglik == pytest.approx(-21.403365, abs=1e-6)
    assert fit.effects_inner == pytest.approx([0.038054, -2.684879, 2.646825], abs=1e-6)


def test_e3_2_federated_is_pooled():
    pooled = linear_mixed(rows_of([A, B, C]).statistics())
    parts = [rows_of([group]).statistics() for group in (A, B, C)]
    for fit in (linear_mixed(sites()), linear_mixed(combine(parts))):
        for name in ("coefficients", "covariance", "effects_inner", "effects_inner_sd", "reliability"):
            assert getattr(fit, name) == pytest.approx(getattr(pooled, name), rel=1e-8), name
        assert fit.loglik == pytest.approx(pooled.loglik, abs=1e-8)
        assert (fit.sd_inner, fit.residual_sd) == pytest.approx((pooled.sd_inner, pooled.residual_sd), rel=1e-8)


def test_e3_2_reliability_is_signal_over_signal_and_noise():
    fit = linear_mixed(sites())
    n = np.array([4, 3, 5])
    assert fit.reliability == pytest.approx(fit.sd_inner**2 / (fit.sd_inner**2 + fit.residual_sd**2 / n), rel=1e-10)


def test_e3_2_profile_intervals_are_lme4s():
    # lme4 1.1.31, confint(lmer(post ~ x + (1 | site)), method = "profile"), on R 4.2.2; its spline is off by 1e-4.
    intervals = profile_intervals(sites(), linear_mixed(sites()))
    assert intervals.sd_inner == pytest.approx([1.07572649, 6.6599281], rel=3e-4)
    assert intervals.residual_sd == pytest.approx([0.66068256, 1.7024921], rel=3e-4)
    assert intervals.coefficients[0] == pytest.approx([5.87481115, 13.1661515], rel=3e-4)
    assert intervals.coefficients[1] == pytest.approx([0.62408404, 1.0928383], rel=3e-4)


def test_e3_3_clinicians_in_clinics_at_given_variances():
    clinicians = [
        [(12, 8), (16, 10), (20, 15)],
        [(14, 7), (18, 9)],
        [(15, 6), (13, 6), (17, 14)],
        [(11, 9), (19, 16)],
        [(14, 12), (16, 12), (12, 9)],
        [(18, 16), (15, 10)],
    ]
    statistics = rows_of(clinicians, outer=[0, 0, 1, 1, 2, 2]).statistics()
    at = criterion_at(statistics, inner_variance=1.5, outer_variance=2.5, residual_variance=4.0)
    assert at.coefficients == pytest.approx([10.286153, 0.961847], rel=1e-6)
    assert at.loglik == pytest.approx(-33.368402, abs=1e-6)


def test_e2_8_slope_of_one_person():
    weeks, scores = np.array([0.0, 2.0, 4.0, 8.0]), np.array([18.0, 15.0, 13.0, 8.0])
    slope, spread = own_slopes(4, weeks.sum(), weeks @ weeks, scores.sum(), weeks @ scores)
    person = growth_slopes(slope, spread, residual_variance=4.0, slope_variance=0.36, mean_slope=-0.8)
    assert (float(slope), float(spread)) == pytest.approx((-1.228571, 35.0), rel=1e-6)
    assert float(person.own_variance) == pytest.approx(0.114286, rel=1e-5)
    assert float(person.reliability) == pytest.approx(0.7590, abs=5e-5)
    assert float(person.slope) == pytest.approx(-1.1253, abs=5e-5)


def test_e2_8_b_ever_improved_mistakes_error_for_change():
    generator = np.random.default_rng(28)
    scores = generator.normal(0.0, 1.87, size=(400_000, 9))
    drops = scores[:, :1] - scores[:, 1:]
    assert (drops >= 6).any(axis=1).mean() == pytest.approx(0.064, abs=0.003)
    assert (drops[:, -1] >= 6).mean() == pytest.approx(0.011, abs=0.003)


def test_e2_8_b_shrunken_slopes_of_people_who_did_not_change_stay_near_zero():
    generator = np.random.default_rng(28)
    people, weeks = 400, np.arange(9.0)
    inner = np.repeat(np.arange(people), 9)
    x = np.column_stack([np.ones(9 * people), np.tile(weeks, people)])
    y = 15 + np.repeat(generator.normal(0, 3, people), 9) + generator.normal(0, 1.87, 9 * people)
    fit = linear_mixed(mixed_cases.Rows(x, y, inner, slope=1).statistics())
    own = (y.reshape(people, 9) - y.reshape(people, 9).mean(axis=1)[:, None]) @ (weeks - 4) / 60
    # A drop of 6 points over the 8 weeks: the last score alone shows it in some, the model in nobody.
    assert np.abs(own).max() > 0.6
    assert np.abs(fit.coefficients[1] + fit.effects_inner[:, 1]).max() < 0.25


def test_growth_needs_a_spread_of_times_for_an_own_slope():
    slope, spread = own_slopes([1, 2], [3.1, 6.2], [9.61, 19.22], [10, 22], [31, 68.2])
    people = growth_slopes(slope, spread, residual_variance=4.0, slope_variance=0.36, mean_slope=-0.8)
    assert people.slope == pytest.approx([-0.8, -0.8])
    assert people.reliability.tolist() == [0, 0]
    assert np.isinf(people.own_variance).all()
    assert people.sd == pytest.approx([0.6, 0.6])


@pytest.mark.parametrize(
    ("change", "message"),
    [({"residual_variance": 0.0}, "residual_variance"), ({"slope_variance": -1.0}, "slope_variance")],
)
def test_growth_refuses_variances_that_cannot_be(change, message):
    given = {"residual_variance": 4.0, "slope_variance": 0.36, "mean_slope": -0.8} | change
    with pytest.raises(ValueError, match=message):
        growth_slopes(-1.0, 35.0, **given)


def test_growth_refuses_people_without_scores():
    with pytest.raises(ValueError, match="n must be at least 1"):
        own_slopes(0, 0, 0, 0, 0)
