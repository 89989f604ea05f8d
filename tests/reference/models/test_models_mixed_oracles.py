"""Linear mixed models against lme4 1.1.31, every number that the oracle's README gives a tolerance for."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

import mixed_cases
from benchwell.models.linear_mixed import linear_mixed
from benchwell.models.mixed_intervals import profile_intervals

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not mixed_cases.ORACLES.exists(), reason="the shared oracles are not beside this clone"),
]

# From the README of the oracles.
LOGLIK = 1e-6
RELATIVE = 5e-5

CATEGORIES = {
    "sex": ["female"],
    "insurance": ["medicaid", "medicare", "uninsured"],
    "ethnicity": ["black", "hispanic", "other"],
    "language": ["other"],
    "modality": ["telehealth", "hybrid"],
}


def number(column):
    return column.astype(np.float64)


def exam(table, model):
    x = [np.ones(len(table["sex"])), number(table["standLRT"]), table["sex"] == "M", number(table["schavg"])]
    inner, names = mixed_cases.index_of(table["school"])
    slope = 1 if model.startswith("rs") else None
    return mixed_cases.Rows(np.column_stack(x).astype(float), number(table["normexam"]), inner, slope=slope), {
        "school": names
    }


def pastes(table, _):
    outer, batches = mixed_cases.index_of(table["batch"])
    inner, casks = mixed_cases.index_of(np.char.add(np.char.add(table["cask"], ":"), table["batch"]))
    rows = mixed_cases.Rows(np.ones((len(outer), 1)), number(table["strength"]), inner, outer=outer)
    return rows, {"cask:batch": casks, "batch": batches}


def simulated(table, model):
    columns = [np.ones(len(table["age"])), (number(table["age"]) - 42) / 10]
    columns += [table["sex"] == "female", number(table["phq9_base"]) - 15]
    columns += [number(table["comorbidity"]), number(table["sdoh"])]
    columns += [table[name] == level for name, levels in CATEGORIES.items() if name != "sex" for level in levels]
    clinic, clinics = mixed_cases.index_of(table["clinic_id"])
    pair = np.char.add(np.char.add(table["clinician_id"], ":"), table["clinic_id"])
    clinician, clinicians = mixed_cases.index_of(pair)
    y = number(table["change" if "int" in model else "change_cont"])
    x = np.column_stack(columns).astype(float)
    if "nested" not in model:
        return mixed_cases.Rows(x, y, clinic), {"clinic_id": clinics}
    return mixed_cases.Rows(x, y, clinician, outer=clinic), {"clinician_id:clinic_id": clinicians, "clinic_id": clinics}


CASES = {"exam": exam, "pastes_nested": pastes, "sim_4200x40": simulated}
MODELS = [
    ("exam", "ri_reml"),
    ("exam", "ri_ml"),
    ("exam", "rs_reml"),
    ("pastes_nested", "nested_reml"),
    ("pastes_nested", "nested_ml"),
    ("sim_4200x40", "change_ri_reml"),
    ("sim_4200x40", "change_ri_ml"),
    ("sim_4200x40", "change_nested_reml"),
    ("sim_4200x40", "change_int_nested_reml"),
]


@cache
def fitted(case, model):
    results, table = mixed_cases.oracle(case)
    rows, levels = CASES[case](table, model)
    fit = linear_mixed(rows.statistics(), method="reml" if results["models"][model]["REML"] else "ml")
    return results["models"][model], fit, levels


@pytest.mark.parametrize(("case", "model"), MODELS)
def test_log_likelihood_and_parameters_are_lme4s(case, model):
    expected, fit, _ = fitted(case, model)
    assert fit.converged
    assert fit.loglik == pytest.approx(expected["logLik"], abs=LOGLIK)
    assert fit.deviance == pytest.approx(expected["criterion"], abs=2 * LOGLIK)
    assert fit.df == expected["df"]
    assert fit.n == expected["nobs"]
    assert fit.singular == expected["singular"]
    assert fit.theta == pytest.approx(list(expected["theta"].values()), rel=RELATIVE)


@pytest.mark.parametrize(("case", "model"), MODELS)
def test_fixed_effects_and_their_covariance_are_lme4s(case, model):
    expected, fit, _ = fitted(case, model)
    assert fit.coefficients == pytest.approx(list(expected["fixef"].values()), rel=RELATIVE)
    assert fit.standard_errors == pytest.approx(list(expected["se"].values()), rel=RELATIVE)
    size = np.outer(fit.standard_errors, fit.standard_errors)
    assert fit.covariance / size == pytest.approx(np.array(expected["vcov"]) / size, abs=RELATIVE)


@pytest.mark.parametrize(("case", "model"), MODELS)
def test_standard_deviations_are_lme4s(case, model):
    expected, fit, levels = fitted(case, model)
    got = {(name, "(Intercept)", None): sd for name, sd in zip(levels, [fit.sd_inner, fit.sd_outer], strict=False)}
    got["Residual", None, None] = fit.residual_sd
    if fit.slope_sd is not None:
        (name,) = levels
        got[name, "standLRT", None] = fit.slope_sd
        got[name, "(Intercept)", "standLRT"] = fit.slope_correlation
    wanted = {(row["grp"], row["var1"], row["var2"]): row["sdcor"] for row in expected["varcomp"]}
    assert got == pytest.approx(wanted, rel=RELATIVE)


@pytest.mark.parametrize(("case", "model"), MODELS)
def test_effects_of_groups_and_their_conditional_sds_are_lme4s(case, model):
    expected, fit, levels = fitted(case, model)
    effects = [(fit.effects_inner, fit.effects_inner_sd), (fit.effects_outer, fit.effects_outer_sd)]
    for (name, labels), (effect, sd) in zip(levels.items(), effects, strict=False):
        theirs = expected["ranef"][name]
        order = [labels.index(label) for label in theirs["id"]]
        for column, term in enumerate(["(Intercept)", "standLRT"][: 1 if effect.ndim == 1 else 2]):
            mode, spread = np.array(theirs[f"mode:{term}"]), np.array(theirs[f"condsd:{term}"])
            ours = effect.reshape(len(effect), -1)[order, column]
            assert ours == pytest.approx(mode, abs=RELATIVE * np.abs(mode).max())
            assert sd.reshape(len(sd), -1)[order, column] == pytest.approx(spread, rel=RELATIVE)


def test_profile_intervals_of_nested_levels_are_lme4s():
    expected, fit, _ = fitted("pastes_nested", "nested_reml")
    _, table = mixed_cases.oracle("pastes_nested")
    intervals = profile_intervals(pastes(table, None)[0].statistics(), fit)
    ours = {
        ".sig01": intervals.sd_inner,
        ".sig02": intervals.sd_outer,
        ".sigma": intervals.residual_sd,
        "(Intercept)": intervals.coefficients[0],
    }
    for name, theirs in expected["profile_ci95"].items():
        # lme4 reads its limits off a spline; ours are solved for.
        assert ours[name] == pytest.approx(theirs, rel=1e-4), name
