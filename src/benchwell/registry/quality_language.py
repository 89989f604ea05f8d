"""The words in which official quality measures are declared: events, windows, picks, ages and logic.

Times are compared by day, in UTC, unless `by: exact` is said. What is not known is not true (CQL's three values): a
time of which only the year was written is certain about nothing within that year.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from benchwell.registry.declaration import Model

Kind = Literal["condition", "encounter", "observation", "procedure", "service-request", "medication-request"]
Time = Literal["when", "authored", "issued", "recorded"]

# Whose time an edge is: of the measurement period, of the event itself, of the event that it is matched with, of the
# encounter that is counted, or of an event that a definition picked.
WORDS_OF_TIME = frozenset({"period", "self", "match", "counted"})


class Edge(Model):
    """A day: an anchor's start or end, moved by calendar months and then by days.

    The last day of a month stays within the month: 29 February plus 12 months is 28 February.
    """

    of: str
    at: Literal["start", "end"] = "start"
    time: Time = "when"
    months: int = 0
    days: int = 0

    @property
    def moved(self) -> bool:
        """Whether it lies elsewhere than its anchor."""
        return self.months != 0 or self.days != 0


class Window(Model):
    """From one edge to another, both included unless an edge says otherwise; open where none is given."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    since: Edge | None = Field(default=None, alias="from")
    after: Edge | None = None  # not included
    to: Edge | None = None
    before: Edge | None = None  # not included

    @model_validator(mode="after")
    def _one_of_each(self) -> Self:
        if self.since is not None and self.after is not None:
            raise ValueError("a window begins with `from` or `after`, not both")
        if self.to is not None and self.before is not None:
            raise ValueError("a window ends with `to` or `before`, not both")
        if not self.edges:
            raise ValueError("a window needs an edge")
        return self

    @property
    def edges(self) -> tuple[Edge, ...]:
        """The edges that are given."""
        return tuple(edge for edge in (self.since, self.after, self.to, self.before) if edge is not None)


class Timing(Model):
    """How a time lies to a window.

    `starts` and `ends`: that edge lies in the window. `during`: both do. `overlaps`: at least a moment is shared.
    """

    how: Literal["starts", "ends", "during", "overlaps"]
    window: str | Window  # the name of a declared window, or one of its own
    whose: Literal["self", "match"] = "self"
    time: Time = "when"
    by: Literal["day", "exact"] = "day"

    @model_validator(mode="after")
    def _days_are_moved_by_day(self) -> Self:
        if self.by == "exact" and isinstance(self.window, Window) and any(edge.moved for edge in self.window.edges):
            raise ValueError("an edge that is moved is a day: compare it by day")
        return self


class Having(Model):
    """Another event must exist, of a definition above this one, so that all of these times hold."""

    definition: str
    that: tuple[Timing, ...] = Field(min_length=1)


class OneOf(Model):
    """A coded fact: what is accepted, what is refused, and whether it may be missing."""

    one_of: tuple[str, ...] | None = None  # codes of a small list, or names of value sets and code lists
    none_of: tuple[str, ...] = ()
    missing: bool = False  # whether it passes if nothing is said

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.one_of is None and not self.none_of:
            raise ValueError("say one_of or none_of")
        return self


class ShareOf(Model):
    """At most this many percent of the value of an event that a definition above picked."""

    definition: str
    percent: int = Field(ge=0, le=100)


class Value(Model):
    """What the value must be. A value with a comparator (`< 5`) is not a number here."""

    above: float | None = None
    at_least: float | None = None
    at_most: float | None = None
    below: float | None = None
    codes: tuple[str, ...] = ()  # names of value sets or code lists
    present: bool = False
    at_most_share_of: ShareOf | None = None


class Events(Model):
    """Events of a person that meet every criterion named; a pick leaves at most one.

    They come either from the record (`kind` and `codes`) or from definitions above (`among`, all of them together).
    """

    title: str
    kind: Kind | None = None
    codes: tuple[str, ...] = ()  # names of value sets or code lists
    among: tuple[str, ...] = ()
    status: OneOf | None = None
    coded: dict[str, OneOf] = Field(default_factory=dict)
    points_to: dict[str, str] = Field(default_factory=dict)  # reference by name -> definition that must hold it
    value: Value | None = None
    when: tuple[Timing, ...] = ()
    having: tuple[Having, ...] = ()
    pick: Literal["first", "last"] | None = None  # by start

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.kind is None) == (not self.among):
            raise ValueError("events come from the record (`kind`) or from definitions above (`among`)")
        if (self.kind is None) != (not self.codes):
            raise ValueError("`kind` and `codes` belong together")
        return self

    @property
    def windows(self) -> tuple[str | Window, ...]:
        """Every window that is used."""
        timings = (*self.when, *(timing for one in self.having for timing in one.that))
        return tuple(timing.window for timing in timings)

    @property
    def definitions(self) -> tuple[str, ...]:
        """Definitions that it rests on, apart from anchors of windows."""
        share = self.value.at_most_share_of if self.value is not None else None
        others = () if share is None else (share.definition,)
        return (*self.among, *self.points_to.values(), *(one.definition for one in self.having), *others)

    @property
    def code_names(self) -> tuple[str, ...]:
        """Names of value sets and code lists in use, apart from those in `coded`."""
        return (*self.codes, *(self.value.codes if self.value is not None else ()))


class Age(Model):
    """Whole years of age on a day."""

    at: Edge
    at_least: int | None = None
    at_most: int | None = None


class AgeRule(Model):
    """True if the age lies within the limits, both included."""

    age: Age


class DiedRule(Model):
    """True if the person died within the window; the bare fact of death says nothing about when."""

    died: str | Window


class AllRule(Model):
    """True if every part is."""

    all: tuple[Rule, ...] = Field(min_length=1)


class AnyRule(Model):
    """True if at least one part is."""

    any: tuple[Rule, ...] = Field(min_length=1)


class NoneRule(Model):
    """True if no part is."""

    none: tuple[Rule, ...] = Field(min_length=1)


# A string names a definition: events (true if there is one) or another rule.
Rule = Annotated[str | AgeRule | DiedRule | AllRule | AnyRule | NoneRule, Field(union_mode="smart")]


class Criterion(Model):
    """A rule with a name, so that others can refer to it and a person's result can say which one held."""

    title: str
    rule: Rule


for _model in (AllRule, AnyRule, NoneRule, Criterion):
    _model.model_rebuild()
