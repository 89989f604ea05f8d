"""Networks in which all clinics are truly the same, through computing and comparing: hardly a colour (M13.4, M5.5)."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from benchwell.benchmarks import Declarations, compute
from benchwell.registry import Registry
from benchwell.registry.measure import Measure
from benchwell.signals import compare
from benchwell.tables import CANONICAL, DERIVED
from benchwell.terms import Light
from signals_edition import EDITION_ID, MEASURE, MemoryEdition, a_benchmark, a_measure

ID = MEASURE["id"]


def network(
    generator: np.random.Generator, clinics: int, between: float, measure: Measure, selective: bool
) -> pa.Table:
    """Sums of clinics with 30 to 400 people and a true rate around one half, of whom 60 to 95 % are followed up.

    With `selective`, people who met the goal are followed up more often, in every clinic alike.
    """
    rows: list[dict[str, Any]] = []
    for place in range(clinics):
        n = int(generator.integers(30, 400))
        rate = float(np.clip(0.5 + between * generator.normal(), 0.05, 0.95))
        kept = generator.uniform(0.6, 0.95)
        met = generator.random(n) < rate
        followed = generator.random(n) < np.clip(kept + (0.1 * (met - 0.5) if selective else 0.0), 0, 1)
        m, x = int(followed.sum()), int((followed & met).sum())
        weight = n / m
        rows.append(
            {"measure": measure.id, "organization_id": f"c{place:03d}", "period": "all", "stratum": "all"}
            | {"level": "all", "state": "row", "n_eligible": n, "n_followed": m, "n_met": x}
            | {"sum_weight": weight * m, "sum_weight_squared": weight**2 * m, "sum_weight_value": weight * x}
            | {"sum_weight_squared_value": weight**2 * x, "sum_weight_squared_value_squared": weight**2 * x}
        )
    return DERIVED["statistics"].conform(pa.Table.from_pylist(rows))


def colours(clinics: int, between: float, networks: int, *, seed: int, selective: bool = False) -> Counter[Light]:
    """How often each light is given, over whole simulated editions."""
    measure = a_measure()
    benchmark = a_benchmark(measure.id, kinds=["mean"], replicates=200)
    declared = Declarations({measure.id: measure}, {benchmark.id: benchmark}, {})
    generator = np.random.default_rng(seed)
    found: Counter[Light] = Counter()
    for _ in range(networks):
        statistics = network(generator, clinics, between, measure, selective)
        names = statistics["organization_id"].to_pylist()
        organizations = CANONICAL["organizations"].conform(pa.table({"organization_id": names}))
        made = compute(statistics, organizations, declared, dt.date(2024, 6, 30), edition=EDITION_ID)
        tables = {"organization_results": made.organization_results, "benchmarks": made.benchmarks}
        edition = MemoryEdition(Registry([measure, benchmark]), tables)
        for name in generator.choice(names, size=min(8, clinics), replace=False):
            found[compare(edition, str(name), ID).light] += 1
    return found


@pytest.mark.parametrize("selective", [False, True], ids=["missing at random", "missing if not met"])
@pytest.mark.parametrize("clinics", [6, 15, 40])
def test_false_colours_are_rare_where_clinics_do_not_differ(clinics: int, selective: bool) -> None:
    found = colours(clinics, 0.0, 12, seed=clinics, selective=selective)
    total = sum(found.values())
    assert total >= 72
    assert (found[Light.ABOVE] + found[Light.BELOW]) / total < 0.05
    assert found[Light.UNKNOWN] / total > 0.9


def test_colours_are_given_where_clinics_differ() -> None:
    found = colours(40, 0.12, 12, seed=9)
    total = sum(found.values())
    assert found[Light.ABOVE] / total > 0.03
    assert found[Light.BELOW] / total > 0.03
