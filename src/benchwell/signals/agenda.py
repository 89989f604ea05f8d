"""What a team could talk about: one strength, one puzzle, one question of equity, chosen by rules that are told.

Nothing is computed here: rules look, in the order in which they stand, at what comparisons, run charts, views of
adjustment and levels of an edition say already. Each ends in questions, since the answers are the team's. No person and
no clinician is named.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from benchwell.i18n import N_, _
from benchwell.registry.measure import Measure
from benchwell.signals.compare import compare
from benchwell.signals.comparison import Comparison
from benchwell.signals.four_views import FourViews, four_views
from benchwell.signals.reading import EditionSource, OneMeasure, organization_name
from benchwell.signals.run_chart import RunChart, run_chart
from benchwell.signals.sentence import Sentence, sentence
from benchwell.signals.strata_view import Level, StrataView, strata_views
from benchwell.terms import Better, Light

Kind = Literal["strength", "puzzle", "equity"]
# What these tell apart is illness and care, not people: a difference is expected, and no question of equity by itself.
_NOT_PEOPLE = frozenset({"severity_band", "baseline", "therapy", "format", "mode", "condition"})
FOLLOWED_WELL = 0.70  # completion from which a figure is for others too (METHODS M1.4)


@dataclass(frozen=True)
class Topic:
    """One point of the agenda.

    Attributes:
        kind: strength, puzzle or equity.
        rule: Which rule chose it; a key of `WHY`.
        measure: Id of the measure; None where no figure speaks of it.
        variable: By which variable, for equity.
        title: What it is about.
        finding: What the figures say.
        why: Why this one was chosen, in words.
        questions: For the team.
    """

    kind: Kind
    rule: str
    measure: str | None
    variable: str | None
    title: str
    finding: str
    why: str
    questions: tuple[str, ...]


WHY: dict[str, str] = {
    "stands_out_above": N_("It is more favorable than the others, also after counting every comparison that was made."),
    "above": N_("It is clearly more favorable than the benchmark."),
    "trend_better": N_("It has moved in the better direction, beyond its usual ups and downs."),
    "followed_well": N_("Of all measures it is the one with the most complete follow-up."),
    "no_strength": N_("No figure is clearly more favorable yet; that says nothing about your work."),
    "stands_out_below": N_("It is different from expected, also after counting every comparison that was made."),
    "below": N_("It is clearly less favorable than the benchmark."),
    "trend_harder": N_("It has moved away from the better direction, beyond its usual ups and downs."),
    "views_differ": N_("What it says depends on whom one allows for: the views of adjustment differ."),
    "answers_differ": N_("What it says depends on the people without a follow-up score."),
    "follow_up": N_("Too few people have a follow-up score for it to say anything."),
    "no_puzzle": N_("No figure is different from expected."),
    "group_apart": N_("One group fares differently from all together, by more than chance explains."),
    "group_unseen": N_("Some groups are too small to be shown: what happens to them is not seen."),
    "no_gap": N_("No group differs clearly; with few people that does not mean that there is no difference."),
    "no_groups": N_("Nothing is recorded by which people could be told apart in groups."),
}
_QUESTIONS: dict[Kind, tuple[str, ...]] = {
    "strength": (
        N_("What do we do here that we would not want to lose?"),
        N_("For whom does it go well, and for whom less?"),
        N_("What of it could others try?"),
    ),
    "puzzle": (
        N_("What could explain this, apart from our work: whom we see, who answers, chance?"),
        N_("What would we expect to see in the figures if our explanation were right?"),
        N_("Which one small change could we try, and on what would we see it?"),
    ),
    "equity": (
        N_("Who is in these groups, and who is missing from them?"),
        N_("Does care itself differ between them: waiting, language, hours, who stays?"),
        N_("Whom could we ask about it, rather than guess?"),
    ),
}


class _Case:
    """What the rules look at for one measure; each part is made when the first rule asks for it."""

    def __init__(
        self, edition: EditionSource, organization: str, measure: Measure, skip: Callable[[str], bool]
    ) -> None:
        self._edition, self._organization, self.measure = OneMeasure.of(edition, measure.id), organization, measure
        self._skip = skip

    @cached_property
    def comparison(self) -> Comparison:
        return compare(self._edition, self._organization, self.measure)

    @cached_property
    def trend(self) -> RunChart:
        return run_chart(self._edition, self._organization, self.measure)

    @cached_property
    def views(self) -> FourViews:
        return four_views(self._edition, self.measure, self._organization)

    @cached_property
    def strata(self) -> tuple[StrataView, ...]:
        found = strata_views(self._edition, self._organization, self.measure)
        return tuple(one for one in found if one.variable not in _NOT_PEOPLE and not self._skip(one.variable))

    @property
    def name(self) -> str:
        return organization_name(self._edition, self._organization)

    @property
    def moved(self) -> Light | None:
        """To which side the newest figure left its usual range; None if it did not."""
        known = [point for point in self.trend.points if point.value is not None]
        if not known or not known[-1].signal or self.trend.center is None or known[-1].value is None:
            return None
        higher = known[-1].value > self.trend.center
        return Light.ABOVE if higher == (self.measure.better is Better.HIGHER) else Light.BELOW


_Rule = tuple[str, Callable[[_Case], bool]]
_STRENGTHS: tuple[_Rule, ...] = (
    ("stands_out_above", lambda case: case.comparison.light is Light.ABOVE and case.comparison.stands_out is True),
    ("above", lambda case: case.comparison.light is Light.ABOVE),
    ("trend_better", lambda case: case.moved is Light.ABOVE),
)
_PUZZLES: tuple[_Rule, ...] = (
    ("stands_out_below", lambda case: case.comparison.light is Light.BELOW and case.comparison.stands_out is True),
    ("below", lambda case: case.comparison.light is Light.BELOW),
    ("trend_harder", lambda case: case.moved is Light.BELOW),
    ("views_differ", lambda case: any(one.state_before is not one.state_after for one in case.views.own_changes)),
    ("answers_differ", lambda case: case.comparison.deciding == "missing_data"),
    ("follow_up", lambda case: case.comparison.deciding in ("follow_up", "follow_up_gap", "nobody_followed")),
)


def agenda(
    edition: EditionSource,
    organization_id: str,
    measures: Sequence[Measure],
    *,
    skip: Callable[[str], bool] | None = None,
) -> tuple[Topic, Topic, Topic]:
    """One strength, one puzzle, one question of equity. The same edition gives the same three.

    Args:
        edition: The edition; nothing else is read.
        organization_id: Whose figures.
        measures: Which measures to look at, in the order in which they are preferred.
        skip: Variables whose levels are not to be looked at, such as who treats.
    """
    left_out = skip or (lambda _variable: False)
    cases = [_Case(edition, organization_id, measure, left_out) for measure in measures]
    strength = _strength(cases)
    # What is a strength by its figure is no puzzle too; by its follow-up it may well be.
    taken = None if strength.rule == "followed_well" else strength.measure
    others = [case for case in cases if case.measure.id != taken] or cases
    return strength, _puzzle(others), _equity(cases)


def _first(cases: Sequence[_Case], rules: Sequence[_Rule]) -> tuple[str, _Case] | None:
    return next(((name, case) for name, holds in rules for case in cases if holds(case)), None)


def _strength(cases: Sequence[_Case]) -> Topic:
    found = _first(cases, _STRENGTHS)
    if found is not None:
        return _figure("strength", *found)
    followed = [
        case for case in cases if (case.comparison.figures.completion or 0) >= FOLLOWED_WELL and _has_figure(case)
    ]
    if followed:
        most = max(followed, key=lambda case: case.comparison.figures.completion or 0)
        finding = f"{_(most.measure.title)}: {sentence(most.comparison).people}"
        return _topic("strength", "followed_well", _("Follow-up"), finding, most)
    return _topic("strength", "no_strength", _("A strength that no figure shows"), "")


def _puzzle(cases: Sequence[_Case]) -> Topic:
    found = _first(cases, _PUZZLES)
    if found is not None:
        return _figure("puzzle", *found)
    return _topic("puzzle", "no_puzzle", _("Something that no figure shows"), "")


def _equity(cases: Sequence[_Case]) -> Topic:
    for rule, places in (
        ("group_apart", _apart(cases)),
        ("group_unseen", _unseen(cases)),
        ("no_gap", ((case, view) for case in cases for view in case.strata)),
    ):
        found = next(iter(places), None)
        if found is not None:
            case, view = found
            finding = f"{view.title}. {view.unseen}".rstrip()  # the figures stand in the picture and its table
            return _topic("equity", rule, _(view.measure.title), finding, case, view.variable)
    return _topic("equity", "no_groups", _("Whom do we not see"), "")


def _apart(cases: Sequence[_Case]) -> Iterator[tuple[_Case, StrataView]]:
    """Views with a level whose interval leaves out the own common figure: less favorable ones first."""
    places = [(case, view) for case in cases for view in case.strata]
    for wanted in (Light.BELOW, Light.ABOVE):
        yield from ((case, view) for case, view in places if any(_side(one, view) is wanted for one in view.levels))


def _side(level: Level, view: StrataView) -> Light:
    if view.common is None or level.value is None or level.lower is None or level.upper is None:
        return Light.UNKNOWN
    if level.lower <= view.common <= level.upper:
        return Light.CLOSE
    return Light.ABOVE if (level.value > view.common) == (view.measure.better is Better.HIGHER) else Light.BELOW


def _unseen(cases: Sequence[_Case]) -> Iterator[tuple[_Case, StrataView]]:
    return ((case, view) for case in cases for view in case.strata if any(one.value is None for one in view.levels))


def _has_figure(case: _Case) -> bool:
    return case.comparison.status == "ok" and case.comparison.figures.estimate.value is not None


def _figure(kind: Kind, rule: str, case: _Case) -> Topic:
    finding = _said(sentence(case.comparison))
    if rule.startswith("trend"):
        finding = f"{case.trend.title}. {finding}"
    if rule == "views_differ":
        finding = f"{case.views.title}. {finding}"
    return _topic(kind, rule, _(case.measure.title), finding, case)


def _said(said: Sentence) -> str:
    """The sentence without its title, which stands above it, and without advice: a circle has questions."""
    value = " ".join(part for part in (said.figure, said.interval) if part)
    return " ".join(part for part in (f"{value}, {said.direction}.", said.people, said.benchmark, said.verdict) if part)


def _topic(
    kind: Kind, rule: str, title: str, finding: str, case: _Case | None = None, variable: str | None = None
) -> Topic:
    questions = tuple(_(one) for one in _QUESTIONS[kind])
    measure = None if case is None else case.measure.id
    return Topic(kind, rule, measure, variable, title, finding, _(WHY[rule]), questions)
