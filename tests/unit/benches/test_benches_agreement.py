"""Two fits are the same when their coefficients are, wherever each program puts its columns."""

from __future__ import annotations

import math

import pytest
from benchmarks.models.agreement import difference

REFERENCE = {
    "names": ["(intercept)", "age", "sex[male]"],
    "coefficients": [1.0, 0.2, -0.5],
    "standard_errors": [0.1, 0.02, 0.05],
    "group_sd": [1.5, 0.5],
    "loglik": -100.0,
}


def test_the_order_of_columns_does_not_matter():
    turned = REFERENCE | {
        "names": ["sex[male]", "(intercept)", "age"],
        "coefficients": [-0.5, 1.0, 0.2],
        "standard_errors": [0.05, 0.1, 0.02],
    }
    found = difference(turned, REFERENCE)
    assert (found.coefficients, found.standard_errors, found.group_sd, found.loglik) == (0.0, 0.0, 0.0, 0.0)
    assert found.same


def test_differences_are_in_standard_errors_and_relative():
    other = REFERENCE | {
        "coefficients": [1.0, 0.201, -0.5],
        "standard_errors": [0.11, 0.02, 0.05],
        "group_sd": [1.5, 0.6],
        "loglik": -100.25,
    }
    found = difference(other, REFERENCE)
    assert found.coefficients == pytest.approx(0.05)
    assert found.standard_errors == pytest.approx(0.1)
    assert found.group_sd == pytest.approx(0.2)
    assert found.loglik == pytest.approx(-0.25)
    assert not found.same
    assert str(found).startswith("differs: coefficients by 0.05 SE")


def test_a_thousandth_of_a_standard_error_is_where_the_same_ends():
    near, far = ({"coefficients": [1.0 + shift, 0.2, -0.5]} for shift in (0.9e-4, 1.1e-4))
    assert difference(REFERENCE | near, REFERENCE).same
    assert not difference(REFERENCE | far, REFERENCE).same


def test_an_estimate_that_is_no_number_is_not_the_same():
    found = difference(REFERENCE | {"coefficients": [1.0, math.nan, -0.5]}, REFERENCE)
    assert found.coefficients == math.inf
    assert not found.same


def test_a_spread_of_zero_agrees_only_with_zero():
    none = REFERENCE | {"group_sd": [0.0, 0.5]}
    assert difference(none, none).group_sd == 0.0
    assert difference(REFERENCE, none).group_sd == math.inf


def test_other_models_are_refused():
    with pytest.raises(ValueError, match="not the same columns: age, wage"):
        difference(REFERENCE | {"names": ["(intercept)", "wage", "sex[male]"]}, REFERENCE)
    with pytest.raises(ValueError, match="not the same grouping columns"):
        difference(REFERENCE | {"group_sd": [1.5]}, REFERENCE)
