"""Evaluate one measure over one person's record: definitions to events, rules to yes or no, populations to counts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from benchwell.clinical.record import Event, PersonRecord, Span
from benchwell.quality.compare import (
    FOREVER,
    UNKNOWN,
    Bounds,
    Precision,
    Truth,
    age_in_years,
    before,
    bounds_of,
    day_bounds,
    end_of,
    every,
    negated,
    not_after,
    some,
    start_of,
)
from benchwell.registry.quality_language import (
    Age,
    AgeRule,
    AllRule,
    AnyRule,
    DiedRule,
    Edge,
    Events,
    OneOf,
    Rule,
    Timing,
    Value,
    Window,
)
from benchwell.registry.quality_measure import QualityMeasure, parts_of

_UNKNOWN_TIME = Span(None, None)


@dataclass(frozen=True)
class Question:
    """A measure, the period it is asked for, and the codes behind its names.

    Attributes:
        measure: The declaration.
        start: First day of the measurement period.
        end: Last day, included.
        codes: Codes by name of value set or code list.
    """

    measure: QualityMeasure
    start: dt.date
    end: dt.date
    codes: Mapping[str, frozenset[str]]


class Evaluation:
    """The definitions of a measure, applied to one person; each is computed once.

    Args:
        question: What is asked.
        record: Of whom.
        counted: The encounter that is counted now, in a measure of encounters.
    """

    def __init__(self, question: Question, record: PersonRecord, counted: Event | None = None) -> None:
        self._asked = question
        self._record = record
        self._counted = counted
        self._events: dict[str, tuple[Event, ...]] = {}
        self._truths: dict[str, Truth] = {}

    def events(self, name: str) -> tuple[Event, ...]:
        """The events of a definition, by start; at most one if it picks."""
        if name not in self._events:
            self._events[name] = self._found(name)
        return self._events[name]

    def truth(self, rule: Rule) -> Truth:
        """Whether a rule holds; a name of events holds if there is one."""
        if isinstance(rule, str):
            return self._named(rule)
        if isinstance(rule, AgeRule):
            return self._age(rule.age)
        if isinstance(rule, DiedRule):
            died = self._record.died
            if died is None:
                return False
            return self._within(bounds_of(died, "day"), self._window(rule.died), "day", None, None)
        parts = (self.truth(part) for part in parts_of(rule))
        if isinstance(rule, AllRule):
            return every(parts)
        return some(parts) if isinstance(rule, AnyRule) else negated(some(parts))

    def holds(self, rule: Rule | None) -> bool:
        """Whether a rule is known to hold; a rule that is not given holds."""
        return rule is None or self.truth(rule) is True

    def day(self, edge: Edge) -> dt.date | None:
        """The day of an edge, if exactly one is possible."""
        found = self._edge(edge, "day", None, None)
        return found.low.date() if found is not None and found.low == found.high and found != FOREVER else None

    def _named(self, name: str) -> Truth:
        if name not in self._truths:
            one = self._asked.measure.definitions[name]
            self._truths[name] = bool(self.events(name)) if isinstance(one, Events) else self.truth(one.rule)
        return self._truths[name]

    def _age(self, age: Age) -> Truth:
        at = self._edge(age.at, "day", None, None)
        years = None if at is None else age_in_years(self._record.birth, at)
        if years is None:
            return None
        fewest, most = years
        lowest = age.at_least if age.at_least is not None else fewest
        highest = age.at_most if age.at_most is not None else most
        if lowest <= fewest and most <= highest:
            return True
        return False if most < lowest or fewest > highest else None

    def _found(self, name: str) -> tuple[Event, ...]:
        one = self._asked.measure.definitions[name]
        assert isinstance(one, Events)  # noqa: S101  # the declaration was validated
        kept = sorted((event for event in self._source(one) if self._fits(event, one)), key=_by_start)
        if one.pick == "first":
            return tuple(kept[:1])
        return tuple(kept[-1:]) if one.pick == "last" else tuple(kept)

    def _source(self, one: Events) -> list[Event]:
        if one.kind is None:
            return list(dict.fromkeys(event for name in one.among for event in self.events(name)))
        codes = self._codes(one.codes)
        return [event for event in self._record.events if event.kind == one.kind and not codes.isdisjoint(event.codes)]

    def _codes(self, names: tuple[str, ...]) -> frozenset[str]:
        if len(names) == 1:
            return self._asked.codes[names[0]]
        return frozenset().union(*(self._asked.codes[name] for name in names))

    def _fits(self, event: Event, one: Events) -> bool:
        return (
            (one.status is None or self._accepted(_one(event.status), one.status))
            and all(self._accepted(event.coded.get(name, frozenset()), rule) for name, rule in one.coded.items())
            and (one.value is None or self._value_fits(event, one.value))
            and all(self._timed(event, None, timing) is True for timing in one.when)
            and all(self._points_to(event, name, wanted) for name, wanted in one.points_to.items())
            and all(
                any(
                    every(self._timed(event, other, timing) for timing in having.that) is True
                    for other in self.events(having.definition)
                )
                for having in one.having
            )
        )

    def _accepted(self, found: frozenset[str], rule: OneOf) -> bool:
        if not found:
            return rule.missing
        if any(self._is_any(found, name) for name in rule.none_of):
            return False
        return rule.one_of is None or any(self._is_any(found, name) for name in rule.one_of)

    def _is_any(self, found: frozenset[str], name: str) -> bool:
        return not found.isdisjoint(self._asked.codes.get(name, (name,)))

    def _points_to(self, event: Event, name: str, wanted: str) -> bool:
        targets = event.points_to.get(name, frozenset())
        return bool(targets) and any(other.id in targets for other in self.events(wanted))

    def _value_fits(self, event: Event, value: Value) -> bool:
        if value.present and not event.has_value:
            return False
        if value.codes and self._codes(value.codes).isdisjoint(event.answers):
            return False
        limits = (value.above, value.at_least, value.at_most, value.below)
        if value.at_most_share_of is None and all(limit is None for limit in limits):
            return True
        number = event.number
        return number is not None and _in_limits(number, value) and self._share_fits(number, value)

    def _share_fits(self, number: float, value: Value) -> bool:
        share = value.at_most_share_of
        if share is None:
            return True
        first = next(iter(self.events(share.definition)), None)
        return first is not None and first.number is not None and number * 100 <= first.number * share.percent

    def _timed(self, event: Event, other: Event | None, timing: Timing) -> Truth:
        subject = event if timing.whose == "self" else other
        span = subject.times.get(timing.time) if subject is not None else None
        if span is None:
            return None
        by = timing.by
        window = self._window(timing.window)
        if timing.how == "starts":
            return self._within(start_of(span, by), window, by, event, other)
        if timing.how == "ends":
            return self._within(end_of(span, by), window, by, event, other)
        since, until = self._sides(window, by, event, other)
        if timing.how == "during":
            inside = (self._within(start_of(span, by), window, by, event, other),)
            return every((*inside, self._within(end_of(span, by), window, by, event, other)))
        begins = True if until is None else (before if window.before else not_after)(start_of(span, by), until)
        lasts = True if since is None else (before if window.after else not_after)(since, end_of(span, by))
        return every((begins, lasts))

    def _within(self, time: Bounds, window: Window, by: Precision, event: Event | None, other: Event | None) -> Truth:
        since, until = self._sides(window, by, event, other)
        late_enough = True if since is None else (before if window.after else not_after)(since, time)
        early_enough = True if until is None else (before if window.before else not_after)(time, until)
        return every((late_enough, early_enough))

    def _window(self, window: str | Window) -> Window:
        return self._asked.measure.windows[window] if isinstance(window, str) else window

    def _sides(
        self, window: Window, by: Precision, event: Event | None, other: Event | None
    ) -> tuple[Bounds | None, Bounds | None]:
        """The edges of a window; None where it is open."""
        since, until = window.since or window.after, window.to or window.before
        return (
            None if since is None else self._edge(since, by, event, other) or UNKNOWN,
            None if until is None else self._edge(until, by, event, other) or UNKNOWN,
        )

    def _edge(self, edge: Edge, by: Precision, event: Event | None, other: Event | None) -> Bounds | None:
        """What is known of an edge; None if there is nothing that it could be taken of."""
        if edge.of == "period":
            day = self._asked.start if edge.at == "start" else self._asked.end
            found = day_bounds(day, by=by, at=edge.at)
        else:
            anchor = self._anchor(edge.of, event, other)
            if anchor is None:
                return None
            span = anchor.times.get(edge.time, _UNKNOWN_TIME)
            found = start_of(span, by) if edge.at == "start" else end_of(span, by)
        return found.moved(edge.months, edge.days) if edge.moved else found

    def _anchor(self, of: str, event: Event | None, other: Event | None) -> Event | None:
        if of == "self":
            return event
        if of == "match":
            return other
        return self._counted if of == "counted" else next(iter(self.events(of)), None)


def _one(status: str | None) -> frozenset[str]:
    return frozenset() if status is None else frozenset((status,))


def _in_limits(number: float, value: Value) -> bool:
    return (
        (value.above is None or number > value.above)
        and (value.at_least is None or number >= value.at_least)
        and (value.at_most is None or number <= value.at_most)
        and (value.below is None or number < value.below)
    )


def _by_start(event: Event) -> tuple[dt.datetime, dt.datetime, str]:
    """Earliest first; of two at one time, the one that was issued first, and then any, but always the same."""
    when = start_of(event.times.get("when", _UNKNOWN_TIME), "exact").low
    return when, start_of(event.times.get("issued", _UNKNOWN_TIME), "exact").low, event.id
