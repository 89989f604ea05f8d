"""A response-curve declaration: what "expected course" means, on which clock, of whom, and when it may be used.

Decision support for one person (METHODS section 6): what counts as expected, as little change early and as no response
at the end is written down before data are seen, with the checks that a curve has to pass before it is served at all.
"""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from benchwell.registry.declaration import Declaration, Fact, Model

Clock = Literal["weeks", "sessions"]
Group = Literal["sex", "language"]


class EndOfCourse(Model):
    """What was seen at the end: the last score within the horizon, no earlier than `from_occasion`."""

    from_occasion: float = Field(gt=0)
    # Response: at least this share of the way from the first score to the healthy end of the scale.
    response_share: float = Field(default=0.5, gt=0, le=1)


class EarlyChange(Model):
    """Little change early: less than `share` of the way by `by`, judged at the score closest to it (METHODS M6.3)."""

    by: float = Field(gt=0)
    within: float = Field(default=1.0, ge=0)
    share: float = Field(gt=0, lt=1)


class CurveGates(Model):
    """What must hold before a curve is served (METHODS C8, M6 gate)."""

    people: int = Field(default=200, ge=20)  # of the population, with a first score and a later one
    organizations: int = Field(default=5, ge=2)  # clinics with such people: checks leave clinics out
    scores: int = Field(default=2, ge=2)  # of a person, the first one included
    cell: int = Field(default=10, ge=5)  # people behind any figure that is frozen
    judged: int = Field(default=50, ge=20)  # people from whom on a check counts: with fewer, chance alone fails it
    empirical_band: int = Field(default=200, ge=50)  # people of a baseline band for its own percentiles (M6.1)
    coverage: tuple[float, float] = (0.75, 0.85)  # of the central range, on clinics that the fit did not see
    group_coverage: tuple[float, float] = (0.70, 0.90)  # the same within each declared group
    beyond: float = Field(default=0.15, gt=0, lt=1)  # highest share of scores beyond the boundary
    # Points between mean score and mean expected, by first score and at each occasion.
    calibration: float = Field(default=1.5, gt=0)

    @model_validator(mode="after")
    def _ascending(self) -> Self:
        for low, high in (self.coverage, self.group_coverage):
            if not 0 < low < high < 1:
                raise ValueError("coverage is a range between 0 and 1, the lower end first")
        return self


class CurveDeclaration(Declaration):
    """The expected course of one scale on one clock."""

    TEXT_FIELDS: ClassVar[frozenset[str]] = Declaration.TEXT_FIELDS | {"facts"}

    instrument: str
    scale: str | None = None  # null: the primary one
    clock: Clock  # weeks since the first score of the course, or number of the attended session at or before the score
    # Of whom: people who started at this score or worse. The model is fitted to everybody with enough scores, since
    # leaving people out by their first score would bend it; it is checked on, and served to, this population.
    start: Literal["caseness", "everybody"] | float = "caseness"
    horizon: float = Field(gt=0)  # last occasion that the curve speaks of
    boundary: float = Field(default=0.90, gt=0.5, lt=1)  # share expected within: .90 is the end of the central 80 %
    end: EndOfCourse
    early: EarlyChange | None = None
    groups: tuple[Group, ...] = ("sex",)  # within which coverage is checked
    gates: CurveGates = CurveGates()
    folds: int = Field(default=5, ge=2, le=20)  # parts into which clinics are split for the checks
    seed: int = 1
    facts: dict[str, Fact] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.end.from_occasion >= self.horizon:
            raise ValueError("end.from_occasion lies before the horizon")
        if self.early is not None and self.early.by + self.early.within >= self.end.from_occasion:
            raise ValueError("early change is judged before the end: early.by + early.within < end.from_occasion")
        return self
