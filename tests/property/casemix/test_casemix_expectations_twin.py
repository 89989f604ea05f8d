"""Sums of what is expected, against loops over people that share no code with the product."""

from __future__ import annotations

import math
from collections import defaultdict

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adjusted_network import CASEMIX, Truth, people
from benchwell.casemix.expectations import expectations
from signals_edition import a_measure

MEASURE = a_measure()


def chance(person, slopes):
    """What the frozen coefficients expect of one person."""
    eta = slopes["(intercept)"] + slopes.get("baseline", 0.0) * (person["baseline"] - 15) / 5
    level = person["deprivation_quintile"]
    return 1 / (1 + math.exp(-(eta + slopes.get(f"deprivation_quintile[{level}]", 0.0))))


def counted(person, denominator):
    """Outcome and weight of one person, or None."""
    followed = person["status"] == "followed"
    if denominator == "all_eligible":
        return (1.0 if followed and person["met"] else 0.0), 1.0
    if not followed:
        return None
    return float(person["met"]), person["weight"] if denominator == "estimated" else 1.0


def shift_of(members):
    """The log odds that a clinic's people lie above what is expected, by bisection; half a person where all agree."""
    total, met = sum(w for _, _, w in members), sum(w * y for _, y, w in members)
    members = [(math.log(p / (1 - p)), y, w) for p, y, w in members]
    if met in (0, total):
        members.append((sum(w * eta for eta, _, w in members) / total, 0.5, 1.0))
    low, high = -60.0, 60.0
    for _ in range(200):
        middle = (low + high) / 2
        excess = sum(w * (1 / (1 + math.exp(-(middle + eta))) - y) for eta, y, w in members)
        low, high = (middle, high) if excess < 0 else (low, middle)
    return low


def plain_sums(rows, slopes, denominator, stratum):
    """Sums by clinic and level, and the direct rate among everybody, person by person."""
    cells, everybody = defaultdict(list), []
    for person in rows:
        found = counted(person, denominator)
        if found is None:
            continue
        one = (chance(person, slopes), *found)
        everybody.append(one)
        cells[person["organization_id"], "all" if stratum == "all" else person[stratum]].append(one)
    made = {}
    for key, members in cells.items():
        shift = shift_of(members)
        top = sum(w / (1 + math.exp(-(shift + math.log(p / (1 - p))))) for p, _, w in everybody)
        made[key] = {
            "n": len(members),
            "weight": sum(w for _, _, w in members),
            "weight_squared": sum(w * w for _, _, w in members),
            "observed": sum(w * y for _, y, w in members),
            "expected": sum(w * p for p, _, w in members),
            "information": sum(w * p * (1 - p) for p, _, w in members),
            "variance": sum(w * w * p * (1 - p) for p, _, w in members),
            "direct": top / sum(w for _, _, w in everybody),
        }
    return made


@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
@given(
    seed=st.integers(0, 1000),
    followed=st.sampled_from([0.6, 0.9]),
    primary=st.sampled_from(["observed", "all_eligible"]),
)
def test_sums_are_those_of_a_loop_over_people(seed, followed, primary):
    table = people(np.random.default_rng(seed), Truth(clinics=8, people=60, hardship=-0.3, followed=followed))
    measure = a_measure(primary_denominator=primary)
    fitted = expectations(
        {measure.id: table}, [measure], {measure.id: CASEMIX}, {measure.id: ("deprivation_quintile",)}
    )
    slopes = defaultdict(dict)
    for row in fitted.coefficients.to_pylist():
        slopes[row["adjustment"], row["denominator"]][row["term"]] = row["estimate"]
    frozen = defaultdict(dict)
    for row in fitted.adjusted_sums.to_pylist():
        if row["period"] == "all":
            frozen[row["adjustment"], row["denominator"], row["stratum"]][row["organization_id"], row["level"]] = row
    assert {key[0] for key in frozen} == {"clinical", "clinical+social"}
    assert {key[1] for key in frozen} == {"observed", "all_eligible", "estimated"}
    rows = table.to_pylist()
    for (view, denominator, stratum), cells in frozen.items():
        expected = plain_sums(rows, slopes[view, denominator], denominator, stratum)
        assert cells.keys() == expected.keys()
        for key, plain in expected.items():
            for name, value in plain.items():
                assert cells[key][name] == pytest.approx(value, rel=1e-7, abs=1e-9), (view, denominator, key, name)


def test_coefficients_do_not_depend_on_the_order_of_people():
    table = people(np.random.default_rng(5), Truth(clinics=8, people=60))
    shuffled = table.take(np.random.default_rng(1).permutation(table.num_rows))
    first, second = (
        expectations({MEASURE.id: one}, [MEASURE], {MEASURE.id: CASEMIX}, {}).coefficients for one in (table, shuffled)
    )
    assert first["term"].to_pylist() == second["term"].to_pylist()
    np.testing.assert_allclose(first["estimate"].to_numpy(), second["estimate"].to_numpy(), rtol=1e-8)
