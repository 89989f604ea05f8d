"""METHODS section 2: endpoints on the worked examples, in both directions."""

from __future__ import annotations

import pytest

from benchwell.errors import DeclarationError
from benchwell.outcomes import saes_reference
from benchwell.outcomes.cuts import minimum_reliable_change, reliable_points
from unit.outcomes.outcome_cases import GAD7, INSTRUMENTS, episode, instrument, measure, one, run, score

E21 = list(zip((18, 14, 21, 11, 16, 12), (8, 9, 15, 4, 17, 3), strict=True))
NHS = {"kind": "two_measure", "parts": [{"instrument": "phq-9"}, {"instrument": "gad-7"}]}


def _rows(endpoint, pairs=E21, *, name="phq-9", **more):
    scores = [score(f"e{n}", 0, pre, instrument=name) for n, (pre, _) in enumerate(pairs)]
    scores += [score(f"e{n}", 180, post, instrument=name) for n, (_, post) in enumerate(pairs)]
    episodes = [episode(f"e{n}") for n in range(len(pairs))]
    return run(measure(endpoint, instruments=[name], **more), INSTRUMENTS, episodes=episodes, scores=scores)[0]


def test_e21_change_and_percent_change():
    rows = _rows("change")
    assert sum(row["value"] for row in rows) / 6 == pytest.approx(6.0)
    assert 100 * sum(row["value"] for row in rows) / sum(row["baseline"] for row in rows) == pytest.approx(
        39.13, abs=0.005
    )
    percents = [row["value"] for row in _rows({"kind": "percent_change", "of": "mean_of_percents"})]
    assert sum(percents) / 6 == pytest.approx(42.04, abs=0.005)
    assert [row["value"] for row in _rows("percent_change")] == [row["value"] for row in rows]


def test_percent_of_a_zero_baseline_is_excluded_not_infinite():
    (row,) = _rows({"kind": "percent_change", "of": "mean_of_percents"}, [(0, 3)])
    assert (row["status"], row["reason"]) == ("excluded", "baseline-zero")


def test_e22_response_and_remission():
    assert [row["met"] for row in _rows("response")].count(True) == 3
    assert [row["met"] for row in _rows("remission")].count(True) == 2


def test_response_is_exact_at_the_edge_for_every_whole_score():
    pairs = [(pre, post) for pre in range(1, 28) for post in range(28)]
    for row in _rows("response", pairs):
        assert row["met"] == (2 * row["followup"] <= row["baseline"])


@pytest.mark.parametrize(
    ("endpoint", "pre", "post", "met"),
    [
        ("response", 28, 42, True),
        ("response", 28, 41, False),
        ("remission", 28, 51, True),
        ("remission", 28, 50, False),
        ({"kind": "reliable_change", "met": "recovered"}, 44, 54, True),
        ({"kind": "reliable_change", "met": "deteriorated"}, 54, 44, True),
        ({"kind": "threshold", "of": "gain", "at_least": 10}, 44, 54, True),
        ({"kind": "threshold", "at_least": 50}, 44, 48, False),
    ],
)
def test_higher_is_better_turns_every_endpoint_around(endpoint, pre, post, met):
    (row,) = _rows(endpoint, [(pre, post)], name="who-5")
    assert (row["value"], row["met"]) == (post - pre, met)


def test_e23_reliable_change_from_a_named_sample():
    assert minimum_reliable_change(5.9, 0.90, whole=True) == 6
    assert minimum_reliable_change(7.5, 0.80, whole=False) == pytest.approx(9.297, rel=1e-4)
    sampled = instrument("sampled", reliable_change={"sd": 5.9, "reliability": 0.90, "status": "unchecked"})
    assert reliable_points(sampled, None, None) == 6
    assert reliable_points(sampled, None, 4.5) == 4.5
    with pytest.raises(DeclarationError, match="no reliable change"):
        reliable_points(instrument("none", reliable_change=None), None, None)


@pytest.mark.parametrize(
    ("pre", "post", "found"),
    [
        (16, 9, "recovered"),
        (16, 10, "improved"),
        (9, 3, "improved"),
        (12, 9, "unchanged"),
        (9, 15, "deteriorated"),
        (9, 14, "unchanged"),
    ],
)
def test_the_four_classes_in_order(pre, post, found):
    (row,) = _rows({"kind": "reliable_change", "met": "recovered_or_improved"}, [(pre, post)])
    assert (row["change_class"], row["met"]) == (found, found in {"recovered", "improved"})


@pytest.mark.parametrize(
    ("pre", "post", "recovery", "improved", "reliable"),
    [
        ((14, 9), (8, 8), False, True, False),
        ((12, 7), (9, 7), True, False, False),
        ((16, 5), (9, 10), False, False, False),
    ],
)
def test_e25_two_measure_rule(pre, post, recovery, improved, reliable):
    scores = [score("e", day, pair[0]) for day, pair in ((0, pre), (180, post))]
    scores += [score("e", day, pair[1], instrument="gad-7") for day, pair in ((0, pre), (180, post))]
    wanted = {"recovery": recovery, "reliable_improvement": improved, "reliable_recovery": reliable}
    wanted["reliable_deterioration"] = False
    measures = [measure(NHS | {"met": met}, instruments=["phq-9", "gad-7"], id=met.replace("_", "-")) for met in wanted]
    rows, _ = run(measures, INSTRUMENTS, episodes=[episode("e")], scores=scores)
    assert {row["measure"].replace("-", "_"): row["met"] for row in rows} == wanted


def test_the_two_measure_rule_needs_a_pair_on_both():
    chosen = measure(NHS | {"met": "reliable_improvement"}, instruments=["phq-9", "gad-7"])
    gad = [score("e", 0, 12, instrument="gad-7")]
    row = one(chosen, INSTRUMENTS, episodes=[episode("e")], scores=[score("e", 0, 16), score("e", 180, 4), *gad])
    assert row["status"] == "missing"
    row = one(chosen, INSTRUMENTS, episodes=[episode("e")], scores=[score("e", 0, 16), score("e", 180, 4)])
    assert (row["status"], row["reason"]) == ("excluded", "no-baseline")


def test_e27_severity_adjusted_effect_size():
    pre, post = (12, 16, 20, 14, 18, 22), (7, 9, 10, 10, 8, 16)
    products = sum(x * y for x, y in zip(pre, post, strict=True))
    fitted = saes_reference(6, sum(pre), sum(post), sum(x * x for x in pre), products)
    assert (fitted.intercept, fitted.slope) == pytest.approx((-0.685714, 0.628571), rel=1e-5)
    reference = {name: getattr(fitted, name) for name in ("intercept", "slope", "mean_change", "reference_sd")}
    values = [row["value"] for row in _rows({"kind": "saes"} | reference, [(19, 9), (13, 9)])]
    assert values == pytest.approx([2.4741, 1.4661], rel=1e-4)
    assert _rows("saes", [(19, 9)])[0]["value"] is None


@pytest.mark.parametrize(("n", "squares"), [(2, 10.0), (3, 12.0)])
def test_a_reference_needs_people_and_spread(n, squares):
    with pytest.raises(ValueError, match=r"needs at least 3|all baselines"):
        saes_reference(n, 6.0, 3.0, squares, 6.0)


def test_e211_gain_per_day():
    stay = instrument("fim", better="higher", caseness=None, remission=None, reliable_change=None)
    scores = [score("e", 0, 60, instrument="fim"), score("e", 14, 88, instrument="fim")]
    for per_day, expected in ((False, 28.0), (True, 2.0)):
        row = one(
            measure(
                {"kind": "change", "per_day": per_day},
                instruments=["fim"],
                followup={"from_day": 1, "to_day": 60, "pick": "last_observation"},
            ),
            {"fim": stay},
            episodes=[episode("e", end_day=14)],
            scores=scores,
        )
        assert row["value"] == expected


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"instruments": ["phq-10"]}, "unknown instruments"),
        ({"scale": "other"}, "lacks scale"),
        ({"instruments": ["phq-9", "who-5"]}, "opposite direction"),
    ],
)
def test_a_measure_that_does_not_fit_its_instruments_is_refused(change, message):
    with pytest.raises(DeclarationError, match=message):
        one(measure("remission", **change), INSTRUMENTS, episodes=[episode("e")])


def test_an_undeclared_cut_off_is_refused():
    bare = {"phq-9": instrument(remission=None), "gad-7": GAD7}
    with pytest.raises(DeclarationError, match="no remission cut-off"):
        one(measure("remission"), bare, episodes=[episode("e")])


def test_published_measures_have_no_rows():
    published = measure(
        {"kind": "published", "source": "s", "name": "n", "group_type": "g"},
        instruments=[],
        index=None,
        baseline=None,
        followup=None,
    )
    assert run(published, INSTRUMENTS, episodes=[episode("e")]) == ([], [])
