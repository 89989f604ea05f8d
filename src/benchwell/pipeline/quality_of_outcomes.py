"""An outcome measure over a measurement period, as quality measures are reported: courses in, counts of everybody out.

The sources go through the same intake, lake, scoring and outcomes as those of an edition. Files are taken into a lake
that is removed again; a workspace's own lake is only read.
"""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import narwhals as nw
import pyarrow as pa

from benchwell.engine import DuckDBEngine, Frame
from benchwell.errors import DeclarationError, SourceError
from benchwell.lake import Lake
from benchwell.outcomes import OutcomeInputs, build_outcomes
from benchwell.outcomes.due import due_day
from benchwell.pipeline.choosing import Present, instruments_of
from benchwell.pipeline.holdings import Holdings
from benchwell.pipeline.inputs import Reader, episode_rule_of, outcome_inputs, present_instruments
from benchwell.pipeline.progress import Stages
from benchwell.pipeline.source_kinds import together
from benchwell.pipeline.taking_in import take_in
from benchwell.quality.head import OutcomeHead
from benchwell.quality.outcome_populations import Counted, CourseOutcome, count_courses
from benchwell.quality.result import QualityResult
from benchwell.registry import Instrument, Measure, Registry
from benchwell.settings import FILE_NAME, Settings
from benchwell.tables.days import date_of, epoch_day
from benchwell.terms import Denominator, OutcomeStatus

_COLUMNS = ("patient_id", "status", "reason", "eligible", "met", "day")
_WHICH_DAY = {
    "course_end": "the course ended",
    "index": "the course was at its day 0",
    "due": "the outcome became due",
}


@dataclass(frozen=True)
class _Computed:
    """Outcomes with their day, everybody's ids, who may not be used, and what was done on the way."""

    outcomes: pa.Table
    people: list[str]
    refused: frozenset[str]
    notes: list[str]


def quality_of_outcomes(
    measure: Measure,
    period: tuple[dt.date, dt.date],
    sources: Sequence[Path],
    *,
    registry: Registry,
    settings: Settings,
    as_of: dt.date,
) -> QualityResult:
    """Count the courses of an outcome measure over a period.

    Args:
        measure: With a yes/no endpoint that is computed from people.
        period: First and last day, both included.
        sources: FHIR, OMOP or tables of scores; or one workspace folder, whose lake and settings are then used.
        registry: Declarations.
        settings: Consent and episode rule for sources that are no workspace.
        as_of: The day to look from: nothing later is seen, and what is not due by then is not counted.

    Raises:
        DeclarationError: If the measure is no share of people, or is published by somebody else.
        SourceError: If a source cannot be read, holds nothing that the measure is computed from, or is a workspace
            beside others.
        MappingError: If a table cannot be mapped.
    """
    _refuse_other_kinds(measure)
    with _opened(sources, registry, settings) as holdings:
        notes = [] if _is_workspace(sources[0]) else _taken(holdings, sources, as_of)
        found = _compute(holdings, measure, as_of)
    counted = count_courses(measure, _courses(found.outcomes), found.people, period, refused=found.refused)
    told = (_day_note(measure), *notes, *found.notes, *_counted_notes(counted, as_of))
    return QualityResult(OutcomeHead(measure), *period, (), counted.subjects, told)


def _is_workspace(source: Path) -> bool:
    return (source / FILE_NAME).is_file()


def _refuse_other_kinds(measure: Measure) -> None:
    if measure.is_published:
        raise DeclarationError(
            f"{measure.id} is published by an official body; nothing is computed from people.",
            hint="benchwell intake takes its figures in, and benchwell build compares services by them",
        )
    if measure.summary != "proportion":  # the rest of `is_counted_over_period`, each told by its own reason
        raise DeclarationError(
            f"{measure.id} is a {measure.summary.replace('_', ' ')}, not a yes/no of each course: it has no numerator.",
            hint="benchwell report or benchwell build computes it",
        )
    if measure.primary_denominator is Denominator.ESTIMATED:
        raise DeclarationError(
            f"{measure.id} estimates the missing, which counts cannot do.", hint="benchwell build computes it"
        )


@contextmanager
def _opened(sources: Sequence[Path], registry: Registry, settings: Settings) -> Iterator[Holdings]:
    """The workspace that was given, or an empty lake that is removed afterwards."""
    if any(_is_workspace(one) for one in sources):
        if len(sources) > 1:
            raise SourceError("A workspace stands alone as a source.", hint="take the other sources into it first")
        home = sources[0]
        own = Registry.load(home / "declarations")
        yield Holdings(home, Settings.load(home / FILE_NAME), Lake(home / "lake"), own, Stages())
        return
    with tempfile.TemporaryDirectory(prefix="benchwell-quality-") as folder:
        home = Path(folder)
        for name in ("mappings", "rejections"):
            (home / name).mkdir()
        yield Holdings(home, settings, Lake.create(home / "lake"), registry, Stages())


def _taken(holdings: Holdings, sources: Sequence[Path], as_of: dt.date) -> list[str]:
    """Take every source in, and say what could not be."""
    notes: list[str] = []
    for source in together(sources):
        report = take_in(holdings, source, None, as_of=as_of, accept_guess=True)
        notes += [note.rstrip(".") for note in report.notes]  # every note gets its full stop where it is shown
        if report.guessed:
            notes.append(f"the layout of {report.file} was guessed; take it into a workspace to look at the mapping")
        if report.rejected:
            reasons = ", ".join(report.reasons)
            refused = f"{report.rejected:,} of {report.read:,} rows of {report.file} were refused"
            notes.append(f"{refused} (findings in this source: {reasons})")
    return notes


def _compute(holdings: Holdings, measure: Measure, as_of: dt.date) -> _Computed:
    lake, registry = holdings.lake, holdings.registry
    snapshot, last_day = lake.snapshot(), epoch_day(as_of)
    named, rule = holdings.settings.episode_rule, episode_rule_of(holdings.settings, registry)
    with holdings.engine() as engine:

        def read(name: str) -> Frame:
            return lake.read(engine, name, snapshot)

        present = present_instruments(engine, read, registry, as_of)
        _refuse_nothing_to_count(measure, engine, read, present)
        reading = outcome_inputs(engine, read, present, holdings.settings, as_of, rule)
        instruments = instruments_of([measure], registry)
        built = build_outcomes(reading.inputs, [measure], instruments, snapshot_day=last_day, keep=engine.keep)
        outcomes = engine.to_arrow(_with_day(built.outcomes, reading.inputs, measure, last_day))
        people = engine.to_arrow(read("patients").select("patient_id"))["patient_id"].to_pylist()
        declined = reading.inputs.consents.filter(~nw.col("usable")).select("patient_id")
        refused = frozenset(engine.to_arrow(declined)["patient_id"].to_pylist())
    derived, without = (reading.counts[name] for name in ("courses_derived", "contacts_without_course"))
    notes = [f"{derived:,} courses of care were made of contacts by the rule {named}"] if derived else []
    notes += [f"{without:,} contacts belong to no course of care"] if without else []
    return _Computed(outcomes, people, refused, notes)


def _refuse_nothing_to_count(
    measure: Measure, engine: DuckDBEngine, read: Reader, present: Mapping[str, Instrument]
) -> None:
    """Without what a measure is computed from, everybody would count as not met, which would be no figure of theirs."""
    contacts = engine.to_arrow(read("encounters").select(n=nw.len()))["n"][0].as_py() > 0
    if not Present(present, frozenset(), contacts, frozenset()).serves(measure):
        needed = " and ".join(measure.instruments) or "contacts"
        raise SourceError(
            f"The sources hold nothing that {measure.id} is computed from: it needs {needed}.",
            hint="benchwell measures shows what each measure needs",
        )


def _with_day(outcomes: Frame, inputs: OutcomeInputs, measure: Measure, last_day: int) -> Frame:
    """Outcomes with the day that must lie in the period. An end after the last day has not happened yet."""
    end = nw.col("end_day")
    ends = inputs.episodes.select("episode_id", end_day=nw.when(end <= last_day).then(end))
    which = {"course_end": end, "index": nw.col("index_day"), "due": due_day(measure)}
    with_end = outcomes.join(ends, on="episode_id", how="left")
    return with_end.with_columns(day=which[measure.counted_over_period.day]).select(_COLUMNS)


def _courses(outcomes: pa.Table) -> Iterator[CourseOutcome]:
    columns = [outcomes[name].to_pylist() for name in _COLUMNS]
    for person, status, reason, eligible, met, day in zip(*columns, strict=True):
        date = None if day is None else date_of(day)
        yield CourseOutcome(person, date, OutcomeStatus(status), reason, eligible, met)


def _day_note(measure: Measure) -> str:
    return f"a course counts in the period in which {_WHICH_DAY[measure.counted_over_period.day]}"


def _counted_notes(counted: Counted, as_of: dt.date) -> Iterator[str]:
    if counted.not_about:
        yield f"courses of the period that the measure is not about: {_by_reason(counted.not_about)}"
    if counted.not_due:
        yield f"{counted.not_due} courses of the period are not due yet on {as_of}; they are in no population"
    if counted.excluded:
        yield f"left out of the denominator: {_by_reason(counted.excluded)}"
    if counted.without_baseline:
        yield (
            f"{counted.without_baseline} courses have no first score to start from; they count as not met here, and "
            "are left out in an edition"
        )
    if counted.opted_out:
        yield f"{counted.opted_out} people may not be used, by their consent; they are in no count"


def _by_reason(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {reason}" for reason, count in sorted(counts.items()))
