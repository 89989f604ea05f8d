"""Results of made-up official measures, for tests of what is published."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from benchwell.quality.result import QualityResult, StratumResult, SubjectResult, UsedValueSet
from benchwell.registry.quality_measure import QualityMeasure
from benchwell.registry.registry import parse

_MEASURE = """
id: remission-test
revision: 3
title: Remission of a test
why: Who is well a year later?
author: Somebody
status: accepted
aligned_with: Aligned with T1 & T2, not certified.
official:
  name: Official test
  version: 1.2.000
  url: https://example.org/Measure/T1
  steward: A steward
  copyright: Somebody's
better: higher
basis: {basis}
{counted}
value_sets:
  tools: {{title: Tools, oid: 2.16.840.1.113883.3.67.1.101.1.263, version: "20220219", codes: 2}}
definitions:
  visit: {{title: A visit, kind: encounter, codes: [tools]}}
  score: {{title: A score, kind: observation, codes: [tools], pick: first}}
  hospice: {{title: Hospice care, kind: condition, codes: [tools]}}
  refused: {{title: Refused, kind: condition, codes: [tools]}}
populations:
  initial: score
  exclusions: [hospice]
  numerator: score
  exceptions: [refused]
strata:
  - {{id: age-12-17, title: 12 to 17 years, rule: {{age: {{at: {{of: score}}, at_most: 17}}}}}}
  - {{id: age-18, title: 18 years and over, rule: {{age: {{at: {{of: score}}, at_least: 18}}}}}}
sources: {{t1: "The test itself"}}
"""
_ORDER = ("initial-population", "denominator", "denominator-exclusion", "numerator", "denominator-exception")


def quality_measure(basis: str = "patient") -> QualityMeasure:
    """A declaration with everything that is published: strata, exclusions, exceptions, a value set."""
    counted = "counted: visit" if basis == "encounter" else ""
    return parse(_MEASURE.format(basis=basis, counted=counted), QualityMeasure, "test")


def populations(*counts: int) -> dict[str, int]:
    """Counts in the order initial population, denominator, exclusion, numerator, exception."""
    return dict(zip(_ORDER, counts, strict=True))


def subject(
    name: str,
    counts: Mapping[str, int],
    stratum: str | None = "age-18",
    *,
    not_assessed: int | None = None,
    **known: str,
) -> SubjectResult:
    """A person in one stratum, or in none."""
    nothing = dict.fromkeys(counts, 0)
    strata = tuple(
        StratumResult(one, title, counts if one == stratum else nothing)
        for one, title in (("age-12-17", "12 to 17 years"), ("age-18", "18 years and over"))
    )
    return SubjectResult(name, counts, strata, supplemental=known, not_assessed=not_assessed)


def result(*subjects: SubjectResult, basis: str = "patient", notes: tuple[str, ...] = ()) -> QualityResult:
    """A result over 2026."""
    return QualityResult(
        measure=quality_measure(basis),
        period_start=dt.date(2026, 1, 1),
        period_end=dt.date(2026, 12, 31),
        value_sets=(UsedValueSet("tools", "http://cts.nlm.nih.gov/fhir/ValueSet/2.16.1", "20220219", 2),),
        subjects=subjects,
        notes=notes,
    )


def five_people() -> QualityResult:
    """Five in the initial population, one of them excluded and one excepted; one met it; and one outside."""
    return result(
        subject("a", populations(1, 1, 0, 1, 0), "age-12-17", not_assessed=0, sex="female", race="cdc-race|2106-3"),
        subject("b", populations(1, 1, 0, 0, 0), not_assessed=1, sex="female"),
        subject("c", populations(1, 1, 1, 0, 0), not_assessed=0, sex="male"),
        subject("d", populations(1, 1, 0, 0, 1), not_assessed=0),
        subject("e", populations(1, 1, 0, 0, 0), not_assessed=0, sex="male"),
        subject("outside", populations(0, 0, 0, 0, 0), None, sex="male"),
        notes=("One note.",),
    )
