"""The light beyond its probability: near, few clinics, usual spread, means, own history (M1.6, M3.9, M5.1, M5.5)."""

from __future__ import annotations

from math import asin, erf, exp, pi, sqrt
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from benchwell.benchmarks.results import organization_results
from benchwell.models.hyper_uncertainty import posterior_sd
from benchwell.models.light import people_needed
from benchwell.models.shrinkage import shrink
from benchwell.registry import Registry
from benchwell.registry.benchmark import SEED, Gates
from benchwell.signals import compare
from benchwell.signals.answers import Answer
from benchwell.signals.gates import missing_data, reliability
from benchwell.signals.words import figure_of
from benchwell.tables import CANONICAL, DERIVED
from benchwell.terms import Light
from signals_edition import CLINICS, EDITION_ID, MEASURE, MemoryEdition, a_benchmark, a_measure, benchmark_rows, edition

ID = MEASURE["id"]


def normal_cdf(z: float) -> float:
    return (1 + erf(z / sqrt(2))) / 2


def plain_quantile(values: list[float], p: float) -> float:
    ordered = sorted(values)
    place = p * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (place - low) * (ordered[high] - ordered[low])


def plain_usual_spread(distances: list[float], variances: list[float]) -> float:
    """METHODS M5.1 by hand."""
    z = [d / sqrt(v) for d, v in zip(distances, variances, strict=True)]
    low, high = plain_quantile(z, 0.1), plain_quantile(z, 0.9)
    k, w = len(z), [1 / v for v in variances]
    phi = sum(min(max(one, low), high) ** 2 for one in z) / k
    return max(0.0, (k * phi - (k - 1)) / (sum(w) - sum(one**2 for one in w) / sum(w)))


# found, verdict, passes
RELIABILITIES = [
    (0.72, Light.ABOVE, True),
    (0.65, Light.ABOVE, False),
    (0.65, Light.BELOW, False),
    (0.65, Light.CLOSE, True),
    (0.45, Light.CLOSE, False),
    (0.65, Light.UNKNOWN, False),
]


@pytest.mark.parametrize(("found", "state", "passes"), RELIABILITIES)
def test_green_and_red_need_more_reliability_than_near(found: float, state: Light, passes: bool) -> None:
    assert reliability(found, Gates(), None, state).passed is passes


# verdict, states under the other answers, passes
ANSWERS = [
    (Light.ABOVE, [Light.ABOVE, Light.ABOVE], True),
    (Light.ABOVE, [Light.ABOVE, Light.UNKNOWN], False),
    (Light.BELOW, [Light.BELOW, Light.UNKNOWN], False),
    (Light.BELOW, [Light.BELOW, Light.ABOVE], False),
    (Light.CLOSE, [Light.CLOSE, Light.UNKNOWN], True),
    (Light.CLOSE, [Light.CLOSE, Light.ABOVE], False),
    (Light.CLOSE, [Light.UNKNOWN, Light.BELOW], False),
]


@pytest.mark.parametrize(("state", "others", "passes"), ANSWERS)
def test_a_difference_must_hold_in_every_answer_and_near_in_none_be_denied(
    state: Light, others: list[Light], passes: bool
) -> None:
    answers = [Answer(f"a{place}", "some answer", 0.5, 0.5, one) for place, one in enumerate(others)]
    assert missing_data(answers, state, figure_of(a_measure()), "").passed is passes
    assert not missing_data([], state, figure_of(a_measure()), "").passed


@pytest.mark.parametrize("better", ["higher", "lower"])
@pytest.mark.parametrize("clinic", ["north", "hill"])
def test_the_usual_spread_is_that_of_the_others_by_hand(clinic: str, better: str) -> None:
    clinics = CLINICS | {"hill": (260, 250, 70)}
    found = compare(edition(clinics, measure=a_measure(better=better)), clinic, ID)
    gate = next(one for one in found.gates if one.name == "usual_spread")
    assert found.benchmark is not None
    target, error = found.benchmark.estimate.value, found.benchmark.standard_error
    shown = {name: counts for name, counts in clinics.items() if counts[0] >= 10}
    place = {name: asin(sqrt(x / m)) for name, (_, m, x) in shown.items()}
    others = [name for name in shown if name != clinic]
    common = asin(sqrt(sum(shown[name][2] for name in others) / sum(shown[name][1] for name in others)))
    spread = plain_usual_spread([place[name] - common for name in others], [0.25 / shown[name][1] for name in others])
    noise = 0.25 / shown[clinic][1] + spread + error**2 / (4 * target * (1 - target))
    z = abs(place[clinic] - asin(sqrt(target))) / sqrt(noise)
    assert gate.found == pytest.approx(normal_cdf(z), rel=1e-9)
    assert gate.passed is (normal_cdf(z) >= 0.9)


def test_a_clinic_does_not_make_itself_usual() -> None:
    """One clinic stands far out among clinics that hardly differ: its own distance is not part of the usual spread."""
    alike = {f"c{place}": (440, 420, 208 + place) for place in range(8)}
    found = compare(edition(alike | {"far": (440, 420, 300)}), "far", ID)
    gate = next(one for one in found.gates if one.name == "usual_spread")
    assert gate.found == pytest.approx(1.0, abs=1e-6)
    assert found.light is Light.ABOVE


def test_a_standard_that_all_miss_does_not_make_them_spread() -> None:
    """Ten clinics that hardly differ, all far below a figure from elsewhere: each of them is clearly below it."""
    alike = {f"c{place}": (440, 420, 150 + 12 * place) for place in range(10)}
    made = edition(alike)
    records = made.table("benchmarks").to_pylist()
    elsewhere = {"kind": "fixed_external", "method": "a-study", "tier": "external", "period": "2019", "without": ""}
    elsewhere |= {"estimate": 0.8, "standard_error": 0.01, "completeness": None, "n_organizations": None}
    found = compare(edition(alike, records=[*records, records[0] | elsewhere]), "c1", ID, kind="fixed_external")
    assert found.light is Light.BELOW


def test_a_tier_is_the_clinics_own() -> None:
    """A clinic without a record of its own region gets none: never that of another region."""
    made = edition()
    south = made.table("benchmarks").to_pylist()[0] | {"tier": "region", "tier_id": "south", "without": ""}
    places = [{"organization_id": "north", "region": "north"}, {"organization_id": "south", "region": "south"}]
    organizations = CANONICAL["organizations"].conform(pa.Table.from_pylist(places))
    with_regions = MemoryEdition(
        made.declarations,
        dict(made.tables)
        | {
            "organizations": organizations,
            "benchmarks": pa.Table.from_pylist([south], schema=DERIVED["benchmarks"].schema),
        },
    )
    assert compare(with_regions, "north", ID, tier="region").benchmark is None
    found = compare(with_regions, "south", ID, tier="region").benchmark
    assert found is not None
    assert found.tier_id == "south"


@pytest.mark.parametrize(("k", "wider"), [(12, True), (29, True), (30, False)])
def test_few_clinics_carry_the_doubt_about_mean_and_spread(k: int, wider: bool) -> None:
    generator = np.random.default_rng(5)
    clinics = {f"c{place:02d}": (100, 90, int(generator.binomial(90, 0.4 + 0.2 * place / k))) for place in range(k)}
    rows = edition(clinics).table("organization_results").to_pylist()
    y, v = (np.array([row[name] for row in rows]) for name in ("estimate", "variance"))
    expected = posterior_sd(y, v, seed=SEED) if wider else shrink(y, v).sd
    assert [row["shrunken_sd"] for row in rows] == pytest.approx(expected.tolist(), rel=1e-12)
    assert [row["shrunken"] for row in rows] == pytest.approx(shrink(y, v).shrunken.tolist(), rel=1e-12)
    if wider:
        assert float(np.mean(expected)) > float(np.mean(shrink(y, v).sd))


def test_few_clinics_that_seem_the_same_are_not_certain() -> None:
    """With tau2 estimated as zero the plain spread is zero, and everybody would be "near" for sure."""
    same = {f"c{place}": (60, 50, 25) for place in range(6)}
    rows = edition(same).table("organization_results").to_pylist()
    assert min(row["shrunken_sd"] for row in rows) > 0.01
    assert compare(edition(same), "c0", ID).light is Light.UNKNOWN


def test_many_clinics_that_seem_the_same_are_not_certain_either() -> None:
    rows = edition({f"c{place:02d}": (60, 50, 25) for place in range(40)}).table("organization_results").to_pylist()
    assert {row["reliability"] for row in rows} == {0.0}
    assert [row["shrunken_sd"] for row in rows] == pytest.approx([sqrt(0.25 / 2000)] * 40)


def mean_edition(followed: int, clinics: int = 12) -> MemoryEdition:
    """Clinics with mean gains from 4 to 8 points, SD 5, of 100 people each; the last follows up `followed` of them."""
    measure = a_measure(endpoint={"kind": "change"}, margin=0.5)
    benchmark = a_benchmark(measure.id, kinds=["mean"])
    rows: list[dict[str, Any]] = []
    for place in range(clinics):
        m = followed if place == clinics - 1 else 95
        mean, sd = 4 + 4 * place / (clinics - 1), 5.0
        rows.append(
            {"measure": measure.id, "organization_id": f"c{place:02d}", "period": "all", "stratum": "all"}
            | {"level": "all", "n_eligible": 100, "n_followed": m, "state": "row"}
            | {"sum_value": m * mean, "sum_value_squared": (m - 1) * sd**2 + m * mean**2}
        )
    statistics = DERIVED["statistics"].conform(pa.Table.from_pylist(rows))
    results = organization_results(statistics, measure, benchmark.gates, edition=EDITION_ID)
    records = benchmark_rows(results, measure, benchmark)
    return MemoryEdition(
        Registry([measure, benchmark]),
        {
            "organization_results": results,
            "benchmarks": pa.Table.from_pylist(records, schema=DERIVED["benchmarks"].schema),
        },
    )


def test_a_mean_is_swept_over_the_declared_range_too() -> None:
    found = compare(mean_edition(followed=80), "c11", ID)
    answers = {answer.name: answer for answer in found.answers}
    shift = 0.2 * 0.5 * sqrt(3) / pi * 5.0  # a fifth is missing, half a log-odds, SD 5
    assert answers["kappa_worse"].estimate == pytest.approx(8 - shift, rel=1e-6)
    assert answers["kappa_better"].estimate == pytest.approx(8 + shift, rel=1e-6)


def test_a_mean_is_compared_by_hand() -> None:
    found = compare(mean_edition(followed=95), "c11", ID)
    assert found.benchmark is not None
    gate = next(one for one in found.gates if one.name == "usual_spread")
    target, error = found.benchmark.estimate.value, found.benchmark.standard_error
    means = [4 + 4 * place / 11 for place in range(12)]
    common = sum(means[:-1]) / 11
    spread = plain_usual_spread([one - common for one in means[:-1]], [25 / 95] * 11)
    assert gate.found == pytest.approx(normal_cdf((means[-1] - target) / sqrt(25 / 95 + spread + error**2)), rel=1e-6)
    assert found.light is Light.ABOVE


def test_odds_and_standard_deviations_are_the_same_range() -> None:
    # Chinn (2000): half a log-odds is .276 standard deviations.
    assert 0.5 * sqrt(3) / pi == pytest.approx(0.27566, abs=1e-5)
    assert exp(-0.5) == pytest.approx(0.6065, abs=1e-4)


def test_own_history_compares_the_windows_and_not_all_time() -> None:
    """ "all" holds the earlier window too: a clinic would be compared with itself."""
    before, now = "2023-Q1..2023-Q4", "2024-Q1..2024-Q4"
    earlier = {name: (n, m, x - m // 5) for name, (n, m, x) in CLINICS.items() if name != "tiny"}
    made = edition(quarters={before: earlier, now: CLINICS})
    records = made.table("benchmarks").to_pylist()
    past = next(row for row in made.table("organization_results").to_pylist() if row["period"] == before)
    history = records[0] | {"kind": "own_history", "method": "shrunken", "tier": "organization", "period": before}
    history |= {"tier_id": "north", "estimate": past["shrunken"], "n_organizations": 1, "completeness": 0.83}
    found = compare(
        edition(quarters={before: earlier, now: CLINICS}, records=[*records, history]), "north", ID, kind="own_history"
    )
    assert found.period == now
    assert found.benchmark is not None
    assert found.benchmark.kind == "own_history"
    # How clinics differ from each other says nothing about one clinic over time.
    assert "usual_spread" not in [gate.name for gate in found.gates]


@pytest.mark.parametrize("clinic", [name for name in CLINICS if name not in ("tiny", "north")])
def test_people_needed_knows_the_doubt_of_few_clinics(clinic: str) -> None:
    """A grey light for want of probability never says that nobody more is needed."""
    found = compare(edition(), clinic, ID)
    if found.deciding in ("probability", "reliability"):
        assert found.people_needed is None or found.people_needed > 0


def test_doubt_about_the_mean_asks_for_more_people() -> None:
    known = people_needed(0.55, 40, 0.45, 0.005, 0.45, 0.01, 0.03)
    doubtful = people_needed(0.55, 40, 0.45, 0.005, 0.45, 0.01, 0.03, added_variance=0.002)
    assert known == 118
    assert doubtful is not None
    assert doubtful > 118
    with pytest.raises(ValueError, match="added_variance"):
        people_needed(0.55, 40, 0.45, 0.005, 0.45, 0.01, 0.03, added_variance=-1.0)
