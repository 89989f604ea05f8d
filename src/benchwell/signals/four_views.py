"""One figure under every adjustment, side by side, and who changes state between them (METHODS M3.1).

The views answer different questions, and none of them is the true one: the unadjusted figure is what people
experienced, the clinical one compares clinics with like patients, the one with social risk shows how much of a
difference goes along with hardship, and the levels within the clinic show whom it serves less well.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchwell.errors import EditionError
from benchwell.registry.measure import Measure
from benchwell.signals.adjustment_words import TAKEN, TITLES, because, once_taken, refusal_words, state_words, steps
from benchwell.signals.casemix_model import ModelBehind, declared_views, model_behind, why_no_views
from benchwell.signals.compare import compare
from benchwell.signals.comparison import Comparison, Estimate
from benchwell.signals.gates import Gate
from benchwell.signals.peers import has_figure
from benchwell.signals.plain import plain
from benchwell.signals.reading import ALL, EditionSource, OneMeasure, Row, measure_of, organization_name, rows
from benchwell.signals.strata_view import StrataView, strata_views
from benchwell.signals.words import capital, count, direction, figure_of
from benchwell.terms import Adjustment, BenchmarkKind, Better, Light

_BEFORE_GATES = (
    "These states are by probability alone: a colour must also pass the gates on missing data, reliability and the "
    "usual spread between clinics."
)


@dataclass(frozen=True)
class OwnView:
    """One organization's figure in one view.

    Attributes:
        figure: The figure on the primary denominator.
        n_eligible: People eligible.
        n_followed: Of them, followed up.
        completion: Followed over eligible.
        expected: What the model expects of an average clinic with these people; None in the unadjusted view.
        benchmark: The figure of the others in the same view.
        band: The state before the gates about missing data, reliability and usual spread; None without a figure.
        light: The state after all gates.
        gate: The gate that decided; None if the light has a colour.
        comparison: The whole comparison.
    """

    figure: Estimate
    n_eligible: int | None
    n_followed: int | None
    completion: float | None
    expected: float | None
    benchmark: Estimate | None
    band: Light | None
    light: Light
    gate: Gate | None
    comparison: Comparison


@dataclass(frozen=True)
class View:
    """One view of a measure.

    Attributes:
        adjustment: Which.
        title: Its name in words.
        taken: What is taken into account, in words.
        missing: Why there is no figure, in words; "" if there is one.
        n_organizations: Organizations with a figure in it.
        reference: The figure of all organizations together.
        bands: How many organizations are in which state, before the gates that a colour must pass as well.
        model: The model behind it; None for the unadjusted view.
        own: The one organization's figure; None where none is asked for, or it has none.
        own_missing: Why it has none, in words; "" if it has.
    """

    adjustment: Adjustment
    title: str
    taken: str
    missing: str
    n_organizations: int
    reference: float | None
    bands: Mapping[Light, int]
    model: ModelBehind | None
    own: OwnView | None
    own_missing: str

    @property
    def ok(self) -> bool:
        """Whether the edition has this view."""
        return not self.missing


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


@dataclass(frozen=True)
class FourViews:
    """A measure under every adjustment.

    Attributes:
        measure: The measure.
        edition: Id of the edition.
        organization_id: Whose figures are marked; None for the whole measure.
        name: What it is called.
        views: Unadjusted first; also those that the edition could not make, with the reason.
        strata: The fourth view: levels within the clinic, beside the common figure.
        own_changes: Step by step, what each adjustment does to this organization's state.
        transitions: The same over all organizations, as counts; ids only where they may be named.
        n_changing: Organizations whose state is not the same in all views.
        n_compared: Organizations with a state in at least two views.
        title: The finding in one sentence.
        text: The same with figures, for those who cannot see the table.
        note: Why there are no adjusted views at all; "" if there are.
    """

    measure: Measure
    edition: str
    organization_id: str | None
    name: str | None
    views: tuple[View, ...]
    strata: tuple[StrataView, ...]
    own_changes: tuple[OwnChange, ...]
    transitions: tuple[Transition, ...]
    n_changing: int
    n_compared: int
    title: str
    text: str
    note: str

    def to_dict(self) -> dict[str, Any]:
        """Plain data, for `--json`; each own figure with its whole comparison."""
        found: dict[str, Any] = plain(self)
        for view, made in zip(self.views, found["views"], strict=True):
            if view.own is not None:
                made["own"]["comparison"] = view.own.comparison.to_dict()
        return found

    @property
    def lines(self) -> tuple[str, ...]:
        """One line for each view, and one for each way in which organizations change state; no names."""
        figure, better = figure_of(self.measure), self.measure.better
        found = []
        for view in self.views:
            if view.missing:
                found.append(f"{view.title}: no figure, {view.missing}.")
                continue
            states = [
                f"{view.bands[state]:,} {state_words(state, better).partition(',')[0].partition(';')[0]}"
                for state in (Light.ABOVE, Light.CLOSE, Light.BELOW, Light.UNKNOWN)
                if view.bands.get(state)
            ]
            found.append(
                f"{view.title}: all together {figure.text(view.reference)}; {', '.join(states) or 'no states'}."
            )
        found.append(_BEFORE_GATES)
        if sum(view.ok for view in self.views) > 1:
            found.append(f"{self.title if self.organization_id is None else _changing(self)}.")
        return (*found, *(one.text for one in self.transitions))

    def view(self, adjustment: Adjustment | str) -> View | None:
        """One view; None if the measure's case mix does not declare it."""
        wanted = Adjustment(adjustment)
        return next((one for one in self.views if one.adjustment is wanted), None)


def four_views(
    edition: EditionSource,
    measure: str | Measure,
    organization_id: str | None = None,
    *,
    name: str | None = None,
    named: bool = False,
    kind: BenchmarkKind | str = BenchmarkKind.MEAN,
) -> FourViews:
    """Lay every view of a measure side by side: figure, light, model, levels, and who changes state.

    Args:
        edition: The edition; nothing else is read.
        measure: A measure, or its id.
        organization_id: Whose figures to mark; None: the whole measure.
        name: What to call the organization; None takes its name in the edition.
        named: Whether the list of who changes state holds ids; for pages that stay with those who may see them.
        kind: Which benchmark the lights compare with.

    Raises:
        UnknownDeclarationError: If the edition has no such measure.

    Source:
        METHODS M3.1, M3.8, M3.11, M5.5, C9.
    """
    declared = measure_of(edition, measure)
    held = OneMeasure.of(edition, declared.id)
    bands = _bands(held, declared)
    called = name or (organization_name(edition, organization_id) if organization_id is not None else None)
    views = tuple(
        _view(held, declared, one, bands.get(one, {}), organization_id, called, BenchmarkKind(kind))
        for one in declared_views(held, declared)
    )
    note = why_no_views(held, declared)
    own_changes = _own_changes(declared, views)
    transitions = _transitions(declared, bands, named=named)
    states: dict[str, list[Light]] = {}
    for found in bands.values():
        for organization, state in found.items():
            states.setdefault(organization, []).append(state)
    compared = [one for one in states.values() if len(one) > 1]
    changing = sum(len(set(one)) > 1 for one in compared)
    made = [one for one in views if one.ok]
    return FourViews(
        measure=declared,
        edition=edition.id,
        organization_id=organization_id,
        name=called,
        views=views,
        strata=strata_views(held, organization_id, declared),
        own_changes=own_changes,
        transitions=transitions,
        n_changing=changing,
        n_compared=len(compared),
        title=_title(made, own_changes, changing, len(compared), organization_id),
        text=_text(declared, views, own_changes, note, organization_id),
        note=note,
    )


def _bands(edition: EditionSource, measure: Measure) -> dict[Adjustment, dict[str, Light]]:
    """States before the last gates, by view and organization, as the edition froze them."""
    found: dict[Adjustment, dict[str, Light]] = {}
    for row in rows(edition, "adjusted_results", measure=measure.id, period=ALL, stratum=ALL):
        if row["band"] is not None and has_figure(row):
            found.setdefault(Adjustment(row["adjustment"]), {})[row["organization_id"]] = Light(row["band"])
    return found


def _view(
    edition: EditionSource,
    measure: Measure,
    view: Adjustment,
    bands: Mapping[str, Light],
    organization_id: str | None,
    name: str | None,
    kind: BenchmarkKind,
) -> View:
    found = _rows(edition, measure, view)
    shown = [row for row in found if has_figure(row)]
    model = model_behind(edition, measure, view)
    missing = ""
    if not shown:
        missing = model.reason if model is not None else "no clinic has a figure yet"
    row = next((one for one in found if one["organization_id"] == organization_id), None)
    own, own_missing = None, ""
    if organization_id is not None and not missing:
        own, own_missing = _own(edition, measure, view, row, bands, name, kind)
    return View(
        adjustment=view,
        title=TITLES[view],
        taken=TAKEN[view],
        missing=missing,
        n_organizations=len(shown),
        reference=None if missing else _reference(edition, measure, view, shown),
        bands=Counter(bands.values()),
        model=model,
        own=own,
        own_missing=own_missing,
    )


def _rows(edition: EditionSource, measure: Measure, view: Adjustment) -> Sequence[Row]:
    where = {"measure": measure.id, "period": ALL, "stratum": ALL}
    if view is Adjustment.UNADJUSTED:
        return rows(edition, "organization_results", **where)
    return rows(edition, "adjusted_results", adjustment=view.value, **where)


def _reference(edition: EditionSource, measure: Measure, view: Adjustment, shown: Sequence[Row]) -> float | None:
    """The figure of all organizations together, as the edition's record says; else as its rows do."""
    where = {"measure": measure.id, "kind": "mean", "tier": ALL, "stratum": ALL, "period": ALL, "without": ""}
    found = rows(edition, "benchmarks", adjustment=view.value, **where)
    stated = [row for row in found if row["status"] == "ok" and row["estimate"] is not None]
    # "pooled" goes before "unweighted" in an edition's order.
    if stated:
        return float(stated[0]["estimate"])
    return next((row["reference"] for row in shown if row.get("reference") is not None), None)


def _own(
    edition: EditionSource,
    measure: Measure,
    view: Adjustment,
    row: Row | None,
    bands: Mapping[str, Light],
    name: str | None,
    kind: BenchmarkKind,
) -> tuple[OwnView | None, str]:
    if row is None:
        return None, "nobody here counts for this measure"
    if not has_figure(row):
        return None, refusal_words(row["reason"] or row["status"])
    try:
        found = compare(edition, row["organization_id"], measure, kind=kind, adjustment=view, name=name)
    except EditionError as problem:  # pragma: no cover - a row was just read
        return None, str(problem)
    figures = found.figures
    own = OwnView(
        figure=figures.estimate,
        n_eligible=figures.n_eligible,
        n_followed=figures.n_followed,
        completion=figures.completion,
        expected=row.get("expected"),
        benchmark=found.benchmark.estimate if found.benchmark is not None and found.benchmark.ok else None,
        band=bands.get(row["organization_id"]),
        light=found.light,
        gate=found.deciding_gate,
        comparison=found,
    )
    return own, ""


def _own_changes(measure: Measure, views: Sequence[View]) -> tuple[OwnChange, ...]:
    own = {one.adjustment: one.own for one in views if one.own is not None}
    found = []
    for before, after in steps(list(own)):
        first, second = own[before], own[after]
        if first is None or second is None:
            continue
        moved = _moved(measure, first, second)
        changes = first.comparison.verdict is not second.comparison.verdict or first.light is not second.light
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
                text=_change_text(measure, before, after, first, second, moved),
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
    figures = f"{figure.text(first.figure.value)} becomes {figure.text(second.figure.value)}"
    if start is end:
        if first.light is second.light:
            return f"The state stays the same ({figures})."
        gate = second.gate or first.gate
        return (
            f"The light goes from {state_words(first.light, measure.better)} to "
            f"{state_words(second.light, measure.better)}{f': {gate.text}' if gate else ''} ({figures})."
        )
    said = f"From {state_words(start, measure.better)} to {state_words(end, measure.better)}"
    if moved is not None and abs(moved) < measure.light_margin / 2:
        # Where the figure stays, what changes is how sure one can be, and no reason is claimed.
        return f"{said}: the distance to the benchmark hardly changes, how sure one can be does ({figures})."
    return f"{said} {why} ({figures})."


def _transitions(
    measure: Measure, bands: Mapping[Adjustment, Mapping[str, Light]], *, named: bool
) -> tuple[Transition, ...]:
    found = []
    for before, after in steps(list(bands)):
        first, second = bands[before], bands[after]
        moves: dict[tuple[Light, Light], list[str]] = {}
        for organization in sorted(set(first) & set(second)):
            if first[organization] is not second[organization]:
                moves.setdefault((first[organization], second[organization]), []).append(organization)
        for (start, end), who in sorted(moves.items()):
            words = (
                f"{count(len(who), 'clinic')}: from {state_words(start, measure.better)} to "
                f"{state_words(end, measure.better)} {once_taken(before, after)}."
            )
            found.append(Transition(before, after, start, end, len(who), tuple(who) if named else (), words))
    return tuple(found)


def _changing(views: FourViews) -> str:
    return _title([one for one in views.views if one.ok], (), views.n_changing, views.n_compared, None)


def _title(
    made: Sequence[View], own: Sequence[OwnChange], changing: int, compared: int, organization_id: str | None
) -> str:
    if len(made) < 2:
        return "There is only the unadjusted view"
    if organization_id is not None:
        if not own:
            return "There is no figure to lay side by side yet"
        moving = next((one for one in own if one.changes), None)
        return "The state is the same in every view" if moving is None else moving.text.rstrip(".")
    if changing == 0:
        return f"No clinic's state changes between views ({count(compared, 'clinic')})"
    return f"The state of {changing:,} of {count(compared, 'clinic')} changes between views"


def _text(
    measure: Measure, views: Sequence[View], own: Sequence[OwnChange], note: str, organization_id: str | None
) -> str:
    figure = figure_of(measure)
    parts = []
    for view in views:
        if view.missing:
            parts.append(f"{view.title}: no figure, {view.missing}")
        elif organization_id is None:
            parts.append(f"{view.title}: all together {figure.text(view.reference)}")
        elif view.own is None:
            parts.append(f"{view.title}: no figure, {view.own_missing}")
        else:
            value = view.own.figure
            interval = figure.interval(value.lower, value.upper)
            shown = " ".join(part for part in (figure.text(value.value), interval) if part)
            beside = figure.text(view.own.benchmark.value) if view.own.benchmark is not None else "no benchmark"
            parts.append(f"{view.title}: {shown} beside {beside}, {state_words(view.own.light, measure.better)}")
    text = f"{measure.title} in {count(len(views), 'view')} ({direction(measure.better)}). {'. '.join(parts)}."
    if note:
        text += f" {capital(note)}."
    moving = " ".join(one.text for one in own if one.changes)
    return f"{text} {moving}".strip()
