"""Meta-analysis and survival on any data, against slow twins in plain Python that share no code with the kernels."""

from __future__ import annotations

import math
import warnings
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from benchwell.models.concordance import concordance
from benchwell.models.cox import MonotoneLikelihoodWarning, cox
from benchwell.models.cox_likelihood import RiskSets, TiedTimes
from benchwell.models.cumulative_incidence import cumulative_incidence
from benchwell.models.heterogeneity import cochran_q, tau2_dersimonian_laird, tau2_paule_mandel
from benchwell.models.kaplan_meier import kaplan_meier
from benchwell.models.log_rank import log_rank_test
from benchwell.models.meta_analysis import heterogeneity_interval, meta_analysis
from benchwell.models.meta_regression import PooledTest
from benchwell.models.tau2_estimators import Tau2Method

MANY = settings(max_examples=40, deadline=None, derandomize=True)
EFFECT = st.floats(-3, 3).map(lambda value: round(value, 3))
VARIANCE = st.floats(0.01, 2).map(lambda value: round(value, 3))
STUDIES = st.lists(st.tuples(EFFECT, VARIANCE), min_size=2, max_size=8)
PEOPLE = st.lists(
    st.tuples(st.integers(1, 9), st.integers(0, 2), st.integers(0, 2), st.integers(0, 1)), min_size=3, max_size=14
)


def restricted_height(y, v, tau2):
    """Restricted log-likelihood of one mean, up to what does not depend on tau2."""
    w = [1 / (one + tau2) for one in v]
    mean = sum(a * b for a, b in zip(w, y, strict=True)) / sum(w)
    spread = sum(a * (b - mean) ** 2 for a, b in zip(w, y, strict=True))
    return 0.5 * sum(map(math.log, w)) - 0.5 * math.log(sum(w)) - 0.5 * spread


@MANY
@given(STUDIES)
def test_nothing_on_a_fine_grid_is_higher_than_the_reml_estimate(studies):
    y, v = zip(*studies, strict=True)
    best = meta_analysis(y, v).tau2
    top = restricted_height(y, v, best)
    assert all(restricted_height(y, v, i / 50) <= top + 1e-8 for i in range(600))


@MANY
@given(STUDIES)
def test_the_general_estimators_agree_with_those_of_clinics(studies):
    y, v = zip(*studies, strict=True)
    moments = meta_analysis(y, v, method=Tau2Method.DERSIMONIAN_LAIRD)
    assert moments.tau2 == pytest.approx(tau2_dersimonian_laird(y, v).item(), rel=1e-8, abs=1e-12)
    assert moments.q == pytest.approx(cochran_q(y, v), rel=1e-9, abs=1e-12)
    for method in (Tau2Method.PAULE_MANDEL, Tau2Method.EMPIRICAL_BAYES):
        found = meta_analysis(y, v, method=method).tau2
        assert found == pytest.approx(tau2_paule_mandel(y, v), rel=1e-8, abs=1e-12)


@MANY
@given(STUDIES, st.floats(-5, 5), st.floats(0.1, 10), st.sampled_from(list(Tau2Method)))
def test_shifting_and_stretching_the_scale_moves_every_figure_along(studies, shift, factor, method):
    y, v = map(np.array, zip(*studies, strict=True))
    one = meta_analysis(y, v, method=method, test=PooledTest.NORMAL)
    other = meta_analysis(shift + factor * y, factor**2 * v, method=method, test=PooledTest.NORMAL)
    assert other.mean == pytest.approx(shift + factor * one.mean, rel=1e-5, abs=1e-6)
    assert other.tau2 == pytest.approx(factor**2 * one.tau2, rel=1e-5, abs=1e-8)
    assert other.std_error == pytest.approx(factor * one.std_error, rel=1e-5)


@MANY
@given(STUDIES)
def test_limits_of_tau2_hold_q_at_the_quantiles(studies):
    y, v = zip(*studies, strict=True)
    interval = heterogeneity_interval(y, v)
    assert 0 <= interval.tau2_lower <= interval.tau2_upper
    if interval.tau2_lower > 0:
        assert cochran_q(y, v, interval.tau2_upper) < cochran_q(y, v, interval.tau2_lower)


@MANY
@given(PEOPLE)
def test_incidences_by_redistributing_people_one_by_one(people):
    """Twin: each censored person hands their weight to those still followed (Efron's redistribution to the right)."""
    time, cause = [p[0] for p in people], [p[1] for p in people]
    rows = sorted(range(len(people)), key=lambda i: (time[i], cause[i] == 0))
    weight = dict.fromkeys(rows, 1 / len(rows))
    for place, person in enumerate(rows):
        later = rows[place + 1 :]
        if cause[person] == 0 and later:
            for other in later:
                weight[other] += weight[person] / len(later)
            weight[person] = 0.0
    result = cumulative_incidence(time, cause)
    for column, moment in enumerate(result.time):
        for row, kind in enumerate(result.causes):
            slow = sum(weight[i] for i in rows if cause[i] == kind and time[i] <= moment)
            assert result.incidence[row, column] == pytest.approx(slow, abs=1e-12)
    assert result.incidence.sum(axis=0) + result.event_free == pytest.approx(np.ones(len(result.time)))
    assert (result.one_minus_kaplan_meier >= result.incidence - 1e-12).all()


@MANY
@given(PEOPLE)
def test_one_kind_of_event_is_one_minus_kaplan_meier(people):
    time, event = [p[0] for p in people], [min(p[1], 1) for p in people]
    curve, result = kaplan_meier(time, event), cumulative_incidence(time, event)
    assert all(late <= early for early, late in pairwise(curve.survival))
    if any(event):
        assert result.incidence[0] == pytest.approx(1 - curve.survival)
        # Greenwood is undefined (NaN) once nobody is left; the delta method gives 0 there.
        greenwood = np.where(curve.survival > 0, curve.std_error, 0.0)
        assert result.std_error[0] == pytest.approx(greenwood, abs=1e-7)


@MANY
@given(PEOPLE)
def test_log_rank_by_tables_of_each_event_time(people):
    time, event, group = ([p[i] for p in people] for i in (0, 3, 2))
    assume(len(set(group)) > 1)
    test = log_rank_test(time, event, group)
    for place, code in enumerate(sorted(set(group))):
        expected = 0.0
        for moment in set(time):
            risk = [i for i, t in enumerate(time) if t >= moment]
            events = sum(event[i] for i in risk if time[i] == moment)
            expected += events * sum(group[i] == code for i in risk) / len(risk)
        assert test.expected[place] == pytest.approx(expected, abs=1e-12)
    assert test.observed.sum() == pytest.approx(test.expected.sum())
    assert test.covariance.sum(axis=0) == pytest.approx(np.zeros(len(test.groups)), abs=1e-9)


def slow_height(time, event, x, beta, ties):
    """Log partial likelihood person by person."""
    total = 0.0
    for moment in set(time):
        tied = [i for i, t in enumerate(time) if t == moment and event[i]]
        risk = sum(math.exp(beta * x[i]) for i, t in enumerate(time) if t >= moment)
        gone = sum(math.exp(beta * x[i]) for i in tied)
        for place, person in enumerate(tied):
            part = place / len(tied) if ties is TiedTimes.EFRON else 0.0
            total += beta * x[person] - math.log(risk - part * gone)
    return total


@MANY
@given(PEOPLE, st.floats(-2, 2), st.sampled_from(list(TiedTimes)))
def test_partial_likelihood_and_its_slope_person_by_person(people, beta, ties):
    time, event, x = ([p[i] for p in people] for i in (0, 3, 2))
    assume(any(event))
    sets = RiskSets(np.array(x, dtype=float)[:, None], np.array(time, dtype=float), np.array(event) == 1, ties)
    assert sets.log_likelihood(np.array([beta])) == pytest.approx(slow_height(time, event, x, beta, ties), abs=1e-9)
    step = 1e-4
    up, down = (slow_height(time, event, x, beta + sign * step, ties) for sign in (1, -1))
    slope, _ = sets.derivatives(np.array([beta]))
    assert slope[0] == pytest.approx((up - down) / (2 * step), abs=1e-5)


@MANY
@given(PEOPLE, st.sampled_from(list(TiedTimes)))
def test_a_fit_is_the_top_or_says_that_there_is_none(people, ties):
    time, event, x = ([p[i] for p in people] for i in (0, 3, 2))
    assume(any(event))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MonotoneLikelihoodWarning)
        try:
            fit = cox(time, event, x, ties=ties)
        except ValueError:
            return
    if fit.without_finite_estimate.any():
        far = [slow_height(time, event, x, sign * 12.0, ties) for sign in (1, -1)]
        assert max(far) >= fit.log_likelihood - 1e-3
        return
    top = fit.coefficient[0]
    assert fit.converged
    assert all(
        slow_height(time, event, x, top + d, ties) <= fit.log_likelihood + 1e-9 for d in (-0.1, -1e-3, 1e-3, 0.1)
    )


@MANY
@given(PEOPLE)
def test_concordance_pair_by_pair(people):
    time, event, score = ([p[i] for p in people] for i in (0, 3, 2))
    counts = [0, 0, 0]
    for i in range(len(people)):
        for j in range(len(people)):
            if event[i] and (time[i] < time[j] or (time[i] == time[j] and not event[j])):
                counts[0 if score[i] > score[j] else 1 if score[i] < score[j] else 2] += 1
    found = concordance(time, event, score)
    assert [found.concordant, found.discordant, found.tied_score] == counts
