"""Every page stands alone, can be read by everybody, and says nothing that we refuse to say."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise

import pytest

from adjusted_network import simulated
from benchwell.errors import EditionError
from benchwell.registry import Registry
from benchwell.reports import (
    SoloMeasure,
    SoloReport,
    method_html,
    render_network_report,
    render_organization_report,
    render_solo_report,
    solo_sentences,
)
from benchwell.signals.words import FORBIDDEN
from report_page import Page
from signals_edition import CLINICS, EDITION_ID, MEASURE, a_benchmark, a_measure, edition


def network_edition():
    quarters = {
        f"{2024 + i // 4}-Q{i % 4 + 1}": {
            name: (n // 6, round(n // 6 * (0.5 if i < 2 else 0.85)), round(n // 6 * 0.4) - (n > 60) * (i % 3))
            for name, (n, _, _) in CLINICS.items()
        }
        for i in range(8)
        if i != 5
    }
    strata = {
        "severity": {
            "mild": {name: (n // 3, m // 3, x // 3) for name, (n, m, x) in CLINICS.items()},
            "unknown": dict.fromkeys(CLINICS, (3, 2, 1)),
        }
    }
    return edition(quarters=quarters, strata=strata)


def solo_report():
    found = [
        row for row in network_edition().table("organization_results").to_pylist() if row["organization_id"] == "west"
    ]
    whole = next(row for row in found if (row["period"], row["stratum"]) == ("all", "all"))
    flow = network_edition().table("exclusions").to_pylist()
    one = SoloMeasure(a_measure(), whole, [row for row in found if row["period"] != "all"], flow)
    return SoloReport(
        source="scores.csv",
        made_on="2026-11-23",
        measures=[one],
        counts=[("people", 40), ("scores", 180)],
        rejections=[("above_range", "rejected", 2)],
        synthetic=True,
    )


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    made, adjusted = network_edition(), simulated(3, clinics=20, people=120, hardship=0.6, sorting=0.4)
    return {
        "network": render_network_report(made),
        "organization": render_organization_report(made, "north", name="North <Clinic> & Co"),
        "grey": render_organization_report(made, "tiny"),
        "solo": render_solo_report(solo_report()),
        "network-adjusted": render_network_report(adjusted, sites=True),
        "organization-adjusted": render_organization_report(adjusted, "c003"),
        "measure": method_html(a_measure()),
        "benchmark": method_html(a_benchmark()),
        "instrument": method_html(Registry.load().instrument("phq-9")),
    }


ADJUSTED = ["network-adjusted", "organization-adjusted"]
NAMES = ["network", "organization", "grey", "solo", *ADJUSTED, "measure", "benchmark", "instrument"]


@pytest.mark.parametrize("name", NAMES)
def test_a_page_is_well_formed_with_landmarks_and_a_language(pages, name):
    page = Page(pages[name])
    assert page.all("html") == [{"lang": "en"}]
    assert len(page.all("h1")) == len(page.all("main")) == len(page.all("header")) == len(page.all("footer")) == 1
    first_link = page.all("a")[0]
    assert first_link == {"class": "skip", "href": "#main"}
    assert page.all("main")[0]["id"] == "main"


@pytest.mark.parametrize("name", NAMES)
def test_a_page_asks_nothing_of_the_outside(pages, name):
    html = pages[name]
    page = Page(html)
    policy = next(meta["content"] for meta in page.all("meta") if meta.get("http-equiv") == "Content-Security-Policy")
    assert policy == "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    assert not any(page.all(tag) for tag in ("script", "link", "iframe", "object", "embed", "form", "img", "image"))
    for _, attrs in page.elements:
        assert not [key for key in attrs if key.startswith("on")]
        for key in ("src", "href", "xlink:href", "srcset", "data", "action"):
            assert (attrs.get(key) or "#").startswith("#"), (key, attrs[key])
    style = re.findall(r"<style>(.*?)</style>", html, re.DOTALL)
    assert not re.search(r"@import|url\(", " ".join(style))


@pytest.mark.parametrize("name", NAMES)
def test_ids_are_unique_and_every_reference_finds_its_target(pages, name):
    page = Page(pages[name])
    ids = [attrs["id"] for _, attrs in page.elements if "id" in attrs]
    assert len(ids) == len(set(ids))
    for _, attrs in page.elements:
        for key in ("aria-labelledby", "aria-describedby"):
            assert set((attrs.get(key) or "").split()) <= set(ids), attrs
        href = attrs.get("href")
        assert href is None or href.removeprefix("#") in ids


@pytest.mark.parametrize("name", NAMES)
def test_headings_do_not_skip_a_level(pages, name):
    levels = [int(tag[1]) for tag, _ in Page(pages[name]).elements if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert all(b - a <= 1 for a, b in pairwise(levels))


@pytest.mark.parametrize("name", NAMES)
def test_tables_have_a_caption_and_heads_with_scope(pages, name):
    page = Page(pages[name])
    assert len(page.all("table")) == len(page.all("caption"))
    assert page.all("th")
    assert all(head.get("scope") in ("col", "row") for head in page.all("th"))


@pytest.mark.parametrize("name", ["network", "organization", "solo", *ADJUSTED])
def test_every_picture_has_a_name_a_description_and_a_table(pages, name):
    html = pages[name]
    page = Page(html)
    pictures = page.all("svg")
    assert pictures
    assert all(svg["role"] == "img" and svg["aria-labelledby"] for svg in pictures)
    figures = re.findall(r"<figure.*?</figure>", html, re.DOTALL)
    assert all('<details class="data"><summary>The same as a table</summary>' in one for one in figures)
    drawn = [one for one in figures if "<svg" in one]
    assert all(re.search(r"<title[^>]*>[^<]+</title><desc[^>]*>[^<]+</desc>", one) for one in drawn)
    assert all('class="draw" tabindex="0"' in one for one in drawn)


@pytest.mark.parametrize("name", ["network", "organization", "solo", *ADJUSTED])
def test_pictures_take_their_colours_from_the_page(pages, name):
    pictures = " ".join(re.findall(r"<svg.*?</svg>", pages[name], re.DOTALL))
    colours = set(re.findall(r'(?:fill|stroke)="([^"]+)"', pictures))
    fixed = {colour for colour in colours if not colour.startswith(("var(--", "none", "transparent", "url(#"))}
    assert fixed == set()
    style = re.findall(r"<style>(.*?)</style>", pages[name], re.DOTALL)[0]
    for variable in re.findall(r"var\((--[a-z]+)\)", pictures):
        assert style.count(f"{variable}:") == 3, f"{variable} needs a value in light, dark and print"


@pytest.mark.parametrize("name", NAMES)
def test_no_page_holds_a_forbidden_word(pages, name):
    text = Page(pages[name]).text
    for word in FORBIDDEN:
        pattern = rf"\b{word}\b" if word.isalpha() else re.escape(word)
        found = re.search(pattern, text, re.IGNORECASE)
        assert not found, text[max(0, found.start() - 60) : found.end() + 60]


def test_what_comes_from_outside_is_escaped(pages):
    assert "North &lt;Clinic&gt; &amp; Co" in pages["organization"]
    assert "<Clinic>" not in pages["organization"]


def test_an_organization_page_carries_figure_people_interval_benchmark_and_edition(pages):
    text = Page(pages["organization"]).text
    for part in (
        "Response at 12 weeks: 62 % (55–68) higher is better",
        "200 of your 240 eligible people were followed up",
        "Clinics like yours: 49 % (44–54)",
        "▲ clearly above",
        "Worth doing now",
        EDITION_ID,
        "By severity",
        "follow-up changed",
        "What decided the light",
    ):
        assert part in text


def test_an_organization_page_names_no_other_clinic(pages):
    text = Page(pages["organization"]).text.lower()
    assert not [name for name in CLINICS if name != "north" and re.search(rf"\b{name}\b", text)]


def test_a_network_page_names_no_clinic_and_adds_up(pages):
    text = Page(pages["network"]).text
    assert not [name for name in CLINICS if re.search(rf"\b{name}\b", text)]
    assert "12 clinics with a figure. Without one: 1 clinic: too few people for a figure." in text
    assert "A figure for 1 clinic: too few people so far; needs 4 more people." in text
    assert re.search(r"Top tenth \d+ % \(\d+–\d+\) raw \d+ %", text)
    assert re.search(r"Constrained shrinkage \(the one we use\) \d+ % \(\d+–\d+\) raw \d+ %", text)


def test_a_network_page_lists_sites_only_where_asked_and_by_id():
    text = Page(render_network_report(network_edition(), sites=True)).text
    listed = text[text.index("Each site, by id") :]
    places = [listed.index(f" {name} ") for name in sorted(CLINICS)]
    assert places == sorted(places)
    assert "tiny 6 5 4 more people needed" in re.sub(r" +", " ", listed)


def test_a_small_network_draws_no_funnel_in_which_a_clinic_could_be_recognized():
    few = edition({name: CLINICS[name] for name in list(CLINICS)[:6]})
    text = Page(render_network_report(few)).text
    assert "People counted" not in text
    assert "A funnel chart needs 10 clinics" in text
    assert "Against the limits" not in Page(render_organization_report(few, "north")).text


def test_a_grey_page_shows_no_figure(pages):
    text = Page(pages["grey"]).text
    assert "○ cannot tell yet" in text
    assert "no figure yet" in text
    assert "50 % (10" not in text


def test_a_solo_page_is_grey_and_says_what_to_do(pages):
    text = Page(pages["solo"]).text
    assert text.count("there is nobody here to compare with") == 1
    assert "synthetic sample" in text
    assert "35 to 58 %" in text
    assert "ask the 28 people without a follow-up score for one" in text


def with_gains(gains, **changes):
    one = solo_report().measures[0]
    first = SoloMeasure(one.measure, one.result, (), one.flow, gains)
    second = SoloMeasure(a_measure(id="second", title="Second"), one.result, (), one.flow, gains)
    return replace(solo_report(), measures=[first, second], **changes)


def test_a_solo_practice_sees_its_own_courses_before_quarters_are_large_enough():
    gains = (6.0, 5.0, None, 7.0, 6.0, 5.0, 6.0, 7.0, 5.0, 6.0, 7.0, 6.0, 5.0, 18.0)
    report = with_gains(gains)
    text = Page(render_solo_report(report)).text
    assert "Higher than usual in 14 (courses in the order in which they started)" in text
    assert text.count("Points gained by each person, start to follow-up") > 1
    assert text.count("Along: courses in the order in which they started") == 1, "the second measure shares the courses"
    said = solo_sentences(report)
    assert "Own trend over 13 courses: higher than usual in 14" in said[1]
    assert "Own trend" not in said[2]


def test_a_solo_page_names_what_it_leaves_out_and_counts_remarks():
    report = with_gains((), others=["Third", "Fourth"], rejections=[("decimal_comma", "corrected", 1)], synthetic=False)
    text = Page(render_solo_report(report)).text
    assert "The file also has data for: Third; Fourth." in text
    assert "1 cell was read with a remark; everything else was used as it stood." in text
    assert "synthetic" not in text


@pytest.mark.parametrize(
    ("eligible", "followed", "people"),
    [
        (0, 0, "Nobody is eligible and far enough in time yet."),
        (1, 1, "Your one eligible person was followed up."),
        (1, 0, "Your one eligible person was not followed up and is not counted here."),
        (2, 1, "1 of your 2 eligible people was followed up; the other one is not counted here."),
        (3, 3, "All of your 3 eligible people were followed up."),
    ],
)
def test_people_are_counted_in_words_that_agree(eligible, followed, people):
    one = solo_report().measures[0]
    result = dict(one.result) | {"n_eligible": eligible, "n_followed": followed}
    said = solo_sentences(replace(solo_report(), measures=[SoloMeasure(one.measure, result)]))
    assert people in said[1]


def test_a_published_measure_prints_its_limit():
    endpoint = {"kind": "published", "source": "nhs", "name": "recovery", "group_type": "Provider"}
    html = render_network_report(edition(measure=a_measure(endpoint=endpoint, instruments=[])))
    text = Page(html).text
    assert "Denominator as available" in text
    assert "no clinic gets a colour" in text


def test_an_unknown_organization_is_an_error_that_says_where_to_look():
    with pytest.raises(EditionError, match="organization_results lists those it has"):
        render_organization_report(edition(), "nowhere")


def test_the_same_edition_gives_the_same_page():
    made = network_edition()
    assert render_network_report(made) == render_network_report(made)


def test_a_page_works_without_any_quarter_or_stratum():
    text = Page(render_organization_report(edition(), "north")).text
    assert MEASURE["title"] in text


def test_the_answers_picture_does_not_contradict_the_light():
    text = Page(render_organization_report(edition(), "hill")).text
    assert "the answers to missing follow-up disagree" in text
    assert "How the missing are counted changes what may be said" in text
    assert "lie close together" not in text


def test_bounds_run_from_low_to_high_where_lower_is_better():
    text = Page(render_organization_report(edition(measure=a_measure(better="lower")), "west")).text
    assert "if nobody or everybody of the missing had met it 35 to 58 %" in text


@pytest.mark.parametrize("name", ["network", "organization", "solo", *ADJUSTED])
def test_every_picture_is_drawn_for_a_screen_and_for_a_phone(pages, name):
    pictures = Page(pages[name]).all("svg")
    assert {svg["class"] for svg in pictures} == {"picture wide", "picture narrow"}
    wide = [float(svg["width"]) for svg in pictures if svg["class"] == "picture wide"]
    narrow = [float(svg["width"]) for svg in pictures if svg["class"] == "picture narrow"]
    assert len(wide) == len(narrow)
    # 360 pixels minus the margins of page and card.
    assert max(narrow) <= 350 < min(wide)


def test_a_network_says_of_a_clinic_in_which_nobody_was_followed_that_nobody_was():
    text = Page(render_network_report(edition(CLINICS | {"new": (214, 0, 0)}), sites=True)).text
    assert "1 clinic: nobody has a follow-up score yet" in text
    assert "A figure for 1 clinic: nobody has a follow-up score yet." in text
    assert "new 214 0 nobody has a follow-up score yet" in re.sub(r"\s+", " ", text)
