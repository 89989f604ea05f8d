"""Every declared example holds, and every declaration is complete."""

from __future__ import annotations

import itertools
import math
from collections import Counter

import pytest

from benchwell.registry import Registry
from benchwell.scoring import Reason, score
from benchwell.terms import FactStatus, ScoreStatus

REGISTRY = Registry.load()
INSTRUMENTS = list(REGISTRY.instruments.values())
EXAMPLES = [
    pytest.param(instrument, example, id=f"{instrument.id}-{number}")
    for instrument in INSTRUMENTS
    for number, example in enumerate(instrument.examples, start=1)
]
NAMES = [instrument.id for instrument in INSTRUMENTS]
each_instrument = pytest.mark.parametrize("instrument", INSTRUMENTS, ids=NAMES)


@pytest.mark.parametrize(("instrument", "example"), EXAMPLES)
def test_the_example_holds(instrument, example):
    result = score(instrument, example.items, example.total, scale=example.scale, unit=example.unit)
    assert (result.status, result.reason, result.band) == (example.status, example.reason, example.band)
    assert (result.value is None) == (example.value is None)
    if example.value is not None:
        assert math.isclose(result.value, example.value, rel_tol=1e-12)
    for scale, value in example.scales.items():
        assert math.isclose(result.scales[scale], value, rel_tol=1e-12), scale


def test_the_instruments_of_the_first_release_are_declared():
    wanted = """phq-9 phq-9m phq-8 phq-2 gad-7 gad-2 who-5 whodas-12 pcl-5 core-10 k10 k6 wsas oq-45 bdi-ii hamd-17
        madrs promis-depression-4a promis-depression-8a promis-anxiety-4a promis-anxiety-8a wai-sr isi
        audit-c epds dass-21"""
    assert set(wanted.split()) <= set(REGISTRY.instruments)
    assert len(REGISTRY.instruments) >= 30


@each_instrument
def test_examples_cover_a_score_a_refusal_and_missing_answers(instrument):
    statuses = {example.status for example in instrument.examples}
    assert statuses & {"complete", "total_only"}
    assert "invalid" in statuses
    assert {example.reason for example in instrument.examples} <= {None, *map(str, Reason)}
    assert statuses <= set(map(str, ScoreStatus))
    if instrument.items is not None:
        assert any(None in (example.items or ()) for example in instrument.examples)
        assert "complete" in statuses
    if instrument.missing.rule != "none":
        assert "prorated" in statuses


@each_instrument
def test_items_span_exactly_the_stated_range(instrument):
    if instrument.items is None:
        return
    for scale in instrument.scales:
        low, high = instrument.raw_range(scale)
        size = len(instrument.groups_of(scale)) if scale.method == "mean" else 1
        ends = [raw * scale.multiply / (size * scale.divide) for raw in (low, high)]
        if scale.lookup:
            assert sorted(scale.lookup) == list(range(int(low), int(high) + 1))
            values = [scale.lookup[raw] for raw in sorted(scale.lookup)]
            assert values == sorted(values)
            ends = [values[0], values[-1]]
        assert ends == pytest.approx([scale.min, scale.max], rel=1e-12), scale.id


@each_instrument
def test_bands_and_cut_offs_lie_within_the_range(instrument):
    for scale in instrument.scales:
        bands = instrument.bands_of(scale)
        for before, after in itertools.pairwise(bands):
            assert before.min <= before.max < after.min
        if bands:
            assert bands[0].min <= scale.min
            assert bands[-1].max >= scale.max
        if scale.caseness is not None:
            assert scale.min <= scale.caseness.value <= scale.max
    primary = instrument.primary
    for cutoff in (instrument.caseness, instrument.remission):
        if cutoff is not None:
            assert primary.min <= cutoff.value <= primary.max
    if instrument.reliable_change is not None and instrument.reliable_change.points is not None:
        assert 0 < instrument.reliable_change.points < primary.max - primary.min


@each_instrument
def test_caseness_points_to_worse_and_remission_to_better(instrument):
    worse, better = ("<", ">") if instrument.better == "higher" else (">", "<")
    if instrument.caseness is not None:
        assert instrument.caseness.operator.startswith(worse)
    if instrument.remission is not None:
        assert instrument.remission.operator.startswith(better)


@each_instrument
def test_every_constant_says_where_it_was_read(instrument):
    facts = instrument.facts
    assert {"items.count", "items.range", "missing", "caseness", "remission", "reliable_change", "codes"} <= set(facts)
    for path, fact in facts.items():
        if fact.status == FactStatus.CHECKED:
            assert fact.source, path
        if fact.status == FactStatus.NO_VALUE:
            assert fact.value is None, path
    for name in ("caseness", "remission", "reliable_change"):
        held = getattr(instrument, name)
        if held is not None and name in facts:
            assert held.status == facts[name].status, name
        if facts[name].status == FactStatus.NO_VALUE:
            assert held is None, name
    used = {source for fact in facts.values() for source in fact.source} | set(instrument.licence.source)
    assert used <= set(instrument.sources)


@each_instrument
def test_wording_is_shipped_only_for_the_free_phq_and_gad_forms(instrument):
    if instrument.items is not None and instrument.items.wording:
        assert instrument.id in {"phq-9", "phq-8", "phq-2", "gad-7", "gad-2"}
        assert instrument.licence.state == "free"


def test_no_two_instruments_share_a_spelling():
    spellings = Counter(name for instrument in INSTRUMENTS for name in instrument.names)
    assert [name for name, count in spellings.items() if count > 1] == []


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("PHQ 9", "phq-9"),
        ("phq_9", "phq-9"),
        ("phq9", "phq-9"),
        ("http://loinc.org|44261-6", "phq-9"),
        ("44249-1", "phq-9"),
        ("89204-2", "phq-9m"),
        ("70274-6", "gad-7"),
        ("GAD7", "gad-7"),
        ("WHO-5", "who-5"),
        ("Hamilton Depression Rating Scale", "hamd-17"),
        ("BDI-II", "bdi-ii"),
        ("HbA1c", "hba1c"),
        ("PROMIS Depression 8a", "promis-depression-8a"),
        ("71965-8", None),  # the T-score code of two forms: it names neither
        ("70221-7", None),  # the civilian PCL, not PCL-5
        ("phq", None),
        (" - ", None),
    ],
)
def test_a_source_finds_the_instrument_it_means(name, found):
    instrument = REGISTRY.find_instrument(name)
    assert (None if instrument is None else instrument.id) == found
