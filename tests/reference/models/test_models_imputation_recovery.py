"""Known truth in, known truth out, when follow-up depends on what was known (missing at random; METHODS M1.6, M13.4).

A larger run outside the suite (300 fields of 40 clinics, 40 to 120 people each) is reported in docs/statistics.md; this
one is small and seeded, with bands that allow for its Monte-Carlo error.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special

from benchwell.models.imputed_figures import ImputedEndpoint, imputed_figures
from benchwell.models.intervals import wilson
from benchwell.models.multiple_imputation import ScoreGrid, fit_imputation, imputations_needed, imputed_levels

CLINICS, FIELDS = 40, 60
GRID = ScoreGrid(np.arange(28.0))
EFFECTS = np.linspace(-6, 6, 25)


def people(rng, n):
    baseline = np.clip(np.rint(rng.normal(16, 4, n)), 10, 27)
    return baseline, rng.normal(2, 3, n), rng.poisson(6, n).astype(float)


def follow_up(rng, baseline, early, attended, effect):
    """Skewed residuals, a floor and a ceiling: none of it as the model supposes."""
    noise = 4.5 * (rng.gamma(2.0, 1.0, len(baseline)) - 2) / np.sqrt(2)
    return np.clip(np.rint(2 + 0.55 * baseline - 0.6 * early - 0.35 * (attended - 6) + effect + noise), 0, 27)


def truth():
    """Remission rate and mean change of a clinic by its effect, from a large population."""
    rng = np.random.default_rng(99)
    known = people(rng, 200_000)
    found = []
    for effect in EFFECTS:
        score = follow_up(rng, *known, effect)
        found.append(((score < 5).mean(), (known[0] - score).mean()))
    return np.array(found).T


@pytest.fixture(scope="module")
def recovered():
    rate_of, change_of = truth()
    rng = np.random.default_rng(2026)
    rows = []
    for place in range(FIELDS):
        clinic = np.repeat(np.arange(CLINICS), rng.integers(40, 121, CLINICS))
        effect = rng.normal(0, 1.3, CLINICS)
        baseline, early, attended = people(rng, len(clinic))
        score = follow_up(rng, baseline, early, attended, effect[clinic])
        logit = 0.4 + 0.3 * (attended - 6) + 0.15 * (early - 2) - 0.03 * (baseline - 16)
        followed = rng.random(len(clinic)) < special.expit(logit + rng.normal(0, 0.5, CLINICS)[clinic])
        columns = np.column_stack([np.ones(len(clinic)), baseline - 16, (baseline - 16) ** 2, early, attended - 6])
        missing = ~followed
        fit = fit_imputation(columns[followed], score[followed], clinic[followed], CLINICS)
        m = imputations_needed(int(missing.sum()), len(clinic))
        draws = imputed_levels(fit, columns[missing], clinic[missing], GRID, [0.0], m, np.random.default_rng(place))
        starts, row = np.unique(baseline[missing], return_inverse=True)
        n = np.bincount(clinic, minlength=CLINICS).astype(float)

        def endpoint(value, table, yes_no, *, clinic=clinic, followed=followed, missing=missing, row=row, n=n):
            total, squares = (
                np.bincount(clinic[followed], weights=(value**power)[followed], minlength=CLINICS) for power in (1, 2)
            )
            return ImputedEndpoint(table, row, (clinic[missing],), n, total, squares, yes_no)

        remitted = (score < 5).astype(float)
        endpoints = [
            endpoint(remitted, np.tile((GRID.levels < 5).astype(float), (len(starts), 1)), True),
            endpoint(baseline - score, starts[:, None] - GRID.levels, False),
        ]
        rate, change = imputed_figures(draws, endpoints, 1, [np.zeros(CLINICS, dtype=int)] * 2)
        seen = np.bincount(clinic[followed], minlength=CLINICS)
        met = np.bincount(clinic[followed], weights=remitted[followed], minlength=CLINICS)
        gain = np.bincount(clinic[followed], weights=(baseline - score)[followed], minlength=CLINICS)
        true_rate, true_change = np.interp(effect, EFFECTS, rate_of), np.interp(effect, EFFECTS, change_of)
        lower, upper = wilson(met, seen)
        rows.append(
            {
                "rate": (rate.pooled.estimate[0] - true_rate).mean(),
                "change": (change.pooled.estimate[0] - true_change).mean(),
                "observed rate": (met / seen - true_rate).mean(),
                "observed change": (gain / seen - true_change).mean(),
                "rate covered": ((rate.lower[0] <= true_rate) & (true_rate <= rate.upper[0])).mean(),
                "change covered": ((change.lower[0] <= true_change) & (true_change <= change.upper[0])).mean(),
                "observed covered": ((lower <= true_rate) & (true_rate <= upper)).mean(),
            }
        )
    return {name: np.mean([row[name] for row in rows]) for name in rows[0]}


def test_the_imputed_figure_is_unbiased_where_the_observed_one_is_not(recovered):
    assert recovered["observed rate"] > 0.025
    assert abs(recovered["rate"]) < 0.005
    assert recovered["observed change"] > 0.35
    assert abs(recovered["change"]) < 0.06


def test_intervals_cover_what_they_promise(recovered):
    """93 to 97 percent, and up to one point more for rates: clinics lend each other strength in what is imputed."""
    assert 0.93 <= recovered["change covered"] <= 0.975
    assert 0.93 <= recovered["rate covered"] <= 0.985
    assert recovered["observed covered"] < 0.92
