"""Edges of places, CUSUM limits and comparisons counted together."""

from __future__ import annotations

import math

import numpy as np
import pytest

from benchwell.models.cusum import HALVED, cusum, cusum_weights
from benchwell.models.cusum_limits import control_limit, control_limits, run_lengths
from benchwell.models.funnel import funnel, funnel_of_ratios, overdispersed_z, ratio_funnel_limits
from benchwell.models.multiplicity import edition_discoveries
from benchwell.models.ranks import posterior_ranks, rank_confidence_sets


def test_places_of_clear_clinics_are_given_and_of_alike_ones_refused():
    clear = posterior_ranks(np.arange(20.0), np.full(20, 0.3))
    assert not clear.refused
    assert clear.reason == ""
    assert clear.expected[-1] == pytest.approx(1, abs=0.02)
    assert clear.p_top_tenth[-2:] == pytest.approx([1, 1], abs=0.02)
    alike = posterior_ranks(np.full(20, 0.5), np.full(20, 0.1))
    assert alike.refused
    assert alike.expected == pytest.approx(np.full(20, 10.5))
    assert alike.p_first == pytest.approx(np.full(20, 0.05))
    first, last = rank_confidence_sets(np.full(20, 0.5), np.full(20, 0.1))
    assert (first.min(), last.max(), first.max(), last.min()) == (1, 20, 1, 20)


def test_a_thousand_clinics_are_placed():
    rng = np.random.default_rng(0)
    ranks = posterior_ranks(rng.normal(size=1_200), rng.uniform(0.1, 0.6, size=1_200))
    assert ranks.p_first.sum() == pytest.approx(1)


def test_cusum_restarts_after_a_signal():
    chart = cusum([0.5] * 6, [1] * 6, limit=0.5)
    assert chart.signals.tolist() == [1, 3, 5]
    assert chart.value == pytest.approx(np.log(2 / 1.5) * np.array([1, 2, 1, 2, 1, 2]))


@pytest.mark.parametrize("odds_ratio", [2.0, HALVED])
def test_simulated_limit_leaves_a_clinic_in_peace_for_five_years(odds_ratio):
    p = np.random.default_rng(1).beta(2, 3, size=120)
    limit = control_limit(p, odds_ratio, seed=2)
    assert limit.wanted == 600
    assert limit.run_length >= 600
    assert limit.standard_error < 0.04 * limit.run_length
    # Simulated people that the search did not see, one after another.
    rng = np.random.default_rng(99)
    lengths, c, since = [], 0.0, 0
    weights = [cusum_weights(p, np.full(120, one), odds_ratio) for one in (0.0, 1.0)]
    who = rng.integers(0, 120, size=150_000)
    for one, adverse in zip(who.tolist(), (rng.random(150_000) < p[who]).tolist(), strict=True):
        c, since = max(0.0, c + weights[adverse][one]), since + 1
        if c >= limit.h:
            lengths.append(since)
            c, since = 0.0, 0
    doubt = np.std(lengths) / math.sqrt(len(lengths))
    assert abs(np.mean(lengths) - limit.run_length) < 4 * math.hypot(doubt, limit.standard_error)


def test_solved_limits_are_those_of_simulation():
    rng = np.random.default_rng(5)
    years = [rng.beta(*shape, size=size) for shape, size in [((2, 5), 60), ((5, 5), 300), ((30, 20), 150)]]
    for odds_ratio in (2.0, HALVED):
        solved = control_limits(years, odds_ratio)
        simulated = [control_limit(year, odds_ratio, replicates=600, seed=7).h for year in years]
        assert solved == pytest.approx(simulated, abs=0.12)  # 3 % of a run length are .04 of a limit


def test_run_length_rises_with_the_limit_and_limits_with_volume():
    lengths = run_lengths(np.full((3, 2), 0.4), [1.0, 2.0, 3.0])
    assert (np.diff(lengths) > 0).all()
    limits = control_limits([[0.4] * n for n in (20, 100, 500)])
    assert (np.diff(limits) > 0).all()
    assert control_limits([]).tolist() == []


def test_limits_of_four_hundred_clinics_lie_where_limits_lie():
    rng = np.random.default_rng(0)
    years = [rng.beta(3, 3, size=int(n)) for n in rng.integers(50, 900, size=400)]
    limits = control_limits(years)
    assert ((limits > 2) & (limits < 6)).all()


def test_an_edition_without_comparisons_has_no_flags():
    table = edition_discoveries([math.nan])
    assert (table.comparisons, table.flags, table.expected_false) == (0, 0, 0)


def test_e5_1_distances_of_any_kind_are_those_of_the_funnel():
    met, n = np.array([52, 30, 61, 18, 70, 25, 40, 9]), np.array([100, 80, 120, 60, 130, 40, 100, 30])
    expected = funnel(met, n)
    distance = np.arcsin(np.sqrt(met / n)) - np.arcsin(np.sqrt(met.sum() / n.sum()))
    found = overdispersed_z(distance, 0.25 / n)
    assert found.phi == pytest.approx(2.566650, rel=1e-6)
    assert found.tau2 == expected.tau2
    assert found.z_additive == pytest.approx(expected.z_additive)
    assert found.z_multiplicative == pytest.approx(expected.z_multiplicative)


def test_poor_adjustment_widens_the_funnel_of_ratios_and_chance_alone_does_not():
    rng = np.random.default_rng(1)
    expected = rng.uniform(20, 200, size=300)
    variance = 0.6 * expected
    chance = funnel_of_ratios(expected + np.sqrt(variance) * rng.standard_normal(300), expected, variance)
    assert (np.abs(chance.z_additive) > 1.96).mean() < 0.08
    spread = 1 + 0.3 * rng.standard_normal(300)
    poor = funnel_of_ratios(
        np.maximum(expected * spread + np.sqrt(variance) * rng.standard_normal(300), 0), expected, variance
    )
    assert poor.overdispersed
    assert poor.tau2 == pytest.approx(0.09, rel=0.4)
    assert (np.abs(poor.z) > 1.96).mean() > 0.4
    assert 0.05 < (np.abs(poor.z_additive) > 1.96).mean() < 0.16  # 10 %, as the docstring says
    unpulled = overdispersed_z(poor.z * np.sqrt(variance) / expected, variance / expected**2, winsorize=0.0)
    assert (np.abs(unpulled.z_additive) > 1.96).mean() < 0.08
    lower, upper = ratio_funnel_limits(expected**2 / variance, tau2=poor.tau2)
    outside = (1 + poor.z * np.sqrt(variance) / expected > upper) | (1 + poor.z * np.sqrt(variance) / expected < lower)
    assert (outside <= (np.abs(poor.z_additive) >= 1.959)).all()
