"""One measure of one organization, opened: trend, others, fair comparison, missing follow-up, groups, definition."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from benchwell.benchmarks import Edition
from benchwell.i18n import _
from benchwell.pipeline.live.remembered import Remembered
from benchwell.pipeline.live.service_view import held, key_of
from benchwell.pipeline.live.use_policy import without_clinicians
from benchwell.publish.spreadsheet import csv_lines
from benchwell.registry import Measure
from benchwell.reports.canvas import Chart
from benchwell.reports.chart_distribution import distribution_chart
from benchwell.reports.chart_funnel import funnel_chart
from benchwell.reports.compared import CaseMixSection, casemix_sections
from benchwell.reports.method.structure import Table
from benchwell.reports.model_card import ModelCard
from benchwell.reports.names import definition_rows
from benchwell.reports.organization import Card, organization_card
from benchwell.reports.page import anchor
from benchwell.reports.standing import standing
from benchwell.signals import LightFace, Sentence, funnel_view
from benchwell.signals.adjustment_words import once_taken, state_words
from benchwell.signals.gates import Gate
from benchwell.signals.peers import distribution
from benchwell.signals.reading import (
    ALL,
    EditionSource,
    OneMeasure,
    casemix_of,
    organization_name,
    preferred_adjustment,
    rows,
)
from benchwell.signals.view_changes import Transition
from benchwell.signals.words import capital, count, direction
from benchwell.terms import Adjustment, Better


@dataclass(frozen=True)
class Picture:
    """A chart for a page in a browser: the specification, and the words and the table that say the same.

    Attributes:
        id: Unique on its page.
        title: The finding.
        text: Alternative text.
        up: What the upright axis shows.
        key: What bands, lines and shapes mean.
        note: A limit that belongs beside the picture.
        caption: What the table holds.
        columns: Heads of the table.
        rows: Its rows as text.
        spec: Vega-Lite in the page's colours, with the picture for a phone under `usermeta.narrow`; None if there is
            nothing to draw.
    """

    id: str
    title: str
    text: str
    up: str
    key: str
    note: str
    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    spec: dict[str, Any] | None


@dataclass(frozen=True)
class Section:
    """A part of the page.

    Attributes:
        id: trend, others, fair, groups, over_time or answers.
        finding: What it says, where the pictures do not.
        texts: Sentences beside the pictures.
        pictures: Charts, each with its table.
        tables: Tables without a chart: caption and table.
        is_open: Whether it is shown unfolded.
    """

    id: str
    finding: str
    texts: tuple[str, ...]
    pictures: tuple[Picture, ...]
    tables: tuple[tuple[str, Table], ...] = ()
    is_open: bool = False


@dataclass(frozen=True)
class MeasureView:
    """One measure of one organization, or of the network.

    Attributes:
        measure: Id.
        title: Title.
        why: Why it is measured.
        edition: Id of the edition.
        as_of: Its day.
        warning: That the edition was superseded; "" while it stands.
        organization: Whose; None for the network.
        name: What it is called.
        sentence: The sentence; None for the network.
        face: The light; None for the network.
        direction: Which direction is better.
        withheld: Why an adjusted figure is missing; "" if it is not.
        gates: What decided the light, in order.
        deciding: Name of the gate that did.
        figures: What travels with the figure.
        sections: The parts of the page, own trend first.
        card: How the models behind the views were made and checked; None without any.
        casemixes: What was taken into account, and why.
        definition: The definition.
        benchmarks: Ids of the benchmarks of the measure, for their method pages.
        has_figure: Whether there are people enough for a figure.
    """

    measure: str
    title: str
    why: str
    edition: str
    as_of: str
    warning: str
    organization: str | None
    name: str
    sentence: Sentence | None
    face: LightFace | None
    direction: str
    withheld: str
    gates: tuple[Gate, ...]
    deciding: str
    figures: tuple[tuple[str, str], ...]
    sections: tuple[Section, ...]
    card: ModelCard | None
    casemixes: tuple[CaseMixSection, ...]
    definition: tuple[tuple[str, str], ...]
    benchmarks: tuple[str, ...]
    has_figure: bool

    def tables(self) -> Iterator[tuple[str, str, tuple[str, ...], tuple[tuple[str, ...], ...]]]:
        """Every table of the page: part, caption, heads, rows as text. A download is made of these alone."""
        yield "figures", _("Figures"), (_("Figure"), _("Value")), self.figures
        for section in self.sections:
            for picture in section.pictures:
                yield section.id, picture.caption, picture.columns, picture.rows
            for caption, table in section.tables:
                yield section.id, caption, table.columns, tuple(tuple(str(one) for one in row) for row in table.rows)
        met = {True: _("passed"), False: _("not passed")}
        gates = tuple((one.name, met[bool(one.passed)], one.text, one.change) for one in self.gates)
        heads = (_("Check"), _("Result"), _("Why"), _("What would change it"))
        yield "gates", _("What decided the light"), heads, gates
        yield "definition", _("Definition"), (_("Part"), _("Value")), self.definition

    def to_dict(self) -> dict[str, Any]:
        """What the page shows, as plain data."""
        said = self.sentence
        return {
            "edition": self.edition,
            "as_of": self.as_of,
            "measure": self.measure,
            "title": self.title,
            "direction": self.direction,
            "organization": self.organization,
            "name": self.name,
            "sentence": None if said is None else said.text,
            "light": None if self.face is None else {"symbol": self.face.symbol, "word": self.face.word},
            "decided_by": self.deciding,
            "tables": [
                {"part": part, "caption": caption, "columns": list(columns), "rows": [list(row) for row in found]}
                for part, caption, columns, found in self.tables()
            ],
        }

    def to_csv(self) -> str:
        """The tables of the page, one cell a line, after what they are about."""
        lines = [("part", "table", "row", "column", "value")]
        about = {
            "edition": self.edition,
            "as of": self.as_of,
            "organization": self.name,
            "measure": self.title,
            "sentence": "" if self.sentence is None else self.sentence.text,
            "light": "" if self.face is None else f"{self.face.symbol} {self.face.word}",
        }
        lines += [("about", "About", "1", name, value) for name, value in about.items()]
        for part, caption, columns, found in self.tables():
            for place, row in enumerate(found, start=1):
                cells = zip(columns, row, strict=True)
                lines += [(part, caption, str(place), column, value) for column, value in cells]
        return csv_lines(lines)


_views = Remembered[MeasureView](limit=256, spoken=True)


def measure_view(edition: Edition, organization: str | None, measure: str) -> MeasureView | None:
    """One measure, opened.

    Args:
        edition: The edition.
        organization: Whose; None for the network.
        measure: Id of the measure.

    Returns:
        The page; None if the edition has no result of the organization for this measure.
    """
    declared = edition.declarations.measures.get(measure)
    if declared is None:
        return None
    where = {"measure": measure, "period": ALL, "stratum": ALL}
    if organization is not None:
        where["organization_id"] = organization
    if not rows(held(edition), "organization_results", **where):
        return None

    def make() -> MeasureView:
        source = OneMeasure(held(edition), measure)
        return (
            _network(edition, source, declared)
            if organization is None
            else _organization(edition, source, declared, organization)
        )

    found = _views.get((key_of(edition), organization, measure), make)
    # Whether an edition was superseded is no part of it: later editions say so.
    return replace(found, warning=standing(edition).warning)


def _organization(edition: Edition, source: EditionSource, measure: Measure, organization: str) -> MeasureView:
    name = organization_name(source, organization)
    card = organization_card(source, organization, measure, name)
    comparison = card.comparison
    return MeasureView(
        measure=measure.id,
        title=_(measure.title),
        why=_(measure.why),
        edition=edition.id,
        as_of=edition.as_of,
        warning="",
        organization=organization,
        name=name,
        sentence=card.sentence,
        face=card.face,
        direction=direction(measure.better),
        withheld=card.withheld,
        gates=card.gates,
        deciding=comparison.deciding,
        figures=card.figures,
        sections=tuple(one for one in _sections(card) if one is not None),
        card=None if card.compared is None else card.compared.card,
        casemixes=casemix_sections(source, [measure]),
        definition=card.definition,
        benchmarks=_benchmarks(edition, measure),
        has_figure=comparison.status == "ok",
    )


def _network(edition: Edition, source: EditionSource, measure: Measure) -> MeasureView:
    view = preferred_adjustment(source, measure.id)
    spread = distribution(source, measure)
    pictures = [distribution_chart(spread, anchor(measure.id, "distribution"))]
    for one in dict.fromkeys(("unadjusted", view.value)):
        funnel = funnel_view(source, measure, adjustment=one)
        if funnel is not None and funnel.peers:
            pictures.append(funnel_chart(funnel, anchor(measure.id, "funnel", one)))
    return MeasureView(
        measure=measure.id,
        title=_(measure.title),
        why=_(measure.why),
        edition=edition.id,
        as_of=edition.as_of,
        warning="",
        organization=None,
        name="",
        sentence=None,
        face=None,
        direction=direction(measure.better),
        withheld="",
        gates=(),
        deciding="",
        figures=(),
        sections=(Section("others", "", (), tuple(picture(one) for one in pictures)),),
        card=None,
        casemixes=casemix_sections(source, [measure]),
        definition=tuple(definition_rows(measure, casemix_of(source, measure.id))),
        benchmarks=_benchmarks(edition, measure),
        has_figure=spread.n > 0,
    )


def _benchmarks(edition: Edition, measure: Measure) -> tuple[str, ...]:
    return tuple(one for one, made in sorted(edition.declarations.benchmarks.items()) if made.measure == measure.id)


def _sections(card: Card) -> Iterator[Section | None]:
    """The parts of the page in the order in which they help: own trend, the others, fairness, time, the missing."""
    yield None if card.run is None else Section("trend", card.run.title, (), (picture(card.run),), is_open=True)
    yield Section("others", "", (), tuple(picture(one) for one in card.charts), is_open=True) if card.charts else None
    yield _fair(card)
    yield _answers(card)
    yield _groups(card)
    if card.monitored is not None:
        found = card.monitored
        texts = (found.refusal,) if found.refusal else ()
        charts = tuple(picture(one) for one in found.charts)
        yield Section("over_time", capital(found.finding), texts, charts, is_open=found.open)


def _fair(card: Card) -> Section | None:
    """Four views of adjustment: what moves, and why."""
    if card.compared is None:
        return None
    found = card.compared
    texts = [*found.moves, *([found.only] if found.only else [])]
    texts += [f"{title}: {why}" for title, why in found.missing]
    texts += _crowd(card.views.transitions, card.comparison.better)
    charts = () if found.chart is None else (picture(found.chart),)
    return Section("fair", capital(card.views.title), tuple(texts), charts, is_open=True)


def _crowd(moves: Sequence[Transition], better: Better) -> Iterator[str]:
    """What each further adjustment does to all clinics together, one sentence for each step."""
    steps: dict[tuple[Adjustment, Adjustment], list[Transition]] = {}
    for one in moves:
        steps.setdefault((one.before, one.after), []).append(one)
    for (before, after), found in steps.items():
        said = (
            _("{n} from {before} to {after}").format(
                n=one.n,
                before=state_words(one.state_before, better),
                after=state_words(one.state_after, better),
            )
            for one in found
        )
        yield _("{once}, the state changes for {clinics}: {moves}.").format(
            once=capital(once_taken(before, after)),
            clinics=count(sum(one.n for one in found), "clinic"),
            moves="; ".join(said),
        )


def _answers(card: Card) -> Section | None:
    if card.answers is None:
        return None
    texts = () if card.imputed is None else (card.imputed.text,)
    tables = () if card.imputed is None else ((_("If the missing had done less or more well"), card.imputed.table),)
    return Section("answers", card.answers.title, texts, (picture(card.answers),), tables, is_open=card.open)


def _groups(card: Card) -> Section | None:
    """The levels within the organization; never a level that is a clinician."""
    kept = {view.variable for view in without_clinicians(card.views.strata)}
    charts = [one for view, one in zip(card.views.strata, card.strata, strict=True) if view.variable in kept]
    return Section("groups", "", (), tuple(picture(one) for one in charts)) if charts else None


def picture(chart: Chart) -> Picture:
    """A chart for a page in a browser."""
    return Picture(
        id=chart.id,
        title=chart.title,
        text=chart.text,
        up=chart.up,
        key=chart.key,
        note=chart.note,
        caption=chart.caption,
        columns=chart.columns,
        rows=chart.rows,
        spec=chart.for_page(),
    )
