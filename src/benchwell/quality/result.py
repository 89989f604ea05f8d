"""What an official measure says: of each person, and of everybody. No figure stands without what it counts."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from benchwell.quality.head import COUNTED_WORDS, MeasureHead

INITIAL_POPULATION = "initial-population"
DENOMINATOR = "denominator"
EXCLUSION = "denominator-exclusion"
EXCEPTION = "denominator-exception"
NUMERATOR = "numerator"

# FHIR's codes of populations, in the order in which a measure is read.
POPULATION_ORDER = (INITIAL_POPULATION, DENOMINATOR, EXCLUSION, NUMERATOR, EXCEPTION)


@dataclass(frozen=True, slots=True)
class StratumResult:
    """The counts of one subject, or of everybody, in one stratum.

    Attributes:
        id: The stratum's id in the declaration, such as `age-12-17`.
        title: In words.
        populations: Counts by FHIR population code. Over all strata they add up to the whole.
    """

    id: str
    title: str
    populations: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class SubjectResult:
    """What the measure says of one person.

    Attributes:
        subject: `Patient.id`.
        populations: Counts by FHIR population code: 0 or 1 in a measure of patients, numbers of encounters or courses
            of care in a measure of those. Raw criteria in the usual order: an excluded person has numerator 0.
        strata: The same counts by stratum; every declared stratum is there.
        supplemental: Race, ethnicity, payer, sex: code by element id, only what is known. A code is
            `system|code` (`clinical.systems`).
        dates: Days that the measure found, such as `index`; for people who check it.
        reasons: Ids of the definitions that excluded or excepted the person.
        not_assessed: How many of the denominator (without exclusions and exceptions) have no value that could have met
            the numerator. They count as not met; None if the measure does not tell.
    """

    subject: str
    populations: Mapping[str, int]
    strata: tuple[StratumResult, ...] = ()
    supplemental: Mapping[str, str] = field(default_factory=dict)
    dates: Mapping[str, dt.date] = field(default_factory=dict)
    reasons: tuple[str, ...] = ()
    not_assessed: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """As plain data: `subject`, `populations`, `strata`."""
        return {
            "subject": self.subject,
            "populations": dict(self.populations),
            "strata": [_stratum(one) for one in self.strata],
        }


@dataclass(frozen=True, slots=True)
class UsedValueSet:
    """A value set as it was loaded.

    Attributes:
        name: What the declaration calls it.
        url: Canonical address or OID.
        version: Of what was loaded; None if it did not say.
        codes: How many codes it holds.
    """

    name: str
    url: str
    version: str | None
    codes: int


@dataclass(frozen=True, slots=True)
class PerformanceRate:
    """Numerator over those who could have met it: the denominator without exclusions and exceptions."""

    numerator: int
    denominator: int

    @property
    def value(self) -> float | None:
        """The share, 0 to 1; None if nobody is left to count.

        >>> PerformanceRate(1, 4).value, PerformanceRate(0, 0).value
        (0.25, None)
        """
        return self.numerator / self.denominator if self.denominator else None

    @classmethod
    def of(cls, populations: Mapping[str, int]) -> PerformanceRate:
        """From summed populations.

        >>> PerformanceRate.of({"denominator": 10, "denominator-exclusion": 2, "numerator": 3})
        PerformanceRate(numerator=3, denominator=8)
        """
        left = populations.get(DENOMINATOR, 0) - populations.get(EXCLUSION, 0) - populations.get(EXCEPTION, 0)
        return cls(populations.get(NUMERATOR, 0), left)

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        return {"numerator": self.numerator, "denominator": self.denominator, "rate": self.value}


@dataclass(frozen=True)
class QualityResult:
    """A measure over a period, for every subject of the sources.

    Attributes:
        measure: What is told of the measure: an official declaration, or the `OutcomeHead` of one of ours.
        period_start: First day.
        period_end: Last day, included.
        value_sets: What was loaded for it.
        subjects: By subject id. Everybody who was read, also those outside the initial population.
        notes: What a reader must know of this run, in words; never about one person.
        official: Whether every value set was as whole as the measure says it is. If not, the official name is refused.
    """

    measure: MeasureHead
    period_start: dt.date
    period_end: dt.date
    value_sets: tuple[UsedValueSet, ...]
    subjects: tuple[SubjectResult, ...]
    notes: tuple[str, ...] = ()
    official: bool = True

    @property
    def claim(self) -> str:
        """The sentence under which these figures may be shown."""
        return self.measure.claim(whole=self.official)

    @property
    def counted(self) -> str:
        """What is counted, in words: people, encounters, or courses of care."""
        return COUNTED_WORDS[self.measure.basis]

    @cached_property
    def summary(self) -> Mapping[str, int]:
        """Counts over all subjects, by population code."""
        return _summed(one.populations for one in self.subjects)

    @cached_property
    def strata(self) -> tuple[StratumResult, ...]:
        """Counts over all subjects by stratum; they add up to `summary`."""
        by_id: dict[str, list[StratumResult]] = {}
        for subject in self.subjects:
            for stratum in subject.strata:
                by_id.setdefault(stratum.id, []).append(stratum)
        return tuple(
            StratumResult(known, found[0].title, _summed(one.populations for one in found))
            for known, found in by_id.items()
        )

    @property
    def rate(self) -> PerformanceRate:
        """Numerator and what it is counted among."""
        return PerformanceRate.of(self.summary)

    @cached_property
    def not_assessed(self) -> int | None:
        """How many of the rate's denominator have no value that could have met it; None if nobody can tell."""
        told = [one.not_assessed for one in self.subjects if one.not_assessed is not None]
        return sum(told) if told else None

    def to_dict(self) -> dict[str, Any]:
        """As plain data, in the documented shape of `benchwell quality --json`."""
        return {
            "measure": self.measure.id,
            "version": self.measure.version,
            "period": {"start": self.period_start.isoformat(), "end": self.period_end.isoformat()},
            "valuesets": [
                {"name": one.name, "url": one.url, "version": one.version, "codes": one.codes}
                for one in self.value_sets
            ],
            "subjects": [one.to_dict() for one in self.subjects],
            "summary": {
                "subjects": len(self.subjects),
                "populations": dict(self.summary),
                "performance": self.rate.to_dict(),
                "not_assessed": self.not_assessed,
                "official_name": self.official and self.measure.url is not None,
                "claim": self.claim,
                "strata": [
                    {**_stratum(one), "performance": PerformanceRate.of(one.populations).to_dict()}
                    for one in self.strata
                ],
                "notes": list(self.notes),
            },
        }


def _summed(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for one in counts:
        total.update(one)
    return {code: total[code] for code in POPULATION_ORDER if code in total}


def _stratum(one: StratumResult) -> dict[str, Any]:
    return {"id": one.id, "title": one.title, "populations": dict(one.populations)}
