"""One question a week for staff, anonymous and optional: seen only as a trend, and only where enough have answered."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from statistics import median_low
from typing import Final

from benchwell.errors import AccessError
from benchwell.i18n import N_, _, day, ngettext, number
from benchwell.pipeline.live.service import LiveService
from benchwell.register import Viewer
from benchwell.register.pulses import answer, answers_before, has_answered, week_of

LEAST = 5  # answers in a week, below which nothing of it is shown
# Our own question; it belongs to no instrument and has no cut-off.
ANSWERS: Final = {
    1: N_("Almost nothing"),
    2: N_("A little"),
    3: N_("About half of it"),
    4: N_("Most of it"),
    5: N_("All of it"),
}


@dataclass(frozen=True)
class PulseForm:
    """The question of this week.

    Attributes:
        question: In words.
        answers: Value and words of each.
        week: Its Monday in words.
        is_answered: Whether this account has answered this week.
    """

    question: str
    answers: tuple[tuple[int, str], ...]
    week: str
    is_answered: bool


@dataclass(frozen=True)
class PulseTrend:
    """Weeks that are over, in order.

    Attributes:
        rows: Week, number of answers, the middle answer in words; or that there were too few.
        title: The finding, or that there is none.
        least: Fewest answers that are shown.
    """

    rows: tuple[tuple[str, str, str], ...]
    title: str
    least: int = LEAST


def pulse_form(service: LiveService, viewer: Viewer, today: dt.date) -> PulseForm:
    """This week's question.

    Raises:
        AccessError: If this workspace does not ask it, or the viewer belongs to no organization.
    """
    user, _organization = _who(service, viewer)
    week = week_of(today)
    with service.register.read() as connection:
        answered = has_answered(connection, user, week)
    question = _("When you went home after work this week: how much of your strength was usually left?")
    return PulseForm(question, tuple((value, _(words)) for value, words in ANSWERS.items()), day(week), answered)


def give_pulse(service: LiveService, viewer: Viewer, today: dt.date, value: str) -> bool:
    """Keep an answer; whether it was the first of this account in this week.

    Raises:
        AccessError: If it is none of the answers, or the question is not asked here.
    """
    user, organization = _who(service, viewer)
    if value not in {str(one) for one in ANSWERS}:
        raise AccessError(_("This is none of the answers."))
    return service.register.write(lambda connection: answer(connection, user, organization, week_of(today), int(value)))


def pulse_trend(service: LiveService, organization_id: str, today: dt.date) -> PulseTrend | None:
    """How it went over the weeks; null where the question is not asked.

    The middle answer is shown, not the share of each: where all gave the same answer, shares would tell everybody's.
    """
    if not service.workspace.settings.pulse:
        return None
    with service.register.read() as connection:
        found = answers_before(connection, organization_id, week_of(today))
    rows = tuple(_week(week, values) for week, values in sorted(found.items()))
    shown = [values for _week_of, values in sorted(found.items()) if len(values) >= LEAST]
    return PulseTrend(rows, _finding(len(shown)))


def _week(week: dt.date, values: tuple[int, ...]) -> tuple[str, str, str]:
    if len(values) < LEAST:
        return day(week), _("fewer than {n}").format(n=LEAST), _("not shown")
    return day(week), number(len(values)), _(ANSWERS[int(median_low(values))])


def _finding(weeks: int) -> str:
    if weeks == 0:
        return _("No week yet with {n} answers or more").format(n=LEAST)
    return ngettext("The middle answer of {n} week", "The middle answers of {n} weeks", weeks).format(n=weeks)


def _who(service: LiveService, viewer: Viewer) -> tuple[str, str]:
    if not service.workspace.settings.pulse:
        raise AccessError(
            _("The weekly question is not asked here."), hint=_("switch it on in the settings: pulse: true")
        )
    if viewer.user_id is None or viewer.organization_id is None:
        raise AccessError(_("The weekly question is for people who work in a clinic."))
    return viewer.user_id, viewer.organization_id
