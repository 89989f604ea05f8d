"""An official measure over FHIR sources: declaration, value sets and records in, counts of everybody out."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchwell.errors import SourceError
from benchwell.intake.fhir.reading_people import read_people
from benchwell.publish.measure_report import Kind, ReportHead, measure_reports
from benchwell.quality.asking import ask, parse_period
from benchwell.quality.populations import judge
from benchwell.quality.result import QualityResult
from benchwell.quality.value_sets import load_value_sets
from benchwell.registry import Registry

KINDS: tuple[Kind, ...] = ("summary", "subject-list", "individual")
_LEFT_ASIDE = {
    "refused": "resources or lines could not be read and were left out",
    "no_subject": "resources name no person and were left out",
    "no_patient": "events belong to people of whom the sources hold no Patient, and were left out",
    "foreign_subject": "resources in a Bundle of one person name nobody, or one of another server: taken as theirs",
    "damaged_file": "compressed files break off; what comes before was read",
}


def quality(
    measure_id: str,
    period: str,
    value_sets: Sequence[Path],
    sources: Sequence[Path],
    *,
    registry: Registry | None = None,
) -> QualityResult:
    """Compute an official measure.

    Args:
        measure_id: Such as `cms159`.
        period: The measurement period: a year, or two days with `..` between them.
        value_sets: Files or folders of value sets.
        sources: FHIR files (Bundles, resources, NDJSON) or folders of those. A MeasureReport among them is never read.
        registry: Declarations; those of the package if none is given.

    Raises:
        UnknownDeclarationError: If there is no such measure.
        ValueSetError: If a value set that it needs is missing, empty or cut off.
        SourceError: If a source cannot be read, or no source holds a Patient.
    """
    measure = (registry or Registry.load()).quality_measure(measure_id)
    start, end = parse_period(period)
    asked = ask(measure, (start, end), load_value_sets(value_sets))
    people = read_people(sources, frozenset().union(*asked.question.codes.values()))
    subjects = tuple(judge(asked.question, record) for record in people.records())
    notes = (*asked.notes, *_aside(people.counts))
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


def _aside(counts: Counter[str]) -> list[str]:
    return [f"{counts[name]} {words}" for name, words in _LEFT_ASIDE.items() if counts[name]]
