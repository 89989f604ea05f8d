"""Scores told twice: a slow plain-Python twin, and the promise that no day loses its only valid score."""

from __future__ import annotations

import narwhals as nw
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from benchwell.engine import DuckDBEngine
from benchwell.registry import Registry
from benchwell.scoring import score_assessments, without_restated
from benchwell.tables import CANONICAL

INSTRUMENTS = {name: Registry.load().instrument(name) for name in ("gad-2", "gad-7")}
ENGINE = DuckDBEngine(threads=1)
IDS = [f"a{place}" for place in range(6)]

_rows = st.lists(
    st.fixed_dictionaries(
        {
            "patient_id": st.sampled_from(["p", "p", "q"]),
            "instrument": st.sampled_from(["gad-2", "gad-2", "gad-7"]),
            "informant": st.sampled_from([None, None, "self"]),
            "day": st.sampled_from([10, 10, 11]),
            "time": st.sampled_from([None, "09:00", "10:00"]),
            "answers": st.sampled_from([None, None, [1.0, 2.0], [3.0, None], [1.0] * 7]),
            "total": st.sampled_from([None, 3.0, 4.0, 7.0]),
            "derived_from": st.sampled_from([None, None, *IDS, "elsewhere"]),
        }
    ),
    max_size=len(IDS),
)


def scored(rows):
    known = [{k: v for k, v in row.items() if k not in {"answers", "day"}} for row in rows]
    whole = [
        row | {"assessment_id": name, "items": source["answers"]}
        for name, row, source in zip(IDS, known, rows, strict=False)
    ]
    table = CANONICAL["assessments"].conform(
        pa.Table.from_pylist(whole, schema=_plain(CANONICAL["assessments"].schema))
    )
    table = table.append_column("day", pa.array([row["day"] for row in rows], pa.int64()))
    assessments = ENGINE.keep(ENGINE.from_arrow(table))
    return assessments, ENGINE.keep(score_assessments(assessments, INSTRUMENTS))


def _plain(schema):
    return pa.schema([pa.field(field.name, field.type) for field in schema])


def folded(rows):
    assessments, scores = scored(rows)
    found = without_restated(scores, assessments, ENGINE)
    before = ENGINE.to_arrow(scores).to_pylist()
    after = ENGINE.to_arrow(found.scores).to_pylist()
    return before, after, found.count


def twin(scores, rows):
    """Ids and scales of what is told twice."""
    parents = {name: row["derived_from"] for name, row in zip(IDS, rows, strict=False)}
    valid = {(one["assessment_id"], one["scale"]): one for one in scores if one["status"] != "invalid"}
    gone = set()
    for one in scores:
        mine, parent = one["assessment_id"], parents[one["assessment_id"]]
        told = valid.get((parent, one["scale"]))
        mutual = parents.get(parent) == mine and mine < parent
        answered = one["status"] in {"complete", "prorated"}
        if parent != mine and told is not None and not mutual:
            same = (told["patient_id"], told["instrument"]) == (one["patient_id"], one["instrument"])
            if same and not (answered and told["status"] == "total_only"):
                gone.add((mine, one["scale"]))
        if one["status"] != "total_only":
            continue
        for other in scores:
            keys = ("patient_id", "instrument", "scale", "informant", "day")
            if other["status"] not in {"complete", "prorated"} or any(one[key] != other[key] for key in keys):
                continue
            unknown = one["second"] is None or other["second"] is None
            if unknown or one["second"] == other["second"] or one["value"] == other["value"]:
                gone.add((mine, one["scale"]))
    return gone


@settings(max_examples=50, deadline=None)
@given(rows=_rows)
def test_what_is_folded_is_what_the_twin_folds(rows):
    before, after, count = folded(rows)
    key = lambda one: (one["assessment_id"], one["scale"])  # noqa: E731
    gone = twin(before, rows)
    assert sorted(map(key, after)) == sorted(key(one) for one in before if key(one) not in gone)
    assert count == len(gone)


@settings(max_examples=25, deadline=None)
@given(rows=_rows)
def test_without_links_between_records_a_day_keeps_a_valid_score(rows):
    rows = [row | {"derived_from": None} for row in rows]
    before, after, _ = folded(rows)

    def days(scores):
        keys = ("patient_id", "instrument", "scale", "informant", "day")
        return {tuple(one[key] for key in keys) for one in scores if one["status"] != "invalid"}

    assert days(after) == days(before)


def row(**more):
    shape = {"patient_id": "p", "instrument": "gad-2", "informant": None, "day": 10, "time": None, "answers": None}
    return shape | {"total": None, "derived_from": None} | more


def kept(*rows):
    return [one["assessment_id"] for one in sorted(folded(rows)[1], key=lambda one: one["assessment_id"])]


def test_answers_win_over_their_total_whatever_it_says():
    assert kept(row(answers=[1.0, 2.0]), row(total=3.0)) == ["a0"]
    assert kept(row(answers=[1.0, 2.0]), row(total=5.0)) == ["a0"]
    assert kept(row(answers=[1.0, 2.0], time="09:00"), row(total=5.0, time="09:00")) == ["a0"]


def test_two_sittings_of_one_day_stay_two():
    assert kept(row(answers=[1.0, 2.0], time="09:00"), row(total=5.0, time="17:00")) == ["a0", "a1"]
    assert kept(row(answers=[1.0, 2.0]), row(answers=[1.0, 2.0])) == ["a0", "a1"]
    assert kept(row(total=3.0), row(total=3.0)) == ["a0", "a1"]


def test_a_valid_total_survives_beside_answers_that_give_no_score():
    before, after, count = folded([row(answers=[3.0, None]), row(total=3.0)])
    assert count == 0
    assert len(after) == len(before) == 2


def test_a_restated_record_goes_on_any_day_but_only_if_its_form_is_there_and_valid():
    assert kept(row(answers=[1.0, 2.0]), row(total=3.0, day=11, derived_from="a0")) == ["a0"]
    assert kept(row(answers=[1.0, 2.0]), row(total=3.0, day=11, derived_from="elsewhere")) == ["a0", "a1"]
    assert kept(row(answers=[3.0, None]), row(total=3.0, day=11, derived_from="a0")) == ["a0", "a1"]
    assert kept(row(answers=[1.0, 2.0]), row(total=3.0, day=11, derived_from="a0", patient_id="q")) == ["a0", "a1"]


def test_records_that_name_one_another_or_themselves_do_not_both_vanish():
    assert kept(row(total=3.0, derived_from="a1"), row(total=3.0, derived_from="a0")) == ["a0"]
    assert kept(row(total=3.0, derived_from="a0")) == ["a0"]
    assert kept(row(total=3.0), row(answers=[1.0, 2.0], derived_from="a0")) == ["a1"]


def test_where_nothing_is_told_twice_the_very_same_frame_comes_back():
    assessments, scores = scored([row(answers=[1.0, 2.0]), row(total=3.0, day=11)])
    found = without_restated(scores, assessments, ENGINE)
    assert found.scores is scores
    assert found.count == 0
    assert isinstance(scores, nw.LazyFrame)


def test_a_record_with_several_instruments_is_found_under_the_name_of_the_second(monkeypatch):
    monkeypatch.setitem(globals(), "IDS", ["q/1", "q/1#gad-2", "o/1"])
    rows = [row(instrument="gad-7", answers=[1.0] * 7), row(answers=[1.0, 2.0])]
    assert kept(*rows, row(total=3.0, day=11, derived_from="q/1")) == ["q/1", "q/1#gad-2"]
