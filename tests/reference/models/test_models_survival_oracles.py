"""Survival against R's `survival`: every number of the veteran case, within 1e-6 relative."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path

import numpy as np
import pytest

from benchwell.models.cox import cox
from benchwell.models.kaplan_meier import (
    LimitScale,
    kaplan_meier,
    median_time,
    restricted_mean,
    survival_at,
    time_quantile,
)
from benchwell.models.log_rank import log_rank_test

ORACLES = Path(__file__).parents[3] / ".." / "shared" / "oracles"

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not ORACLES.exists(), reason="the shared oracle veteran (survival results) is not here"),
]


def same(expected):
    values = np.array([math.nan if value is None else value for value in np.ravel(expected)], dtype=float)
    return pytest.approx(values, rel=1e-6, abs=1e-15, nan_ok=True)


@pytest.fixture(scope="module")
def veterans():
    with (ORACLES / "veteran.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    names = ("trt", "time", "status", "karno", "age")
    return {name: np.array([float(row[name]) for row in rows]) for name in names}


@pytest.fixture(scope="module")
def oracle():
    return json.loads((ORACLES / "veteran.json").read_text(encoding="utf-8"))["models"]


def curves(veterans, name, scale=LimitScale.LOG):
    arms = [np.full(137, True)] if name == "km" else [veterans["trt"] == 1, veterans["trt"] == 2]
    return [kaplan_meier(veterans["time"][arm], veterans["status"][arm], scale=scale) for arm in arms]


def test_nothing_in_the_reference_is_left_out(oracle):
    assert set(oracle) == {"km", "km_trt", "logrank", "cox"}
    parts = {"call", "median_ci_log", "median_ci_log-log", "median_ci_plain", "at", "quantiles_log", "rmean365"}
    assert set(oracle["km"]) == set(oracle["km_trt"]) == parts
    assert set(oracle["logrank"]) == {"call", "chisq", "obs", "exp", "p"}
    assert set(oracle["cox"]) == {"call", "coef", "se", "loglik", "n", "nevent", "concordance"}


@pytest.mark.parametrize("name", ["km", "km_trt"])
@pytest.mark.parametrize("scale", LimitScale)
def test_medians(veterans, oracle, name, scale):
    expected = oracle[name][f"median_ci_{scale.value}"].values()
    for curve, wanted in zip(curves(veterans, name, scale), expected, strict=True):
        found = median_time(curve)
        people, events = curve.risk.at_risk[0], curve.risk.events.sum()
        assert [people, events, found.time, found.lower, found.upper] == same(list(wanted.values()))


@pytest.mark.parametrize("name", ["km", "km_trt"])
def test_curves_at_four_times(veterans, oracle, name):
    expected = oracle[name]["at"]
    values = [survival_at(curve, [90, 180, 365, 730]) for curve in curves(veterans, name)]
    fields = {"surv": "value", "se": "std_error", "lcl_log": "lower", "ucl_log": "upper", "n_risk": "at_risk"}
    for key, field in fields.items():
        assert np.concatenate([getattr(value, field) for value in values]) == same(expected[key]), key


@pytest.mark.parametrize("name", ["km", "km_trt"])
def test_quantiles(veterans, oracle, name):
    expected = oracle[name]["quantiles_log"]
    found = [[time_quantile(curve, p) for p in (0.25, 0.5, 0.75)] for curve in curves(veterans, name)]
    for key, field in {"q25_50_75": "time", "lower": "lower", "upper": "upper"}.items():
        assert [getattr(one, field) for curve in found for one in curve] == same(expected[key]), key


@pytest.mark.parametrize("name", ["km", "km_trt"])
def test_restricted_means(veterans, oracle, name):
    means = [restricted_mean(curve, 365.0) for curve in curves(veterans, name)]
    assert [one.mean for one in means] == same(oracle[name]["rmean365"]["rmean"])
    assert [one.std_error for one in means] == same(oracle[name]["rmean365"]["se"])


def test_log_rank(veterans, oracle):
    expected, test = oracle["logrank"], log_rank_test(veterans["time"], veterans["status"], veterans["trt"])
    assert test.observed == same(expected["obs"])
    assert test.expected == same(expected["exp"])
    assert [test.chi_squared, test.p_value] == same([expected["chisq"], expected["p"]])


def test_cox(veterans, oracle):
    expected = oracle["cox"]
    covariates = np.column_stack([veterans[name] for name in expected["coef"]])
    fit = cox(veterans["time"], veterans["status"], covariates)
    assert fit.coefficient == same(list(expected["coef"].values()))
    assert fit.std_error == same(list(expected["se"].values()))
    assert [fit.log_likelihood_null, fit.log_likelihood] == same(expected["loglik"])
    assert [fit.n, fit.n_events] == [expected["n"], expected["nevent"]]
    assert fit.concordance.value == same(expected["concordance"])
