"""Edges of time to event: nobody with an event, flat parts, ties, separated covariates."""

from __future__ import annotations

import numpy as np
import pytest

from benchwell.models.concordance import concordance
from benchwell.models.cox import MonotoneLikelihoodWarning, cox
from benchwell.models.cox_likelihood import TiedTimes
from benchwell.models.cumulative_incidence import cumulative_incidence, incidence_at, median_incidence_time
from benchwell.models.kaplan_meier import LimitScale, kaplan_meier, median_time, restricted_mean, survival_at
from benchwell.models.log_rank import log_rank_test


@pytest.mark.parametrize("scale", LimitScale)
def test_nobody_with_the_event(scale):
    curve = kaplan_meier([1, 2, 3], [0, 0, 0], scale=scale)
    assert (curve.survival == 1).all()
    assert (curve.std_error == 0).all()
    assert np.isnan([median_time(curve).time, median_time(curve).lower, median_time(curve).upper]).all()
    assert restricted_mean(curve, 2.0).mean == 2.0


def test_a_curve_that_lies_flat_at_one_half_has_its_median_in_the_middle():
    assert median_time(kaplan_meier([1, 2, 4, 9], [1, 1, 1, 1])).time == 3
    assert median_time(kaplan_meier([1, 2, 3, 4], [1, 1, 0, 0])).time == 3


def test_beyond_the_last_person_followed():
    open_end, fallen = kaplan_meier([1, 2], [1, 0]), kaplan_meier([1, 2], [1, 1])
    assert np.isnan(survival_at(open_end, [3]).value).all()
    assert survival_at(fallen, [3]).value == [0.0]
    assert restricted_mean(open_end, 5.0).extrapolated
    assert not restricted_mean(fallen, 5.0).extrapolated
    assert survival_at(open_end, [0, 1, 2]).at_risk.tolist() == [2, 2, 1]
    with pytest.raises(ValueError, match="horizon"):
        restricted_mean(fallen, 0.0)


def test_marks_and_times_are_checked():
    with pytest.raises(ValueError, match="event must be 0"):
        kaplan_meier([1], [2])
    with pytest.raises(ValueError, match="negative"):
        kaplan_meier([-1], [1])
    with pytest.raises(ValueError, match="whole number"):
        cumulative_incidence([1], [0.5])
    with pytest.raises(ValueError, match="must not be negative"):
        incidence_at(cumulative_incidence([1], [1]), -1)


def test_incidence_without_events_and_before_the_first():
    empty = cumulative_incidence([1, 2], [0, 0])
    assert empty.incidence.shape == (0, 2)
    assert len(median_incidence_time(empty)) == 0
    some = cumulative_incidence([2, 3], [1, 2])
    assert incidence_at(some, 1).tolist() == [0, 0]
    assert incidence_at(some, 9).tolist() == [0.5, 0.5]
    assert np.isnan(some.lower[1, 0])


def test_log_rank_without_comparable_groups():
    test = log_rank_test([1, 2, 2, 3], [0, 0, 0, 0], [1, 1, 2, 2])
    assert np.isnan([test.chi_squared, test.p_value]).all()
    with pytest.raises(ValueError, match="only one group"):
        log_rank_test([1, 2], [1, 1], [1, 1])


def test_a_separating_covariate_is_reported_and_not_patched():
    with pytest.warns(MonotoneLikelihoodWarning, match="grow without end"):
        fit = cox([1, 2, 3, 4, 5, 6], [1] * 6, [1, 1, 1, 0, 0, 0])
    assert fit.without_finite_estimate.all()
    assert not fit.converged
    assert fit.coefficient[0] > 5
    assert fit.likelihood_ratio == pytest.approx(5.99, abs=0.01)
    assert np.isfinite(fit.log_likelihood)


def test_only_the_separating_covariate_is_named():
    generator = np.random.default_rng(3)
    x, group = generator.normal(size=60), np.repeat([1.0, 0.0], 30)
    time = np.where(group == 1, generator.uniform(0, 1, 60), generator.uniform(2, 3, 60))
    with pytest.warns(MonotoneLikelihoodWarning):
        fit = cox(time, np.ones(60), np.column_stack([x, group]))
    assert fit.without_finite_estimate.tolist() == [False, True]


def test_covariates_without_information_are_refused():
    with pytest.raises(ValueError, match="does not vary"):
        cox([1, 2, 3], [1, 1, 1], [4, 4, 4])
    with pytest.raises(ValueError, match="nobody had the event"):
        cox([1, 2, 3], [0, 0, 0], [1, 2, 3])
    with pytest.raises(ValueError, match="one row per person"):
        cox([1, 2, 3], [1, 1, 1], [[1, 2, 3]])


def test_without_ties_efron_and_breslow_agree_and_the_score_test_is_the_log_rank_test():
    time, event, group = [5, 8, 9, 11, 12, 15, 20, 22], [1, 1, 0, 1, 1, 1, 1, 0], [1, 0, 1, 1, 0, 0, 1, 0]
    efron, breslow = cox(time, event, group), cox(time, event, group, ties=TiedTimes.BRESLOW)
    assert efron.coefficient == pytest.approx(breslow.coefficient, rel=1e-12)
    assert efron.score == pytest.approx(log_rank_test(time, event, group).chi_squared, rel=1e-10)


def test_strata_are_compared_inside_only():
    time, event, x = np.array([1.0, 2, 3, 4, 5, 6]), np.ones(6), np.array([0.0, 1, 0, 1, 0, 1])
    stratum = np.array([0, 0, 0, 1, 1, 1])
    fit, later = cox(time, event, x, stratum), cox(time + 100 * stratum, event, x, stratum)
    assert fit.coefficient == pytest.approx(later.coefficient)
    assert len(fit.baseline) == 2
    assert fit.cumulative_hazard([0.0], stratum=1).stratum == 1


def test_concordance_without_pairs_is_unknown():
    assert np.isnan(concordance([1, 1], [1, 1], [0, 1]).value)
    assert concordance([1, 1], [1, 0], [1, 0]).value == 1.0


def test_a_step_past_the_top_is_halved():
    # One person far away from all others: the first Newton step overshoots.
    far = [3.0, 18, 1, -5, -10, -832, -2, 0]
    fit = cox([4, 4, 3, 7, 4, 2, 2, 2], [0, 0, 0, 1, 0, 1, 0, 1], far)
    assert fit.converged
    zero = cox([4, 4, 3, 7, 4, 2, 2, 2], [0, 0, 0, 1, 0, 1, 0, 1], np.array(far) / 832)
    assert zero.coefficient / 832 == pytest.approx(fit.coefficient, rel=1e-9)
    assert fit.log_likelihood > fit.log_likelihood_null
