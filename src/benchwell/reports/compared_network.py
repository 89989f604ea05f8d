"""The section "Compared fairly" of the network's page: benchmarks in every view, and how many clinics change state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from benchwell.registry.measure import Measure
from benchwell.reports.benchmark_lines import DEFAULT_DECILE
from benchwell.reports.chart_views import day_note
from benchwell.reports.compared import casemix_place, missing_views, only_unadjusted
from benchwell.reports.method.structure import Table, table
from benchwell.reports.model_card import ModelCard, model_card
from benchwell.signals.adjustment_words import TITLES, state_words
from benchwell.signals.edition_colours import MeasureColours, by_chance
from benchwell.signals.four_views import FourViews, Transition, View
from benchwell.signals.lights import face
from benchwell.signals.reading import ALL, EditionSource, casemix_of, rows
from benchwell.signals.words import Figure, capital, count, figure_of
from benchwell.terms import Adjustment, Better, Light

Record = dict[str, Any]
_POOLED = ("pooled", "unweighted", "mean")  # the first that an edition holds
_METHODS = (
    ("All people together", _POOLED),
    ("Lower quartile", ("p25",)),
    ("Middle clinic", ("p50",)),
    ("Upper quartile", ("p75",)),
    ("Top tenth", (DEFAULT_DECILE,)),
)
_STATES = (Light.ABOVE, Light.CLOSE, Light.BELOW, Light.UNKNOWN)
STATES_NOTE = (
    "States by probability alone, before the checks of follow-up, reliability and usual spread that a colour must pass "
    "as well."
)


@dataclass(frozen=True)
class ComparedNetwork:
    """One measure in every view, over all clinics.

    Attributes:
        finding: What changes between views, in one sentence.
        only: Why there is only the unadjusted figure; "" if there is more.
        benchmarks: The common figures in every view.
        states: How many clinics are in which state in every view.
        false: How many of the states are expected to be false (METHODS M5.7).
        moves: How many clinics change state from one view to the next; with their ids where they may be named.
        missing: Views without a figure, and why.
        day: Whom the view with the day of measurement leaves out.
        contrast: What is to be said where clinics differ otherwise than people within them (METHODS M3.8).
        card: How the models were made and checked.
        casemix: Place on the page that says what is taken into account and why.
    """

    finding: str
    only: str
    benchmarks: Table
    states: Table
    false: str
    moves: Table
    missing: tuple[tuple[str, str], ...]
    day: str
    contrast: str
    card: ModelCard | None
    casemix: str


def compared_network(
    edition: EditionSource, views: FourViews, colours: MeasureColours | None = None
) -> ComparedNetwork | None:
    """The section of one measure; None where no clinic has a figure.

    Args:
        edition: The edition.
        views: Its views, of no organization; transitions hold ids only if the page may name them.
        colours: How many of its states are expected to be false; None to say nothing of it.
    """
    made = [view for view in views.views if view.ok]
    if not made:
        return None
    measure, alone = views.measure, len(made) == 1
    contrast = next((one.model.contrast for one in made if one.model is not None and one.model.contrast), "")
    return ComparedNetwork(
        finding="" if alone else capital(views.title),
        only=only_unadjusted(views) if alone else "",
        benchmarks=Table((), ()) if alone else _benchmarks(edition, measure, made),
        states=Table((), ()) if alone else _states(measure, made),
        false=_false(colours),
        moves=_moves(measure, views.transitions),
        missing=missing_views(views),
        day="" if alone else day_note(views),
        contrast=contrast,
        card=model_card(views.views),
        casemix=casemix_place(casemix_of(edition, measure.id)),
    )


def _benchmarks(edition: EditionSource, measure: Measure, made: list[View]) -> Table:
    where = {"measure": measure.id, "without": "", "tier": ALL, "stratum": ALL, "period": ALL}
    found: dict[tuple[str, str], Record] = {}
    for row in rows(edition, "benchmarks", **where):
        if row["status"] == "ok" and row["estimate"] is not None:
            found.setdefault((row["adjustment"], row["method"]), row)
    figure = figure_of(measure)
    lines = [
        (view.title, *(_cell(found, view.adjustment, methods, figure) for _, methods in _METHODS)) for view in made
    ]
    return table(("View", *(name for name, _ in _METHODS)), lines)


def _cell(
    found: dict[tuple[str, str], Record], view: Adjustment, methods: tuple[str, ...], figure: Figure
) -> str | None:
    row = next((found[view.value, one] for one in methods if (view.value, one) in found), None)
    if row is None:
        return None
    return f"{figure.text(row['estimate'])} {figure.interval(row['lower'], row['upper'])}".rstrip()


def _states(measure: Measure, made: list[View]) -> Table:
    heads = [_said(state, measure.better) for state in _STATES]
    return table(
        ("View", *heads, "Clinics"),
        [
            (view.title, *(f"{view.bands.get(state, 0):,}" for state in _STATES), f"{sum(view.bands.values()):,}")
            for view in made
        ],
    )


def _false(colours: MeasureColours | None) -> str:
    if colours is None or not colours.coloured:
        return ""
    expected = colours.expected_false
    about = (
        "fewer than one is"
        if expected < 0.95
        else f"about {max(1, round(expected))} {'is' if expected < 1.5 else 'are'}"
    )
    return (
        f"{TITLES[colours.adjustment]}, {colours.coloured:,} of {count(colours.comparisons, 'clinic')} "
        f"{'lies' if colours.coloured == 1 else 'lie'} clearly above or below by probability alone; {about} expected "
        f"to be false {by_chance([colours.adjustment])}. Counting every comparison of the edition at once, "
        f"{colours.standing_out:,} {'stands' if colours.standing_out == 1 else 'stand'} out from the usual spread."
    )


def _moves(measure: Measure, transitions: tuple[Transition, ...]) -> Table:
    return table(
        ("From the view", "to the view", "was", "is", "Clinics", "Which"),
        [
            (
                TITLES[one.before],
                TITLES[one.after],
                _said(one.state_before, measure.better),
                _said(one.state_after, measure.better),
                f"{one.n:,}",
                ", ".join(one.organizations),
            )
            for one in transitions
        ],
    )


def _said(state: Light, better: Better) -> str:
    return f"{face(state, better).symbol} {state_words(state, better)}"
