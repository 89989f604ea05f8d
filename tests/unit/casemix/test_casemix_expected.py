"""Expectations from within clinics: what they promise, what they refuse, and how they are checked."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from adjusted_network import CASEMIX, Truth, people
from benchwell.casemix.contrast import contrast_of
from benchwell.casemix.expectations import expectations
from benchwell.casemix.expected import CannotFitError, expect
from benchwell.casemix.model_check import Group, check, out_of_clinic
from benchwell.casemix.people import levels_of, people_of, quarters_of
from benchwell.terms import Denominator
from signals_edition import a_measure

MEASURE = a_measure()


def network(seed=1, n=3000, k=20, slope=0.8, between=0.6):
    """Columns, chances and clinics; column 0 goes along with how good a clinic is, column 1 does nothing."""
    generator = np.random.default_rng(seed)
    clinic = generator.integers(0, k, n)
    level = between * generator.normal(size=k)
    columns = np.column_stack([generator.normal(size=n) + level[clinic], generator.normal(size=n)])
    return columns, slope * columns[:, 0] + level[clinic], clinic, generator


@pytest.fixture(scope="module")
def shares():
    columns, eta, clinic, generator = network()
    return columns, (generator.random(len(eta)) < 1 / (1 + np.exp(-eta))).astype(float), clinic


@pytest.fixture(scope="module")
def means():
    columns, eta, clinic, generator = network(seed=2)
    return columns, 5 * eta + generator.normal(size=len(eta)), clinic


@pytest.mark.parametrize("mundlak", [False, True])
def test_slopes_of_shares_rest_on_people_of_the_same_clinic(shares, mundlak):
    fit = expect(*shares, 20, share=True, mundlak=mundlak)
    assert fit.slopes == pytest.approx([0.8, 0.0], abs=0.15)
    assert fit.standard_errors == pytest.approx(np.sqrt(np.diag(fit.covariance)))
    assert fit.mean(fit.predictor(shares[0])).sum() == pytest.approx(shares[1].sum(), rel=1e-10)
    chance = fit.mean(fit.predictor(shares[0]))
    assert fit.spread(chance) == pytest.approx(chance * (1 - chance))


def test_slopes_of_means_and_their_residual_spread(means):
    fit = expect(*means, 20, share=False)
    assert fit.slopes == pytest.approx([4.0, 0.0], abs=0.1)
    assert fit.residual_variance == pytest.approx(1.0, abs=0.1)
    assert fit.predictor(means[0]).sum() == pytest.approx(means[1].sum(), rel=1e-10)
    assert set(fit.spread(fit.predictor(means[0]))) == {fit.residual_variance}


def test_a_start_moves_the_number_of_steps_and_not_the_fit(shares):
    cold = expect(*shares, 20, share=True)
    warm = expect(*shares, 20, share=True, start=cold.slopes * 1.05)
    assert warm.slopes == pytest.approx(cold.slopes, rel=1e-9)
    assert warm.iterations <= cold.iterations


def test_weighted_expectations_balance_by_weight(shares):
    weight = np.random.default_rng(3).uniform(0.5, 3.0, len(shares[1]))
    fit = expect(*shares, 20, share=True, weight=weight)
    expected = fit.mean(fit.predictor(shares[0]))
    assert (weight * expected).sum() == pytest.approx((weight * shares[1]).sum(), rel=1e-10)


def test_scaling_shrinks_slopes_and_keeps_the_balance(shares):
    fit = expect(*shares, 20, share=True)
    scaled = fit.scaled(0.5, shares[0], shares[1], np.ones(len(shares[1])))
    assert scaled.slopes == pytest.approx(fit.slopes / 2)
    assert scaled.standard_errors == pytest.approx(fit.standard_errors / 2)
    assert scaled.mean(scaled.predictor(shares[0])).sum() == pytest.approx(shares[1].sum(), rel=1e-10)


@pytest.mark.parametrize(
    ("n", "outcome", "share", "reason"),
    [
        (31, "mixed", True, "too_few_people: 31 people for 2 columns; 32 are needed"),
        (400, "rare", True, "too_few_outcomes: 12 of the rarer outcome for 2 columns; 20 are needed"),
        (400, "constant", False, "no_variation"),
        (40, "mixed", False, "nothing_within_clinics"),
        (400, "by clinic", True, "nothing_within_clinics"),
        (400, "separated", True, "not_converged"),
    ],
)
def test_what_the_data_cannot_carry_is_refused_with_a_reason(n, outcome, share, reason):
    generator = np.random.default_rng(4)
    columns = generator.normal(size=(n, 2))
    clinic = np.arange(n) if n == 40 else np.arange(n) % 5
    made = {
        "mixed": generator.random(n) < 0.5,
        "rare": np.arange(n) < 12,
        "constant": np.full(n, 3.0),
        "by clinic": clinic < 2,
        "separated": columns[:, 0] > 0,
    }[outcome]
    with pytest.raises(CannotFitError, match=reason):
        expect(columns, made.astype(float), clinic, int(clinic.max()) + 1, share=share)


def test_each_clinic_is_predicted_by_a_model_that_has_not_seen_it(shares):
    columns, outcome, clinic = shares
    found = out_of_clinic(columns, outcome, clinic, share=True, mundlak=False)
    held = np.isin(clinic, np.arange(20)[np.arange(20) % 5 == 2])
    fit = expect(columns[~held], outcome[~held], clinic[~held], 20, share=True)
    assert found[held] == pytest.approx(fit.predictor(columns[held]), rel=1e-7)
    turned = np.where(held, 1 - outcome, outcome)
    again = out_of_clinic(columns, turned, clinic, share=True, mundlak=False)
    assert again[held] == pytest.approx(found[held], rel=1e-7), "its own outcomes move nothing"


def test_one_organization_cannot_check_a_model(shares):
    with pytest.raises(CannotFitError, match="one_organization"):
        out_of_clinic(shares[0], shares[1], np.full(len(shares[1]), 7), share=True, mundlak=False)


@pytest.mark.parametrize("share", [True, False])
def test_a_slope_that_is_too_steep_is_repaired_by_one_factor(shares, means, share):
    columns, outcome, clinic = shares if share else means
    predictor = out_of_clinic(columns, outcome, clinic, share=share, mundlak=False)
    fit = expect(columns, outcome, clinic, 20, share=share)
    good = check(predictor, outcome, clinic, (), fit)
    assert (good.passed, good.factor, good.rows[0]["status"]) == (True, 1.0, "pass")
    steep = check(predictor.mean() + (predictor - predictor.mean()) / 0.8, outcome, clinic, (), fit)
    assert (steep.passed, steep.factor) == (True, pytest.approx(0.8, abs=0.12))
    assert steep.rows[0]["reason"].startswith("recalibrated: all coefficients were multiplied by 0.")
    hopeless = check(-predictor, outcome, clinic, (), fit)
    assert (hopeless.passed, hopeless.factor, hopeless.rows[0]["status"]) == (False, 1.0, "fail")


@pytest.mark.parametrize("share", [True, False])
def test_a_group_that_fares_worse_fails_the_model_only_where_it_is_gated(shares, means, share):
    columns, outcome, clinic = (one.copy() for one in (shares if share else means))
    generator = np.random.default_rng(5)
    group = (generator.random(len(outcome)) < 0.3).astype(np.int64)
    if share:
        outcome[(group == 1) & (generator.random(len(outcome)) < 0.5)] = 0.0
    else:
        outcome -= 3.0 * group
    few = (np.arange(len(outcome)) < 100).astype(np.int64)
    predictor = out_of_clinic(columns, outcome, clinic, share=share, mundlak=False)
    fit = expect(columns, outcome, clinic, 20, share=share)
    for gated in (True, False):
        splits = (Group("band", ("a", "b"), group, gated), Group("few", ("many", "few"), few, True))
        found = check(predictor, outcome, clinic, splits, fit)
        status = {(row["stratum"], row["level"]): row["status"] for row in found.rows}
        assert found.passed is (not gated)
        assert status["band", "b"] == ("fail" if gated else "reported")
        assert status["few", "few"] == "too_small"
        if gated:
            assert "group band b" in found.rows[0]["reason"]


def test_the_contrast_tells_clinics_that_go_along_with_their_people(shares, means):
    for columns, outcome, clinic in (shares, means):
        share = set(outcome) == {0.0, 1.0}
        found = contrast_of(columns, outcome, clinic, share=share)
        assert found.p < 0.001
        assert found.p_values[0] < 0.001
        assert found.between[0] > (1.2 if share else 6.0)
        assert contrast_of(columns, outcome, np.zeros(len(outcome), dtype=np.int64), share=False) is None


def test_people_of_each_denominator():
    rows = people(np.random.default_rng(1), Truth(clinics=6, people=40, followed=0.7))
    status = rows["status"].to_pylist()
    followed = sum(one == "followed" for one in status)
    met = sum(bool(one) for one in rows["met"].to_pylist())
    found = {one: people_of(rows, MEASURE, one) for one in Denominator}
    assert {one.value: counted.n for one, counted in found.items()} == {
        "observed": followed,
        "all_eligible": len(status),
        "estimated": followed,
    }
    assert all(counted.outcome.sum() == met for counted in found.values())
    assert found[Denominator.OBSERVED].weight is None
    assert found[Denominator.ESTIMATED].weights.sum() == pytest.approx(len(status), rel=1e-9)
    few = found[Denominator.OBSERVED].take(np.arange(followed) < 5)
    assert (few.n, few.organizations) == (5, found[Denominator.OBSERVED].organizations)
    nobody = rows.set_column(rows.schema.get_field_index("status"), "status", pa.array(["missing"] * len(status)))
    assert people_of(nobody, MEASURE, Denominator.OBSERVED) is None
    level = a_measure(endpoint={"kind": "change"})
    assert people_of(rows, level, Denominator.ALL_ELIGIBLE).outcome.sum() == pytest.approx(met)


def test_levels_keep_the_unknown_apart():
    rows = pa.table({"level_sex": ["male", None, "female"], "quarter": ["2024-Q2", "2024-Q1", None]})
    assert levels_of(rows, "all") == (("all",), pytest.approx([0, 0, 0]))
    names, place = levels_of(rows, "sex")
    assert [names[one] for one in place] == ["male", "unknown", "female"]
    assert levels_of(rows, "therapy")[0] == ("unknown",)
    assert quarters_of(rows)[0] == ("2024-Q1", "2024-Q2", "unknown")


def test_fewer_than_five_organizations_are_not_adjusted_and_it_is_said():
    rows = people(np.random.default_rng(1), Truth(clinics=4, people=100))
    found = expectations({MEASURE.id: rows}, [MEASURE], {MEASURE.id: CASEMIX}, {})
    assert found.adjusted_sums.num_rows == found.coefficients.num_rows == 0
    assert {(one.adjustment, one.status) for one in found.models} == {
        ("clinical", "insufficient"),
        ("clinical+social", "insufficient"),
    }
    assert found.models[0].reason == "too_few_organizations: 4; 5 are needed for a comparison"


def test_models_state_what_replays_them():
    rows = people(np.random.default_rng(1), Truth(clinics=8, people=80))
    found = expectations({MEASURE.id: rows}, [MEASURE], {MEASURE.id: CASEMIX}, {})
    terms = {}
    for row in found.coefficients.to_pylist():
        terms[row["adjustment"], row["denominator"], row["term"]] = row
    for model in found.models:
        stated = dict(zip(model.columns, [model.constant, *model.slopes], strict=True))
        for place, (name, value) in enumerate(stated.items()):
            row = terms[model.adjustment, model.denominator, name]
            assert row["estimate"] == value
            if place:
                error = model.covariance[place - 1][place - 1] ** 0.5
                assert row["standard_error"] == pytest.approx(error, rel=1e-9)
