"""What goes into an edition: what was asked for, or everything that the snapshot has data for."""

from __future__ import annotations

import pytest

from benchwell.errors import UnknownDeclarationError
from benchwell.pipeline.choosing import Present, choose, instruments_of, plain_benchmark
from benchwell.registry import Registry

NOTHING = Present(instruments={}, published=frozenset(), encounters=False, events=frozenset())


@pytest.fixture(scope="module")
def registry() -> Registry:
    return Registry.load()


def present(registry: Registry, *instruments: str, **more) -> Present:
    found = {name: registry.instrument(name) for name in instruments}
    return Present(**(vars(NOTHING) | {"instruments": found} | more))


def test_nothing_present_means_nothing_chosen(registry):
    chosen = choose(registry, NOTHING, None)
    assert (chosen.measures, chosen.benchmarks, chosen.references) == ({}, {}, {})


def test_every_measure_with_data_has_a_benchmark(registry):
    chosen = choose(registry, present(registry, "phq-9"), None)
    served = {name for name, one in registry.measures.items() if present(registry, "phq-9").serves(one)}
    assert {one.measure for one in chosen.benchmarks.values()} == served
    assert set(chosen.measures) == served
    assert "phq9-response-12w" in served
    assert not any("gad" in name or "nhs-published" in name for name in served)


def test_a_measure_without_its_own_benchmark_gets_a_plain_one(registry):
    chosen = choose(registry, present(registry, "pcl-5"), None)
    assert "pcl5-reliable-change-plain" in chosen.benchmarks
    assert plain_benchmark(registry.measure("pcl5-reliable-change")) == chosen.benchmarks["pcl5-reliable-change-plain"]


def test_a_rule_of_two_measures_needs_both(registry):
    assert not present(registry, "phq-9").serves(registry.measure("nhs-recovery"))
    assert present(registry, "phq-9", "gad-7").serves(registry.measure("nhs-recovery"))
    assert set(instruments_of([registry.measure("nhs-recovery")], registry)) >= {"phq-9", "gad-7"}


def test_contacts_events_and_official_rates_serve_their_own_measures(registry):
    assert present(registry, encounters=True).serves(registry.measure("retention-6m"))
    assert present(registry, encounters=True).serves(registry.measure("wait-within-6-weeks"))
    assert not NOTHING.serves(registry.measure("self-harm-rate"))
    event = registry.measure("self-harm-rate").endpoint.event
    assert present(registry, events=frozenset({event})).serves(registry.measure("self-harm-rate"))
    rate = registry.measure("nhs-published-recovery")
    assert not NOTHING.serves(rate)
    assert present(registry, published=frozenset({(rate.endpoint.source, rate.endpoint.name)})).serves(rate)


def test_what_is_asked_for_is_taken_whatever_the_data(registry):
    chosen = choose(registry, NOTHING, ["network-phq9-response-12w", "phq9-saes-plain"])
    assert list(chosen.benchmarks) == ["network-phq9-response-12w", "phq9-saes-plain"]
    assert set(chosen.references) == {"us-psychotherapy-response-2020"}


def test_an_unknown_benchmark_is_refused_with_the_closest(registry):
    with pytest.raises(UnknownDeclarationError, match="did you mean 'network-phq9-response-12w'"):
        choose(registry, NOTHING, ["network-phq9-respons-12w"])


def test_every_bundled_measure_has_a_valid_plain_benchmark(registry):
    for measure in registry.measures.values():
        assert plain_benchmark(measure).measure == measure.id


def test_a_benchmark_brings_its_case_mix(registry):
    chosen = choose(registry, NOTHING, ["network-phq9-response-12w", "network-gad7-response-12w"])
    assert list(chosen.casemix) == ["anxiety-core", "depression-core"]
    assert choose(registry, NOTHING, ["network-retention-6m"]).casemix == {}


def test_a_case_mix_that_nobody_declared_is_named(registry):
    lost = registry.benchmark("network-phq9-response-12w").model_copy(update={"casemix": "depression-cor"})
    known = Registry([*registry.measures.values(), *registry.references.values(), *registry.casemix.values(), lost])
    with pytest.raises(UnknownDeclarationError, match=r"No case mix 'depression-cor'[\s\S]*mean 'depression-core'"):
        choose(known, NOTHING, [lost.id])
