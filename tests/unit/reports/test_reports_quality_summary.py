"""What a person reads of an official measure."""

from __future__ import annotations

import datetime as dt

from benchwell.quality.result import QualityResult, StratumResult, SubjectResult
from benchwell.registry import Registry
from benchwell.reports.quality_summary import quality_columns, quality_heading, quality_lines, quality_rows

YEAR = (dt.date(2026, 1, 1), dt.date(2026, 12, 31))


def result(measure_id, *subjects, official=True):
    return QualityResult(Registry.load().quality_measure(measure_id), *YEAR, (), subjects, official=official)


def person(name, not_assessed=0, **counts):
    populations = {key.replace("_", "-"): value for key, value in counts.items()}
    return SubjectResult(name, populations, (StratumResult("a", "Adults", populations),), not_assessed=not_assessed)


IN = {"initial_population": 1, "denominator": 1}


def test_no_share_without_what_it_is_a_share_of():
    found = result(
        "cms159",
        person("a", **IN, denominator_exclusion=0, numerator=1),
        person("b", 1, **IN, denominator_exclusion=0, numerator=0),
        person("c", **IN, denominator_exclusion=1, numerator=0),
    )
    assert quality_columns(found) == ["population", "all", "Adults"]
    assert quality_rows(found) == [
        ["initial population", "3", "3"],
        ["denominator", "3", "3"],
        ["left out (exclusions)", "1", "1"],
        ["met (numerator)", "1", "1"],
        ["met, of those left to count", "1 of 2 (50.0%)", "1 of 2 (50.0%)"],
    ]
    assert quality_heading(found) == "Depression remission at twelve months, 2026-01-01 to 2026-12-31"
    assert quality_lines(found)[1:] == [
        "Higher is better. 3 people were read; the measure counts people.",
        "1 of 2 (50%) have a value that could have met the measure.",
        "1 have none; they count as not met.",
    ]


def test_a_measure_of_encounters_says_so_and_nobody_is_no_share():
    visit = {"initial_population": 0, "denominator": 0, "numerator": 0}
    found = result("cms177", person("a", None, **visit))
    assert quality_rows(found)[-1] == ["met, of those left to count", "nobody to count", "nobody to count"]
    assert "the measure counts encounters" in quality_lines(found)[1]
    assert len(quality_lines(found)) == 2


def test_incomplete_value_sets_take_the_name_away():
    found = result("cms159", person("a", **IN, denominator_exclusion=0, numerator=1), official=False)
    assert "Depression remission" not in quality_heading(found)
    assert quality_lines(found)[0].startswith("Not Depression Remission at Twelve Months")
