"""Measures share courses and pairs only where they mean the same (outcomes.sharing)."""

from __future__ import annotations

import pytest

from benchwell.outcomes.sharing import course_key, window_key
from unit.outcomes.outcome_cases import INSTRUMENTS, episode, measure, run, score

BASE = measure("remission", baseline={"cut_in": 10})
WINDOW = {"from_day": 120, "to_day": 240, "pick": "last"}


@pytest.mark.parametrize("more", [{"baseline": {"cut_in": 15}}, {"baseline": {}}, {"better": "lower"}], ids=str)
def test_cut_in_and_endpoint_do_not_choose_scores(more):
    other = measure("response", **more)
    assert window_key(other) == window_key(BASE)


@pytest.mark.parametrize(
    "more",
    [
        {"instruments": ["gad-7"]},
        {"scale": "total"},
        {"baseline": {"from_day": -7}},
        {"baseline": {"pick": "first"}},
        {"followup": WINDOW | {"to_day": 200}},
        {"followup": WINDOW | {"grace_days": 0}},  # decides who is mature
        {"index": {"rule": "referral_date"}},
        {"index": {"rule": "start_date", "clean_days": 30}},
        {"population": {"finished_course": 2}},
    ],
    ids=str,
)
def test_whatever_chooses_scores_or_people_keeps_measures_apart(more):
    assert window_key(measure("remission", **more)) != window_key(BASE)


def test_an_index_from_scores_belongs_to_its_instruments():
    first = {"index": {"rule": "first_score"}}
    assert course_key(measure("remission", **first)) != course_key(measure("remission", instruments=["gad-7"], **first))
    assert course_key(measure("remission")) == course_key(measure("remission", instruments=["gad-7"]))


def test_measures_built_together_are_as_built_alone():
    measures = [
        measure(endpoint, id=f"m-{number}", **more)
        for number, (endpoint, more) in enumerate(
            [
                ("remission", {"baseline": {"cut_in": 10}}),
                ("response", {"baseline": {"cut_in": 15}}),
                ("change", {}),
                ("remission", {"followup": WINDOW | {"grace_days": 200}}),
                ("remission", {"index": {"rule": "first_score"}}),
                ("response", {"instruments": ["gad-7"]}),
            ]
        )
    ]
    rows = {
        "episodes": [episode("a"), episode("b", 5), episode("c", 100, end_day=130, end_reason="moved")],
        "scores": [
            score(name, day, value, instrument=instrument)
            for name, day, value, instrument in [
                ("a", 0, 16, "phq-9"),
                ("a", 130, 4, "phq-9"),
                ("a", 0, 12, "gad-7"),
                ("b", 3, 11, "phq-9"),
                ("b", 140, 5, "phq-9"),
                ("c", 99, 20, "phq-9"),
            ]
        ],
    }
    together, flow = run(measures, INSTRUMENTS, snapshot=400, **rows)
    alone = [run(one, INSTRUMENTS, snapshot=400, **rows) for one in measures]
    assert together == [row for found, _ in alone for row in found]
    assert flow == [row for _, steps in alone for row in steps]
    assert {row["status"] for row in together} >= {"followed", "missing", "moved", "excluded", "immature"}
