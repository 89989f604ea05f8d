"""Courses of care from contacts, by a declared rule, where the source names none (METHODS M1.1).

A course that the source names is never touched. What is added looks like a named course, and its contacts get its id.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

import narwhals as nw

from benchwell.engine import Engine, Frame
from benchwell.outcomes.attach import SLACK_DAYS
from benchwell.outcomes.diagnoses import diagnosed_days
from benchwell.outcomes.inputs import day, joined, text
from benchwell.outcomes.runs import courses_of_runs
from benchwell.registry import EpisodeRule

UNKNOWN_ORGANIZATION = "unknown"
_BEGINNING = -(10**7)  # a day before all days; null would not compare
_BY = {"organization": "organization_id", "practitioner": "practitioner_id"}


@dataclass(frozen=True)
class Courses:
    """Episodes with the derived ones below them, and encounters with their `episode_id` filled.

    Attributes:
        episodes: As given, and one row more per derived course.
        encounters: As given; a contact without a course has that of the named or derived course it belongs to.
        derived: How many courses were made.
        joined: How many contacts joined a course that the source names.
        without: How many contacts still belong to no course.
    """

    episodes: Frame
    encounters: Frame
    derived: int = 0
    joined: int = 0
    without: int = 0

    @property
    def applied(self) -> bool:
        """Whether the rule moved anything."""
        return bool(self.derived or self.joined)

    @property
    def looked(self) -> bool:
        """Whether any contact belonged to no course at first."""
        return bool(self.joined or self.derived or self.without)


def derive_episodes(
    rule: EpisodeRule,
    episodes: Frame,
    encounters: Frame,
    *,
    engine: Engine,
    last_day: int,
    conditions: Frame | None = None,
    scores: Frame | None = None,
    organizations: Frame | None = None,
) -> Courses:
    """Divide contacts that belong to no course into courses; where there are none, only their count is computed.

    A contact belongs to no course if it names none, or one that is not among `episodes`. On a day that a named course
    of the same person covers (from 30 days before its start, to its end), it joins that course: one that has begun
    before one that is only near, then one of the same organization, then the one that began last.

    Args:
        rule: What counts, and when a new course begins.
        episodes: `tables.CANONICAL["episodes"]` with `referral_day`, `start_day`, `end_day`.
        encounters: `tables.CANONICAL["encounters"]` with `day`.
        engine: Holds and counts.
        last_day: Nothing after this day is seen.
        conditions: `tables.CANONICAL["conditions"]` with `onset_day`, `recorded_day` and `abatement_day`; read where
            the rule names a diagnosis.
        scores: `tables.DERIVED["scores"]`; read where scores may open a course.
        organizations: Where a course has no known organization, and there is only one, it is that one.
    """
    free = _free(episodes, encounters, last_day)
    n_free = _count(engine, free)
    orphans = _orphans(rule, scores, episodes, encounters, last_day)
    n_orphans = 0 if orphans is None else _count(engine, orphans)
    if not n_free and not n_orphans:
        return Courses(episodes, encounters)
    known = None
    if rule.opens.diagnosis is not None and conditions is not None:
        known = engine.keep(diagnosed_days(conditions, rule.opens.diagnosis, last_day, encounters))
    fallback = _only_organization(engine, organizations)
    found: list[Frame] = []
    members: list[Frame] = []
    n_joined = 0
    if n_free:
        free = engine.keep(free)
        covered = engine.keep(_covered(free, episodes))
        n_joined = _count(engine, covered)
        free = engine.keep(free.join(covered.select("encounter_id"), on="encounter_id", how="anti"))
        made = _courses(rule, free.filter(_counts(rule)), known, engine, last_day)
        found.append(made)
        members += [covered, _members(rule, free, made)]
    if orphans is not None and n_orphans:
        found.append(_courses(rule, orphans, known, engine, last_day, ended=False))
    rows = engine.keep(nw.concat(found) if len(found) > 1 else found[0])
    n_derived = _count(engine, rows)
    filled = encounters
    n_members = 0
    if members:
        belongs = engine.keep(nw.concat(members))
        n_members = _count(engine, belongs)
        filled = engine.keep(_filled(encounters, belongs))
    return Courses(
        nw.concat([episodes, _as_episodes(rows, episodes, fallback)]) if n_derived else episodes,
        filled,
        derived=n_derived,
        joined=n_joined,
        without=n_free - n_members,
    )


def without_absent_courses(scores: Frame, episodes: Frame, engine: Engine) -> Frame:
    """Scores that name a course which is not there lose that name, so that their day decides; else the same frame."""
    named = scores.filter(~nw.col("episode_id").is_null())
    if not _count(engine, named.join(episodes.select("episode_id"), on="episode_id", how="anti")):
        return scores
    there = joined(scores, episodes.select("episode_id").unique().with_columns(there=nw.lit(1)), "episode_id")
    known = nw.when(~nw.col("there").is_null()).then(nw.col("episode_id")).otherwise(text(None))
    return engine.keep(there.with_columns(episode_id=known).drop("there"))


def _count(engine: Engine, frame: Frame) -> int:
    return int(engine.to_arrow(frame.select(n=nw.len()))["n"][0].as_py())


def _free(episodes: Frame, encounters: Frame, last_day: int) -> Frame:
    """Contacts of a known person and day that belong to no course."""
    dated = encounters.filter(~nw.col("patient_id").is_null(), nw.col("day") <= last_day)
    loose = dated.join(episodes.select("episode_id"), on="episode_id", how="anti")
    columns = ["encounter_id", "patient_id", "organization_id", "practitioner_id", "day", "kind", "mode", "attended"]
    return loose.select(columns)


def _orphans(
    rule: EpisodeRule, scores: Frame | None, episodes: Frame, encounters: Frame, last_day: int
) -> Frame | None:
    """Days with a valid score of people who have neither a contact nor a course, in the shape of contacts."""
    if not rule.first_score_opens or scores is None:
        return None
    usable = scores.filter(
        nw.col("episode_id").is_null(),
        ~nw.col("patient_id").is_null(),
        ~nw.col("value").is_null(),
        nw.col("day") <= last_day,
    )
    seen = encounters.filter(~nw.col("patient_id").is_null(), nw.col("day") <= last_day).select("patient_id")
    lonely = usable.join(episodes.select("patient_id"), on="patient_id", how="anti").join(
        seen, on="patient_id", how="anti"
    )
    first = lonely.group_by("patient_id", "day").agg(encounter_id=nw.col("assessment_id").min())
    return first.select(
        "encounter_id",
        "patient_id",
        "day",
        organization_id=text(None),
        practitioner_id=text(None),
        kind=text(None),
        mode=text(None),
        attended=nw.lit(True),
    )


def _covered(free: Frame, episodes: Frame) -> Frame:
    """Contacts on days that a named course covers: `encounter_id`, `course`."""
    referral, start = nw.col("referral_day"), nw.col("start_day")
    first = nw.min_horizontal(nw.coalesce(referral, start), nw.coalesce(start, referral))
    named = episodes.select(
        "patient_id",
        "end_day",
        course=nw.col("episode_id"),
        at=nw.col("organization_id"),
        begins=nw.coalesce(first, day(_BEGINNING)),
    )
    pairs = free.join(named, on="patient_id", how="inner").filter(
        nw.col("day") >= nw.col("begins") - SLACK_DAYS,
        nw.col("end_day").is_null() | (nw.col("day") <= nw.col("end_day")),
    )
    same = (nw.col("at") == nw.col("organization_id")).fill_null(False)
    placed = pairs.with_columns(
        one=nw.lit(1),
        early=nw.when(nw.col("day") < nw.col("begins")).then(nw.lit(1)).otherwise(nw.lit(0)),
        other=nw.when(same).then(nw.lit(0)).otherwise(nw.lit(1)),
        back=-nw.col("begins"),
    ).with_columns(
        place=nw.col("one").cum_sum().over("encounter_id", order_by=["early", "other", "back", "course"]),
    )
    return placed.filter(nw.col("place") == 1).select("encounter_id", "course")


def _courses(
    rule: EpisodeRule, contacts: Frame, known: Frame | None, engine: Engine, last_day: int, *, ended: bool = True
) -> Frame:
    """One row per derived course of contacts that count: the person, its days, and who saw the person first."""
    counting = _with_opening(rule, _with_keys(rule, contacts), known)
    counted = courses_of_runs(counting, _keys(rule), rule.gap_days, rule.clean_days, engine)
    courses = counted.group_by(*_keys(rule), "course_day").agg(last_day=nw.col("day").max())
    first = counted.filter(nw.col("opens"), nw.col("day") == nw.col("course_day"))
    opened = first.group_by(*_keys(rule), "course_day").agg(opened_by=nw.col("encounter_id").min())
    frame = joined(courses, opened, [*_keys(rule), "course_day"])
    frame = _with_earliest_known(frame, counted, "organization_id", _keys(rule))
    frame = _with_earliest_known(frame, counted, "practitioner_id", _keys(rule))
    over = nw.lit(ended) & (last_day - nw.col("last_day") > rule.gap_days)
    end = nw.col("last_day") + (0 if rule.ends == "last_contact" else rule.gap_days)
    labelled = first.filter(nw.col("diagnosed")).select(*_keys(rule), "course_day").unique().with_columns(has=nw.lit(1))
    frame = joined(frame, labelled, [*_keys(rule), "course_day"])
    label = None if rule.opens.diagnosis is None else rule.opens.diagnosis.label
    return engine.keep(
        frame.select(
            *_keys(rule),
            "course_day",
            "last_day",
            "organization_id",
            "practitioner_id",
            episode_id=nw.concat_str(nw.lit("course:"), nw.col("opened_by")),
            end_day=nw.when(over).then(end).otherwise(day(None)).cast(nw.Int64()),
            condition=nw.when(~nw.col("has").is_null()).then(text(label)).otherwise(text(None)),
        ).select(
            "patient_id",
            "course_day",
            "last_day",
            "organization_id",
            "practitioner_id",
            "episode_id",
            "end_day",
            "condition",
            *(nw.col(name) if name in _keys(rule) else text("").alias(name) for name in ("key_1", "key_2")),
        )
    )


def _keys(rule: EpisodeRule) -> list[str]:
    return ["patient_id", *(f"key_{place}" for place, _ in enumerate(rule.by, start=1))]


def _with_keys(rule: EpisodeRule, frame: Frame) -> Frame:
    """What contacts of one course share; an unknown one is a value of its own, since null would equal nothing."""
    shared = {f"key_{place}": nw.col(_BY[name]).fill_null("") for place, name in enumerate(rule.by, start=1)}
    return frame.with_columns(**shared) if shared else frame


def _counts(rule: EpisodeRule) -> nw.Expr:
    opens = rule.opens
    parts = [nw.col("attended").fill_null(False)]
    if opens.kinds is not None:
        parts.append(nw.col("kind").is_in(list(opens.kinds)).fill_null(False))
    if opens.not_kinds:
        parts.append(~nw.col("kind").is_in(list(opens.not_kinds)).fill_null(False))
    if opens.modes is not None:
        parts.append(nw.col("mode").is_in(list(opens.modes)).fill_null(False))
    return reduce(lambda left, right: left & right, parts)


def _with_opening(rule: EpisodeRule, counting: Frame, known: Frame | None) -> Frame:
    """Add `diagnosed` and `opens`: whether the contact's day has the diagnosis, and whether it may open a course."""
    diagnosis = rule.opens.diagnosis
    if diagnosis is None or known is None:
        open_to_all = diagnosis is None or not diagnosis.required
        return counting.with_columns(diagnosed=nw.lit(False), opens=nw.lit(open_to_all))
    hits = (
        counting.select("encounter_id", "patient_id", "day")
        .join(known, on="patient_id", how="inner")
        .filter(
            nw.col("day") + diagnosis.active_within_days >= nw.col("from_day"),
            nw.col("to_day").is_null() | (nw.col("day") <= nw.col("to_day")),
        )
        .select("encounter_id")
        .unique()
        .with_columns(hit=nw.lit(1))
    )
    flagged = joined(counting, hits, "encounter_id").with_columns(diagnosed=~nw.col("hit").is_null()).drop("hit")
    return flagged.with_columns(opens=nw.col("diagnosed") if diagnosis.required else nw.lit(True))


def _with_earliest_known(frame: Frame, counted: Frame, column: str, keys: list[str]) -> Frame:
    """Add who saw the person first: the earliest contact of the course that says so (its id decides within a day)."""
    key = [*keys, "course_day"]
    placed = (
        counted.filter(~nw.col(column).is_null())
        .with_columns(one=nw.lit(1))
        .with_columns(place=nw.col("one").cum_sum().over(*key, order_by=["day", "encounter_id"]))
    )
    return joined(frame, placed.filter(nw.col("place") == 1).select(*key, column), key)


def _members(rule: EpisodeRule, free: Frame, made: Frame) -> Frame:
    """Contacts from a course's first day until the longest break after its last is over: `encounter_id`, `course`."""
    keys = _keys(rule)
    spans = made.select(*keys, "course_day", "last_day", course=nw.col("episode_id"))
    within = (
        _with_keys(rule, free)
        .join(spans, on=keys, how="inner")
        .filter(nw.col("day") >= nw.col("course_day"), nw.col("day") <= nw.col("last_day") + rule.gap_days)
    )
    return within.select("encounter_id", "course")


def _filled(encounters: Frame, belongs: Frame) -> Frame:
    names = encounters.collect_schema().names()
    return joined(encounters, belongs, "encounter_id").select(
        **{
            name: nw.coalesce(nw.col("course"), nw.col("episode_id")) if name == "episode_id" else nw.col(name)
            for name in names
        }
    )


def _only_organization(engine: Engine, organizations: Frame | None) -> str:
    if organizations is None:
        return UNKNOWN_ORGANIZATION
    found = engine.to_arrow(organizations.select("organization_id"))["organization_id"].to_pylist()
    return str(found[0]) if len(found) == 1 else UNKNOWN_ORGANIZATION


def _as_episodes(rows: Frame, episodes: Frame, fallback: str) -> Frame:
    """Derived courses in the columns of the named ones; what a rule cannot know is null."""
    schema = episodes.collect_schema()
    known = {
        "episode_id": nw.col("episode_id"),
        "patient_id": nw.col("patient_id"),
        "organization_id": nw.coalesce(nw.col("organization_id"), nw.lit(fallback)),
        "practitioner_id": nw.col("practitioner_id"),
        "condition": nw.col("condition"),
        "start_day": nw.col("course_day"),
        "end_day": nw.col("end_day"),
    }
    return rows.select(
        **{name: known[name] if name in known else nw.lit(None).cast(schema[name]) for name in schema.names()}
    )
