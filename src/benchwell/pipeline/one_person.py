"""A report from one file of scores: no workspace, nothing uploaded, nothing kept."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping as Dictionary
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from benchwell.benchmarks import organization_results
from benchwell.engine import DuckDBEngine
from benchwell.errors import NothingAcceptedError, SourceError
from benchwell.intake import Mapping, load_mapping, read_source
from benchwell.lake import standing
from benchwell.pipeline.computing import Sums, compute_sums
from benchwell.pipeline.progress import Stages
from benchwell.pipeline.source_kinds import SourceKind, kind_of, name_of, read_coded, refuse_mapping
from benchwell.registry import Measure, Registry
from benchwell.registry.measure import TwoMeasure
from benchwell.reports import SoloMeasure, SoloReport
from benchwell.settings import Settings
from benchwell.tables import CANONICAL
from benchwell.terms import Better

_OWN = "own-practice"
_SHOWN = 6  # few measures, as people act on (UX.md)


@dataclass(frozen=True)
class Taken:
    """A source as it was read, of whatever kind.

    Attributes:
        file: Its name.
        tables: Canonical tables by name.
        rejections: What was refused, corrected or flagged.
        notes: What was decided for the whole of it.
        guessed: How columns were read that nobody has said anything about.
    """

    file: str
    tables: Dictionary[str, pa.Table]
    rejections: pa.Table
    notes: tuple[str, ...]
    guessed: tuple[str, ...] = ()


@dataclass(frozen=True)
class OwnFigures:
    """What a file of scores says, and how it was read."""

    report: SoloReport
    intake: Taken


def own_figures(
    source: Any, *, mapping: str | Path | Mapping | None, as_of: dt.date, registry: Registry, stages: Stages
) -> OwnFigures:
    """Read a file, compute every measure that it has data for, and gather what the page shows.

    Args:
        source: A CSV or XLSX file, any frame that Narwhals supports, FHIR, or OMOP.
        mapping: How to read a table; null: the template's layout, or a guess that the page then names.
        as_of: The day to look from.
        registry: Declarations in force.
        stages: Times each stage.

    Raises:
        NothingAcceptedError: If no row could be read.
    """
    with stages.stage("reading and checking"):
        taken = _take(source, mapping, registry, as_of)
    if not taken.tables.get("assessments"):
        reasons = ", ".join(sorted(set(taken.rejections["reason"].to_pylist()))) or "no scores were found"
        raise NothingAcceptedError(
            f"No score of {taken.file} could be read ({reasons}).",
            hint="benchwell template scores.csv writes the expected layout; docs/rejections.md explains the codes",
        )
    tables = _as_one_practice(
        {name: table.conform(taken.tables.get(name, table.empty())) for name, table in CANONICAL.items()}
    )
    # A page shows six measures at most: the others are only computed if none of the usual ones has anyone to count.
    for declared in (_usual(registry), registry):
        with DuckDBEngine() as engine:
            sums = compute_sums(
                engine,
                lambda name: standing(engine.from_arrow(tables[name])),  # called before the loop goes on
                declared,
                Settings(id="one-person"),
                as_of,
                None,
                stages,
            )
        known = _counted(sums)
        if known:
            break
    return OwnFigures(_gather(taken, sums, known, registry, as_of), taken)


def _take(source: Any, mapping: str | Path | Mapping | None, registry: Registry, as_of: dt.date) -> Taken:
    kind, paths = kind_of(source)
    if kind is SourceKind.TABLE:
        given = load_mapping(Path(mapping)) if isinstance(mapping, str | Path) else mapping
        found = read_source(paths[0] if paths else source, registry, given, as_of=as_of)
        guess = tuple(f"{choice.column} as {choice.role}" for choice in found.mapping.guess) if found.guessed else ()
        return Taken(found.file, found.tables, found.rejections, found.notes, guess)
    refuse_mapping(kind, paths, mapping)
    parts = [part for _, part in zip(range(2), read_coded(kind, paths, registry, as_of=as_of), strict=False)]
    if len(parts) > 1:
        raise SourceError(
            f"{name_of(paths)} is too large to be read at once.",
            hint="make a workspace: benchwell init, then intake, build, and report on the edition",
        )
    return Taken(name_of(paths), parts[0].tables, parts[0].rejections, parts[0].notes)


def _usual(registry: Registry) -> Registry:
    """The same declarations, with only the measures that ask for a place on a one-page summary."""
    measures = {name: one for name, one in registry.measures.items() if one.headline is not None}
    benchmarks = (one for one in registry.benchmarks.values() if one.measure in measures)
    beside = (*registry.instruments.values(), *registry.references.values(), *registry.casemix.values())
    beside = (*beside, *registry.episode_rules.values())
    return Registry([*measures.values(), *benchmarks, *beside])


def _counted(sums: Sums) -> list[SoloMeasure]:
    found = [_measure(sums, measure) for _, measure in sorted(sums.declarations.measures.items())]
    return [one for one in found if one is not None and one.result["n_eligible"]]


def _gather(taken: Taken, sums: Sums, known: list[SoloMeasure], registry: Registry, as_of: dt.date) -> SoloReport:
    shown = _headlines(known)
    named = taken.tables["episodes"].num_rows if "episodes" in taken.tables else 0
    refused = Counter(zip(taken.rejections["reason"].to_pylist(), taken.rejections["action"].to_pylist(), strict=True))
    return SoloReport(
        source=taken.file,
        made_on=as_of.isoformat(),
        measures=shown,
        counts=[
            ("people", taken.tables["patients"].num_rows if "patients" in taken.tables else 0),
            ("courses of care", named + sums.reading.get("courses_derived", 0)),
            ("questionnaires", taken.tables["assessments"].num_rows),
        ],
        rejections=[(reason, action, cells) for (reason, action), cells in sorted(refused.items())],
        synthetic=_is_synthetic(taken),
        notes=[*taken.notes, *_guessed(taken), *_thin(sums)],
        others=_others(taken, shown, registry),
    )


def _others(taken: Taken, shown: list[SoloMeasure], registry: Registry) -> list[str]:
    """Titles of the measures that the file's questionnaires would also serve."""
    used = set(taken.tables["assessments"]["instrument"].to_pylist())
    on_page = {one.measure.id for one in shown}
    return [
        one.title
        for name, one in sorted(registry.measures.items())
        if name not in on_page and one.instruments and set(one.instruments) <= used
    ]


def _headlines(known: list[SoloMeasure]) -> list[SoloMeasure]:
    """At most six, in the order that their declarations ask for; without any such order, the first six by id."""
    ordered = [(one.measure.headline, one.measure.id, one) for one in known if one.measure.headline is not None]
    return [one for _, _, one in sorted(ordered, key=lambda item: item[:2])][:_SHOWN] or known[:_SHOWN]


def _is_synthetic(taken: Taken) -> bool:
    """A made-up file says so in its name, or in every id of a person."""
    ids = taken.tables["patients"]["patient_id"].to_pylist() if "patients" in taken.tables else []
    return "synthetic" in taken.file.lower() or (bool(ids) and all(name.startswith("synthetic") for name in ids))


def _guessed(taken: Taken) -> list[str]:
    if not taken.guessed:
        return []
    return [f"The layout was guessed; please check how the columns were read: {', '.join(taken.guessed)}."]


def _thin(sums: Sums) -> list[str]:
    """Warnings about follow-up that hardly anybody had a chance of, as one sentence (METHODS M1.5)."""
    if not sums.notes:
        return []
    measures = "1 measure" if len(sums.notes) == 1 else f"{len(sums.notes)} measures"
    return [f"In {measures}, the figure with the missing estimated rests on few people: read it with care."]


def _measure(sums: Sums, measure: Measure) -> SoloMeasure | None:
    gates = next(one.gates for one in sums.declarations.benchmarks.values() if one.measure == measure.id)
    rows = organization_results(sums.statistics, measure, gates).to_pylist()
    whole = [row for row in rows if row["period"] == "all" and row["stratum"] == "all"]
    if not whole:
        return None
    series = [row for row in rows if row["period"] != "all" and row["stratum"] == "all"]
    flow = [row for row in sums.exclusions.to_pylist() if row["measure"] == measure.id]
    return SoloMeasure(measure, result=whole[0], series=series, flow=flow, gains=_gains(sums, measure))


def _gains(sums: Sums, measure: Measure) -> tuple[float | None, ...]:
    """What each eligible course gained, by its first day; no id and no date leave this function."""
    if not measure.is_paired or isinstance(measure.endpoint, TwoMeasure):
        return ()
    better = sums.instruments[measure.instruments[0]].scale(measure.scale).better
    lower = (better or sums.instruments[measure.instruments[0]].better) is Better.LOWER
    mine = sums.outcomes.filter(pc.and_(pc.equal(sums.outcomes["measure"], measure.id), sums.outcomes["eligible"]))
    courses = mine.sort_by([("index_day", "ascending"), ("episode_id", "ascending")])
    gained = pc.subtract(courses["baseline"], courses["followup"])
    gains: list[float | None] = (gained if lower else pc.negate(gained)).to_pylist()
    return tuple(gains) if any(gain is not None for gain in gains) else ()


def _as_one_practice(tables: dict[str, pa.Table]) -> dict[str, pa.Table]:
    """The same tables with every course and contact in one organization: whatever clinics a file names, it is one."""
    return tables | {name: _in_one(tables[name]) for name in ("episodes", "encounters")}


def _in_one(table: pa.Table) -> pa.Table:
    place = table.schema.get_field_index("organization_id")
    own = pa.array([_OWN] * table.num_rows, pa.string())
    return table.set_column(place, table.schema.field(place), own)
