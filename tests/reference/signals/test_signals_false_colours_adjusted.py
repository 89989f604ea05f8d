"""Networks in which all clinics treat alike and their people differ: hardly a colour once that is adjusted for."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from adjusted_network import Truth, adjusted_edition, people
from benchwell.signals import compare
from benchwell.terms import Adjustment, Light
from signals_edition import MEASURE

ID = MEASURE["id"]


def colours(truth: Truth, networks: int, *, seed: int, views: tuple[str, ...]) -> dict[str, Counter[Light]]:
    """How often each light is given, over whole simulated editions, by view."""
    generator = np.random.default_rng(seed)
    found: dict[str, Counter[Light]] = {view: Counter() for view in views}
    for _ in range(networks):
        edition = adjusted_edition(people(generator, truth))
        for place in generator.choice(truth.clinics, size=min(8, truth.clinics), replace=False):
            for view in views:
                found[view][compare(edition, f"c{place:03d}", ID, adjustment=view).light] += 1
    return found


def coloured(found: Counter[Light]) -> float:
    return (found[Light.ABOVE] + found[Light.BELOW]) / sum(found.values())


@pytest.mark.parametrize("clinics", [8, 15, 40])
def test_false_colours_are_rare_once_severity_is_adjusted_for(clinics: int) -> None:
    truth = Truth(clinics=clinics, severity=-0.8, sorting=0.4)
    found = colours(truth, 8, seed=clinics, views=("unadjusted", "clinical"))
    assert coloured(found["clinical"]) < 0.05
    assert found["clinical"][Light.UNKNOWN] + found["clinical"][Light.CLOSE] > 0.95 * sum(found["clinical"].values())


def test_deprivation_colours_clinics_only_until_social_risk_is_adjusted_for() -> None:
    truth = Truth(clinics=40, people=300, hardship=0.6, sorting=0.4)
    found = colours(truth, 5, seed=7, views=tuple(Adjustment)[:3])
    assert coloured(found["unadjusted"]) > 0.05
    assert coloured(found["clinical"]) > 0.05
    assert coloured(found["clinical+social"]) < 0.05


def test_colours_are_given_where_clinics_differ_whoever_they_treat() -> None:
    truth = Truth(clinics=40, people=400, between=0.8, hardship=0.4)
    found = colours(truth, 4, seed=9, views=("clinical+social",))["clinical+social"]
    assert found[Light.ABOVE] / sum(found.values()) > 0.03
    assert found[Light.BELOW] / sum(found.values()) > 0.03
