"""Today: who comes, who may need attention and why. Own people only, and no figure of a service."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from benchwell.i18n import _, day, ngettext
from benchwell.pipeline.live.lines import Curves, Line, lines_of
from benchwell.pipeline.live.safety import PromptView, prompt_view
from benchwell.pipeline.live.service import LiveService
from benchwell.register import Viewer
from benchwell.register.caseload import CaseRow, ScoreRow, case_rows, last_scores, score_rows, wants_expected
from benchwell.register.contacts import Contact, attended_days, contacts_on
from benchwell.register.prompts import open_prompts
from benchwell.terms import ChangeClass

SHOWN: Final = 50  # people per list: more would not be read, and each one shown is a line in the log


@dataclass(frozen=True)
class Reason:
    """Why somebody may need attention.

    Attributes:
        kind: safety | unanswered | review | worse | no_score.
        words: In words.
    """

    kind: str
    words: str


@dataclass(frozen=True)
class Listed:
    """One person of the caseload.

    Attributes:
        person_id: The pseudonym.
        name: What the clinician calls the person; without a label the end of the pseudonym.
        condition: What is treated; "" if not said.
        last_score: Day of the newest valid score.
        is_open: Whether the course still runs.
        reasons: Why the person may need attention; empty for most.
    """

    person_id: str
    name: str
    condition: str
    last_score: dt.date | None
    is_open: bool
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True)
class Coming:
    """Somebody who is expected today.

    Attributes:
        person: Who.
        time: `HH:MM`; "" if not known.
        kind: What kind of contact.
        attended: Whether it has taken place already.
    """

    person: Listed
    time: str
    kind: str
    attended: bool


@dataclass(frozen=True)
class Caseload:
    """A clinician's first page.

    Attributes:
        today: The day.
        coming: Who comes today, by time.
        prompts: Safety answers that nobody has answered yet, raised ones first.
        attention: Who may need attention, safety first.
        more_attention: How many more are not listed.
        found: Whom a search found; null where nothing was searched.
        n_open: People in care.
        n_people: All own people.
        weeks: After how many weeks a missing score is named.
    """

    today: dt.date
    coming: tuple[Coming, ...]
    prompts: tuple[PromptView, ...]
    attention: tuple[Listed, ...]
    more_attention: int
    found: tuple[Listed, ...] | None
    n_open: int
    n_people: int
    weeks: int

    @property
    def shown(self) -> tuple[str, ...]:
        """Everybody whom the page names, once."""
        named = [one.person.person_id for one in self.coming]
        named += [one.prompt.person_id for one in self.prompts]
        named += [one.person_id for one in (*self.attention, *(self.found or ()))]
        return tuple(dict.fromkeys(named))


def caseload(service: LiveService, viewer: Viewer, today: dt.date, *, words: str = "") -> Caseload:
    """What a clinician sees first.

    Args:
        service: The live service.
        viewer: Who asks; only own people are counted or named.
        today: The day of the place.
        words: What to search among own people; "" searches nothing.
    """
    with service.register.read() as connection:
        cases = case_rows(connection, viewer)
        scores = score_rows(connection, viewer)
        days = attended_days(connection, viewer)
        curves = Curves(service, wants_expected(connection, viewer))
        contacts = contacts_on(connection, viewer, today)
        prompts = tuple(prompt_view(service.workspace.registry, one) for one in open_prompts(connection, viewer))
        called = [case.person_id for case in cases if _is_called(case, words)][:SHOWN] if words.strip() else None
        last = last_scores(connection, viewer, called or ())
    weeks = service.workspace.settings.weeks_without_score
    listed: dict[str, Listed] = {}
    for case in cases:
        mine = scores.get(case.person_id, [])
        lines = _lines(service, case, mine, days.get(case.course_id, ()), curves)
        reasons = (*_safety(prompts, case.person_id), *_course_reasons(case, lines, mine, today, weeks))
        newest = max((row.date for row in mine if row.value is not None), default=None)
        listed[case.person_id] = _listed(case, newest, reasons)
    attention = sorted((one for one in listed.values() if one.reasons), key=_urgency)
    return Caseload(
        today=today,
        coming=tuple(_coming(one, listed[one.person_id]) for one in contacts if one.person_id in listed),
        prompts=prompts,
        attention=tuple(attention[:SHOWN]),
        more_attention=max(0, len(attention) - SHOWN),
        found=None if called is None else tuple(replace(listed[one], last_score=last.get(one)) for one in called),
        n_open=sum(case.is_open for case in cases),
        n_people=len(cases),
        weeks=weeks,
    )


def people_page(service: LiveService, viewer: Viewer, *, words: str = "", page: int = 0) -> tuple[list[Listed], int]:
    """Own people, a page at a time, without any reason why: those in care first, then those who were, each by label.

    Returns:
        The page's people, and how many there are in all.
    """
    with service.register.read() as connection:
        cases = [case for case in case_rows(connection, viewer) if _is_called(case, words)]
        found = sorted(cases, key=lambda case: not case.is_open)
        part = found[page * SHOWN : (page + 1) * SHOWN]
        days = last_scores(connection, viewer, [case.person_id for case in part])
    return [_listed(case, days.get(case.person_id), ()) for case in part], len(found)


def _is_called(case: CaseRow, words: str) -> bool:
    # In Python, not SQL: SQLite does not know that "ä" and "Ä" are one letter.
    wanted = words.strip().casefold()
    return wanted in case.label.casefold() or wanted in case.person_id.casefold()


def name_of(label: str, person_id: str) -> str:
    """What to call a record on a page.

    >>> name_of("A. B.", "x"), name_of("", "synthetic-p12345678")
    ('A. B.', '… 12345678')
    """
    return label or f"… {person_id[-8:]}"


def _lines(
    service: LiveService, case: CaseRow, rows: Sequence[ScoreRow], attended: Sequence[dt.date], curves: Curves
) -> tuple[Line, ...]:
    if not case.is_open:
        return ()
    known = service.workspace.registry.instruments
    return lines_of(known, rows, person_id=case.person_id, course_id=case.course_id, attended=attended, curves=curves)


def _listed(case: CaseRow, last: dt.date | None, reasons: tuple[Reason, ...]) -> Listed:
    return Listed(
        case.person_id, name_of(case.label, case.person_id), case.condition or "", last, case.is_open, reasons
    )


def _coming(contact: Contact, person: Listed) -> Coming:
    return Coming(person, contact.time or "", contact.kind or "", contact.attended is True)


def _safety(prompts: Sequence[PromptView], person_id: str) -> Iterator[Reason]:
    mine = [one for one in prompts if one.prompt.person_id == person_id]
    if any(one.prompt.is_raised for one in mine):
        yield Reason("safety", _("A safety answer has not been seen yet."))
    elif mine:
        yield Reason("unanswered", _("A safety question was left out."))


def _course_reasons(
    case: CaseRow, lines: Sequence[Line], rows: Sequence[ScoreRow], today: dt.date, weeks: int
) -> Iterator[Reason]:
    if not case.is_open:
        return
    for line in lines:
        title = line.instrument.short
        if line.signal.state == "review":
            yield Reason("review", _("{name}: outside the expected range, so worth a review.").format(name=title))
        if line.signal.change_class is ChangeClass.DETERIORATED:
            points = f"{abs(line.signal.change or 0):g}"
            text = _("{name}: {points} points worse than at the start, more than error of measurement.")
            yield Reason("worse", text.format(name=title, points=points))
    yield from _no_score(case, rows, today, weeks)


def _no_score(case: CaseRow, rows: Sequence[ScoreRow], today: dt.date, weeks: int) -> Iterator[Reason]:
    mine = [row.date for row in rows if row.value is not None and row.course_id in (case.course_id, None)]
    since = max(mine, default=case.start_date)
    if since is None or (today - since).days < 7 * weeks:
        return
    gone = (today - since).days // 7
    if mine:
        text = ngettext("No score for {n} week, since {day}.", "No score for {n} weeks, since {day}.", gone)
    else:
        text = ngettext("No score yet, {n} week after the start.", "No score yet, {n} weeks after the start.", gone)
    yield Reason("no_score", text.format(n=gone, day=day(since)))


_ORDER = {"safety": 0, "unanswered": 1, "worse": 2, "review": 3, "no_score": 4}


def _urgency(person: Listed) -> tuple[int, str, str]:
    return min(_ORDER[one.kind] for one in person.reasons), person.name.casefold(), person.person_id
