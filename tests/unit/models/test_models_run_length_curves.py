"""Limits read off a lattice of kinds of clinics against run lengths of the clinic's own chances."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special

from benchwell.models.cusum import is_monitored
from benchwell.models.cusum_limits import control_limit, run_lengths
from benchwell.models.run_length_curves import chart_limits

YEARS = 5.0


def chances(kind: str, mean: float, n: int, rng: np.random.Generator) -> np.ndarray:
    logit = (
        mean
        + {
            "normal": lambda: rng.normal(0, 0.6, n),
            "exponential": lambda: rng.exponential(0.6, n),
            "one": lambda: np.zeros(n),
        }[kind]()
    )
    return np.asarray(special.expit(logit))


@pytest.mark.parametrize("odds_ratio", [2.0, 0.5])
@pytest.mark.parametrize("kind", ["normal", "exponential"])
def test_run_lengths_hold_for_a_clinics_own_chances(kind: str, odds_ratio: float) -> None:
    rng = np.random.default_rng(11)
    for mean, n in ((-1.5, 30), (-0.4, 120), (0.6, 700), (1.4, 1800)):
        p = chances(kind, mean, n, rng)
        logit = special.logit(p)
        found = chart_limits([logit.mean()], [logit.std()], [n], odds_ratio)
        parts = np.array_split(np.sort(p), min(n, 24))
        own = run_lengths(np.array([[part.mean() for part in parts]]), found.h, odds_ratio)[0]
        assert own == pytest.approx(found.run_length[0], rel=0.08)
        assert found.run_length[0] >= YEARS * n * (1 - 1e-9)
        assert own >= 0.92 * YEARS * n


@pytest.mark.parametrize("p", [0.05, 0.3, 0.5, 0.8])
def test_one_chance_for_everybody_has_its_own_curve(p: float) -> None:
    year = np.array([12.0, 40.0, 333.0, 2000.0])
    found = chart_limits(np.full(4, special.logit(p)), np.zeros(4), year)
    own = run_lengths(np.full((4, 1), p), found.h)
    np.testing.assert_allclose(own, found.run_length, rtol=0.12)
    assert (np.diff(found.h) > 0).all()


def test_agrees_with_a_simulated_clinic() -> None:
    rng = np.random.default_rng(5)
    p = chances("normal", 0.4, 60, rng)
    simulated = control_limit(p, replicates=1500, seed=3)
    logit = special.logit(p)
    found = chart_limits([logit.mean()], [logit.std()], [60])
    assert found.h[0] == pytest.approx(simulated.h, abs=0.06)


def test_more_people_a_year_or_more_years_ask_for_a_higher_limit() -> None:
    year = chart_limits([0.0, 0.0], [0.4, 0.4], [50, 500])
    assert year.h[1] > year.h[0]
    assert chart_limits([0.0], [0.4], [50], years=10).h[0] > year.h[0]


def test_refuses_what_is_no_clinic() -> None:
    with pytest.raises(ValueError, match="sd_logit"):
        chart_limits([0.0], [-0.1], [50])
    with pytest.raises(ValueError, match="years"):
        chart_limits([0.0], [0.1], [50], years=0)
    with pytest.raises(ValueError, match="year"):
        chart_limits([0.0], [0.1], [0])
    with pytest.raises(ValueError, match="shapes differ"):
        chart_limits([0.0, 1.0], [0.1], [50])


def test_nothing_is_monitored_below_the_least_number() -> None:
    found = is_monitored([9, 10, 49, 50, 60], [800, 365, 364, 1, 800], 10)
    assert found.tolist() == [False, True, False, True, True]
    assert not is_monitored([60], [800], 100)[0]
