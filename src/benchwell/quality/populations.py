"""From a record to the counts of one subject: populations in their usual order, strata, and what supports them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from benchwell.clinical.record import PersonRecord
from benchwell.quality.evaluate import Evaluation, Question
from benchwell.quality.result import (
    DENOMINATOR,
    EXCEPTION,
    EXCLUSION,
    INITIAL_POPULATION,
    NUMERATOR,
    StratumResult,
    SubjectResult,
)
from benchwell.registry.quality_measure import QualityMeasure


@dataclass(frozen=True)
class _Unit:
    """One person, or one counted encounter."""

    populations: Mapping[str, int]
    stratum: str | None
    reasons: tuple[str, ...]
    assessed: bool


def judge(question: Question, record: PersonRecord) -> SubjectResult:
    """What a measure says of one person.

    Args:
        question: Measure, period and codes.
        record: The person.

    Returns:
        Counts by population: 0 or 1, or numbers of encounters in a measure of encounters.
    """
    measure = question.measure
    whole = Evaluation(question, record)
    if measure.counted is None:
        units = [_unit(measure, whole)]
    else:
        units = [_unit(measure, Evaluation(question, record, one)) for one in whole.events(measure.counted)]
    populations = _counts(measure, units)
    left = [one for one in units if _may_be_met(one.populations)]
    days = {name: whole.day(edge) for name, edge in measure.dates.items()}
    return SubjectResult(
        subject=record.id,
        populations=populations,
        strata=tuple(
            StratumResult(one.id, one.title, _counts(measure, [unit for unit in units if unit.stratum == one.id]))
            for one in measure.strata
        ),
        supplemental={name: record.traits[name] for name in measure.supplemental if name in record.traits},
        dates={name: day for name, day in days.items() if day is not None},
        reasons=tuple(dict.fromkeys(reason for unit in units for reason in unit.reasons)),
        not_assessed=None if measure.populations.assessed is None else sum(not one.assessed for one in left),
    )


def codes_of(measure: QualityMeasure) -> tuple[str, ...]:
    """The population codes of a measure, in order."""
    codes = [INITIAL_POPULATION, DENOMINATOR]
    if measure.has_exclusions:
        codes.append(EXCLUSION)
    codes.append(NUMERATOR)
    return (*codes, EXCEPTION) if measure.has_exceptions else tuple(codes)


def _unit(measure: QualityMeasure, asked: Evaluation) -> _Unit:
    rules = measure.populations
    initial = asked.holds(rules.initial)
    denominator = initial and asked.holds(rules.denominator)
    excluded = [name for name in rules.exclusions if denominator and asked.holds(name)]
    counted = denominator and not excluded
    met = counted and asked.holds(rules.numerator)
    excepted = [name for name in rules.exceptions if counted and not met and asked.holds(name)]
    return _Unit(
        {
            INITIAL_POPULATION: int(initial),
            DENOMINATOR: int(denominator),
            EXCLUSION: int(bool(excluded)),
            NUMERATOR: int(met),
            EXCEPTION: int(bool(excepted)),
        },
        next((one.id for one in measure.strata if initial and asked.holds(one.rule)), None),
        (*excluded, *excepted),
        counted and (met or asked.holds(rules.assessed)),
    )


def _counts(measure: QualityMeasure, units: list[_Unit]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for unit in units:
        total.update(unit.populations)
    return {code: total[code] for code in codes_of(measure)}


def _may_be_met(counts: Mapping[str, int]) -> bool:
    return bool(counts[DENOMINATOR]) and not counts[EXCLUSION] and not counts[EXCEPTION]
