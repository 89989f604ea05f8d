"""Logistic mixed models against lme4: every number of the shared oracles, at the tolerances of their README."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from benchwell.models.federated_pql import clinic_round, federated_pql
from benchwell.models.logistic_mixed import logistic_mixed
from benchwell.models.quadrature import marginal_loglik_group

ORACLES = Path(__file__).parents[3] / "../shared/oracles"
needs_oracles = pytest.mark.skipif(not ORACLES.exists(), reason="the shared oracles are not here (../shared/oracles)")

CONTRACEPTION = ["laplace", "nagq0", "agq15"]
ONE_LEVEL = ["remission_laplace", "remission_nagq0"]
NESTED = ["remission_nested_laplace", "remission_nested_nagq0"]


def table(name):
    with (ORACLES / f"{name}.csv").open() as source:
        return list(csv.DictReader(source))


def model(case, name):
    return json.loads((ORACLES / f"{case}.json").read_text())["models"][name]


def levels(rows, column, names):
    return [np.array([row[column] == name for row in rows], dtype=float) for name in names]


@pytest.fixture(scope="module")
def contraception():
    rows = table("contraception")
    age = np.array([float(row["age"]) for row in rows])
    x = np.column_stack(
        [np.ones(len(rows)), age, age**2, *levels(rows, "livch", ["1", "2", "3+"]), *levels(rows, "urban", ["Y"])]
    )
    y = np.array([float(row["use"]) for row in rows])
    names, group = np.unique([row["district"] for row in rows], return_inverse=True)
    return x, y, group, names


@pytest.fixture(scope="module")
def remission():
    rows = table("sim_4200x40")

    def number(column):
        return np.array([float(row[column]) for row in rows])

    x = np.column_stack(
        [
            np.ones(len(rows)),
            (number("age") - 42) / 10,
            *levels(rows, "sex", ["female"]),
            number("phq9_base") - 15,
            number("comorbidity"),
            number("sdoh"),
            *levels(rows, "insurance", ["medicaid", "medicare", "uninsured"]),
            *levels(rows, "ethnicity", ["black", "hispanic", "other"]),
            *levels(rows, "language", ["other"]),
            *levels(rows, "modality", ["telehealth", "hybrid"]),
        ]
    )
    clinics, clinic = np.unique([row["clinic_id"] for row in rows], return_inverse=True)
    clinicians, group = np.unique([f"{r['clinician_id']}:{r['clinic_id']}" for r in rows], return_inverse=True)
    parent = np.zeros(len(clinicians), dtype=int)
    parent[group] = clinic
    return x, number("remission"), clinic, clinics, group, clinicians, parent


def points_of(name):
    return {"nagq0": 0, "laplace": 1, "agq15": 15}[name.rsplit("_", 1)[-1]]


def agrees(fit, reference):
    """Log-likelihood, fixed effects, both kinds of standard errors, correlations of the fixed effects."""
    beta, se = np.array(list(reference["fixef"].values())), np.array(list(reference["se"].values()))
    assert fit.converged
    assert fit.loglik == pytest.approx(reference["logLik"], abs=1e-4)
    assert fit.deviance == -2 * fit.loglik
    assert np.abs((fit.coefficients - beta) / se).max() < 1e-3
    assert fit.standard_errors == pytest.approx(se, rel=1e-3)
    assert np.sqrt(np.diag(fit.covariance_rx)) == pytest.approx(np.array(list(reference["se_RX"].values())), rel=1e-3)
    vcov = np.array(reference["vcov"])
    assert np.abs((fit.covariance - vcov) / np.outer(se, se)).max() < 2e-3


def effects_agree(modes, sds, reference, names, rel=1e-4):
    at = {name: index for index, name in enumerate(reference["id"])}
    order = [at[name] for name in names]
    for ours, column in ((modes, "mode:(Intercept)"), (sds, "condsd:(Intercept)")):
        theirs = np.array(reference[column], dtype=float)[order]
        assert np.abs(ours - theirs).max() <= rel * np.abs(theirs).max() + 1e-6


@needs_oracles
@pytest.mark.shared
@pytest.mark.parametrize("name", CONTRACEPTION)
def test_contraception(contraception, name):
    x, y, group, names = contraception
    reference = model("contraception", name)
    fit = logistic_mixed(x, y, None, group, points=points_of(name))
    agrees(fit, reference)
    assert fit.sd_inner == pytest.approx(reference["varcomp"][0]["sdcor"], rel=1e-4)
    effects_agree(fit.effects_inner, fit.effects_inner_sd, reference["ranef"]["district"], names)
    assert fit.singular is reference["singular"]


@needs_oracles
@pytest.mark.shared
@pytest.mark.parametrize("name", ONE_LEVEL)
def test_remission_by_clinic(remission, name):
    x, y, clinic, clinics, *_ = remission
    reference = model("sim_4200x40", name)
    fit = logistic_mixed(x, y, None, clinic, points=points_of(name))
    agrees(fit, reference)
    assert fit.sd_inner == pytest.approx(reference["varcomp"][0]["sdcor"], rel=1e-4)
    effects_agree(fit.effects_inner, fit.effects_inner_sd, reference["ranef"]["clinic_id"], clinics)


@needs_oracles
@pytest.mark.shared
@pytest.mark.parametrize("name", NESTED)
def test_remission_by_clinician_in_clinic(remission, name):
    x, y, _, clinics, group, clinicians, parent = remission
    reference = model("sim_4200x40", name)
    fit = logistic_mixed(x, y, None, group, parent, points=points_of(name))
    agrees(fit, reference)
    assert (fit.singular, fit.sd_inner) == (True, 0.0)
    # With no spread between clinicians this is the one-level model. lme4's nested Laplace search stopped at .441476,
    # 2.2e-4 away from its own one-level .441574 and at a lower likelihood than ours: held to 3e-4 there.
    rel = 3e-4 if points_of(name) == 1 else 1e-4
    assert fit.loglik >= reference["logLik"] - 1e-7
    assert fit.sd_outer == pytest.approx(reference["varcomp"][1]["sdcor"], rel=rel)
    effects_agree(fit.effects_outer, fit.effects_outer_sd, reference["ranef"]["clinic_id"], clinics, rel)
    inner = reference["ranef"]["clinician_id:clinic_id"]
    effects_agree(fit.effects_inner, fit.effects_inner_sd, inner, clinicians)


@needs_oracles
@pytest.mark.shared
def test_quasi_likelihood_is_that_of_glmmpql(contraception):
    """MASS 7.3 glmmPQL(use ~ age + I(age^2) + livch + urban, ~1|district, binomial, niter=50), R 4.2.2."""
    x, y, group, names = contraception

    def clinic(rows):
        return lambda beta, effect: clinic_round(x[rows], y[rows], beta, effect)

    fit = federated_pql([clinic(group == code) for code in range(len(names))], x.shape[1])
    theirs = [
        -1.01594700994,
        0.00350888065862,
        -0.0044888007839,
        0.8021796051,
        0.90132788794,
        0.90006578220,
        0.6838982697,
    ]
    assert fit.converged
    assert fit.coefficients == pytest.approx(theirs, rel=1e-5)
    assert fit.sd == pytest.approx(0.4710931, rel=1e-5)
    assert np.sqrt(fit.dispersion) == pytest.approx(0.983044709463, rel=1e-5)
    se = [
        0.1712850369180,
        0.0090570995169,
        0.0007107889668,
        0.1591689298253,
        0.1816963785,
        0.1823185378184,
        0.1177428015,
    ]
    assert np.sqrt(np.diag(fit.covariance)) == pytest.approx(se, rel=1e-5)


def test_e3_4_one_clinic():
    clinic = marginal_loglik_group(np.ones((4, 1)), [0, 1, 1, 0], [-0.3], 0.5, offset=[-1.2, -0.4, 0.1, 0.6], points=7)
    assert clinic.value == pytest.approx(-3.032723, abs=5e-7)
    assert clinic.posterior_mean == pytest.approx(0.092082, abs=5e-7)
    assert clinic.mode == pytest.approx(0.094696, abs=5e-7)
