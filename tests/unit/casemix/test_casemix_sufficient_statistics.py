"""Sums that sites send: combined, refused, released."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from benchwell import SufficientStatistics, fit_linear, fit_linear_statistics, sufficient_statistics
from benchwell.errors import ModelError

SITES = {
    "A": (4, [[4, 2], [2, 36]], [40, 54], 438),
    "B": (3, [[3, 1], [1, 13]], [21, 15], 153),
    "C": (5, [[5, 2], [2, 38]], [63, 56], 821),
}


def people(n: int, groups: int = 2, seed: int = 3) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "clinic": np.arange(n) % groups,
            "age": rng.integers(18, 80, n),
            "female": rng.integers(0, 2, n),
            "stage": np.array(["early", "late", "middle"])[rng.integers(0, 3, n)],
            "change": rng.normal(4, 3, n),
        }
    )


def test_worked_example_e3_2_from_matrices_is_the_pooled_fit():
    fit = fit_linear_statistics(SufficientStatistics.from_sites(SITES, columns=["(intercept)", "pre"]))
    assert list(fit.coefficients.values()) == pytest.approx([9.53147, 0.858135], rel=1e-5)
    assert list(fit.standard_errors.values()) == pytest.approx([1.59943, 0.113543], rel=1e-5)
    assert fit.residual_sd**2 == pytest.approx(1.094133, rel=1e-5)
    assert fit.group_sd["site"] ** 2 == pytest.approx(7.382766, rel=1e-5)
    assert fit.loglik == pytest.approx(-21.403365, abs=1e-6)
    effects = fit.effects("site")
    assert effects["level"].to_pylist() == ["A", "B", "C"]
    np.testing.assert_allclose(effects["effect"], [0.038054, -2.684879, 2.646825], atol=1e-5)


def test_the_fit_of_combined_sites_is_the_pooled_fit():
    frame = people(400, groups=5)
    pooled = fit_linear(frame, "change", ["age", "female", "stage"], ["clinic"])
    parts = [
        sufficient_statistics(part, "change", ["age", "female", "stage"], ["clinic"], coding=pooled.coding)
        for _, part in frame.group_by("clinic", maintain_order=True)
    ]
    federated = fit_linear_statistics(SufficientStatistics.combine(parts))
    assert dict(federated.coefficients) == pytest.approx(dict(pooled.coefficients), rel=1e-8, abs=1e-8)
    assert federated.loglik == pytest.approx(pooled.loglik, abs=1e-8)
    assert federated.coding.hash == pooled.coding.hash


def test_sums_of_another_coding_are_refused():
    one, other = people(100), people(100, seed=4)
    first = sufficient_statistics(one.filter(pl.col("clinic") == 0), "change", ["age"], ["clinic"])
    second = sufficient_statistics(other.filter(pl.col("clinic") == 1), "change", ["female"], ["clinic"])
    with pytest.raises(ModelError, match="coded differently"):
        SufficientStatistics.combine([first, second])


def test_a_clinic_in_two_parts_is_refused():
    whole = sufficient_statistics(people(100), "change", ["age"], ["clinic"])
    with pytest.raises(ModelError, match="A value of 'clinic' is in two of the parts"):
        SufficientStatistics.combine([whole, whole])
    with pytest.raises(ModelError, match="no statistics"):
        SufficientStatistics.combine([])


def test_a_level_or_a_type_that_the_coding_does_not_know_is_refused():
    frame = people(100)
    coding = sufficient_statistics(frame, "change", ["age", "stage"], ["clinic"]).coding
    with pytest.raises(ModelError, match=r"'stage' has 1 level.s. that the coding does not know"):
        sufficient_statistics(
            frame.with_columns(stage=pl.lit("unheard of")), "change", ["age", "stage"], ["clinic"], coding=coding
        )
    with pytest.raises(ModelError, match="a category here"):
        sufficient_statistics(
            frame.with_columns(pl.col("age").cast(pl.String)), "change", ["age", "stage"], ["clinic"], coding=coding
        )
    with pytest.raises(ModelError, match="another model"):
        sufficient_statistics(frame, "change", ["age"], ["clinic"], coding=coding)


@pytest.mark.parametrize(
    ("sites", "columns", "message"),
    [
        (SITES, ["pre", "(intercept)"], "first column must be the constant"),
        (SITES, ["(intercept)", "pre", "age"], "do not fit together"),
        (SITES | {"D": (2, [[1, 0], [0, 1]], [1, 1], 2)}, ["(intercept)", "pre"], "do not fit together"),
    ],
)
def test_matrices_that_do_not_fit_together_are_refused(sites, columns, message):
    with pytest.raises(ModelError, match=message):
        SufficientStatistics.from_sites(sites, columns=columns)


def test_worked_example_e3_5_is_refused_by_the_names_of_its_cells():
    # One woman, and she is a veteran: X'y would hold her outcome.
    site = {"S": (20, [[20, 1, 4], [1, 1, 1], [4, 1, 4]], [100, 7, 22], 600)}
    answer = SufficientStatistics.from_sites(site, columns=["(intercept)", "female", "veteran"]).release()
    assert answer.decision == "refuse"
    assert not answer.released
    cells = {cell.columns: cell.reason for cell in answer.failing}
    assert cells[()] == "fewer than 50 rows"
    assert cells["female",] == cells["veteran",] == "fewer than 10 people"
    assert cells["female", "veteran"] == "fewer than 10 people in both"
    assert ("not female", "veteran") in cells
    assert not any(character.isdigit() for cell in answer.failing[1:] for character in cell.reason.replace("10", ""))


def test_large_sites_may_leave_and_levels_of_one_category_exclude_each_other():
    sums = sufficient_statistics(people(600), "change", ["age", "female", "stage"], ["clinic"], by_group=True)
    assert sums.release(k=10).failing == ()
    assert sums.release(k=10).released
    assert {cell.columns for cell in sums.release(k=80).failing} >= {("female", "stage[late]")}


def test_a_rare_reference_level_is_a_cell_too():
    # Whoever is in no other level is in the reference level: it can be had by subtraction.
    frame = people(600).with_columns(stage=pl.when(pl.int_range(pl.len()) < 4).then(pl.lit("a")).otherwise(pl.lit("b")))
    sums = sufficient_statistics(frame, "change", ["stage"], ["clinic"], by_group=True)
    assert {cell.columns for cell in sums.release().failing} == {("stage[a]",)}


def test_the_gate_asks_for_products_by_group_and_a_real_threshold():
    plain = sufficient_statistics(people(100), "change", ["age"], ["clinic"])
    with pytest.raises(ModelError, match="no products by group"):
        plain.release()
    with pytest.raises(ModelError, match="at least 2"):
        plain.release(k=1)


def test_products_by_group_give_the_same_fit_with_and_without_a_slope():
    frame = people(300, groups=6)
    for slope in (None, "age"):
        one = sufficient_statistics(frame, "change", ["age", "stage"], ["clinic"], slope)
        other = sufficient_statistics(frame, "change", ["age", "stage"], ["clinic"], slope, by_group=True)
        assert fit_linear_statistics(one).loglik == pytest.approx(fit_linear_statistics(other).loglik, abs=1e-9)


def test_statistics_and_decisions_print_no_sums():
    frame = pl.DataFrame({"y": [3.0, 9.0, 27.0, 4.0], "x": [1.0, 2.0, 4.0, 3.0], "c": ["a", "a", "b", "b"]})
    found = sufficient_statistics(frame, "y", ["x"], ["c"], by_group=True)
    assert repr(found).startswith("SufficientStatistics(4 rows, 2 groups, columns (intercept), x; coding ")
    assert "27" not in repr(found.sums)
    assert repr(found.release()).startswith("Release(refuse, k=10: ")
