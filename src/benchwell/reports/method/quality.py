"""The sections of an official quality measure: populations, definitions, windows and the codes to load."""

from __future__ import annotations

from benchwell.registry.quality_language import Events
from benchwell.registry.quality_measure import QualityMeasure
from benchwell.reports.method.quality_words import criteria, edge_words, rule_words, window_words
from benchwell.reports.method.structure import Code, Listing, Section, Words, table
from benchwell.signals.words import capital, direction


def quality_lead(one: QualityMeasure) -> list[Words]:
    """Under which words the figures may be shown, direction, and what is counted."""
    counted = "Encounters are counted" if one.basis == "encounter" else "People are counted"
    return [
        one.aligned_with.strip(),
        f"{capital(direction(one.better))}. {counted}. Whoever has no value counts as not met.",
        "Times are compared by day in UTC unless it says otherwise. What is not known is not true: a date of which "
        "only the year was written is certain about nothing within that year.",
    ]


def quality_sections(one: QualityMeasure) -> list[Section]:
    """The definition."""
    official = one.official
    about = [("name", official.name), ("version", official.version), ("address", Code(official.url))]
    about += [("steward", official.steward), *((key, text) for key, text in official.identifiers.items())]
    about += [("copyright", official.copyright)] if official.copyright is not None else []
    return [
        Section("The official measure", (table(["what", "as published"], about),)),
        Section("Populations", (table(["population", "rule"], _populations(one)),)),
        Section("Definitions", (table(["name", "what it is", "criteria"], _definitions(one)),)),
        Section(
            "Windows",
            (table(["name", "days"], [(Code(name), window_words(found)) for name, found in one.windows.items()]),),
        ),
        Section(
            "Strata",
            (
                table(
                    ["id", "who", "rule"], [(Code(part.id), part.title, rule_words(part.rule)) for part in one.strata]
                ),
                "They add up to the initial population." if one.strata else "",
            ),
        ),
        Section(
            "Told beside the counts",
            (
                Listing(tuple([f"{name}" for name in one.supplemental])),
                table(["date", "which day"], [(name, edge_words(edge)) for name, edge in one.dates.items()]),
            ),
        ),
        Section("Value sets to load", (table(["name", "title", "OID", "version", "codes"], _value_sets(one)),)),
        Section(
            "Single codes",
            (table(["name", "codes"], [(Code(name), ", ".join(codes)) for name, codes in one.codes.items()]),),
        ),
    ]


def _populations(one: QualityMeasure) -> list[tuple[Words, Words]]:
    rules = one.populations
    rows: list[tuple[Words, Words]] = []
    if one.counted is not None:
        rows.append(("counted", f"each of {one.counted}"))
    rows.append(("initial population", rule_words(rules.initial)))
    rows.append(
        ("denominator", "the initial population" if rules.denominator is None else rule_words(rules.denominator))
    )
    if rules.exclusions:
        rows.append(("left out (exclusions)", f"any of: {', '.join(rules.exclusions)}"))
    rows.append(("met (numerator)", rule_words(rules.numerator)))
    if rules.exceptions:
        rows.append(("not counted if not met (exceptions)", f"any of: {', '.join(rules.exceptions)}"))
    if rules.assessed is not None:
        rows.append(("assessed", rule_words(rules.assessed)))
    return rows


def _definitions(one: QualityMeasure) -> list[tuple[Words, ...]]:
    return [
        (
            Code(name),
            found.title,
            "; ".join(criteria(found)) if isinstance(found, Events) else rule_words(found.rule),
        )
        for name, found in one.definitions.items()
    ]


def _value_sets(one: QualityMeasure) -> list[tuple[Words, ...]]:
    return [
        (Code(name), found.title, Code(found.oid), found.version or "", "" if found.codes is None else str(found.codes))
        for name, found in one.value_sets.items()
    ]
