"""Growth curves and early change: worked examples to every digit, and what is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest

from benchwell.models.conditional_growth import Growth, log_sessions, log_weeks, normal_quantile
from benchwell.models.early_change import TwoByTwo, share_of_gain, two_by_two
from benchwell.models.response_curve import Scores, clinic_folds, fit_growth, forecast, held_out_forecast

E61 = Growth(15, -2.6, 16, -1.5, 1.2, 7)


def test_worked_example_of_a_marginal_score():
    said = E61.marginal(log_sessions(4))
    assert [round(one, 4) for one in (said.mean, said.sd, said.quantile(0.9))] == [11.3956, 4.5986, 17.2890]


def test_worked_example_of_a_score_given_the_first_one():
    said = E61.given(log_sessions(4), 20, log_sessions(1))
    assert [round(one, 4) for one in (said.mean, said.sd, said.quantile(0.9))] == [14.4218, 3.5668, 18.9929]


def test_worked_example_of_the_early_change_rule():
    rule = TwoByTwo(42, 28, 18, 112)
    found = (rule.sensitivity, rule.specificity, rule.ppv, rule.npv)
    assert [round(one, 4) for one in found] == [0.70, 0.80, 0.60, 0.8615]
    assert (rule.n, rule.flagged, rule.prevalence) == (200, 70, 0.3)


def test_nobody_has_no_shares():
    rule = two_by_two(np.zeros(0, bool), np.zeros(0, bool))
    assert [rule.sensitivity, rule.specificity, rule.ppv, rule.npv, rule.prevalence] == [None] * 5
    with pytest.raises(ValueError, match="counts"):
        TwoByTwo(-1, 0, 0, 0)


@pytest.mark.parametrize(
    ("baseline", "value", "healthy", "share"),
    [(20, 10, 0, 0.5), (20, 24, 0, -0.2), (30, 65, 100, 0.5), (0, 4, 0, None)],
)
def test_share_of_the_way(baseline, value, healthy, share):
    assert share_of_gain(baseline, value, healthy) == share


@pytest.mark.parametrize(
    "values",
    [
        (math.nan, -2.6, 16, -1.5, 1.2, 7),
        (15, -2.6, -1, 0, 1.2, 7),
        (15, -2.6, 16, 0, -1, 7),
        (15, -2.6, 16, -1.5, 1.2, 0),
        (15, -2.6, 16, -9, 1.2, 7),
    ],
)
def test_what_are_no_variances_is_refused(values):
    with pytest.raises(ValueError, match=r"finite|variances|covariance"):
        Growth(*values)


def test_a_perfect_correlation_is_a_covariance_matrix():
    assert Growth(15, -2.6, 4, -2, 1, 7).given(1.0, 20).sd > 0


def test_clocks_start_at_zero_and_never_before():
    assert log_weeks(-1) == log_weeks(0) == log_sessions(0) == log_sessions(1) == 0
    assert log_weeks(3) == log_sessions(4)
    assert normal_quantile(0.1) == pytest.approx(-normal_quantile(0.9))


def drawn(n=120, scores=5, seed=3):
    rng = np.random.default_rng(seed)
    person, time = np.repeat(np.arange(n), scores), np.tile(np.log(np.arange(1, scores + 1)), n)
    own = rng.multivariate_normal([15, -2.6], [[16, -1.5], [-1.5, 1.2]], n)[person]
    return Scores(person, time, own[:, 0] + own[:, 1] * time + rng.normal(0, 2.6, len(person)))


def test_the_forecast_of_arrays_is_that_of_one_person():
    scores = drawn(5)
    said = forecast(E61, scores)
    for place in range(len(scores.person)):
        first = scores.first[scores.person[place]]
        if place == first:
            assert math.isnan(said.mean[place])
            assert math.isnan(said.sd[place])
            continue
        one = E61.given(scores.time[place], scores.value[first], scores.time[first])
        assert said.mean[place] == pytest.approx(one.mean)
        assert said.quantile(0.9)[place] == pytest.approx(one.quantile(0.9))


def test_scores_of_some_people_are_numbered_anew():
    scores = drawn(4, 3)
    some = scores.of(np.array([False, True, False, True]))
    assert some.person.tolist() == [0, 0, 0, 1, 1, 1]
    assert some.people == 2
    assert some.value.tolist() == scores.value[[3, 4, 5, 9, 10, 11]].tolist()


def test_one_time_for_all_has_no_slope():
    scores = Scores(np.array([0, 0, 1, 1]), np.ones(4), np.array([3.0, 4.0, 8.0, 6.0]))
    with pytest.raises(ValueError, match=r"slope|column|told apart|left"):
        fit_growth(scores)


def test_clinics_stay_together_in_folds_of_about_as_many_people():
    clinic = np.repeat(np.arange(9), [40, 30, 25, 20, 15, 10, 10, 5, 5])
    fold = clinic_folds(clinic, 4, seed=1)
    assert all(len(set(fold[clinic == one])) == 1 for one in range(9))
    sizes = np.bincount(fold)
    assert len(sizes) == 4
    assert sizes.max() - sizes.min() <= 10
    assert len(set(clinic_folds(clinic, 20, seed=1))) == 9  # never more folds than clinics


def test_a_fold_is_judged_by_a_curve_that_has_not_seen_it():
    scores = drawn()
    fold = clinic_folds(np.arange(120) % 6, 3, seed=1)
    said = held_out_forecast(scores, fold)
    for one in range(3):
        unseen = fold == one
        alone = forecast(fit_growth(scores.of(~unseen)).growth, scores.of(unseen))
        np.testing.assert_allclose(said.mean[unseen[scores.person]], alone.mean)
    changed = Scores(scores.person, scores.time, np.where(fold[scores.person] == 0, scores.value + 50, scores.value))
    again = held_out_forecast(changed, fold)
    first = np.isfinite(said.sd) & (fold[scores.person] == 0)
    np.testing.assert_allclose(again.sd[first], said.sd[first])  # own scores move nothing in one's own curve
