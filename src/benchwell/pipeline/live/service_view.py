"""What a service sees of itself: at most six measures, each with its sentence, its light and its quarters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchwell.benchmarks import Edition
from benchwell.i18n import _, ngettext, number, percent
from benchwell.pipeline.live.remembered import Remembered
from benchwell.register import Role, Viewer
from benchwell.registry import Measure
from benchwell.reports.network import measures_of
from benchwell.reports.sparkline import Sparkline, sparkline
from benchwell.reports.standing import standing
from benchwell.signals import LightFace, Sentence, compare, run_chart, sentence
from benchwell.signals.gates import Gate
from benchwell.signals.peers import Distribution, distribution
from benchwell.signals.reading import ALL, EditionSource, OneMeasure, ReadOnce, organization_name, rows
from benchwell.signals.words import direction, figure_of

if TYPE_CHECKING:
    from benchwell.pipeline.live.service import LiveService

_SAID_IN_FULL = ("minimum_n", "probability", "reliability")
MOST = 6  # few measures are used, many are not (METHODS M5.8)


@dataclass(frozen=True)
class ServiceCard:
    """One measure of one organization.

    Attributes:
        measure: Its id.
        sentence: What is said.
        face: The light.
        change: What would change a grey light, where the sentence does not say so already; "" otherwise.
        quarters: The figure over time; None below two quarters.
        trend: What the run chart finds.
        has_figure: Whether there are people enough for a figure.
    """

    measure: str
    sentence: Sentence
    face: LightFace
    change: str
    quarters: Sparkline | None
    trend: str
    has_figure: bool


@dataclass(frozen=True)
class NetworkCard:
    """One measure over all organizations, none of them named.

    Attributes:
        measure: Its id.
        title: What it is called.
        why: What it asks.
        direction: Which is better.
        finding: What is usual, in one sentence.
        people: The middle one, how many clinics and people these are, and who was not followed up.
    """

    measure: str
    title: str
    why: str
    direction: str
    finding: str
    people: str


@dataclass(frozen=True)
class ServiceView:
    """One organization's page, or the network's.

    Attributes:
        edition: Id of the edition; None before the first build.
        as_of: Its day.
        warning: That it was superseded; "" while it stands.
        organization: Whose page; None for the network's.
        name: What it is called.
        whose: `team`, `organization` or `network`.
        is_team_without_figures: Whether a lead sees the organization, since there are no figures of the team.
        is_for_contract: Whether this workspace is for contract use.
        cards: At most six.
        others: Id and title of the measures beyond.
        network: The network's measures, where no organization is chosen.
        choices: Id and name of every organization, in the order of names, for those who may choose.
        has_figures: Whether anything has people enough.
        shared_step: What is worth doing now for two measures or more; each other card says its own.
    """

    edition: str | None
    as_of: str
    warning: str
    organization: str | None
    name: str
    whose: str
    is_team_without_figures: bool
    is_for_contract: bool
    cards: tuple[ServiceCard, ...]
    others: tuple[tuple[str, str], ...]
    network: tuple[NetworkCard, ...]
    choices: tuple[tuple[str, str], ...]

    @property
    def has_figures(self) -> bool:
        """Whether anything has people enough for a figure."""
        return any(card.has_figure for card in self.cards) or bool(self.network)

    @property
    def shared_step(self) -> str:
        """What is worth doing now for most measures, and for two at least: said once, not on every card."""
        steps = [card.sentence.next_step for card in self.cards]
        most = max(steps, key=steps.count, default="")
        return most if steps.count(most) > max(1, len(steps) / 2) else ""


@dataclass(frozen=True)
class Whose:
    """Whose figures a viewer sees: an organization of the edition, or None for the network; and how it came to that."""

    organization: str | None
    kind: str
    is_team_without_figures: bool = False


_held = Remembered[EditionSource](limit=4)
_cards = Remembered[tuple[tuple[ServiceCard, ...], tuple[tuple[str, str], ...]]](limit=512, spoken=True)
_network = Remembered[tuple[NetworkCard, ...]](limit=8, spoken=True)


def key_of(edition: Edition) -> tuple[str, str]:
    """What everything of an edition is remembered by: where it lies, and what it holds."""
    return str(edition.path), str(edition.manifest["sha256"])


def held(edition: Edition) -> EditionSource:
    """The edition with each of its tables read once for everybody who asks."""
    return _held.get(key_of(edition), lambda: ReadOnce.of(edition))


def with_figures(edition: Edition) -> frozenset[str]:
    """Organizations of which an edition holds results."""
    return frozenset(row["organization_id"] for row in _totals(held(edition)))


def whose(viewer: Viewer, edition: Edition, chosen: str | None) -> Whose | None:
    """Whose figures a viewer sees.

    Args:
        viewer: Who asks.
        edition: In which edition.
        chosen: An organization, for those who may choose.

    Returns:
        Whose; None if an analyst chose what the edition does not have, or a viewer belongs to no organization.
    """
    known = with_figures(edition)
    if viewer.role is Role.ANALYST:
        if chosen:
            return Whose(chosen, "organization") if chosen in known else None
        return Whose(None, "network")
    if viewer.role is Role.LEAD and viewer.team_id is not None:
        if viewer.team_id in known and _is_part(edition, viewer.team_id, viewer.organization_id):
            return Whose(viewer.team_id, "team")
        return None if viewer.organization_id is None else Whose(viewer.organization_id, "organization", True)
    return None if viewer.organization_id is None else Whose(viewer.organization_id, "organization")


def _is_part(edition: Edition, team: str, organization: str | None) -> bool:
    """Whether an organization of the edition is this team, and not another place that happens to have its id."""
    found = rows(held(edition), "organizations", organization_id=team)
    return organization is not None and any(row["part_of"] == organization for row in found)


def service_view(service: LiveService, viewer: Viewer, chosen: str | None = None) -> ServiceView | None:
    """The page of a service: own trend first, then the comparison.

    Args:
        service: The running service.
        viewer: Who asks: a lead, manager or analyst.
        chosen: The organization that an analyst chose; null is the network. Others see their own whatever they ask.

    Returns:
        The page; None if there is no such organization in the edition, or the viewer has none.
    """
    edition = service.edition()
    contract = service.workspace.settings.use.value == "contract"
    if edition is None:
        return ServiceView(None, "", "", None, "", "organization", False, contract, (), (), (), ())
    found = whose(viewer, edition, chosen)
    if found is None:
        return None
    return _view(edition, found, viewer.role is Role.ANALYST, contract)


def organization_view(edition: Edition, organization: str) -> ServiceView:
    """One organization's page in an edition that is not the workspace's own, such as the sample."""
    return _view(edition, Whose(organization, "organization"), False, False)


def _view(edition: Edition, found: Whose, may_choose: bool, contract: bool) -> ServiceView:
    key, organization = key_of(edition), found.organization
    cards: tuple[ServiceCard, ...] = ()
    others: tuple[tuple[str, str], ...] = ()
    network: tuple[NetworkCard, ...] = ()
    if organization is None:
        network = _network.get(key, lambda: _of_network(held(edition)))
    else:
        cards, others = _cards.get((key, organization), lambda: _of_organization(held(edition), organization))
    return ServiceView(
        edition=edition.id,
        as_of=edition.as_of,
        warning=standing(edition).warning,
        organization=organization,
        name="" if organization is None else organization_name(held(edition), organization),
        whose=found.kind,
        is_team_without_figures=found.is_team_without_figures,
        is_for_contract=contract,
        cards=cards,
        others=others,
        network=network,
        choices=_choices(edition) if may_choose else (),
    )


def _of_organization(
    edition: EditionSource, organization: str
) -> tuple[tuple[ServiceCard, ...], tuple[tuple[str, str], ...]]:
    found = {row["measure"] for row in _totals(edition) if row["organization_id"] == organization}
    measures = [measure for measure in measures_of(edition) if measure.id in found]
    name = organization_name(edition, organization)
    cards = tuple(_card(OneMeasure.of(edition, one.id), organization, one, name) for one in measures[:MOST])
    return cards, tuple((one.id, _(one.title)) for one in measures[MOST:])


def _card(edition: EditionSource, organization: str, measure: Measure, name: str) -> ServiceCard:
    found = compare(edition, organization, measure, name=name)
    trend = run_chart(edition, organization, measure)
    return ServiceCard(
        measure=measure.id,
        sentence=sentence(found),
        face=found.face,
        change=_change(found.deciding_gate),
        quarters=sparkline(trend),
        trend=trend.title,
        has_figure=found.status == "ok",
    )


def _change(gate: Gate | None) -> str:
    """Of too few people the sentence itself says how many more would do."""
    return "" if gate is None or gate.name in _SAID_IN_FULL else gate.change


def _of_network(edition: EditionSource) -> tuple[NetworkCard, ...]:
    cards = []
    for measure in measures_of(edition)[:MOST]:
        one = OneMeasure.of(edition, measure.id)
        spread = distribution(one, measure)
        people = " ".join(_people_behind(one, spread))
        cards.append(
            NetworkCard(measure.id, _(measure.title), _(measure.why), direction(measure.better), spread.title, people)
        )
    return tuple(cards)


def _people_behind(edition: EditionSource, spread: Distribution) -> Iterator[str]:
    if spread.quartiles is not None and spread.middle is not None:  # without them the finding is the middle one
        middle = figure_of(spread.measure).text(spread.middle)
        yield _("The middle one of {n} clinics has {figure}").format(n=number(spread.n), figure=middle) + "."
    if hidden := sum(spread.hidden.values()):
        yield ngettext("{n} more clinic has no figure.", "{n} more clinics have no figure.", hidden).format(n=hidden)
    totals = _totals(edition)
    eligible, followed = (sum(row[name] or 0 for row in totals) for name in ("n_eligible", "n_followed"))
    if eligible:
        yield _("{followed} of {eligible} eligible people were followed up ({share}).").format(
            followed=number(followed), eligible=number(eligible), share=percent(followed / eligible)
        )


def _choices(edition: Edition) -> tuple[tuple[str, str], ...]:
    named = [(one, organization_name(held(edition), one)) for one in sorted(with_figures(edition))]
    return tuple(sorted(named, key=lambda one: one[1].casefold()))


def _totals(edition: EditionSource) -> list[dict[str, Any]]:
    return rows(edition, "organization_results", period=ALL, stratum=ALL)
