"""Before anybody is counted: the period, and value sets that may carry the official name."""

from __future__ import annotations

import datetime as dt

import pytest

from benchwell.errors import BenchwellError
from benchwell.quality.asking import ask, parse_period
from benchwell.quality.result import PerformanceRate, QualityResult, StratumResult, SubjectResult
from benchwell.quality.value_set_fhir import listings_of
from benchwell.quality.value_sets import ValueSets
from benchwell.registry import Registry

YEAR = (dt.date(2026, 1, 1), dt.date(2026, 12, 31))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026", YEAR),
        (" 2026-01-01..2026-12-31 ", YEAR),
        ("2026-01..2026-12", YEAR),
        ("2025..2026", (dt.date(2025, 1, 1), YEAR[1])),
        ("2024-02", (dt.date(2024, 2, 1), dt.date(2024, 2, 29))),
        ("2026-03-05", (dt.date(2026, 3, 5), dt.date(2026, 3, 5))),
    ],
)
def test_periods(text, expected):
    assert parse_period(text) == expected


@pytest.mark.parametrize("text", ["", "26", "2026-13", "2026..", "..2026", "2026-02-30", "2026..2025", "next year"])
def test_what_is_no_period(text):
    with pytest.raises(BenchwellError, match=r"is not a period|ends before it begins"):
        parse_period(text)


def loaded(measure, *, codes=None, version=None, empty=()):
    """Every value set of a measure, as large as the measure says unless told otherwise."""
    listings = []
    for name, needed in measure.value_sets.items():
        size = 0 if name in empty else codes or needed.codes or 3
        contains = [{"system": "http://loinc.org", "code": f"{name}-{number}"} for number in range(size)]
        listings += listings_of(
            {
                "resourceType": "ValueSet",
                "url": f"http://cts.nlm.nih.gov/fhir/ValueSet/{needed.oid}",
                "version": version or needed.version,
                "expansion": {"total": size, "contains": contains},
            },
            "made-up.json",
        )
    return ValueSets(listings)


@pytest.mark.parametrize("measure", Registry.load().quality.values(), ids=lambda one: one.id)
def test_whole_value_sets_allow_the_name(measure):
    asked = ask(measure, YEAR, loaded(measure))
    assert asked.official
    assert not asked.notes
    assert set(asked.question.codes) == set(measure.value_sets) | set(measure.codes)


def test_small_or_empty_ones_refuse_the_name_and_other_versions_are_told():
    measure = Registry.load().quality_measure("cms159")
    small = ask(measure, YEAR, loaded(measure, codes=2))
    assert not small.official
    assert small.notes[0].startswith("Fewer codes were loaded than the official sets have: ")
    assert "Major Depression Including Remission (2 of 79)" in small.notes[0]
    assert not ask(measure, YEAR, loaded(measure, empty={"inpatient"})).official
    other = ask(measure, YEAR, loaded(measure, version="20991231"))
    assert other.official
    assert "Dysthymia: version 20991231 was loaded, the measure names 20220219" in other.notes


def subject(name, stratum=None, **counts):
    populations = {"initial-population": 0, "denominator": 0, "denominator-exclusion": 0, "numerator": 0} | {
        key.replace("_", "-"): value for key, value in counts.items()
    }
    none = dict.fromkeys(populations, 0)
    strata = tuple(StratumResult(one, one.upper(), populations if one == stratum else none) for one in ("young", "old"))
    return SubjectResult(name, populations, strata, not_assessed=0)


def test_strata_add_up_and_no_share_stands_alone():
    measure = Registry.load().quality_measure("cms159")
    subjects = (
        subject("a", "young", initial_population=1, denominator=1, numerator=1),
        subject("b", "old", initial_population=1, denominator=1, denominator_exclusion=1),
        subject("c", "old", initial_population=1, denominator=1),
        subject("d"),
    )
    result = QualityResult(measure, *YEAR, (), subjects)
    assert result.rate == PerformanceRate(1, 2)
    for code, whole in result.summary.items():
        assert sum(one.populations[code] for one in result.strata) == whole
    data = result.to_dict()
    assert data["summary"]["performance"] == {"numerator": 1, "denominator": 2, "rate": 0.5}
    assert [one["subject"] for one in data["subjects"]] == ["a", "b", "c", "d"]
    assert result.claim == measure.aligned_with.strip()
    empty = QualityResult(measure, *YEAR, (), ())
    assert empty.rate.value is None
    assert empty.not_assessed is None
