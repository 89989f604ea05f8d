"""Forms that people fill in themselves: a one-time link, or a code at a kiosk; then what was sent is received."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from benchwell.errors import AccessError, RegisterError, ScoringError
from benchwell.i18n import _, number
from benchwell.pipeline.live.courses import course_of
from benchwell.pipeline.live.forms import (
    Form,
    forgotten_words,
    form_for,
    may_be_sent,
    read_items,
)
from benchwell.pipeline.live.receiving import Entry, Received, receive
from benchwell.pipeline.live.safety import SafetyWords, safety_words
from benchwell.pipeline.live.service import LiveService
from benchwell.pipeline.live.waiting import in_time
from benchwell.register import Viewer
from benchwell.register.audit import log
from benchwell.register.courses import courses_of
from benchwell.register.form_codes import find_device, give_back, is_of_code, make_code, place_of_viewer, token_of
from benchwell.register.links import DAY, MANY, Link, find_link, make_link, use_link, used_link
from benchwell.register.receiving import is_kept
from benchwell.register.tokens import hash_of
from benchwell.registry.instrument import Instrument
from benchwell.signals.course_words import direction_text
from benchwell.terms import Better

# Two kinds, so that what the clinician allowed is part of the link: whether the person sees the own score afterwards.
FORM: Final = "form"
FORM_WITH_SCORE: Final = "form_score"
LASTS: Final = 7 * DAY
KIOSK_LASTS: Final = 30 * DAY
_TURNS, _TURN = 10, 0.1  # looks, and seconds between them


@dataclass(frozen=True)
class Opened:
    """A link that still works, and its forms.

    Attributes:
        link: The link.
        forms: One per instrument, in the order of the clinician's choice.
    """

    link: Link
    forms: tuple[Form, ...]


@dataclass(frozen=True)
class OwnScore:
    """The own score in plain words.

    Attributes:
        title: Of which questionnaire.
        text: The score, its band, and which direction is better.
    """

    title: str
    text: str


@dataclass(frozen=True)
class Sent:
    """What a person sees after sending.

    Attributes:
        scores: The own scores; empty where the clinician did not allow it.
        safety: What to read at once; null without an answer above the line.
    """

    scores: tuple[OwnScore, ...]
    safety: SafetyWords | None


def offer_form(
    service: LiveService,
    viewer: Viewer,
    now: float,
    person_id: str,
    instruments: Sequence[str],
    *,
    shows_score: bool,
    at_kiosk: bool,
) -> str:
    """Make a one-time link, or a code for the kiosk; it is shown once and not kept.

    Args:
        service: The live service.
        viewer: Who makes it; the door has checked that the viewer may see the person.
        now: Seconds since 1970-01-01 UTC.
        person_id: For whom.
        instruments: What is asked.
        shows_score: Whether the person sees the own score afterwards.
        at_kiosk: A code instead of a link.

    Raises:
        RegisterError: If nothing is asked, or something whose wording may not be shown here.
    """
    asked = tuple(dict.fromkeys(instruments))
    known = service.workspace.registry.instruments
    if not asked or not all(one in known and may_be_sent(known[one]) for one in asked):
        raise RegisterError(
            _("A link needs at least one questionnaire whose wording may be shown here."),
            hint=_("enter the others by item number"),
        )
    kind = FORM_WITH_SCORE if shows_score else FORM

    def write(connection: Any) -> str | None:
        course = course_of(courses_of(connection, person_id), viewer.practitioner_id)
        about: dict[str, Any] = {"person_id": person_id, "course_id": course.id if course else None}
        log(connection, now, viewer, "write", "/people/{person_id}/link", person_id=person_id, detail=kind)
        if at_kiosk:
            return make_code(connection, now, viewer, kind, instruments=asked, **about)
        return make_link(connection, now, kind, lasts=LASTS, created_by=viewer.user_id, instruments=asked, **about)

    made = service.register.write(write)
    if made is None:
        raise RegisterError(_("It is not known where you work, so no kiosk could take a code."))
    return made


def open_kiosk(service: LiveService, viewer: Viewer, now: float) -> str:
    """Make the link that turns a device into a kiosk of the viewer's place.

    Raises:
        RegisterError: If it is not known where the viewer works.
    """

    def write(connection: Any) -> str | None:
        place = place_of_viewer(connection, viewer)
        if place is None:
            return None
        about: dict[str, Any] = {"organization_id": place, "created_by": viewer.user_id}
        return make_link(connection, now, "kiosk", uses=MANY, lasts=KIOSK_LASTS, **about)

    made = service.register.write(write)
    if made is None:
        raise RegisterError(_("It is not known where you work."), hint=_("ask an administrator"))
    return made


def opened_form(service: LiveService, now: float, token: str, *, source: str = "link") -> Opened | None:
    """The forms of a link, or at a kiosk of a code; null if it was used, has expired, or never was."""
    if is_of_code(token) != (source == "kiosk"):
        return None  # a code is short: it opens nothing without a device and its pauses
    with service.register.read() as connection:
        link = _either(connection, now, token)
    return None if link is None else Opened(link, _forms(service, link))


def is_kiosk(service: LiveService, now: float, device: str) -> bool:
    """Whether a device is a kiosk that still works."""
    with service.register.read() as connection:
        return find_device(connection, now, device) is not None


def opened_by_code(service: LiveService, now: float, device: str, code: str) -> Opened | None:
    """The forms of a code at a kiosk; null if the code is none.

    Raises:
        AccessError: If the device is no kiosk any more.
    """
    with service.register.read() as connection:
        kiosk = find_device(connection, now, device)
        link = None if kiosk is None else _either(connection, now, token_of(kiosk.organization_id or "", code))
    if kiosk is None:
        raise AccessError(_("This device is not a kiosk any more."), hint=_("ask the staff to open it again"))
    return None if link is None else Opened(link, _forms(service, link))


def send_form(
    service: LiveService, now: float, token: str, posted: Mapping[str, str], *, source: str, today: dt.date
) -> Sent:
    """Take in what a person sent; the link is used up, and what is returned is durable.

    Args:
        service: The live service.
        now: Seconds since 1970-01-01 UTC.
        token: The link's token, or what stands for a kiosk's code.
        posted: Fields `phq-9:item-1` …
        source: `link` or `kiosk`.
        today: The day of the place.

    Raises:
        AccessError: If the link was used, has expired, or never was.
        ScoringError: If nothing at all was answered, a question was forgotten, or an answer is none; the link then
            still works.
        BusyRegisterError: If the register does not answer in time; the same answers may be sent again.
    """
    opened = opened_form(service, now, token, source=source)
    if opened is None:
        return _sent_again(service, now, token, posted, source, today)
    entries = _entries(service, opened.link, posted, source, today)
    if not entries:
        raise ScoringError(_("No question has an answer yet."), hint=_("answer at least one, or close this page"))
    forgotten = forgotten_questions(opened, posted)
    if forgotten:
        numbers = [number for _form, number in forgotten]
        raise ScoringError(
            forgotten_words(numbers, _("I would rather not say"), are_of_one_form=len(opened.forms) == 1)
        )
    # Used first: of two that are sent at the same time, only one is taken in.
    used = in_time(service.register.submit(lambda connection: use_link(connection, now, opened.link.kind, token)))
    if used is None:
        return _sent_again(service, now, token, posted, source, today)
    try:
        waiting = [receive(service, entry, now, route="/f/{token}") for entry in entries]
        received = [in_time(one) for one in waiting]
    except Exception:
        # Behind what still waits: whoever sends the same again finds the link open, and what was kept is kept once.
        service.register.submit(lambda connection: give_back(connection, used.id))
        raise
    return _sent(service, used, received)


def forgotten_questions(opened: Opened, posted: Mapping[str, str]) -> tuple[tuple[str, int], ...]:
    """Questions of which a sent page says nothing: the instrument, and the number of the question in its form."""
    return tuple(
        (form.instrument, question.number)
        for form in opened.forms
        for question in form.questions
        if not posted.get(f"{form.instrument}:{question.name}", "").strip()
    )


def _sent_again(
    service: LiveService, now: float, token: str, posted: Mapping[str, str], source: str, today: dt.date
) -> Sent:
    """The same answer to the very same form: a button pressed twice must not cost anybody the words about safety.

    Raises:
        AccessError: If the link never was, or something else was sent by it.
    """
    if is_of_code(token) != (source == "kiosk"):
        raise _gone()
    with service.register.read() as connection:
        used = used_link(connection, now, (FORM, FORM_WITH_SCORE), token)
    entries = [] if used is None else _entries(service, used, posted, source, today)
    if used is None or not entries:
        raise _gone()
    for _turn in range(_TURNS):  # the first may still be on its way into the register
        with service.register.read() as connection:
            if all(is_kept(connection, one) for one in entries):
                break
        time.sleep(_TURN)
    else:
        raise _gone()
    waiting = [receive(service, entry, now, route="/f/{token}") for entry in entries]
    return _sent(service, used, [in_time(one) for one in waiting])


def kiosk_token(service: LiveService, now: float, device: str, code: str) -> str:
    """What stands for a code of a device.

    Raises:
        AccessError: If the device is no kiosk any more.
    """
    with service.register.read() as connection:
        kiosk = find_device(connection, now, device)
    if kiosk is None:
        raise AccessError(_("This device is not a kiosk any more."), hint=_("ask the staff to open it again"))
    return token_of(kiosk.organization_id or "", code)


def _either(connection: Any, now: float, token: str) -> Link | None:
    return find_link(connection, now, FORM, token) or find_link(connection, now, FORM_WITH_SCORE, token)


def _gone() -> AccessError:
    return AccessError(
        _("This link does not work any more."),
        hint=_("it works once and for a week; if you have not sent your answers yet, ask for a new one"),
    )


def _forms(service: LiveService, link: Link) -> tuple[Form, ...]:
    known = service.workspace.registry.instruments
    return tuple(form_for(known[one]) for one in link.instruments if one in known and may_be_sent(known[one]))


def _entries(service: LiveService, link: Link, posted: Mapping[str, str], source: str, today: dt.date) -> list[Entry]:
    """One for each form of the link that has any answer."""
    known = service.workspace.registry.instruments
    answers = {one: read_items(known[one], posted, prefix=f"{one}:") for one in link.instruments if one in known}
    return [
        _entry(link, known[name], items, source, today)
        for name, items in answers.items()
        if any(item is not None for item in items)
    ]


def _entry(link: Link, instrument: Instrument, items: tuple[float | None, ...], source: str, today: dt.date) -> Entry:
    # The id follows from the link, so that whatever is sent again is the same record.
    return Entry(
        person_id=link.person_id or "",
        course_id=link.course_id,
        instrument=instrument.id,
        date=today,
        items=items,
        language=form_for(instrument).language,
        informant="self",
        mode=source,
        source=source,
        assessment_id=hash_of(f"{link.id}:{instrument.id}")[:32],
    )


def _sent(service: LiveService, link: Link, received: Sequence[Received]) -> Sent:
    raised = any(prompt.is_raised for one in received for prompt in one.prompts)
    words = safety_words(service.workspace.settings) if raised else None
    scores = tuple(_own_score(service, one) for one in received) if link.kind == FORM_WITH_SCORE else ()
    return Sent(scores, words)


def _own_score(service: LiveService, received: Received) -> OwnScore:
    instrument = service.workspace.registry.instrument(received.instrument)
    scale = instrument.primary
    row = next((one for one in received.scores if one.scale == scale.id), None)
    if row is None or row.value is None:
        return OwnScore(instrument.title, _("Too many questions were left out for a score. Your answers were sent."))
    value = number(row.value, 0 if row.value == int(row.value) else 1)
    text = _("Your score is {value} on a scale from {low} to {high}.").format(
        value=value, low=number(scale.min), high=number(scale.max)
    )
    band = _("That is called “{band}”.").format(band=_(row.band)) if row.band else ""
    return OwnScore(
        _(instrument.title), " ".join(one for one in (text, band, _direction(instrument.better_of(scale))) if one)
    )


def _direction(better: Better) -> str:
    return direction_text(better)
