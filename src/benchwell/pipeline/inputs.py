"""From a snapshot to what outcomes are built from: read, put days on dates, score, and ask consent."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import narwhals as nw
import pyarrow as pa

from benchwell.consent import effective
from benchwell.engine import Engine, Frame
from benchwell.outcomes import Courses, OutcomeInputs, derive_episodes, without_absent_courses
from benchwell.registry import EpisodeRule, Instrument, Registry
from benchwell.scoring import score_assessments, without_restated
from benchwell.settings import Settings
from benchwell.tables import DERIVED
from benchwell.tables.days import epoch_day
from benchwell.terms import Purpose

Reader = Callable[[str], Frame]

_DAYS = {
    "assessments": {"day": "date"},
    "episodes": {"referral_day": "referral_date", "start_day": "start_date", "end_day": "end_date"},
    "patients": {"birth_day": "birth_date", "death_day": "death_date"},
    "encounters": {"day": "date"},
    "events": {"day": "date"},
    "characteristics": {"day": "date"},
    "consents": {"day": "date"},
}
_DIAGNOSED = {"onset_day": "onset_date", "recorded_day": "recorded_date", "abatement_day": "abatement_date"}


@dataclass(frozen=True)
class Reading:
    """What outcomes are built from, and what was done to records on the way.

    Attributes:
        inputs: Frames with integer days.
        rules: The episode rule, if it made a course or joined a contact to one.
        counts: Courses derived, contacts joined to named courses, contacts without a course, scores folded.
    """

    inputs: OutcomeInputs
    rules: tuple[EpisodeRule, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)


def present_instruments(engine: Engine, read: Reader, registry: Registry, as_of: dt.date) -> dict[str, Instrument]:
    """The declared instruments that have at least one assessment up to a day."""
    seen = read("assessments").filter(nw.col("date") <= nw.lit(as_of))
    found: pa.Table = engine.to_arrow(seen.select("instrument").unique())
    return {
        name: registry.instruments[name] for name in found["instrument"].to_pylist() if name in registry.instruments
    }


def episode_rule_of(settings: Settings, registry: Registry) -> EpisodeRule | None:
    """The rule by which contacts become courses, that settings name; null if they name none.

    Raises:
        UnknownDeclarationError: If there is no rule of that name.
    """
    return None if settings.episode_rule is None else registry.episode_rule(settings.episode_rule)


def known_rates(read: Reader, as_of: dt.date) -> Frame:
    """Official rates whose period is over on a day."""
    return read("published_rates").filter(nw.coalesce(nw.col("period_end"), nw.col("period_start")) <= nw.lit(as_of))


def outcome_inputs(
    engine: Engine,
    read: Reader,
    instruments: dict[str, Instrument],
    settings: Settings,
    as_of: dt.date,
    rule: EpisodeRule | None = None,
) -> Reading:
    """Frames with integer days; scores computed once and held, and courses derived where the source names none.

    Args:
        engine: Where the frames live.
        read: Gives one canonical table as a lazy frame.
        instruments: Those that occur, by id.
        settings: For the workspace's purpose and consent rule.
        as_of: Nothing after this day is seen.
        rule: Makes courses of care from contacts that belong to none; null makes none.
    """
    last_day = epoch_day(as_of)
    dated = {name: engine.with_epoch_days(read(name), days) for name, days in _DAYS.items()}
    # Scoring reads it once per scale: held, so that files are read once.
    assessments = engine.keep(dated["assessments"].filter(nw.col("day") <= last_day))
    purpose = Purpose(settings.use.value)
    consents = effective(
        dated["consents"],
        purpose,
        last_day,
        settings.silence(purpose).value,
        patients=read("patients"),
    )
    none = engine.from_arrow(DERIVED["scores"].empty())  # contacts or official rates only
    scores, folded = none, 0
    if instruments:
        found = without_restated(engine.keep(score_assessments(assessments, instruments)), assessments, engine)
        scores, folded = found.scores, found.count
    courses = Courses(engine.keep(dated["episodes"]), dated["encounters"])
    if rule is not None:
        courses = derive_episodes(
            rule,
            courses.episodes,
            courses.encounters,
            engine=engine,
            last_day=last_day,
            conditions=engine.with_epoch_days(read("conditions"), _DIAGNOSED) if rule.opens.diagnosis else None,
            scores=scores,
            organizations=read("organizations"),
        )
    if courses.looked:  # scores take the course that they name from their contact, so only here one may be absent
        scores = without_absent_courses(scores, courses.episodes, engine)
    inputs = OutcomeInputs(
        scores=scores,
        episodes=engine.keep(courses.episodes) if courses.derived else courses.episodes,
        patients=_with_birth_years(dated["patients"]),
        encounters=courses.encounters,
        events=dated["events"],
        characteristics=dated["characteristics"],
        consents=engine.keep(consents),
        organizations=read("organizations"),
    )
    counts = {
        "courses_derived": courses.derived,
        "contacts_joined_to_courses": courses.joined,
        "contacts_without_course": courses.without,
        "scores_folded": folded,
    }
    return Reading(inputs, (rule,) if rule is not None and courses.applied else (), counts)


def _with_birth_years(patients: Frame) -> Frame:
    """Where only the year of birth is known, the middle of that year stands for the day: off by half a year at most."""
    middle = ((nw.col("birth_year") - 1970) * 365.25 + 182).round(0).cast(nw.Int64())
    return patients.with_columns(birth_day=nw.coalesce(nw.col("birth_day"), middle))
