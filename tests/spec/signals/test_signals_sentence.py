"""What the sentence says, word by word; and words that it never holds (UX.md)."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from benchwell.reports.chart_intervals import answers_chart
from benchwell.reports.names import counted_among
from benchwell.signals import compare, sentence
from benchwell.signals.words import FORBIDDEN
from signals_edition import CLINICS, MEASURE, a_measure, edition

ID = MEASURE["id"]

SAID = {
    "north": "Response at 12 weeks: 62 % (55–68) (higher is better). 200 of your 240 eligible people were followed up; "
    "the other 40 are not counted here. Clinics like yours: 49 % (44–54), top tenth 62 % (11 clinics). "
    "You are clearly above the benchmark. Worth doing now: write down what you do and offer it to colleagues as a "
    "practice to learn from. Ask some of the 40 people without a follow-up score for one.",
    "lake": "Response at 12 weeks: 42 % (34–50) (higher is better). 150 of your 180 eligible people were followed up; "
    "the other 30 are not counted here. Clinics like yours: 51 % (45–56), top tenth 62 % (11 clinics). "
    "We cannot tell yet whether you differ: about 190 more people would be needed (too few people to tell). "
    "Worth doing now: ask some of the 30 people without a follow-up score for one.",
    "tiny": "Response at 12 weeks: no figure yet (higher is better). 5 of your 6 eligible people were followed up; "
    "the other one is not counted here. All clinics together: 50 % (45–55), top tenth 62 % (12 clinics). "
    "We cannot tell yet whether you differ: 4 more people are needed before there is a figure (6 eligible people so "
    "far; 10 are the least we show). "
    "Worth doing now: keep measuring at the start and at follow-up; your own trend comes first.",
}


@pytest.mark.parametrize("clinic", SAID)
def test_the_sentence(clinic):
    assert sentence(compare(edition(), clinic, ID)).text == SAID[clinic]


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        ((40, 40, 20), "All your 40 eligible people were followed up."),
        ((40, 39, 20), "39 of your 40 eligible people were followed up; the other one is not counted here."),
        ((2, 1, 1), "1 of your 2 eligible people was followed up; the other one is not counted here."),
        ((1, 1, 0), "Your one eligible person was followed up."),
        ((1, 0, 0), "Your one eligible person was not followed up."),
        ((0, 0, 0), "Nobody is eligible and far enough in time yet."),
        (
            (2400, 2000, 900),
            "2,000 of your 2,400 eligible people were followed up; the other 400 are not counted here.",
        ),
    ],
)
def test_singular_and_plural(counts, words):
    assert sentence(compare(edition(CLINICS | {"own": counts}), "own", ID)).people == words


@pytest.mark.parametrize(
    ("denominator", "words"),
    [
        ("observed", "not counted here"),
        ("all_eligible", "counted as not met"),
        ("estimated", "estimated from people like them"),
    ],
)
def test_the_sentence_says_what_happens_to_the_missing(denominator, words):
    found = compare(edition(measure=a_measure(primary_denominator=denominator)), "north", ID)
    assert sentence(found).people.endswith(f"the other 40 are {words}.")


def test_the_missing_of_a_mean_count_as_no_change_and_not_as_not_met():
    measure = a_measure(endpoint={"kind": "change"}, primary_denominator="all_eligible")
    found = compare(edition(measure=measure), "north", ID)
    assert sentence(found).people.endswith("the other 40 are counted as no change.")
    assert [answer.text for answer in found.answers if answer.name == "all_eligible"] == [
        "everyone eligible, with the missing as no change"
    ]
    assert counted_among(measure) == "everyone eligible; the missing count as no change"
    assert counted_among(a_measure(primary_denominator="all_eligible")).endswith("the missing count as not met")
    assert answers_chart(found, "answers").rows[1][0] == "missing count as no change (the measure's own)"


def test_someone_else_is_named_in_the_third_person():
    said = sentence(compare(edition(), "lake", ID), person="they").text
    assert "your" not in said
    assert "whether this clinic differs" in said


@pytest.mark.parametrize(("clinic", "words"), [("north", "clearly above the benchmark; lower is better here")])
def test_where_lower_is_better_the_words_say_so(clinic, words):
    found = compare(edition(measure=a_measure(better="lower")), clinic, ID)
    assert words in sentence(found).verdict
    assert "(lower is better)" in sentence(found).headline


def test_no_sentence_holds_a_forbidden_word():
    for better in ("higher", "lower"):
        made = edition(measure=a_measure(better=better))
        for clinic in CLINICS:
            found = compare(made, clinic, ID)
            texts = [sentence(found).text, sentence(found, person="they").text, found.face.word, found.face.meaning]
            texts += [gate.text + gate.change for gate in found.gates]
            for text in texts:
                for word in FORBIDDEN:
                    assert not re.search(rf"\b{word}\b" if word.isalpha() else re.escape(word), text, re.IGNORECASE), (
                        word,
                        text,
                    )


def test_a_suppressed_figure_is_not_zero():
    found = replace(compare(edition(), "tiny", ID), status="suppressed")
    assert sentence(found).people == (
        "The source suppressed this figure because few people are behind it; that is not zero."
    )
