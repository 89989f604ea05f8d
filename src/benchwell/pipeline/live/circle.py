"""The circle: an agenda of three from the service's own figures, experiments, minutes; no names in it."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict, dataclass

from benchwell.benchmarks import Edition
from benchwell.errors import AccessError
from benchwell.i18n import N_, _, current, day
from benchwell.pipeline.live.experiments import FOLLOW_UP, ExperimentRow, Group, experiment_rows
from benchwell.pipeline.live.printing import printed
from benchwell.pipeline.live.pulse import PulseTrend, pulse_trend
from benchwell.pipeline.live.remembered import Remembered
from benchwell.pipeline.live.service import LiveService
from benchwell.pipeline.live.service_view import MOST, held, key_of, with_figures
from benchwell.pipeline.live.use_policy import names_clinicians
from benchwell.publish.document import Block, Document, Heading, Items, Note, Picture, Table, Text
from benchwell.register.circles import Circle, circles_of, keep_circle
from benchwell.reports.canvas import Chart
from benchwell.reports.chart_intervals import strata_chart
from benchwell.reports.chart_run import run_picture
from benchwell.reports.network import measures_of
from benchwell.signals.agenda import Kind, Topic, agenda
from benchwell.signals.reading import EditionSource, OneMeasure, organization_rows
from benchwell.signals.run_chart import run_chart
from benchwell.signals.strata_view import strata_views

_KINDS: dict[Kind, str] = {
    "strength": N_("One strength"),
    "puzzle": N_("One puzzle"),
    "equity": N_("One question of equity"),
}


@dataclass(frozen=True)
class Point:
    """One point of the agenda, as it is shown.

    Attributes:
        id: Unique on the page.
        heading: Which of the three it is.
        topic: What it is about.
        tried_on: On which measure a change would be seen: its own, or follow-up where that is what is unclear.
        chart: The figures behind it; None where no figure speaks of it.
    """

    id: str
    heading: str
    topic: Topic
    tried_on: str
    chart: Chart | None


@dataclass(frozen=True)
class CirclePage:
    """The circle of one organization.

    Attributes:
        group: Whose; None: an analyst has to choose.
        edition: Id of the edition; None before the first.
        as_of: Its day in words.
        points: The agenda; empty without figures.
        experiments: Earlier and running ones.
        earlier: Circles that were held.
        pulse: The weekly question over time; None where it is not asked.
    """

    group: Group
    edition: str | None
    as_of: str
    points: tuple[Point, ...]
    experiments: tuple[ExperimentRow, ...]
    earlier: tuple[Circle, ...]
    pulse: PulseTrend | None


_points = Remembered[tuple[Point, ...]](limit=128)


def circle_page(service: LiveService, group: Group, today: dt.date) -> CirclePage:
    """The circle of a group, from the edition in force.

    Args:
        service: The live service.
        group: Whose.
        today: Weeks of the pulse before it are over.
    """
    edition = service.edition()
    with service.register.read() as connection:
        earlier = circles_of(connection, group.organization)
    return CirclePage(
        group=group,
        edition=edition.id if edition else None,
        as_of=day(dt.date.fromisoformat(edition.as_of)) if edition else "",
        points=agenda_of(edition, group.organization) if edition else (),
        experiments=experiment_rows(service, group),
        earlier=earlier,
        pulse=pulse_trend(service, group.organization, today),
    )


def agenda_of(edition: Edition, organization: str) -> tuple[Point, ...]:
    """The agenda of an organization, in the language being spoken; empty where the edition has nothing of it."""
    if organization not in with_figures(edition):
        return ()
    key = (key_of(edition), organization, current())
    return _points.get(key, lambda: _made(held(edition), organization))


def _made(edition: EditionSource, organization: str) -> tuple[Point, ...]:
    measures = [one for one in measures_of(edition) if _has_row(edition, organization, one.id)][:MOST]
    topics = agenda(edition, organization, measures, skip=names_clinicians)
    return tuple(
        Point(
            f"topic-{topic.kind}", _(_KINDS[topic.kind]), topic, _tried_on(topic), _chart(edition, organization, topic)
        )
        for topic in topics
    )


def _tried_on(topic: Topic) -> str:
    return FOLLOW_UP if topic.rule in ("follow_up", "answers_differ") else topic.measure or ""


def _has_row(edition: EditionSource, organization: str, measure: str) -> bool:
    return any(row["organization_id"] == organization for row in organization_rows(edition, measure))


def _chart(edition: EditionSource, organization: str, topic: Topic) -> Chart | None:
    if topic.measure is None or topic.rule == "followed_well":  # the outcome over time says nothing of follow-up
        return None
    source, place = OneMeasure.of(edition, topic.measure), f"chart-{topic.kind}"
    if topic.variable is not None:
        found = strata_views(source, organization, topic.measure)
        return next((strata_chart(one, place) for one in found if one.variable == topic.variable), None)
    chart = run_chart(source, organization, topic.measure)
    return run_picture(chart, place) if chart.points else None


def hold_circle(service: LiveService, group: Group, now: float, *, held_on: dt.date, minutes: str) -> str:
    """Keep what a circle talked about, with the agenda as it was; its id.

    Raises:
        AccessError: If nothing was written, or there is no edition to talk about.
    """
    said = minutes.strip()
    if not said:
        raise AccessError(_("Nothing was written."))
    edition = service.edition()
    if edition is None:
        raise AccessError(_("There is no edition to talk about yet."))
    kept = [asdict(one.topic) for one in agenda_of(edition, group.organization)]
    return service.register.write(
        lambda connection: keep_circle(
            connection, now, group.organization, held=held_on, edition=edition.id, agenda=kept, minutes=said
        )
    )


def circle_document(service: LiveService, group: Group, today: dt.date) -> Document:
    """The circle on paper. Without minutes and pulse it is the same for an edition, its experiments and a language."""
    page = circle_page(service, group, today)
    rules = _("Nobody is named here, neither people in treatment nor colleagues. There are questions, not answers.")
    blocks: list[Block] = [Text(_("{name}, figures as of {day}.").format(name=group.name, day=page.as_of)), Note(rules)]
    for point in page.points:
        blocks += _point_blocks(point)
    if not page.points:
        blocks.append(Text(_("There are no figures of this organization yet.")))
    blocks.append(Heading(_("Experiments")))
    rows = tuple((one.aim, one.measure, one.started, one.state) for one in page.experiments)
    columns = (_("Aim"), _("Measure"), _("Start"), _("Where it stands"))
    blocks.append(Table(_("Earlier and running experiments"), columns, rows) if rows else Text(_("There are none.")))
    if page.earlier:
        last = page.earlier[0]
        blocks += [Heading(_("Minutes of {day}").format(day=day(last.held)))]
        blocks += [Text(line) for line in last.minutes.splitlines() if line.strip()]
    if page.pulse is not None and page.pulse.rows:
        heads = (_("Week of"), _("Answers"), _("Middle answer"))
        blocks += [Heading(_("Strength left after work")), Table(page.pulse.title, heads, page.pulse.rows)]
    title = _("Circle")
    return Document(title, current(), f"Benchwell · {page.edition or ''}", tuple(blocks))


def _point_blocks(point: Point) -> list[Block]:
    topic = point.topic
    blocks: list[Block] = [Heading(point.heading), Heading(topic.title, 2), Text(topic.why)]
    if topic.finding:
        blocks.append(Text(topic.finding))
    picture = printed(point.chart) if point.chart else None
    if picture is not None and point.chart is not None:
        blocks.append(Picture(picture, point.chart.text, point.chart.title))
        blocks += [Note(words) for words in (point.chart.key, point.chart.note) if words]
    return [*blocks, Items(topic.questions)]
