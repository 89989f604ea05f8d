"""What an edition promises about fair comparison, by number of METHODS."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from adjusted_network import CASEMIX, Truth, adjusted_edition, people, simulated
from benchwell.benchmarks.adjusted_figures import CommonPeople, adjusted_figure
from benchwell.benchmarks.ratios import observed_over_expected
from benchwell.casemix.expectations import expectations
from benchwell.registry.casemix import CaseMix
from signals_edition import a_benchmark, a_measure

MEASURE = a_measure()


def rows_of(edition, table="adjusted_results"):
    return edition.tables[table].to_pylist()


def sums_of(**columns):
    known = {"weight_squared": columns["weight"], "direct": [np.nan], "direct_variance": [np.nan]} | columns
    return {name: np.array(values, dtype=float) for name, values in known.items()}


def field_of(edition, adjustment, stratum="all", level="all"):
    return {
        row["organization_id"]: row
        for row in rows_of(edition)
        if (row["adjustment"], row["period"], row["stratum"], row["level"]) == (adjustment, "all", stratum, level)
    }


@pytest.fixture(scope="module")
def poor():
    """Care is equal everywhere; hardship lowers the rate and is concentrated in some clinics."""
    return simulated(seed=4, clinics=30, hardship=-0.5, sorting=0.6)


def test_m3_1_every_view_stands_beside_the_unadjusted_one(poor):
    views = {row["adjustment"] for row in rows_of(poor)}
    assert views == {"unadjusted", "clinical", "clinical+social"}
    keys = defaultdict(set)
    for row in rows_of(poor):
        if row["stratum"] == "all":
            keys[row["adjustment"]].add(row["organization_id"])
    assert keys["unadjusted"] == keys["clinical"] == keys["clinical+social"]
    levels = {row["level"] for row in rows_of(poor) if row["stratum"] == "deprivation_quintile"}
    assert levels == {"1", "2", "3", "4", "5"}, "the fourth view is the one by group"


def test_m3_1_social_variables_are_never_adjusted_for_alone(poor):
    of_view = defaultdict(set)
    for row in rows_of(poor, "coefficients"):
        of_view[row["adjustment"]].add(row["term"].split("[")[0])
    assert "deprivation_quintile" not in of_view["clinical"]
    assert {"baseline", "deprivation_quintile"} <= of_view["clinical+social"]


def test_m3_1_a_view_that_adds_nothing_is_not_shown_under_its_own_name():
    rows = people(np.random.default_rng(2), Truth(clinics=10, people=80))
    place = rows.schema.get_field_index("deprivation_quintile")
    rows = rows.set_column(place, "deprivation_quintile", pa.nulls(rows.num_rows, pa.string()))
    fitted = expectations({MEASURE.id: rows}, [MEASURE], {MEASURE.id: CASEMIX}, {})
    assert set(fitted.adjusted_sums["adjustment"].to_pylist()) == {"clinical"}
    refused = next(model for model in fitted.models if model.adjustment == "clinical+social")
    assert (refused.status, refused.n) == ("insufficient", rows.filter(pc.equal(rows["status"], "followed")).num_rows)
    assert refused.reason is not None
    assert refused.reason.startswith("nothing_added: what this view would add (deprivation_quintile) is not recorded")


def test_m3_1_a_stratum_is_standardized_to_all_people_so_that_its_gap_stays_visible(poor):
    references = [
        next(iter(field_of(poor, "clinical", "deprivation_quintile", level).values()))["reference"] for level in "12345"
    ]
    assert references == sorted(references, reverse=True)
    assert references[0] - references[-1] > 0.25
    socially = [
        next(iter(field_of(poor, "clinical+social", "deprivation_quintile", level).values()))["reference"]
        for level in "12345"
    ]
    assert max(socially) - min(socially) < 0.03


def test_m3_8_poor_care_for_poor_people_is_not_booked_on_the_people():
    # Clinics of deprived people achieve less, and hardship itself does nothing: within a clinic only severity counts.
    generator = np.random.default_rng(8)
    rows = people(generator, Truth(clinics=40, people=200, sorting=0.6))
    clinic = np.array([int(name[1:]) for name in rows["organization_id"].to_pylist()])
    quintile = rows["deprivation_quintile"].cast(pa.int64()).to_numpy()
    mean = np.bincount(clinic, quintile) / np.bincount(clinic)
    severity = (rows["baseline"].to_numpy() - 15) / 5
    chance = 1 / (1 + np.exp(0.6 * severity + 0.9 * (mean[clinic] - 3)))
    followed = np.array([one == "followed" for one in rows["status"].to_pylist()])
    met = pa.array(generator.random(len(clinic)) < chance, mask=~followed)
    rows = rows.set_column(rows.schema.get_field_index("met"), "met", met)
    edition = adjusted_edition(rows)
    found = {row["term"]: row for row in rows_of(edition, "coefficients") if row["adjustment"] == "clinical+social"}
    assert abs(found["deprivation_quintile[5]"]["estimate"]) < 0.25
    assert found["deprivation_quintile[5]"]["between"] < -1.0
    model = next(m for m in edition.document("casemix_models.json") if m["adjustment"] == "clinical+social")
    assert model["contrast_p"] < 0.05, "random effects alone would move these results"
    adjusted = field_of(edition, "clinical+social")
    ids = sorted(name for name, row in adjusted.items() if row["status"] == "ok")
    shown = np.array([adjusted[name]["estimate"] for name in ids])
    assert np.corrcoef(shown, [mean[int(name[1:])] for name in ids])[0, 1] < -0.8


def test_m3_11_a_failed_gate_gives_unadjusted_figures_only():
    rows = people(np.random.default_rng(3), Truth(clinics=12, people=200, severity=-0.9))
    fitted = adjusted_edition(rows)
    # A model whose outcome turns round in the unseen clinics cannot predict them.
    clinic = np.array([int(name[1:]) for name in rows["organization_id"].to_pylist()])
    met = np.array([bool(one) for one in rows["met"].to_pylist()])
    followed = np.array([one == "followed" for one in rows["status"].to_pylist()])
    turned = pa.array(np.where(clinic % 2 == 0, met, ~met), mask=~followed)
    failing = adjusted_edition(rows.set_column(rows.schema.get_field_index("met"), "met", turned))
    assert all(row["status"] == "ok" for row in field_of(fitted, "clinical").values())
    for row in field_of(failing, "clinical").values():
        assert row["status"] == "insufficient"
        assert row["reason"].startswith("model_not_calibrated: calibration slope")
        assert row["estimate"] is row["ratio"] is row["shrunken"] is row["band"] is row["expected"] is None
    assert all(row["status"] == "ok" for row in field_of(failing, "unadjusted").values())
    assert {row["adjustment"] for row in rows_of(failing, "benchmarks")} == {"unadjusted"}
    assert "clinical" in {row["adjustment"] for row in rows_of(fitted, "benchmarks")}


def test_m3_11_only_unseen_clinics_are_predicted_and_groups_are_told(poor):
    checks = [row for row in rows_of(poor, "model_checks") if row["adjustment"] == "clinical"]
    overall = next(row for row in checks if row["stratum"] == "all")
    assert overall["status"] == "pass"
    assert 0.9 <= overall["calibration_slope"] <= 1.1
    # The clinical view leaves hardship out on purpose: its gap is reported, and no fault of the model.
    poorest = next(row for row in checks if (row["stratum"], row["level"]) == ("deprivation_quintile", "5"))
    assert (poorest["status"], poorest["ratio"] < 0.9) == ("reported", True)
    social = [row for row in rows_of(poor, "model_checks") if row["adjustment"] == "clinical+social"]
    assert {row["status"] for row in social if row["stratum"] == "deprivation_quintile"} == {"pass"}


def test_e3_6_observed_over_expected():
    p = np.array([0.2, 0.35, 0.5, 0.4, 0.6, 0.3, 0.25, 0.45])
    variance = [float((p * (1 - p)).sum())]
    sums = sums_of(weight=[8], observed=[5], expected=[p.sum()], variance=variance, information=variance, n=[8])
    ratio = observed_over_expected(sums)
    assert ratio.value == pytest.approx([1.6393], rel=1e-4)
    assert variance == pytest.approx([1.7625])
    assert ratio.method.tolist() == ["normal"]
    assert (5 - p.sum()) / np.sqrt(variance[0]) == pytest.approx(1.4688, rel=1e-4)


def test_e3_6_limits_of_a_rare_outcome_are_exact_and_a_weighted_sum_is_no_count():
    sums = sums_of(weight=[200], observed=[18], expected=[12.4], variance=[11.6], information=[11.6], n=[200])
    ratio = observed_over_expected(sums)
    assert (ratio.value[0], ratio.lower[0], ratio.upper[0]) == pytest.approx((1.4516, 0.8603, 2.2942), rel=1e-4)
    assert ratio.method.tolist() == ["poisson_exact"]
    weighted = observed_over_expected(sums | {"weight_squared": np.array([300.0])})
    assert weighted.method.tolist() == ["normal"]


def test_e3_6_no_limit_says_that_more_than_everybody_had_the_outcome():
    sums = sums_of(weight=[20, 6], observed=[19, 6], expected=[15, 0.5], variance=[3.5, 0.45], information=[3.5, 0.45])
    ratio = observed_over_expected(sums)
    assert ratio.method.tolist() == ["normal", "poisson_exact"]
    assert ratio.upper == pytest.approx([20 / 15, 6 / 0.5])
    assert (ratio.lower < ratio.value).all()


def test_e3_6b_equal_clinics_with_other_people_have_other_ratios_and_equal_direct_rates():
    # Mild .6 and severe .4 in both; the reference has .6 and .2; A treats 90 mild of 100, B 10.
    mild, severe = np.array([90.0, 10.0]), np.array([10.0, 90.0])
    observed, expected = 0.6 * mild + 0.4 * severe, 0.6 * mild + 0.2 * severe
    variance = 0.24 * mild + 0.16 * severe
    known = {"weight": [100, 100], "n": [100, 100], "direct": [0.5, 0.5], "direct_variance": [0.0025, 0.0025]}
    sums = sums_of(observed=observed, expected=expected, variance=variance, information=variance, **known)
    assert observed_over_expected(sums).value == pytest.approx([1.0357, 1.75], rel=1e-4)
    figure = adjusted_figure(sums, CommonPeople(0.4, 0.2), share=True)
    assert figure.value == pytest.approx([0.5, 0.5])


def test_e3_6b_in_a_network_direct_rates_agree_where_ratios_differ():
    # The same care everywhere, better than the model's average for severe people only in two clinics of other people.
    edition = simulated(seed=6, clinics=30, people=300, sorting=0.8, severity=-1.2)
    shown = [row for row in field_of(edition, "clinical").values() if row["status"] == "ok"]
    raw = [row["estimate"] for row in field_of(edition, "unadjusted").values() if row["status"] == "ok"]
    direct = np.array([row["estimate"] for row in shown])
    noise = np.sqrt(np.mean([row["variance"] for row in shown]))
    assert np.std(raw) > 2 * np.std(direct)
    assert np.std(direct) < 1.3 * noise, "care is equal: what is left is chance"


def test_m4_7_an_adjusted_figure_is_compared_with_the_others_alone(poor):
    records = [
        row
        for row in rows_of(poor, "benchmarks")
        if (row["adjustment"], row["kind"], row["stratum"], row["period"]) == ("clinical", "mean", "all", "all")
    ]
    whole = next(row for row in records if not row["without"])
    shown = field_of(poor, "clinical")
    people_of = {name: row["n_followed"] for name, row in shown.items()}
    everyone = sum(shown[name]["estimate"] * n for name, n in people_of.items()) / sum(people_of.values())
    assert whole["estimate"] == pytest.approx(everyone, rel=1e-9)
    assert whole["estimate"] == pytest.approx(shown["c000"]["reference"], abs=0.01)
    assert {row["without"] for row in records} == {"", *shown}
    for row in records[1:6]:
        others = [name for name in shown if name != row["without"]]
        expected = sum(shown[n]["estimate"] * people_of[n] for n in others) / sum(people_of[n] for n in others)
        assert row["estimate"] == pytest.approx(expected, rel=1e-9)


def test_m3_9_shrinkage_of_adjusted_records_uses_the_variance_of_the_model():
    edition = adjusted_edition(
        people(np.random.default_rng(9), Truth(clinics=30, people=150, between=0.4, severity=-1.5)),
        benchmark=a_benchmark(MEASURE.id, kinds=["mean"], replicates=100, casemix=CASEMIX.id),
    )
    record = next(
        row for row in rows_of(edition, "benchmarks") if row["adjustment"] == "clinical" and not row["without"]
    )
    reliability = [row["reliability"] for row in field_of(edition, "clinical").values()]
    assert record["field_reliability"] == pytest.approx(np.median(reliability), rel=1e-9)


def test_c8_a_measurement_day_is_not_adjusted_for_where_people_without_one_count():
    variables = [one.model_dump(mode="json", exclude_none=True) for one in CASEMIX.variables]
    day = {
        "name": "measurement_day",
        "source": "measurement_day",
        "role": "adjust",
        "kind": "ruler",
        "timing": "post_index",
        "rationale": "Describes the ruler.",
        "form": {"kind": "linear", "centre": 84, "scale": 28},
        "missing": {"rule": "exclude"},
    }
    head = {"id": "with-day", "revision": 1, "title": "t", "why": "w", "author": "a"}
    casemix = CaseMix.model_validate(head | {"variables": [*variables, day]})
    rows = people(np.random.default_rng(2), Truth(clinics=10, people=80))
    seen = np.array([one == "followed" for one in rows["status"].to_pylist()])
    days = np.random.default_rng(1).integers(56, 113, rows.num_rows).astype(float)
    rows = rows.append_column("measurement_day", pa.array(days, mask=~seen))
    fitted = expectations({MEASURE.id: rows}, [MEASURE], {MEASURE.id: casemix}, {})
    found = {model.denominator: model for model in fitted.models if model.adjustment == "clinical+day"}
    assert (found["observed"].status, found["estimated"].status) == ("ok", "ok")
    without = int((~seen).sum())
    assert found["all_eligible"].reason == (
        f"no_day_without_followup: {without} of {rows.num_rows} who count have no measurement day"
    )
