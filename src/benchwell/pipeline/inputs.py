"""From a snapshot to what outcomes are built from: read, put days on dates, score, and ask consent."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import narwhals as nw
import pyarrow as pa

from benchwell.consent import effective
from benchwell.engine import Engine, Frame
from benchwell.outcomes import OutcomeInputs
from benchwell.registry import Instrument, Registry
from benchwell.scoring import score_assessments
from benchwell.settings import Settings
from benchwell.tables import DERIVED
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


def epoch_day(date: dt.date) -> int:
    """Days since 1970-01-01.

    >>> epoch_day(dt.date(1970, 1, 11))
    10
    """
    return (date - dt.date(1970, 1, 1)).days


def present_instruments(engine: Engine, read: Reader, registry: Registry, as_of: dt.date) -> dict[str, Instrument]:
    """The declared instruments that have at least one assessment up to a day."""
    seen = read("assessments").filter(nw.col("date") <= nw.lit(as_of))
    found: pa.Table = engine.to_arrow(seen.select("instrument").unique())
    return {
        name: registry.instruments[name] for name in found["instrument"].to_pylist() if name in registry.instruments
    }


def known_rates(read: Reader, as_of: dt.date) -> Frame:
    """Official rates whose period is over on a day."""
    return read("published_rates").filter(nw.coalesce(nw.col("period_end"), nw.col("period_start")) <= nw.lit(as_of))


def outcome_inputs(
    engine: Engine, read: Reader, instruments: dict[str, Instrument], settings: Settings, as_of: dt.date
) -> OutcomeInputs:
    """Frames with integer days; scores computed once and held.

    Args:
        engine: Where the frames live.
        read: Gives one canonical table as a lazy frame.
        instruments: Those that occur, by id.
        settings: For the workspace's purpose and consent rule.
        as_of: Nothing after this day is seen.
    """
    last_day = epoch_day(as_of)
    dated = {name: engine.with_epoch_days(read(name), days) for name, days in _DAYS.items()}
    # Scoring reads it once per scale: held, so that files are read once.
    assessments = engine.keep(dated["assessments"].filter(nw.col("day") <= last_day))
    consents = effective(
        dated["consents"],
        Purpose(settings.use.value),
        last_day,
        settings.consent_rule.value,
        patients=read("patients"),
    )
    none = engine.from_arrow(DERIVED["scores"].empty())  # contacts or official rates only
    return OutcomeInputs(
        scores=engine.keep(score_assessments(assessments, instruments)) if instruments else none,
        episodes=engine.keep(dated["episodes"]),
        patients=_with_birth_years(dated["patients"]),
        encounters=dated["encounters"],
        events=dated["events"],
        characteristics=dated["characteristics"],
        consents=engine.keep(consents),
        organizations=read("organizations"),
    )


def _with_birth_years(patients: Frame) -> Frame:
    """Where only the year of birth is known, the middle of that year stands for the day: off by half a year at most."""
    middle = ((nw.col("birth_year") - 1970) * 365.25 + 182).round(0).cast(nw.Int64())
    return patients.with_columns(birth_day=nw.coalesce(nw.col("birth_day"), middle))
