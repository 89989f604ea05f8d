"""Other benchmarks than the peers' mean: published, own history, achievable, median; and the near light."""

from __future__ import annotations

import pytest

from benchwell.errors import ComparisonBlockedError
from benchwell.signals import compare, sentence
from benchwell.terms import BenchmarkKind, Light
from signals_edition import MEASURE, a_measure, edition

ID = MEASURE["id"]


def with_record(**changes):
    rows = edition().table("benchmarks").to_pylist()
    new = next(row for row in rows if row["kind"] == "mean" and row["without"] == "") | changes
    return edition(records=[*rows, new])


@pytest.mark.parametrize(
    ("kind", "changes", "words"),
    [
        (
            "fixed_external",
            {"method": "a-study", "tier": "external", "period": "2019", "completeness": None, "n_organizations": None},
            "Published elsewhere (a-study): 50 % (45–55), top tenth 62 %.",
        ),
        (
            "own_history",
            {"method": "shrunken", "tier": "organization", "tier_id": "north", "period": "2024", "n_organizations": 1},
            "Your own earlier figure: 50 % (45–55), top tenth 62 % (1 clinic).",
        ),
        ("abc", {"method": "abc"}, "What the most favorable clinics with a tenth of all people reach: 50 % (45–55)"),
    ],
)
def test_the_sentence_names_the_kind_of_benchmark(kind, changes, words):
    found = compare(with_record(kind=kind, **changes), "north", ID, kind=kind)
    assert found.benchmark is not None
    assert found.benchmark.kind == kind
    assert sentence(found).benchmark.startswith(words)


def test_another_clinics_history_is_not_taken():
    made = with_record(kind="own_history", method="shrunken", tier="organization", tier_id="south", period="2024")
    assert compare(made, "north", ID, kind=BenchmarkKind.OWN_HISTORY).benchmark is None


def test_a_blocked_reference_says_why():
    made = with_record(kind="fixed_external", method="a-study", status="blocked", reason="it counts observed")
    with pytest.raises(ComparisonBlockedError, match="it counts observed"):
        compare(made, "north", ID, kind="fixed_external")


def test_the_median_is_the_middle_clinic():
    found = compare(edition(), "north", ID, kind="percentile", method="p50")
    assert sentence(found).benchmark.startswith("Clinics like yours, middle one: ")


def test_a_method_that_the_edition_lacks_is_no_benchmark():
    found = compare(edition(), "north", ID, method="none-such")
    assert (found.benchmark, found.deciding) == (None, "benchmark")
    assert sentence(found).benchmark == "There is no benchmark for this yet."


def test_close_to_the_benchmark_is_amber_and_not_a_warning():
    wide = edition(measure=a_measure(margin=0.2))
    found = compare(wide, "meadow", ID)
    assert found.light is Light.CLOSE
    assert sentence(found).verdict == "You are about the same as the benchmark."
    assert found.face.symbol == "●"


def test_clearly_below_asks_for_one_change_to_try():
    said = sentence(compare(edition(measure=a_measure(better="lower")), "north", ID))
    assert said.next_step.startswith("Worth doing now: look at your own trend and at who is counted, choose one change")
