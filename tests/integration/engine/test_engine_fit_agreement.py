"""A fit of a Spark frame is the fit of a DuckDB relation: one definition, two engines."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

import benchwell
from benchwell.engine import Engine

COVARIATES = ["age", "sex", "veteran", "wait"]


@pytest.fixture(scope="module")
def rows() -> pa.Table:
    rng = np.random.default_rng(11)
    n = 400
    clinic, clinician = rng.integers(0, 7, n), rng.integers(0, 3, n)
    age = rng.integers(18, 80, n)
    effect = rng.normal(0, 1.5, 7)[clinic]
    change = 0.1 * age + effect + rng.normal(0, 2, n)
    wait = np.where(np.arange(n) % 50 == 0, np.nan, rng.normal(2000, 5, n))
    return pa.table(
        {
            "clinic": [f"c{k}" for k in clinic],
            "clinician": clinician,
            "age": age,
            "sex": [None if k == 9 else "fm"[k % 2] for k in rng.integers(0, 10, n)],
            "veteran": rng.integers(0, 2, n).astype(bool),
            "wait": wait,
            "change": change,
            "remission": rng.random(n) < 1 / (1 + np.exp(-effect)),
        }
    )


@pytest.mark.parametrize(
    ("groups", "slope"), [(["clinic"], None), (["clinic", "clinician"], None), (["clinic"], "age")]
)
def test_a_linear_fit_is_the_same_on_every_engine(engine: Engine, rows, groups, slope):
    native = engine.from_arrow(rows).to_native()
    one = benchwell.fit_linear(native, "change", COVARIATES, groups, slope=slope)
    other = benchwell.fit_linear(rows, "change", COVARIATES, groups, slope=slope)
    assert one.coding.hash == other.coding.hash
    assert one.left_out == other.left_out
    assert set(one.left_out) == {"sex missing", "wait missing"}
    for mine, theirs in [(one.statistics.sums, other.statistics.sums)]:
        for name in ("xtx", "xty", "group_x", "group_y"):
            ours, expected = getattr(mine, name), getattr(theirs, name)
            np.testing.assert_allclose(ours, expected, rtol=1e-9, atol=1e-9 * np.abs(expected).max())
    assert list(one.coefficients.values()) == pytest.approx(list(other.coefficients.values()), rel=1e-7)
    assert one.effects(groups[-1])["level"].to_pylist() == other.effects(groups[-1])["level"].to_pylist()


def test_a_logistic_fit_is_the_same_on_every_engine(engine: Engine, rows):
    native = engine.from_arrow(rows).to_native()
    one = benchwell.fit_logistic(native, "remission", ["age", "sex"], ["clinic"])
    other = benchwell.fit_logistic(rows, "remission", ["age", "sex"], ["clinic"])
    assert one.loglik == pytest.approx(other.loglik, abs=1e-7)
    assert list(one.coefficients.values()) == pytest.approx(list(other.coefficients.values()), rel=1e-5, abs=1e-7)
    assert np.isfinite(one.predict(rows)).sum() == one.n
