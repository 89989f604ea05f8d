"""The report of a network: every measure of an edition, over all organizations, named only where asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchwell.registry.measure import Measure, PublishedRate
from benchwell.reports.benchmark_lines import benchmark_lines, decile_lines, refusal_lines
from benchwell.reports.canvas import Chart
from benchwell.reports.chart_distribution import distribution_chart
from benchwell.reports.chart_funnel import funnel_chart
from benchwell.reports.compared import casemix_sections
from benchwell.reports.compared_network import STATES_NOTE, ComparedNetwork, compared_network
from benchwell.reports.method.markdown import Target
from benchwell.reports.method.structure import Table, table
from benchwell.reports.names import HIDDEN, INTERVALS, counted_among, method_name, reason_words
from benchwell.reports.page import anchor, render
from benchwell.reports.site_lines import SITE_COLUMNS, site_lines
from benchwell.reports.standing import standing
from benchwell.signals.edition_colours import MeasureColours, edition_colours
from benchwell.signals.four_views import four_views
from benchwell.signals.funnel_view import FunnelView, funnel_view
from benchwell.signals.peers import DOTS_FROM, Distribution, distribution, nobody_followed
from benchwell.signals.reading import (
    ALL,
    EditionSource,
    OneMeasure,
    measure_of,
    organization_rows,
    preferred_adjustment,
    rows,
)
from benchwell.signals.words import capital, count, dashed, direction
from benchwell.terms import Adjustment

LINE_COLUMNS = ("Benchmark", "Figure (95 %)", "Beside it")
RECORD_COLUMNS = ("Benchmark", "Interval by", "Clinics", "People", "Followed up", "Reliability of the field")


@dataclass(frozen=True)
class Section:
    """One measure of the report."""

    id: str
    title: str
    why: str
    direction: str
    summary: str
    charts: tuple[Chart, ...]
    compared: ComparedNetwork | None
    lines: Table
    tenth: Table
    records: Table
    refused: tuple[str, ...]
    sites: Table
    flow: tuple[tuple[str, ...], ...]
    limits: tuple[str, ...]


def render_network_report(
    edition: EditionSource,
    *,
    title: str = "What this network reaches",
    sites: bool = False,
    target: Target | None = None,
) -> str:
    """The whole network as one HTML page.

    Args:
        edition: The edition.
        title: Heading of the page.
        sites: Add each organization's figures, by id; for a page that stays with those who may see them.
        target: Gives the address of a declaration's page; without it, the page refers to nothing outside itself.

    Returns:
        A self-contained HTML document: distribution, funnel, benchmarks with their records, exclusion flow, limits.
    """
    measures = measures_of(edition)
    colours = edition_colours(edition)
    of_measure = {one.measure: one for one in colours.measures}
    sections = [
        _section(OneMeasure.of(edition, measure.id), measure, of_measure.get(measure.id), sites=sites)
        for measure in measures
    ]
    organizations = {row["organization_id"] for row in rows(edition, "organization_results")}
    named = "Each is listed by its id, in the order of ids." if sites else "None is named."
    lead = (
        f"{count(len(sections), 'measure')} over {count(len(organizations), 'clinic')}. {named} Clinics are never put "
        "in the order of results: the question is what is usual and what is reachable."
    )
    return render(
        "network.html.j2",
        page_title=title,
        lead=lead,
        edition=edition.id,
        standing=standing(edition),
        sections=sections,
        # A figure that somebody else published has no colour at all, so that none of them can be false.
        colours="" if any(measure.is_published for measure in measures) or not colours.coloured else colours.text,
        states_note=STATES_NOTE,
        casemixes=casemix_sections(edition, measures, target),
    )


def measures_of(edition: EditionSource) -> list[Measure]:
    """The measures that an edition holds results for: families with the most organizations first, then by headline."""
    found = rows(edition, "organization_results", period=ALL, stratum=ALL)
    size = Counter(row["measure"] for row in found)
    measures = [measure_of(edition, measure) for measure in size]
    families: Counter[str] = Counter()
    for measure in measures:
        families[_family(measure)] = max(families[_family(measure)], size[measure.id])

    def place(measure: Measure) -> tuple[int, str, int, str]:
        family = _family(measure)
        return -families[family], family, measure.headline or 99, measure.id

    return sorted(measures, key=place)


def _family(measure: Measure) -> str:
    """What is measured with: measures of one source or instrument stand together."""
    endpoint = measure.endpoint
    return endpoint.source if isinstance(endpoint, PublishedRate) else ",".join(measure.instruments)


def _section(edition: EditionSource, measure: Measure, colours: MeasureColours | None, *, sites: bool) -> Section:
    spread = distribution(edition, measure)
    funnel = funnel_view(edition, measure)
    charts = [distribution_chart(spread, anchor(measure.id, "distribution"))]
    charts += _funnels(edition, measure, funnel)
    views = four_views(edition, measure, named=sites)
    stated = rows(edition, "benchmarks", measure=measure.id, without="", adjustment=Adjustment.UNADJUSTED.value)
    found = [row for row in stated if row["level"] == ALL]
    common = [row for row in found if row["tier"] == "external" or (row["tier"] == row["period"] == ALL)]
    others = [row for row in found if row not in common and row["tier"] != "organization"]
    results = organization_rows(edition, measure.id)
    lines, tenth = benchmark_lines(common, measure), decile_lines(common, measure)
    return Section(
        id=anchor(measure.id),
        title=measure.title,
        why=measure.why,
        direction=direction(measure.better),
        summary=_summary(spread),
        charts=tuple(charts),
        compared=compared_network(edition, views, None if measure.is_published else colours),
        lines=table(LINE_COLUMNS, [(capital(one.label), one.figure, one.beside) for one in lines]),
        tenth=table(LINE_COLUMNS, [(capital(one.label), one.figure, one.beside) for one in tenth]),
        records=table(RECORD_COLUMNS, [_record(row) for row in (*common, *others) if row["status"] == "ok"]),
        refused=(*(capital(line) for line in refusal_lines(common)), *_needed(results)),
        sites=_sites(results, measure) if sites else Table((), ()),
        flow=exclusion_flow(edition, measure),
        limits=tuple(_limits(measure, spread, funnel)),
    )


def _funnels(edition: EditionSource, measure: Measure, plain: FunnelView | None) -> list[Chart]:
    """The funnel as counted, and the adjusted one beside it, from as many clinics on as leave each unrecognized."""
    view = preferred_adjustment(edition, measure.id)
    adjusted = None if view is Adjustment.UNADJUSTED else funnel_view(edition, measure, adjustment=view)
    return [
        funnel_chart(one, anchor(measure.id, "funnel", one.adjustment.value))
        for one in (plain, adjusted)
        if one is not None and one.peers
    ]


def _summary(spread: Distribution) -> str:
    hidden = "; ".join(f"{count(n, 'clinic')}: {HIDDEN.get(status, status)}" for status, n in spread.hidden.items())
    return f"{count(spread.n, 'clinic')} with a figure.{f' Without one: {hidden}.' if hidden else ''}"


def _record(row: Mapping[str, Any]) -> tuple[str, ...]:
    where = "" if row["tier"] in ("all", "external") else f", {row['tier']} {row['tier_id']}"
    when = "" if row["period"] == ALL else f", {row['period']}"
    provisional = ", provisional" if row["provisional"] else ""
    external = row["tier"] == "external"
    name = f"Published elsewhere ({row['method']})" if external else capital(method_name(row["method"]))
    return (
        f"{name}{where}{when}{provisional}",
        INTERVALS.get(row["interval_method"], row["interval_method"] or ""),
        dashed(row["n_organizations"]),
        dashed(row["n_patients"]),
        "" if row["completeness"] is None else f"{row['completeness']:.0%}".replace("%", " %"),
        "" if row["field_reliability"] is None else f"{row['field_reliability']:.2f}",
    )


def _needed(results: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """How far the clinics without a figure are from one, named only where asked for."""
    unseen = sum(nobody_followed(row) for row in results)
    waiting = (f"A figure for {count(unseen, 'clinic')}: nobody has a follow-up score yet.",) if unseen else ()
    closed = [row for row in results if row["status"] == "insufficient" and not nobody_followed(row)]
    short = sorted(row["n_needed"] for row in closed if row["n_needed"])
    if not short:
        return waiting
    extent = f"{short[0]:,} to {short[-1]:,} more people each"
    if short[0] == short[-1]:
        extent = f"{count(short[0], 'more person', 'more people')}{' each' if len(short) > 1 else ''}"
    verb = "needs" if len(short) == 1 else "need"
    return (
        *waiting,
        f"A figure for {count(len(short), 'clinic')}: too few people so far; {verb} {extent}.",
    )


def _sites(results: Sequence[Mapping[str, Any]], measure: Measure) -> Table:
    lines = site_lines(results, measure)
    blank = ("",) * (len(SITE_COLUMNS) - 3)
    heads = [capital(name) for name in SITE_COLUMNS]
    return table(
        [*heads, "Why none"],
        [(one.organization_id, *one.people, *(one.figures or blank), one.refusal) for one in lines],
    )


def exclusion_flow(edition: EditionSource, measure: Measure) -> tuple[tuple[str, ...], ...]:
    """Who is counted, step by step; the steps add up."""
    found = sorted(rows(edition, "exclusions", measure=measure.id), key=lambda row: (row["step"], row["reason"]))
    return tuple(
        (capital(reason_words(row["reason"])), dashed(row["count"]), dashed(row["remaining"])) for row in found
    )


def _limits(measure: Measure, spread: Distribution, funnel: FunnelView | None) -> list[str]:
    lines = [f"Counted among {counted_among(measure)}."]
    if measure.is_published:
        lines.append(
            "Official figures: how many of the eligible people were measured is not stated, so no clinic gets a colour."
        )
    if funnel is not None and not funnel.peers:
        lines.append(f"A funnel chart needs {DOTS_FROM} clinics with a figure, so that none can be recognized.")
    if funnel is not None and funnel.overdispersed:
        lines.append(
            f"Clinics differ more than chance allows (overdispersion {funnel.phi:.1f}). That can be who comes, how "
            "people are counted, or what is done; look into it before drawing conclusions."
        )
    if spread.hidden.get("suppressed"):
        lines.append("Suppressed figures are missing here, mostly from small clinics.")
    return lines
