"""METHODS E1.1, E1.2: which score is baseline, which is follow-up, and when an episode may be judged."""

from __future__ import annotations

import pytest

from unit.outcomes.outcome_cases import INSTRUMENTS, contact, day_of, episode, measure, one, run, score

INDEX = day_of("2024-01-10")
E11 = {"01-08": 16, "01-10": 15, "02-20": 12, "06-05": 9, "07-02": 6, "08-20": 8, "10-01": 4}
SCORES = [score("e", day_of(f"2024-{date}"), value) for date, value in E11.items()]


@pytest.mark.parametrize(
    ("followup", "value", "remitted"),
    [
        ({"pick": "last", "from_day": 120, "to_day": 240}, 8, False),
        ({"pick": "closest", "from_day": 120, "to_day": 240, "target_day": 180}, 6, False),
        ({"pick": "first", "from_day": 120, "to_day": 240}, 9, False),
        ({"pick": "last_observation", "from_day": 1, "to_day": 400}, 4, True),
    ],
)
def test_e11_the_pick_rule_decides_the_answer(followup, value, remitted):
    row = one(
        measure("remission", followup=followup),
        INSTRUMENTS,
        snapshot=INDEX + 1000,
        episodes=[episode("e", INDEX)],
        scores=SCORES,
    )
    assert (row["baseline"], row["baseline_day"]) == (15, INDEX)
    assert (row["followup"], row["met"], row["status"]) == (value, remitted, "followed")


def test_e11_the_days_are_those_of_the_methods_page():
    row = one(measure("change"), INSTRUMENTS, snapshot=INDEX + 1000, episodes=[episode("e", INDEX)], scores=SCORES)
    assert row["followup_day"] - row["index_day"] == 223
    assert row["value"] == 7.0


@pytest.mark.parametrize(("index", "status"), [("2024-01-04", "missing"), ("2024-01-05", "immature")])
def test_e12_maturity_is_index_plus_window_plus_grace(index, status):
    row = one(
        measure("remission"),
        INSTRUMENTS,
        snapshot=day_of("2024-09-30"),
        episodes=[episode("e", day_of(index))],
        scores=[score("e", day_of(index), 15)],
    )
    assert (row["status"], row["eligible"]) == (status, status == "missing")


def test_a_tie_of_two_days_goes_to_the_later_one():
    row = one(
        measure("change", followup={"pick": "closest", "target_day": 180, "from_day": 120, "to_day": 240}),
        INSTRUMENTS,
        episodes=[episode("e")],
        scores=[score("e", 0, 20), score("e", 170, 11), score("e", 190, 12)],
    )
    assert row["followup"] == 12


def test_session_k_takes_the_score_that_belongs_to_that_contact():
    chosen = measure("change", followup={"pick": "session_k", "session": 3, "from_day": 0, "to_day": 240})
    scores = [score("e", 0, 20), score("e", 14, 15), score("e", 20, 14), score("e", 28, 13)]
    contacts = [contact("e", 0), contact("e", 7, attended=False), contact("e", 14), contact("e", 21)]
    row = one(chosen, INSTRUMENTS, episodes=[episode("e")], scores=scores, encounters=contacts)
    assert (row["followup"], row["followup_day"]) == (14, 20)
    without_third = one(chosen, INSTRUMENTS, episodes=[episode("e")], scores=scores, encounters=contacts[:3])
    assert without_third["status"] == "missing"


def test_two_scores_on_a_day_reviewed_wins_then_later_then_id():
    day = [
        score("e", 150, 9, second=50_000),
        score("e", 150, 8, second=60_000),
        score("e", 150, 7, second=10, reviewed=True),
    ]
    base = {"episodes": [episode("e")]}
    followup = [one(measure("change"), INSTRUMENTS, scores=[score("e", 0, 20), *day[:k]], **base) for k in (1, 2, 3)]
    assert [row["followup"] for row in followup] == [9, 8, 7]
    same_time = [score("e", 150, 9, assessment_id="b"), score("e", 150, 3, assessment_id="a")]
    assert one(measure("change"), INSTRUMENTS, scores=[score("e", 0, 20), *same_time], **base)["followup"] == 9


def test_exclusions_add_up():
    episodes = [episode(f"e{n}") for n in range(6)]
    scores = [score("e0", 0, 20), score("e0", 150, 4), score("e1", 0, 20), score("e2", 0, 4), score("e2", 150, 1)]
    outcomes, flow = run(
        measure("remission", baseline={"cut_in": "caseness"}), INSTRUMENTS, episodes=episodes, scores=scores
    )
    assert len(outcomes) == 6
    assert [(row["reason"], row["count"], row["remaining"]) for row in flow] == [
        ("no-baseline", 3, 3),
        ("below-cut-in", 1, 2),
        ("no-followup", 1, 1),
        ("analysed", 1, 1),
    ]
