"""Which shifts flip a light, and the smallest that does (METHODS M1.6, M5.5)."""

from __future__ import annotations

import numpy as np
import pytest

from benchwell.models.kappa_sweep import LightRule, kappa_sweep
from benchwell.models.light import light
from benchwell.models.shrinkage import shrink
from benchwell.terms import Better, Light

KAPPAS = (-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0)
RULE = LightRule(benchmark=0.40, standard_error=0.01, margin=0.03)


def swept(own_slope=-0.03, peer_slope=-0.03, own=0.55, k=40):
    peers = np.random.default_rng(4).normal(0.40, 0.06, k - 1)
    base = np.concatenate([[own], peers])
    slope = np.concatenate([[own_slope], np.full(k - 1, peer_slope)])
    return base + np.outer(KAPPAS, slope), np.full((7, k), 0.0009)


def test_if_everybodys_missing_differ_alike_the_benchmark_moves_along():
    estimates, variances = swept()
    sweep = kappa_sweep(KAPPAS, estimates, variances, 0, RULE)
    assert set(sweep.states) == {Light.ABOVE}
    assert sweep.robust
    assert sweep.tipping is None
    np.testing.assert_allclose(np.array(sweep.benchmarks) - 0.40, -0.03 * np.array(KAPPAS), atol=1e-12)


def test_if_only_this_clinics_missing_differ_the_verdict_can_flip():
    estimates, variances = swept()
    sweep = kappa_sweep(KAPPAS, estimates, variances, 0, RULE, everybody=False)
    assert set(sweep.benchmarks) == {0.40}
    assert sweep.states[:4] == (Light.ABOVE,) * 4
    assert sweep.flips == (3.0,)
    assert sweep.tipping == 3.0
    # The slow twin: one light at a time.
    for kappa, state, own in zip(KAPPAS, sweep.states, estimates[:, 0], strict=True):
        values = np.concatenate([[own], estimates[3, 1:]])
        fit = shrink(values, variances[0])
        assert light(fit.shrunken[0], fit.sd[0], 0.40, 0.01, 0.03).state is state, kappa


def test_the_light_to_be_confirmed_may_come_from_elsewhere():
    estimates, variances = swept()
    sweep = kappa_sweep(KAPPAS, estimates, variances, 0, RULE, reference=Light.BELOW)
    assert sweep.flips == KAPPAS
    assert sweep.tipping == 0.0


def test_of_two_shifts_alike_the_one_worse_for_the_missing_is_named():
    kappas = (-1.0, 0.0, 1.0)
    estimates = np.array([[0.40, 0.38, 0.42, 0.40], [0.60, 0.38, 0.42, 0.40], [0.40, 0.38, 0.42, 0.40]])
    sweep = kappa_sweep(kappas, estimates, np.full((3, 4), 0.0004), 0, RULE, everybody=False)
    assert sweep.flips == (-1.0, 1.0)
    assert sweep.tipping == 1.0


def test_lower_is_better_mirrors_the_light():
    estimates, variances = swept()
    rule = LightRule(0.40, 0.01, 0.03, better=Better.LOWER)
    assert kappa_sweep(KAPPAS, estimates, variances, 0, rule).reference is Light.BELOW


def test_clinics_without_a_figure_are_passed_over_and_one_alone_is_not_shrunken():
    estimates, variances = swept()
    padded = np.column_stack([np.full(7, np.nan), estimates, np.full(7, 0.4)])
    spreads = np.column_stack([np.full(7, np.nan), variances, np.zeros(7)])
    assert kappa_sweep(KAPPAS, padded, spreads, 1, RULE) == kappa_sweep(KAPPAS, estimates, variances, 0, RULE)
    alone = kappa_sweep(KAPPAS, estimates[:, :1], variances[:, :1], 0, RULE)
    assert alone.benchmarks == (0.40,) * 7


@pytest.mark.parametrize(
    ("kappas", "estimates", "variances", "message"),
    [
        ([1.0], [[0.5, 0.4]], [[0.1, 0.1]], "one shift must be zero"),
        ([0.0, 1.0], [[0.5, 0.4]], [[0.1, 0.1]], "one row per shift"),
        ([0.0], [[0.5, 0.4]], [[0.1]], "shapes differ"),
        ([0.0], [[np.nan, 0.4]], [[0.1, 0.1]], "NaN"),
        ([0.0], [[0.5, 0.4]], [[0.0, 0.1]], "above zero"),
    ],
)
def test_what_cannot_be_swept_is_refused(kappas, estimates, variances, message):
    with pytest.raises(ValueError, match=message):
        kappa_sweep(kappas, estimates, variances, 0, RULE)
