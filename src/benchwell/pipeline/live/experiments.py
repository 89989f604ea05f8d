"""Improvement experiments: aim, change, measure, and the run chart before and after, with honest words beside it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

from benchwell.benchmarks import Edition
from benchwell.errors import AccessError
from benchwell.i18n import N_, _, day, ngettext
from benchwell.pipeline.live.follow_up_points import follow_up_of
from benchwell.pipeline.live.service import LiveService
from benchwell.pipeline.live.service_view import held, whose
from benchwell.register import Viewer
from benchwell.register.experiments import STATES, Experiment, add_note, begin, experiments_of, set_state
from benchwell.reports.canvas import Chart
from benchwell.reports.chart_run import run_picture
from benchwell.reports.network import measures_of
from benchwell.settings import UsePolicy
from benchwell.signals.reading import EditionSource, OneMeasure, measure_of, organization_name
from benchwell.signals.run_chart import RunChart, chart_points, period_of, run_chart
from benchwell.signals.words import Figure, direction
from benchwell.terms import Better

STATE_WORDS: Final = {
    "planned": N_("planned"),
    "running": N_("running"),
    "adopted": N_("adopted: we keep it"),
    "adapted": N_("adapted: we go on differently"),
    "abandoned": N_("ended: we leave it"),
}

_FOLLOWED_UP: Final = N_("Follow-up: how many people have a follow-up score")
_SHARE: Final = Figure("%", 100)
FOLLOW_UP: Final = "follow-up"  # no measure of its own: how complete the follow-up of the first measure is


@dataclass(frozen=True)
class Group:
    """Who reflects together: an organization of the edition, and what it is called."""

    organization: str
    name: str


@dataclass(frozen=True)
class ExperimentRow:
    """One experiment in a list."""

    id: str
    aim: str
    measure: str
    started: str
    state: str


@dataclass(frozen=True)
class ExperimentView:
    """One experiment.

    Attributes:
        experiment: As it was written down.
        group: Whose.
        measure: Title of the measure.
        direction: Which direction is better.
        started: In words.
        ended: In words; "" while it is not over.
        state: Where it stands, in words.
        notes: Day and text of each note.
        chart: Over time, with the change marked; None where no edition speaks of the measure.
        found: What the chart says about before and after.
        caution: Why that is no proof.
    """

    experiment: Experiment
    group: Group
    measure: str
    direction: str
    started: str
    ended: str
    state: str
    notes: tuple[tuple[str, str], ...]
    chart: Chart | None
    found: str
    caution: str


def group_of(service: LiveService, viewer: Viewer, chosen: str | None) -> Group | None:
    """Whose circle and experiments a viewer sees; null for an analyst who has not chosen an organization.

    Raises:
        AccessError: In a workspace for contract use: what people learn from would have consequences there.
    """
    if service.workspace.settings.use is UsePolicy.CONTRACT:
        raise AccessError(
            _("This workspace is for contract use, so there is no circle in it."),
            hint=_("what a team learns from is kept in a workspace for learning"),
        )
    edition = service.edition()
    if edition is None:
        return None if viewer.organization_id is None else Group(viewer.organization_id, viewer.organization_id)
    found = whose(viewer, edition, chosen)
    if found is None or found.organization is None:
        return None
    return Group(found.organization, organization_name(held(edition), found.organization))


def measure_choices(service: LiveService) -> tuple[tuple[str, str], ...]:
    """Measures that an experiment may be seen on: those of the edition, or all declared ones before the first.

    The last is how many people are followed up: what most services can change first.
    """
    edition = service.edition()
    known = measures_of(held(edition)) if edition else list(service.workspace.registry.measures.values())
    return (*((one.id, _(one.title)) for one in known), (FOLLOW_UP, _(_FOLLOWED_UP)))


def experiment_rows(service: LiveService, group: Group) -> tuple[ExperimentRow, ...]:
    """A group's experiments, the latest start first."""
    titles = dict(measure_choices(service))
    with service.register.read() as connection:
        found = experiments_of(connection, group.organization)
    return tuple(
        ExperimentRow(
            one.id, one.aim, titles.get(one.measure, one.measure), day(one.started), _(STATE_WORDS[one.state])
        )
        for one in found
    )


def begin_experiment(
    service: LiveService, group: Group, viewer: Viewer, now: float, *, measure: str, aim: str, change: str, started: str
) -> str:
    """Write an experiment down; its id. One that starts later is planned.

    Raises:
        AccessError: If something is missing, or the day or measure is none.
    """
    aim, change = aim.strip(), change.strip()
    if not aim or not change:
        raise AccessError(_("Say both: the aim, and what is done differently."))
    if measure not in dict(measure_choices(service)):
        raise AccessError(_("There is no such measure."))
    first = parsed_day(started)
    state = "planned" if first > dt.datetime.fromtimestamp(now).date() else "running"
    return service.register.write(
        lambda connection: begin(
            connection,
            now,
            group.organization,
            measure=measure,
            aim=aim,
            change=change,
            started=first,
            state=state,
            created_by=viewer.user_id,
        )
    )


def parsed_day(text: str) -> dt.date:
    """A day as forms send it.

    Raises:
        AccessError: If it is none.
    """
    try:
        found = dt.date.fromisoformat(text)
    except ValueError:
        raise AccessError(_("The day is not a date."), hint=_("write it as 2026-01-31")) from None
    if not 2000 <= found.year <= 2100:
        raise AccessError(_("The day is not a date."), hint=_("write it as 2026-01-31"))
    return found


def note_on(service: LiveService, group: Group, experiment_id: str, now: float, text: str) -> None:
    """Add a note to a group's own experiment.

    Raises:
        AccessError: If the group has no such experiment, or nothing was written.
    """
    said = text.strip()
    if not said:
        raise AccessError(_("Nothing was written."))
    if not service.register.write(
        lambda connection: add_note(connection, now, experiment_id, group.organization, said)
    ):
        raise _none()


def move_experiment(service: LiveService, group: Group, experiment_id: str, today: dt.date, state: str) -> None:
    """Say where a group's own experiment stands.

    Raises:
        AccessError: If the group has no such experiment, or there is no such state.
    """
    if state not in STATES:
        raise AccessError(_("There is no such state."))
    if not service.register.write(
        lambda connection: set_state(connection, experiment_id, group.organization, state, today)
    ):
        raise _none()


def experiment_view(service: LiveService, group: Group, experiment_id: str) -> ExperimentView:
    """One experiment of a group, with its measure before and after as far as editions say.

    Raises:
        AccessError: If the group has no such experiment.
    """
    with service.register.read() as connection:
        found = next((one for one in experiments_of(connection, group.organization) if one.id == experiment_id), None)
    if found is None:
        raise _none()
    edition = service.edition()
    chart = _chart(edition, group, found) if edition else None
    declared = _declared(service, edition, found.measure)
    return ExperimentView(
        experiment=found,
        group=group,
        measure=declared[0],
        direction=declared[1],
        started=day(found.started),
        ended=day(found.ended) if found.ended else "",
        state=_(STATE_WORDS[found.state]),
        notes=tuple((day(dt.datetime.fromtimestamp(one.written_at).date()), one.text) for one in found.notes),
        chart=None if chart is None else run_picture(chart, "trend", _marks(chart, found)),
        found=_found(chart, found),
        caution=_(
            "Before and after is no proof. Figures that were unusual tend to come back by themselves (regression to "
            "the mean), other things change at the same time, and chance moves every figure. Each period holds the "
            "people whose care began in it."
        ),
    )


def _declared(service: LiveService, edition: Edition | None, measure: str) -> tuple[str, str]:
    if measure == FOLLOW_UP:
        return _(_FOLLOWED_UP), direction(Better.HIGHER)
    known = edition.declarations.measures if edition else service.workspace.registry.measures
    declared = known.get(measure)
    return (measure, "") if declared is None else (_(declared.title), direction(declared.better))


def _chart(edition: Edition, group: Group, experiment: Experiment) -> RunChart | None:
    source = held(edition)
    if experiment.measure == FOLLOW_UP:
        return _follow_up(source, group, experiment)
    if experiment.measure not in edition.declarations.measures:
        return None
    measure = measure_of(source, experiment.measure)
    chart = run_chart(OneMeasure.of(source, measure.id), group.organization, measure, changed_on=experiment.started)
    return chart if chart.points else None


def _follow_up(source: EditionSource, group: Group, experiment: Experiment) -> RunChart | None:
    """How complete follow-up is over time: of the first measure that says so, since measures mostly share it."""
    for measure in measures_of(source):
        points = follow_up_of(source, group.organization, measure.id)
        if points:
            title = _("Followed up: {measure}").format(measure=_(measure.title))
            started = experiment.started
            return chart_points(points, title_of=title, figure=_SHARE, better=Better.HIGHER, changed_on=started)
    return None


def _marks(chart: RunChart, experiment: Experiment) -> tuple[tuple[str, str], ...]:
    label = chart.points[0].period
    marks = [(period_of(label, experiment.started), _("change starts"))]
    if experiment.ended is not None and period_of(label, experiment.ended) != marks[0][0]:
        marks.append((period_of(label, experiment.ended), _("decided")))
    return tuple(marks)


def _found(chart: RunChart | None, experiment: Experiment) -> str:
    """What the chart says, without a word about causes."""
    if chart is None:
        return _("No edition holds this measure over time yet, so there is nothing to see before and after.")
    start = period_of(chart.points[0].period, experiment.started)
    known = [point for point in chart.points if point.value is not None]
    before = [point for point in known if point.period < start]
    since = [point for point in known if point.period >= start]
    counted = _("{before} before the start, {since} since.").format(
        before=_periods(len(before)), since=_periods(len(since))
    )
    if not since:
        return counted + " " + _("The change is not in an edition yet: there is nothing after it to look at.")
    unusual = [point.period for point in since if point.signal]
    if not unusual:
        return counted + " " + _("Since the start there is no change beyond the usual ups and downs.")
    return (
        counted
        + " "
        + _("Beyond the usual ups and downs since the start: {periods}.").format(periods=", ".join(unusual))
    )


def _periods(n: int) -> str:
    return ngettext("{n} period with a figure", "{n} periods with a figure", n).format(n=n)


def _none() -> AccessError:
    return AccessError(_("There is no such experiment here."))
