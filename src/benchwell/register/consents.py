"""A person's decisions on what the own data may be used for: dated, one purpose each, never overwritten.

The decision of the latest day holds; of several on one day, the last one. Treatment does not depend on any of them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from sqlalchemy import Connection, insert, select

from benchwell.errors import RegisterError
from benchwell.i18n import _
from benchwell.register.schema import consents
from benchwell.register.tokens import new_id
from benchwell.terms import Purpose

State = Literal["granted", "declined", "withdrawn", "not_asked"]
DECISIONS: Final = ("granted", "declined", "withdrawn")
BY_LAKE: Final = "lake"


@dataclass(frozen=True)
class Receipt:
    """What a person takes away from a decision.

    Attributes:
        id: The number of the receipt.
        purpose: What for.
        decision: granted | declined | withdrawn.
        date: The day of the decision, from which it holds.
        text_version: Which text was decided on.
        meaning: What follows from it and from when, in a sentence or two.
    """

    id: str
    purpose: Purpose
    decision: str
    date: dt.date
    text_version: str
    meaning: str

    @property
    def number(self) -> str:
        """The number of the receipt."""
        return self.id


@dataclass(frozen=True)
class Standing:
    """Where a person stands on one purpose.

    Attributes:
        state: granted | declined | withdrawn | not_asked.
        date: Since when; null if the person was not asked.
    """

    state: State
    date: dt.date | None = None


def decide(
    connection: Connection,
    now: float,
    person_id: str,
    purpose: Purpose | str,
    decision: str,
    *,
    text_version: str,
    decided_by: str,
) -> Receipt:
    """Keep a decision.

    Args:
        connection: Inside a transaction.
        now: Seconds since 1970-01-01 UTC; the decision is of that day, at this place.
        person_id: Who decides.
        purpose: One of `terms.Purpose`.
        decision: granted | declined | withdrawn.
        text_version: Of the text that was shown.
        decided_by: person | clinician: who wrote it down.

    Raises:
        RegisterError: If there is no such purpose or decision, or if it would end the use for care: a record without
            which nobody can be treated is ended by a request to delete, not by a switch.
    """
    if purpose not in {one.value for one in Purpose} or decision not in DECISIONS:
        raise RegisterError(_("There is no such purpose or decision."), hint=f"decisions: {', '.join(DECISIONS)}")
    wanted = Purpose(purpose)
    if wanted is Purpose.CARE and decision != "granted":
        raise RegisterError(
            _("The own treatment needs the record, so this use cannot be switched off."),
            hint=_("ask for deletion instead; the clinic answers it, and says what it must keep by law"),
        )
    day = dt.datetime.fromtimestamp(now).astimezone().date()
    number = new_id()
    row = {
        "id": number,
        "person_id": person_id,
        "purpose": wanted.value,
        "decision": decision,
        "date": day,
        "text_version": text_version,
    }
    connection.execute(insert(consents).values(**row, decided_at=now, decided_by=decided_by))
    return Receipt(number, wanted, decision, day, text_version, _meaning(decision))


def current(connection: Connection, person_id: str) -> dict[Purpose, Standing]:
    """Where a person stands on every purpose, asked or not."""
    asked = select(consents.c.purpose, consents.c.decision, consents.c.date).where(consents.c.person_id == person_id)
    last = last_words(connection.execute(asked.order_by(consents.c.date, consents.c.sequence)))
    return {purpose: last.get(purpose.value, Standing("not_asked")) for purpose in Purpose}


def last_words(decisions: Iterable[tuple[str, str, dt.date]]) -> dict[str, Standing]:
    """The decision that holds for each purpose.

    Args:
        decisions: Purpose, decision and day of one person, by day and then in the order in which they were made.

    >>> day = dt.date(2026, 6, 1)
    >>> last_words([("learning", "granted", day), ("learning", "withdrawn", day)])["learning"].state
    'withdrawn'
    """
    return {purpose: Standing(decision, day) for purpose, decision, day in decisions}  # type: ignore[arg-type]


def _meaning(decision: str) -> str:
    if decision == "granted":
        return _("Your scores may be used for this from today on. You can change your mind at any time.")
    return _(
        "From the next time that figures are put together your scores are left out. Figures that were published before "
        "stay as they are, since nobody can be found in them. Your treatment stays the same."
    )
