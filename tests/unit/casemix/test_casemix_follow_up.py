"""METHODS E1.5 and the edges of the follow-up weights."""

from __future__ import annotations

import warnings

import numpy as np
import pyarrow as pa
import pytest

from benchwell.casemix.design import follow_up_design
from benchwell.casemix.follow_up import PositivityWarning, follow_up_weights, with_weights
from benchwell.casemix.history import follow_up_history
from benchwell.engine import DuckDBEngine
from benchwell.outcomes import build_outcomes
from benchwell.tables import DERIVED
from unit.outcomes.outcome_cases import INSTRUMENTS, contact, episode, inputs_of, measure, score, tables_of

MEASURE = measure("remission")


def _outcomes(**columns):
    n = len(columns["followed"])
    followed = np.asarray(columns.pop("followed"), dtype=bool)
    given = {
        "measure": ["test-measure"] * n,
        "episode_id": [f"e{i:06d}" for i in range(n)],
        "status": np.where(followed, "followed", "missing").tolist(),
        "eligible": [True] * n,
    } | columns
    schema = DERIVED["outcomes"].schema
    return pa.table(
        {f.name: pa.array(given[f.name], f.type) if f.name in given else pa.nulls(n, f.type) for f in schema}
    )


def _e15():
    # severe 40: 16 followed, 4 remitted; mild 60: 48 followed, 24 remitted
    followed = [True] * 16 + [False] * 24 + [True] * 48 + [False] * 12
    met = [True] * 4 + [False] * 12 + [None] * 24 + [True] * 24 + [False] * 24 + [None] * 12
    return _outcomes(followed=followed, met=met, baseline=[20.0] * 40 + [8.0] * 60, organization_id=["a"] * 100)


def test_e15_the_saturated_model_gives_the_published_weights():
    engine = DuckDBEngine(threads=1)
    found = follow_up_weights(engine.from_arrow(_e15()), [MEASURE], engine)
    (model,) = found.models
    weighted = with_weights(engine.from_arrow(_e15()), engine.from_arrow(found.table))
    rows = [row for row in engine.to_arrow(weighted).to_pylist() if row["weight"] is not None]
    assert len(rows) == 64
    weight = np.array([row["weight"] for row in rows])
    met = np.array([row["met"] for row in rows], dtype=float)
    share = 64 / 100  # stabilized: the plain weights are 2.5 and 1.25
    assert sorted(set((weight / share).round(8))) == [1.25, 2.5]
    assert np.mean(met) == pytest.approx(0.4375)
    assert np.sum(weight * met) / np.sum(weight) == pytest.approx(0.400, rel=1e-9)
    assert model.effective_n == pytest.approx(57.142857, rel=1e-6)
    assert (model.converged, model.n_below_positivity, model.truncated_share) == (True, 0, 0.0)


def test_everybody_followed_needs_no_weights():
    engine = DuckDBEngine(threads=1)
    table = _outcomes(followed=[True] * 5, baseline=[1.0, 2, 3, 4, 5])
    found = follow_up_weights(engine.from_arrow(table), [MEASURE], engine)
    assert found.table["weight"].to_pylist() == [1.0] * 5


def test_nobody_followed_or_nobody_at_all_gives_no_rows():
    engine = DuckDBEngine(threads=1)
    for table in (_outcomes(followed=[False] * 4, baseline=[1.0, 2, 3, 4]), DERIVED["outcomes"].empty()):
        found = follow_up_weights(engine.from_arrow(table), [MEASURE], engine)
        assert found.table.num_rows == 0
        assert found.models[0].n_followed == 0


def test_a_clinic_that_follows_everybody_is_penalized_not_infinite():
    followed = [True] * 30 + [True, False] * 15
    table = _outcomes(followed=followed, organization_id=["a"] * 30 + ["b"] * 30, baseline=[10.0] * 60)
    engine = DuckDBEngine(threads=1)
    found = follow_up_weights(engine.from_arrow(table), [MEASURE], engine)
    weight = np.array(found.table["weight"])
    assert np.isfinite(weight).all()
    assert found.models[0].organization == "shrunken_rate"


def test_a_hopeless_group_warns_about_positivity():
    followed = [True] * 2 + [False] * 98 + [True] * 80 + [False] * 20
    table = _outcomes(followed=followed, baseline=[20.0] * 100 + [8.0] * 100)
    engine = DuckDBEngine(threads=1)
    with pytest.warns(PositivityWarning, match="100 of 200"):
        found = follow_up_weights(engine.from_arrow(table), [MEASURE], engine)
    assert found.models[0].n_below_positivity == 100


@pytest.mark.parametrize(
    ("n_followed", "n_missing", "reason"),
    [(13, 7, "too_few_missing"), (5, 15, "too_few_followed"), (9, 9, "too_few_followed"), (40, 1, "too_few_missing")],
)
def test_few_people_get_no_weights_and_the_model_says_why(n_followed, n_missing, reason):
    followed = [True] * n_followed + [False] * n_missing
    table = _outcomes(followed=followed, baseline=[float(i % 9) for i in range(len(followed))])
    engine = DuckDBEngine(threads=1)
    found = follow_up_weights(engine.from_arrow(table), [MEASURE], engine)
    (model,) = found.models
    assert (model.status, model.reason, model.terms) == ("insufficient", reason, ())
    assert found.table.num_rows == 0
    weighted = engine.to_arrow(with_weights(engine.from_arrow(table), engine.from_arrow(found.table)))
    assert weighted["weight"].null_count == len(followed)


@pytest.mark.parametrize(
    ("n_missing", "terms"),
    [
        (10, ("baseline",)),
        (29, ("baseline", "early_change")),
        (39, ("baseline", "early_change", "attended")),
        (49, ("baseline", "early_change", "attended", "organization follow-up rate")),
        (59, ("baseline", "early_change", "attended", "organization 1", "organization 2")),
        (60, ("baseline", "early_change", "attended", "organization 1", "organization 2", "baseline^2")),
    ],
)
def test_terms_leave_from_the_end_when_the_data_cannot_carry_them(n_missing, terms):
    rng = np.random.default_rng(3)
    n = n_missing + 300
    columns = {
        "baseline": rng.integers(5, 27, n).astype(float),
        "early_change": rng.integers(-5, 9, n).astype(float),
        "attended": rng.integers(0, 12, n).astype(float),
        "organization_id": [f"o{i % 3}" for i in range(n)],
    }
    followed = np.repeat([0.0, 1.0], [n_missing, 300])
    design = follow_up_design(pa.table(columns), followed, MEASURE.weight_by)
    assert design.terms == ("intercept", *terms)
    assert design.columns.shape == (n, 1 + len(terms))


def test_measures_that_follow_the_same_people_share_weights_whatever_the_order_of_rows():
    table = _e15()
    other = table.set_column(0, "measure", pa.array(["other-measure"] * 100))
    mixed = pa.concat_tables([other, table]).take(np.random.default_rng(1).permutation(200))
    engine = DuckDBEngine(threads=2)
    twin = MEASURE.model_copy(update={"id": "other-measure"})
    found = follow_up_weights(engine.from_arrow(mixed), [MEASURE, twin], engine)
    by_measure = {
        name: {row["episode_id"]: row["weight"] for row in found.table.to_pylist() if row["measure"] == name}
        for name in (MEASURE.id, twin.id)
    }
    assert len(by_measure[MEASURE.id]) == 64
    assert by_measure[MEASURE.id] == by_measure[twin.id]


def test_history_ends_where_the_window_opens():
    engine = DuckDBEngine(threads=1)
    inputs = inputs_of(
        tables_of(
            episodes=[episode("e"), episode("f")],
            scores=[score("e", 0, 20), score("e", 60, 14), score("e", 119, 12), score("e", 120, 1), score("f", 0, 9)],
            encounters=[contact("e", day) for day in (0, 60, 119, 120)],
        ),
        engine,
    )
    built = build_outcomes(inputs, [MEASURE], INSTRUMENTS, snapshot_day=5000, keep=engine.keep)
    found = follow_up_history(built.scores, inputs.encounters, built.outcomes, [MEASURE], INSTRUMENTS, keep=engine.keep)
    history = engine.to_arrow(found)
    rows = {row["episode_id"]: (row["early_change"], row["attended"]) for row in history.to_pylist()}
    assert rows == {"e": (8.0, 3.0), "f": (None, 0.0)}


def test_weights_recover_the_truth_when_missing_depends_on_history():
    """Missing at random given baseline and contacts: the weighted mean is near the full one, the plain one is not."""
    rng = np.random.default_rng(7)
    n = 40_000
    baseline = rng.integers(10, 28, n).astype(float)
    attended = rng.integers(0, 12, n).astype(float)
    truth = 1 / (1 + np.exp(0.15 * (baseline - 15) - 0.2 * (attended - 5)))
    met = rng.random(n) < truth
    followed = rng.random(n) < 1 / (1 + np.exp(-(0.3 * (attended - 4) - 0.05 * (baseline - 15))))
    table = _outcomes(followed=followed, baseline=baseline, organization_id=[f"o{i % 400}" for i in range(n)])
    history = pa.table(
        {"measure": table["measure"], "episode_id": table["episode_id"], "attended": attended}
        | {"early_change": pa.nulls(n, pa.float64())}
    )
    engine = DuckDBEngine(threads=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PositivityWarning)
        found = follow_up_weights(engine.from_arrow(table), [MEASURE], engine, history=engine.from_arrow(history))
    weights = dict(zip(found.table["episode_id"].to_pylist(), found.table["weight"].to_pylist(), strict=True))
    weight = np.array([weights.get(name, 0.0) for name in table["episode_id"].to_pylist()])
    assert found.models[0].organization == "shrunken_rate"
    assert abs(met[followed].mean() - met.mean()) > 0.04
    assert np.sum(weight * met) / weight.sum() == pytest.approx(met.mean(), abs=0.015)
