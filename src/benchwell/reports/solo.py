"""The report of one person with a spreadsheet: own trend, completion, intervals, honest grey; no workspace.

There is nobody to compare with, so no light can have a colour: the page says so, and what would open a comparison.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from benchwell.registry.measure import Measure
from benchwell.reports.canvas import Chart
from benchwell.reports.chart_run import run_picture
from benchwell.reports.names import reason_words
from benchwell.reports.page import anchor, render
from benchwell.signals.lights import face
from benchwell.signals.peers import nobody_followed
from benchwell.signals.run_chart import RunChart, RunPoint, chart_points, individual_chart
from benchwell.signals.usual_spread import people_shown
from benchwell.signals.words import Figure, capital, count, direction, figure_of, missing_as, uncapital
from benchwell.terms import Better, Denominator, Light

_ANSWERS = (
    (Denominator.OBSERVED, "only those followed up"),
    (Denominator.ALL_ELIGIBLE, "missing count as {missing}"),
    (Denominator.ESTIMATED, "missing estimated from people like them"),
)
_MISSING = {
    Denominator.OBSERVED: "not counted here",
    Denominator.ALL_ELIGIBLE: "counted as {missing}",
    Denominator.ESTIMATED: "estimated from people like them",
}


@dataclass(frozen=True)
class SoloMeasure:
    """One measure of a solo report.

    Attributes:
        measure: The declaration.
        result: Its row of organization_results, period and stratum "all".
        series: Its rows of organization_results by month or quarter, in any order.
        flow: Its rows of exclusions.
        gains: What each course gained, in points, in the order in which the courses started; None without a later
            score. Empty for measures without a gain. No ids and no dates come along.
    """

    measure: Measure
    result: Mapping[str, Any]
    series: Sequence[Mapping[str, Any]] = ()
    flow: Sequence[Mapping[str, Any]] = ()
    gains: tuple[float | None, ...] = ()


@dataclass(frozen=True)
class SoloReport:
    """What the page shows; filled by `pipeline`.

    Attributes:
        source: Name of the file, without its folder.
        made_on: Date of the report as text.
        measures: Measures in the order of the page, at most six.
        counts: What the file held, as (words, number): people, courses, scores …
        rejections: (reason code, what was done, cells).
        synthetic: Whether the file is a labelled sample.
        others: Titles of measures that the file has data for but the page does not show.
    """

    source: str
    made_on: str
    measures: Sequence[SoloMeasure]
    counts: Sequence[tuple[str, int]] = ()
    rejections: Sequence[tuple[str, str, int]] = ()
    synthetic: bool = False
    title: str = "Your own outcomes"
    notes: Sequence[str] = field(default_factory=tuple)
    others: Sequence[str] = ()


@dataclass(frozen=True)
class SoloCard:
    """One measure on the page."""

    id: str
    title: str
    figure: str
    interval: str
    direction: str
    people: str
    verdict: str
    figures: tuple[tuple[str, str, str], ...]
    trend: RunChart | None
    run: Chart | None
    flow: tuple[tuple[str, str, str], ...]


GREY = "We cannot tell yet whether you differ from others: there is nobody here to compare with."
BRACKETS = "The brackets show what fits your own data (95 % interval)."
SAMPLE = "This is a synthetic sample, made by a program: no real people."


def render_solo_report(report: SoloReport) -> str:
    """The page of one practice on its own.

    Args:
        report: What to show.

    Returns:
        A self-contained HTML document.
    """
    return render(
        "solo.html.j2",
        page_title=report.title,
        lead="Your own figures: how sure they are, who is missing, and your own trend.",
        sample=SAMPLE if report.synthetic else "",
        grey=_grey(report),
        face=face(Light.UNKNOWN, Better.HIGHER),
        source=report.source,
        made_on=report.made_on,
        data_words=_data_words(report),
        notes=[capital(note.rstrip(".")) + "." for note in report.notes],
        counts=[(capital(what), f"{number:,}") for what, number in report.counts],
        rejections=[(capital(reason_words(reason)), what, f"{cells:,}") for reason, what, cells in report.rejections],
        cards=[_drawn(card) for card in _cards(report)],
        others=_others(report),
        steps=solo_steps(report),
    )


def _grey(report: SoloReport) -> str:
    shown = any(one.result["status"] == "ok" for one in report.measures)
    return f"{GREY} {BRACKETS}" if shown else GREY


def _data_words(report: SoloReport) -> str:
    if not report.rejections:
        return "Everything in the file could be used as it stood."
    refused = sum(cells for _, what, cells in report.rejections if what == "rejected")
    changed = sum(cells for _, what, cells in report.rejections if what != "rejected")
    parts = [f"{count(refused, 'cell or row', 'cells or rows')} could not be used"] if refused else []
    parts += [f"{count(changed, 'cell')} {'was' if changed == 1 else 'were'} read with a remark"] if changed else []
    return f"{capital(' and '.join(parts))}; everything else was used as it stood."


def _others(report: SoloReport) -> str:
    if not report.others:
        return ""
    return f"The file also has data for: {'; '.join(report.others)}."


def solo_sentences(report: SoloReport) -> tuple[str, ...]:
    """What the page says of each measure, as plain text: figure, people, own trend; then the honest grey once."""
    said = [
        f"{card.title}: {' '.join(part for part in (card.figure, card.interval) if part)} ({card.direction}). "
        + " ".join(part for part in (card.people, card.verdict, _trend_words(card)) if part)
        for card in _cards(report)
    ]
    sample = [SAMPLE] if report.synthetic else []
    others = [_others(report)] if report.others else []
    return (*sample, *said, f"○ {_grey(report)}", *others)


def _trend_words(card: SoloCard) -> str:
    if card.trend is None:
        return ""
    if card.trend.center is None:
        return f"Own trend: too few {card.trend.each}s yet."
    return f"Own trend over {count(card.trend.known, card.trend.each)}: {uncapital(card.trend.title)}."


def solo_steps(report: SoloReport) -> list[str]:
    """What can be done next, the most useful first; few enough to be done."""
    steps = []
    missing = [(one, (one.result["n_eligible"] or 0) - (one.result["n_followed"] or 0)) for one in report.measures]
    first = next(((one, gone) for one, gone in missing if gone > 0), None)
    if first is not None:
        one, gone = first
        steps.append(
            f"{one.measure.title}: ask the {count(gone, 'person', 'people')} without a follow-up score for one, where "
            "the course allows it."
        )
    closed = next((one for one in report.measures if one.result["n_needed"] and not nobody_followed(one.result)), None)
    if closed is not None:
        needed = count(closed.result["n_needed"], "more person", "more people")
        steps.append(f"{closed.measure.title}: a figure opens after {needed} with a finished window.")
    if report.rejections:
        steps.append("Look at the cells that were not taken as they stood: many can be corrected in the file.")
    steps.append("Measure everyone at the start and at the same time later: that sharpens every figure on this page.")
    steps.append(
        "A comparison needs other clinics: join a network that builds an edition, or compare with a published figure "
        "that counts the same people."
    )
    return steps


def _cards(report: SoloReport) -> list[SoloCard]:
    """The cards in words; courses that two measures share are charted with the first of them only."""
    cards: list[SoloCard] = []
    charted: set[tuple[tuple[str, ...], tuple[float | None, ...]]] = set()
    for one in report.measures:
        trend = _by_period(one)
        courses = (one.measure.instruments, one.gains)
        if trend is None and one.gains and courses not in charted:
            charted.add(courses)
            trend = individual_chart(
                one.gains,
                title_of="Points gained by each person, start to follow-up",
                figure=Figure("points", decimals=1),
            )
        cards.append(_card(one, trend))
    return cards


def _card(one: SoloMeasure, trend: RunChart | None) -> SoloCard:
    row, figure = one.result, figure_of(one.measure)
    shown = row["status"] == "ok" and row["estimate"] is not None
    steps = sorted(one.flow, key=lambda step: (step["step"], step["reason"]))
    return SoloCard(
        id=anchor(one.measure.id),
        title=one.measure.title,
        figure=figure.text(row["estimate"]) if shown else "no figure yet",
        interval=figure.interval(row["lower"], row["upper"]) if shown else "",
        direction=direction(one.measure.better),
        people=_people(row, one.measure),
        verdict="" if shown else _verdict(row),
        figures=_answers(row, one.measure) if shown else (),
        trend=trend,
        run=None,
        flow=tuple(
            (capital(reason_words(step["reason"])), f"{step['count']:,}", f"{step['remaining']:,}") for step in steps
        ),
    )


def _drawn(card: SoloCard) -> SoloCard:
    return card if card.trend is None else replace(card, run=run_picture(card.trend, f"{card.id}-run"))


def _by_period(one: SoloMeasure) -> RunChart | None:
    """The trend over quarters, where at least two of them hold enough people for a figure."""
    periods = sorted((row for row in one.series if ".." not in row["period"]), key=lambda row: str(row["period"]))
    chart = chart_points(
        [_point(row) for row in periods],
        title_of=one.measure.title,
        figure=figure_of(one.measure),
        better=one.measure.better,
    )
    return chart if chart.center is not None else None


def _point(row: Mapping[str, Any]) -> RunPoint:
    shown = row["status"] == "ok" and row["estimate"] is not None
    return RunPoint(
        row["period"],
        row["estimate"] if shown else None,
        row["lower"],
        row["upper"],
        people_shown(row),
        row["completion"],
    )


def _people(row: Mapping[str, Any], measure: Measure) -> str:
    n, m = row["n_eligible"] or 0, row["n_followed"] or 0
    if n == 0:
        return "Nobody is eligible and far enough in time yet."
    if n == m:
        everyone = "Your one eligible person was" if n == 1 else f"All of your {n:,} eligible people were"
        return f"{everyone} followed up."
    rest = "the other one is" if n - m == 1 else f"the other {n - m:,} are"
    missing = _MISSING[Denominator(row["primary_denominator"] or Denominator.OBSERVED)].format(
        missing=missing_as(measure)
    )
    if n == 1:
        return f"Your one eligible person was not followed up and is {missing}."
    return f"{m:,} of your {n:,} eligible people {'was' if m == 1 else 'were'} followed up; {rest} {missing}."


def _verdict(row: Mapping[str, Any]) -> str:
    if nobody_followed(row):
        return "We cannot tell yet: nobody has a follow-up score yet."
    if row["n_needed"]:
        needed = count(row["n_needed"], "more person is", "more people are")
        return f"We cannot tell yet: {needed} needed before a figure means anything."
    return f"We cannot tell yet: {reason_words(row['reason'] or 'too_few_people')}."


def _answers(row: Mapping[str, Any], measure: Measure) -> tuple[tuple[str, str, str], ...]:
    figure = figure_of(measure)
    rows = [
        (
            label.format(missing=missing_as(measure))
            + (" (the measure's own)" if row["primary_denominator"] == name else ""),
            figure.text(row[name]),
            figure.interval(row[f"{name}_lower"], row[f"{name}_upper"]),
        )
        for name, label in _ANSWERS
        if row[name] is not None
    ]
    if row["bound_worst"] is not None and row["bound_best"] is not None:
        low, high = sorted((row["bound_worst"], row["bound_best"]))
        extent = f"{figure.number(low)} to {figure.text(high)}"
        rows.append(("if nobody or everybody of the missing had met it", extent, ""))
    return tuple(rows)
