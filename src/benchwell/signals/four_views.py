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

from benchwell.i18n import N_, _
from benchwell.registry.measure import Measure
from benchwell.signals.adjustment_words import TAKEN, TITLES, refusal_words, state_words
from benchwell.signals.casemix_model import declared_views, model_behind, why_no_views
from benchwell.signals.compare import compare
from benchwell.signals.one_view import OwnView, View
from benchwell.signals.peers import has_figure
from benchwell.signals.plain import plain
from benchwell.signals.reading import ALL, EditionSource, OneMeasure, Row, measure_of, organization_name, rows
from benchwell.signals.strata_view import StrataView, strata_views
from benchwell.signals.view_changes import OwnChange, Transition, own_changes, transitions
from benchwell.signals.words import capital, count, direction, figure_of, whole
from benchwell.terms import Adjustment, BenchmarkKind, Light

__all__ = ["FourViews", "OwnChange", "OwnView", "Transition", "View", "four_views"]

_BEFORE_GATES = N_(
    "These states are by probability alone: a colour must also pass the gates on missing data, reliability and the "
    "usual spread between clinics."
)


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
                found.append(_("{view}: no figure, {why}.").format(view=view.title, why=view.missing))
                continue
            states = [
                f"{whole(view.bands[state])} {state_words(state, better).partition(',')[0].partition(';')[0]}"
                for state in (Light.ABOVE, Light.CLOSE, Light.BELOW, Light.UNKNOWN)
                if view.bands.get(state)
            ]
            found.append(
                _("{view}: all together {figure}; {states}.").format(
                    view=view.title, figure=figure.text(view.reference), states=", ".join(states) or _("no states")
                )
            )
        found.append(_(_BEFORE_GATES))
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
    moves = own_changes(declared, views)
    crowd = transitions(declared, bands, named=named)
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
        own_changes=moves,
        transitions=crowd,
        n_changing=changing,
        n_compared=len(compared),
        title=_title(made, moves, changing, len(compared), organization_id),
        text=_text(declared, views, moves, note, organization_id),
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
        missing = model.reason if model is not None else _("no clinic has a figure yet")
    row = next((one for one in found if one["organization_id"] == organization_id), None)
    own, own_missing = None, ""
    if organization_id is not None and not missing:
        own, own_missing = _own(edition, measure, view, row, bands, name, kind)
    return View(
        adjustment=view,
        title=_(TITLES[view]),
        taken=_(TAKEN[view]),
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
        return None, _("nobody here counts for this measure")
    if not has_figure(row):
        return None, refusal_words(row["reason"] or row["status"])
    found = compare(edition, row["organization_id"], measure, kind=kind, adjustment=view, name=name)
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


def _changing(views: FourViews) -> str:
    return _title([one for one in views.views if one.ok], (), views.n_changing, views.n_compared, None)


def _title(
    made: Sequence[View], own: Sequence[OwnChange], changing: int, compared: int, organization_id: str | None
) -> str:
    if len(made) < 2:
        return _("There is only the unadjusted view")
    if organization_id is not None:
        if not own:
            return _("There is no figure to lay side by side yet")
        moving = next((one for one in own if one.changes), None)
        return _("The state is the same in every view") if moving is None else moving.heading
    clinics = count(compared, "clinic")
    if changing == 0:
        return _("No clinic's state changes between views ({clinics})").format(clinics=clinics)
    return _("The state of {n} of {clinics} changes between views").format(n=whole(changing), clinics=clinics)


def _text(
    measure: Measure, views: Sequence[View], own: Sequence[OwnChange], note: str, organization_id: str | None
) -> str:
    figure = figure_of(measure)
    parts = []
    for view in views:
        if view.missing:
            parts.append(_("{view}: no figure, {why}").format(view=view.title, why=view.missing))
        elif organization_id is None:
            parts.append(_("{view}: all together {figure}").format(view=view.title, figure=figure.text(view.reference)))
        elif view.own is None:
            parts.append(_("{view}: no figure, {why}").format(view=view.title, why=view.own_missing))
        else:
            value = view.own.figure
            interval = figure.interval(value.lower, value.upper)
            shown = " ".join(part for part in (figure.text(value.value), interval) if part)
            beside = figure.text(view.own.benchmark.value) if view.own.benchmark is not None else _("no benchmark")
            state = state_words(view.own.light, measure.better)
            parts.append(
                _("{view}: {figure} beside {benchmark}, {state}").format(
                    view=view.title, figure=shown, benchmark=beside, state=state
                )
            )
    text = _("{title} in {views} ({direction}).").format(
        title=_(measure.title), views=count(len(views), "view"), direction=direction(measure.better)
    )
    text += f" {'. '.join(parts)}."
    if note:
        text += f" {capital(note)}."
    moving = " ".join(one.text for one in own if one.changes)
    return f"{text} {moving}".strip()
