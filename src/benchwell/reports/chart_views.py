"""One figure in every view, each beside the others in the same view (METHODS M3.1)."""

from __future__ import annotations

from typing import Any

from benchwell.i18n import N_, _, local_digits
from benchwell.registry.measure import Measure
from benchwell.reports.canvas import Chart
from benchwell.reports.interval_rows import Interval, interval_picture
from benchwell.reports.method.structure import table
from benchwell.signals.adjustment_words import TITLES, state_words
from benchwell.signals.four_views import FourViews, OwnView, View
from benchwell.signals.reading import ALL, EditionSource, rows
from benchwell.signals.words import capital, direction, figure_of, whole
from benchwell.terms import Adjustment, Denominator, Light

RATIO = N_("Observed over expected")
RATIO_LIMIT = N_(
    "Observed over expected sets a clinic beside what an average clinic would reach with the same people. Each clinic "
    "sees other people, so the ratios of two clinics may not be compared; the adjusted figures may."
)
COLUMNS = (
    N_("View"),
    N_("This clinic"),
    N_("95 % interval"),
    N_("The other clinics"),
    N_("Light"),
    N_("Expected of an average clinic"),
    RATIO,
    N_("Eligible"),
    N_("Followed up"),
    N_("Reliability"),
)


def views_chart(edition: EditionSource, views: FourViews, chart_id: str) -> Chart | None:
    """Draw one organization's figure in every view that has one; None where there is only one to draw.

    Args:
        edition: The edition, for the ratios that stand in its adjusted results.
        views: The views, with the organization's own figures.
        chart_id: Unique on its page.
    """
    lines = [line for line in map(_line, views.views) if line is not None]
    if len(lines) < 2:
        return None
    figure, title = figure_of(views.measure), capital(views.title)
    ratios = _ratios(edition, views.measure, views.organization_id or "")
    lines_of = [_row(one, views.measure, ratios.get(one.adjustment.value)) for one in views.views]
    filled = table(tuple(map(_, COLUMNS)), lines_of)
    return Chart(
        id=chart_id,
        title=title,
        build=interval_picture(lines, None, figure),
        text=views.text,
        columns=filled.columns,
        rows=tuple(tuple(str(cell) for cell in row) for row in filled.rows),
        caption=_caption(views, stated=_(RATIO) in filled.columns),
        note=day_note(views),
        key=_key(views, bracketed=any("(" in line.said for line in lines)),
    )


def _key(views: FourViews, *, bracketed: bool) -> str:
    said = [
        _("Dot: this clinic, with its 95 % interval. Short stroke: the other clinics in the same view."),
        f"{capital(direction(views.measure.better))}.",
    ]
    if bracketed:
        said.append(_("In brackets: what the figure alone would say; a check named under the light keeps it grey."))
    return " ".join(said)


def day_note(views: FourViews) -> str:
    """Whom the view with the day of measurement leaves out; "" where it leaves out nobody.

    Who was not measured again has no such day, so this view answers for other people than its neighbors.
    """
    shown = views.view(Adjustment.DAY)
    if shown is None or not shown.ok or views.measure.primary_denominator is Denominator.OBSERVED:
        return ""
    return _(
        "{view}: this view counts only people who were measured again, so its figures stand beside one another, not "
        "beside those of the other views."
    ).format(view=_(TITLES[Adjustment.DAY]))


def _caption(views: FourViews, *, stated: bool) -> str:
    """What the table holds; a ratio never stands without how it may be read (METHODS M3.6)."""
    caption = _("{title} in every view.").format(title=_(views.measure.title))
    return f"{caption} {_(RATIO_LIMIT)}" if stated else caption


def _line(view: View) -> Interval | None:
    own = view.own
    if own is None or own.figure.value is None or own.figure.lower is None or own.figure.upper is None:
        return None
    return Interval(
        view.title,
        own.figure.value,
        own.figure.lower,
        own.figure.upper,
        beside=None if own.benchmark is None else own.benchmark.value,
        state=own.light,
        said=_said(own),
    )


def _said(own: OwnView) -> str:
    """The light, and what the figure alone would say where a check kept it grey."""
    face = own.comparison.face
    if own.light is not Light.UNKNOWN or own.comparison.verdict is Light.UNKNOWN:
        return f"{face.symbol} {face.word}"
    alone = state_words(own.comparison.verdict, own.comparison.better)
    return f"{face.symbol} {face.word} ({alone.partition(',')[0].partition(';')[0]})"


def _row(view: View, measure: Measure, ratio: str | None) -> tuple[str, ...]:
    figure, own = figure_of(measure), view.own
    if own is None:
        return (view.title, _("no figure"), *[""] * (len(COLUMNS) - 2))
    reliability = own.comparison.figures.reliability
    return (
        view.title,
        figure.text(own.figure.value),
        figure.interval(own.figure.lower, own.figure.upper),
        "" if own.benchmark is None else figure.text(own.benchmark.value),
        _said(own),
        "" if own.expected is None else figure.text(own.expected),
        ratio or "",
        "" if own.n_eligible is None else whole(own.n_eligible),
        "" if own.n_followed is None else whole(own.n_followed),
        "" if reliability is None else local_digits(f"{reliability:.2f}"),
    )


def _ratios(edition: EditionSource, measure: Measure, organization_id: str) -> dict[str, str]:
    where = {"measure": measure.id, "organization_id": organization_id, "period": ALL, "stratum": ALL}
    return {row["adjustment"]: _ratio(row) for row in rows(edition, "adjusted_results", **where)}


def _ratio(row: dict[str, Any]) -> str:
    if row["ratio"] is None:
        return ""
    interval = "" if row["ratio_lower"] is None else f" ({row['ratio_lower']:.2f}–{row['ratio_upper']:.2f})"
    return local_digits(f"{row['ratio']:.2f}{interval}")
