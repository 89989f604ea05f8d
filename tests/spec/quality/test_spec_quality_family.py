"""What other measures of depression change of CMS159: when the follow-up is, and what counts as met."""

from __future__ import annotations

import pytest

from quality_cases import condition, counts, encounter, patient, phq9, procedure

title = "Six months, response, and the measures aligned with HEDIS"

INDEX = "2025-06-02"
BASE = (
    patient("1980-01-01"),
    condition("icd-10-cm|F32.9", "2025-01-10"),
    encounter("hcpcs|G0438", INDEX, INDEX),
    phq9(10, INDEX),
)


@pytest.mark.parametrize(
    ("measure", "met", "missed"),
    [
        ("cms159", [("2026-04-03", 4), ("2026-08-01", 4)], [("2026-04-02", 4), ("2026-08-02", 4), ("2026-06-02", 5)]),
        ("cbe-0711", [("2025-10-03", 4), ("2026-01-31", 4)], [("2025-10-02", 4), ("2026-02-01", 4), ("2025-12-02", 5)]),
        ("cbe-1884", [("2025-10-03", 5), ("2026-01-31", 5)], [("2025-10-02", 5), ("2026-02-01", 5), ("2025-12-02", 6)]),
        ("cbe-1885", [("2026-04-03", 5), ("2026-08-01", 5)], [("2026-04-02", 5), ("2026-08-02", 5), ("2026-06-02", 6)]),
        ("drr-e-follow-up", [("2025-09-30", 27), ("2026-01-28", 0)], [("2025-09-29", 0), ("2026-01-29", 0)]),
        ("drr-e-remission", [("2025-09-30", 4)], [("2025-09-29", 4), ("2025-12-01", 5)]),
        ("drr-e-response", [("2025-09-30", 5), ("2026-01-28", 5)], [("2025-12-01", 6), ("2026-01-29", 5)]),
    ],
)
def test_when_the_follow_up_is_and_what_is_met(measure, met, missed):
    for day, score in met:
        assert counts(measure, *BASE, phq9(score, day))["numerator"] == 1, (day, score)
    for day, score in missed:
        found = counts(measure, *BASE, phq9(score, day))
        assert (found["denominator"], found["numerator"]) == (1, 0), (day, score)


@pytest.mark.parametrize(("first", "half", "more"), [(11, 5, 6), (15, 7, 8), (20, 10, 11), (27, 13, 14)])
def test_half_of_the_index_score_in_whole_numbers(first, half, more):
    base = (*BASE[:3], phq9(first, INDEX))
    assert counts("cbe-1885", *base, phq9(half, "2026-06-02"))["numerator"] == 1
    assert counts("cbe-1885", *base, phq9(more, "2026-06-02"))["numerator"] == 0


@pytest.mark.parametrize(
    ("visit", "expected"), [("2025-04-30", 0), ("2025-05-01", 1), ("2026-04-30", 1), ("2026-05-01", 0)]
)
def test_six_month_measures_look_from_may_to_april(visit, expected):
    base = (*BASE[:2], encounter("hcpcs|G0438", visit, visit), phq9(10, visit))
    for measure in ("cbe-0711", "cbe-1884", "drr-e-follow-up"):
        assert counts(measure, *base)["initial-population"] == expected


def test_palliative_care_and_death_exclude_only_where_the_measure_says_so():
    care = procedure("snomed|palliative-px", "2025-07-01")
    assert counts("cbe-0711", *BASE, care)["denominator-exclusion"] == 1
    assert counts("drr-e-remission", *BASE, care)["denominator-exclusion"] == 0
    hospice = procedure("hcpcs|G0182", "2025-07-01")
    assert counts("drr-e-remission", *BASE, hospice)["denominator-exclusion"] == 1


@pytest.mark.parametrize(
    ("visit", "score", "expected"),
    [
        ("2026-01-01", "2026-04-30", (1, 1)),
        ("2026-04-30", "2026-01-01", (1, 1)),  # before the visit, in the same period
        ("2026-02-02", "2026-05-01", (1, 0)),
        ("2026-02-02", None, (1, 0)),
        ("2025-12-31", "2026-01-01", (0, 0)),
    ],
)
def test_one_assessment_period_of_phq_9_use(visit, score, expected):
    resources = (*BASE[:2], encounter("hcpcs|G0438", visit, visit), phq9(3, score))
    found = counts("dms-e", *resources, period="2026-01-01..2026-04-30")
    assert (found["denominator"], found["numerator"]) == expected
