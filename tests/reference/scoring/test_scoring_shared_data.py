"""Scores of real item-level data sets against what the data sets say themselves."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pytest

from benchwell.registry import Registry
from benchwell.scoring import score, score_frame

SHARED = Path(__file__).parents[3] / ".." / "shared" / "data"
NHANES = SHARED / "phq9-items-nhanes-2015-2018" / "phq9_items_nhanes.csv"
IRT = SHARED / "phq9-items-irt" / "PHQ9_data.csv"
CHINA = SHARED / "phq9-items-china-students" / "phq9_items_china.csv"
PCL = SHARED / "pcl5-items" / "pcl5_items.csv"
ANXIETY = SHARED / "promis-anxiety-items" / "promis_anxiety.csv"

pytestmark = pytest.mark.shared


def need(path):
    return pytest.mark.skipif(not path.exists(), reason=f"shared data set {path.parent.name} is not here")


def read(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def scored(rows, instrument, items, **options):
    table = pa.table(
        {item: [float(row[item]) if row[item] not in ("", "NA") else None for row in rows] for item in items}
    )
    return score_frame(table, instrument, items, **options).to_pylist()


@need(IRT)
def test_every_stated_sum_of_the_irt_set_is_reproduced():
    rows = read(IRT)
    found = scored(rows, "phq-9", [f"Item{n}_num" for n in range(1, 10)])
    assert len(found) == 2177
    assert all(row["status"] == "complete" for row in found)
    assert [row["value"] for row in found] == [float(row["SumScore"]) for row in rows]


@need(CHINA)
def test_every_stated_total_of_the_student_set_is_reproduced():
    rows = read(CHINA)
    found = scored(rows, "phq-9", [f"q{n}" for n in range(1, 10)])
    assert len(found) == 12146
    assert [row["value"] for row in found] == [float(row["total"]) for row in rows]


@need(NHANES)
def test_refusals_and_gaps_of_nhanes_are_never_added_up():
    rows = read(NHANES)
    items = [f"DPQ0{n}0" for n in range(1, 10)]
    found = scored(rows, "phq-9", items)
    assert len(found) == 11268
    expected = Counter()
    for row, result in zip(rows, found, strict=True):
        answers = [int(row[item]) for item in items if row[item] != ""]
        refused = any(answer in (7, 9) for answer in answers)
        if not answers:
            kind = "no-answers"
        elif refused:
            kind = "out-of-range"
        elif len(answers) < 7:
            kind = "too-many-missing"
        else:
            kind = "scored"
            # Half-up rounding in whole numbers: floor(x + 1/2) = (2 s 9 + k) // 2k.
            k = len(answers)
            assert result["value"] == (2 * sum(answers) * 9 + k) // (2 * k)
            assert result["status"] == ("complete" if k == 9 else "prorated")
        expected[kind] += 1
        if kind != "scored":
            assert (result["value"], result["status"], result["reason"]) == (None, "invalid", kind)
    assert expected["out-of-range"] > 0
    assert expected["scored"] > 10000
    assert max(row["value"] for row in found if row["value"] is not None) <= 27


@need(PCL)
def test_pcl_5_totals_and_clusters_of_veterans():
    rows = read(PCL)
    items = list(rows[0])
    clusters = {"intrusion": "B", "avoidance": "C", "cognition-mood": "D", "arousal": "E"}
    totals = scored(rows, "pcl-5", items)
    assert len(totals) == 221
    assert [row["value"] for row in totals] == [float(sum(map(int, row.values()))) for row in rows]
    for scale, letter in clusters.items():
        sums = [float(sum(int(row[item]) for item in items if item.startswith(letter))) for row in rows]
        assert [row["value"] for row in scored(rows, "pcl-5", items, scale=scale)] == sums


@need(ANXIETY)
def test_promis_anxiety_answers_look_up_a_t_score_by_raw_sum():
    # The bank's items are not the short form's, but its 1 to 5 answers pass through the same arithmetic.
    rows = read(ANXIETY)
    items = [f"R{n}" for n in range(1, 9)]
    found = scored(rows, "promis-anxiety-8a", items)
    table = {8: 37.1, 16: 54.3, 24: 62.5, 32: 70.8, 40: 83.1}
    hits = 0
    for row, result in zip(rows, found, strict=True):
        raw = sum(int(row[item]) for item in items)
        assert 37.1 <= result["value"] <= 83.1
        if raw in table:
            hits += 1
            assert result["value"] == table[raw]
    assert (len(found), hits > 50) == (766, True)
    by_raw = sorted(
        (sum(int(row[item]) for item in items), result["value"]) for row, result in zip(rows, found, strict=True)
    )
    assert [value for _, value in by_raw] == sorted(value for _, value in by_raw)


def test_who_5_reports_four_times_the_raw_sum():
    for raw in range(26):
        items = [min(5, max(0, raw - 5 * n)) for n in range(5)]
        assert score("who-5", items).value == 4 * raw


QUESTIONNAIRES = SHARED.parent / "conformance" / "questionnaires" / "pco"
LOINC_ITEM_2 = "Over the past 2 weeks have you not been able to stop or control worrying"


@pytest.mark.parametrize(("name", "file", "differs"), [("phq-9", "PHQ9", {}), ("gad-7", "GAD7", {1: LOINC_ITEM_2})])
@pytest.mark.skipif(not QUESTIONNAIRES.exists(), reason="shared questionnaires are not here")
def test_wording_is_that_of_the_loinc_questionnaire_but_for_punctuation(name, file, differs):
    questionnaire = json.loads((QUESTIONNAIRES / f"Questionnaire-{file}.json").read_text(encoding="utf-8"))
    instrument = Registry.load().instrument(name)
    coded = {item["code"][0]["code"]: item["text"] for item in questionnaire["item"] if "code" in item}
    for n, (code, ours) in enumerate(zip(instrument.codes["items"], instrument.form.wording, strict=True)):
        theirs = coded[code.removeprefix("loinc|")]
        assert plain(differs.get(n, ours)) == plain(theirs)


@pytest.mark.skipif(not QUESTIONNAIRES.exists(), reason="shared questionnaires are not here")
def test_german_wording_is_that_of_the_mii_form():
    folder = QUESTIONNAIRES.parent / "mii-pro"
    questionnaire = json.loads((folder / "Questionnaire-mii-qst-pro-phq-9.json").read_text(encoding="utf-8"))
    answers = json.loads((folder / "ValueSet-mii-vs-pro-phq-9-answer-list-ll358-3.json").read_text(encoding="utf-8"))
    instrument = Registry.load().instrument("phq-9")
    coded = {item["code"][0]["code"]: item["text"] for item in questionnaire["item"] if "code" in item}
    words = instrument.wordings["de"]
    assert words.stem == questionnaire["item"][0]["text"]
    assert list(words.items) == [coded[code.removeprefix("loinc|")] for code in instrument.codes["items"]]
    assert list(words.answers.values()) == [one["display"] for one in answers["compose"]["include"][0]["concept"]]


def plain(text):
    return re.sub(r"[^a-z]", "", text.lower())
