"""The sections of a measure: what counts, who is counted, when."""

from __future__ import annotations

from benchwell.registry.declaration import Declaration
from benchwell.registry.measure import Measure
from benchwell.reports.method.settings import settings_table
from benchwell.reports.method.structure import Code, Link, Listing, Part, Section, Strong, Words, joined, plain, table
from benchwell.reports.names import counted_among
from benchwell.signals.words import capital, direction
from benchwell.terms import Denominator

# What has a place of its own on the page.
_SHOWN = frozenset(
    {
        *Declaration.model_fields,
        "better",
        "endpoint",
        "population",
        "index",
        "baseline",
        "followup",
        "over_period",
        "aligned_with",
        "facts",
        "examples",
        "headline",
    }
)


def measure_lead(one: Measure) -> list[Words]:
    """Direction, what kind of figure it is, and among whom it is counted."""
    kind = one.summary.replace("_", " ")
    article = "an" if kind[0] in "aeiou" else "a"
    return [f"{capital(direction(one.better))}. The figure is {article} {kind}, counted among {counted_among(one)}."]


def measure_sections(one: Measure) -> list[Section]:
    """The definition."""
    unused = frozenset({"weight_by"}) if one.is_published else frozenset()
    return [
        Section("What counts", _endpoint(one)),
        Section("Who is counted", _population(one)),
        Section("When", _when(one)),
        *([Section("Over a measurement period", _over_period(one))] if one.is_counted_over_period else []),
        Section("Settings", (settings_table(one, skip=_SHOWN | unused),)),
        Section("Worked examples (they are tests)", (Listing(tuple(plain(example) for example in one.examples)),)),
    ]


def _endpoint(one: Measure) -> tuple[Part, ...]:
    summary = (type(one.endpoint).__doc__ or "").strip().splitlines()[0]
    return (summary, settings_table(one.endpoint))


def _population(one: Measure) -> tuple[Part, ...]:
    if one.is_published:
        return ("As the publisher counts; nothing is computed from people here.",)
    parts: list[Part] = []
    if one.instruments:
        names = joined([Link("instruments", name) for name in one.instruments])
        same = "both of them" if one.endpoint.kind == "two_measure" else "the same one"
        also = f"; {same} at both times" if one.is_paired else ""
        parts.append(("Scored with: ", *names, f"{also}."))
    if one.population.finished_course is not None:
        parts.append(f"Finished courses with at least {one.population.finished_course} attended contacts.")
    rows = [
        (
            condition.column,
            plain(condition.one_of or ()),
            plain(condition.none_of or ()),
            "" if condition.at_least is None else condition.at_least,
            "" if condition.at_most is None else condition.at_most,
            Code(condition.reason),
        )
        for condition in one.population.conditions
    ]
    if rows:
        parts.append(table(["column", "one of", "none of", "at least", "at most", "otherwise excluded as"], rows))
    return tuple(parts) or ("Every episode of the unit.",)


def _when(one: Measure) -> tuple[Part, ...]:
    parts: list[Part] = []
    for title, part in (("Day 0", one.index), ("Baseline", one.baseline), ("Follow-up", one.followup)):
        if part is not None:
            parts += [(Strong(title),), settings_table(part)]
    if one.followup is not None:
        days = one.followup.to_day + one.followup.grace_days
        parts.append(
            f"An episode is counted from day {days} on (end of the window and grace); before that it is immature."
        )
    return tuple(parts)


_WHICH_DAY = {
    "course_end": "the course ended",
    "index": "its day 0 lies",
    "due": "the outcome became due: the last day of the window (or the end of the course, where that closes it)",
}


def _over_period(one: Measure) -> tuple[Part, ...]:
    """How `benchwell quality` counts it."""
    reading = one.counted_over_period
    declared = "" if one.over_period is not None else ", the default where nothing is declared"
    everyone = one.primary_denominator is Denominator.ALL_ELIGIBLE
    without = "stays in the denominator and is not met" if everyone else "is an exclusion"
    first = "stays in the denominator and is not met" if reading.no_baseline == "not_met" else "is an exclusion"
    parts: list[Part] = [
        (
            Code("benchwell quality"),
            " counts a course in the period in which ",
            Strong(_WHICH_DAY[reading.day]),
            f"{declared}.",
        ),
        f"A mature course without a follow-up {without}. One without a first score, where the measure needs one, "
        f"{first}. Who does not start where the measure asks is an exclusion. A course that is not finished, not due "
        "yet or not what the measure is about is in no population.",
    ]
    if one.aligned_with is not None:
        parts.append(one.aligned_with.strip())
    return tuple(parts)
