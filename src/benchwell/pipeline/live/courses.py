"""One person's course, as a clinician sees it: lines, what they say, marks, contacts; and what is added to it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from benchwell.errors import RegisterError
from benchwell.i18n import N_, _, day, ngettext, number, percent
from benchwell.pipeline.live.caseload import name_of
from benchwell.pipeline.live.forms import wording_of
from benchwell.pipeline.live.lines import Curves, Line, lines_of
from benchwell.pipeline.live.safety import PromptView, prompt_view
from benchwell.pipeline.live.service import LiveService
from benchwell.register import Viewer
from benchwell.register.caseload import score_rows, wants_expected
from benchwell.register.contacts import Contact, attended_days, contacts_of
from benchwell.register.courses import Course, FormRow, Person, courses_of, find_person, forms_of
from benchwell.register.marks import Mark, marks_of
from benchwell.register.prompts import open_prompts
from benchwell.reports.chart_course import CourseDot, CourseMark, CoursePicture, CourseRange, course_picture
from benchwell.signals.course_words import points_text
from benchwell.signals.response_curve import expected_series, seen_range, similar_start
from benchwell.signals.therapy_words import therapy_words

MARK_WORDS: Final = {
    "medication_started": N_("Medication started"),
    "medication_changed": N_("Medication changed"),
    "medication_stopped": N_("Medication stopped"),
    "therapy_changed": N_("Therapy changed"),
    "therapy_paused": N_("Therapy paused"),
    "therapist_changed": N_("Therapist changed"),
    "hospital_stay": N_("Hospital stay"),
    "life_event": N_("Life event"),
    "other": N_("Something else"),
}
END_WORDS: Final = {
    "completed": N_("Completed"),
    "planned": N_("Ended as planned"),
    "dropped_out": N_("Did not come any more"),
    "referred": N_("Referred elsewhere"),
    "moved": N_("Moved away"),
    "died": N_("Died"),
    "other": N_("Another reason"),
}
CONTACT_WORDS: Final = {
    "session": N_("Session"),
    "first_contact": N_("First contact"),
    "group": N_("Group"),
    "review": N_("Review"),
    "phone": N_("Phone"),
    "video": N_("Video"),
    "home_visit": N_("Home visit"),
}


@dataclass(frozen=True)
class ItemTable:
    """What was answered first and latest, item by item.

    Attributes:
        columns: Heads.
        rows: One row per item, as text.
        lang: Language of the items' wording; "" where only numbers are shown.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    lang: str


@dataclass(frozen=True)
class InstrumentPart:
    """One instrument on the page.

    Attributes:
        line: Its scores, and what the newest says.
        picture: The chart with its words and table.
        value: The newest score, as text; "" without a valid one.
        facts: What stands beside it: pairs of a name and a value.
        similar: What people with a similar start did, with how many they were; "" where it is not known.
        edition: Id of the edition that the expected course and similar people are of; "" without either.
        items: Item by item; null where no two forms have answers.
    """

    line: Line
    picture: CoursePicture
    value: str
    facts: tuple[tuple[str, str], ...]
    similar: str
    edition: str
    items: ItemTable | None


@dataclass(frozen=True)
class CourseView:
    """The page of one person.

    Attributes:
        person: Who.
        name: What to call the record.
        course: The course shown; null before the first.
        courses: All of the person's courses, the latest first.
        parts: One per instrument, the newest score first.
        prompts: Safety answers that wait.
        marks: What happened, with words.
        contacts: Contacts of the course.
        today: The day of the place.
    """

    person: Person
    name: str
    course: Course | None
    courses: tuple[Course, ...]
    parts: tuple[InstrumentPart, ...]
    prompts: tuple[PromptView, ...]
    marks: tuple[tuple[Mark, str], ...]
    contacts: tuple[Contact, ...]
    today: dt.date

    @property
    def ahead(self) -> tuple[Contact, ...]:
        """Planned contacts from today on."""
        return tuple(one for one in self.contacts if one.date >= self.today and one.attended is None)

    @property
    def unsaid(self) -> tuple[Contact, ...]:
        """Contacts up to today of which nobody said whether they took place."""
        return tuple(one for one in self.contacts if one.date <= self.today and one.attended is None)

    @property
    def contact_words(self) -> str:
        """How many contacts took place, as far as anybody recorded any."""
        n = sum(one.attended is True for one in self.contacts)
        if not n:
            return "" if self.contacts else _("No contact is recorded here.")
        return ngettext("{n} contact took place.", "{n} contacts took place.", n).format(n=n)

    @property
    def about(self) -> tuple[str, ...]:
        """The course in a few words: condition, therapy, from when to when; the year of birth."""
        course, born = self.course, self.person.birth_year
        parts = [_("No course yet.")] if course is None else [course.condition or "", therapy_words(course.therapy)]
        if course is not None and course.start_date is not None:
            parts.append(_("since {day}").format(day=day(course.start_date)))
        if course is not None and course.end_date is not None:
            parts.append(_("ended {day}").format(day=day(course.end_date)))
        parts.append(_("born {year}").format(year=born) if born else "")
        return tuple(part for part in parts if part)


def course_view(
    service: LiveService, viewer: Viewer, person_id: str, today: dt.date, *, course_id: str | None = None
) -> CourseView:
    """One person's page; the door has checked that the viewer may see the person.

    Args:
        service: The live service.
        viewer: Who asks.
        person_id: Whose page.
        today: The day of the place.
        course_id: Which course; null is the newest that runs, else the newest.

    Raises:
        RegisterError: If there is no such record any more.
    """
    with service.register.read() as connection:
        person = find_person(connection, person_id)
        if person is None:
            raise RegisterError(_("There is no such record any more."))
        courses = courses_of(connection, person_id)
        course = _chosen(courses, course_id)
        rows = score_rows(connection, viewer, person_id=person_id).get(person_id, [])
        forms = forms_of(connection, person_id)
        attended = attended_days(connection, viewer, person_id=person_id)
        curves = Curves(service, wants_expected(connection, viewer))
        prompts = open_prompts(connection, viewer, person_id=person_id)
        marks = marks_of(connection, person_id)
        contacts = contacts_of(connection, person_id)
    shown = course.id if course else None
    mine = tuple((one, mark_words(one.kind)) for one in marks if one.course_id in (shown, None))
    registry = service.workspace.registry
    lines = lines_of(
        registry.instruments,
        rows,
        person_id=person_id,
        course_id=shown,
        attended=attended.get(shown or "", ()),
        curves=curves,
    )
    return CourseView(
        person=person,
        name=name_of(person.label, person.id),
        course=course,
        courses=courses,
        parts=tuple(_part(line, forms, mine) for line in lines),
        prompts=tuple(prompt_view(registry, one) for one in prompts),
        marks=mine,
        contacts=tuple(one for one in contacts if one.course_id in (shown, None)),
        today=today,
    )


def course_name(service: LiveService, person_id: str) -> str:
    """What to call a record; the door has checked that the viewer may see it."""
    with service.register.read() as connection:
        person = find_person(connection, person_id)
    return name_of(person.label if person else "", person_id)


def course_of(courses: Sequence[Course], practitioner_id: str | None) -> Course | None:
    """The course that a new score belongs to: the viewer's own newest that runs, else the newest that runs."""
    running = [one for one in courses if one.end_date is None]
    own = [one for one in running if one.practitioner_id == practitioner_id]
    return next(iter([*own, *running]), None)


def mark_words(kind: str) -> str:
    """A kind of mark in words; one of another system as it is.

    >>> mark_words("life_event"), mark_words("operation")
    ('Life event', 'operation')
    """
    return _(MARK_WORDS[kind]) if kind in MARK_WORDS else kind


def words_of(known: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Codes and words of a list to choose from."""
    return tuple((code, _(word)) for code, word in known.items())


def _chosen(courses: Sequence[Course], course_id: str | None) -> Course | None:
    if course_id is not None:
        return next((one for one in courses if one.id == course_id), None)
    return next((one for one in courses if one.end_date is None), next(iter(courses), None))


def _part(line: Line, forms: Sequence[FormRow], marks: Sequence[tuple[Mark, str]]) -> InstrumentPart:
    signal = line.signal
    expected = _expected(line)
    scale = line.instrument.scale(signal.scale)
    picture = course_picture(
        line.instrument,
        scale,
        [CourseDot(row.date, row.value, row.status) for row in line.rows],
        title=_title(line),
        expected=expected,
        marks=[CourseMark(mark.date, words) for mark, words in marks],
        reliable=signal.reliable_points if signal.n_scores > 1 else None,
    )
    value = "" if signal.latest is None or signal.latest.value is None else _figure(signal.latest.value)
    ids = {row.assessment_id for row in line.rows}
    mine = [form for form in forms if form.assessment_id in ids]
    similar = _similar(line)
    edition = line.curve.edition if line.curve is not None and (similar or signal.expected or signal.early) else ""
    return InstrumentPart(line, picture, value, _facts(line), similar, edition, _items(line, mine))


def _title(line: Line) -> str:
    """The finding in a line: what the change since the start is, and where the score stands."""
    if line.signal.latest is None:
        return _("{name}: no score yet").format(name=line.instrument.short)
    return line.signal.finding


def _facts(line: Line) -> tuple[tuple[str, str], ...]:
    signal = line.signal
    found = [(_("Scores"), number(signal.n_scores))]
    if signal.baseline is not None and signal.baseline.value is not None and signal.n_scores > 1:
        found.append((_("At the start"), _figure(signal.baseline.value)))
    if signal.reliable_points is not None:
        found.append((_("Reliable change"), _("{points} or more").format(points=points_text(signal.reliable_points))))
    return tuple(found)


def _expected(line: Line) -> tuple[CourseRange, ...]:
    """The expected range on days; only on the clock of weeks, which has days."""
    curve, baseline = line.curve, line.signal.baseline
    if curve is None or baseline is None or baseline.value is None or curve.clock != "weeks":
        return ()
    if not curve.covers(baseline.value):
        return ()
    found = []
    for row in expected_series(curve, baseline.value):
        seen = seen_range(curve, baseline.value, row.occasion)
        one = CourseRange(
            baseline.date + dt.timedelta(days=round(7 * row.occasion)),
            row.mean,
            row.lower,
            row.upper,
            None if seen is None else (seen.lower, seen.upper, seen.n_people),
        )
        found.append(one)
    return tuple(found)


def _similar(line: Line) -> str:
    curve, baseline = line.curve, line.signal.baseline
    if curve is None or baseline is None or baseline.value is None:
        return ""
    start = similar_start(curve, baseline.value)
    if start is None or start.responded is None:
        return ""
    share, low, high = start.responded
    parts = [
        _(
            "Of {n} people with a first score of {from_} to {to}, {share} (95 % interval {low} to {high}) had gone at "
            "least half of the way to the healthy end at their last score."
        ).format(
            n=number(start.n_people or 0),
            from_=_figure(start.lower),
            to=_figure(start.upper),
            share=percent(share),
            low=percent(low),
            high=percent(high),
        )
    ]
    if start.remitted is not None:
        parts.append(_("{share} were in remission.").format(share=percent(start.remitted[0])))
    parts.append(_("This says what a group did, not what this person will do."))
    return " ".join(parts)


def _items(line: Line, forms: Sequence[FormRow]) -> ItemTable | None:
    answered = [form for form in forms if form.items is not None]
    if len(answered) < 2:
        return None
    first, latest = answered[0], answered[-1]
    instrument = line.instrument
    language, _words, wording = wording_of(instrument)
    rows = tuple(
        (_item_name(place, wording), _answer(before), _answer(after), _moved(before, after))
        for place, (before, after) in enumerate(zip(first.items or (), latest.items or (), strict=False), start=1)
    )
    columns = (_("Question"), day(first.date), day(latest.date), _("Change of the answer"))
    return ItemTable(columns, rows, language if wording else "")


def _item_name(item: int, wording: Sequence[str]) -> str:
    name = _("Item {n}").format(n=item)
    if item > len(wording):
        return name
    return f"{item}. {wording[item - 1]}"


def _answer(value: float | None) -> str:
    return _("no answer") if value is None else _figure(value)


def _moved(before: float | None, after: float | None) -> str:
    if before is None or after is None:
        return ""
    if before == after:
        return _("the same")
    text = _("{points} higher") if after > before else _("{points} lower")
    return text.format(points=_figure(abs(after - before)))


def _figure(value: float) -> str:
    return number(value, 0 if value == int(value) else 1)
