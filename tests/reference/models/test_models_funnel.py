"""Funnel and intervals against base R (funnel_shared_57, CC0) and against METHODS E5.1."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from benchwell.models.funnel import FunnelScale, LimitMethod, funnel, funnel_limits
from benchwell.models.intervals import clopper_pearson, poisson_exact, wilson

DATA = Path(__file__).parent / "data"
X, N = [52, 30, 61, 18, 70, 25, 40, 9], [100, 80, 120, 60, 130, 40, 100, 30]


@pytest.fixture(scope="module")
def clinics():
    with (DATA / "funnel_shared_57.csv").open() as file:
        rows = list(csv.DictReader(file))
    return np.array([float(row["x"]) for row in rows]), np.array([float(row["n"]) for row in rows])


@pytest.fixture(scope="module")
def oracle():
    return json.loads((DATA / "funnel_shared_57.json").read_text())["models"]


def same(expected):
    return pytest.approx(expected, rel=1e-6, abs=1e-12)


def test_funnel_shared_57_distances_and_overdispersion(clinics, oracle):
    expected = oracle["binomial_funnel"]
    result = funnel(*clinics, scale=FunnelScale.PROPORTION)
    assert len(result.z) == 57
    assert result.target == same(expected["target"])
    assert result.z == same(expected["z"])
    assert result.phi == same(expected["phi_winsorised10"])
    assert result.tau2 == same(expected["tau2_additive"])
    assert result.z_additive == same(expected["z_random_effects"])
    assert funnel(*clinics, scale=FunnelScale.PROPORTION, winsorize=0.0).phi == same(expected["phi_unwinsorised"])


@pytest.mark.parametrize(("name", "level"), [("limits95", 0.95), ("limits998", 0.998)])
def test_funnel_shared_57_exact_limits(clinics, oracle, name, level):
    expected = oracle["binomial_funnel"]
    lower, upper = funnel_limits(clinics[1], expected["target"], level, LimitMethod.EXACT, clip=False)
    assert lower == same(expected[name]["lower"])
    assert upper == same(expected[name]["upper"])


@pytest.mark.parametrize(("method", "name"), [(wilson, "wilson95"), (clopper_pearson, "clopper_pearson95")])
def test_funnel_shared_57_proportion_intervals(clinics, oracle, method, name):
    lower, upper = method(*clinics)
    assert lower == same(oracle[name]["lower"])
    assert upper == same(oracle[name]["upper"])


def test_funnel_shared_57_poisson_intervals(clinics, oracle):
    expected = oracle["poisson_oe"]
    lower, upper = poisson_exact(clinics[0], expected["E"])
    assert clinics[0] / expected["E"] == same(expected["oe"])
    assert lower == same(expected["lower"])
    assert upper == same(expected["upper"])


def test_e5_1_funnel_distances():
    result = funnel(X, N)
    printed = {"rel": 0, "abs": 5.1e-5}
    assert result.target == pytest.approx(0.462121, abs=5e-7)
    expected_z = [1.1584, -1.5818, 1.0133, -2.6002, 1.7425, 2.0777, -1.2553, -1.8386]
    assert result.z == pytest.approx(expected_z, **printed)
    assert result.winsor_bounds == pytest.approx((-2.0671, 1.8431), **printed)
    assert result.phi == pytest.approx(2.566650, abs=5.1e-7)
    assert result.tau2 == pytest.approx(0.00600586, abs=5.1e-9)
    expected_z_star = [0.6280, -0.9254, 0.5142, -1.6641, 0.8582, 1.4837, -0.6805, -1.4017]
    assert result.z_additive == pytest.approx(expected_z_star, **printed)
    assert (np.abs(result.z) > 1.96).sum() == 2
    assert not (np.abs(result.z_additive) > 1.96).any()
    assert result.z_multiplicative == pytest.approx(result.z / 2.566650**0.5, rel=1e-6)


@pytest.mark.parametrize(
    ("level", "method", "expected"),
    [
        (0.95, LimitMethod.PLAIN, (0.3658, 0.5599)),
        (0.95, LimitMethod.ADDITIVE, (0.2882, 0.6409)),
        (0.95, LimitMethod.EXACT, (0.3600, 0.5555)),
        (0.998, LimitMethod.PLAIN, (0.3123, 0.6155)),
        (0.998, LimitMethod.ADDITIVE, (0.1991, 0.7372)),
    ],
)
def test_e5_1_funnel_limits_at_100(level, method, expected):
    fit = funnel(X, N)
    lower, upper = funnel_limits(100, fit.target, level, method, tau2=fit.tau2, phi=fit.phi)
    assert (lower, upper) == (pytest.approx(expected[0], abs=5.1e-5), pytest.approx(expected[1], abs=5.1e-5))
