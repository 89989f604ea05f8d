"""Observed, expected and predicted per clinic against R (sim_4200x40, CC0): glm and glmer, 4,200 people, 40 clinics."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from benchwell.models.calibration import calibration
from benchwell.models.fixed_effects_logistic import fit_fixed_effects_logistic
from benchwell.models.funnel import funnel_of_ratios
from benchwell.models.indirect import RatioMethod, observed_expected, ratio_limits_of_groups
from benchwell.models.logistic_regression import fit_logistic
from benchwell.models.predicted_expected import predicted_expected

ORACLES = Path(__file__).parents[3] / "../shared/oracles"

pytestmark = pytest.mark.skipif(
    not (ORACLES / "sim_4200x40.json").exists(), reason="sim_4200x40 lies outside the repository and is not here"
)

NUMBERS = {
    "I((age - 42)/10)": lambda row: (float(row["age"]) - 42) / 10,
    "I(phq9_base - 15)": lambda row: float(row["phq9_base"]) - 15,
    "comorbidity": lambda row: float(row["comorbidity"]),
    "sdoh": lambda row: float(row["sdoh"]),
}
CATEGORIES = ("sex", "insurance", "ethnicity", "language", "modality")


def column(term, rows):
    """A column of the design by R's name for its coefficient."""
    if term == "(Intercept)":
        return [1.0] * len(rows)
    if term in NUMBERS:
        return [NUMBERS[term](row) for row in rows]
    name = next(name for name in CATEGORIES if term.startswith(name))
    return [float(row[name] == term.removeprefix(name)) for row in rows]


@pytest.fixture(scope="module")
def network():
    with (ORACLES / "sim_4200x40.csv").open() as file:
        rows = list(csv.DictReader(file))
    models = json.loads((ORACLES / "sim_4200x40.json").read_text())["models"]
    expected = models["provider_remission"]
    design = np.array([column(term, rows) for term in expected["glm_coef"]]).T
    remission = np.array([float(row["remission"]) for row in rows])
    clinic = np.array([expected["clinic"].index(row["clinic_id"]) for row in rows])
    return design, remission, clinic, models


def test_sim_4200x40_observed_over_expected(network):
    design, remission, clinic, models = network
    expected = models["provider_remission"]
    fit = fit_logistic(design, remission)
    assert fit.converged
    assert fit.coefficients == pytest.approx(list(expected["glm_coef"].values()), rel=1e-6)
    assert fit.log_likelihood == pytest.approx(expected["glm_logLik"], abs=1e-6)
    p = fit.probabilities(design)
    observed = np.bincount(clinic, weights=remission)
    result = observed_expected(
        observed, np.bincount(clinic, weights=p), np.bincount(clinic, weights=p * (1 - p)), remission.mean()
    )
    assert observed.tolist() == expected["O"]
    assert result.ratio == pytest.approx(expected["OE"], rel=1e-6)
    assert funnel_of_ratios(expected["O"], expected["E"], expected["V"]).z == pytest.approx(expected["z"], rel=1e-9)
    assert result.z == pytest.approx(expected["z"], rel=1e-5, abs=1e-6)
    limits = ratio_limits_of_groups(p, remission, clinic, 40)
    assert set(limits.method) == {RatioMethod.EXACT}
    assert (limits.lower > result.poisson_lower).all()
    assert (limits.upper < result.poisson_upper).all()
    # The exact test and z agree on which clinics are far from the reference, up to discreteness.
    assert ((limits.p_value < 0.01) == (np.abs(result.z) > 2.576)).mean() >= 0.95


def test_sim_4200x40_predicted_over_expected(network):
    design, remission, clinic, models = network
    expected, fit = models["provider_remission"], models["remission_laplace"]
    mode = fit["ranef"]["clinic_id"]
    effect = [mode["mode:(Intercept)"][mode["id"].index(name)] for name in expected["clinic"]]
    lp = design @ np.array(list(fit["fixef"].values()))
    result = predicted_expected(lp, clinic, effect, remission.mean())
    assert result.predicted == pytest.approx(expected["P_glmm"], rel=1e-6)
    assert result.expected == pytest.approx(expected["E_glmm"], rel=1e-6)
    assert result.ratio == pytest.approx(expected["PE"], rel=1e-6)


def test_sim_4200x40_constants_per_clinic_are_those_of_dummies(network):
    design, remission, clinic, _ = network
    fit = fit_fixed_effects_logistic(design[:, 1:], remission, clinic, 40)
    dense = fit_logistic(np.column_stack([np.eye(40)[clinic], design[:, 1:]]), remission)
    assert fit.converged
    assert fit.used.all()
    assert fit.slopes.values == pytest.approx(dense.coefficients[40:], rel=1e-7)
    assert fit.constants == pytest.approx(dense.coefficients[:40], rel=1e-7)
    assert fit.log_likelihood == pytest.approx(dense.log_likelihood, abs=1e-7)


def test_sim_4200x40_a_maximum_likelihood_fit_is_calibrated_on_its_own_rows(network):
    design, remission, _, _ = network
    check = calibration(fit_logistic(design, remission).probabilities(design), remission)
    assert (check.observed_expected, check.slope) == (pytest.approx(1, abs=1e-8), pytest.approx(1, abs=1e-8))
    assert (check.in_the_large, check.ici) == (pytest.approx(0, abs=1e-8), pytest.approx(0, abs=1e-8))
