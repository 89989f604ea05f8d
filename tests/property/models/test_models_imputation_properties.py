"""What holds for any field of clinics: bounds, grid, monotone shifts, replay (METHODS M1.6)."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from benchwell.models.imputation import rubin_rules, rubin_rules_from_moments
from benchwell.models.imputed_figures import ImputedEndpoint, imputed_figures
from benchwell.models.multiple_imputation import ScoreGrid, fit_imputation, imputations_needed, imputed_levels

GRID = ScoreGrid(np.arange(0.0, 27.5, 0.5))


@st.composite
def fields(draw):
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n, k = draw(st.integers(12, 80)), draw(st.integers(1, 6))
    columns = np.column_stack([np.ones(n), rng.integers(5, 28, n).astype(float)])
    score = rng.choice(GRID.levels, n) * draw(st.sampled_from([0.0, 0.2, 1.0]))
    followed = rng.random(n) < draw(st.floats(0.5, 1.0))
    followed[:8] = True
    return columns, np.rint(score), rng.integers(0, k, n), followed, k


def drawn(field, shifts, seed=3, m=4):
    columns, score, clinic, followed, k = field
    fit = fit_imputation(columns[followed], score[followed], clinic[followed], k)
    levels = imputed_levels(fit, columns[~followed], clinic[~followed], GRID, shifts, m, np.random.default_rng(seed))
    return [one.copy() for one in levels]


@settings(max_examples=40, deadline=None)
@given(fields(), st.lists(st.floats(-30, 30), min_size=2, max_size=5, unique=True).map(sorted))
def test_imputed_scores_stay_on_the_grid_and_move_with_the_shift(field, shifts):
    levels = drawn(field, shifts)
    assert len(levels) == 4
    for one in levels:
        assert one.min(initial=0) >= 0
        assert one.max(initial=0) < len(GRID.levels)
        assert (np.diff(one, axis=0) >= 0).all()


@settings(max_examples=40, deadline=None)
@given(fields())
def test_figures_never_improve_as_the_missing_do_worse(field):
    """Lower is better here: the rate of scores below 5 can only fall as points are added to the missing."""
    _, score, clinic, followed, k = field
    shifts = [-3.0, -1.5, 0.0, 1.5, 3.0]
    n = np.bincount(clinic, minlength=k).astype(float)
    total = np.bincount(clinic[followed], weights=(score < 5)[followed].astype(float), minlength=k)
    row = np.zeros((~followed).sum(), dtype=int)
    table = (GRID.levels < 5).astype(float)[None, :]
    endpoint = ImputedEndpoint(table, row, (clinic[~followed],), n, total, total, True)
    (found,) = imputed_figures(drawn(field, shifts), [endpoint], 5, [np.zeros(k, dtype=int)])
    there = n > 0
    assert (np.diff(found.pooled.estimate[:, there], axis=0) <= 1e-12).all()
    rate = found.pooled.estimate[:, there]
    assert (rate >= (total / np.maximum(n, 1))[there] - 1e-12).all()
    assert (found.lower[:, there] <= rate).all()
    assert (rate <= found.upper[:, there]).all()


@settings(max_examples=20, deadline=None)
@given(fields())
def test_a_seed_replays_and_shifts_do_not_disturb_each_other(field):
    alone, among = drawn(field, [0.0]), drawn(field, [-2.0, 0.0, 2.0])
    assert all((one[0] == other[1]).all() for one, other in zip(alone, among, strict=True))
    assert all((one == other).all() for one, other in zip(alone, drawn(field, [0.0]), strict=True))


@given(st.integers(0, 5000), st.integers(0, 5000))
def test_imputations_are_at_least_the_percent_missing(missing, followed):
    n = missing + followed
    m = imputations_needed(missing, n)
    assert m >= 20
    assert m * n >= 100 * missing
    assert m == 20 or (m - 1) * n < 100 * missing


@given(
    st.lists(st.tuples(st.floats(0, 1), st.floats(1e-6, 1)), min_size=2, max_size=30),
    st.one_of(st.none(), st.floats(1, 1e6)),
)
def test_moments_give_what_the_estimates_themselves_give(pairs, df):
    q, u = np.array(pairs).T
    one = rubin_rules(q, u, df_complete=df)
    many = rubin_rules_from_moments([q.mean()], [u.mean()], [q.var(ddof=1)], len(q), np.inf if df is None else df)
    for name in ("estimate", "total", "df", "lower", "upper", "missing_information"):
        np.testing.assert_allclose(getattr(many, name)[0], getattr(one, name), rtol=1e-12)
