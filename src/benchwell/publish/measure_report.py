"""MeasureReports of FHIR R4 from the result of an official measure: for everybody, as lists, and one a person.

The shape follows the Data Exchange for Quality Measures guide (DEQM). Every score stands beside the counts that it is
made of; where nobody is left to count there is none. The strata of a group always add up to it. A result whose value
sets were not whole does not name the official measure.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from benchwell.publish.fhir_parts import (
    MEASURE_SCORING,
    Resource,
    address,
    canonical,
    concept,
    fhir_id,
    improvement,
    moment,
    narrative,
    population_code,
    without_nothing,
)
from benchwell.publish.supplemental_data import person_data, summed_data
from benchwell.quality.result import (
    DENOMINATOR,
    EXCEPTION,
    EXCLUSION,
    INITIAL_POPULATION,
    NUMERATOR,
    POPULATION_ORDER,
    PerformanceRate,
    QualityResult,
    StratumResult,
    SubjectResult,
)

Kind = Literal["summary", "subject-list", "individual"]

_DEQM = "http://hl7.org/fhir/uv/deqm/StructureDefinition/"
_R5 = "http://hl7.org/fhir/5.0/StructureDefinition/extension-MeasureReport."
_DESCRIPTION = "http://hl7.org/fhir/StructureDefinition/measurereport-populationDescription"
_PROFILES: Mapping[Kind, str] = {
    "summary": "deqm-summarymeasurereport",
    "subject-list": "deqm-subjectlistmeasurereport",
    "individual": "deqm-individualmeasurereport",
}
_GROUP = "group-1"
_REST = "no-stratum"


@dataclass(frozen=True)
class ReportHead:
    """Who reports, and when.

    Attributes:
        reporter: Reference to an organization or practitioner, such as `Organization/1`.
        date: When the report was made; without it, the same result gives the same report on any day.
    """

    reporter: str | None = None
    date: dt.date | dt.datetime | None = None


def summary_report(result: QualityResult, head: ReportHead | None = None) -> Resource:
    """Counts and score of everybody, in the group and in each stratum, with counts of race, ethnicity, payer and sex.

    Raises:
        ValueError: If the strata of the result count more people than the result.
    """
    group = _group(result, result.summary, result.strata)
    _describe(group, result)
    return _report(result, "summary", head, group=group, lines=_summary_lines(result), data=summed_data(result))


def subject_list_report(result: QualityResult, head: ReportHead | None = None) -> Resource:
    """As the summary, and in each population a list of the individual reports of the people in it.

    The lists refer to what `individual_reports` gives; the two belong together.

    Raises:
        ValueError: If the strata of the result count more people than the result.
    """
    group = _group(result, result.summary, result.strata)
    _describe(group, result)
    lists: list[Resource] = []
    _list_people(group, result.subjects, "list", lists, result)
    for stratifier in group.get("stratifier", []):
        for stratum in stratifier["stratum"]:
            inside = [_in_stratum(one, stratum["id"]) for one in result.subjects]
            _list_people(stratum, inside, f"list-{stratum['id']}", lists, result)
    return _report(result, "subject-list", head, group=group, lines=_summary_lines(result), lists=lists)


def individual_reports(result: QualityResult, head: ReportHead | None = None) -> Iterator[Resource]:
    """One report a person, also for those outside the initial population.

    Raises:
        ValueError: If the strata of a person count more than the person.
    """
    for subject in result.subjects:
        yield _report(
            result,
            "individual",
            head,
            group=_group(result, subject.populations, subject.strata),
            lines=[result.claim],
            subject=subject,
            data=person_data(subject),
        )


def measure_reports(
    result: QualityResult,
    head: ReportHead | None = None,
    kinds: Sequence[Kind] = ("summary", "subject-list", "individual"),
) -> Resource:
    """A collection Bundle of all reports of the asked kinds."""
    found: list[Resource] = []
    if "summary" in kinds:
        found.append(summary_report(result, head))
    if "subject-list" in kinds:
        found.append(subject_list_report(result, head))
    if "individual" in kinds:
        found.extend(individual_reports(result, head))
    return {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": one} for one in found]}


def _report(
    result: QualityResult,
    kind: Kind,
    head: ReportHead | None,
    *,
    group: Resource,
    lines: Sequence[str],
    lists: Sequence[Resource] = (),
    subject: SubjectResult | None = None,
    data: tuple[list[Resource], list[Resource]] = ([], []),
) -> Resource:
    head = head or ReportHead()
    contained, references = data
    # The guide asks for both; without them the report is plain R4, and says so by claiming no profile.
    profile = [_DEQM + _PROFILES[kind]] if head.reporter and head.date else []
    scoring = {"url": _DEQM + "deqm-measureScoring", "valueCodeableConcept": concept(MEASURE_SCORING, "proportion")}
    return without_nothing(
        {
            "resourceType": "MeasureReport",
            "id": _report_id(result, kind, None if subject is None else subject.subject),
            "meta": {"profile": profile},
            "text": narrative(lines),
            "contained": [*lists, *contained],
            "extension": [scoring, *references],
            "status": "complete",
            "type": kind,
            "measure": _measure(result),
            "subject": None if subject is None else {"reference": f"Patient/{subject.subject}"},
            "date": None if head.date is None else moment(head.date),
            "reporter": {"reference": head.reporter},
            "period": {"start": result.period_start.isoformat(), "end": result.period_end.isoformat()},
            "improvementNotation": improvement(result.measure.better),
            "group": [group],
        }
    )


def _measure(result: QualityResult) -> str:
    """Address and version: of the official measure; or of ours, and of our reading where value sets were not whole."""
    measure = result.measure
    if result.official and measure.url is not None:
        return canonical(measure.url, measure.version)
    return canonical(address("Measure", measure.id, None), str(measure.revision))


def _report_id(result: QualityResult, kind: Kind, subject: str | None) -> str:
    period = f"{result.period_start:%Y%m%d}-{result.period_end:%Y%m%d}"
    who = [] if subject is None else [hashlib.sha256(subject.encode()).hexdigest()[:16]]
    return fhir_id(result.measure.id, period, kind, *who)


def _codes(result: QualityResult) -> list[str]:
    """The populations that the measure has, also where nobody is in them."""
    measure = result.measure
    known = {INITIAL_POPULATION, DENOMINATOR, NUMERATOR, *result.summary}
    known |= {EXCLUSION} if measure.has_exclusions else set()
    known |= {EXCEPTION} if measure.has_exceptions else set()
    return [code for code in POPULATION_ORDER if code in known]


def _group(result: QualityResult, counts: Mapping[str, int], strata: Sequence[StratumResult]) -> Resource:
    codes = _codes(result)
    group: Resource = {
        "id": _GROUP,
        "extension": [_link("group", _GROUP)],
        "population": _populations(codes, counts, "group.population"),
        "measureScore": _score(counts),
        "stratifier": [],
    }
    if strata:
        parts = [*strata, *_rest(codes, counts, strata)]
        group["stratifier"] = [
            {
                "extension": [_link("group.stratifier", "strata")],
                "code": [{"text": "Strata of the measure; together they are the whole group"}],
                "stratum": [_stratum(codes, one) for one in parts],
            }
        ]
    return without_nothing(group)


def _stratum(codes: Sequence[str], one: StratumResult) -> Resource:
    populations = _populations(codes, one.populations, "group.stratifier.stratum.population")
    return without_nothing(
        {"id": one.id, "value": {"text": one.title}, "population": populations, "measureScore": _score(one.populations)}
    )


def _rest(codes: Sequence[str], counts: Mapping[str, int], strata: Sequence[StratumResult]) -> list[StratumResult]:
    """Those in no stratum, so that the strata add up; none if they do."""
    left = {code: counts.get(code, 0) - sum(one.populations.get(code, 0) for one in strata) for code in codes}
    if any(count < 0 for count in left.values()):
        raise ValueError("the strata count more than the group: they overlap")
    return [StratumResult(_REST, "In no stratum", left)] if any(left.values()) else []


def _populations(codes: Sequence[str], counts: Mapping[str, int], where: str) -> list[Resource]:
    return [
        {"extension": [_link(where, code)], "code": population_code(code), "count": counts.get(code, 0)}
        for code in codes
    ]


def _score(counts: Mapping[str, int]) -> Resource | None:
    """The share of those who could have met the numerator; none where nobody could."""
    share = PerformanceRate.of(counts).value
    return None if share is None else {"value": share}


def _link(where: str, name: str) -> Resource:
    return {"url": f"{_R5}{where}.linkId", "valueString": name}


def _describe(group: Resource, result: QualityResult) -> None:
    """Say at the denominator how many of it have no value: they count as not met."""
    if result.not_assessed is None:
        return
    text = (
        f"{result.not_assessed} of {result.rate.denominator} (the denominator without exclusions and exceptions) have "
        "no value that could have met the numerator; they count as not met."
    )
    for population in group["population"]:
        if population["code"]["coding"][0]["code"] == DENOMINATOR:
            population["extension"].append({"url": _DESCRIPTION, "valueMarkdown": text})


def _summary_lines(result: QualityResult) -> list[str]:
    rate = result.rate
    share = "" if rate.value is None else f" ({rate.value:.1%})"
    figure = (
        f"{rate.numerator} of {rate.denominator} {result.counted}{share}; a {result.measure.better} share is better."
    )
    sets = [
        f"{one.name} ({one.url}, version {one.version or 'not stated'}, {one.codes} codes)" for one in result.value_sets
    ]
    loaded = [f"Value sets: {'; '.join(sets)}."] if sets else []
    return [result.claim, figure, *loaded, *result.notes]


def _in_stratum(subject: SubjectResult, stratum: str) -> SubjectResult:
    """A person with the counts of one stratum only."""
    counts: Mapping[str, int] = next((one.populations for one in subject.strata if one.id == stratum), {})
    if stratum == _REST:
        counts = {
            code: count - sum(one.populations.get(code, 0) for one in subject.strata)
            for code, count in subject.populations.items()
        }
    return SubjectResult(subject.subject, counts)


def _list_people(
    part: Resource, subjects: Sequence[SubjectResult], name: str, lists: list[Resource], result: QualityResult
) -> None:
    """Give each population of a group or stratum the list of its people; an empty one has none."""
    for population in part["population"]:
        code = population["code"]["coding"][0]["code"]
        entries = [
            {"item": {"reference": f"MeasureReport/{_report_id(result, 'individual', one.subject)}"}}
            for one in subjects
            if one.populations.get(code, 0)
        ]
        if not entries:
            continue
        list_id = fhir_id(name, code)
        population["subjectResults"] = {"reference": f"#{list_id}"}
        lists.append({"resourceType": "List", "id": list_id, "status": "current", "mode": "snapshot", "entry": entries})
