"""What a person sees of the own record: the own line in plain words, who sees it, and what it may be used for."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from benchwell.consent.one_person import allowed
from benchwell.errors import AccessError
from benchwell.i18n import _, current, day, ngettext, number
from benchwell.pipeline.live.my_words import decision_words, deletion_state, purpose_words, readers_said, shared_said
from benchwell.pipeline.live.service import LiveService
from benchwell.pipeline.live.shared_editions import shared_editions
from benchwell.register.my_data import OwnAnswers, OwnDecision, OwnRecord, record_of
from benchwell.registry.consent_text import ConsentText, ConsentTexts, Words
from benchwell.registry.instrument import Instrument
from benchwell.reports.canvas import Chart
from benchwell.reports.chart_own_line import OwnPoint, OwnRange, own_line_picture
from benchwell.settings import ConsentRule, Settings
from benchwell.signals.course_signal import CourseSignal, Off, Point, course_signal
from benchwell.signals.response_curve import ResponseCurve, response_curve
from benchwell.terms import Better, Purpose, ScoreStatus

EXPECTED = "expected"  # the name of the choice whether an expected course is computed and shown


@dataclass(frozen=True)
class MyLine:
    """One questionnaire over time.

    Attributes:
        id: Unique on the page.
        name: Of the questionnaire.
        meaning: What the number is, and which direction is better.
        latest: The newest score in words.
        change: How it changed, against what scores do by themselves.
        expected: What was expected, in words; "" where nothing is or may be expected.
        chart: Picture, words and table.
    """

    id: str
    name: str
    meaning: str
    latest: str
    change: str
    expected: str
    chart: Chart


@dataclass(frozen=True)
class MyPurpose:
    """One purpose, as it stands for this person.

    Attributes:
        purpose: Which.
        words: Title, question, what a yes does, what a no does; in the reader's language.
        version: Of the text that is asked about now.
        state: granted | refused | not_asked | asked_again (decided on an earlier text).
        said: What was decided when, in words; what silence means here if nothing was.
        usable: Whether data count for it today.
        text: Which text it is, and of which day, in words.
        is_draft: Whether the text has not been reviewed yet.
    """

    purpose: Purpose
    words: Words
    version: str
    state: str
    said: str
    usable: bool
    text: str
    is_draft: bool


@dataclass(frozen=True)
class MyData:
    """The page.

    Attributes:
        lines: Questionnaires over time, the one answered last first.
        purposes: In the order of `terms.Purpose`.
        seen_by: Who can see what, in words.
        shared: Editions since the first score, the newest first: day, purpose, whether the scores were allowed.
        expected_offered: Whether the workspace computes expected courses at all.
        expected_wanted: Whether this person wants them.
        deletions: Requests to delete: number, day and where it stands, in words.
        deletion_waiting: Number of the one that nobody has answered yet; "" if there is none.
        decisions: Receipts of the own decisions, the newest first: number, day, purpose, decision.
        readers: Who has opened the record: day, who, and what was done; the newest first.
    """

    lines: tuple[MyLine, ...]
    purposes: tuple[MyPurpose, ...]
    seen_by: tuple[str, ...]
    shared: tuple[tuple[str, str, str], ...]
    expected_offered: bool
    expected_wanted: bool
    deletions: tuple[tuple[str, str, str], ...]
    deletion_waiting: str
    decisions: tuple[tuple[str, str, str, str], ...]
    readers: tuple[tuple[str, str, str], ...]


def my_record(service: LiveService, person_id: str) -> OwnRecord:
    """All that the register holds about a person.

    Raises:
        AccessError: If there is no such record any more.
    """
    with service.register.read() as connection:
        record = record_of(connection, person_id)
    if record is None:
        raise AccessError(_("This record is not here any more."))
    return record


def my_data(service: LiveService, person_id: str, today: dt.date) -> MyData:
    """What a person sees of the own record, in the language being spoken.

    Args:
        service: The live service.
        person_id: Whose record; nothing of anybody else is read.
        today: The day on which it is asked.
    """
    record = my_record(service, person_id)
    settings = service.workspace.settings
    wanted = wants_expected(record)
    editions = shared_editions(service.workspace, standing(record.decisions), _first_day(record))
    return MyData(
        lines=my_lines(service, record),
        purposes=my_purposes(service, record.decisions, today),
        seen_by=_seen_by(record, settings),
        shared=tuple((date, what, counted) for date, what, counted, _edition in shared_said(editions)),
        expected_offered=settings.expected_course,
        expected_wanted=wanted,
        deletions=tuple((one.id, day(_date(one.asked_at)), deletion_state(one)) for one in record.deletions),
        deletion_waiting=next((one.id for one in record.deletions if one.state == "asked"), ""),
        decisions=tuple(
            (one.id, day(one.date), purpose_words(Purpose(one.purpose)), decision_words(one.decision))
            for one in reversed(record.decisions)
        ),
        readers=readers_said(service, person_id),
    )


def wants_expected(record: OwnRecord) -> bool:
    """Whether this person wants to see, and to have computed, what is expected; yes until switched off (METHODS M6)."""
    return record.choices.get(EXPECTED, True)


def consent_texts(service: LiveService) -> ConsentTexts:
    """The texts in force in this workspace."""
    return ConsentTexts.load(service.workspace.path / "declarations")


def my_purposes(service: LiveService, decisions: Sequence[OwnDecision], today: dt.date) -> tuple[MyPurpose, ...]:
    """Each purpose with its text, the decision that holds, and what silence means."""
    texts, settings = consent_texts(service), service.workspace.settings
    return tuple(_purpose(texts.in_force(one), decisions, settings, today) for one in Purpose)


def standing(decisions: Sequence[OwnDecision]) -> tuple[OwnDecision, ...]:
    """The last decision of each day on each purpose, as it goes to the lake: a slip is mended on the day it is made.

    Args:
        decisions: In the order in which they were made.
    """
    return tuple({(one.purpose, one.date): one for one in decisions}.values())


def _purpose(text: ConsentText, decisions: Sequence[OwnDecision], settings: Settings, today: dt.date) -> MyPurpose:
    mine = [one for one in standing(decisions) if one.purpose == text.purpose.value]
    rule = settings.silence(text.purpose)
    usable = text.purpose is Purpose.CARE or allowed(mine, text.purpose, today, rule.value).usable
    last = max(mine, key=lambda one: one.date, default=None)
    if last is None:
        state, said = "not_asked", _silence_words(text.purpose, rule)
    else:
        answer = _("You said yes on {day}.") if last.decision == "granted" else _("You said no on {day}.")
        said = answer.format(day=day(last.date))
        state = "granted" if last.decision == "granted" else "refused"
        if last.decided_by == "person" and last.text_version != text.version:
            state = "asked_again"
            said += " " + _("That was about an earlier text. Please read the new one and decide again if you like.")
    words = text.said(current())
    return MyPurpose(
        text.purpose,
        words,
        text.version,
        state,
        said,
        usable=usable,
        text=text_words(text),
        is_draft=text.status == "draft",
    )


def text_words(text: ConsentText) -> str:
    """Which text of consent it is, as somebody can name it in a talk: its number and day."""
    written = max((one.date for one in text.changes), default=None)
    since = _("Text {number}, of {day}.") if written else _("Text {number}.")
    return since.format(number=text.number, day=day(dt.date.fromisoformat(written)) if written else "")


def _silence_words(purpose: Purpose, rule: ConsentRule) -> str:
    if purpose is Purpose.CARE:
        return _("The people who treat you use your answers to treat you.")
    if rule is ConsentRule.OPT_OUT:
        return _("You have not decided. Here that means: your scores are counted until you say no.")
    return _("You have not decided. Here that means: your scores are not used until you say yes.")


def my_lines(service: LiveService, record: OwnRecord) -> tuple[MyLine, ...]:
    """Each questionnaire of each course over time, the one answered last first."""
    by_place = sorted(record.answers, key=lambda one: (one.instrument, one.course_id or ""))
    found: list[tuple[dt.date, MyLine]] = []
    for (name, course), group in groupby(by_place, key=lambda one: (one.instrument, one.course_id)):
        instrument = service.workspace.registry.instruments.get(name)
        answers = list(group)
        if instrument is not None:
            place = f"line-{len(found) + 1}"
            line = _line(service, record, instrument, answers, place)
            found.append((answers[-1].date, line))
        del course
    return tuple(line for _last, line in sorted(found, key=lambda pair: (pair[0], pair[1].id), reverse=True))


def _line(
    service: LiveService, record: OwnRecord, instrument: Instrument, answers: Sequence[OwnAnswers], place: str
) -> MyLine:
    scale = instrument.primary
    points = [
        Point(one.date, None, score.value, score.status)
        for one in answers
        for score in one.scores
        if score.scale == scale.id
    ]
    offered, wanted = service.workspace.settings.expected_course, wants_expected(record)
    curve = _curve(service, instrument) if offered and wanted else None
    off: Off = "no_curve" if offered and wanted else "opted_out" if offered else "setting"
    signal = course_signal(points, instrument, curve=curve, off=off)
    shown = [OwnPoint(point.date, float(point.value)) for point in points if point.is_valid and point.value is not None]
    expected = None if signal.expected is None else OwnRange(signal.expected.lower, signal.expected.upper)
    better = instrument.better_of(scale)
    chart = own_line_picture(
        shown,
        place,
        title=_change_words(signal, better),
        name=_(instrument.title),
        low=scale.min,
        high=scale.max,
        up=_("Score: lower is better") if better is Better.LOWER else _("Score: higher is better"),
        expected=expected,
    )
    return MyLine(
        id=place,
        name=_(instrument.title),
        meaning=_meaning(instrument),
        latest=_latest_words(signal, len(points) - len(shown)),
        change=chart.title,
        expected=_expected_words(signal),
        chart=chart,
    )


def _curve(service: LiveService, instrument: Instrument) -> ResponseCurve | None:
    edition = service.edition()
    return None if edition is None else response_curve(edition, instrument, instrument.primary.id)


def _meaning(instrument: Instrument) -> str:
    scale = instrument.primary
    where = _("The number can be between {low} and {high}.").format(low=_plain(scale.min), high=_plain(scale.max))
    if instrument.better_of(scale) is Better.LOWER:
        return where + " " + _("A lower number is better: it means fewer problems.")
    return where + " " + _("A higher number is better: it means that things go more easily.")


def _latest_words(signal: CourseSignal, without: int) -> str:
    if signal.latest is None or signal.latest.value is None:
        return _("There is no score yet.")
    words = _("Your last score was {value}, on {day}.").format(
        value=_plain(signal.latest.value), day=day(signal.latest.date)
    )
    if signal.band:
        words += " " + _("This range is called “{band}”.").format(band=signal.band)
    if signal.latest.status == ScoreStatus.PRORATED.value:
        words += " " + _("A few answers were left out, so it is an estimate.")
    if without:
        words += " " + ngettext(
            "One questionnaire has too few answers for a score and is not shown.",
            "{n} questionnaires have too few answers for a score and are not shown.",
            without,
        ).format(n=without)
    return words


def _change_words(signal: CourseSignal, better: Better) -> str:
    """How it changed, against what scores do by themselves; neither praise nor blame."""
    if signal.change is None or signal.baseline is None:
        return _("One score alone cannot show a change.") if signal.latest else _("No score yet.")
    points, since = _plain(abs(signal.change)), day(signal.baseline.date)
    if signal.change == 0:
        return _("Your score is the same as on {day}.").format(day=since)
    words = _moved_words(better, improved=signal.change > 0).format(points=points, day=since)
    usual = signal.reliable_points
    if usual is None:
        return words + " " + _("How much of that is by chance is not known for this questionnaire.")
    if abs(signal.change) < usual:
        small = _("A change of less than {usual} can come by chance, so this may be no real change.")
        return words + " " + small.format(usual=_plain(usual))
    large = _("That is more than chance alone usually brings ({usual} or more).").format(usual=_plain(usual))
    talk = "" if signal.change > 0 else " " + _("It is a good idea to talk about it with the people who treat you.")
    return f"{words} {large}{talk}"


def _moved_words(better: Better, *, improved: bool) -> str:
    """Which way a score went, and what that means; up or down is said before the meaning."""
    if better is Better.LOWER:
        down = _("Your score is {points} lower than on {day}, which is better.")
        return down if improved else _("Your score is {points} higher than on {day}, which means more problems.")
    up = _("Your score is {points} higher than on {day}, which is better.")
    return up if improved else _("Your score is {points} lower than on {day}, which means that things go less easily.")


def _expected_words(signal: CourseSignal) -> str:
    found = signal.expected
    if found is None:
        return ""
    words = _(
        "People who began with a similar score mostly had between {lower} and {upper} by then (of {n} people). "
        "Everybody is different: it says nothing about what will come for you."
    )
    return words.format(lower=number(found.lower), upper=number(found.upper), n=number(found.n_people))


def _seen_by(record: OwnRecord, settings: Settings) -> tuple[str, ...]:
    names = sorted({one.practitioner for one in record.courses if one.practitioner})
    treat = _("The people who treat you: {names}.").format(names=", ".join(names)) if names else ""
    return (
        _("You."),
        treat or _("The people who treat you."),
        _("Programs of your clinic that are allowed to, such as its record system."),
        _("People who lead the clinic see numbers about groups, and never one person."),
        _("People who look after this program see that you have a record here, and none of your answers."),
        _("Those who pay for care see, at most, numbers about the whole clinic.")
        if settings.use.value == "contract"
        else _("Those who pay for care see nothing of this."),
    )


def _first_day(record: OwnRecord) -> dt.date | None:
    return min((one.date for one in record.answers), default=None)


def _date(at: float) -> dt.date:
    return dt.datetime.fromtimestamp(at).date()


def _plain(value: float) -> str:
    return number(value, 0 if value == int(value) else 1)
