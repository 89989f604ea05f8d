"""Whether one person's data may be used for a purpose on a day: the rule of `effective`, for a single history."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import NamedTuple, Protocol

from benchwell.consent.effective import Rule
from benchwell.terms import Purpose


class Decided(Protocol):
    """What is known of a decision."""

    @property
    def purpose(self) -> str:
        """One of `terms.Purpose`."""
        ...

    @property
    def decision(self) -> str:
        """granted, declined or withdrawn."""
        ...

    @property
    def date(self) -> dt.date:
        """The day from which it holds."""
        ...


class Allowed(NamedTuple):
    """Whether, and from which day's data on; null is from the beginning."""

    usable: bool
    since: dt.date | None


def allowed(decisions: Iterable[Decided], purpose: Purpose, day: dt.date, rule: Rule) -> Allowed:
    """What a history of decisions allows on a day.

    Args:
        decisions: Of one person, for any purposes, in any order.
        purpose: What the data would be used for.
        day: Later decisions have not been made yet.
        rule: What silence means.

    Source:
        The same rule as `effective`, which decides for everybody at once; a test holds the two together.
    """
    known = [one for one in decisions if one.purpose == purpose.value and one.date <= day]
    refused = max((one.date for one in known if one.decision != "granted"), default=None)
    granted = [one.date for one in known if one.decision == "granted" and (refused is None or one.date > refused)]
    if rule == "opt_out":
        return Allowed(bool(granted) or refused is None, None)
    return Allowed(bool(granted), min(granted, default=None))
