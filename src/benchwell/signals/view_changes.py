"""Who changes state from one view to the next, and why: the reason that adjustments are shown side by side (M3.1).

A reason is claimed only where the figure moves in the direction of the change and by enough to matter. Elsewhere a
state changes because one can be more or less sure, and that is what is said.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchwell.i18n import N_, _
from benchwell.registry.measure import Measure
from benchwell.signals.adjustment_words import TITLES, because, once_taken, state_words, steps
from benchwell.signals.one_view import OwnView, View
from benchwell.signals.words import count, figure_of, uncapital
from benchwell.terms import Adjustment, Better, Light

_ORDER = {Light.BELOW: -1, Light.UNKNOWN: 0, Light.CLOSE: 0, Light.ABOVE: 1}
# What kept the view that is left grey, in a few words; its whole text stands under the light of that view.
_KEPT_GREY = {
    "follow_up": N_("too few people had a follow-up score"),
    "follow_up_gap": N_("follow-up differed too much from that of the comparison"),
    "reliability": N_("too much of the difference between clinics was chance"),
    "missing_data": N_("the answers to missing follow-up disagreed"),
    "usual_spread": N_("the difference lay within the usual spread between clinics"),
    "events": N_("no event was recorded"),
}


@dataclass(frozen=True)
class Transition:
    """Organizations whose state changes from one view to the next.

    Attributes:
        before: The view left.
        after: The view reached.
        state_before: State in the first.
        state_after: State in the second.
        n: How many organizations.
        organizations: Their ids, where the view may name them; else empty.
        text: In words.
    """

    before: Adjustment
    after: Adjustment
    state_before: Light
    state_after: Light
    n: int
    organizations: tuple[str, ...]
    text: str


@dataclass(frozen=True)
class OwnChange:
    """What a further adjustment does to one organization's state.

    Attributes:
        before: The view left.
        after: The view reached.
        state_before: State that probability alone gives, before the gates, in the first.
        state_after: The same in the second.
        light_before: State after all gates in the first.
        light_after: The same in the second.
        moved: By how much the distance from the benchmark changes, toward the favorable side; unit of the figure.
        changes: Whether either state changes.
        text: In words.
        heading: The same without the reason of a change that only the light makes, for a heading.
    """

    before: Adjustment
    after: Adjustment
    state_before: Light
    state_after: Light
    light_before: Light
    light_after: Light
    moved: float | None
    changes: bool
    text: str
    heading: str


def own_changes(measure: Measure, views: Sequence[View]) -> tuple[OwnChange, ...]:
    """What each further adjustment does to one organization's state, for the views in which it has a figure.

    Args:
        measure: Its margin and direction.
        views: The views, with the organization's own figures.
    """
    own = {one.adjustment: one.own for one in views if one.own is not None}
    found = []
    for before, after in steps(list(own)):
        first, second = own[before], own[after]
        if first is None or second is None:
            continue
        moved = _moved(measure, first, second)
        changes = first.comparison.verdict is not second.comparison.verdict or first.light is not second.light
        text = _change_text(measure, before, after, first, second, moved)
        by_gate = first.comparison.verdict is second.comparison.verdict and changes
        found.append(
            OwnChange(
                before=before,
                after=after,
                state_before=first.comparison.verdict,
                state_after=second.comparison.verdict,
                light_before=first.light,
                light_after=second.light,
                moved=moved,
                changes=changes,
                text=text,
                heading=_light_change(measure, first, second) if by_gate else text.rstrip("."),
            )
        )
    return tuple(found)


def _moved(measure: Measure, first: OwnView, second: OwnView) -> float | None:
    gaps = []
    for one in (first, second):
        if one.figure.value is None or one.benchmark is None or one.benchmark.value is None:
            return None
        gaps.append(one.figure.value - one.benchmark.value)
    sign = 1.0 if measure.better is Better.HIGHER else -1.0
    return (gaps[1] - gaps[0]) * sign


def _change_text(
    measure: Measure, before: Adjustment, after: Adjustment, first: OwnView, second: OwnView, moved: float | None
) -> str:
    figure = figure_of(measure)
    why = because(before, after)
    start, end = first.comparison.verdict, second.comparison.verdict
    figures = _("{first} becomes {second}").format(
        first=figure.text(first.figure.value), second=figure.text(second.figure.value)
    )
    if start is end:
        if first.light is second.light:
            return _("The state stays the same ({figures}).").format(figures=figures)
        return f"{_light_change(measure, first, second)}: {_by_gate(before, first, second)} ({figures})."
    said = _("From {before} to {after}").format(
        before=state_words(start, measure.better), after=state_words(end, measure.better)
    )
    step = _ORDER[end] - _ORDER[start]
    if moved is None or step * moved <= 0 or abs(moved) < measure.light_margin / 2:
        sure = _("this rests on how sure one can be, not on a move of the figure")
        return f"{said}: {sure} ({figures})."
    return f"{said} {why} ({figures})."


def _light_change(measure: Measure, first: OwnView, second: OwnView) -> str:
    start, end = (state_words(one.light, measure.better) for one in (first, second))
    return _("The light goes from {before} to {after}").format(before=start, after=end)


def _by_gate(before: Adjustment, first: OwnView, second: OwnView) -> str:
    """Why a light changes while its state does not: in one of the two views a check keeps it grey."""
    if second.gate is not None:
        return second.gate.text
    why = _KEPT_GREY.get(first.gate.name if first.gate is not None else "", N_("a check was not passed"))
    return _("{view}, it was cannot tell yet because {why}; here no check keeps it grey").format(
        view=uncapital(_(TITLES[before])), why=_(why)
    )


def transitions(
    measure: Measure, bands: Mapping[Adjustment, Mapping[str, Light]], *, named: bool
) -> tuple[Transition, ...]:
    """How many organizations go from which state to which, from each view to the next.

    Args:
        measure: Its direction.
        bands: State of each organization in each view.
        named: Whether their ids may be told.
    """
    found = []
    for before, after in steps(list(bands)):
        first, second = bands[before], bands[after]
        moves: dict[tuple[Light, Light], list[str]] = {}
        for organization in sorted(set(first) & set(second)):
            if first[organization] is not second[organization]:
                moves.setdefault((first[organization], second[organization]), []).append(organization)
        for (start, end), who in sorted(moves.items()):
            words = _("{clinics}: from {before} to {after} {once}.").format(
                clinics=count(len(who), "clinic"),
                before=state_words(start, measure.better),
                after=state_words(end, measure.better),
                once=once_taken(before, after),
            )
            found.append(Transition(before, after, start, end, len(who), tuple(who) if named else (), words))
    return tuple(found)
