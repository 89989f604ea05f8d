"""What a clinic sees of its charts over time: VLAD, both CUSUMs, their limits and signals in words (METHODS M5.4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from benchwell.i18n import N_, _, local_digits
from benchwell.models.cusum import MONITORED_PEOPLE
from benchwell.models.cusum_limits import YEARS
from benchwell.registry.benchmark import Gates
from benchwell.registry.measure import Measure
from benchwell.signals.reading import EditionSource, Row, measure_of, organization_name, organization_row, rows
from benchwell.signals.run_chart import run_chart
from benchwell.signals.usual_spread import people_counted
from benchwell.signals.words import about, capital, count, uncapital, whole
from benchwell.terms import Adjustment, Better, Denominator

WORSE, BETTER = "worse", "better"
_FAVORABLE = {WORSE: N_("less favorable than expected"), BETTER: N_("more favorable than expected")}
LOOK_FIRST = N_(
    "Look first at follow-up, at how scores were entered and at who was referred in the months before; then talk it "
    "over with those who were there."
)
_EXPECTED = {
    Adjustment.UNADJUSTED: N_("the rate of all organizations together, with nothing adjusted for"),
    Adjustment.CLINICAL: N_("what the clinical case mix expects of these very people"),
}


@dataclass(frozen=True)
class MonitoringMonth:
    """One month of maturity: people whose outcome was due in it.

    Attributes:
        month: Such as 2026-01.
        n: People; 0 in a month without anybody due, which changes nothing.
        adverse: Of them, those with the unfavorable outcome.
        expected: How many were expected.
        vlad: Expected less observed, added up since the beginning: falling is less favorable.
        worse: Highest evidence within the month that the odds have doubled.
        better: The same that they have halved.
        signal: "worse", "better", or "" where no limit was crossed.
        vlad_unadjusted: VLAD against the rate of all together; None where `vlad` is that one.
    """

    month: str
    n: int
    adverse: int
    expected: float
    vlad: float
    worse: float
    better: float
    signal: str = ""
    vlad_unadjusted: float | None = None


@dataclass(frozen=True)
class MonitoringSignal:
    """A limit that was crossed: month, side and words."""

    month: str
    side: str
    text: str


@dataclass(frozen=True)
class MonitoringView:
    """Charts over time, ready to draw.

    Attributes:
        measure: The measure.
        organization_id: Whose.
        name: What it is called.
        edition: Id of the edition.
        status: "ok", or "insufficient" when nothing is drawn.
        reason: Why nothing is drawn, in words; "" otherwise.
        n_needed: Further people after whom the charts are drawn in any case; None where that is not what is missing.
        adjustment: How expectations were made.
        months: Every month from the first to the last.
        limit_worse: Where the evidence of doubled odds signals.
        limit_better: Where that of halved odds does.
        arl_worse: People until a false alarm, on average, at the limit.
        arl_better: The same.
        years: Years that this takes at the organization's own volume.
        signals: Crossings in order of time.
        breaks: Periods at whose beginning follow-up had changed much.
        title: The finding in one sentence, or that there is none.
        limits_text: What the limits mean, in plain words.
        note: What to keep in mind beside the picture.
        text: Alternative text.
    """

    measure: Measure
    organization_id: str
    name: str
    edition: str
    status: str
    reason: str
    n_needed: int | None
    adjustment: Adjustment
    months: tuple[MonitoringMonth, ...]
    limit_worse: float | None
    limit_better: float | None
    arl_worse: float | None
    arl_better: float | None
    years: float
    signals: tuple[MonitoringSignal, ...]
    breaks: tuple[str, ...]
    title: str
    limits_text: str
    note: str
    text: str

    @property
    def ok(self) -> bool:
        """Whether there is something to draw."""
        return self.status == "ok"

    def to_dict(self) -> dict[str, Any]:
        """Plain data, for `--json`."""
        plain = {name: value for name, value in vars(self).items() if name not in ("measure", "months", "signals")}
        return plain | {
            "measure": self.measure.id,
            "better": self.measure.better.value,
            "adjustment": self.adjustment.value,
            "breaks": list(self.breaks),
            "months": [asdict(month) for month in self.months],
            "signals": [asdict(signal) for signal in self.signals],
        }


def monitoring_view(
    edition: EditionSource,
    organization_id: str,
    measure: str | Measure,
    *,
    adjustment: Adjustment | str | None = None,
    name: str | None = None,
) -> MonitoringView | None:
    """The charts over time of one organization.

    Args:
        edition: The edition.
        organization_id: Whose charts.
        measure: A measure, or its id.
        adjustment: How expectations are made; None takes the clinical case mix where the edition has it.
        name: What to call the organization; None uses its name in the edition, or its id.

    Returns:
        The view, with status "insufficient" and the people still needed below the least number; None for measures
        that are not yes/no, for official aggregates, and where the edition monitors nobody for this measure.

    Raises:
        EditionError: If the edition holds no result of the organization.

    Source:
        METHODS M5.4; C8 (refuse and say how many are missing), C9 (unadjusted beside adjusted).
    """
    declared = measure_of(edition, measure)
    if declared.summary != "proportion" or declared.is_published:
        return None
    called = name or organization_name(edition, organization_id)
    mine = rows(edition, "monitoring_months", measure=declared.id, organization_id=organization_id)
    views = {row["adjustment"] for row in mine}
    preferred = Adjustment.CLINICAL if Adjustment.CLINICAL in views else Adjustment.UNADJUSTED
    view = Adjustment(adjustment) if adjustment is not None else preferred
    if view not in views:
        return _refusal(edition, organization_id, declared, view, called)
    found = sorted((row for row in mine if row["adjustment"] == view), key=_month)
    plain = {row["month"]: row["vlad"] for row in mine if row["adjustment"] == Adjustment.UNADJUSTED}
    months = _filled(found, {} if view is Adjustment.UNADJUSTED else plain)
    signals = tuple(_signal(one, declared) for one in months if one.signal)
    breaks = tuple(one.period for one in run_chart(edition, organization_id, declared).points if one.break_before)
    title = _title(signals)
    limits_text = _limits_text(found[0])
    note = _note(declared, breaks, signals)
    return MonitoringView(
        measure=declared,
        organization_id=organization_id,
        name=called,
        edition=edition.id,
        status="ok",
        reason="",
        n_needed=None,
        adjustment=view,
        months=months,
        limit_worse=found[0]["limit_worse"],
        limit_better=found[0]["limit_better"],
        arl_worse=found[0]["arl_worse"],
        arl_better=found[0]["arl_better"],
        years=YEARS,
        signals=signals,
        breaks=breaks,
        title=title,
        limits_text=limits_text,
        note=note,
        text=_text(declared, view, months, title, limits_text),
    )


def _refusal(
    edition: EditionSource, organization_id: str, measure: Measure, view: Adjustment, name: str
) -> MonitoringView | None:
    """Why there is nothing to draw, and how many people are missing."""
    if not rows(edition, "monitoring_months", measure=measure.id, adjustment=view.value):
        return None  # nobody is monitored like this: nothing that this organization could change
    row = organization_row(edition, organization_id, measure.id)
    least = next(
        (one.gates for _, one in sorted(edition.declarations.benchmarks.items()) if one.measure == measure.id), Gates()
    ).organization_n
    people = int(people_counted(row)) if row["n_eligible"] is not None else 0
    needed = max(MONITORED_PEOPLE, least) - people
    reason = _("The charts need {least} over at least a year, or {n} in less; there are {people} so far.").format(
        least=count(least, "person", "people"), n=MONITORED_PEOPLE, people=people
    )
    if needed > 0:
        more = _("{people} enough in any case.").format(people=count(needed, "more person is", "more people are"))
        reason += f" {more}"
    title = _("Too few people yet for a chart over time")
    return MonitoringView(
        measure=measure,
        organization_id=organization_id,
        name=name,
        edition=edition.id,
        status="insufficient",
        reason=reason,
        n_needed=needed if needed > 0 else None,
        adjustment=view,
        months=(),
        limit_worse=None,
        limit_better=None,
        arl_worse=None,
        arl_better=None,
        years=YEARS,
        signals=(),
        breaks=(),
        title=title,
        limits_text="",
        note="",
        text=_("{title} over time: {finding}. {reason}").format(
            title=_(measure.title), finding=uncapital(title), reason=reason
        ),
    )


def _filled(found: Sequence[Row], unadjusted: dict[str, float]) -> tuple[MonitoringMonth, ...]:
    """Every month from the first to the last: where nobody was due, sums stay where they were."""
    by_month = {row["month"]: row for row in found}
    months: list[MonitoringMonth] = []
    for label in _labels(found[0]["month"], found[-1]["month"]):
        row = by_month.get(label)
        if row is None:
            last = months[-1]
            ends = by_month[next(one.month for one in reversed(months) if one.n)]
            still = (last.vlad, ends["cusum_worse"], ends["cusum_better"], "", last.vlad_unadjusted)
            months.append(MonitoringMonth(label, 0, 0, 0.0, *still))
            continue
        months.append(
            MonitoringMonth(
                month=label,
                n=row["n"],
                adverse=row["adverse"],
                expected=row["expected"],
                vlad=row["vlad"],
                worse=row["cusum_worse_peak"],
                better=row["cusum_better_peak"],
                signal=row["signal"] or "",
                vlad_unadjusted=unadjusted.get(label, months[-1].vlad_unadjusted if months else None),
            )
        )
    return tuple(months)


def _month(row: Row) -> str:
    return str(row["month"])


def _labels(first: str, last: str) -> list[str]:
    start, end = (int(one[:4]) * 12 + int(one[5:]) - 1 for one in (first, last))
    return [f"{step // 12:04d}-{step % 12 + 1:02d}" for step in range(start, end + 1)]


def counted_as(measure: Measure) -> str:
    """The unfavorable outcome in words."""
    return _("with this outcome") if measure.better is Better.LOWER else _("without this outcome")


def _signal(month: MonitoringMonth, measure: Measure) -> MonitoringSignal:
    said = (
        _("{month}: {side}. More people {outcome} than expected had added up; the chart then starts again.")
        if month.signal == WORSE
        else _("{month}: {side}. Fewer people {outcome} than expected had added up; the chart then starts again.")
    )
    text = said.format(month=month.month, side=_(_FAVORABLE[month.signal]), outcome=counted_as(measure))
    return MonitoringSignal(month.month, month.signal, text)


def _title(signals: Sequence[MonitoringSignal]) -> str:
    """The finding: on which side limits were crossed, and when."""
    parts = []
    for side in (WORSE, BETTER):
        months = [one.month for one in signals if one.side == side]
        if months:
            rest = _(" and {n} more").format(n=len(months) - 4) if len(months) > 4 else ""
            parts.append(_("{side} in {months}").format(side=_(_FAVORABLE[side]), months=", ".join(months[:4]) + rest))
    return capital("; ".join(parts)) if parts else _("Outcomes as expected: no limit was crossed")


def _limits_text(row: Row) -> str:
    people = [about(round(row[f"arl_{side}"])) for side in (WORSE, BETTER)]
    numbers = whole(people[0])
    if people[0] != people[1]:
        numbers = _("{worse} (less favorable) or {better} (more)").format(worse=numbers, better=whole(people[1]))
    return _(
        "The limits look for odds that have doubled or halved. If outcomes were just as expected, a false alarm would "
        "come once in about {people} people on each side, which is about {years} years here."
    ).format(people=numbers, years=f"{YEARS:.0f}")


def _note(measure: Measure, breaks: Sequence[str], signals: Sequence[MonitoringSignal]) -> str:
    parts = []
    if measure.primary_denominator is Denominator.ALL_ELIGIBLE:
        parts.append(
            _("People without a follow-up score count as not having met it, so follow-up alone can move this.")
        )
    if breaks:
        moved = _("Follow-up changed for people who started in {periods}: the chart can move from that alone.")
        parts.append(moved.format(periods=", ".join(breaks)))
    if signals:
        parts.append(_(LOOK_FIRST))
    return " ".join(parts)


def _text(measure: Measure, view: Adjustment, months: Sequence[MonitoringMonth], title: str, limits_text: str) -> str:
    n, adverse = sum(one.n for one in months), sum(one.adverse for one in months)
    expected = sum(one.expected for one in months)
    text = _(
        "{title} in the order in which outcomes were due, {first} to {last}: of {people}, {n} were {outcome}; "
        "{expected} were expected by {by}."
    ).format(
        title=_(measure.title),
        first=months[0].month,
        last=months[-1].month,
        people=count(n, "person", "people"),
        n=whole(adverse),
        outcome=counted_as(measure),
        expected=local_digits(f"{expected:,.1f}"),
        by=_(_EXPECTED[view]),
    )
    return f"{text} {title}. {limits_text}"
