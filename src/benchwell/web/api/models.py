"""Shapes of what programs send and get; the OpenAPI says the same."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Id = Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f]+$")]
Number = Annotated[float, Field(allow_inf_nan=False)]


class Shape(BaseModel):
    """Nothing is taken that is not known."""

    model_config = ConfigDict(extra="forbid")


class Problem(Shape):
    """Why something was not done, and what to do next."""

    error: str
    hint: str | None = None


class ScoreIn(Shape):
    """A filled-in form, or a stated total."""

    person: Id
    instrument: Id
    date: dt.date
    time: Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?$")] | None = None
    items: Annotated[list[Number | None], Field(max_length=500)] | None = None
    total: Number | None = None
    scale: Id | None = None
    unit: Annotated[str, StringConstraints(max_length=32)] | None = None
    course: Id | None = None
    id: Annotated[Id, StringConstraints(max_length=90)] | None = Field(
        None, description="The same id again is the same record; other content under it is a correction."
    )


class ScaleOut(Shape):
    """One scale of a form."""

    scale: str
    value: float | None
    status: str
    band: str | None
    reason: str | None


class SignalOut(Shape):
    """What the newest score of a course says. A change above 0 is an improvement, whatever the scale's direction."""

    instrument: str
    scale: str
    better: str
    state: str
    change: float | None
    change_class: str | None
    band: str
    expected_lower: float | None
    expected_upper: float | None
    sentence: str
    next_steps: list[str]


class PromptOut(Shape):
    """An answer that a person must look at now."""

    item: int
    state: str


class ScoreOut(Shape):
    """What became of a form, and what it says."""

    id: str
    is_new: bool
    is_correction: bool
    scores: list[ScaleOut]
    signal: SignalOut | None
    safety: list[PromptOut]


class CourseOut(Shape):
    """One course of care."""

    id: str
    start: dt.date | None
    end: dt.date | None
    condition: str | None
    therapy: str | None


class PastScoreOut(Shape):
    """One score of a person."""

    assessment: str
    course: str | None
    instrument: str
    scale: str
    date: dt.date
    value: float | None
    status: str
    band: str | None
    reason: str | None


class PersonOut(Shape):
    """One person's courses, scores, and what the newest ones say."""

    person: str
    courses: list[CourseOut]
    scores: list[PastScoreOut]
    signals: list[SignalOut]


class EditionOut(Shape):
    """One edition."""

    id: str
    as_of: str


class EditionsOut(Shape):
    """Every edition, the latest first."""

    editions: list[EditionOut]


class ResultOut(Shape):
    """One figure of one organization: null where it may not be shown, and `status` and `reason` say why."""

    model_config = ConfigDict(extra="ignore")

    measure: str
    organization_id: str
    period: str | None = None
    stratum: str | None = None
    level: str | None = None
    status: str | None = None
    reason: str | None = None
    n_needed: int | None = None
    n_eligible: int | None = None
    n_followed: int | None = None
    completion: float | None = None
    estimate: float | None = None
    lower: float | None = None
    upper: float | None = None
    primary_denominator: str | None = None
    adjustment: str | None = None


class ResultsOut(Shape):
    """Figures of one edition."""

    edition: str
    results: list[ResultOut]
