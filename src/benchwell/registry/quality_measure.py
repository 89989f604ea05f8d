"""An official quality measure as a declaration: who is counted, who is left out, and who met it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from benchwell.registry.declaration import Declaration, Fact, Model
from benchwell.registry.quality_language import (
    WORDS_OF_TIME,
    AgeRule,
    AllRule,
    AnyRule,
    Criterion,
    DiedRule,
    Edge,
    Events,
    NoneRule,
    Rule,
    Window,
)
from benchwell.terms import Better


class Official(Model):
    """What the measure is aligned with. We never say more than that."""

    name: str
    version: str
    url: str
    steward: str
    identifiers: dict[str, str] = Field(default_factory=dict)  # CMS, CBE, MIPS, HEDIS …
    copyright: str | None = None


class NeededValueSet(Model):
    """A value set that whoever runs the measure must load."""

    title: str
    oid: str
    version: str | None = None  # the one that the official measure names
    codes: int | None = None  # how many it then has; fewer means that the expansion was cut


class Stratum(Model):
    """A part of the initial population. The strata of a measure add up to all of it."""

    id: str
    title: str
    rule: Rule


class Populations(Model):
    """The populations, as rules over definitions."""

    initial: Rule
    denominator: Rule | None = None  # null: the initial population
    exclusions: tuple[str, ...] = ()  # any of these definitions leaves a person out
    numerator: Rule
    exceptions: tuple[str, ...] = ()  # any of these, only if the numerator is not met
    assessed: Rule | None = None  # whether there is a value that could have met the numerator


class QualityMeasure(Declaration):
    """An official measure in our language. Every definition may use only those above it."""

    TEXT_FIELDS: ClassVar[frozenset[str]] = Declaration.TEXT_FIELDS | {"aligned_with"}

    official: Official
    aligned_with: str  # the sentence under which figures may be shown
    better: Better
    basis: Literal["patient", "encounter"] = "patient"
    counted: str | None = None  # the encounters that are counted, in a measure of encounters
    value_sets: dict[str, NeededValueSet] = Field(default_factory=dict)
    codes: dict[str, tuple[str, ...]] = Field(default_factory=dict)  # lists of single codes, `system|code`
    windows: dict[str, Window] = Field(default_factory=dict)
    definitions: dict[str, Events | Criterion]
    populations: Populations
    strata: tuple[Stratum, ...] = ()
    supplemental: tuple[Literal["race", "ethnicity", "payer", "sex"], ...] = ("race", "ethnicity", "payer", "sex")
    dates: dict[str, Edge] = Field(default_factory=dict)  # days worth telling of a person, such as `index`
    facts: dict[str, Fact] = Field(default_factory=dict)

    @property
    def version(self) -> str:
        """The official version that it is aligned with."""
        return self.official.version

    @property
    def url(self) -> str:
        """The official canonical address."""
        return self.official.url

    def claim(self, *, whole: bool) -> str:
        """The sentence under which figures may be shown.

        Args:
            whole: Whether every value set that was loaded holds as many codes as the official one.
        """
        if whole:
            return self.aligned_with.strip()
        return (
            f"Not {self.official.name}: its rules were followed, but value sets were loaded that hold fewer "
            "codes than the official ones. For tests of the rules, not for figures about care."
        )

    @property
    def has_exceptions(self) -> bool:
        """Whether exceptions belong to the measure."""
        return bool(self.populations.exceptions)

    @property
    def has_exclusions(self) -> bool:
        """Whether exclusions belong to the measure."""
        return bool(self.populations.exclusions)

    @model_validator(mode="after")
    def _everything_is_declared(self) -> Self:
        problems = list(dict.fromkeys(self._problems()))
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def _problems(self) -> Iterator[str]:
        both = set(self.value_sets) & set(self.codes)
        yield from (f"{name!r} is both a value set and a list of codes" for name in sorted(both))
        for name, window in self.windows.items():
            yield from self._unknown_anchors(window, f"window {name}", set(self.definitions), in_events=False)
        above: set[str] = set()
        for name, one in self.definitions.items():
            if isinstance(one, Events):
                yield from self._events_problems(name, one, above)
            else:
                yield from self._rule_problems(one.rule, f"definition {name}", above)
            above.add(name)
        yield from self._population_problems(above)

    def _events_problems(self, name: str, one: Events, above: set[str]) -> Iterator[str]:
        where = f"definition {name}"
        for wanted in one.code_names:
            if wanted not in self.value_sets and wanted not in self.codes:
                yield f"{where}: no value set or list of codes {wanted!r}"
        for wanted in one.definitions:
            if wanted not in above:
                yield f"{where}: no definition {wanted!r} above it"
            elif not isinstance(self.definitions[wanted], Events):
                yield f"{where}: {wanted!r} is a rule, not events"
        for window in one.windows:
            if isinstance(window, Window):
                yield from self._unknown_anchors(window, where, above, in_events=True)
            elif window not in self.windows:
                yield f"{where}: no window {window!r}"
            else:
                yield from self._unknown_anchors(self.windows[window], where, above, in_events=True)

    def _rule_problems(self, rule: Rule, where: str, above: set[str]) -> Iterator[str]:
        if isinstance(rule, str):
            if rule not in above:
                yield f"{where}: no definition {rule!r} above it"
        elif isinstance(rule, AgeRule):
            yield from self._unknown_anchor(rule.age.at, where, above, in_events=False)
        elif isinstance(rule, DiedRule):
            if isinstance(rule.died, Window):
                yield from self._unknown_anchors(rule.died, where, above, in_events=False)
            elif rule.died not in self.windows:
                yield f"{where}: no window {rule.died!r}"
        else:
            for part in parts_of(rule):
                yield from self._rule_problems(part, where, above)

    def _unknown_anchors(self, window: Window, where: str, above: set[str], *, in_events: bool) -> Iterator[str]:
        for edge in window.edges:
            yield from self._unknown_anchor(edge, where, above, in_events=in_events)

    def _unknown_anchor(self, edge: Edge, where: str, above: set[str], *, in_events: bool) -> Iterator[str]:
        if edge.of in ("self", "match") and not in_events:
            yield f"{where}: {edge.of!r} means something only within events"
        elif edge.of == "counted" and self.counted is None:
            yield f"{where}: nothing is counted but people"
        elif edge.of not in WORDS_OF_TIME:
            anchor = self.definitions.get(edge.of) if edge.of in above else None
            if not isinstance(anchor, Events) or anchor.pick is None:
                yield f"{where}: a time is taken of {edge.of!r}, which is not one picked event above it"

    def _population_problems(self, above: set[str]) -> Iterator[str]:
        if (self.basis == "encounter") != (self.counted is not None):
            yield "a measure of encounters, and no other, says which encounters are `counted`"
        if self.counted is not None and not isinstance(self.definitions.get(self.counted), Events):
            yield f"no events {self.counted!r} to count"
        groups = self.populations
        for rule in (groups.initial, groups.denominator, groups.numerator, groups.assessed):
            if rule is not None:
                yield from self._rule_problems(rule, "populations", above)
        for name in (*groups.exclusions, *groups.exceptions):
            yield from self._rule_problems(name, "populations", above)
        for stratum in self.strata:
            yield from self._rule_problems(stratum.rule, f"stratum {stratum.id}", above)
        for name, edge in self.dates.items():
            yield from self._unknown_anchor(edge, f"date {name}", above, in_events=False)


def parts_of(rule: AllRule | AnyRule | NoneRule) -> tuple[Rule, ...]:
    """What a rule combines."""
    if isinstance(rule, AllRule):
        return rule.all
    return rule.any if isinstance(rule, AnyRule) else rule.none
