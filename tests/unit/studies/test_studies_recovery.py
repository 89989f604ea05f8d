"""The recovery study on a few worlds: every question runs, is repeatable, and is judged by its own target."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from studies import coverage, fairness, federation, lights, missing, recovery, whole_product
from studies.questions import Question, Target, ask, fall_of, largest_of, mean_of, ratio_of
from studies.sample import adjusted, sample, unadjusted

from benchwell.synthetic import CaseMix, World, generate

SLOW = {question.id for question in whole_product.QUESTIONS}
QUICK = [question for question in recovery.QUESTIONS if question.id not in SLOW]


@pytest.mark.parametrize("question", QUICK, ids=lambda question: question.id)
def test_every_question_gives_a_figure_for_each_target(question):
    rows = ask(question, 3, seed=5)
    assert len(rows) == len(question.targets)
    assert all(math.isfinite(row.found) or "wrong" in row.claim or "marked" in row.claim for row in rows)
    assert [row.holds is None for row in rows] == [row.target == "for comparison" for row in rows]


def test_the_same_seed_gives_the_same_rows():
    question = next(one for one in QUICK if one.id == "equity-gap")
    assert ask(question, 4, seed=1) == ask(question, 4, seed=1)
    assert ask(question, 4, seed=1) != ask(question, 4, seed=2)


def test_each_question_has_its_own_name_and_enough_worlds():
    names = [question.id for question in recovery.QUESTIONS]
    assert len(set(names)) == len(names)
    few = {question.id for question in recovery.QUESTIONS if question.replicates < 500}
    assert few == SLOW | {"federated-is-pooled"}


@pytest.mark.parametrize(
    ("low", "high", "holds"),
    [(0.9, 1.1, True), (1.1, math.inf, False), (-math.inf, 0.9, False), (-math.inf, math.inf, None)],
)
def test_a_figure_holds_within_its_target(low, high, holds):
    question = Question("q", "M", "s", lambda seed: {"x": 1.0}, (Target("t", mean_of("x"), low, high),))
    assert ask(question, 2, seed=1)[0].holds is holds


def test_summaries_of_replicates():
    gathered = {"a": np.array([1.0, 3.0, np.nan]), "b": np.array([1.0, 2.0, 3.0]), "c": np.array([4.0, 4.0, 4.0])}
    assert mean_of("a")(gathered).value == 2
    assert mean_of("a")({"a": np.array([7.0])}).value == 7
    assert math.isnan(mean_of("a")({"a": np.array([np.nan])}).value)
    assert largest_of("b")(gathered).value == 3
    assert ratio_of("b", "c")(gathered).value == 0.5
    assert ratio_of("b", "c")(gathered).error == pytest.approx(np.std([1, 2, 3], ddof=1) / np.sqrt(3) / 4, rel=1e-9)
    assert fall_of(("c", "c"), ("b", "c"))(gathered).value == 0.5
    assert math.isnan(ratio_of("b", "z")(gathered | {"z": np.zeros(3)}).value)


def test_progress_is_told_after_each_world():
    steps = []
    question = Question("q", "M", "s", lambda seed: {"x": 1.0}, (Target("t", mean_of("x")),), replicates=3)
    recovery.study([question], None, 1, lambda asked, total: lambda: steps.append((asked.id, total)))
    assert steps == [("q", 3)] * 3


def test_results_are_kept_with_the_seed_and_without_nan(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(recovery, "RESULTS", tmp_path / "results" / "r.json")
    targets = (Target("t", mean_of("x"), high=1.0),)
    one, other = (
        Question(name, "M", "s", lambda seed, x=x: {"x": x}, targets) for name, x in (("one", math.nan), ("two", 2.0))
    )
    monkeypatch.setattr(recovery, "QUESTIONS", (one, other))

    def kept(*arguments):
        failed = recovery.main([*arguments, "--seed", "9"])
        body = json.loads(recovery.RESULTS.read_text(encoding="utf-8")) if recovery.RESULTS.exists() else None
        return failed, body and [(row["question"], row["found"], row["replicates"]) for row in body["rows"]]

    assert kept("--replicates", "2") == (1, None)
    assert kept("--replicates", "2", "--keep") == (1, [("one", None, 2), ("two", 2.0, 2)])
    # A question asked again is renewed; the others stay.
    assert kept("--only", "two", "--replicates", "3", "--keep") == (1, [("one", None, 2), ("two", 2.0, 3)])
    assert recovery.main(["--only", "two", "--replicates", "2", "--keep", "--seed", "8"]) == 1
    assert kept("--only", "one", "--replicates", "2", "--keep") == (1, [("one", None, 2)])
    assert "two" in capsys.readouterr().out


def test_adjustment_within_clinics_recovers_the_clinics_better_than_the_raw_means():
    mix = CaseMix(deprivation_sorting=0.5, deprivation_effect=1.5)
    made = generate(World(clinics=40, episodes=8_000, outcome="linear", casemix=mix))
    data, truth = sample(made), made.truth.clinics["effect"].to_numpy()
    raw, fair = unadjusted(data, 40).value - truth, adjusted(data, 40)[0].value - truth
    assert fair.std() < 0.5 * raw.std()


def test_the_truth_of_the_field_is_that_of_many_clinics():
    many = replace(coverage.NETWORK, clinics=3_000, episodes=60_000, seed=4)
    truth = generate(many).truth
    assert truth.median_remission == pytest.approx(coverage.field_rate(0.0), abs=0.006)
    assert truth.mean_remission == pytest.approx(coverage.field_mean(), abs=0.005)
    assert truth.top_decile_remission == pytest.approx(coverage.field_rate(1.2815515655446004), abs=0.008)


def test_the_gate_of_missing_follow_up_looks_at_the_others():
    eligible = np.array([100.0, 100.0, 100.0])
    assert lights.completion_passes(eligible, np.array([90.0, 90.0, 60.0])).tolist() == [True, True, False]
    assert lights.completion_passes(eligible, np.array([45.0, 45.0, 55.0])).tolist() == [False, False, True]


def test_kitagawa_of_the_methods_page():
    people = np.array([[80.0, 20.0], [20.0, 80.0]])
    within, between = fairness.kitagawa(people, people * np.array([[0.60, 0.40], [0.55, 0.38]]))
    assert (within, between) == (pytest.approx(0.035), pytest.approx(0.111))  # E7.3


def test_what_sites_send_gives_the_fit_of_the_pooled_rows():
    found = federation.difference(3)
    assert 0 <= found["difference"] < 1e-8


def test_imputation_is_nearer_to_the_truth_than_those_followed():
    found = [missing.at_random(seed) for seed in range(3)]
    assert np.mean([abs(one["imputed"]) for one in found]) < np.mean([one["observed"] for one in found]) / 3


def test_the_whole_product_gives_no_false_colour(monkeypatch):
    monkeypatch.setattr(whole_product, "CLINICS", 6)
    monkeypatch.setattr(whole_product, "PEOPLE", 30)
    found = whole_product.alike(1)
    assert (found["lights"], found["red"], found["green"]) == (12, 0, 0)


def test_the_whole_product_flatters_nobody_who_does_not_ask(monkeypatch):
    monkeypatch.setattr(whole_product, "CLINICS", 10)
    monkeypatch.setattr(whole_product, "PEOPLE", 60)
    found = whole_product.not_asked(1)
    assert (found["theirs"], found["others"], found["green"]) == (2, 18, 0)
