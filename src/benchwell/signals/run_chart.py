"""A measure over time with a frozen centre line; gaps stay gaps, a change in follow-up is a break (M5.2, M1.4)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from typing import Any

from benchwell.i18n import N_, _
from benchwell.models.xmr import FIRM_LIMITS_FROM, XmrChart, XmrRule, xmr_chart, xmr_limits
from benchwell.registry.measure import Measure
from benchwell.signals.adjustment_words import in_view
from benchwell.signals.peers import has_figure
from benchwell.signals.reading import ALL, EditionSource, Row, measure_of, rows
from benchwell.signals.share_limits import ShareLimits, share_limits
from benchwell.signals.usual_spread import people_counted, people_shown
from benchwell.signals.words import Figure, capital, count, direction, figure_of
from benchwell.terms import Adjustment, Better

BREAK_POINTS = 0.20

_RULES = {
    XmrRule.OUTSIDE: N_("beyond a limit"),
    XmrRule.SHIFT: N_("seven or more in a row on one side of the centre"),
    XmrRule.TREND: N_("seven or more in a row rising or falling"),
    XmrRule.TWO_OF_THREE: N_("two of three close to a limit"),
}


@dataclass(frozen=True)
class RunPoint:
    """One period.

    Attributes:
        period: Its label.
        value: The figure; None is a gap.
        lower: Its 95 % interval.
        upper: The same.
        n: People that its figure is a figure of, by the measure's denominator; None if unknown.
        completion: Followed over eligible.
        signal: Which rules it fires, in words; "" for none.
        break_before: Whether follow-up changed so much since the last point that the two cannot be compared.
        counted: People that a share is a share of, for limits that follow from their number; None otherwise.
    """

    period: str
    value: float | None
    lower: float | None = None
    upper: float | None = None
    n: int | None = None
    completion: float | None = None
    signal: str = ""
    break_before: bool = False
    counted: float | None = None


@dataclass(frozen=True)
class RunChart:
    """A series, ready to draw.

    Attributes:
        title_of: What is charted.
        figure: How its figures are written.
        better: Direction.
        points: Periods in order of time.
        center: Frozen centre line; None if there are too few points.
        lower: Lower limit, None likewise.
        upper: Upper limit.
        firm: Whether there were enough points for firm limits.
        title: The finding in one sentence, or that there is none.
        text: Alternative text.
        each: What one point is, in one word: a period, or a course.
        share: Limits by the number of people, of a share over periods; None for other figures.
    """

    title_of: str
    figure: Figure
    better: Better
    points: tuple[RunPoint, ...]
    center: float | None
    lower: float | None
    upper: float | None
    firm: bool
    title: str
    text: str
    each: str = "period"
    share: ShareLimits | None = None

    @property
    def known(self) -> int:
        """How many points have a figure."""
        return sum(point.value is not None for point in self.points)

    def to_dict(self) -> dict[str, Any]:
        """Plain data, for `--json`; unknown is null."""
        share = self.share.points if self.share else (None,) * len(self.points)
        return {
            "of": self.title_of,
            "title": self.title,
            "text": self.text,
            "better": self.better.value,
            "center": self.center,
            "lower": self.lower,
            "upper": self.upper,
            "firm": self.firm,
            "share_limits": None if self.share is None else self.share.to_dict(),
            "points": [
                asdict(point) | {"share_limits": None if limit is None else asdict(limit)}
                for point, limit in zip(self.points, share, strict=True)
            ],
        }


def run_chart(
    edition: EditionSource,
    organization_id: str,
    measure: str | Measure,
    *,
    adjustment: Adjustment | str = Adjustment.UNADJUSTED,
    changed_on: dt.date | None = None,
) -> RunChart:
    """The run chart of one organization over the periods of an edition.

    Periods without a figure stay in the series as gaps.

    Args:
        edition: The edition.
        organization_id: Whose figures.
        measure: A measure, or its id.
        adjustment: Which view; editions hold quarters unadjusted and clinically adjusted, other views have none.
        changed_on: First day of a change that was made: the usual range then comes from the periods before it, where
            there are enough, so that what the change brought does not widen it.

    Returns:
        The chart; without limits below two neighboring points.
    """
    declared = measure_of(edition, measure)
    view = Adjustment(adjustment)
    where = {"measure": declared.id, "organization_id": organization_id, "stratum": ALL}
    if view is Adjustment.UNADJUSTED:
        found = rows(edition, "organization_results", **where)
    else:
        found = rows(edition, "adjusted_results", adjustment=view.value, **where)
    # An adjusted share is no count over people: limits by their number are those of the share as counted.
    is_share = declared.summary == "proportion" and view is Adjustment.UNADJUSTED
    single = sorted((row for row in found if row["period"] != ALL and ".." not in row["period"]), key=_period)
    points = [
        RunPoint(
            period=row["period"],
            value=row["estimate"] if has_figure(row) else None,
            lower=row["lower"],
            upper=row["upper"],
            n=people_shown(row),
            completion=row["completion"],
            counted=_counted(row) if is_share else None,
        )
        for row in single
    ]
    named = f"{_(declared.title)}{in_view(view)}"
    figure = figure_of(declared)
    return chart_points(points, title_of=named, figure=figure, better=declared.better, changed_on=changed_on)


def individual_chart(
    gains: Sequence[float | None], *, title_of: str, figure: Figure, better: Better = Better.HIGHER
) -> RunChart:
    """Chart one value per person in the order in which the courses started: a trend before quarters are large enough.

    Args:
        gains: One value per course; None where there was no follow-up, which stays a gap.
        title_of: What is charted.
        figure: How figures are written.
        better: Direction.

    Source:
        METHODS M5.2: the XmR chart is made for single values.
    """
    points = [RunPoint(str(place), value) for place, value in enumerate(gains, start=1)]
    return chart_points(points, title_of=title_of, figure=figure, better=better, each="course")


def chart_points(
    points: Sequence[RunPoint],
    *,
    title_of: str,
    figure: Figure,
    better: Better,
    each: str = "period",
    changed_on: dt.date | None = None,
) -> RunChart:
    """Chart a series: limits from its first twelve points, frozen for those that follow.

    Args:
        points: Periods in order of time; a value of None is a gap. Missing quarters or months are filled in as gaps.
        title_of: What is charted.
        figure: How figures are written.
        better: Direction.
        each: What one point is, in one word.
        changed_on: First day of a change that was made: the limits come from the points before it at most; fewer than
            two neighbors with a figure among them are too few, and the usual twelve are taken.
    """
    series = _with_breaks(_fill(points))
    reference = None if changed_on is None else sum(1 for one in series if _is_before(one.period, changed_on))
    values = [point.value for point in series]
    if not any(a is not None and b is not None for a, b in pairwise(values)):
        known = sum(value is not None for value in values)
        title = _("Too few periods to see a trend") if each == "period" else _("Too few courses to see a trend")
        text = _("{what} over time: {known} with a figure. {finding}.").format(
            what=title_of, known=count(known, each), finding=title
        )
        return RunChart(title_of, figure, better, tuple(series), None, None, None, False, title, text, each)
    taken = _reference(values, reference)
    limits = xmr_limits(taken)
    found = xmr_chart(values, limits)
    marked = tuple(
        replace(point, signal="; ".join(_(_RULES[rule]) for rule in fired))
        for point, fired in zip(series, found.rules, strict=True)
    )
    provisional = _("Limits are provisional: fewer than {n} points.").format(n=FIRM_LIMITS_FROM)
    firm = "" if limits.firm else f" {provisional}"
    labels = [point.period for point in marked]
    share = share_limits(values, [point.counted for point in marked], labels, len(taken), figure)
    title = _title(labels, found, each)
    start = _("{what} over {points}, {first} to {last}: centre {centre}, usual range {low} to {high}.").format(
        what=title_of,
        points=count(len(marked), each),
        first=labels[0],
        last=labels[-1],
        centre=figure.text(limits.mean),
        low=figure.number(_possible(limits.lower, figure)),
        high=figure.number(_possible(limits.upper, figure)),
    )
    text = f"{start} {title}.{firm}{f' {share.text}' if share else ''} {capital(direction(better))}."
    center, low, high = limits.mean, limits.lower, limits.upper
    return RunChart(title_of, figure, better, marked, center, low, high, limits.firm, title, text, each, share)


def _possible(limit: float, figure: Figure) -> float:
    # Limits come from the steps between points and know no ends: of a share, only what can be is said.
    return min(max(limit, 0.0), 1.0) if figure.unit == "%" else limit


def _reference(values: Sequence[float | None], most: int | None = None) -> list[float | None]:
    """The first points until twelve are known; all of them if there are fewer, or if no two of these are neighbors."""
    if most is not None:
        first = _reference(values[:most])
        if any(a is not None and b is not None for a, b in pairwise(first)):
            return first
    taken: list[float | None] = []
    for value in values:
        taken.append(value)
        if sum(one is not None for one in taken) == FIRM_LIMITS_FROM:
            break
    neighbors = any(a is not None and b is not None for a, b in pairwise(taken))
    return taken if neighbors else list(values)


def _title(labels: Sequence[str], chart: XmrChart, each: str) -> str:
    """The finding: where the series left its usual range, and to which side."""
    steps = [chart.values[0], *chart.values]
    trend = [XmrRule.TREND in fired for fired in chart.rules]
    parts = []
    sides = (
        (chart.high, _("higher than usual"), _("higher than usual or rising"), 1),
        (chart.low, _("lower than usual"), _("lower than usual or falling"), -1),
    )
    for found, side, moving, sign in sides:
        places = [place for place, fired in enumerate(found) if fired]
        if places:
            moves = any(trend[place] and sign * (steps[place + 1] - steps[place]) > 0 for place in places)
            parts.append(_("{moved} in {when}").format(moved=moving if moves else side, when=_spans(places, labels)))
    if not parts:
        return _("No change beyond the usual ups and downs")
    ordered = "" if each == "period" else " " + _("(courses in the order in which they started)")
    return capital("; ".join(parts)) + ordered


def _spans(places: Sequence[int], labels: Sequence[str]) -> str:
    """Neighbors as one span: `2, 5 to 9`."""
    spans: list[tuple[int, int]] = []
    for place in places:
        if spans and place == spans[-1][1] + 1:
            spans[-1] = (spans[-1][0], place)
        else:
            spans.append((place, place))
    between = _("{low} to {high}")
    return ", ".join(labels[a] if a == b else between.format(low=labels[a], high=labels[b]) for a, b in spans)


def _counted(row: Row) -> float | None:
    """People behind a share; None where there is no share, or its source does not say how many they were."""
    known = any(row[name] is not None for name in ("n_eligible", "n_followed", "effective_n"))
    return people_counted(row) if known and has_figure(row) else None


def _with_breaks(points: Sequence[RunPoint]) -> list[RunPoint]:
    marked, last = [], None
    for point in points:
        jump = last is not None and point.completion is not None and abs(point.completion - last) > BREAK_POINTS + 1e-9
        marked.append(replace(point, break_before=jump))
        last = point.completion if point.completion is not None else last
    return marked


def _period(row: dict[str, object]) -> str:
    return str(row["period"])


def _fill(points: Sequence[RunPoint]) -> list[RunPoint]:
    """Put a gap where a quarter or month is missing, so that time runs evenly along the axis."""
    by_label = {point.period: point for point in points}
    places = [_place(label) for label in by_label]
    if not places or any(place is None for place in places):
        return list(points)
    known = [place for place in places if place is not None]
    kind = known[0][0]
    if any(place[0] != kind for place in known):
        return list(points)
    first, last = min(place[1] for place in known), max(place[1] for place in known)
    labels = (_label(kind, step) for step in range(first, last + 1))
    return [by_label.get(label, RunPoint(label, None)) for label in labels]


def period_of(label: str, day: dt.date) -> str:
    """The label of the period that a day lies in, of the kind that a label is.

    >>> period_of("2026-Q1", dt.date(2026, 5, 4)), period_of("2026-01", dt.date(2026, 5, 4))
    ('2026-Q2', '2026-05')
    """
    place = _place(label)
    if place is not None and place[0] == "Q":
        return _label("Q", day.year * 4 + (day.month - 1) // 3)
    return _label("M", day.year * 12 + day.month - 1)


def _is_before(label: str, day: dt.date) -> bool:
    """Whether a period is over before a day's own period begins; labels of one kind sort by time."""
    return label < period_of(label, day)


def _place(label: str) -> tuple[str, int] | None:
    """A period as steps since year 0: `2026-Q1` in quarters, `2026-01` in months; None for anything else."""
    year, _, rest = label.partition("-")
    if not year.isdigit():
        return None
    if rest[:1] == "Q" and rest[1:].isdigit():
        return "Q", int(year) * 4 + int(rest[1:]) - 1
    return ("M", int(year) * 12 + int(rest) - 1) if rest.isdigit() else None


def _label(kind: str, step: int) -> str:
    return f"{step // 4}-Q{step % 4 + 1}" if kind == "Q" else f"{step // 12}-{step % 12 + 1:02d}"
