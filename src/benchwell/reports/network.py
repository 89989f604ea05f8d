"""The report of a network: every measure of an edition, over all organizations, without naming any."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from benchwell.registry.measure import Measure
from benchwell.reports.canvas import Chart
from benchwell.reports.chart_distribution import distribution_chart
from benchwell.reports.chart_funnel import funnel_chart
from benchwell.reports.names import DENOMINATORS, INTERVALS, method_name, reason_words
from benchwell.reports.page import anchor, render
from benchwell.signals.funnel_view import FunnelView, funnel_view
from benchwell.signals.peers import Distribution, distribution
from benchwell.signals.reading import ALL, EditionSource, measure_of, rows
from benchwell.signals.words import Figure, capital, count, direction, figure_of

_HIDDEN = {
    "insufficient": "too few people for a figure",
    "suppressed": "suppressed by the source, which is not zero",
    "no_activity": "no activity reported, which is not zero",
}
RECORD_COLUMNS = (
    "Benchmark",
    "Figure",
    "95 % interval",
    "Interval by",
    "Clinics",
    "People",
    "Followed up",
    "Reliability of the field",
)


@dataclass(frozen=True)
class Section:
    """One measure of the report."""

    id: str
    title: str
    why: str
    direction: str
    summary: str
    charts: tuple[Chart, ...]
    record_columns: tuple[str, ...]
    records: tuple[tuple[str, ...], ...]
    refused: tuple[str, ...]
    flow: tuple[tuple[str, ...], ...]
    limits: tuple[str, ...]


def render_network_report(edition: EditionSource, *, title: str = "What this network reaches") -> str:
    """The whole network as one HTML page.

    Args:
        edition: The edition.
        title: Heading of the page.

    Returns:
        A self-contained HTML document: distribution, funnel, benchmarks with their records, exclusion flow, limits.
    """
    sections = [_section(edition, measure) for measure in measures_of(edition)]
    organizations = {row["organization_id"] for row in rows(edition, "organization_results")}
    lead = (
        f"{count(len(sections), 'measure')} over {count(len(organizations), 'clinic')}. Clinics are not named and not "
        "put in order: the question is what is usual and what is reachable."
    )
    return render("network.html.j2", page_title=title, lead=lead, edition=edition.id, sections=sections)


def measures_of(edition: EditionSource) -> list[Measure]:
    """The measures that an edition holds results for, in the order of their ids."""
    found = sorted({row["measure"] for row in rows(edition, "organization_results")})
    return [measure_of(edition, measure) for measure in found]


def _section(edition: EditionSource, measure: Measure) -> Section:
    spread = distribution(edition, measure)
    funnel = funnel_view(edition, measure)
    charts = [distribution_chart(spread, anchor(measure.id, "distribution"))]
    if funnel is not None:
        charts.append(funnel_chart(funnel, anchor(measure.id, "funnel")))
    figure = figure_of(measure)
    found = [
        row for row in rows(edition, "benchmarks", measure=measure.id, without="") if row["tier"] != "organization"
    ]
    whole = [row for row in found if row["level"] == ALL]
    return Section(
        id=anchor(measure.id),
        title=measure.title,
        why=measure.why,
        direction=direction(measure.better),
        summary=_summary(spread),
        charts=tuple(charts),
        record_columns=RECORD_COLUMNS,
        records=tuple(_record(row, figure) for row in whole if row["status"] == "ok"),
        refused=tuple(_refusals(whole)),
        flow=exclusion_flow(edition, measure),
        limits=tuple(_limits(measure, found, spread, funnel)),
    )


def _summary(spread: Distribution) -> str:
    hidden = "; ".join(f"{count(n, 'clinic')}: {_HIDDEN.get(status, status)}" for status, n in spread.hidden.items())
    return f"{count(spread.n, 'clinic')} with a figure.{f' Without one: {hidden}.' if hidden else ''}"


def _record(row: Mapping[str, Any], figure: Figure) -> tuple[str, ...]:
    where = "" if row["tier"] in ("all", "external") else f", {row['tier']} {row['tier_id']}"
    when = "" if row["period"] == ALL else f", {row['period']}"
    provisional = ", provisional" if row["provisional"] else ""
    return (
        f"{capital(method_name(row['method']))}{where}{when}{provisional}",
        figure.text(row["estimate"]),
        figure.interval(row["lower"], row["upper"]) or "–",
        INTERVALS.get(row["interval_method"], row["interval_method"] or "–"),
        _number(row["n_organizations"]),
        _number(row["n_patients"]),
        "not stated" if row["completeness"] is None else f"{row['completeness']:.0%}".replace("%", " %"),
        "–" if row["field_reliability"] is None else f"{row['field_reliability']:.2f}",
    )


def _number(value: int | None) -> str:
    return "–" if value is None else f"{value:,}"


def _refusals(found: list[dict[str, Any]]) -> list[str]:
    """One line per reason, with the methods that it closes."""
    closed: dict[str, list[str]] = {}
    for row in found:
        if row["status"] != "ok":
            period = "" if row["period"] == ALL else f" ({row['period']})"
            closed.setdefault(reason_words(row["reason"] or row["status"]), []).append(
                f"{method_name(row['method'])}{period}"
            )
    return [f"{capital('; '.join(dict.fromkeys(names)))}: {reason}." for reason, names in closed.items()]


def exclusion_flow(edition: EditionSource, measure: Measure) -> tuple[tuple[str, ...], ...]:
    """Who is counted, step by step; the steps add up."""
    found = sorted(rows(edition, "exclusions", measure=measure.id), key=lambda row: (row["step"], row["reason"]))
    return tuple(
        (capital(reason_words(row["reason"])), _number(row["count"]), _number(row["remaining"])) for row in found
    )


def _limits(
    measure: Measure, found: list[dict[str, Any]], spread: Distribution, funnel: FunnelView | None
) -> list[str]:
    lines = [f"Counted among {DENOMINATORS[measure.primary_denominator]}."]
    if measure.is_published:
        lines.append(
            "Official figures: how many of the eligible people were measured is not stated, so no clinic gets a colour."
        )
    if funnel is not None and funnel.note:
        lines.append(funnel.note)
    adjustments = {row["adjustment"] for row in found if row["adjustment"]} or {"unadjusted"}
    if adjustments == {"unadjusted"}:
        lines.append("Nothing is adjusted for who comes: clinics that see people with harder problems look lower.")
    if funnel is not None and funnel.overdispersed:
        lines.append(
            f"Clinics differ more than chance allows (overdispersion {funnel.phi:.1f}). That can be who comes, how "
            "people are counted, or what is done; look into it before drawing conclusions."
        )
    if spread.hidden.get("suppressed"):
        lines.append("Suppressed figures are missing here, mostly from small clinics.")
    return lines
