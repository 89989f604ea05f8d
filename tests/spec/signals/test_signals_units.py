"""Figures that are no shares, from sums to the sentence, against plain Python: no unit twice (M2.1, M2.6, M2.10)."""

from __future__ import annotations

import datetime as dt
from math import gamma, sqrt
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from benchwell.benchmarks import Declarations, compute
from benchwell.registry import Registry
from benchwell.registry.measure import Measure
from benchwell.signals import compare, sentence
from benchwell.signals.words import figure_of
from benchwell.tables import CANONICAL, DERIVED
from benchwell.terms import Light
from signals_edition import EDITION_ID, MemoryEdition, a_benchmark, a_measure

CLINICS = [f"c{place:02d}" for place in range(12)]
Pairs = list[tuple[float, float]]


def courses(higher_is_better: bool) -> dict[str, Pairs]:
    """Baseline and follow-up scores of 150 people per clinic; gains rise from clinic to clinic."""
    generator = np.random.default_rng(21)
    made: dict[str, Pairs] = {}
    for place, clinic in enumerate(CLINICS):
        before = generator.integers(10, 25, 150).astype(float)
        after = np.clip(np.round(before * (0.9 - 0.05 * place) + generator.normal(0, 3, 150)), 0, 27)
        pairs = list(zip(before.tolist(), after.tolist(), strict=True))
        made[clinic] = [(27 - a, 27 - b) for a, b in pairs] if higher_is_better else pairs
    return made


def edition_of(rows: list[dict[str, Any]], measure: Measure) -> MemoryEdition:
    base = {"measure": measure.id, "period": "all", "stratum": "all", "level": "all", "state": "row"}
    statistics = DERIVED["statistics"].conform(pa.Table.from_pylist([base | row for row in rows]))
    organizations = CANONICAL["organizations"].conform(
        pa.table({"organization_id": [row["organization_id"] for row in rows]})
    )
    benchmark = a_benchmark(measure.id, kinds=["mean"], replicates=100)
    declared = Declarations({measure.id: measure}, {benchmark.id: benchmark}, {})
    made = compute(statistics, organizations, declared, dt.date(2024, 6, 30), edition=EDITION_ID)
    tables = {"organization_results": made.organization_results, "benchmarks": made.benchmarks}
    return MemoryEdition(Registry([measure, benchmark]), tables)


def paired_edition(measure: Measure, made: dict[str, Pairs], sign: int) -> MemoryEdition:
    rows = [
        {
            "organization_id": clinic,
            "n_eligible": len(pairs),
            "n_followed": len(pairs),
            "sum_value": sum(sign * (a - b) for a, b in pairs),
            "sum_value_squared": sum((a - b) ** 2 for a, b in pairs),
            "sum_baseline": sum(a for a, _ in pairs),
            "sum_baseline_squared": sum(a * a for a, _ in pairs),
            "sum_followup": sum(b for _, b in pairs),
            "sum_followup_squared": sum(b * b for _, b in pairs),
            "sum_baseline_followup": sum(a * b for a, b in pairs),
        }
        for clinic, pairs in made.items()
    ]
    return edition_of(rows, measure)


def by_clinic(edition: MemoryEdition) -> dict[str, dict[str, Any]]:
    return {row["organization_id"]: row for row in edition.table("organization_results").to_pylist()}


def pooled(edition: MemoryEdition) -> dict[str, Any]:
    records = edition.table("benchmarks").to_pylist()
    return next(row for row in records if row["method"] == "pooled" and row["without"] == "")


def plain_effect(pairs: Pairs, sign: int) -> float:
    n = len(pairs)
    before, gain = [a for a, _ in pairs], sum(sign * (a - b) for a, b in pairs) / n
    mean = sum(before) / n
    sd = sqrt(sum((one - mean) ** 2 for one in before) / (n - 1))
    m = n - 1
    # Gamma overflows above 171, so the known approximation stands in for it there.
    correction = gamma(m / 2) / (sqrt(m / 2) * gamma((m - 1) / 2)) if m < 170 else 1 - 3 / (4 * m - 1)
    return correction * gain / sd


@pytest.mark.parametrize("higher", [False, True], ids=["lower scores are better", "higher scores are better"])
def test_percent_change(higher: bool) -> None:
    measure = a_measure(endpoint={"kind": "percent_change"}, margin=None)
    made, sign = courses(higher), -1 if higher else 1
    edition = paired_edition(measure, made, sign)

    def percent(pairs: Pairs) -> float:
        return sign * 100 * (sum(a for a, _ in pairs) - sum(b for _, b in pairs)) / sum(a for a, _ in pairs)

    rows = by_clinic(edition)
    assert [rows[name]["estimate"] for name in CLINICS] == pytest.approx([percent(made[name]) for name in CLINICS])
    everybody = [pair for pairs in made.values() for pair in pairs]
    assert pooled(edition)["estimate"] == pytest.approx(percent(everybody))
    found = compare(edition, "c11", measure.id)
    assert found.margin == 3.0  # percentage points, as the figure is in percent
    assert found.light is Light.ABOVE
    words = str(sentence(found))
    assert f"{int(percent(made['c11']) + 0.5)} %" in words
    assert compare(edition, "c00", measure.id).light is Light.BELOW


@pytest.mark.parametrize("higher", [False, True], ids=["lower scores are better", "higher scores are better"])
def test_effect_size(higher: bool) -> None:
    measure = a_measure(endpoint={"kind": "effect_size"}, margin=None)
    made, sign = courses(higher), -1 if higher else 1
    edition = paired_edition(measure, made, sign)
    rows = by_clinic(edition)
    expected = {name: plain_effect(made[name], sign) for name in CLINICS}
    assert [rows[name]["estimate"] for name in CLINICS] == pytest.approx(list(expected.values()), rel=1e-9)
    weight = {name: len(made[name]) for name in CLINICS}
    mean = sum(expected[name] * weight[name] for name in CLINICS) / sum(weight.values())
    assert pooled(edition)["estimate"] == pytest.approx(mean, rel=1e-9)
    found = compare(edition, "c11", measure.id)
    assert found.light is Light.ABOVE
    assert f"{expected['c11']:.2f}" in str(sentence(found))


def rate_edition(events: list[int], years: float) -> tuple[MemoryEdition, Measure]:
    measure = a_measure(
        endpoint={"kind": "event_rate", "event": "self-harm"}, better="lower", instruments=[], margin=0.5
    )
    rows = [
        {"organization_id": name, "n_eligible": 300, "n_followed": 300, "sum_value": float(x), "sum_exposure": years}
        for name, x in zip(CLINICS, events, strict=True)
    ]
    return edition_of(rows, measure), measure


def test_event_rate() -> None:
    events = [4, 8, 12, 16, 20, 22, 24, 28, 32, 36, 40, 60]
    edition, measure = rate_edition(events, 250.0)
    rows = by_clinic(edition)
    assert [rows[name]["estimate"] for name in CLINICS] == pytest.approx([100 * x / 250 for x in events])
    assert pooled(edition)["estimate"] == pytest.approx(100 * sum(events) / (12 * 250))
    found = compare(edition, "c11", measure.id)
    assert found.light is Light.BELOW
    assert "24.0 per 100 person-years" in str(sentence(found))


def test_no_event_is_no_praise() -> None:
    """METHODS M2.10: clinics that ask more find more; a rate of zero gets no green."""
    edition, measure = rate_edition([0, 38, 45, 36, 44, 35, 39, 41, 40, 37, 46, 43], 250.0)
    found = compare(edition, "c00", measure.id)
    assert found.verdict is Light.ABOVE
    assert (found.light, found.deciding) == (Light.UNKNOWN, "events")
    assert "clinics that ask more find more" in str(sentence(found))


@pytest.mark.parametrize(
    ("endpoint", "value", "text"),
    [
        ({"kind": "response"}, 0.43, "43 %"),
        ({"kind": "percent_change"}, 39.13, "39 %"),
        ({"kind": "percent_change", "of": "mean_of_percents"}, 42.04, "42 %"),
        ({"kind": "effect_size"}, 1.3355, "1.34"),
        ({"kind": "change"}, 6.0, "6.0 points"),
        ({"kind": "event_rate", "event": "self-harm"}, 8.284, "8.3 per 100 person-years"),
    ],
)
def test_a_figure_is_written_in_the_unit_it_is_stored_in(endpoint: dict[str, Any], value: float, text: str) -> None:
    assert figure_of(a_measure(endpoint=endpoint)).text(value) == text
