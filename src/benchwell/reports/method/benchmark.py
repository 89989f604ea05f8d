"""The sections of a benchmark: compared with whom, in which strata, how often, behind which gates."""

from __future__ import annotations

from benchwell.registry.benchmark import Benchmark
from benchwell.registry.declaration import Declaration
from benchwell.reports.method.settings import settings_table
from benchwell.reports.method.structure import Link, Section, Words, joined, plain, table

_OWN_PLACE = ("measure", "population", "references", "casemix", "strata", "cadence", "gates")
_SHOWN = frozenset({*Declaration.model_fields, *_OWN_PLACE})


def benchmark_lead(one: Benchmark) -> list[Words]:
    """Which measure, of whom, beside which published figures."""
    lead: list[Words] = [("Measure: ", Link("measures", one.measure), f". Population: {one.population.rstrip('.')}.")]
    if one.casemix is not None:
        lead.append(("Adjusted, beside the unadjusted figure, by the case mix ", Link("casemix", one.casemix), "."))
    if one.references:
        links = joined([Link("references", name) for name in one.references])
        lead.append(("Figures that others published, shown beside it: ", *links, "."))
    return lead


def benchmark_sections(one: Benchmark) -> list[Section]:
    """Everything that decides what is compared, and when nothing is."""
    strata = [(stratum.by, plain(stratum.breaks)) for stratum in one.strata]
    return [
        Section("Settings", (settings_table(one, skip=_SHOWN),)),
        Section("Strata", (table(["by", "cut at"], strata),)),
        Section("How often", (settings_table(one.cadence),)),
        Section("Gates: the least data before anything is shown", (settings_table(one.gates),)),
    ]
