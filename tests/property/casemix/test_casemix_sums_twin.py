"""Sums of the engine against a plain twin: a design made row by row, for every kind of frame."""

from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchwell.casemix import sums as sums_module
from benchwell.casemix.sufficient import SufficientStatistics, sufficient_statistics

LEVELS = {"sex": ["f", "m"], "stage": ["early", "late", "middle"], "prior": [False, True]}
COVARIATES = ["age", "sex", "wait", "stage", "prior"]

cell = st.tuples(
    st.one_of(st.none(), st.floats(-50, 50), st.just(float("nan"))),  # change
    st.one_of(st.none(), st.integers(18, 90)),  # age
    st.one_of(st.none(), st.sampled_from(LEVELS["sex"])),
    st.floats(2000, 2030),  # wait, far from zero
    st.sampled_from(LEVELS["stage"]),
    st.sampled_from(LEVELS["prior"]),
    st.one_of(st.none(), st.sampled_from([3, 1, 20])),  # clinic
    st.sampled_from(["a", "b"]),  # clinician, whose ids repeat between clinics
)
NAMES = ["change", "age", "sex", "wait", "stage", "prior", "clinic", "clinician"]
TYPES = [pa.float64(), pa.int32(), pa.string(), pa.float64(), pa.string(), pa.bool_(), pa.int64(), pa.string()]


def table_of(cells) -> pa.Table:
    # Three rows that are always complete, and bring two clinics.
    cells = [*cells, (1.0, 30, "f", 2010.0, "early", True, 1, "a"), (2.0, 40, "m", 2011.0, "late", False, 3, "a")]
    columns = list(zip(*cells, strict=True))
    return pa.table({n: pa.array(c, t) for n, c, t in zip(NAMES, columns, TYPES, strict=True)})


def as_frame(table: pa.Table, kind: str, tmp_path_factory):
    if kind == "pandas":
        return table.to_pandas()
    if kind == "pandas categories":
        return table.to_pandas().astype({"sex": "category", "stage": "category"})
    if kind == "polars":
        return pl.from_arrow(table)
    if kind == "polars lazy":
        return pl.from_arrow(table).lazy()
    if kind == "duckdb":
        return duckdb.from_arrow(table)
    if kind == "parquet":
        path = Path(tmp_path_factory.mktemp("rows")) / "rows.parquet"
        pq.write_table(table, path, row_group_size=3)
        return str(path)
    return table


def twin(table: pa.Table, coding, groups: list[str]):
    """X, y and group keys of the complete rows, in the units of the coding, without NumPy tricks."""
    rows, outcomes, keys = [], [], []
    for row in table.to_pylist():
        if any(row[name] is None or row[name] != row[name] for name in ["change", *COVARIATES, *groups]):
            continue
        values = [1.0]
        for term in coding.terms:
            if hasattr(term, "levels"):
                level = {True: "true", False: "false"}.get(row[term.name], row[term.name])
                values += [float(level == own) for own in term.levels[1:]]
            else:
                values.append((row[term.name] - term.center) / term.scale)
        rows.append(values)
        outcomes.append(row["change"] - coding.outcome.center)
        keys.append(tuple(row[name] for name in groups))
    return np.array(rows), np.array(outcomes), keys


def assert_same(statistics: SufficientStatistics, table: pa.Table, groups: list[str]) -> None:
    X, y, keys = twin(table, statistics.coding, groups)
    s = statistics.sums
    ours = list(zip(*(statistics.keys[name].to_pylist() for name in groups), strict=True))
    assert ours == sorted(set(keys))
    assert s.n == len(y) == table.num_rows - sum(statistics.left_out.values())
    close = {"rtol": 1e-9, "atol": 1e-7}
    np.testing.assert_allclose(s.xtx, X.T @ X, **close)
    np.testing.assert_allclose(s.xty, X.T @ y, **close)
    np.testing.assert_allclose(s.yty, y @ y, **close)
    own = np.array([[key == mine for mine in keys] for key in ours], dtype=float)
    np.testing.assert_allclose(s.group_n, own.sum(axis=1))
    np.testing.assert_allclose(s.group_x, own @ X, **close)
    np.testing.assert_allclose(s.group_y, own @ y, **close)
    if s.slope is not None:
        z = X[:, [0, s.slope]]
        np.testing.assert_allclose(s.group_zz, np.einsum("gi,ia,ib->gab", own, z, z), **close)
        np.testing.assert_allclose(s.group_zx, np.einsum("gi,ia,ib->gab", own, z, X), **close)
        np.testing.assert_allclose(s.group_zy, np.einsum("gi,ia,i->ga", own, z, y), **close)
    if s.group_xtx is not None:
        np.testing.assert_allclose(s.group_xtx, np.einsum("gi,ia,ib->gab", own, X, X), **close)
        np.testing.assert_allclose(s.group_xty, np.einsum("gi,ia,i->ga", own, X, y), **close)
        np.testing.assert_allclose(s.group_yty, own @ y**2, **close)


@pytest.mark.parametrize(
    "kind", ["pandas", "pandas categories", "polars", "polars lazy", "pyarrow", "duckdb", "parquet"]
)
@settings(max_examples=8, deadline=None)
@given(cells=st.lists(cell, max_size=40), nested=st.booleans(), slope=st.booleans(), by_group=st.booleans())
def test_the_engine_sums_what_a_design_made_row_by_row_sums(kind, cells, nested, slope, by_group, tmp_path_factory):
    table = table_of(cells)
    groups = ["clinic", "clinician"] if nested else ["clinic"]
    statistics = sufficient_statistics(
        as_frame(table, kind, tmp_path_factory),
        "change",
        COVARIATES,
        groups,
        "age" if slope and not nested else None,
        by_group=by_group,
    )
    assert_same(statistics, table, groups)


@settings(max_examples=8, deadline=None)
@given(cells=st.lists(cell, max_size=40))
def test_pairs_of_categories_give_what_all_at_once_give(cells):
    table = table_of(cells)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sums_module, "_MOST_CELLS", 1)
        assert_same(sufficient_statistics(table, "change", COVARIATES, ["clinic"]), table, ["clinic"])


@settings(max_examples=8, deadline=None)
@given(cells=st.lists(cell, min_size=3, max_size=40))
def test_sites_that_sum_under_one_coding_give_together_what_one_sum_gives(cells):
    table = table_of(cells)
    whole = sufficient_statistics(table, "change", COVARIATES, ["clinic"])
    complete = whole.keys["clinic"].to_pylist()
    parts = [
        sufficient_statistics(
            pl.from_arrow(table).filter(pl.col("clinic") == clinic),
            "change",
            COVARIATES,
            ["clinic"],
            coding=whole.coding,
        )
        for clinic in complete
    ]
    together = SufficientStatistics.combine(parts)
    assert together.keys["clinic"].to_pylist() == complete
    np.testing.assert_allclose(together.sums.xtx, whole.sums.xtx, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(together.sums.group_x, whole.sums.group_x, rtol=1e-9, atol=1e-9)
