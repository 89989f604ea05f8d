"""The growth model of expected courses against lme4, on scores and with a script that lie beside this test."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from benchwell.models.response_curve import Scores, fit_growth

DATA = Path(__file__).parent / "data"
# lme4 stops when the deviance no longer falls: its variances are good to about five digits, its fixed effects to more.
FIXED, ERRORS, VARIANCES, LOGLIK = 1e-6, 1e-5, 5e-5, 1e-7


@pytest.fixture(scope="module")
def fit():
    with (DATA / "weekly_growth.csv").open(newline="") as file:
        rows = [(int(row["person"]), float(row["day"]), float(row["value"])) for row in csv.DictReader(file)]
    person, day, value = (np.array(column) for column in zip(*rows, strict=True))
    return fit_growth(Scores(person, np.log1p(day / 7), value))


@pytest.fixture(scope="module")
def lme4():
    return json.loads((DATA / "weekly_growth.json").read_text())


@pytest.mark.parametrize("name", ["intercept", "slope"])
def test_fixed_effects(fit, lme4, name):
    assert getattr(fit.growth, name) == pytest.approx(lme4[name], rel=FIXED)
    assert getattr(fit, f"{name}_se") == pytest.approx(lme4[f"{name}_se"], rel=ERRORS)


@pytest.mark.parametrize("name", ["intercept_variance", "covariance", "slope_variance", "residual_variance"])
def test_variances(fit, lme4, name):
    assert getattr(fit.growth, name) == pytest.approx(lme4[name], rel=VARIANCES)


def test_the_likelihood_is_as_high(fit, lme4):
    assert fit.converged
    assert fit.loglik == pytest.approx(lme4["loglik"], rel=LOGLIK)
