"""What a made-up network is like: every setting, and the seed (METHODS M13.4).

Improvement is in PHQ-9 points, higher is better. A person's improvement is the sum of declared parts and noise:

    mean + clinic + clinician + baseline + deprivation + comorbidity + sessions - gap of the group + noise
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, fields
from typing import Literal

Mechanism = Literal["complete", "mcar", "mar", "mnar"]
Outcome = Literal["phq9", "linear"]


def _shares(settings: object, *names: str) -> None:
    for name in names:
        if not 0 <= getattr(settings, name) <= 1:
            raise ValueError(f"{type(settings).__name__}.{name} must lie between 0 and 1")


def _not_negative(settings: object, *names: str) -> None:
    for name in names:
        if not getattr(settings, name) >= 0:
            raise ValueError(f"{type(settings).__name__}.{name} must not be negative")


@dataclass(frozen=True)
class CaseMix:
    """Who comes, where, and what that does to improvement.

    Attributes:
        baseline_sorting: Share of the variance of first scores that lies between clinics, in [0, 1].
        baseline_effect: Points of improvement per point of first score above 16.
        deprivation_sorting: Share of the variance of deprivation that lies between clinics: 0, all clinics see the
            same people; 1, each clinic sees one kind.
        deprivation_effect: Points of improvement lost per quintile toward deprivation (quintile 1 is the most
            deprived fifth, 5 the least).
        comorbidity_effect: Points of improvement lost by the 30 % who have a second disorder.
        sessions_effect: Points of improvement per three more sessions attended.
        quality_sorting: Correlation of a clinic's own effect with the deprivation of its area, in [-1, 1]; below zero
            the clinics of deprived areas achieve less with the same people (METHODS M3.8).
    """

    baseline_sorting: float = 0.05
    baseline_effect: float = 0.4
    deprivation_sorting: float = 0.1
    deprivation_effect: float = 0.0
    comorbidity_effect: float = 1.0
    sessions_effect: float = 0.0
    quality_sorting: float = 0.0

    def __post_init__(self) -> None:
        _shares(self, "baseline_sorting", "deprivation_sorting")
        if not -1 <= self.quality_sorting <= 1:
            raise ValueError("CaseMix.quality_sorting is a correlation: between -1 and 1")


@dataclass(frozen=True)
class FollowUp:
    """Whose follow-up score is missing (METHODS M1.4-1.6).

    Attributes:
        mechanism: `complete` nobody's; `mcar` anybody's; `mar` rather of those who attended few sessions; `mnar` rather
            of those who did worse than anything observed explains.
        missing: Share missing overall, in (0, 1).
        strength: Log-odds of being missing per standard deviation of sessions (mar) or of that unexplained part (mnar).
        clinic_sd: Standard deviation of clinics' log-odds of being missing, for every mechanism but `complete`.
    """

    mechanism: Mechanism = "complete"
    missing: float = 0.3
    strength: float = 1.0
    clinic_sd: float = 0.0

    def __post_init__(self) -> None:
        if self.mechanism not in ("complete", "mcar", "mar", "mnar"):
            raise ValueError("FollowUp.mechanism is complete, mcar, mar or mnar")
        if not 0 < self.missing < 1:
            raise ValueError("FollowUp.missing must lie strictly between 0 and 1; for none use mechanism='complete'")
        _not_negative(self, "strength", "clinic_sd")


@dataclass(frozen=True)
class Gaming:
    """Clinics that do not ask those who did badly (METHODS M11.5).

    Attributes:
        clinics: Share of clinics that do so.
        skips: Probability that such a clinic does not ask somebody who has not improved reliably.
    """

    clinics: float = 0.0
    skips: float = 0.8

    def __post_init__(self) -> None:
        _shares(self, "clinics", "skips")


@dataclass(frozen=True)
class Equity:
    """A gap between two groups of people, A and B (METHODS M7.3).

    Attributes:
        share: Share of group B.
        gap: Points of improvement that B loses against A in the same clinic.
        sorting: How much rarer B is in clinics that achieve more: log-odds per standard deviation of clinics. With a
            spread between clinics this makes a gap between clinics.
    """

    share: float = 0.25
    gap: float = 0.0
    sorting: float = 0.0

    def __post_init__(self) -> None:
        _shares(self, "share")


@dataclass(frozen=True)
class Dif:
    """An item that people of one language answer differently at the same severity (METHODS M12.2).

    Attributes:
        share: Share of people who answer in the second language.
        item: Which of the nine items, 1 to 9.
        probability: Probability that the answer is one point higher than it would be otherwise (3 stays 3).
    """

    share: float = 0.2
    item: int = 2
    probability: float = 0.0

    def __post_init__(self) -> None:
        _shares(self, "share", "probability")
        if not 1 <= self.item <= 9:
            raise ValueError("Dif.item is one of the nine items, 1 to 9")


@dataclass(frozen=True)
class Courses:
    """How courses look when they are written as answers (`write_csv`).

    Attributes:
        first_start: First day on which a course may start.
        start_days: Courses start on this many days from then on.
        follow_up_day: Day of the follow-up score after the start.
        interim: Mean number of scores between the first and the follow-up; all before day 56.
        blank: Share of questionnaires in which one answer is left out.
        returns: Share of people who come for a second course in the same clinic, at least 400 days later.
    """

    first_start: dt.date = dt.date(2024, 1, 1)
    start_days: int = 366
    follow_up_day: int = 84
    interim: float = 0.0
    blank: float = 0.0
    returns: float = 0.0

    def __post_init__(self) -> None:
        _shares(self, "blank", "returns")
        _not_negative(self, "interim")
        if self.start_days < 1 or self.follow_up_day < 57:
            raise ValueError("Courses.start_days must be at least 1 and follow_up_day at least 57")


@dataclass(frozen=True)
class World:
    """A network of clinics and everything that is true of it.

    Attributes:
        clinics: Clinics.
        episodes: Courses of treatment in all, one per person unless `courses.returns`.
        clinicians: Clinicians per clinic.
        size_spread: Standard deviation of the log of clinic sizes; 0 makes all the same.
        mean_improvement: Points by which people improve on average.
        clinic_sd: Standard deviation of clinics' own effects, points.
        clinician_sd: Standard deviation of clinicians' effects within a clinic, points.
        residual_sd: Standard deviation of what nothing explains, points.
        outcome: `phq9` rounds and bounds the follow-up score as a sum of answers is, 0 to 27; `linear` leaves it on the
            continuous scale, where a linear mixed model holds exactly.
        casemix: Who comes where.
        follow_up: Whose follow-up is missing.
        gaming: Clinics that do not ask those who did badly.
        equity: A gap between two groups.
        dif: An item that works differently in one language.
        courses: How courses look as answers.
        seed: Seed of everything.

    Raises:
        ValueError: If a setting is out of its range; the message names it.

    >>> World(clinics=20, episodes=1_000).clinic_sd
    1.0
    """

    clinics: int = 100
    episodes: int = 10_000
    clinicians: int = 4
    size_spread: float = 0.6
    mean_improvement: float = 7.0
    clinic_sd: float = 1.0
    clinician_sd: float = 0.0
    residual_sd: float = 5.0
    outcome: Outcome = "phq9"
    casemix: CaseMix = CaseMix()
    follow_up: FollowUp = FollowUp()
    gaming: Gaming = Gaming()
    equity: Equity = Equity()
    dif: Dif = Dif()
    courses: Courses = Courses()
    seed: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.clinics <= self.episodes:
            raise ValueError("World needs at least one clinic and at least one episode per clinic")
        if self.clinicians < 1:
            raise ValueError("World.clinicians must be at least 1")
        if self.outcome not in ("phq9", "linear"):
            raise ValueError("World.outcome is phq9 or linear")
        if self.dif.probability > 0 and self.outcome == "linear":
            raise ValueError("World.dif shifts an answer: it needs outcome='phq9'")
        if self.seed < 0 or not self.residual_sd > 0:
            raise ValueError("World.seed must not be negative, and residual_sd must be above zero")
        _not_negative(self, *(field.name for field in fields(self) if field.name.endswith(("_sd", "_spread"))))
