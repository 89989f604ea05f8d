"""A fit is frozen, and wrong use is answered in words."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import polars as pl
import pytest

import benchwell
from benchwell.casemix.fitting import DoubtfulFitWarning
from benchwell.errors import ModelError


@pytest.fixture(scope="module")
def frame() -> pl.DataFrame:
    rng = np.random.default_rng(5)
    clinic, age = rng.integers(0, 8, 240), rng.integers(18, 80, 240)
    change = 0.1 * age + rng.normal(0, 2, 8)[clinic] + rng.normal(0, 2, 240)
    return pl.DataFrame({"clinic": clinic, "age": age, "change": change, "remission": change > 4})


@pytest.fixture(scope="module")
def fit(frame) -> benchwell.Fit:
    return benchwell.fit_linear(frame, "change", ["age"], ["clinic"])


def test_groups_that_agree_within_are_told_by_name():
    rows = pl.DataFrame({"clinic": [j for j in range(20) for _ in range(8)]})
    rows = rows.with_columns(yes=pl.col("clinic") % 2)
    with pytest.warns(DoubtfulFitWarning, match="separated by clinic: within each one"):
        fit = benchwell.fit_logistic(rows, "yes", [], ["clinic"])
    assert "separated by clinic" in repr(fit)


def test_what_a_fit_says_cannot_be_changed(fit):
    for said in (fit.coefficients, fit.group_sd, fit.n_groups, fit.left_out, fit.found.tolerances):
        with pytest.raises(TypeError, match="cannot be changed"):
            said["age"] = 3.0
    with pytest.raises(TypeError, match="cannot be changed"):
        fit.coefficients.update(age=3.0)
    with pytest.raises(ValueError, match="read-only"):
        fit.covariance[0, 0] = 3.0
    assert isinstance(fit.coefficients, dict)
    assert copy.deepcopy(fit).check == pickle.loads(pickle.dumps(fit)).check == fit.check


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"covariates": None}, r"covariates is a list of columns.*covariates=\[\]"),
        ({"groups": None}, r"groups is a list of columns.*groups=\['clinic'\]"),
        ({"covariates": ["age", "Age"]}, "differ in upper and lower case only"),
        ({"points": 1.5}, "2 to 100"),
        ({"points": "1"}, "2 to 100"),
        ({"points": 101}, "2 to 100"),
    ],
)
def test_wrong_use_is_answered_in_words(frame, change, message):
    asked = {"covariates": ["age"], "groups": ["clinic"], "points": 1} | change
    with pytest.raises(ModelError, match=f"(?s){message}"):
        benchwell.fit_logistic(frame, "remission", **asked)


def test_a_frame_is_no_sufficient_statistics(frame):
    with pytest.raises(ModelError, match="DataFrame holds no sufficient statistics"):
        benchwell.fit_linear_statistics(frame)


def test_a_yes_no_reference_may_be_a_boolean(frame):
    told = frame.with_columns(old=pl.col("age") > 40)
    fit = benchwell.fit_linear(told, "change", ["old"], ["clinic"], references={"old": True})
    assert list(fit.coefficients) == ["(intercept)", "old[false]"]
