"""The sections of a reference: the published figure with all that is needed to compare fairly."""

from __future__ import annotations

from benchwell.registry.reference import Reference
from benchwell.reports.method.structure import Link, Mark, Section, Strong, Words, joined, plain, table
from benchwell.reports.names import DENOMINATORS
from benchwell.signals.words import capital, direction


def reference_lead(one: Reference) -> list[Words]:
    """The figure, its direction, and whether it was read in its source."""
    said = f" ({one.unit}). {capital(direction(one.better))}. State: "
    return [(Strong(plain(one.estimate)), said, Mark(one.checked), ".")]


def reference_sections(one: Reference) -> list[Section]:
    """What was counted, where, when, among whom; and what it may be compared with."""
    rows = [
        ("what was counted", one.figure),
        ("year", one.year),
        ("population", one.population),
        ("counted among", f"{DENOMINATORS[one.denominator]} ({one.denominator_text})"),
        ("case mix", one.case_mix),
        ("interval", None if one.lower is None else f"{plain(one.lower)} to {plain(one.upper)}"),
        ("standard error", one.standard_error),
        ("n", one.n),
        ("source", one.source),
    ]
    links = joined([Link("measures", name) for name in one.measures])
    fair: Words = ("May be compared with: ", *links, ". With another denominator the comparison is blocked.")
    return [Section("The published figure", (table(["what", "as published"], rows), fair))]
