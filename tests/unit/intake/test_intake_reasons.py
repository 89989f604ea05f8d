"""Each reason code has a source that causes it, and good rows of the same source still come in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from benchwell.intake import REASONS, IntakeResult
from benchwell.intake.reasons import FHIR_REASONS, rejections_page

HEAD = "patient_id,date,instrument,total\n"
GOOD = "good,2026-01-05,phq-9,12\n"
PUBLISHED = """
layout: published
tables:
  published_rates:
    source: {constant: s}
    organization_id: org
    group_type: {constant: g}
    measure: {constant: recovery}
    period_start: start
    period_end: end
    rate: {column: rate, percent: true}
    denominator: n
"""
MAP = "tables: {assessments: {patient_id: id, date: date, instrument: {constant: phq-9}, total: score}}"

# code: (source, mapping, row, column, action)
CASES: dict[str, tuple[str, str | None, int, str, str]] = {
    "ragged_row": (HEAD + GOOD + "p1,2026-01-05,phq-9\n", None, 2, "", "rejected"),
    "missing_patient_id": (HEAD + GOOD + ",2026-01-05,phq-9,9\n", None, 2, "patient_id", "rejected"),
    "missing_id": (
        "patient_id,purpose,date,decision\ngood,care,2026-01-05,granted\np1,,2026-01-05,granted\n",
        None, 2, "purpose", "rejected",
    ),
    "missing_date": (HEAD + GOOD + "p1,,phq-9,9\n", None, 2, "date", "rejected"),
    "missing_instrument": (HEAD + GOOD + "p1,2026-01-05,,9\n", None, 2, "instrument", "rejected"),
    "unparseable_date": (HEAD + GOOD + "p1,2026-02-30,phq-9,9\n", None, 2, "date", "rejected"),
    "ambiguous_date": (HEAD + GOOD + "p1,03/04/2026,phq-9,9\n", None, 2, "date", "rejected"),
    "two_digit_year": (HEAD + GOOD + "p1,13.04.26,phq-9,9\n", None, 2, "date", "corrected"),
    "not_a_number": (HEAD + GOOD + "p1,2026-01-05,phq-9,twelve\n", None, 2, "total", "rejected"),
    "decimal_comma": ("patient_id;date;instrument;total\ngood;2026-01-05;phq-9;12\np1;2026-01-05;hba1c;7,5\n", None, 2,
                      "total", "corrected"),
    "ambiguous_number": ("patient_id;date;instrument;total\ngood;2026-01-05;hba1c;7.5\np1;2026-01-05;hba1c;7,5\n", None,
                         2, "total", "rejected"),
    "negative_value": (HEAD + GOOD + "p1,2026-01-05,phq-9,-1\n", None, 2, "total", "rejected"),
    "below_range": (HEAD + GOOD + "p1,2026-01-05,hba1c,1\np2,2026-01-05,k10,9\n", None, 3, "total", "rejected"),
    "above_range": (HEAD + GOOD + "p1,2026-01-05,phq-9,28\n", None, 2, "total", "rejected"),
    "non_integer": (HEAD + GOOD + "p1,2026-01-05,phq-9,9.5\n", None, 2, "total", "rejected"),
    "too_many_items": (
        "patient_id,date,instrument,item_1,item_2,item_3\ngood,2026-01-05,phq-2,1,2,\np1,2026-01-05,phq-2,1,2,3\n",
        None, 2, "item_3", "rejected",
    ),
    "total_differs": (
        "patient_id,date,instrument,total,item_1,item_2\ngood,2026-01-05,phq-2,3,1,2\np1,2026-01-05,phq-2,5,1,2\n",
        None, 2, "total", "flagged",
    ),
    "no_score": (HEAD + GOOD + "p1,2026-01-05,phq-9,\n", None, 2, "total", "flagged"),
    "unit_missing": (HEAD + GOOD + "p1,2026-01-05,who-5,12\n", None, 2, "total", "rejected"),
    "unknown_unit": (
        "patient_id,date,instrument,total,unit\ngood,2026-01-05,who-5,12,raw\np1,2026-01-05,who-5,12,stones\n",
        None, 2, "total", "rejected",
    ),
    "unknown_instrument": (HEAD + GOOD + "p1,2026-01-05,phq-99,9\n", None, 2, "instrument", "rejected"),
    "unknown_scale": (
        "id,date,score,scale\ngood,2026-01-05,9,\np1,2026-01-05,9,mood\n",
        MAP.replace("total: score", "total: score, scale: scale"), 2, "scale", "rejected",
    ),
    "before_birth": (
        "patient_id,date,instrument,total,birth_year\ngood,2026-01-05,phq-9,9,1980\np1,1999-01-05,phq-9,9,2001\n",
        None, 2, "date", "rejected",
    ),
    "after_snapshot": (HEAD + GOOD + "p1,2026-07-01,phq-9,9\n", None, 2, "date", "rejected"),
    "birth_year_impossible": (
        "patient_id,date,instrument,total,birth_year\ngood,2026-01-05,phq-9,9,1980\np1,2026-01-05,phq-9,9,1080\n",
        None, 2, "birth_year", "rejected",
    ),
    "end_before_start": (
        "patient_id,date,instrument,total,start_date,end_date\ngood,2026-01-05,phq-9,9,2026-01-01,\n"
        "p1,2026-01-05,phq-9,9,2026-01-05,2026-01-04\n",
        None, 2, "end_date", "rejected",
    ),
    "duplicate_row": (HEAD + GOOD + GOOD, None, 2, "patient_id+instrument+date", "rejected"),
    "conflicting_duplicate": (
        HEAD + GOOD + "good,2026-01-05,phq-9,13\n", None, 1, "patient_id+instrument+date", "rejected",
    ),
    "conflicting_value": (
        "patient_id,date,instrument,total,birth_year\ngood,2026-01-05,phq-9,9,1980\ngood,2026-02-05,phq-9,9,1981\n",
        None, 1, "birth_year", "flagged",
    ),
    "unknown_value": (
        "id,date,score,checked\ngood,2026-01-05,9,yes\np1,2026-01-05,9,perhaps\n",
        MAP.replace("total: score", "total: score, reviewed: checked"), 2, "checked", "rejected",
    ),
    "out_of_bounds": (
        "org,start,end,rate,n\ngood,2026-01-01,2026-01-31,50,10\no,2026-01-01,2026-01-31,101,10\n",
        PUBLISHED, 2, "rate", "rejected",
    ),
    "rate_not_stated": (
        "org,start,end,rate,n\ngood,2026-01-01,2026-01-31,50,10\no,2026-01-01,2026-01-31,,10\n",
        PUBLISHED, 2, "rate", "rejected",
    ),
}  # fmt: skip


def findings(result: IntakeResult) -> set[tuple[int, str, str, str]]:
    table = result.rejections
    return set(zip(*(table[name].to_pylist() for name in ("row", "column", "reason", "action")), strict=True))


@pytest.mark.parametrize("code", sorted(CASES))
def test_reason_is_given_and_good_rows_come_in(code: str, take_in: Callable[..., IntakeResult]) -> None:
    content, mapping, row, column, action = CASES[code]
    result = take_in(content, mapping)
    assert (row, column, code, action) in findings(result)
    counts = result.counts
    assert counts.read == counts.accepted + counts.corrected + counts.flagged + counts.rejected
    assert counts.read > counts.rejected
    main = next(name for name in ("assessments", "published_rates", "consents") if name in result.tables)
    assert result.tables[main].num_rows >= 1


@pytest.mark.parametrize("code", sorted(CASES))
def test_no_value_or_id_in_the_rejections(code: str, take_in: Callable[..., IntakeResult]) -> None:
    content, mapping, *_ = CASES[code]
    result = take_in(content, mapping)
    for column in ("file", "column", "reason", "action"):
        texts = " ".join(result.rejections[column].to_pylist())
        assert "p1" not in texts
        assert "good" not in texts


def test_every_reason_has_a_case() -> None:
    assert set(CASES) == set(REASONS) - FHIR_REASONS  # those have their cases in tests/unit/fhir


def test_the_page_is_complete() -> None:
    page = Path(__file__).parents[3] / "docs" / "rejections.md"
    assert page.read_text(encoding="utf-8") == rejections_page()
