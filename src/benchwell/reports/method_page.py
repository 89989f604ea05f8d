"""The public page of a declaration: what it is, every constant with its source, unchecked ones marked (DESIGN 4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from benchwell.registry.benchmark import Benchmark
from benchwell.registry.declaration import Declaration, Fact
from benchwell.registry.instrument import Instrument
from benchwell.registry.measure import Measure
from benchwell.registry.reference import Reference
from benchwell.registry.registry import Registry
from benchwell.reports.names import DENOMINATORS, definition_rows
from benchwell.reports.page import render
from benchwell.signals.words import capital, direction
from benchwell.terms import FactStatus

MARKS = {
    FactStatus.CHECKED: "● checked",
    FactStatus.PARTLY_CHECKED: "◐ partly checked",
    FactStatus.UNCHECKED: "○ unchecked",
    FactStatus.NO_VALUE: "– no value",
}


@dataclass(frozen=True)
class Block:
    """One part of the page: sentences, or a table, or both."""

    title: str
    texts: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True)
class MethodPage:
    """A declaration in words, before it becomes HTML or Markdown."""

    kind: str
    id: str
    revision: int
    status: str
    title: str
    why: str
    direction: str
    unchecked: int
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class RenderedMethod:
    """The same page twice."""

    html: str
    markdown: str


def method_html(declaration: Declaration, registry: Registry) -> str:
    """The self-contained HTML page of a declaration."""
    page = method_page(declaration, registry)
    return render("method.html.j2", page_title=page.title, method=page)


def method_markdown(declaration: Declaration, registry: Registry) -> str:
    """The page of a declaration in Markdown."""
    return _markdown(method_page(declaration, registry))


def render_method_page(declaration: Declaration, registry: Registry) -> RenderedMethod:
    """Render any declaration for the public.

    Args:
        declaration: An instrument, measure, benchmark or reference.
        registry: Gives titles to the declarations that it names.

    Returns:
        A self-contained HTML page and the same in Markdown.
    """
    return RenderedMethod(method_html(declaration, registry), method_markdown(declaration, registry))


def method_page(declaration: Declaration, registry: Registry) -> MethodPage:
    """The page as data."""
    facts: dict[str, Fact] = getattr(declaration, "facts", {})
    better = getattr(declaration, "better", None)
    blocks = [*_blocks(declaration, registry), _facts(facts, declaration.sources), *_ending(declaration)]
    unchecked = sum(fact.status is FactStatus.UNCHECKED for fact in facts.values())
    if isinstance(declaration, Reference):
        unchecked += declaration.checked is FactStatus.UNCHECKED
    return MethodPage(
        kind=type(declaration).__name__,
        id=declaration.id,
        revision=declaration.revision,
        status=declaration.status,
        title=declaration.title,
        why=declaration.why,
        direction=direction(better) if better is not None else "",
        unchecked=unchecked,
        blocks=tuple(block for block in blocks if block.texts or block.rows),
    )


def _blocks(declaration: Declaration, registry: Registry) -> list[Block]:
    if isinstance(declaration, Instrument):
        return _instrument(declaration)
    if isinstance(declaration, Measure):
        return _measure(declaration, registry)
    if isinstance(declaration, Benchmark):
        return _benchmark(declaration, registry)
    if isinstance(declaration, Reference):
        return _reference(declaration)
    return []


def _instrument(one: Instrument) -> list[Block]:
    scales = tuple(
        (scale.title, scale.method, f"{scale.min:g} to {scale.max:g}", direction(one.better_of(scale)))
        for scale in one.scales
    )
    bands = tuple((band.label, f"{band.min:g} to {band.max:g}") for band in one.bands)
    cuts = [
        (name, f"{cut.operator} {cut.value:g}", MARKS[cut.status], ", ".join(cut.source))
        for name, cut in (("Caseness", one.caseness), ("Remission", one.remission))
        if cut is not None
    ]
    if one.reliable_change is not None:
        change = one.reliable_change
        size = f"{change.points:g} points" if change.points is not None else f"SD {change.sd}, r {change.reliability}"
        cuts.append(("Reliable change", size, MARKS[change.status], ", ".join(change.source)))
    wording = tuple((str(number), text) for number, text in enumerate(one.items.wording, 1)) if one.items else ()
    licence = f"{one.licence.state}: {one.licence.text} ({MARKS[one.licence.status]})"
    return [
        Block("Scales", columns=("Scale", "Method", "Range", "Direction"), rows=scales),
        Block("Severity bands", columns=("Band", "Score"), rows=bands),
        Block("Cut-offs and change", columns=("What", "Value", "State", "Source"), rows=tuple(cuts)),
        Block("Missing answers", (_missing(one),)),
        Block("Licence", (licence,)),
        Block("Wording", columns=("Item", "Text"), rows=wording),
    ]


def _missing(one: Instrument) -> str:
    if one.missing.rule == "none" or one.missing.max_missing == 0:
        return "With any answer missing, no score is given."
    rule = {"person-mean": "are filled from the person's own mean", "zero": "count as 0"}.get(
        one.missing.rule, "are filled from the answered items"
    )
    return f"Up to {one.missing.max_missing} missing answers {rule}; with more, no score is given."


def _measure(one: Measure, registry: Registry) -> list[Block]:
    known = registry.instruments
    names = [f"{known[name].title} ({name})" if name in known else name for name in one.instruments]
    texts = [f"Scored with {', '.join(names)}."] if names else []
    if one.followup is not None:
        days = one.followup.to_day + one.followup.grace_days
        texts.append(
            f"A course counts from day {days} on: end of the window and {one.followup.grace_days} days' grace."
        )
    conditions = tuple(
        (condition.column, _condition(condition.model_dump(exclude_none=True)), condition.reason)
        for condition in one.population.conditions
    )
    return [
        Block("Definition", tuple(texts), ("Part", "Value"), tuple(definition_rows(one))),
        Block("Who is counted", columns=("Column", "Kept if", "Otherwise excluded as"), rows=conditions),
    ]


def _condition(condition: dict[str, Any]) -> str:
    parts = [", ".join(str(value) for value in condition["one_of"])] if "one_of" in condition else []
    parts += [f"at least {condition['at_least']:g}"] if "at_least" in condition else []
    parts += [f"at most {condition['at_most']:g}"] if "at_most" in condition else []
    return "; ".join(parts)


def _benchmark(one: Benchmark, registry: Registry) -> list[Block]:
    measure = registry.measures.get(one.measure)
    names = ", ".join(kind.value.replace("_", " ") for kind in one.kinds)
    rows = [
        ("Measure", f"{measure.title} ({one.measure})" if measure else one.measure),
        ("Population", one.population),
        ("Kinds", names),
        ("Tiers", ", ".join(one.tiers)),
        ("Weighting", one.weighting),
        ("Cadence", f"{one.cadence.kind}, {one.cadence.months} months, {one.cadence.refresh}"),
        ("Strata", ", ".join(stratum.by for stratum in one.strata) or "none"),
        ("References", ", ".join(one.references) or "none"),
        ("Draws and seed", f"{one.replicates:,}, {one.seed}"),
    ]
    gates = tuple((capital(name.replace("_", " ")), f"{value:g}") for name, value in one.gates.model_dump().items())
    return [
        Block("What is compared", columns=("Part", "Value"), rows=tuple(rows)),
        Block("Least data before anything is shown", columns=("Gate", "Value"), rows=gates),
    ]


def _reference(one: Reference) -> list[Block]:
    interval = "not stated" if one.lower is None or one.upper is None else f"{one.lower:g} to {one.upper:g}"
    rows = (
        ("Figure", f"{one.estimate:g} ({one.unit})"),
        ("State", MARKS[one.checked]),
        ("What was counted", one.figure),
        ("Interval", interval),
        ("Year", one.year),
        ("Population", one.population),
        ("Counted among", f"{DENOMINATORS[one.denominator]}. {one.denominator_text}"),
        ("Case mix", one.case_mix),
        ("People", "not stated" if one.n is None else f"{one.n:,}"),
        ("Source", one.source),
        ("May be compared with", ", ".join(one.measures)),
    )
    text = "With a measure that counts other people the comparison is blocked."
    return [Block("The published figure", (text,), ("Part", "Value"), rows)]


def _facts(facts: dict[str, Fact], sources: dict[str, str]) -> Block:
    rows = tuple(
        (
            path,
            "–" if fact.value is None else str(fact.value),
            MARKS[fact.status],
            "; ".join(sources.get(source, source) for source in fact.source),
            fact.note or "",
        )
        for path, fact in facts.items()
    )
    return Block(
        "How sure we are of each constant", columns=("Constant", "As read", "State", "Source", "Note"), rows=rows
    )


def _ending(one: Declaration) -> list[Block]:
    review = f"Written by {one.author}. Reviewed by {', '.join(one.reviewers) or 'nobody yet'}. State: {one.status}."
    hashes = (("What moves numbers", one.numbers_hash), ("Texts", one.text_hash))
    changes = tuple((str(change.revision), change.date, change.text) for change in one.changes)
    return [
        Block("Notes", (one.notes,) if one.notes else ()),
        Block("Sources", columns=("Id", "Source"), rows=tuple(one.sources.items())),
        Block("Review", (review,)),
        Block("Changes", columns=("Revision", "Date", "What"), rows=changes),
        Block("Content hashes (SHA-256)", columns=("Of", "Hash"), rows=hashes),
    ]


def _markdown(page: MethodPage) -> str:
    lines = [f"# {page.title}", "", page.why, ""]
    lines += [f"{page.kind} `{page.id}`, revision {page.revision}, {page.status}.", ""]
    lines += [f"{capital(page.direction)}.", ""] if page.direction else []
    if page.unchecked:
        lines += [f"**○ unchecked** marks a constant nobody has yet read in its own source: {page.unchecked} here.", ""]
    for block in page.blocks:
        lines += [f"## {block.title}", ""]
        for text in block.texts:
            lines += [text, ""]
        if block.rows:
            lines += [
                _line(block.columns),
                "|" + " --- |" * len(block.columns),
                *(_line(row) for row in block.rows),
                "",
            ]
    return "\n".join(lines)


def _line(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"
