"""Where an episode stands, and which course a record belongs to (METHODS M1.1 to M1.3)."""

from __future__ import annotations

import pytest

from benchwell.engine import DuckDBEngine
from benchwell.outcomes import build_outcomes, episode_features, saes_reference, with_saes
from benchwell.outcomes.attach import attach
from benchwell.registry import Registry
from benchwell.registry.benchmark import Stratum
from benchwell.tables import DERIVED
from unit.outcomes.outcome_cases import (
    INSTRUMENTS,
    PHQ9,
    arrow,
    contact,
    episode,
    inputs_of,
    instrument,
    measure,
    one,
    run,
    score,
    tables_of,
)


def test_every_status_and_who_stays_in_the_denominator():
    names = ["followed", "missing", "suicide", "died", "moved", "opted", "late", "unstarted", "after"]
    episodes = {name: episode(name) for name in names}
    episodes["moved"] |= {"end_day": 100, "end_reason": "moved"}
    episodes["late"] |= {"start_day": 800}
    episodes["unstarted"] |= {"start_day": None}
    patients = [
        {"patient_id": "p-suicide", "death_day": 100, "death_cause": "suicide"},
        {"patient_id": "p-died", "death_day": 100, "death_cause": "other"},
        {"patient_id": "p-after", "death_day": 200, "death_cause": "other"},
    ]
    scores = [score(name, row["start_day"] or 0, 15) for name, row in episodes.items()]
    scores += [score("followed", 150, 4), score("opted", 150, 4), score("after", 150, 9)]
    rows, flow = run(
        measure("remission"),
        INSTRUMENTS,
        snapshot=1000,
        episodes=episodes.values(),
        patients=patients,
        scores=scores,
        consents=[{"patient_id": "p-opted", "usable": False}],
    )
    assert {row["episode_id"]: (row["status"], row["reason"], row["eligible"]) for row in rows} == {
        "followed": ("followed", None, True),
        "missing": ("missing", "no-followup", True),
        "suicide": ("died", "suicide", True),
        "died": ("died", "died", False),
        "moved": ("moved", "moved", True),
        "opted": ("opted_out", "opted-out", False),
        "late": ("immature", "immature", False),
        "unstarted": ("excluded", "no-index", False),
        "after": ("followed", None, True),
    }
    opted = next(row for row in rows if row["episode_id"] == "opted")
    kept = {"measure", "episode_id", "patient_id", "organization_id", "status", "reason", "eligible"}
    assert all(value is None for name, value in opted.items() if name not in kept)
    assert sum(row["count"] for row in flow) == len(names)


def test_nothing_after_the_snapshot_is_known():
    rows = {"episodes": [episode("e", end_day=900, end_reason="moved")]}
    rows["patients"] = [{"patient_id": "p-e", "death_day": 200}]
    rows["scores"] = [score("e", 0, 15), score("e", 150, 12), score("e", 239, 4)]
    assert one(measure("remission"), INSTRUMENTS, snapshot=230, **rows)["status"] == "immature"
    wide = measure("remission", followup={"from_day": 120, "to_day": 200, "pick": "last", "grace_days": 0})
    assert one(wide, INSTRUMENTS, snapshot=200, **rows)["followup"] == 12


def test_an_invalid_score_and_one_before_consent_are_never_used():
    scores = [score("e", -3, 18), score("e", 0, 25, status="invalid"), score("e", 150, 9)]
    given = {"episodes": [episode("e")], "scores": scores}
    assert one(measure("change"), INSTRUMENTS, **given)["baseline"] == 18
    since = [{"patient_id": "p-e", "usable": True, "since_day": -2}]
    row = one(measure("change"), INSTRUMENTS, consents=since, **given)
    assert (row["status"], row["reason"]) == ("excluded", "no-baseline")


def test_a_changed_version_or_another_instrument_is_not_linked():
    given = {"episodes": [episode("e")]}
    scores = [score("e", 0, 18, version="2"), score("e", 150, 9, version="3")]
    row = one(measure("change"), INSTRUMENTS, scores=scores, **given)
    assert (row["status"], row["reason"], row["value"]) == ("excluded", "version-changed", None)
    both = {"phq-9": PHQ9, "phq-9m": instrument("phq-9m")}
    either = measure("change", instruments=["phq-9", "phq-9m"])
    scores = [score("e", 0, 18, instrument="phq-9m"), score("e", 150, 9)]
    assert one(either, both, scores=scores, **given)["status"] == "missing"
    scores += [score("e", 140, 8, instrument="phq-9m"), score("e", 0, 11)]
    assert one(either, both, scores=scores, **given)["baseline"] == 11  # the instrument named first wins a day


def test_a_second_index_while_a_course_is_open_does_not_count():
    def statuses(first_end, second_start):
        courses = [
            episode("a", 0, patient_id="p", end_day=first_end),
            episode("b", second_start, patient_id="p", organization_id="org-2"),
        ]
        scores = [score(name, day, 15, patient_id="p") for name, day in (("a", 0), ("b", second_start))]
        rows, _ = run(measure("change"), INSTRUMENTS, episodes=courses, scores=scores)
        return [row["reason"] for row in rows]

    assert statuses(None, 100) == ["no-followup", "within-clean-period"]
    assert statuses(99, 100) == ["no-followup", "no-followup"]
    assert statuses(None, 365) == ["no-followup", "no-followup"]


def test_loose_scores_go_to_the_course_that_was_open():
    engine = DuckDBEngine(threads=1)
    courses = [
        episode("a", 0, patient_id="p", end_day=90),
        episode("b", 100, patient_id="p"),
        episode("c", 300, patient_id="p"),
    ]
    days = [-31, -30, 89, 90, 91, 99, 100, 299, 300, 5000]
    loose = [score(None, day, 1, patient_id="p") for day in days]
    loose += [score(None, 5, 1, patient_id="stranger"), score("named", 7, 1, patient_id="p")]
    found = attach(engine.from_arrow(arrow("scores", loose)), engine.from_arrow(arrow("episodes", courses)), ["value"])
    pairs = {(row["day"], row["episode_id"]) for row in engine.to_arrow(found).to_pylist()}
    expected = {(-30, "a"), (89, "a"), (90, "a"), (91, "b"), (99, "b"), (100, "b"), (299, "b"), (300, "c"), (5000, "c")}
    assert pairs == expected | {(7, "named")}


@pytest.mark.parametrize(
    ("column", "rule", "kept"),
    [
        ("sex", {"one_of": ["f"]}, ["e0"]),
        ("sex", {"none_of": ["m"]}, ["e0", "e2"]),
        ("age", {"at_least": 18}, ["e0"]),
        ("age", {"at_most": 17}, ["e1"]),
        ("severity", {"at_least": 2}, ["e0"]),
        ("condition", {"one_of": ["depression"]}, ["e0", "e1", "e2"]),
    ],
)
def test_conditions_look_at_the_index_day_and_unknown_does_not_match(column, rule, kept):
    patients = [
        {"patient_id": "p-e0", "sex": "f", "birth_day": -18 * 366},
        {"patient_id": "p-e1", "sex": "m", "birth_day": -17 * 366},
    ]
    said = [("p-e0", -5, 3.0), ("p-e0", -50, 1.0), ("p-e1", -5, 1.0), ("p-e1", 5, 9.0)]
    chosen = measure("change", population={"conditions": [{"column": column, "reason": "not-wanted"} | rule]})
    rows, flow = run(
        chosen,
        INSTRUMENTS,
        episodes=[episode(f"e{n}", condition="depression") for n in range(3)],
        patients=patients,
        characteristics=[{"patient_id": p, "name": "severity", "day": d, "value": v} for p, d, v in said],
        scores=[score(f"e{n}", 0, 15) for n in range(3)],
    )
    assert [row["episode_id"] for row in rows if row["reason"] not in ("not-wanted", "age-unknown")] == kept
    assert sum(row["count"] for row in flow) == 3


@pytest.mark.parametrize(
    ("declared", "finished", "not_case", "met", "share"),
    [("nhs-recovery", 57_060, 3_200, 27_884, 0.518), ("nhs-reliable-improvement", 57_060, 0, 39_417, 0.691)],
)
def test_m13_golden_nhs_denominators(declared, finished, not_case, met, share):
    """June 2020: 27 884 / (57 060 - 3 200) recovered; 39 417 / 57 060 improved reliably. One in ten of the scale."""
    registry = Registry.load()
    n, cases, good = finished // 10, not_case // 10, round(met / 10)
    episodes, scores, encounters = [], [], []
    for i in range(n + 50):
        name = f"e{i}"
        episodes.append(episode(name, end_day=70))
        contacts = (0, 30) if i < n else (0,)  # the last 50 have not finished a course
        encounters += [contact(name, day) for day in contacts]
        first = (9, 7) if i < cases else (16, 12)
        last = (4, 3) if cases <= i < cases + good else first
        pairs = [(0, first), (60, last)] if i % 7 or cases <= i < cases + good else [(0, first)]  # some are unpaired
        for day, (phq, gad) in pairs:
            scores += [score(name, day, phq), score(name, day, gad, instrument="gad-7")]
    rows, flow = run(
        registry.measure(declared), registry.instruments, episodes=episodes, scores=scores, encounters=encounters
    )
    eligible = [row for row in rows if row["eligible"]]
    assert len(eligible) == n - cases
    assert sum(row["met"] is True for row in rows) / len(eligible) == pytest.approx(share, abs=0.0005)
    assert {row["reason"]: row["count"] for row in flow}["not-finished"] == 50


def test_features_name_unknown_as_a_level_of_its_own():
    engine = DuckDBEngine(threads=1)
    inputs = inputs_of(
        tables_of(
            episodes=[episode("a", therapy="cbt"), episode("b", organization_id="org-2")],
            patients=[{"patient_id": "p-a", "birth_day": -30 * 366, "sex": "f"}],
            scores=[score("a", 0, 12), score("a", 150, 3)],
            organizations=[{"organization_id": "org-1", "setting": "rural"}],
            characteristics=[{"patient_id": "p-a", "name": "housing", "day": 0, "code": "stable"}],
        ),
        engine,
    )
    registry = Registry.load()
    chosen = measure("saes")
    outcomes = build_outcomes(inputs, [chosen], INSTRUMENTS, snapshot_day=1000, keep=engine.keep).outcomes
    strata = [Stratum(by="age", breaks=(18, 65)), Stratum(by="baseline", breaks=(10,)), Stratum(by="severity_band")]
    strata += [Stratum(by=name) for name in ("therapy", "sex", "setting", "housing")]
    features = engine.to_arrow(episode_features(inputs, outcomes, strata, registry.instruments, [chosen]))
    first, second = sorted(features.to_pylist(), key=lambda row: row["episode_id"])
    assert list(first.values())[2:] == ["18 to under 65", "10 or more", "moderate", "cbt", "f", "rural", "stable"]
    assert list(second.values())[2:] == ["unknown"] * 7
    assert features.column_names[2:] == [item.by for item in strata]
    reference = saes_reference(6, 102.0, 60.0, 1804.0, 1064.0)
    filled = engine.to_arrow(with_saes(outcomes, chosen, reference))
    assert filled.column_names == DERIVED["outcomes"].columns
    values = dict(zip(filled["episode_id"].to_pylist(), filled["value"].to_pylist(), strict=True))
    predicted = reference.intercept + reference.slope * 12
    assert values == {"a": pytest.approx((reference.mean_change + predicted - 3) / reference.reference_sd), "b": None}
