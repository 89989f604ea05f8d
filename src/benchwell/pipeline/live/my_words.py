"""Words that pages, receipts and downloads of a person share."""

from __future__ import annotations

import datetime as dt

from benchwell.i18n import N_, _, day
from benchwell.pipeline.live.service import LiveService
from benchwell.pipeline.live.shared_editions import Shared
from benchwell.register import Role
from benchwell.register.audit_reading import AuditLine, readers_of
from benchwell.register.my_data import WITHDRAWN, Deletion, names_of_treating
from benchwell.terms import Purpose

_PURPOSES = {
    Purpose.CARE: N_("Your treatment"),
    Purpose.LEARNING: N_("Helping the clinic learn"),
    Purpose.CONTRACT: N_("Contracts with those who pay"),
    Purpose.PUBLIC: N_("Figures for everybody"),
    Purpose.RESEARCH: N_("Research"),
    Purpose.MODEL_TRAINING: N_("Teaching computer programs"),
}
_DECISIONS = {"granted": N_("Yes"), "declined": N_("No"), "withdrawn": N_("No (taken back)")}
_ROLES = {
    "clinician": N_("Somebody who treats you"),
    "lead": N_("Somebody who leads the team"),
    "manager": N_("Somebody who leads the clinic"),
    "analyst": N_("Somebody who works with figures"),
    "payer": N_("Somebody who pays for care"),
    "admin": N_("Somebody who looks after this program"),
    "client": N_("A program of the clinic"),
    "public": N_("Somebody with a questionnaire link"),
}
# What was done, by the pattern of the address; an address that is not here is told by its action.
_DEEDS = {
    ("read", "/today"): N_("Looked at who comes that day"),
    ("read", "/people"): N_("Looked at the list of the people in treatment"),
    ("read", "/people/{person_id}"): N_("Looked at your course"),
    ("read", "/people/{person_id}/show"): N_("Looked at your course, to show it to you"),
    ("read", "/stream"): N_("Looked at your course"),
    ("read", "/api/v1/people/{person_id}/course"): N_("Fetched your course"),
    ("read", "/people/{person_id}/enter"): N_("Opened a questionnaire, to write down your answers"),
    ("read", "/people/{person_id}/enter/{instrument}"): N_("Opened a questionnaire, to write down your answers"),
    ("read", "/people/{person_id}/my-link"): N_("Opened the page that makes a link for you"),
    ("write", "/people/{person_id}/enter/{instrument}"): N_("Wrote down your answers"),
    ("write", "/people/{person_id}/link"): N_("Made a link to a questionnaire for you"),
    ("write", "/people/{person_id}/my-link"): N_("Made a link to this page for you"),
    ("write", "/people/{person_id}/safety"): N_("Wrote down what was done about one of your answers"),
    ("write", "/people/{person_id}/marks"): N_("Wrote down something that happened on the way"),
    ("export", "/people/{person_id}/handout"): N_("Printed your course"),
}
_ACTIONS = {
    "read": N_("Looked at your record"),
    "write": N_("Wrote down something about your treatment"),
    "export": N_("Took a copy of your record"),
    "erase": N_("Deleted something of yours"),
    "retract": N_("Took back answers or a score that were wrong"),
}
_SENT = N_("Sent answers or scores of yours")  # what a program writes
_ASK_WHY = N_("not done; please ask your clinic why")
# Why a request was refused, by its code, as it is told to the person who asked.
_REFUSED = {
    "law": N_("not done: a law says that your data must be kept for now"),
    "not_the_person": N_("not done: the clinic found that the request did not come from you"),
    WITHDRAWN: N_("not done, since you no longer ask for it"),
}


def purpose_words(purpose: Purpose) -> str:
    """A purpose in a few words.

    >>> purpose_words(Purpose.RESEARCH)
    'Research'
    """
    return _(_PURPOSES[purpose])


def decision_words(decision: str) -> str:
    """A decision in a word."""
    return _(_DECISIONS.get(decision, decision))


def deletion_state(request: Deletion) -> str:
    """Where a request to delete stands, in words."""
    if request.state == "asked":
        return _("asked for; the clinic has not answered yet")
    if request.state == "done":
        return _("done")
    return _(_REFUSED.get(request.reason or "", _ASK_WHY))


def readers_said(service: LiveService, person_id: str) -> tuple[tuple[str, str, str], ...]:
    """Who has opened a record: day, who, and what was done; each once a day, the newest first.

    By name are told those who treat the person, who know each other, and programs; of others the role is told.
    """
    with service.register.read() as connection:
        found, names = readers_of(connection, person_id), names_of_treating(connection, person_id)
    lines = [
        (day(dt.datetime.fromtimestamp(one.at).date()), _who(one, names), _deed(one))
        for one in found
        if one.role is not Role.PATIENT  # one's own visits are known to oneself
    ]
    return tuple(dict.fromkeys(lines))


def _who(line: AuditLine, names: dict[str, str]) -> str:
    role = _(_ROLES.get(line.role, line.role.value))
    name = line.name if line.role is Role.CLIENT else names.get(line.user_id or "")
    return f"{role}: {name}" if name else role


def _deed(line: AuditLine) -> str:
    if line.role is Role.CLIENT and line.action == "write":
        return _(_SENT)
    return _(_DEEDS.get((line.action, line.route)) or _ACTIONS.get(line.action, line.action))


def shared_said(shared: tuple[Shared, ...]) -> tuple[tuple[str, str, str, str], ...]:
    """Editions as lines: day, purpose, whether the scores were allowed, id."""
    return tuple((day(one.as_of), purpose_words(one.purpose), _allowed_words(one), one.edition) for one in shared)


def _allowed_words(one: Shared) -> str:
    if not one.counted:
        return _("left out")
    if one.since is not None:
        return _("may be counted, from {day} on").format(day=day(one.since))
    return _("may be counted")
