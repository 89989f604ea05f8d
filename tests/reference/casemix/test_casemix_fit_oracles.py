"""The public fits against lme4 1.1.31, as a user calls them, to the tolerances of the oracles' README."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import benchwell

ORACLES = Path(__file__).parents[3] / "../shared/oracles"

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not ORACLES.exists(), reason="the shared oracles are not beside this clone"),
]

EXAM = ("normexam", ["standLRT", "sex", "schavg"], ["school"], {})
PASTES = ("strength", [], ["batch", "cask"], {})
SIMULATED = ["age10", "sex", "phq9c", "comorbidity", "sdoh", "insurance", "ethnicity", "language", "modality"]
LEVELS = {
    "sex": "male",
    "insurance": "commercial",
    "ethnicity": "white",
    "language": "english",
    "modality": "in_person",
}
CLINIC, NESTED = ["clinic_id"], ["clinic_id", "clinician_id"]

LINEAR = {
    ("exam", "ri_reml"): (*EXAM, {}),
    ("exam", "ri_ml"): (*EXAM, {"method": "ml"}),
    ("exam", "rs_reml"): (*EXAM, {"slope": "standLRT"}),
    ("pastes_nested", "nested_reml"): (*PASTES, {}),
    ("pastes_nested", "nested_ml"): (*PASTES, {"method": "ml"}),
    ("sim_4200x40", "change_ri_reml"): ("change_cont", SIMULATED, CLINIC, LEVELS, {}),
    ("sim_4200x40", "change_ri_ml"): ("change_cont", SIMULATED, CLINIC, LEVELS, {"method": "ml"}),
    ("sim_4200x40", "change_nested_reml"): ("change_cont", SIMULATED, NESTED, LEVELS, {}),
    ("sim_4200x40", "change_int_nested_reml"): ("change", SIMULATED, NESTED, LEVELS, {}),
}
CONTRACEPTION = ("use", ["age", "age2", "livch", "urban"], ["district"], {})
LOGISTIC = {
    ("contraception", "laplace"): (*CONTRACEPTION, 1),
    ("contraception", "nagq0"): (*CONTRACEPTION, 0),
    ("contraception", "agq15"): (*CONTRACEPTION, 15),
    ("sim_4200x40", "remission_laplace"): ("remission", SIMULATED, CLINIC, LEVELS, 1),
    ("sim_4200x40", "remission_nagq0"): ("remission", SIMULATED, CLINIC, LEVELS, 0),
    ("sim_4200x40", "remission_nested_laplace"): ("remission", SIMULATED, NESTED, LEVELS, 1),
}


@cache
def rows(case: str) -> pl.DataFrame:
    # Ids stay what they are in the file: quoted ones are text.
    text = dict.fromkeys(("school", "student", "district"), pl.String)
    frame = pl.read_csv(ORACLES / f"{case}.csv", schema_overrides=text, null_values=["NA"])
    if case == "sim_4200x40":
        return frame.with_columns(age10=(pl.col("age") - 42) / 10, phq9c=pl.col("phq9_base") - 15)
    return frame.with_columns(age2=pl.col("age") ** 2) if case == "contraception" else frame


@cache
def linear(case: str, model: str):
    outcome, covariates, groups, references, settings = LINEAR[case, model]
    return benchwell.fit_linear(rows(case), outcome, covariates, groups, **settings, references=references)


@cache
def logistic(case: str, model: str):
    outcome, covariates, groups, references, points = LOGISTIC[case, model]
    return benchwell.fit_logistic(rows(case), outcome, covariates, groups, points, references=references)


@cache
def oracle(case: str) -> dict:
    return json.loads((ORACLES / f"{case}.json").read_text(encoding="utf-8"))["models"]


def lme4_name(column: str) -> str:
    named = {
        "(intercept)": "(Intercept)",
        "age10": "I((age - 42)/10)",
        "phq9c": "I(phq9_base - 15)",
        "age2": "I(age^2)",
    }
    return named.get(column, re.sub(r"\[(.*)\]$", r"\1", column))


def in_order(fit, values: dict) -> np.ndarray:
    """lme4's values in the order of our columns."""
    spaceless = {name.replace(" ", ""): value for name, value in values.items()}
    return np.array([spaceless[lme4_name(column).replace(" ", "")] for column in fit.coefficients])


def values(by_name: dict) -> np.ndarray:
    return np.array(list(by_name.values()))


def assert_effects(fit, expected: dict, relative: float) -> None:
    for names, ranef in expected["ranef"].items():
        effects = fit.effects(names.split(":")[0])
        assert isinstance(effects, pl.DataFrame)
        ours = {str(level): row for level, row in zip(effects["level"], effects.iter_rows(named=True), strict=True)}
        assert set(ours) == set(map(str, ranef["id"]))
        for column, name in [("effect", "mode:(Intercept)"), ("sd", "condsd:(Intercept)")]:
            got = np.array([ours[str(level)][column] for level in ranef["id"]])
            np.testing.assert_allclose(got, ranef[name], rtol=0, atol=relative * np.abs(ranef[name]).max())


@pytest.mark.parametrize(("case", "model"), LINEAR)
def test_a_linear_fit_is_that_of_lme4(case, model):
    fit, expected = linear(case, model), oracle(case)[model]
    assert fit.loglik == pytest.approx(expected["logLik"], abs=1e-6)
    assert fit.aic == pytest.approx(expected["AIC"], abs=2e-6)
    assert fit.bic == pytest.approx(expected["BIC"], abs=2e-6)
    np.testing.assert_allclose(values(fit.coefficients), in_order(fit, expected["fixef"]), rtol=5e-5)
    np.testing.assert_allclose(values(fit.standard_errors), in_order(fit, expected["se"]), rtol=5e-5)
    place = in_order(fit, {name: k for k, name in enumerate(expected["fixef"])})
    covariance = np.array(expected["vcov"])[np.ix_(place, place)]
    size = np.sqrt(np.outer(np.diag(covariance), np.diag(covariance)))
    np.testing.assert_allclose(fit.covariance / size, covariance / size, rtol=0, atol=1e-4)
    sds = {
        row["grp"].split(":")[0]: row["sdcor"]
        for row in expected["varcomp"]
        if row["var1"] in ("(Intercept)", None) and row["var2"] is None
    }
    assert fit.residual_sd == pytest.approx(sds.pop("Residual"), rel=5e-5)
    assert dict(fit.group_sd) == pytest.approx(sds, rel=5e-5)
    assert_effects(fit, expected, 5e-5)
    assert fit.found.converged


def test_a_random_slope_is_that_of_lme4():
    fit, expected = linear("exam", "rs_reml"), oracle("exam")["rs_reml"]
    by_name = {(row["var1"], row["var2"]): row for row in expected["varcomp"]}
    assert fit.slope_sd == pytest.approx(by_name["standLRT", None]["sdcor"], rel=5e-5)
    assert fit.group_correlation == pytest.approx(by_name["(Intercept)", "standLRT"]["sdcor"], rel=5e-5)
    effects, ranef = fit.effects("school"), expected["ranef"]["school"]
    ours = dict(zip(effects["level"], effects.select("slope", "slope_sd").rows(), strict=True))
    got = np.array([ours[level] for level in ranef["id"]])
    for k, name in enumerate(["mode:standLRT", "condsd:standLRT"]):
        np.testing.assert_allclose(got[:, k], ranef[name], rtol=0, atol=5e-5 * np.abs(ranef[name]).max())


def test_profile_intervals_are_those_of_lme4():
    ours = linear("pastes_nested", "nested_reml").intervals(method="profile")
    expected = oracle("pastes_nested")["nested_reml"]["profile_ci95"]
    named = {"sd(cask)": ".sig01", "sd(batch)": ".sig02", "sd(residual)": ".sigma", "(intercept)": "(Intercept)"}
    for name, theirs in named.items():
        assert ours[name] == pytest.approx(tuple(expected[theirs]), abs=2e-3), name


@pytest.mark.parametrize(("case", "model"), LOGISTIC)
def test_a_logistic_fit_is_that_of_glmer(case, model):
    fit, expected = logistic(case, model), oracle(case)[model]
    errors = in_order(fit, expected["se"])
    if not model.startswith("agq"):
        assert fit.loglik == pytest.approx(expected["logLik"], abs=1e-4)
    np.testing.assert_allclose((values(fit.coefficients) - in_order(fit, expected["fixef"])) / errors, 0, atol=1e-3)
    np.testing.assert_allclose(values(fit.standard_errors), errors, rtol=1e-3)
    for row in expected["varcomp"]:
        assert fit.group_sd[row["grp"].split(":")[0]] == pytest.approx(row["sdcor"], rel=1e-4, abs=1e-3)
    if not expected["singular"]:
        assert_effects(fit, expected, 1e-4)


def test_predictions_are_those_of_the_glmer_in_the_provider_profile():
    frame, expected = rows("sim_4200x40"), oracle("sim_4200x40")["provider_remission"]
    fit = logistic("sim_4200x40", "remission_laplace")
    sums = (
        frame.select("clinic_id", predicted=fit.predict(frame), expected=fit.predict(frame, effects=False))
        .group_by("clinic_id")
        .sum()
        .sort("clinic_id")
    )
    order = np.argsort(np.array(expected["clinic"], dtype=np.int64))
    assert sums["clinic_id"].to_list() == np.array(expected["clinic"], dtype=np.int64)[order].tolist()
    np.testing.assert_allclose(sums["predicted"], np.array(expected["P_glmm"])[order], rtol=1e-4)
    np.testing.assert_allclose(sums["expected"], np.array(expected["E_glmm"])[order], rtol=1e-4)
