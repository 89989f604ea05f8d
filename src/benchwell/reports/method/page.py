"""Any declaration as a method page: head, its own sections, and what every declaration ends with."""

from __future__ import annotations

from typing import Any

from benchwell.registry.benchmark import Benchmark
from benchwell.registry.casemix import CaseMix
from benchwell.registry.declaration import Declaration, Fact
from benchwell.registry.episode_rule import EpisodeRule
from benchwell.registry.instrument import Instrument
from benchwell.registry.measure import Measure
from benchwell.registry.quality_measure import QualityMeasure
from benchwell.registry.reference import Reference
from benchwell.registry.response_curve import CurveDeclaration
from benchwell.reports.method.benchmark import benchmark_lead, benchmark_sections
from benchwell.reports.method.casemix import casemix_lead, casemix_sections
from benchwell.reports.method.episode_rule import episode_rule_lead, episode_rule_sections
from benchwell.reports.method.instrument import instrument_lead, instrument_sections
from benchwell.reports.method.measure import measure_lead, measure_sections
from benchwell.reports.method.quality import quality_lead, quality_sections
from benchwell.reports.method.reference import reference_lead, reference_sections
from benchwell.reports.method.response_curve import response_curve_lead, response_curve_sections
from benchwell.reports.method.structure import Code, Mark, MethodPage, Section, Words, plain, table
from benchwell.terms import FactStatus


def method_page(declaration: Declaration) -> MethodPage:
    """The page of a declaration, as data.

    Args:
        declaration: An instrument, measure, case mix, episode rule, benchmark or reference.

    Returns:
        The page; sections without content are left out.
    """
    lead, sections = _body(declaration)
    found = [*sections, _facts(declaration), *_foot(declaration)]
    return MethodPage(
        kind="expected course" if isinstance(declaration, CurveDeclaration) else type(declaration).__name__.lower(),
        id=declaration.id,
        revision=declaration.revision,
        status=declaration.status,
        author=declaration.author,
        reviewers=", ".join(declaration.reviewers) or "none yet",
        title=declaration.title,
        why=declaration.why.strip(),
        notes=(declaration.notes or "").strip(),
        lead=tuple(lead),
        sections=tuple(section for section in found if section.shown),
        unchecked=_unchecked(declaration),
    )


def _body(one: Declaration) -> tuple[list[Words], list[Section]]:
    if isinstance(one, Instrument):
        return instrument_lead(one), instrument_sections(one)
    if isinstance(one, Measure):
        return measure_lead(one), measure_sections(one)
    if isinstance(one, Benchmark):
        return benchmark_lead(one), benchmark_sections(one)
    if isinstance(one, CaseMix):
        return casemix_lead(one), casemix_sections(one)
    if isinstance(one, EpisodeRule):
        return episode_rule_lead(one), episode_rule_sections(one)
    if isinstance(one, QualityMeasure):
        return quality_lead(one), quality_sections(one)
    if isinstance(one, CurveDeclaration):
        return response_curve_lead(one), response_curve_sections(one)
    if isinstance(one, Reference):
        return reference_lead(one), reference_sections(one)
    return [], []


def _known(one: Declaration) -> dict[str, Fact]:
    return getattr(one, "facts", {})


def _unchecked(one: Declaration) -> int:
    doubtful = sum(fact.status is FactStatus.UNCHECKED for fact in _known(one).values())
    return doubtful + (isinstance(one, Reference) and one.checked is FactStatus.UNCHECKED)


def _facts(one: Declaration) -> Section:
    rows = [
        (
            Code(path),
            _declared(one, path) if fact.value is None else fact.value,
            Mark(fact.status),
            fact.source,
            fact.note or "",
        )
        for path, fact in _known(one).items()
    ]
    columns = ["constant", "as read", "state", "source", "note"]
    return Section("How sure we are of the constants", (table(columns, rows),))


def _declared(one: Declaration, path: str) -> str:
    """What the declaration itself says at a dotted path; a part that is shown elsewhere is only named."""
    value: Any = one
    for name in path.split("."):
        value = getattr(value, name, None)
    if value is None:
        return ""
    return plain(value) if isinstance(value, int | float | str) else "as above"


def _foot(one: Declaration) -> list[Section]:
    sources = [(Code(key), text) for key, text in one.sources.items()]
    changes = [(change.revision, change.date, change.text) for change in one.changes]
    hashes = [("what can move a number", Code(one.numbers_hash)), ("wording and sources", Code(one.text_hash))]
    return [
        Section("Sources", (table(["key", "source"], sources),)),
        Section("Changes", (table(["revision", "date", "change"], changes),), folded=True),
        Section("Hashes", (table(["SHA-256 of", "hash"], hashes),), folded=True),
    ]
