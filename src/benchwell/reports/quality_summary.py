"""An official measure in words and rows: no share without what it is a share of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benchwell.quality.result import (
    DENOMINATOR,
    EXCEPTION,
    EXCLUSION,
    INITIAL_POPULATION,
    NUMERATOR,
    PerformanceRate,
    QualityResult,
)
from benchwell.signals.words import capital, direction

_WORDS = {
    INITIAL_POPULATION: "initial population",
    DENOMINATOR: "denominator",
    EXCLUSION: "left out (exclusions)",
    EXCEPTION: "not counted (exceptions)",
    NUMERATOR: "met (numerator)",
}


def quality_columns(result: QualityResult) -> list[str]:
    """Heads of the table of populations: one column for everybody, one for each stratum."""
    return ["population", "all", *(one.title for one in result.strata)]


def quality_rows(result: QualityResult) -> list[list[str]]:
    """Counts by population, then the share among those who are left to count."""
    counts: Sequence[Mapping[str, int]] = (result.summary, *(one.populations for one in result.strata))
    rows = [[_WORDS[code], *(f"{one.get(code, 0):,}" for one in counts)] for code in result.summary]
    return [*rows, ["met, of those left to count", *(_share(PerformanceRate.of(one)) for one in counts)]]


def quality_heading(result: QualityResult) -> str:
    """What the table is called: the measure's name only if its value sets were whole."""
    name = result.measure.title if result.official else f"Rules of {result.measure.id} on incomplete value sets"
    return f"{name}, {result.period_start} to {result.period_end}"


def quality_lines(result: QualityResult) -> list[str]:
    """What the figures are, who is in them, and what is not known."""
    people = f"{len(result.subjects):,} people were read; the measure counts {result.counted}."
    lines = [result.claim, f"{capital(direction(result.measure.better))}. {people}"]
    missing, among = result.not_assessed, result.rate.denominator
    if missing is not None and among:
        share = f"{(among - missing) / among:.0%}"
        lines.append(f"{among - missing:,} of {among:,} ({share}) have a value that could have met the measure.")
        lines.append(f"{missing:,} have none; they count as not met.")
    return lines


def _share(rate: PerformanceRate) -> str:
    if rate.value is None:
        return "nobody to count"
    return f"{rate.numerator:,} of {rate.denominator:,} ({rate.value:.1%})"
