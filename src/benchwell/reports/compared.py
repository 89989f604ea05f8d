"""The section "Compared fairly": one figure in every view, what changes between them, and what was taken into account.

What a case mix takes into account is said once on a page, however many measures share it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from benchwell.i18n import N_, _
from benchwell.registry.casemix import CaseMix, Variable
from benchwell.registry.measure import Measure
from benchwell.reports.canvas import Chart
from benchwell.reports.chart_views import views_chart
from benchwell.reports.method import Link
from benchwell.reports.method.markdown import Target
from benchwell.reports.method.structure import Table, table
from benchwell.reports.model_card import ModelCard, model_card
from benchwell.reports.page import anchor
from benchwell.signals.four_views import FourViews
from benchwell.signals.reading import EditionSource, casemix_of
from benchwell.signals.strata_view import name_words
from benchwell.signals.words import capital

_INSTEAD = {
    "forbidden": N_("never used"),
    "stratify": N_("shown group by group"),
    "audit": N_("used to check the model in every group"),
}
_ENTERS = {
    "clinical": N_("with whom one treats"),
    "social": N_("with social risk, never alone"),
    "ruler": N_("with the day of measurement, shown with and without"),
}


@dataclass(frozen=True)
class Compared:
    """One measure in every view.

    Attributes:
        chart: The views side by side; None where only one has a figure.
        moves: What changes from view to view, beyond what the picture's title says.
        missing: Views without a figure, and why.
        only: Why there is only the unadjusted figure; "" if there is more.
        card: How the models were made and checked.
        casemix: Place on the page that says what is taken into account and why; "" if there is none.
    """

    chart: Chart | None
    moves: tuple[str, ...]
    missing: tuple[tuple[str, str], ...]
    only: str
    card: ModelCard | None
    casemix: str


@dataclass(frozen=True)
class CaseMixSection:
    """What one case mix takes into account and what it refuses, for the end of a page.

    Attributes:
        id: Place on the page.
        title: Of the declaration.
        why: Of the declaration.
        taken: Variables, with which view they enter, and why.
        refused: Variables that are not adjusted for, what is done with them instead, and why.
        name: Id of the declaration, whose method page lies in the edition.
        address: Of that page, where the caller knows one.
    """

    id: str
    title: str
    why: str
    taken: Table
    refused: Table
    name: str
    address: str


def compared(edition: EditionSource, views: FourViews, place: str) -> Compared | None:
    """The section of one organization's measure; None where it has no figure at all.

    Args:
        edition: The edition.
        views: Its views, with the organization's figures.
        place: Place of the measure on the page.
    """
    if not any(view.own is not None for view in views.views):
        return None
    chart = views_chart(edition, views, f"{place}-views")
    moving = [one.text for one in views.own_changes if one.changes]
    return Compared(
        chart=chart,
        moves=tuple(text for text in moving if chart is not None and text.rstrip(".") != views.title),
        missing=missing_views(views),
        only=only_unadjusted(views) if chart is None else "",
        card=model_card(views.views),
        casemix=casemix_place(casemix_of(edition, views.measure.id)),
    )


def missing_views(views: FourViews) -> tuple[tuple[str, str], ...]:
    """Views that a case mix declares and that have no figure, with the reason as a sentence."""
    if views.note:
        return ()
    found = [(one.title, one.missing or one.own_missing) for one in views.views]
    return tuple((title, f"{capital(why)}.") for title, why in found if why)


def only_unadjusted(views: FourViews) -> str:
    """Why there is only the unadjusted figure, as a sentence."""
    why = f": {views.note}" if views.note else ""
    return _(
        "Only the unadjusted figure is shown{why}. Clinics that see people with harder problems can look lower."
    ).format(why=why)


def casemix_place(casemix: CaseMix | None) -> str:
    """Where a page says what a case mix takes into account; "" for none that adjusts for anything."""
    return "" if casemix is None or not casemix.of_role("adjust") else anchor("casemix", casemix.id)


def casemix_sections(
    edition: EditionSource, measures: Iterable[Measure], target: Target | None = None
) -> tuple[CaseMixSection, ...]:
    """What the case mixes of some measures take into account, each once.

    Args:
        edition: The edition.
        measures: Measures on the page.
        target: Gives the address of a declaration's page; without it, the page's place in the edition is said.
    """
    found: Mapping[str, CaseMix] = {
        one.id: one for one in (casemix_of(edition, measure.id) for measure in measures) if casemix_place(one) and one
    }
    return tuple(_section(one, target) for one in found.values())


def _section(one: CaseMix, target: Target | None) -> CaseMixSection:
    enters = {kind: _(words) for kind, words in _ENTERS.items()}
    taken = [(_spoken(it), enters.get(it.kind or "", ""), _(it.rationale)) for it in one.of_role("adjust")]
    apart = one.of_role("stratify", "audit", "forbidden")
    refused = [(_spoken(it), _(_INSTEAD[it.role]), _(it.rationale)) for it in apart]
    return CaseMixSection(
        id=casemix_place(one),
        title=_(one.title),
        why=_(one.why),
        taken=table((_("What"), _("Enters"), _("Why")), taken),
        refused=table((_("What"), _("Instead"), _("Why")), refused),
        name=one.id,
        address=(target(Link("casemix", one.id)) if target is not None else None) or "",
    )


def _spoken(variable: Variable) -> str:
    words = capital(name_words(variable.name))
    return words + " (" + _("a separately shown variant") + ")" if variable.variant else words
