"""A measure declaration: who is counted, when they are measured, and what counts as the outcome."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from benchwell.registry.declaration import Declaration, Fact, Model
from benchwell.terms import Better, ChangeClass, Denominator

# A cut-off is a number, or the name of one of the instrument's own cut-offs ("caseness", "remission").
Cut = float | Literal["caseness", "remission"]


class Condition(Model):
    """Keep episodes whose column (of episodes, patients or characteristics) has one of these values."""

    column: str
    one_of: tuple[str | int, ...] | None = None
    none_of: tuple[str | int, ...] | None = None  # an unknown value passes: nobody is excluded for what is not recorded
    at_least: float | None = None
    at_most: float | None = None
    reason: str  # the exclusion code for those who do not match


class Population(Model):
    """Who is counted at all."""

    conditions: tuple[Condition, ...] = ()
    finished_course: int | None = None  # ended, with at least this many attended treatment contacts (M1.3)


class Index(Model):
    """Which day is day 0 (METHODS M1.1)."""

    rule: Literal["start_date", "referral_date", "end_date", "first_score", "elevated_score", "first_attended"]
    at_least: Cut | None = None  # for elevated_score, in the direction of worse
    clean_days: int = 365  # a new index within this many days of an open episode does not open a second one


class Baseline(Model):
    """The baseline score: days relative to the index, inclusive."""

    from_day: int = -14
    to_day: int = 0
    pick: Literal["last", "first", "closest"] = "last"
    target_day: int | None = None
    cut_in: Cut | None = None  # baseline must be at least this bad to be counted


class Followup(Model):
    """The follow-up score: window, rule and maturity (METHODS M1.1, M1.2)."""

    from_day: int
    to_day: int
    pick: Literal["last", "closest", "first", "last_observation", "session_k"]
    target_day: int | None = None
    session: int | None = None
    grace_days: int = Field(default=30, ge=0)

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.pick == "closest" and self.target_day is None:
            raise ValueError("pick 'closest' needs target_day")
        if self.pick == "session_k" and self.session is None:
            raise ValueError("pick 'session_k' needs session")
        if self.from_day > self.to_day:
            raise ValueError("from_day is after to_day")
        return self


class Change(Model):
    """Mean gain in points, baseline to follow-up; positive is improvement (M2.1).

    `per_day` divides by the days between the two scores (efficiency of a stay, M2.11).
    """

    kind: Literal["change"]
    per_day: bool = False


class PercentChange(Model):
    """Clinic ratio of means (primary) or mean of individual percents (M2.1)."""

    kind: Literal["percent_change"]
    of: Literal["ratio_of_means", "mean_of_percents"] = "ratio_of_means"


class Response(Model):
    """At least this percentage better than baseline, in whole numbers, no floats (M2.2)."""

    kind: Literal["response"]
    percent: int = 50


class Remission(Model):
    """Follow-up beyond a cut-off on the healthy side (M2.2)."""

    kind: Literal["remission"]
    below: Cut = "remission"


class ReliableChange(Model):
    """Reliable improvement, recovery or deterioration, and the four classes behind them (M2.3, M2.4)."""

    kind: Literal["reliable_change"]
    met: ChangeClass | Literal["recovered_or_improved"]
    points: float | None = None  # null: the instrument's own reliable change
    cut: Cut = "caseness"


class MeasurePart(Model):
    """One of the scores of a two-measure rule."""

    instrument: str
    caseness: Cut = "caseness"
    reliable_points: float | None = None


class TwoMeasure(Model):
    """The two-measure rule of NHS Talking Therapies (M2.5)."""

    kind: Literal["two_measure"]
    met: Literal["recovery", "reliable_improvement", "reliable_recovery", "reliable_deterioration"]
    parts: tuple[MeasurePart, MeasurePart]


class EffectSize(Model):
    """Standardized pre-post change of a group, Hedges-corrected (M2.6)."""

    kind: Literal["effect_size"]


class SeverityAdjustedEffectSize(Model):
    """Severity-adjusted effect size against a frozen reference sample (M2.7).

    Without a declared reference, the edition fits one on its own pooled sample and freezes it.
    """

    kind: Literal["saes"]
    intercept: float | None = None
    slope: float | None = None
    mean_change: float | None = None
    reference_sd: float | None = None


class Threshold(Model):
    """Follow-up score, or gain in points, within limits (both inclusive)."""

    kind: Literal["threshold"]
    of: Literal["followup", "gain"] = "followup"
    at_least: float | None = None
    at_most: float | None = None


class Retention(Model):
    """An attended contact in the window, or a planned end before it (M11.6: split by reason)."""

    kind: Literal["retention"]
    planned_end_reasons: tuple[str, ...] = ("completed",)


class WaitDays(Model):
    """Days from referral to first attended contact; with `within_days` a yes/no standard."""

    kind: Literal["wait_days"]
    contact: Literal["any", "treatment"] = "any"
    within_days: int | None = None


class EventRate(Model):
    """Events per 100 person-years (M2.10)."""

    kind: Literal["event_rate"]
    event: str


class PublishedRate(Model):
    """A rate that an official body has already computed."""

    kind: Literal["published"]
    source: str
    name: str
    group_type: str


Endpoint = Annotated[
    Change
    | PercentChange
    | Response
    | Remission
    | ReliableChange
    | TwoMeasure
    | EffectSize
    | SeverityAdjustedEffectSize
    | Threshold
    | Retention
    | WaitDays
    | EventRate
    | PublishedRate,
    Field(discriminator="kind"),
]

Summary = Literal["proportion", "mean", "ratio_of_means", "effect_size", "rate"]

# Smallest differences that matter where a measure declares none (`Measure.light_margin`).
_MARGINS: dict[Summary, float] = {"proportion": 0.03, "ratio_of_means": 3.0, "effect_size": 0.1}

_SUMMARY: dict[str, Summary] = {
    "change": "mean",
    "response": "proportion",
    "remission": "proportion",
    "reliable_change": "proportion",
    "two_measure": "proportion",
    "effect_size": "effect_size",
    "saes": "mean",
    "threshold": "proportion",
    "retention": "proportion",
    "event_rate": "rate",
    "published": "proportion",
}

# Endpoints that compare a follow-up score with a baseline score.
_PAIRED = {
    "change",
    "percent_change",
    "response",
    "remission",
    "reliable_change",
    "two_measure",
    "effect_size",
    "saes",
    "threshold",
}


class OverPeriod(Model):
    """How courses are counted over a measurement period, as quality measures are reported.

    `day` says which day must lie in the period. Without a follow-up score nobody met a measure that counts everyone
    eligible; `no_baseline` says whether the same holds without a first score, or whether that leaves a course out.
    """

    day: Literal["course_end", "index", "due"]
    no_baseline: Literal["excluded", "not_met"] = "excluded"


class Measure(Declaration):
    """One outcome, defined before data are seen."""

    # Where a measure stands on a page moves no number, nor does whose definition it follows.
    TEXT_FIELDS: ClassVar[frozenset[str]] = Declaration.TEXT_FIELDS | {"headline", "aligned_with"}

    better: Better  # direction of the measure itself (a deterioration rate is better lower)
    unit: Literal["episode", "person", "group", "family"] = "episode"
    instruments: tuple[str, ...] = ()  # accepted for baseline and follow-up; the same one for both
    scale: str | None = None  # null: the instrument's primary scale
    population: Population = Population()
    index: Index | None = None
    baseline: Baseline | None = None
    followup: Followup | None = None
    endpoint: Endpoint
    primary_denominator: Denominator = Denominator.ALL_ELIGIBLE
    weight_by: tuple[str, ...] = ("baseline", "early_change", "attended", "organization_id")  # M1.5 predictors
    margin: float | None = None  # delta of M5.5, in the units of the figure
    over_period: OverPeriod | None = None  # null: the end of a finished course, else the day the outcome became due
    aligned_with: str | None = None  # whose definition this follows, and that nobody certified it
    headline: int | None = Field(default=None, ge=1)  # order on a one-page summary; at most six are shown
    facts: dict[str, Fact] = Field(default_factory=dict)  # constants above by dotted path, with their source
    examples: tuple[dict[str, Any], ...] = ()

    @property
    def light_margin(self) -> float:
        """Delta of M5.5: the declared margin, or the smallest difference that matters for figures of this kind.

        Without a declaration it is 3 points of a percentage, as in METHODS E5.5 (shares are stored as fractions, ratios
        of means in percent), and a tenth of a standard deviation of an effect size. Other figures have no unit that we
        could guess: theirs is 0.
        """
        return _MARGINS.get(self.summary, 0.0) if self.margin is None else self.margin

    @property
    def counted_over_period(self) -> OverPeriod:
        """How it is counted over a measurement period: as declared, else by the default."""
        if self.over_period is not None:
            return self.over_period
        return OverPeriod(day="due" if self.population.finished_course is None else "course_end")

    @property
    def summary(self) -> Summary:
        """How episodes become one figure for an organization."""
        if isinstance(self.endpoint, PercentChange):
            return "ratio_of_means" if self.endpoint.of == "ratio_of_means" else "mean"
        if isinstance(self.endpoint, WaitDays):
            return "mean" if self.endpoint.within_days is None else "proportion"
        return _SUMMARY[self.endpoint.kind]

    @property
    def is_published(self) -> bool:
        """Whether the figure comes ready-made from an official body."""
        return isinstance(self.endpoint, PublishedRate)

    @property
    def is_counted_over_period(self) -> bool:
        """Whether each course is a yes or a no that can be counted over a measurement period."""
        counts = self.primary_denominator is not Denominator.ESTIMATED
        return self.summary == "proportion" and counts and not self.is_published

    @property
    def is_paired(self) -> bool:
        """Whether it needs a baseline and a follow-up score."""
        return self.endpoint.kind in _PAIRED

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.is_paired:
            if not self.instruments:
                raise ValueError("a paired measure names its instruments")
            missing = [part for part in ("index", "baseline", "followup") if getattr(self, part) is None]
            if missing:
                raise ValueError(f"a paired measure needs {missing}")
        if isinstance(self.endpoint, Retention | WaitDays | EventRate) and self.index is None:
            raise ValueError("this endpoint needs an index rule")
        if isinstance(self.endpoint, TwoMeasure) and {part.instrument for part in self.endpoint.parts} != set(
            self.instruments
        ):
            raise ValueError("the two parts and `instruments` name the same instruments")
        if isinstance(self.endpoint, Threshold) and self.endpoint.at_least is None and self.endpoint.at_most is None:
            raise ValueError("a threshold needs at_least or at_most")
        if isinstance(self.endpoint, Retention) and self.followup is None:
            raise ValueError("retention needs a follow-up window")
        return self
