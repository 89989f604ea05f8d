"""Dots with intervals on one axis: strata beside the common line, and the three answers to missing follow-up."""

from __future__ import annotations

from collections.abc import Sequence

from benchwell.i18n import N_, _
from benchwell.reports.canvas import Chart
from benchwell.reports.interval_rows import Interval, interval_picture
from benchwell.reports.method.structure import table
from benchwell.signals.comparison import Comparison
from benchwell.signals.strata_view import StrataView, counted_words, variable_words
from benchwell.signals.words import capital, dashed, direction, figure_of, missing_as, people_words

_ANSWERS = (
    ("observed", N_("only those followed up")),
    ("all_eligible", N_("missing count as {missing}")),
    ("estimated", N_("missing estimated from people like them")),
)


def strata_chart(view: StrataView, chart_id: str) -> Chart:
    """Draw the levels of a variable in their own order, each beside its own figure elsewhere and the common one.

    Two yardsticks are drawn, so that a lower figure of the same group elsewhere never hides a gap (METHODS M4.6).
    """
    figure = figure_of(view.measure)
    dots = [
        Interval(counted_words(level), level.value, level.lower, level.upper, beside=level.benchmark)
        for level in view.levels
        if level.value is not None and level.lower is not None and level.upper is not None
    ]
    alone = view.common_benchmark is None
    # Two figures of everybody would both be "common": the title says which one it speaks of.
    title = view.title if alone else view.title.replace(_("the common figure"), _("this clinic's own figure"))
    beside = (_(head) for head, _field in _BESIDE)
    heads = (_("Group"), _(view.measure.title), _("95 % interval"), _("People"), *beside)
    rows = [
        (
            capital(level.words),
            figure.text(level.value) if level.value is not None else _why(level.status),
            figure.interval(level.lower, level.upper),
            dashed(level.n),
            *(figure.text(getattr(level, name)) for _, name in _BESIDE),
        )
        for level in view.levels
    ]
    rows.append(
        (_("all groups together"), figure.text(view.common), "", "", figure.text(view.common_benchmark), "", "")
    )
    filled = table(heads, rows)
    return Chart(
        id=chart_id,
        title=title,
        build=interval_picture(
            dots, view.common if alone else view.common_benchmark, figure, own=None if alone else view.common
        ),
        text=view.text,
        columns=filled.columns,
        rows=tuple(tuple(str(cell) for cell in row) for row in filled.rows),
        caption=_("{title} by {word}").format(title=_(view.measure.title), word=variable_words(view.variable)),
        key=_strata_key(view, dots),
    )


# What a level stands beside in the table; columns that nobody filled are left out.
_BESIDE = (
    (N_("This group in all clinics"), "benchmark"),
    (N_("Adjusted"), "adjusted"),
    (N_("This group in all clinics, adjusted"), "adjusted_benchmark"),
)


def _strata_key(view: StrataView, dots: Sequence[Interval]) -> str:
    if not dots:
        return ""
    alone = view.common_benchmark is None
    everyone = _("Dots with their 95 % intervals. Line: everyone together.")
    parts = [everyone if alone else _("Dots with their 95 % intervals. Line: all groups of all clinics together.")]
    parts += [] if alone else [_("Dashed line: this clinic, all groups together.")]
    parts += [_("Short stroke: the same group in all clinics.")] if any(dot.beside is not None for dot in dots) else []
    parts += [view.unseen] if view.unseen else []
    return " ".join(parts)


def answers_chart(comparison: Comparison, chart_id: str) -> Chart:
    """Draw the three answers to missing follow-up; the benchmark belongs to the primary one and is named there."""
    figure, figures = figure_of(comparison.measure), comparison.figures
    dots, rows = [], []
    for name, form in _ANSWERS:
        label = _(form).format(missing=missing_as(comparison.measure))
        found = getattr(figures, name)
        primary = _(" (the measure's own)") if figures.primary == name else ""
        rows.append((f"{label}{primary}", figure.text(found.value), figure.interval(found.lower, found.upper)))
        if found.value is not None and found.lower is not None and found.upper is not None:
            n = figures.n_followed if name == "observed" else figures.n_eligible
            label = label if n is None else f"{label}, {people_words(n)}"
            dots.append(Interval(label, found.value, found.lower, found.upper))
    if figures.bound_worst is not None and figures.bound_best is not None:
        low, high = sorted((figures.bound_worst, figures.bound_best))
        extent = _("{low} to {high}").format(low=figure.number(low), high=figure.text(high))
        rows.append((_("if nobody or everybody of the missing had met it"), extent, ""))
    title = _answers_title(comparison, dots)
    said = "; ".join(f"{dot.label} {figure.text(dot.value)} {figure.interval(dot.low, dot.high)}" for dot in dots)
    named = _(comparison.measure.title)
    text = f"{title}. {named}: {said or _('no figure')} ({direction(comparison.better)})."
    return Chart(
        id=chart_id,
        title=title,
        build=interval_picture(dots, None, figure),
        text=text,
        columns=(_("Counting"), named, _("95 % interval")),
        rows=tuple(rows),
        caption=_("Three answers to missing follow-up, and the widest range they allow"),
        key=_("{title}, with 95 % intervals.").format(title=named) if dots else "",
    )


def _answers_title(comparison: Comparison, dots: Sequence[Interval]) -> str:
    if len(dots) < 2:
        return _("There is only one answer to missing follow-up here")
    # The picture shows the figures; whether the verdict holds was decided against the benchmark of each answer.
    if len({answer.state for answer in comparison.answers}) > 1:
        return _("How the missing are counted changes what may be said")
    inside = max(dot.low for dot in dots) <= min(dot.high for dot in dots)
    close = _("The answers to missing follow-up lie close together")
    return close if inside else _("How the missing are counted moves this")


_WHY = {"insufficient": N_("too few people"), "suppressed": N_("suppressed"), "no_activity": N_("no activity")}


def _why(status: str) -> str:
    return _(_WHY.get(status, "–"))
