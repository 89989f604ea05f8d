"""Adjusted figures, distances, chances and bands of an edition, against plain loops over its frozen sums."""

from __future__ import annotations

import math
from collections import defaultdict

import numpy as np
import pytest
from scipy import stats

from adjusted_network import CASEMIX, Truth, adjusted_edition, people
from benchwell.benchmarks.bands import changes_of_band
from benchwell.casemix.expectations import expectations
from signals_edition import a_measure

MEASURE = a_measure()


@pytest.fixture(scope="module")
def made():
    table = people(np.random.default_rng(11), Truth(clinics=24, people=120, between=0.5, hardship=-0.5, sorting=0.5))
    fitted = expectations(
        {MEASURE.id: table}, [MEASURE], {MEASURE.id: CASEMIX}, {MEASURE.id: ("deprivation_quintile",)}
    )
    return adjusted_edition(table), fitted.adjusted_sums.to_pylist()


def rows_of(edition):
    return edition.tables["adjusted_results"].to_pylist()


def usual_spread(distances, variances):
    """Additive overdispersion of METHODS M5.1, written out."""
    k = len(distances)
    z = sorted(d / math.sqrt(v) for d, v in zip(distances, variances, strict=True))

    def quantile(p):
        place = p * (k - 1)
        low = int(place)
        return z[low] + (z[min(low + 1, k - 1)] - z[low]) * (place - low)

    low, high = quantile(0.1), quantile(0.9)
    total = sum(min(max(one, low), high) ** 2 for one in z)
    w = [1 / v for v in variances]
    return max(0.0, (total - (k - 1)) / (sum(w) - sum(one**2 for one in w) / sum(w)))


def test_figures_are_those_of_the_frozen_sums(made):
    edition, sums = made
    mine = [row for row in sums if row["denominator"] == "observed" and row["period"] == "all"]
    found = {(r["adjustment"], r["organization_id"], r["stratum"], r["level"]): r for r in rows_of(edition)}
    checked = 0
    for view in ("clinical", "clinical+social"):
        whole = [row for row in mine if row["adjustment"] == view and row["stratum"] == "all"]
        common = sum(row["observed"] for row in whole) / sum(row["weight"] for row in whole)
        slope = sum(row["information"] for row in whole) / sum(row["weight"] for row in whole)
        for row in (row for row in mine if row["adjustment"] == view):
            result = found[view, row["organization_id"], row["stratum"], row["level"]]
            if result["status"] != "ok":
                continue
            checked += 1
            surplus = row["observed"] - row["expected"]
            assert result["estimate"] == pytest.approx(row["direct"], rel=1e-9)
            assert result["variance"] == pytest.approx(slope**2 * row["variance"] / row["information"] ** 2, rel=1e-9)
            assert result["expected"] == pytest.approx(row["expected"] / row["n"], rel=1e-9)
            assert result["ratio"] == pytest.approx(row["observed"] / row["expected"], rel=1e-9)
            half = 1.959963984540054 * math.sqrt(row["variance"])
            assert result["ratio_method"] == "normal"
            assert result["ratio_upper"] == pytest.approx(
                min(row["observed"] + half, row["n"]) / row["expected"], rel=1e-9
            )
            if row["stratum"] == "all":
                assert result["reference"] == pytest.approx(common, rel=1e-9)
                assert result["z"] == pytest.approx(surplus / math.sqrt(row["variance"]), rel=1e-9)
                predicted = row["expected"] + result["reliability"] * surplus
                assert result["predicted_expected"] == pytest.approx(predicted / row["expected"], rel=1e-9)
    assert checked > 2 * 24 * 4


def test_distances_are_measured_within_each_field(made):
    fields = defaultdict(list)
    for row in rows_of(made[0]):
        if row["status"] == "ok":
            fields[row["adjustment"], row["period"], row["stratum"], row["level"]].append(row)
    assert len(fields) == 3 * 6
    for members in fields.values():
        distances = [row["estimate"] - row["reference"] for row in members]
        tau2 = usual_spread(distances, [row["variance"] for row in members])
        for row, distance in zip(members, distances, strict=True):
            z = distance / math.sqrt(row["variance"] + tau2)
            assert row["z_usual_spread"] == pytest.approx(z, rel=1e-8, abs=1e-10)
            assert row["p_value"] == pytest.approx(2 * stats.norm.sf(abs(z)), rel=1e-8)


def test_false_alarms_are_counted_over_every_comparison_of_one_adjustment(made):
    for view in ("unadjusted", "clinical", "clinical+social"):
        mine = sorted(
            (r["p_value"], r["q_value"]) for r in rows_of(made[0]) if r["adjustment"] == view and r["p_value"]
        )
        m, least = len(mine), 1.0
        assert m > 100
        for place in range(m, 0, -1):
            least = min(least, mine[place - 1][0] * m / place)
            assert mine[place - 1][1] == pytest.approx(least, rel=1e-9)


def test_bands_follow_from_the_common_figure_without_the_organization(made):
    edition, _ = made
    targets = {
        (row["adjustment"], row["without"]): row
        for row in edition.tables["benchmarks"].to_pylist()
        if row["kind"] == "mean" and row["stratum"] == "all" and row["period"] == "all" and row["without"]
    }
    bands = defaultdict(dict)
    for row in rows_of(edition):
        if row["stratum"] != "all" or row["status"] != "ok":
            assert row["band"] is None
            continue
        target = targets[row["adjustment"], row["organization_id"]]
        gap = stats.norm(row["shrunken"] - target["estimate"], math.hypot(row["shrunken_sd"], target["standard_error"]))
        above, below = gap.sf(0.03), gap.cdf(-0.03)
        near = 1 - above - below
        word = "green" if above >= 0.9 else "red" if below >= 0.9 else "amber" if near >= 0.9 else "grey"
        assert row["band"] == word
        bands[row["organization_id"]][row["adjustment"]] = word
    changed = {(MEASURE.id, name): found for name, found in bands.items() if len(set(found.values())) > 1}
    assert {
        (measure, name): found for measure, name, found in changes_of_band(edition.tables["adjusted_results"])
    } == changed
    assert changed, "this network was drawn so that somebody changes band"
