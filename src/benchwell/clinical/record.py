"""One person's record as measures read it: coded events with times, whatever system wrote them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from benchwell.clinical.moments import Moment


@dataclass(frozen=True, slots=True)
class Span:
    """From and to, both included; a point in time starts and ends at once.

    Attributes:
        start: None if unknown.
        end: None if unknown, or if it has not ended.
        ongoing: Without an end, whether it is known to last; else the end is merely unknown.
    """

    start: Moment | None
    end: Moment | None
    ongoing: bool = False

    @classmethod
    def at(cls, moment: Moment | None) -> Span | None:
        """A point in time; None stays None."""
        return None if moment is None else cls(moment, moment)


@dataclass(frozen=True, slots=True, eq=False)  # two events are never the same one
class Event:
    """Something that happened to a person, was found, done, asked for or not done.

    Attributes:
        kind: `condition`, `encounter`, `observation`, `procedure`, `service-request` or `medication-request`.
        id: The source's id.
        codes: What it is, each `system|code` (`clinical.systems.code_text`).
        status: The source's status, such as `finished` or `final`.
        times: Spans by name: `when` (period of an encounter, prevalence of a condition, time of an observation or
            procedure, supply of a medication), `authored`, `issued`, `recorded`.
        coded: Other coded facts by name: `intent`, `category`, `verification`, `do-not-perform`, `reason`,
            `not-done-reason`, `disposition`. Codes of FHIR's own small lists stand alone (`order`), others as `codes`.
        points_to: Ids of events that it refers to, by name, such as `reason`.
        number: Its value, if that is an exact number.
        answers: Its value, if that is coded.
        has_value: Whether it has a value of any form.
    """

    kind: str
    id: str
    codes: frozenset[str]
    status: str | None = None
    times: Mapping[str, Span] = field(default_factory=dict)
    coded: Mapping[str, frozenset[str]] = field(default_factory=dict)
    points_to: Mapping[str, frozenset[str]] = field(default_factory=dict)
    number: float | None = None
    answers: frozenset[str] = frozenset()
    has_value: bool = False


@dataclass(frozen=True, slots=True)
class PersonRecord:
    """Everything that measures may ask of one person.

    Attributes:
        id: `Patient.id`.
        birth: Date of birth; None if unknown.
        died: When; None if alive, or if only the fact of death is known.
        traits: `race`, `ethnicity`, `payer`, `sex`: one code each, only what is known.
        events: In no order.
    """

    id: str
    birth: Moment | None = None
    died: Moment | None = None
    traits: Mapping[str, str] = field(default_factory=dict)
    events: tuple[Event, ...] = ()
