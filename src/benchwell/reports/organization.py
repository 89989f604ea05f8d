"""The report of one organization: a card per measure, own trend first (METHODS M5.8)."""

from __future__ import annotations

from dataclasses import dataclass

from benchwell.errors import EditionError
from benchwell.i18n import _, local_digits
from benchwell.registry.measure import Measure
from benchwell.reports.canvas import Chart
from benchwell.reports.chart_distribution import distribution_chart
from benchwell.reports.chart_funnel import funnel_chart
from benchwell.reports.chart_intervals import answers_chart, strata_chart
from benchwell.reports.chart_monitoring import Monitored, monitored
from benchwell.reports.chart_run import run_picture
from benchwell.reports.compared import Compared, casemix_sections, compared
from benchwell.reports.imputed import Imputed, imputed
from benchwell.reports.method.markdown import Target
from benchwell.reports.names import definition_rows
from benchwell.reports.network import measures_of
from benchwell.reports.page import anchor, render
from benchwell.reports.standing import standing
from benchwell.signals.adjustment_words import TITLES
from benchwell.signals.compare import compare
from benchwell.signals.comparison import Comparison
from benchwell.signals.four_views import FourViews, four_views
from benchwell.signals.funnel_view import funnel_view
from benchwell.signals.gates import Gate
from benchwell.signals.light_and_funnel import why_they_differ
from benchwell.signals.lights import LightFace
from benchwell.signals.monitoring_view import monitoring_view
from benchwell.signals.peers import distribution
from benchwell.signals.reading import EditionSource, OneMeasure, casemix_of, organization_name, rows
from benchwell.signals.run_chart import run_chart
from benchwell.signals.sentence import Sentence, sentence
from benchwell.signals.words import dashed, figure_of
from benchwell.terms import Adjustment, BenchmarkKind


@dataclass(frozen=True)
class Card:
    """One measure on the page."""

    id: str
    comparison: Comparison
    views: FourViews
    sentence: Sentence
    face: LightFace
    withheld: str
    figures: tuple[tuple[str, str], ...]
    run: Chart | None
    compared: Compared | None
    monitored: Monitored | None
    charts: tuple[Chart, ...]
    answers: Chart | None
    imputed: Imputed | None
    open: bool
    strata: tuple[Chart, ...]
    gates: tuple[Gate, ...]
    why: str
    definition: tuple[tuple[str, str], ...]


def render_organization_report(
    edition: EditionSource,
    organization_id: str,
    *,
    name: str | None = None,
    kind: BenchmarkKind | str = BenchmarkKind.MEAN,
    target: Target | None = None,
) -> str:
    """One organization's page.

    Args:
        edition: The edition.
        organization_id: Whose page.
        name: What to call it; None uses its name in the edition, or its id.
        kind: Which kind of benchmark the lights compare with.
        target: Gives the address of a declaration's page; without it, the page refers to nothing outside itself.

    Returns:
        A self-contained HTML document.

    Raises:
        EditionError: If the edition holds no result of the organization.
    """
    found = {row["measure"] for row in rows(edition, "organization_results", organization_id=organization_id)}
    if not found:
        raise EditionError(
            f"Edition {edition.id} has no result of organization {organization_id!r}.",
            hint="table organization_results lists those it has.",
        )
    called = name or organization_name(edition, organization_id)
    measures = [measure for measure in measures_of(edition) if measure.id in found]
    cards = [organization_card(edition, organization_id, measure, called, kind) for measure in measures]
    lead = (
        "How this service does, beside others in the same edition: first its own trend, then the comparison. "
        "Nothing here is about a single person."
    )
    return render(
        "organization.html.j2",
        page_title=called,
        lead=lead,
        edition=edition.id,
        standing=standing(edition),
        cards=cards,
        casemixes=casemix_sections(edition, measures, target),
    )


def organization_card(
    edition: EditionSource,
    organization_id: str,
    measure: Measure,
    name: str,
    kind: BenchmarkKind | str = BenchmarkKind.MEAN,
) -> Card:
    """Everything that a page says of one organization and one measure; pictures are drawn by whoever shows them.

    Args:
        edition: The edition.
        organization_id: Whose figure.
        measure: A measure of which the edition holds a result of the organization.
        name: What to call the organization.
        kind: Which kind of benchmark the light compares with.

    Raises:
        EditionError: If the edition holds no result of the organization for this measure.
    """
    edition, place = OneMeasure.of(edition, measure.id), anchor(measure.id)
    comparison = compare(edition, organization_id, measure, kind=kind, name=name)
    views = four_views(edition, measure, organization_id, name=name, kind=kind)
    run = run_chart(edition, organization_id, measure)
    return Card(
        id=place,
        comparison=comparison,
        views=views,
        sentence=sentence(comparison),
        face=comparison.face,
        withheld=_withheld(comparison, views),
        figures=_figures(comparison),
        run=run_picture(run, f"{place}-run") if run.known > 1 else None,
        compared=compared(edition, views, place),
        monitored=monitored(monitoring_view(edition, organization_id, measure, name=name), f"{place}-months"),
        charts=tuple(_charts(edition, organization_id, comparison, place)),
        answers=_answers(comparison, place),
        imputed=imputed(comparison),
        # Where missing follow-up decided, its answers are not folded away.
        open=comparison.deciding in ("follow_up", "follow_up_gap", "missing_data"),
        strata=_strata(views, place),
        gates=comparison.gates,
        why=measure.why,
        definition=tuple(definition_rows(measure, casemix_of(edition, measure.id))),
    )


def _withheld(comparison: Comparison, views: FourViews) -> str:
    """That a light rests on figures as counted only because the adjusted ones are missing, and why; "" otherwise.

    Own history and standards from elsewhere are compared as counted in any case.
    """
    clinical, record = views.view(Adjustment.CLINICAL), comparison.benchmark
    others = record is None or record.kind not in (BenchmarkKind.OWN_HISTORY, BenchmarkKind.FIXED_EXTERNAL)
    unadjusted = comparison.adjustment is Adjustment.UNADJUSTED and comparison.status == "ok"
    if not unadjusted or not others or clinical is None or not clinical.missing:
        return ""
    return _("Nothing about who comes is adjusted for here, since the adjusted view was withheld: {why}.").format(
        why=clinical.missing
    )


def _charts(edition: EditionSource, organization_id: str, comparison: Comparison, place: str) -> list[Chart]:
    """The others: how they are distributed, and the funnel where there are dots enough to hide in (M5.6)."""
    charts = []
    if comparison.status == "ok":
        spread = distribution(
            edition, comparison.measure, organization_id, name=comparison.name, adjustment=comparison.adjustment
        )
        charts.append(distribution_chart(spread, f"{place}-distribution"))
    funnel = funnel_view(
        edition, comparison.measure, organization_id, name=comparison.name, adjustment=comparison.adjustment
    )
    if funnel is not None and funnel.own is not None and funnel.peers:
        charts.append(funnel_chart(funnel, f"{place}-funnel", beside=why_they_differ(comparison, funnel)))
    return charts


def _answers(comparison: Comparison, place: str) -> Chart | None:
    if comparison.status != "ok" or comparison.figures.n_followed is None:
        return None
    return answers_chart(comparison, f"{place}-answers")


def _strata(views: FourViews, place: str) -> tuple[Chart, ...]:
    """The fourth view: the levels within the clinic."""
    return tuple(strata_chart(view, f"{place}-{anchor(view.variable)}") for view in views.strata)


def _figures(comparison: Comparison) -> tuple[tuple[str, str], ...]:
    """What travels with the figure (METHODS C2); what the source does not say is left out, the sentence says so."""
    figures, figure, none = comparison.figures, figure_of(comparison.measure), _("none")
    found = (
        (_("People counted") if comparison.measure.is_published else _("Eligible"), dashed(figures.n_eligible)),
        (_("Followed up"), dashed(figures.n_followed)),
        (_("Met"), dashed(figures.n_met)),
        (_("Completion"), "–" if figures.completion is None else f"{figures.completion:.0%}".replace("%", " %")),
        (_("Reliability"), "–" if figures.reliability is None else local_digits(f"{figures.reliability:.2f}")),
        (_("Shrunken"), figure.text(figures.shrunken)),
        (_("Adjustment"), none if comparison.adjustment is Adjustment.UNADJUSTED else _(TITLES[comparison.adjustment])),
    )
    return tuple((name, value) for name, value in found if value != "–")
