"""Each gate decides in turn, and a colour needs all of them (METHODS M5.5)."""

from __future__ import annotations

import pytest

from benchwell.errors import ComparisonBlockedError, EditionError, UnknownDeclarationError
from benchwell.signals import compare, distribution, sentence
from benchwell.signals.comparison import Comparison
from benchwell.terms import Denominator, Light
from signals_edition import CLINICS, MEASURE, a_benchmark, a_measure, edition

ID = MEASURE["id"]


def of(clinic: str, counts: tuple[int, int, int] | None = None, **changes: object) -> Comparison:
    clinics = dict(CLINICS)
    if counts is not None:
        clinics[clinic] = counts
    return compare(edition(clinics, **changes), clinic, ID)  # type: ignore[arg-type]


CASES = [
    ("a clear difference is green", "north", None, Light.ABOVE, ""),
    ("a clear difference to the other side is red", "hill", (260, 235, 70), Light.BELOW, ""),
    ("few people", "new", (6, 6, 6), Light.UNKNOWN, "minimum_n"),
    ("nobody followed", "new", (214, 0, 0), Light.UNKNOWN, "nobody_followed"),
    ("thin follow-up", "new", (300, 120, 100), Light.UNKNOWN, "follow_up"),
    ("follow-up far from that of the others", "new", (300, 165, 140), Light.UNKNOWN, "follow_up_gap"),
    ("more chance than signal", "new", (30, 27, 22), Light.UNKNOWN, "reliability"),
    ("too close to tell", "west", None, Light.UNKNOWN, "probability"),
    ("the answers to missing follow-up disagree", "hill", None, Light.UNKNOWN, "missing_data"),
]


@pytest.mark.parametrize(("_title", "clinic", "counts", "light", "deciding"), CASES, ids=[case[0] for case in CASES])
def test_the_gate_that_decides_is_named(_title, clinic, counts, light, deciding):
    found = of(clinic, counts)
    assert (found.light, found.deciding) == (light, deciding)


def test_a_clinic_in_which_nobody_was_followed_is_told_so_and_not_to_find_more_people():
    found = of("new", (214, 0, 0))
    said = sentence(found)
    assert found.gates[0].passed
    assert found.people_needed is None
    assert "differ: nobody has a follow-up score yet (214 people are eligible)." in said.text
    assert "more person" not in said.text
    assert said.next_step == "Worth doing now: ask some of the 214 people without a follow-up score for one."
    assert found.deciding_gate is not None
    assert found.deciding_gate.change == "Follow-up scores from these 214 people."
    assert distribution(edition(CLINICS | {"new": (214, 0, 0)}), ID).hidden == {"nobody_followed": 1, "insufficient": 1}


@pytest.mark.parametrize("clinic", ["hill", "west", "tiny"])
def test_a_grey_light_says_what_would_change_it(clinic):
    gate = of(clinic).deciding_gate
    assert gate is not None
    assert not gate.passed
    assert gate.text
    assert gate.change


def test_a_difference_within_the_usual_spread_is_grey():
    # Two camps: a reliable difference from the mean, yet no larger than the usual spread of such clinics.
    camps = {f"c{i}": (440, 420, 252 if i % 2 else 168) for i in range(10)}
    found = compare(edition(camps), "c1", ID)
    assert found.verdict is Light.ABOVE
    assert (found.light, found.deciding) == (Light.UNKNOWN, "usual_spread")


def test_a_benchmark_of_too_few_clinics_is_no_benchmark():
    few = {name: CLINICS[name] for name in ("north", "south", "east", "west")}
    found = compare(edition(few), "north", ID)
    assert (found.light, found.deciding) == (Light.UNKNOWN, "benchmark")


def test_an_edition_without_benchmarks_gives_grey_not_an_error():
    found = compare(edition(records=[]), "north", ID)
    assert (found.light, found.deciding, found.benchmark) == (Light.UNKNOWN, "benchmark", None)


def test_a_source_silent_on_follow_up_gives_no_colour():
    measure = a_measure(
        endpoint={"kind": "published", "source": "nhs", "name": "recovery", "group_type": "Provider"},
        instruments=[],
    )
    found = compare(edition(measure=measure), "north", ID)
    assert (found.light, found.deciding) == (Light.UNKNOWN, "follow_up")
    assert found.figures.n_followed is None


def test_a_clinic_is_compared_with_the_benchmark_without_itself():
    found = of("north")
    assert found.benchmark is not None
    assert found.benchmark.without == "north"
    assert found.benchmark.n_organizations == 11


def test_another_denominator_blocks_the_comparison():
    made = edition()
    rows = [row | {"denominator": "all_eligible"} for row in made.table("benchmarks").to_pylist()]
    with pytest.raises(ComparisonBlockedError, match="counts all_eligible"):
        compare(edition(records=rows), "north", ID)


def test_an_unknown_clinic_measure_or_benchmark_is_named():
    made = edition()
    with pytest.raises(EditionError, match="nowhere"):
        compare(made, "nowhere", ID)
    with pytest.raises(UnknownDeclarationError, match="did you mean"):
        compare(made, "north", "response-12-week")
    with pytest.raises(UnknownDeclarationError, match="No benchmark"):
        compare(made, "north", ID, benchmark="other")


def test_lower_is_better_turns_the_light_around():
    lower = compare(edition(measure=a_measure(better="lower")), "north", ID)
    assert of("north").light is Light.ABOVE
    assert lower.light is Light.BELOW
    assert lower.face.symbol == "▲"
    assert "lower is better" in lower.face.word


def test_with_all_eligible_as_primary_the_estimate_counts_the_missing():
    found = compare(edition(measure=a_measure(primary_denominator="all_eligible")), "north", ID)
    assert found.figures.primary is Denominator.ALL_ELIGIBLE
    assert found.figures.estimate.value == pytest.approx(124 / 240)
    assert found.figures.observed.value == pytest.approx(124 / 200)


def test_the_answers_cover_three_denominators_and_both_ends_of_kappa():
    names = [answer.name for answer in of("north").answers]
    assert names == ["observed", "all_eligible", "estimated", "kappa_worse", "kappa_better"]


def test_kappa_moves_the_estimate_to_both_sides():
    answers = {answer.name: answer for answer in of("north").answers}
    # 40 missing at an observed rate of .62, odds times e^-.5: (124 + 40 * .49737) / 240.
    assert answers["kappa_worse"].estimate == pytest.approx(0.599562, abs=1e-5)
    assert answers["kappa_worse"].estimate < answers["estimated"].estimate < answers["kappa_better"].estimate


def test_a_wider_range_of_kappa_can_take_a_colour_away():
    wide = a_benchmark(gates={"kappa": 6.0})
    found = compare(edition(benchmark=wide), "north", ID)
    assert (found.verdict, found.light, found.deciding) == (Light.ABOVE, Light.UNKNOWN, "missing_data")


def test_the_tipping_point_is_the_rate_among_the_missing():
    found = of("hill")
    assert found.benchmark is not None
    assert found.tipping_point == pytest.approx((found.benchmark.estimate.value * 260 - 84) / 50)


def test_people_needed_is_what_the_gate_lacks():
    assert of("north").people_needed == 0
    assert of("tiny").people_needed == 4
    assert of("new", (300, 120, 100)).people_needed == 30


@pytest.mark.parametrize("clinic", [name for name in CLINICS if name != "tiny"])
@pytest.mark.parametrize("primary", list(Denominator))
def test_the_primary_answer_is_the_verdict_itself(clinic, primary):
    found = compare(edition(measure=a_measure(primary_denominator=primary.value)), clinic, ID)
    answers = {answer.name: answer for answer in found.answers}
    assert answers[primary.value].state is found.verdict
    assert answers[primary.value].estimate == pytest.approx(found.figures.estimate.value)
