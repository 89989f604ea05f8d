"""A measure over a period: declaration, value sets and records in, counts of everybody out."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchwell.errors import SourceError, UnknownDeclarationError, ValueSetError
from benchwell.intake.fhir.people import Unread
from benchwell.intake.fhir.reading_people import read_people
from benchwell.pipeline.workspace import day_of
from benchwell.publish.measure_report import Kind, ReportHead, measure_reports
from benchwell.quality.asking import ask, parse_period
from benchwell.quality.populations import judge
from benchwell.quality.result import QualityResult
from benchwell.quality.value_sets import load_value_sets
from benchwell.registry import Registry
from benchwell.registry.quality_measure import QualityMeasure
from benchwell.settings import FILE_NAME, Settings

_SHOWN_LINES = 20
KINDS: tuple[Kind, ...] = ("summary", "subject-list", "individual")
_LEFT_ASIDE = {
    "refused": "resources or lines could not be read and were left out",
    "from_forms": "totals were read from forms (QuestionnaireResponse) of which no Observation states the total",
    "nested_bundle": "Bundles stand inside other Bundles and were not opened: give each as a file or a line of its own",
    "no_subject": "resources name no person and were left out",
    "no_patient": "events belong to people of whom the sources hold no Patient, and were left out",
    "foreign_subject": "resources in a Bundle of one person name nobody, or one of another server: taken as theirs",
    "missing_file": "files that a manifest names are not there: these counts are of an unfinished export",
    "damaged_file": "compressed files break off; what comes before was read",
    "left_out": "files in the folders hold no FHIR and were left out",
}


def quality(
    measure_id: str,
    period: str,
    value_sets: Sequence[Path],
    sources: Sequence[Path],
    *,
    registry: Registry | None = None,
    settings: Settings | None = None,
    as_of: dt.date | str | None = None,
) -> QualityResult:
    """Compute an official measure, or an outcome measure of ours with a yes/no endpoint.

    Args:
        measure_id: Such as `cms159` or `nhs-recovery`.
        period: The measurement period: a year, or two days with `..` between them.
        value_sets: Files or folders of value sets; for official measures only.
        sources: FHIR files (Bundles, resources, NDJSON) or folders of those. A MeasureReport among them is never read.
            An outcome measure also takes OMOP, tables of scores, or one workspace folder.
        registry: Declarations; those of the package if none is given.
        settings: For outcome measures: consent and episode rule, where the source is no workspace.
        as_of: For outcome measures: the day to look from; null is today.

    Raises:
        UnknownDeclarationError: If there is no such measure.
        DeclarationError: If an outcome measure is no yes/no.
        ValueSetError: If a value set is missing, empty or cut off, or some are given that the measure does not need.
        SourceError: If a source cannot be read, or no source holds a Patient.
    """
    declared = registry or Registry.load()
    days = parse_period(period)
    if measure_id in declared.quality:
        return _official(declared.quality_measure(measure_id), days, value_sets, sources, as_of, declared)
    if measure_id not in declared.measures:
        raise UnknownDeclarationError.from_id("measure", measure_id, _known(declared))
    if value_sets:
        raise ValueSetError(f"{measure_id} needs no value sets.", hint="leave --valuesets out")
    from benchwell.pipeline.quality_of_outcomes import quality_of_outcomes  # official measures need no engine

    return quality_of_outcomes(
        declared.measure(measure_id),
        days,
        sources,
        registry=declared,
        settings=settings or Settings(id="quality"),
        as_of=day_of(as_of),
    )


def _known(registry: Registry) -> list[str]:
    """Every measure that can be computed here."""
    return [*registry.quality, *(one.id for one in registry.measures.values() if one.is_counted_over_period)]


def _official(
    measure: QualityMeasure,
    period: tuple[dt.date, dt.date],
    value_sets: Sequence[Path],
    sources: Sequence[Path],
    as_of: dt.date | str | None,
    registry: Registry,
) -> QualityResult:
    if as_of is not None:
        raise SourceError(
            f"{measure.id} reads whatever the sources hold; a day to look from is for outcome measures.",
            hint="leave --as-of out",
        )
    if any((one / FILE_NAME).is_file() for one in sources):
        raise SourceError(
            f"{measure.id} reads codes of FHIR that a workspace does not keep.",
            hint="give the FHIR files that were taken in",
        )
    start, end = period
    asked = ask(measure, (start, end), load_value_sets(value_sets))
    people = read_people(sources, frozenset().union(*asked.question.codes.values()), registry)
    subjects = tuple(judge(asked.question, record) for record in people.records())
    notes = (*asked.notes, *_aside(people.counts), *_named(people.unread, people.counts["refused"]))
    if not subjects:
        aside = "; ".join(_aside(people.counts)) or "they hold other things"
        raise SourceError(f"The sources hold no Patient ({aside}).", hint="give the Patient resources with the others")
    return QualityResult(measure, start, end, asked.value_sets, subjects, notes, asked.official)


def fhir_reports(result: QualityResult, kinds: Sequence[Kind], *, reporter: str | None = None) -> dict[str, Any]:
    """The result as FHIR MeasureReports in a Bundle.

    Args:
        result: From `quality`.
        kinds: `summary`, `subject-list`, `individual`.
        reporter: Reference to who reports, such as `Organization/1`; a report that names one also has today's date.
    """
    head = ReportHead(reporter, dt.date.today()) if reporter is not None else None
    return measure_reports(result, head, kinds)


def _named(unread: Sequence[Unread], count: int) -> list[str]:
    """Where the lines stand that could not be read, and why; never a value."""
    shown = [
        f"{one.file} row {one.row}: {one.reason}" + (f" ({one.column})" if one.column else "")
        for one in unread[:_SHOWN_LINES]
    ]
    if count > len(shown):
        shown.append(f"and {count - len(shown)} more")
    return [f"Left out: {'; '.join(shown)}. docs/rejections.md explains the reasons"] if shown else []


def _aside(counts: Counter[str]) -> list[str]:
    return [f"{counts[name]} {words}" for name, words in _LEFT_ASIDE.items() if counts[name]]
