"""Words that pages, receipts and downloads of a person share."""

from __future__ import annotations

import datetime as dt
from itertools import groupby

from benchwell.i18n import N_, _, day
from benchwell.pipeline.live.service import LiveService
from benchwell.pipeline.live.shared_editions import Shared
from benchwell.register import Role
from benchwell.register.audit_reading import readers_of
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
    "client": N_("Another program of the clinic"),
    "public": N_("Somebody with a questionnaire link"),
}
_ACTIONS = {
    "read": N_("read"),
    "write": N_("wrote something down"),
    "export": N_("took a copy along"),
    "erase": N_("deleted"),
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


def readers_said(service: LiveService, person_id: str) -> tuple[tuple[str, str, str], ...]:
    """Who has opened a record: one line for a day, a role and what was done; the newest first."""
    with service.register.read() as connection:
        found = readers_of(connection, person_id)
    lines = [
        (
            day(dt.datetime.fromtimestamp(one.at).date()),
            _(_ROLES.get(one.role, one.role.value)),
            _(_ACTIONS.get(one.action, one.action)),
        )
        for one in found
        if one.role is not Role.PATIENT  # one's own visits are known to oneself
    ]
    return tuple(line for line, _same in groupby(lines))


def shared_said(shared: tuple[Shared, ...]) -> tuple[tuple[str, str, str, str], ...]:
    """Editions as lines: day, purpose, whether the scores were allowed, id."""
    return tuple((day(one.as_of), purpose_words(one.purpose), _allowed_words(one), one.edition) for one in shared)


def _allowed_words(one: Shared) -> str:
    if not one.counted:
        return _("left out")
    if one.since is not None:
        return _("may be counted, from {day} on").format(day=day(one.since))
    return _("may be counted")
