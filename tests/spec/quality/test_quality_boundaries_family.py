"""The measures beside CMS159 at their boundaries: six months to the end of a month, half a score, 120 to 240 days."""

from __future__ import annotations

import pytest

from quality_cases import condition, counts, day, encounter, patient, phq9

BORN, DEPRESSED = patient("1980-01-01"), condition("icd-10-cm|F32.9", "2023-01-10")


def met(measure, index, follow_up, first=20, then=0, period="2026", **value):
    """Denominator and numerator of somebody with one score on the index day and one later."""
    visit = encounter("hcpcs|G0438", index, index)
    later = phq9(None, follow_up, **value) if value else phq9(then, follow_up)
    found = counts(measure, BORN, DEPRESSED, visit, phq9(first, index), later, period=period)
    return found["denominator"], found["numerator"]


@pytest.mark.parametrize("measure", ["cbe-0711", "cbe-1884"])
@pytest.mark.parametrize(
    ("index", "half_a_year_later", "period"),
    [
        ("2025-08-31", "2026-02-28", "2026"),  # February has no 31st
        ("2025-08-29", "2026-02-28", "2026"),
        ("2025-08-28", "2026-02-28", "2026"),
        ("2025-12-31", "2026-06-30", "2026"),
        ("2023-08-31", "2024-02-29", "2024"),
        ("2024-02-29", "2024-08-29", "2024"),
        ("2025-05-01", "2025-11-01", "2026"),
    ],
)
@pytest.mark.parametrize(("days", "numerator"), [(-61, 0), (-60, 1), (0, 1), (60, 1), (61, 0)])
def test_six_calendar_months_and_60_days_either_way(measure, index, half_a_year_later, period, days, numerator):
    assert met(measure, index, day(half_a_year_later, days), period=period) == (1, numerator)


@pytest.mark.parametrize("measure", ["drr-e-follow-up", "drr-e-remission", "drr-e-response"])
@pytest.mark.parametrize(("days", "numerator"), [(119, 0), (120, 1), (121, 1), (239, 1), (240, 1), (241, 0)])
@pytest.mark.parametrize("clock", ["", "T00:00:00Z", "T23:59:59.999Z"])
@pytest.mark.parametrize("index", ["2025-06-02", "2025-12-31"])
def test_120_to_240_days(measure, index, days, clock, numerator):
    assert met(measure, index, day(index, days) + clock) == (1, numerator)


@pytest.mark.parametrize(("measure", "months_later"), [("cbe-1884", "2025-12-02"), ("cbe-1885", "2026-06-02")])
@pytest.mark.parametrize(
    ("first", "then", "numerator"),
    [
        (10, 5, 1),
        (10, 6, 0),
        (11, 5, 1),
        (11, 5.5, 1),
        (11, 5.6, 0),
        (11, 6, 0),
        (20, 10, 1),
        (20, 10.1, 0),
        (27, 13.5, 1),
    ],
)
def test_half_of_the_score_is_enough_and_no_more(measure, months_later, first, then, numerator):
    value = {"valueQuantity": {"value": then, "code": "{score}"}}
    assert met(measure, "2025-06-02", months_later, first, **value) == (1, numerator)


@pytest.mark.parametrize("measure", ["cbe-0711", "cbe-1884", "cbe-1885", "drr-e-remission", "drr-e-response"])
def test_the_last_score_of_several_decides(measure):
    visit = encounter("hcpcs|G0438", "2025-06-02", "2025-06-02")
    base = (BORN, DEPRESSED, visit, phq9(10, "2025-06-02"))
    early, late = ("2026-06-02", "2026-06-03") if measure == "cbe-1885" else ("2025-12-02", "2025-12-03")
    assert counts(measure, *base, phq9(20, early), phq9(3, late))["numerator"] == 1
    assert counts(measure, *base, phq9(3, early), phq9(20, late))["numerator"] == 0
    assert counts(measure, *base, phq9(3, early), phq9(None, late))["numerator"] == 0  # the last has no number


@pytest.mark.parametrize("measure", ["cbe-0711", "cbe-1884", "cbe-1885", "drr-e-follow-up", "drr-e-response"])
@pytest.mark.parametrize(("first", "denominator"), [(9, 0), (10, 1)])
def test_a_raised_score_is_above_9(measure, first, denominator):
    later = "2026-06-02" if measure == "cbe-1885" else "2025-12-02"
    assert met(measure, "2025-06-02", later, first)[0] == denominator


@pytest.mark.parametrize(("birth", "denominator"), [("2013-06-02", 1), ("2013-06-03", 0)])
@pytest.mark.parametrize("measure", ["cbe-0711", "cbe-1884", "cbe-1885", "drr-e-remission"])
def test_12_on_the_index_day(measure, birth, denominator):
    visit = encounter("hcpcs|G0438", "2025-06-02", "2025-06-02")
    found = counts(measure, patient(birth), DEPRESSED, visit, phq9(10, "2025-06-02"))
    assert found["denominator"] == denominator


@pytest.mark.parametrize("measure", ["cbe-0711", "cbe-1884"])
@pytest.mark.parametrize(("days", "excluded"), [(60, 1), (61, 0)])
def test_who_died_by_the_last_day_of_six_months_and_60_days_is_left_out(measure, days, excluded):
    person = patient("1980-01-01", deceasedDateTime=day("2025-12-02", days))
    visit = encounter("hcpcs|G0438", "2025-06-02", "2025-06-02")
    found = counts(measure, person, DEPRESSED, visit, phq9(10, "2025-06-02"))
    assert found["denominator-exclusion"] == excluded


@pytest.mark.parametrize("measure", ["drr-e-follow-up", "drr-e-remission", "drr-e-response"])
@pytest.mark.parametrize(("days", "excluded"), [(240, 1), (241, 0)])
def test_another_disorder_within_240_days_is_left_out(measure, days, excluded):
    visit = encounter("hcpcs|G0438", "2025-06-02", "2025-06-02")
    bipolar = condition("icd-10-cm|F31.9", day("2025-06-02", days))
    found = counts(measure, BORN, DEPRESSED, bipolar, visit, phq9(10, "2025-06-02"))
    assert found["denominator-exclusion"] == excluded
