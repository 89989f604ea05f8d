"""What a course signal says in words: every text of it, in the reader's language (UX, "Voice")."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from benchwell.i18n import N_, _, day, ngettext, number
from benchwell.registry.instrument import Instrument, Scale
from benchwell.signals.response_curve import EarlyRule, ResponseCurve, ReviewRecord
from benchwell.terms import Better, ChangeClass

if TYPE_CHECKING:
    from benchwell.signals.course_signal import Expected

_OFF = {
    "no_curve": N_("The edition has no expected course for this questionnaire, so the range is not shown."),
    "setting": N_("Expected courses are switched off here: they are shown only where they were checked locally."),
    "opted_out": N_("The person chose not to have an expected course shown."),
}

_CHANGE = {
    ChangeClass.RECOVERED: N_("{points} better than at the start: a reliable change ({reliable} or more), and no "
                              "longer in the clinical range."),
    ChangeClass.IMPROVED: N_("{points} better than at the start: a reliable change ({reliable} or more)."),
    ChangeClass.DETERIORATED: N_("{points} worse than at the start: a reliable change ({reliable} or more)."),
}  # fmt: skip

# The same as parts of one sentence: the change since the start, and where the score stands.
_SINCE_START = {
    ChangeClass.RECOVERED: N_(
        "{points} better than at the start, a reliable change, and no longer in the clinical range"
    ),
    ChangeClass.IMPROVED: N_("{points} better than at the start, a reliable change"),
    ChangeClass.DETERIORATED: N_("{points} worse than at the start, a reliable change"),
}
_STANDS = {
    "on_track": N_("{change}; within the expected range."),
    "better": N_("{change}; better than the expected range."),
    "review": N_("{change}; outside the expected range, so worth a review."),
}


def points_text(value: float) -> str:
    """A number of points.

    >>> points_text(6), points_text(1), points_text(2.5)
    ('6 points', '1 point', '2.5 points')
    """
    return ngettext("{n} point", "{n} points", 1 if abs(value) == 1 else 2).format(n=figure(value))


def figure(value: float) -> str:
    """A score without needless decimals.

    >>> figure(14.0), figure(14.26)
    ('14', '14.3')
    """
    return number(value, 0 if value == int(value) else 1)


def direction_text(better: Better) -> str:
    """Which direction is better."""
    return _("Lower is better.") if better is Better.LOWER else _("Higher is better.")


def band_label(instrument: Instrument, scale: Scale, value: float) -> str:
    """Name of the severity band that a score is in; "" where the scale has none."""
    found = ""
    for band in instrument.bands_of(scale):
        if value >= band.min:
            found = band.label
    return _(found) if found else ""


def score_text(instrument: Instrument, scale: Scale, date: dt.date, value: float, band: str) -> str:
    """The newest score: instrument, day, value, band, and the direction."""
    name = _(instrument.title) if scale.primary else f"{_(instrument.title)}, {_(scale.title)}"
    text = _("{name} on {day}: {value} ({band}).") if band else _("{name} on {day}: {value}.")
    said = text.format(name=name, day=day(date), value=figure(value), band=band)
    return f"{said} {direction_text(instrument.better_of(scale))}"


def no_score(instrument: Instrument) -> str:
    """Nothing to tell yet."""
    return _("There is no valid score of {name} yet.").format(name=_(instrument.title))


def change_text(change: float | None, kind: ChangeClass | None, reliable: float | None) -> str:
    """Change since the start in words; points and direction, and whether it is more than error of measurement.

    >>> change_text(7, ChangeClass.IMPROVED, 6)
    '7 points better than at the start: a reliable change (6 points or more).'
    """
    if change is None:
        return _("It is the first valid score of this course.")
    if reliable is None or kind is None:
        return _(
            "{difference} This questionnaire has no declared reliable change, so chance cannot be told apart."
        ).format(difference=_difference(change))
    if kind is ChangeClass.UNCHANGED:
        return _("{difference} That is within error of measurement (less than {reliable}).").format(
            difference=_difference(change), reliable=points_text(reliable)
        )
    return _(_CHANGE[kind]).format(points=points_text(abs(change)), reliable=points_text(reliable))


def finding(change: float | None, kind: ChangeClass | None, state: str, *, is_better: bool) -> str:
    """Change since the start and where the score stands, as one sentence.

    >>> finding(8, ChangeClass.IMPROVED, "on_track", is_better=False)
    '8 points better than at the start, a reliable change; within the expected range.'
    >>> finding(-2, ChangeClass.UNCHANGED, "off", is_better=False)
    '2 points worse than at the start, within error of measurement.'
    """
    if change is None:
        return _("It is the first valid score of this course.")
    since = _since_start(change, kind)
    stands = _STANDS.get("better" if is_better else state)
    return f"{since}." if stands is None else _(stands).format(change=since)


def _since_start(change: float, kind: ChangeClass | None) -> str:
    if change == 0:
        return _("The same as at the start")
    if kind in _SINCE_START:
        return _(_SINCE_START[kind]).format(points=points_text(abs(change)))
    if kind is ChangeClass.UNCHANGED:
        text = (
            _("{points} better than at the start, within error of measurement")
            if change > 0
            else _("{points} worse than at the start, within error of measurement")
        )
    else:
        text = _("{points} better than at the start") if change > 0 else _("{points} worse than at the start")
    return text.format(points=points_text(abs(change)))


def _difference(change: float) -> str:
    if change == 0:
        return _("The same as at the start.")
    text = _("{points} better than at the start.") if change > 0 else _("{points} worse than at the start.")
    return text.format(points=points_text(abs(change)))


def off_reason(off: str) -> str:
    """Why no expected course is shown."""
    return _(_OFF[off])


def too_few(n: int) -> str:
    """Why one score is not enough."""
    if n == 0:
        return _("An expected range needs a first score.")
    return _("An expected range needs a second score on a later day.")


def not_covered(curve: ResponseCurve) -> str:
    """The first score is outside of the population that the curve was fitted to."""
    text = (
        _("The expected course is of people who started at {start} or above, so it does not apply here.")
        if curve.better is Better.LOWER
        else _("The expected course is of people who started at {start} or below, so it does not apply here.")
    )
    return text.format(start=figure(curve.start if curve.start is not None else curve.low))


def no_session() -> str:
    """The curve counts sessions, and the score has none."""
    return _("The expected course counts sessions, and the number of the session is not known for these scores.")


def occasion_text(curve: ResponseCurve, occasion: float) -> str:
    """An occasion in the words of the curve's clock."""
    if curve.clock == "weeks":
        return _("week {n}").format(n=figure(round(occasion)))
    return _("session {n}").format(n=figure(round(occasion)))


def outside_horizon(curve: ResponseCurve, occasion: float) -> str:
    """The score is earlier or later than the curve speaks of."""
    if occasion > curve.horizon:
        return _("The expected course ends at {last}; this score is later.").format(
            last=occasion_text(curve, curve.horizon)
        )
    return _("The score is of the same session as the first one, so there is nothing to compare yet.")


def state_reason(expected: Expected, value: float, beyond: bool, curve: ResponseCurve, occasion: float) -> str:
    """Where the score is against the expected range: the range, its share and n."""
    text = (
        _("Outside the expected range at {when}: {lower} to {upper} holds {share} % of people with a similar start "
          "(n {n}). Worth a review together; some people change later.")
        if beyond
        else _("Within the expected range at {when}: {lower} to {upper} holds {share} % of people with a similar "
               "start (n {n}).")
        if gain_side(value, expected, curve)
        else _("Better than the expected range at {when}: {lower} to {upper} holds {share} % of people with a similar "
               "start (n {n}).")
    )  # fmt: skip
    return text.format(
        when=occasion_text(curve, occasion),
        lower=number(expected.lower, 1),
        upper=number(expected.upper, 1),
        share=round(100 * expected.range_share),
        n=number(expected.n_people),
    )


def source_text(edition: str) -> str:
    """Which edition the expected course is of."""
    return _("The expected course is of edition {edition}.").format(edition=edition)


def review_text(record: ReviewRecord, curve: ResponseCurve) -> str:
    """What followed a score beyond the range at this occasion, in natural frequencies."""
    some = _of_hundred(record.ppv)
    text = (
        _("None of {n} people with such a score at {when} had responded at the end; of 100 people with any score then, "
          "{base} had not.")
        if some == 100
        else _("Of 100 people with such a score at {when}, {some} had not responded at the end and {others} had "
               "(n {n}); of 100 people with any score then, {base} had not.")
    )  # fmt: skip
    said = text.format(
        when=occasion_text(curve, record.occasion),
        some=some,
        others=100 - some,
        n=number(record.n_review),
        base=_of_hundred(record.prevalence),
    )
    return f"{said} {_how_sure(record.ppv_limits)}"


def _of_hundred(share: float) -> int:
    """People of 100; all or none only where it was all or none.

    >>> _of_hundred(0.997), _of_hundred(1.0), _of_hundred(0.444)
    (99, 100, 44)
    """
    return round(100 * share) if share in (0, 1) else min(max(round(100 * share), 1), 99)


def _how_sure(limits: tuple[float, float]) -> str:
    """The interval of a natural frequency: never "100 of 100" alone."""
    low, high = (round(100 * one) for one in limits)
    return _("With so many people, the true number may be {low} to {high} of 100.").format(low=low, high=high)


def gain_side(value: float, expected: Expected, curve: ResponseCurve) -> bool:
    """Whether a score that is not beyond the boundary is also not beyond the other end."""
    return value >= expected.lower if curve.better is Better.LOWER else value <= expected.upper


def early_text(rule: EarlyRule, little: bool, clock: str) -> str:
    """The early-change rule in natural frequencies, with n and the counter-side."""
    when = _("week {n}") if clock == "weeks" else _("session {n}")
    share = _of_hundred(rule.ppv if little else rule.npv)
    text = (
        _("Little change by {when} (less than {share} % of the way). Of 100 people with such a start, {some} had not "
          "responded at the end and {others} had (n {n}); of 100 people with any start, {base} had not.")
        if little
        else _("Change by {when} of {share} % of the way or more. Of 100 people with such a start, {some} had "
               "responded at the end and {others} had not (n {n}); of 100 people with any start, {base} had.")
    )  # fmt: skip
    said = text.format(
        when=when.format(n=figure(rule.by)),
        share=round(100 * rule.share),
        some=share,
        others=100 - share,
        n=number(rule.n_flagged if little else rule.n_people - rule.n_flagged),
        base=_of_hundred(rule.prevalence if little else 1 - rule.prevalence),
    )
    return f"{said} {_how_sure(rule.ppv_limits if little else rule.npv_limits)}"


def newest_invalid(last: dt.date | None) -> str:
    """The newest questionnaire gave no score."""
    if last is None:
        return _("The newest questionnaire has too few answers for a score.")
    return _("The newest questionnaire has no valid score; the figures are of {day}.").format(day=day(last))


def newest_prorated() -> str:
    """The newest score stands in for answers that were left out."""
    return _("Some answers were left out; the score was estimated from the others.")
