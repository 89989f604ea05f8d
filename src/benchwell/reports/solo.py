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
from benchwell.signals.lights import LightFace, face
from benchwell.signals.run_chart import RunPoint, chart_points
from benchwell.signals.words import Figure, capital, count, direction, figure_of
from benchwell.terms import Denominator, Light

_ANSWERS = (
    (Denominator.OBSERVED, "only those followed up"),
    (Denominator.ALL_ELIGIBLE, "missing count as not met"),
    (Denominator.ESTIMATED, "missing estimated from people like them"),
)
_MISSING = {
    Denominator.OBSERVED: "not counted here",
    Denominator.ALL_ELIGIBLE: "counted as not met",
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
    """

    measure: Measure
    result: Mapping[str, Any]
    series: Sequence[Mapping[str, Any]] = ()
    flow: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True)
class SoloReport:
    """What the page shows; filled by `pipeline`.

    Attributes:
        source: Name of the file, without its folder.
        made_on: Date of the report as text.
        measures: Measures in the order of the page.
        counts: What the file held, as (words, number): people, courses, scores …
        rejections: (reason code, what was done, cells).
        synthetic: Whether the file is a labelled sample.
    """

    source: str
    made_on: str
    measures: Sequence[SoloMeasure]
    counts: Sequence[tuple[str, int]] = ()
    rejections: Sequence[tuple[str, str, int]] = ()
    synthetic: bool = False
    title: str = "Your own outcomes"
    notes: Sequence[str] = field(default_factory=tuple)


@dataclass(frozen=True)
class SoloCard:
    """One measure on the page."""

    id: str
    title: str
    face: LightFace
    figure: str
    interval: str
    direction: str
    people: str
    verdict: str
    figures: tuple[tuple[str, str, str], ...]
    run: Chart | None
    flow: tuple[tuple[str, str, str], ...]


def render_solo_report(report: SoloReport) -> str:
    """The page of one practice on its own.

    Args:
        report: What to show.

    Returns:
        A self-contained HTML document.
    """
    cards = [_card(one) for one in report.measures]
    sample = " This is a synthetic sample, made by a program: no real people." if report.synthetic else ""
    refused = sum(cells for _, what, cells in report.rejections if what == "rejected")
    words = "Everything in the file could be used as it stood." if not report.rejections else ""
    if report.rejections:
        words = f"{count(refused, 'cell or row', 'cells or rows')} could not be used; the others were."
    return render(
        "solo.html.j2",
        page_title=report.title,
        lead=f"Your own figures, with how sure they are and who is missing.{sample}",
        source=report.source,
        made_on=report.made_on,
        data_words=words,
        notes=[capital(note.rstrip(".")) + "." for note in report.notes],
        counts=[(capital(what), f"{number:,}") for what, number in report.counts],
        rejections=[(capital(reason_words(reason)), what, f"{cells:,}") for reason, what, cells in report.rejections],
        cards=cards,
        steps=solo_steps(report),
    )


def solo_sentences(report: SoloReport) -> tuple[str, ...]:
    """What the page says of each measure, as plain text: figure, people, verdict."""
    return tuple(
        f"{card.title}: {' '.join(part for part in (card.figure, card.interval) if part)} ({card.direction}). "
        f"{card.people} {card.verdict}"
        for card in (_said(one) for one in report.measures)
    )


def solo_steps(report: SoloReport) -> list[str]:
    """What can be done next, the most useful first."""
    steps = []
    for one in report.measures:
        n, m = one.result["n_eligible"] or 0, one.result["n_followed"] or 0
        if n > m:
            steps.append(
                f"{one.measure.title}: ask the {count(n - m, 'person', 'people')} without a follow-up score for one, "
                "where the course allows it."
            )
        if one.result["n_needed"]:
            needed = count(one.result["n_needed"], "more person", "more people")
            steps.append(f"{one.measure.title}: a figure opens after {needed} with a finished window.")
    if report.rejections:
        steps.append("Look at the cells that were not taken: many can be corrected in the file.")
    steps.append("Measure everyone at the start and at the same time later: that sharpens every figure on this page.")
    steps.append(
        "A comparison needs other clinics: join a network that builds an edition, or compare with a published figure "
        "that counts the same people."
    )
    return steps


def _said(one: SoloMeasure) -> SoloCard:
    """The card in words, before anything is drawn."""
    row, figure = one.result, figure_of(one.measure)
    shown = row["status"] == "ok" and row["estimate"] is not None
    steps = sorted(one.flow, key=lambda step: (step["step"], step["reason"]))
    return SoloCard(
        id=anchor(one.measure.id),
        title=one.measure.title,
        face=face(Light.UNKNOWN, one.measure.better),
        figure=figure.text(row["estimate"]) if shown else "no figure yet",
        interval=figure.interval(row["lower"], row["upper"]) if shown else "",
        direction=direction(one.measure.better),
        people=_people(row),
        verdict=_verdict(row, shown=shown),
        figures=_answers(row, figure) if shown else (),
        run=None,
        flow=tuple(
            (capital(reason_words(step["reason"])), f"{step['count']:,}", f"{step['remaining']:,}") for step in steps
        ),
    )


def _card(one: SoloMeasure) -> SoloCard:
    card = _said(one)
    periods = sorted((row for row in one.series if ".." not in row["period"]), key=lambda row: str(row["period"]))
    if not periods:
        return card
    run = chart_points(
        [_point(row) for row in periods],
        title_of=one.measure.title,
        figure=figure_of(one.measure),
        better=one.measure.better,
    )
    return replace(card, run=run_picture(run, f"{card.id}-run"))


def _point(row: Mapping[str, Any]) -> RunPoint:
    shown = row["status"] == "ok" and row["estimate"] is not None
    return RunPoint(
        row["period"],
        row["estimate"] if shown else None,
        row["lower"],
        row["upper"],
        row["n_followed"],
        row["completion"],
    )


def _people(row: Mapping[str, Any]) -> str:
    n, m = row["n_eligible"] or 0, row["n_followed"] or 0
    if n == 0:
        return "Nobody is eligible and far enough in time yet."
    if n == m:
        return (
            f"All of your {count(n, 'eligible person', 'eligible people')} {'was' if n == 1 else 'were'} followed up."
        )
    rest = "the other one is" if n - m == 1 else f"the other {n - m:,} are"
    missing = _MISSING[Denominator(row["primary_denominator"] or Denominator.OBSERVED)]
    return f"{m:,} of your {n:,} eligible people {'was' if m == 1 else 'were'} followed up; {rest} {missing}."


def _verdict(row: Mapping[str, Any], *, shown: bool) -> str:
    if not shown:
        if row["n_needed"]:
            needed = count(row["n_needed"], "more person is", "more people are")
            return f"We cannot tell yet: {needed} needed before a figure means anything."
        return f"We cannot tell yet: {reason_words(row['reason'] or 'too_few_people')}."
    return (
        "We cannot tell yet whether you differ from others: there is nobody here to compare with. "
        "The brackets show what fits your own data."
    )


def _answers(row: Mapping[str, Any], figure: Figure) -> tuple[tuple[str, str, str], ...]:
    rows = [
        (
            label + (" (the measure's own)" if row["primary_denominator"] == name else ""),
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
