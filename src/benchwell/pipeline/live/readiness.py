"""Data health: what is there, what is missing, what each repair would gain, and what to do first.

Counts come from the register, or from the lake where nothing is in the register yet, so that a service sees how ready
its data are before its first edition. What an edition counts stands beside them once there is one.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from benchwell.benchmarks import Edition
from benchwell.i18n import _
from benchwell.pipeline.live.follow_up_gain import FollowUpGain, follow_up_gain
from benchwell.pipeline.live.follow_up_points import follow_up_points
from benchwell.pipeline.live.measure_view import Picture, picture
from benchwell.pipeline.live.readiness_counts import Counts, Course, Form, count, form_of
from benchwell.pipeline.live.remembered import Remembered
from benchwell.pipeline.live.service_view import MOST, held, key_of, with_figures
from benchwell.register import Role, Viewer
from benchwell.register.readiness import (
    course_rows,
    form_rows,
    moment,
    n_clinicians,
    name_of,
    organization_names,
)
from benchwell.reports.chart_run import run_picture
from benchwell.reports.network import measures_of
from benchwell.signals import RunPoint, chart_points
from benchwell.signals.reading import ALL, organization_name, rows
from benchwell.signals.words import Figure
from benchwell.terms import Better

if TYPE_CHECKING:
    from benchwell.pipeline.live.service import LiveService
    from benchwell.pipeline.workspace import Workspace

LEAST_CLINICIANS = 5  # of fewer, a count would speak of somebody
LEAST_COURSES = 10
MORE = 20  # people of whom a gain is told
_SHARE = Figure("%", 100)


@dataclass(frozen=True)
class Fix:
    """One thing that could be repaired.

    Attributes:
        code: follow_up, start_score, without_course or items.
        n: People, courses or questionnaires that it concerns.
        gain: What repairing some of it would do to a figure; None where that cannot be said.
        measure: Which figure.
    """

    code: str
    n: int
    gain: FollowUpGain | None = None
    measure: str = ""


@dataclass(frozen=True)
class MeasureHealth:
    """What the edition counts of one measure.

    Attributes:
        measure: Its id.
        title: Its title.
        n_eligible: People whose follow-up is due.
        n_followed: Of them, followed up.
        completion: The share.
        weeks: Weeks to follow-up: a quarter, the middle, three quarters; None where unknown.
        trend: Completion over time, with a frozen middle; None below two quarters.
        gain: What following up more people would gain; None where that cannot be said.
    """

    measure: str
    title: str
    n_eligible: int
    n_followed: int
    completion: float | None
    weeks: tuple[float, float, float] | None
    trend: Picture | None
    gain: FollowUpGain | None


@dataclass(frozen=True)
class SameFollowUp:
    """Measures that the same people stand behind: what is true of all of them is said once.

    Attributes:
        measures: At least one, in the order of the edition.
    """

    measures: tuple[MeasureHealth, ...]

    @property
    def first(self) -> MeasureHealth:
        """Any of them, for what they have in common."""
        return self.measures[0]


@dataclass(frozen=True)
class Readiness:
    """The page.

    Attributes:
        name: Whose data; "" for all organizations together.
        organization: Its id.
        is_team_too_small: Whether a lead sees the organization, since the team has too few clinicians or courses.
        is_hidden: Whether the organization has too few as well, so that a lead sees no count at all.
        source: register, lake or none.
        counts: What was counted; None where there is nothing at all.
        n_clinicians: Clinicians; None where they are too few to be counted apart.
        trend: Pairs complete by quarter of start; None below two quarters.
        edition: Id of the edition; None before the first.
        measures: What the edition counts.
        fixes: What to do, what concerns most first.
        choices: Organizations, for those who may choose.
    """

    name: str
    organization: str | None
    is_team_too_small: bool
    is_hidden: bool
    source: str
    counts: Counts | None
    n_clinicians: int | None
    trend: Picture | None
    edition: str | None
    measures: tuple[MeasureHealth, ...]
    fixes: tuple[Fix, ...]
    choices: tuple[tuple[str, str], ...]

    @property
    def groups(self) -> tuple[SameFollowUp, ...]:
        """The measures, those with the same people and the same weeks together."""
        found: dict[object, list[MeasureHealth]] = {}
        for one in self.measures:
            found.setdefault((one.n_eligible, one.n_followed, one.weeks), []).append(one)
        return tuple(SameFollowUp(tuple(these)) for these in found.values())

    @property
    def counts_differ(self) -> bool:
        """Whether pairs and an edition's follow-up are both shown as shares and say different things."""
        pairs = None if self.counts is None or self.counts.n_due < LEAST_COURSES else self.counts.share_paired
        shares = [one.completion for one in self.measures if one.completion is not None]
        return pairs is not None and any(round(100 * one) != round(100 * pairs) for one in shares)


@dataclass(frozen=True)
class _Scope:
    organization: str | None
    team: str | None = None


_counted = Remembered[Counts](limit=64)
_measured = Remembered[tuple[MeasureHealth, ...]](limit=256, spoken=True)


def readiness(service: LiveService, viewer: Viewer, today: dt.date, chosen: str | None = None) -> Readiness | None:
    """How ready the data of a service are.

    Args:
        service: The running service.
        viewer: Who asks: a lead, manager or analyst.
        today: The day from which courses are judged.
        chosen: The organization that an analyst chose; null is all of them.

    Returns:
        The page; None if the viewer belongs to no organization.
    """
    analyst = viewer.role is Role.ANALYST
    own = chosen if analyst else viewer.organization_id
    if own is None and not analyst:
        return None
    scope, too_small = _Scope(own), False
    if viewer.role is Role.LEAD and viewer.team_id is not None:
        too_small = not _is_large(service, _Scope(own, viewer.team_id))
        scope = _Scope(own, None if too_small else viewer.team_id)
    edition = service.edition()
    with service.register.read() as connection:
        names = _names(dict(organization_names(connection)), edition)
        name = (
            "" if own is None else names.get(own, own) if scope.team is None else name_of(connection, own, scope.team)
        )
        clinicians = n_clinicians(connection, scope.organization, scope.team)
    if analyst and own is not None and own not in names:
        return None
    hidden = too_small and not _is_large(service, scope)
    source, counts = ("none", None) if hidden else _counts(service, scope, today)
    measures = (
        () if edition is None or hidden else _measured.get((key_of(edition), scope), lambda: _measures(edition, scope))
    )
    return Readiness(
        name=name,
        organization=own,
        is_team_too_small=too_small and not hidden,
        is_hidden=hidden,
        source=source,
        counts=counts,
        n_clinicians=clinicians if clinicians >= LEAST_CLINICIANS else None,
        trend=None if counts is None else _trend(counts),
        edition=None if edition is None else edition.id,
        measures=measures,
        fixes=_fixes(counts, measures),
        choices=tuple(sorted(names.items(), key=lambda one: (one[1].casefold(), one[0]))) if analyst else (),
    )


def _names(registered: dict[str, str], edition: Edition | None) -> dict[str, str]:
    """Every organization by its id: as the edition calls it, else as the register does."""
    if edition is None:
        return registered
    source = held(edition)
    return registered | {one: organization_name(source, one) for one in with_figures(edition)}


def _is_large(service: LiveService, scope: _Scope) -> bool:
    """Whether a team is large enough that its counts speak of nobody."""
    with service.register.read() as connection:
        clinicians = n_clinicians(connection, scope.organization, scope.team)
        courses = len(course_rows(connection, scope.organization, scope.team))
    return clinicians >= LEAST_CLINICIANS and courses >= LEAST_COURSES


def _counts(service: LiveService, scope: _Scope, today: dt.date) -> tuple[str, Counts | None]:
    with service.register.read() as connection:
        now = moment(connection)
    key = (str(service.register.url), scope, today, now)
    found = _counted.get(key, lambda: _from_register(service, scope, today))
    if found.n_courses or found.n_forms:
        return "register", found
    workspace = service.workspace
    snapshot = workspace.lake.snapshot()
    if not snapshot.rows.get("episodes") and not snapshot.rows.get("assessments"):
        return "none", None
    lake = (str(workspace.path), snapshot.id, scope, today)
    found = _counted.get(lake, lambda: _from_lake(workspace, scope, today))
    return ("lake", found) if found.n_courses or found.n_forms else ("none", None)


def _from_register(service: LiveService, scope: _Scope, today: dt.date) -> Counts:
    with service.register.read() as connection:
        courses = course_rows(connection, scope.organization, scope.team)
        forms = form_rows(connection, scope.organization, scope.team)
    return _count(
        [
            Course(id_, start if isinstance(start, dt.date) else None, clinician)
            for id_, start, _end, clinician in courses
        ],
        [form_of(course, instrument, day, items, total) for course, instrument, day, items, total in forms],
        today,
    )


def _from_lake(workspace: Workspace, scope: _Scope, today: dt.date) -> Counts:
    """The same from the lake; a source without courses has none here, which the page says."""
    snapshot = workspace.lake.snapshot()
    with workspace.holdings.engine() as engine:
        episodes = engine.to_arrow(
            workspace.lake.read(engine, "episodes", snapshot).select(
                "episode_id", "patient_id", "organization_id", "practitioner_id", "start_date"
            )
        ).to_pylist()
        found = engine.to_arrow(
            workspace.lake.read(engine, "assessments", snapshot).select(
                "episode_id", "patient_id", "instrument", "date", "items", "total"
            )
        ).to_pylist()
    if scope.organization is not None:
        episodes = [row for row in episodes if row["organization_id"] == scope.organization]
        people = {row["patient_id"] for row in episodes}
        own = {row["episode_id"] for row in episodes}
        found = [
            row for row in found if row["episode_id"] in own or (not row["episode_id"] and row["patient_id"] in people)
        ]
    return _count(
        [Course(row["episode_id"], row["start_date"], row["practitioner_id"]) for row in episodes],
        [form_of(row["episode_id"], row["instrument"], row["date"], row["items"], row["total"]) for row in found],
        today,
    )


def _count(courses: list[Course], forms: list[Form | None], today: dt.date) -> Counts:
    kept = [form for form in forms if form is not None]
    return count(courses, kept, today, least_clinicians=LEAST_CLINICIANS)


def _trend(counts: Counts) -> Picture | None:
    """Pairs complete by quarter of start; a quarter with too few courses is a gap."""
    points = [
        RunPoint(
            one.label,
            one.paired / one.due if one.due >= LEAST_COURSES else None,
            n=one.due,
            counted=float(one.due) if one.due >= LEAST_COURSES else None,
        )
        for one in counts.quarters
    ]
    return _completion_chart(points, _("Pairs complete, by quarter of start"), "pairs")


def _completion_chart(points: list[RunPoint], title: str, chart_id: str) -> Picture | None:
    chart = chart_points(points, title_of=title, figure=_SHARE, better=Better.HIGHER)
    return picture(run_picture(chart, chart_id)) if chart.known > 1 else None


def _measures(edition: Edition, scope: _Scope) -> tuple[MeasureHealth, ...]:
    """What the edition counts of the organization (or the team, where it has figures); of all where none is chosen."""
    source = held(edition)
    whom = scope.organization
    if scope.team is not None and scope.organization is not None:
        # Another place may happen to have the team's id.
        is_part = rows(source, "organizations", organization_id=scope.team, part_of=scope.organization)
        whom = scope.team if is_part and scope.team in with_figures(edition) else whom
    found = []
    for measure in measures_of(source):
        where = {"measure": measure.id, "stratum": ALL} | ({} if whom is None else {"organization_id": whom})
        mine = [row for row in rows(source, "organization_results", **where) if row["n_eligible"] is not None]
        total = [row for row in mine if row["period"] == ALL]
        eligible = sum(row["n_eligible"] for row in total)
        followed = sum(row["n_followed"] or 0 for row in total)
        if not eligible or measure.is_published:
            continue
        one = total[0] if len(total) == 1 else None
        found.append(
            MeasureHealth(
                measure=measure.id,
                title=_(measure.title),
                n_eligible=eligible,
                n_followed=followed,
                completion=followed / eligible,
                weeks=None if one is None or one["status"] != "ok" else _weeks(one),
                trend=None if whom is None else _completion(mine, measure.id),
                gain=_gain(one, measure.summary),
            )
        )
    return _once(found[:MOST])


def _once(found: list[MeasureHealth]) -> tuple[MeasureHealth, ...]:
    """The same measures, with a trend of the same people drawn only once: measures often share their follow-up."""
    seen: list[tuple[tuple[str, ...], ...]] = []
    kept = []
    for one in found:
        again = one.trend is not None and one.trend.rows in seen
        if one.trend is not None:
            seen.append(one.trend.rows)
        kept.append(replace(one, trend=None) if again else one)
    return tuple(kept)


def _weeks(row: dict[str, Any]) -> tuple[float, float, float] | None:
    low, middle, high = row["day_p25"], row["day_p50"], row["day_p75"]
    return None if low is None or middle is None or high is None else (low / 7, middle / 7, high / 7)


def _completion(found: list[dict[str, Any]], measure: str) -> Picture | None:
    return _completion_chart(follow_up_points(found), _("Followed up, by quarter"), f"completion-{measure}")


def _gain(row: dict[str, Any] | None, summary: str) -> FollowUpGain | None:
    if row is None or summary != "proportion" or row["status"] != "ok":
        return None
    eligible, followed, met = row["n_eligible"], row["n_followed"], row["n_met"]
    if eligible is None or followed is None or met is None:
        return None
    return follow_up_gain(eligible, followed, met, MORE)


def _fixes(counts: Counts | None, measures: tuple[MeasureHealth, ...]) -> tuple[Fix, ...]:
    """What to do, what concerns most first; what concerns nobody is left out."""
    told = next((one for one in measures if one.gain is not None), None)
    missing = max((one.n_eligible - one.n_followed for one in measures), default=0)
    if counts is not None:
        missing = max(missing, counts.n_due_unfollowed)
    found = [Fix("follow_up", missing, None if told is None else told.gain, "" if told is None else told.title)]
    if counts is not None:
        found += [
            Fix("start_score", counts.n_started_unscored),
            Fix("without_course", counts.n_without_course),
            Fix("items", counts.n_incomplete),
        ]
    return tuple(sorted((one for one in found if one.n), key=lambda one: -one.n))
