"""Measure of FHIR R4 from our declarations: the official measures that we align with, and our own outcomes.

What is published is our reading: it has an address of its own and names the official measure as what it derives from.
The logic is not CQL: each criterion is a path in the declaration, which the Library carries whole.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any

from benchwell.publish.fhir_parts import (
    MEASURE_SCORING,
    Resource,
    address,
    canonical,
    concept,
    fhir_id,
    improvement,
    population_code,
    without_nothing,
)
from benchwell.publish.library_resource import (
    LANGUAGE,
    Declared,
    library_resource,
    library_version,
    publication_status,
    resource_name,
)
from benchwell.quality.result import DENOMINATOR, EXCEPTION, EXCLUSION, INITIAL_POPULATION, NUMERATOR
from benchwell.quality.value_set_listing import set_address
from benchwell.registry import Measure
from benchwell.registry.quality_measure import QualityMeasure

_BASIS = "http://hl7.org/fhir/us/cqfmeasures/StructureDefinition/cqfm-populationBasis"
_NOT_OFFICIAL = "A measure of Benchwell's own. It is not an official quality measure and makes no claim to be one."
_PUBLISHED = "The figure is published by an official body and only read here; nothing is computed."


def measure_resources(
    declared: Declared, *, base: str | None = None, effective: tuple[dt.date, dt.date] | None = None
) -> list[Resource]:
    """The Measure of a declaration and the Library that it refers to.

    Args:
        declared: A measure, official or ours.
        base: Address of the server that they are published under; without one they have fixed `urn:uuid:` addresses.
        effective: First and last day on which the measure is meant to be used, if it is known.
    """
    return [
        measure_resource(declared, base=base, effective=effective),
        library_resource(declared, base=base),
    ]


def measure_resource(
    declared: Declared, *, base: str | None = None, effective: tuple[dt.date, dt.date] | None = None
) -> Resource:
    """One Measure; see `measure_resources`."""
    special = _official(declared) if isinstance(declared, QualityMeasure) else _own(declared)
    library = canonical(address("Library", declared.id, base), library_version(declared))
    period = None if effective is None else {"start": effective[0].isoformat(), "end": effective[1].isoformat()}
    cited = [{"type": "citation", "label": key, "citation": text} for key, text in declared.sources.items()]
    related = [*special.pop("relatedArtifact", ()), *cited]
    return without_nothing(
        {
            "resourceType": "Measure",
            "id": fhir_id(declared.id),
            "url": address("Measure", declared.id, base),
            "version": str(declared.revision),
            "name": resource_name(declared.id),
            "title": declared.title,
            "status": publication_status(declared),
            "publisher": declared.author,
            "description": declared.why,
            "effectivePeriod": period,
            "relatedArtifact": related,
            "library": [library],
            "improvementNotation": improvement(declared.better.value),
            **special,
        }
    )


def _official(declared: QualityMeasure) -> dict[str, Any]:
    official, groups = declared.official, declared.populations
    paths = [(INITIAL_POPULATION, "populations.initial", "Initial population")]
    denominator = "populations.initial" if groups.denominator is None else "populations.denominator"
    paths.append((DENOMINATOR, denominator, "Denominator"))
    paths += [(EXCLUSION, "populations.exclusions", _titles(declared, groups.exclusions))] if groups.exclusions else []
    paths.append((NUMERATOR, "populations.numerator", "Numerator"))
    paths += [(EXCEPTION, "populations.exceptions", _titles(declared, groups.exceptions))] if groups.exceptions else []
    needed = [
        {
            "type": "depends-on",
            "display": one.title,
            "resource": canonical(set_address(one.oid), one.version),
        }
        for one in declared.value_sets.values()
    ]
    derived = {"type": "derived-from", "display": official.name}
    if not official.url.startswith("urn:"):  # a name of ours, where the steward has published no address
        derived["resource"] = canonical(official.url, official.version)
    group: Resource = {
        "code": {"text": declared.title},
        "population": [_population(code, path, text) for code, path, text in paths],
        "stratifier": [
            {"code": {"text": one.title}, "criteria": _criteria(f"strata.{one.id}")} for one in declared.strata
        ],
    }
    return {
        "extension": [{"url": _BASIS, "valueCode": "boolean" if declared.basis == "patient" else "Encounter"}],
        "useContext": [_context("program", "Quality measurement; not certified for any programme")],
        "copyright": official.copyright,
        "relatedArtifact": [derived, *needed],
        "disclaimer": declared.aligned_with,
        "scoring": concept(MEASURE_SCORING, "proportion", "Proportion"),
        "group": [without_nothing(group)],
        "supplementalData": [
            {
                "code": {"text": f"sde-{name}"},
                "usage": [concept("http://terminology.hl7.org/CodeSystem/measure-data-usage", "supplemental-data")],
                "criteria": _criteria(f"supplemental.{name}"),
            }
            for name in declared.supplemental
        ],
    }


def _own(declared: Measure) -> dict[str, Any]:
    if declared.is_published:
        return {"disclaimer": f"{_NOT_OFFICIAL} {_PUBLISHED}", "useContext": [_context("program", "Benchmarking")]}
    scoring, populations = _own_group(declared)
    group = {"code": {"text": declared.title}, "population": populations}
    return {
        "extension": [{"url": _BASIS, "valueCode": "EpisodeOfCare"}],
        "useContext": [_context("program", "Benchmarking")],
        "disclaimer": declared.aligned_with or _NOT_OFFICIAL,
        "scoring": concept(MEASURE_SCORING, scoring),
        "rateAggregation": None if scoring != "continuous-variable" else declared.summary.replace("_", " "),
        "group": [group],
    }


def _own_group(declared: Measure) -> tuple[str, list[Resource]]:
    """Scoring and populations of an outcome: a share, a rate, or a number for each episode."""
    initial = _population(INITIAL_POPULATION, "population", "Episodes that the measure is about")
    if declared.summary in ("proportion", "rate"):
        counted = _population(DENOMINATOR, "primary_denominator", _denominator_words(declared))
        if declared.summary == "rate":
            return "ratio", [initial, counted, _population(NUMERATOR, "endpoint", "Events")]
        left_out = _population(EXCLUSION, "primary_denominator", "Courses that are not in the measure's denominator")
        met = _population(NUMERATOR, "endpoint", "Met the endpoint")
        return "proportion", [initial, counted, left_out, met]
    return "continuous-variable", [
        initial,
        _population("measure-population", "primary_denominator", _denominator_words(declared)),
        _population("measure-observation", "endpoint", "The number of each episode"),
    ]


def _denominator_words(declared: Measure) -> str:
    return {
        "all_eligible": "Everybody eligible; who has no follow-up counts as not met, or as no change",
        "observed": "Those with a follow-up",
        "estimated": "Those with a follow-up, weighted to stand for everybody eligible",
    }[declared.primary_denominator.value]


def _titles(declared: QualityMeasure, names: Iterable[str]) -> str:
    return "; ".join(declared.definitions[name].title for name in names)


def _population(code: str, path: str, description: str) -> Resource:
    return {"code": population_code(code), "description": description, "criteria": _criteria(path)}


def _criteria(path: str) -> Resource:
    return {"language": LANGUAGE, "expression": path}


def _context(code: str, text: str) -> Resource:
    system = "http://terminology.hl7.org/CodeSystem/usage-context-type"
    return {"code": {"system": system, "code": code}, "valueCodeableConcept": {"text": text}}


def measures_bundle(declarations: Sequence[Declared], *, base: str | None = None) -> Resource:
    """A collection Bundle of the Measures and Libraries of several declarations."""
    found = [one for declared in declarations for one in measure_resources(declared, base=base)]
    return {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": one} for one in found]}
