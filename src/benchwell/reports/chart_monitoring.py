"""Charts over time as pictures: VLAD, and the two CUSUMs on one axis with their limits (METHODS M5.4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import altair as alt

from benchwell.i18n import N_, _, local_digits
from benchwell.reports.canvas import MARK, MUTED, OWN, PEER, Chart, data
from benchwell.signals.monitoring_view import BETTER, WORSE, MonitoringView, counted_as
from benchwell.signals.words import capital, uncapital, whole
from benchwell.terms import Adjustment

HEIGHT = 190
_SIDES = {WORSE: N_("less favorable"), BETTER: N_("more favorable")}
_EXPECTED = {Adjustment.UNADJUSTED: N_("nothing adjusted for"), Adjustment.CLINICAL: N_("clinical case mix")}


@dataclass(frozen=True)
class Monitored:
    """The part of a page about one measure over time.

    Attributes:
        finding: What it says, in lower case.
        refusal: Why nothing is drawn and how many people are missing; "" otherwise.
        charts: VLAD and CUSUM, each with its table.
        open: Whether a limit was crossed, so that the part is not folded away.
    """

    finding: str
    refusal: str
    charts: tuple[Chart, ...]
    open: bool


def monitored(view: MonitoringView | None, chart_id: str) -> Monitored | None:
    """The part of a page about the charts over time.

    Args:
        view: What to show; None shows nothing.
        chart_id: Unique on its page.
    """
    if view is None:
        return None
    return Monitored(uncapital(view.title), view.reason, monitoring_charts(view, chart_id), bool(view.signals))


def monitoring_charts(view: MonitoringView, chart_id: str) -> tuple[Chart, ...]:
    """Draw the charts over time of one organization.

    Args:
        view: What to draw.
        chart_id: Unique on its page.

    Returns:
        VLAD and CUSUM, each with its table; none where the view refuses.
    """
    return (_vlad(view, f"{chart_id}-vlad"), _cusum(view, f"{chart_id}-cusum")) if view.ok else ()


def _vlad(view: MonitoringView, chart_id: str) -> Chart:
    both = any(month.vlad_unadjusted is not None for month in view.months)
    scale = alt.Scale(zero=True, nice=True)

    def build(width: int) -> Any:
        lines = [_zero(scale), *([_path(view, "vlad_unadjusted", width, scale, plain=True)] if both else [])]
        own = _path(view, "vlad", width, scale)
        return alt.layer(*lines, own, *_signals(view, "vlad", width, scale)).properties(width=width, height=HEIGHT)

    columns = (_("Month"), _("People due"), capital(counted_as(view.measure)), _("Expected"), _("Added up"))
    rows = tuple(
        (
            month.month,
            whole(month.n),
            whole(month.adverse),
            local_digits(f"{month.expected:.1f}"),
            _signed(month.vlad),
            "–" if month.vlad_unadjusted is None else _signed(month.vlad_unadjusted),
        )[: 6 if both else 5]
        for month in view.months
    )
    outcome = counted_as(view.measure)
    key = [
        _("Line: people expected {outcome} less those observed ({by}).").format(
            outcome=outcome, by=_(_EXPECTED[view.adjustment])
        ),
        _("Rising: fewer than expected. Falling: more than expected."),
    ]
    key += [_("Thin line: the same with nothing adjusted for.")] if both else []
    key += [_("□: a limit was crossed.")] if view.signals else []
    return Chart(
        id=chart_id,
        title=view.title,
        build=build,
        text=view.text,
        columns=(*columns, _("Added up, unadjusted")) if both else columns,
        rows=rows,
        caption=_("{title}: expected less observed, added up by month").format(title=_(view.measure.title)),
        note=view.note,
        up=_("People {outcome}: expected less observed, added up").format(outcome=outcome),
        key=" ".join(key),
    )


def _cusum(view: MonitoringView, chart_id: str) -> Chart:
    title = _("The evidence stayed within both limits")
    if view.signals:
        title = _("Limit crossed: {finding}").format(finding=uncapital(view.title))
    text = _("{title}: evidence that odds have doubled or halved, month by month. {finding}. {limits}").format(
        title=_(view.measure.title), finding=title, limits=view.limits_text
    )
    top, bottom = (
        max([view.limit_worse or 0.0, *(one.worse for one in view.months)]),
        max([view.limit_better or 0.0, *(one.better for one in view.months)]),
    )
    scale = alt.Scale(domain=[-1.2 * bottom, 1.2 * top], nice=False)

    def build(width: int) -> Any:
        layers = [
            *_limits(view, scale),
            _zero(scale),
            _path(view, "worse", width, scale),
            _path(view, "better", width, scale, sign=-1, dash=True),
            *_crossings(view, width, scale),
        ]
        return alt.layer(*layers).properties(width=width, height=HEIGHT)

    rows = tuple(
        (month.month, _two(month.worse), _two(month.better), _(_SIDES[month.signal]) if month.signal else "")
        for month in view.months
    )
    key = [_("Whole line: odds doubled. Broken line: odds halved. Dashed: the limits.")]
    key += [_("□: a limit was crossed; the line starts again from the middle.")] if view.signals else []
    limits = (_("limit"), _two(view.limit_worse), _two(view.limit_better), "")
    return Chart(
        id=chart_id,
        title=title,
        build=build,
        text=text,
        columns=(_("Month"), _("Less favorable"), _("More favorable"), _("Limit crossed")),
        rows=(*rows, limits),
        caption=_("{title}: highest evidence within each month").format(title=_(view.measure.title)),
        note=view.limits_text,
        up=_("Evidence: up is less favorable, down is more favorable"),
        key=" ".join(key),
    )


def _signed(value: float) -> str:
    return local_digits(f"{value:+.1f}".replace("-", "−"))


def _two(value: float | None) -> str:
    return local_digits(f"{value or 0.0:.2f}")


def _x(view: MonitoringView, width: int) -> alt.X:
    months = [month.month for month in view.months]
    room = max(2, width // 72)
    every = -(-len(months) // room)
    scale = alt.Scale(type="point", domain=months, padding=0.5)
    axis = alt.Axis(labelAngle=0, values=months[::every], grid=False)
    return alt.X("month:O", sort=months, title=None, scale=scale, axis=axis)


def _y(scale: alt.Scale) -> alt.Y:
    return alt.Y("value:Q", title=None, axis=alt.Axis(tickCount=5), scale=scale)


def _zero(scale: alt.Scale) -> Any:
    return alt.Chart(data({"value": 0})).mark_rule(color=MARK, strokeWidth=1.5).encode(y=_y(scale))


def _path(
    view: MonitoringView,
    field: str,
    width: int,
    scale: alt.Scale,
    *,
    sign: int = 1,
    plain: bool = False,
    dash: bool = False,
) -> Any:
    values = [{"month": one.month, "value": getattr(one, field)} for one in view.months]
    records = [one | {"value": sign * one["value"]} for one in values if one["value"] is not None]
    line = alt.Chart(data(*records)).mark_line(
        color=PEER if plain else OWN,
        strokeWidth=1.5 if plain else 2,
        strokeDash=[6, 3] if dash else [1, 0],
        point=False if plain or len(records) > 1 else alt.OverlayMarkDef(color=OWN),
    )
    return line.encode(x=_x(view, width), y=_y(scale))


def _signals(view: MonitoringView, field: str, width: int, scale: alt.Scale) -> list[Any]:
    found = [{"month": one.month, "value": getattr(one, field)} for one in view.months if one.signal]
    return [_squares(found).encode(x=_x(view, width), y=_y(scale))] if found else []


def _crossings(view: MonitoringView, width: int, scale: alt.Scale) -> list[Any]:
    found = [
        {"month": one.month, "value": one.worse if one.signal == WORSE else -one.better}
        for one in view.months
        if one.signal
    ]
    return [_squares(found).encode(x=_x(view, width), y=_y(scale))] if found else []


def _squares(found: list[dict[str, Any]]) -> Any:
    return alt.Chart(data(*found)).mark_point(
        shape="square", size=150, filled=False, color=MARK, strokeWidth=2, opacity=1
    )


def _limits(view: MonitoringView, scale: alt.Scale) -> list[Any]:
    """Both limits as dashed lines that say what they are."""
    records = [
        {"value": view.limit_worse, "words": _("limit: less favorable")},
        {"value": -(view.limit_better or 0.0), "words": _("limit: more favorable")},
    ]
    base = alt.Chart(data(*records))
    layers = [base.mark_rule(color=MUTED, strokeDash=[4, 3]).encode(y=_y(scale))]
    for record, dy in zip(records, (-8, 9), strict=True):
        words = alt.Chart(data(record)).mark_text(align="left", dx=4, dy=dy, color=MUTED, fontSize=12)
        layers.append(words.encode(x=alt.value(0), y=_y(scale), text="words:N"))
    return layers
