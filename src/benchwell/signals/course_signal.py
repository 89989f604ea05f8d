"""One person's course after a new score: band, change, expected range, and what one can do (METHODS M6.1, M6.3).

    points -> course_signal -> band, change since the start, expected range now, state, next steps, one sentence

Decision support: the therapist and the person decide. "review" says that a score is outside of what most people with
a similar start had at that time; many of them respond later, and how many is said beside it. Without a curve the band
and the change are still told. Pure: it reads no store, and is fast enough to run while a score is acknowledged.

What it says in words is put together when it is read, in the language spoken then: whoever enters a score and whoever
has the page open need not speak the same one.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Literal, cast

from benchwell.models.early_change import share_of_gain
from benchwell.registry.instrument import Instrument, Scale
from benchwell.signals import course_words as words
from benchwell.signals.next_steps import Step, step_texts, steps_for
from benchwell.signals.person_change import change_of, gain, reliable_points_of
from benchwell.signals.response_curve import EarlyRule, ResponseCurve, ReviewRecord
from benchwell.terms import Better, ChangeClass, ScoreStatus

# Scores of half an occasion before and after count as of it, as in the build.
_NEAR = 0.5
State = Literal["on_track", "review", "not_enough", "off"]
Off = Literal["no_curve", "setting", "opted_out"]
Said = Callable[[], str]


@dataclass(frozen=True)
class Point:
    """One score of a course, in the order in which it arrived.

    Attributes:
        date: Day of the questionnaire.
        occasion: Number of the attended contact at or before that day; None where not known.
        value: Score, points; None where the questionnaire gave none.
        status: `complete`, `prorated`, `total_only` or `invalid`.
    """

    date: dt.date
    occasion: float | None
    value: float | None
    status: str = ScoreStatus.COMPLETE.value

    @property
    def is_valid(self) -> bool:
        """Whether it counts."""
        return self.value is not None and self.status != ScoreStatus.INVALID


@dataclass(frozen=True)
class Expected:
    """Where the newest score is expected, of people with a similar start.

    Attributes:
        mean: Points.
        lower: Lower end of the central range (80 % with a boundary of .90), points.
        upper: Upper end.
        boundary: The end towards worse: a score beyond it is for review.
        range_share: Share of people within the range, such as .80.
        n_people: People whom the curve was fitted to.
        edition: Id of the edition that holds the curve.
    """

    mean: float
    lower: float
    upper: float
    boundary: float
    range_share: float
    n_people: int
    edition: str


@dataclass(frozen=True)
class Early:
    """What the early-change rule says.

    Attributes:
        little_change: Whether the change by then was below the rule's share.
        gain_share: Share of the way to the healthy end that was gone by then.
        rule: The rule and how often it held, as counted in the edition.
        clock: What the rule counts: `weeks` or `sessions`.
    """

    little_change: bool
    gain_share: float
    rule: EarlyRule
    clock: str

    @property
    def text(self) -> str:
        """The same in natural frequencies."""
        return words.early_text(self.rule, self.little_change, self.clock)


@dataclass(frozen=True)
class CourseSignal:
    """What a new score says.

    Attributes:
        instrument: Id of the instrument.
        scale: Id of the scale.
        better: Which direction is better.
        latest: Newest valid score; None without one.
        baseline: First valid score; the same as `latest` where there is only one.
        change: Points gained since the start, positive is improvement; None with fewer than two valid scores.
        change_class: Recovered, improved, unchanged or deteriorated; None where it cannot be told.
        reliable_points: Smallest change that is more than error of measurement; None where none is declared.
        expected: Where the newest score is expected; None where no curve speaks of it.
        state: `on_track`, `review`, `not_enough` or `off`.
        early: The early-change rule; None where it does not apply (yet).
        steps: Things that one can do.
        n_scores: Valid scores.
        declared: The instrument.
    """

    instrument: str
    scale: str
    better: Better
    latest: Point | None
    baseline: Point | None
    change: float | None
    change_class: ChangeClass | None
    reliable_points: float | None
    expected: Expected | None
    state: State
    early: Early | None
    steps: tuple[Step, ...]
    n_scores: int
    declared: Instrument = field(repr=False, compare=False)
    _reason: Said = field(repr=False, compare=False)
    _followed: Said = field(repr=False, compare=False)
    _notes: tuple[Said, ...] = field(repr=False, compare=False)

    @property
    def band(self) -> str:
        """Name of the newest score's severity band; "" where the scale has none."""
        scale = self.declared.scale(self.scale)
        return "" if self.latest is None else words.band_label(self.declared, scale, _value(self.latest))

    @property
    def score(self) -> str:
        """The newest score with its day, band and direction."""
        if self.latest is None:
            return words.no_score(self.declared)
        scale = self.declared.scale(self.scale)
        return words.score_text(self.declared, scale, self.latest.date, _value(self.latest), self.band)

    @property
    def change_text(self) -> str:
        """Change since the start, with the reliable change."""
        return words.change_text(self.change, self.change_class, self.reliable_points)

    @property
    def reason(self) -> str:
        """Why it is in this state; the edition it is told from stands in `sentence`, and in `expected`."""
        return self._reason()

    @property
    def followed(self) -> str:
        """What followed such a score in others, beside a review; "" where it was not counted."""
        return self._followed()

    @property
    def finding(self) -> str:
        """Change since the start and where the score stands, as one sentence."""
        return words.finding(self.change, self.change_class, self.state, is_better=self.is_better_than_expected)

    @property
    def is_better_than_expected(self) -> bool:
        """Whether the newest score is beyond the expected range, on its better side."""
        if self.expected is None or self.latest is None:
            return False
        other_end = self.expected.lower if self.better is Better.LOWER else self.expected.upper
        return gain(other_end, _value(self.latest), self.better) > 0

    @property
    def next_steps(self) -> tuple[str, ...]:
        """Things that one can do."""
        return step_texts(self.steps)

    @property
    def notes(self) -> tuple[str, ...]:
        """What to know of the newest questionnaire, such as answers that were left out."""
        return tuple(said() for said in self._notes)

    @property
    def sentence(self) -> str:
        """All of it in a few plain sentences, with the edition it is told from."""
        if self.latest is None:
            return self.score
        source = "" if self.expected is None else words.source_text(self.expected.edition)
        return " ".join(text for text in (self.score, self.change_text, self.reason, self.followed, source) if text)


def course_signal(
    points: Sequence[Point],
    instrument: Instrument,
    *,
    scale: str | None = None,
    curve: ResponseCurve | None = None,
    off: Off = "no_curve",
) -> CourseSignal:
    """What the newest score of a course says.

    Args:
        points: Scores of one course in the order in which they arrived; of several on one day the last one counts.
            The first valid one is the baseline.
        instrument: Whose scores they are.
        scale: Which scale; None is the primary one.
        curve: The edition's curve (`response_curve`); None where there is none or it may not be used. One of another
            scale is not used.
        off: Why there is no curve: the edition has none, the workspace did not switch expected courses on
            (`expected_course`), or the person opted out.

    Raises:
        KeyError: If the instrument has no such scale.

    >>> from benchwell.registry import Registry
    >>> day = dt.date(2026, 1, 5)
    >>> scores = [Point(day, 1, 18), Point(day + dt.timedelta(28), 4, 9)]
    >>> signal = course_signal(scores, Registry.load().instrument("phq-9"))
    >>> signal.band, signal.change, signal.change_class.value, signal.state
    ('mild', 9, 'recovered', 'off')
    """
    one = instrument.scale(scale)
    if curve is not None and (curve.instrument, curve.scale) != (instrument.id, one.id):
        curve, off = None, "no_curve"  # another scale's curve says nothing of this one
    valid = _one_a_day(points)
    latest, baseline = (valid[-1], valid[0]) if valid else (None, None)
    change, change_class = _change(baseline, latest, instrument, one)
    state, reason, expected, followed = _state(valid, curve, off)
    early = _early(valid, curve)
    return CourseSignal(
        instrument=instrument.id,
        scale=one.id,
        better=instrument.better_of(one),
        latest=latest,
        baseline=baseline,
        change=change,
        change_class=change_class,
        reliable_points=reliable_points_of(instrument, one),
        expected=expected,
        state=state,
        early=early,
        steps=steps_for(
            state=state,
            change=change_class,
            n_scores=len(valid),
            little_early_change=early is not None and early.little_change,
            newest_is_invalid=bool(points) and not _newest(points).is_valid,
        ),
        n_scores=len(valid),
        declared=instrument,
        _reason=reason,
        _followed=followed,
        _notes=_notes(points, latest),
    )


def _one_a_day(points: Sequence[Point]) -> list[Point]:
    """Valid scores by day; the last of a day stands for it, since a correction comes after what it corrects."""
    days = {point.date: point for point in points if point.is_valid}
    return [days[day] for day in sorted(days)]


def _newest(points: Sequence[Point]) -> Point:
    # The later of two on one day: max() alone would take the first.
    return max(reversed(points), key=lambda point: point.date)


def _value(point: Point) -> float:
    return cast("float", point.value)  # only valid points come here


def _change(
    baseline: Point | None, latest: Point | None, instrument: Instrument, scale: Scale
) -> tuple[float | None, ChangeClass | None]:
    if baseline is None or latest is None or baseline is latest:
        return None, None
    start, now = _value(baseline), _value(latest)
    return gain(start, now, instrument.better_of(scale)), change_of(start, now, instrument, scale)


def occasion_of(point: Point, baseline: Point, curve: ResponseCurve) -> float | None:
    """Where a score stands on the curve's clock: weeks since the first score, or the number of the session."""
    if curve.clock == "weeks":
        return (point.date - baseline.date).days / 7
    return None if point.occasion is None else max(point.occasion, 1.0)


def _state(valid: list[Point], curve: ResponseCurve | None, off: Off) -> tuple[State, Said, Expected | None, Said]:
    if curve is None:
        return "off", partial(words.off_reason, off), None, str
    if len(valid) < 2:
        return "not_enough", partial(words.too_few, len(valid)), None, str
    baseline, latest = valid[0], valid[-1]
    if not curve.covers(_value(baseline)):
        return "not_enough", partial(words.not_covered, curve), None, str
    occasion, first = occasion_of(latest, baseline, curve), occasion_of(baseline, baseline, curve)
    if occasion is None or first is None:
        return "not_enough", words.no_session, None, str
    if occasion > curve.horizon or occasion <= first:
        return "not_enough", partial(words.outside_horizon, curve, occasion), None, str
    predicted = curve.predicted(occasion, _value(baseline), first)
    lower, upper, boundary = curve.limits(predicted)
    mean = min(max(predicted.mean, curve.low), curve.high)
    expected = Expected(mean, lower, upper, boundary, 2 * curve.boundary - 1, curve.n_people, curve.edition)
    beyond = gain(boundary, _value(latest), curve.better) < 0
    reason = partial(words.state_reason, expected, _value(latest), beyond, curve, occasion)
    record = _record(curve, occasion) if beyond else None
    followed = str if record is None else partial(words.review_text, record, curve)  # `str()` says nothing
    return "review" if beyond else "on_track", reason, expected, followed


def _record(curve: ResponseCurve, occasion: float) -> ReviewRecord | None:
    """How often a review at this occasion was followed by no response, if that could be counted."""
    return next((one for one in curve.reviews if abs(one.occasion - occasion) <= _NEAR), None)


def _early(valid: list[Point], curve: ResponseCurve | None) -> Early | None:
    rule = None if curve is None else curve.early
    if curve is None or rule is None or len(valid) < 2 or not curve.covers(_value(valid[0])):
        return None
    placed = [(occasion_of(point, valid[0], curve), point) for point in valid[1:]]
    near = [(abs(at - rule.by), point) for at, point in placed if at is not None and abs(at - rule.by) <= rule.within]
    if not near:
        return None
    closest = min(reversed(near), key=lambda pair: pair[0])[1]  # of two as near, the later one
    share = share_of_gain(_value(valid[0]), _value(closest), curve.healthy_end)
    if share is None:
        return None
    return Early(share < rule.share, share, rule, curve.clock)


def _notes(points: Sequence[Point], latest: Point | None) -> tuple[Said, ...]:
    if not points:
        return ()
    newest = _newest(points)
    if not newest.is_valid:
        return (partial(words.newest_invalid, None if latest is None else latest.date),)
    return (words.newest_prorated,) if newest.status == ScoreStatus.PRORATED else ()
