"""docs/methods/: one page per declaration, so that every definition can be reviewed without reading Python."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from benchwell.registry import Benchmark, Declaration, Instrument, Measure, Reference, Registry
from benchwell.registry.declaration import Fact, Model
from benchwell.registry.instrument import Band, Scale
from docgen.markdown import page, plain, section, table

MARKS = {
    "checked": "checked",
    "partly_checked": "*partly checked*",
    "unchecked": "**unchecked**",
    "no_value": "none known",
}
DIRECTION = {
    "lower": "Lower is better.",
    "higher": "Higher is better.",
}
LICENCES = {
    "free": "may be used without asking",
    "attestation": "may be used after confirming the owner's terms; no wording is shipped",
    "restricted": "needs the owner's permission; no wording is shipped",
}


def method_pages(registry: Registry) -> Iterator[tuple[str, str]]:
    """(path below docs/methods, text) for the index and every declaration."""
    yield "index.md", _index(registry)
    for instrument in registry.instruments.values():
        yield f"instruments/{instrument.id}.md", _instrument(instrument)
    for measure in registry.measures.values():
        yield f"measures/{measure.id}.md", _measure(measure)
    for benchmark in registry.benchmarks.values():
        yield f"benchmarks/{benchmark.id}.md", _benchmark(benchmark)
    for reference in registry.references.values():
        yield f"references/{reference.id}.md", _reference(reference)


def _index(registry: Registry) -> str:
    def listing(folder: str, known: dict[str, Any]) -> list[str]:
        rows = [
            (f"[`{one.id}`]({folder}/{one.id}.md)", one.title, one.revision, one.status, _unchecked(one))
            for one in sorted(known.values(), key=lambda one: one.id)
        ]
        return table(["id", "title", "revision", "review", "constants not fully checked"], rows)

    return page(
        "# Methods: everything that is declared",
        "Every definition behind a figure is a file that can be read, reviewed and cited. These pages are written from "
        "those files. *Checked* means that the constant was read in the source that is named beside it; **unchecked** "
        "constants are shown as such here and should be verified before they carry weight.",
        "No declaration has been accepted by independent reviewers yet: *draft* means just that.",
        section("Instruments", listing("instruments", dict(registry.instruments))),
        section("Measures", listing("measures", dict(registry.measures))),
        section("Benchmarks", listing("benchmarks", dict(registry.benchmarks))),
        section("References: figures that others published", listing("references", dict(registry.references))),
    )


def _facts(one: Declaration) -> dict[str, Fact]:
    return getattr(one, "facts", {})


def _unchecked(one: Declaration) -> str:
    if isinstance(one, Reference):
        return "" if one.checked == "checked" else MARKS[one.checked]
    doubtful = sum(fact.status in {"unchecked", "partly_checked"} for fact in _facts(one).values())
    return str(doubtful) if doubtful else ""


def _head(one: Declaration, folder: str) -> list[str]:
    reviewers = ", ".join(one.reviewers) or "none yet"
    return [
        f"# {one.title}",
        "",
        one.why.strip(),
        "",
        *table(
            ["id", "revision", "review", "author", "reviewers"],
            [(f"`{one.id}`", one.revision, one.status, one.author, reviewers)],
        ),
        *([one.notes.strip(), ""] if one.notes else []),
        f"Written from `src/benchwell/declarations/{folder}/{one.id}.yaml`; change that file, not this page.",
        "",
    ]


def _foot(one: Declaration) -> list[str]:
    hashes = [("what can move a number", f"`{one.numbers_hash}`"), ("wording and sources", f"`{one.text_hash}`")]
    return [
        *section("Sources", table(["key", "source"], [(f"`{key}`", text) for key, text in one.sources.items()])),
        *section("Changes", table(["revision", "date", "change"], [(c.revision, c.date, c.text) for c in one.changes])),
        *section("Hashes", table(["SHA-256 of", ""], hashes)),
    ]


def _declared(one: Declaration, path: str) -> str:
    """What the declaration itself says at a dotted path; a part that is shown elsewhere is only named."""
    value: Any = one
    for name in path.split("."):
        value = getattr(value, name, None)
    if value is None:
        return ""
    return plain(value) if isinstance(value, int | float | str) else "as above"


def _fact_table(one: Declaration) -> list[str]:
    rows = [
        (
            f"`{path}`",
            _declared(one, path) if fact.value is None else fact.value,
            MARKS[fact.status],
            fact.source,
            fact.note or "",
        )
        for path, fact in _facts(one).items()
    ]
    return section("How sure we are of the constants", table(["constant", "as read", "state", "source", "note"], rows))


def _parts(part: Model, *, skip: frozenset[str] = frozenset()) -> list[str]:
    values = part.model_dump(mode="json", exclude_none=True)
    shown = {name: value for name, value in values.items() if name not in skip and value not in ([], {})}
    rows = [(name.replace("_", " "), value) for name, value in shown.items()]
    return table(["setting", "value"], rows)


def _instrument(one: Instrument) -> str:
    return page(
        _head(one, "instruments"),
        f"Also written as: {', '.join(one.aliases)}." if one.aliases else "",
        f"{DIRECTION[one.better]} Licence: **{one.licence.state}** ({LICENCES[one.licence.state]}).",
        section("Items", _items(one)),
        section("Scales", _scales(one)),
        section("Missing answers", _missing(one)),
        section("Bands", _bands(one.bands)),
        section("Cut-offs and change", _cutoffs(one)),
        section("Safety", _safety(one)),
        section("Codes", table(["what", "code"], [(key, plain(code)) for key, code in one.codes.items()])),
        section(
            "Licence",
            one.licence.text,
            f"State of this statement: {MARKS.get(one.licence.status, one.licence.status)}.",
        ),
        _fact_table(one),
        section("Worked examples (they are tests)", _instrument_examples(one)),
        _foot(one),
    )


def _safety(one: Instrument) -> list[str]:
    rows = [(item.item, item.at_least, item.text, _mark(item.status), item.source) for item in one.safety_items]
    return table(["item", "at least", "why a person must see it at once", "state", "source"], rows)


def _mark(status: str) -> str:
    return MARKS.get(status, status)


def _items(one: Instrument) -> list[str]:
    if one.items is None:
        return ["Only a total exists.", ""]
    items = one.items
    lines = [f"{items.count} items, answered {plain(items.min)} to {plain(items.max)}."]
    if items.ranges:
        lines.append(
            "Other ranges: "
            + "; ".join(f"item {n}: {plain(low)} to {plain(high)}" for n, (low, high) in items.ranges.items())
        )
    if items.answers:
        lines.append(
            "Only these answers: " + "; ".join(f"item {n}: {plain(known)}" for n, known in items.answers.items()) + "."
        )
    if items.reverse:
        lines.append(f"Reversed before adding: items {plain(items.reverse)}.")
    wording = [f"{number}. {text}" for number, text in enumerate(items.wording, start=1)]
    return [" ".join(lines), "", *([*wording, ""] if wording else ["The wording is not shipped.", ""])]


def _bands(bands: tuple[Band, ...]) -> list[str]:
    return table(["from", "to", "name"], [(band.min, band.max, band.label) for band in bands])


def _method(scale: Scale) -> str:
    words = [scale.method]
    if scale.highest_of:
        words.append("only the highest of each group counts: " + "; ".join(plain(group) for group in scale.highest_of))
    words += [f"items {plain(recode.items)} recoded ({plain(recode.values)})" for recode in scale.recode]
    words += [f"times {plain(scale.multiply)}"] if scale.multiply != 1 else []
    words += [f"divided by {plain(scale.divide)}"] if scale.divide != 1 else []
    return ", ".join(words)


def _scales(one: Instrument) -> list[str]:
    rows = [
        (
            f"`{scale.id}`" + (" (primary)" if scale.primary else ""),
            scale.title,
            plain(scale.items) if scale.items else "all",
            _method(scale),
            "table from the raw sum" if scale.lookup else "",
            f"{plain(scale.min)} to {plain(scale.max)}",
            scale.better or one.better,
        )
        for scale in one.scales
    ]
    bands = [
        line
        for scale in one.scales
        for line in ([f"**Bands of `{scale.id}`**", "", *_bands(scale.bands)] if scale.bands else [])
    ]
    lookups = [
        line
        for scale in one.scales
        if scale.lookup
        for line in (
            f"Raw sum to reported value, `{scale.id}`: "
            + ", ".join(f"{raw} → {plain(value)}" for raw, value in scale.lookup.items()),
            "",
        )
    ]
    return [*table(["scale", "title", "items", "method", "conversion", "range", "better"], rows), *lookups, *bands]


MISSING = {
    "person-mean": "the sum of the answered items is scaled up to all items",
    "item-mean": "each missing answer counts as the mean of the answered ones",
    "zero": "a blank counts as 0",
}
ROUNDED = {"half-up": " and rounded half up", "up": " and rounded up", "none": ""}


def _missing(one: Instrument) -> str:
    if one.missing.rule == "none":
        return "No score is given when an answer is missing."
    limits = "; ".join(f"`{scale.id}` up to {one.max_missing_of(scale)}" for scale in one.scales)
    return (
        f"Missing answers allowed: {limits}. Within that, {MISSING[one.missing.rule]}{ROUNDED[one.missing.round]}, and "
        "the score is marked `prorated`. With more missing, no score is given."
    )


def _cutoffs(one: Instrument) -> list[str]:
    rows: list[tuple[Any, ...]] = []
    named = [("caseness", one.caseness), ("remission", one.remission)]
    named += [(f"caseness of {scale.id}", scale.caseness) for scale in one.scales]
    for name, cut in named:
        if cut is not None:
            rows.append((name, f"{cut.operator} {plain(cut.value)}", _mark(cut.status), cut.source, cut.note or ""))
    if one.reliable_change is not None:
        change = one.reliable_change
        size = (
            f"at least {plain(change.points)} points"
            if change.points is not None
            else f"from SD {plain(change.sd)}, reliability {plain(change.reliability)}"
        )
        rows.append(
            ("reliable change", size, MARKS.get(change.status, change.status), plain(change.source), change.note)
        )
    if one.response_percent is not None:
        rows.append(("response", f"at least {one.response_percent} % better than at baseline", "", "", ""))
    return table(["what", "value", "state", "source", "note"], rows)


def _instrument_examples(one: Instrument) -> list[str]:
    rows = [
        (
            f"total {plain(example.total)}" if example.items is None else plain(example.items),
            None if example.value is None else plain(example.value),
            example.status,
            example.reason,
            example.band,
            plain(example.scales),
        )
        for example in one.examples
    ]
    return table(["answers", "value", "status", "reason", "band", "scales"], rows)


def _measure(one: Measure) -> str:
    return page(
        _head(one, "measures"),
        f"{DIRECTION[one.better]} The figure is a {one.summary.replace('_', ' ')}; its primary denominator is "
        f"`{one.primary_denominator}` (see [statistics](../../statistics.md)).",
        section("What counts", _endpoint(one)),
        section("Who is counted", _population(one)),
        section("When", _when(one)),
        section("Settings", _parts(one, skip=_MEASURE_SHOWN | ({"weight_by"} if one.is_published else set()))),
        _fact_table(one),
        section(
            "Worked examples (they are tests)",
            [f"- {plain(example)}" for example in one.examples] + [""] * bool(one.examples),
        ),
        _foot(one),
    )


_MEASURE_SHOWN = frozenset(
    {
        *Declaration.model_fields,
        "endpoint",
        "population",
        "index",
        "baseline",
        "followup",
        "facts",
        "examples",
        "better",
    }
)


def _endpoint(one: Measure) -> list[str]:
    summary = (type(one.endpoint).__doc__ or "").strip().splitlines()[0]
    return [summary, "", *_parts(one.endpoint)]


def _population(one: Measure) -> list[str]:
    if one.is_published:
        return ["As the publisher counts; nothing is computed from people here.", ""]
    lines = []
    if one.instruments:
        names = ", ".join(f"[`{name}`](../instruments/{name}.md)" for name in one.instruments)
        same = "both of them" if one.endpoint.kind == "two_measure" else "the same one"
        lines += [f"Instruments: {names}; {same} at both times.", ""]
    if one.population.finished_course is not None:
        lines += [f"Finished courses with at least {one.population.finished_course} attended contacts.", ""]
    rows = [
        (
            condition.column,
            plain(condition.one_of or ()),
            condition.at_least,
            condition.at_most,
            f"`{condition.reason}`",
        )
        for condition in one.population.conditions
    ]
    found = [*lines, *table(["column", "one of", "at least", "at most", "otherwise excluded as"], rows)]
    return found or ["Every episode of the unit.", ""]


def _when(one: Measure) -> list[str]:
    lines: list[str] = []
    for title, part in (("Day 0", one.index), ("Baseline", one.baseline), ("Follow-up", one.followup)):
        if part is not None:
            lines += [f"**{title}**", "", *_parts(part)]
    if one.followup is not None:
        days = one.followup.to_day + one.followup.grace_days
        lines += [
            f"An episode is counted from day {days} on (end of the window and grace); before that it is immature.",
            "",
        ]
    return lines


def _benchmark(one: Benchmark) -> str:
    references = ", ".join(f"[`{name}`](../references/{name}.md)" for name in one.references)
    return page(
        _head(one, "benchmarks"),
        f"Measure: [`{one.measure}`](../measures/{one.measure}.md). Population: {one.population}",
        f"References: {references}" if references else "",
        section("Settings", _parts(one, skip=_BENCHMARK_SHOWN)),
        section("Strata", table(["by", "cut at"], [(s.by, plain(s.breaks)) for s in one.strata])),
        section("How often", _parts(one.cadence)),
        section("Gates: the least data before anything is shown", _parts(one.gates)),
        _foot(one),
    )


_BENCHMARK_SHOWN = frozenset(
    {*Declaration.model_fields, "measure", "population", "references", "strata", "cadence", "gates"}
)


def _reference(one: Reference) -> str:
    measures = ", ".join(f"[`{name}`](../measures/{name}.md)" for name in one.measures)
    interval = None if one.lower is None else f"{plain(one.lower)} to {plain(one.upper)}"
    return page(
        _head(one, "references"),
        f"**{plain(one.estimate)}** ({one.unit}). {DIRECTION[one.better]} State: {MARKS[one.checked]}.",
        table(
            ["", ""],
            [
                ("what was counted", one.figure),
                ("year", one.year),
                ("population", one.population),
                ("denominator", f"`{one.denominator}`: {one.denominator_text}"),
                ("case mix", one.case_mix),
                ("interval", interval),
                ("standard error", one.standard_error),
                ("n", one.n),
                ("source", one.source),
            ],
        ),
        f"May be compared with: {measures}. With another denominator the comparison is blocked.",
        _foot(one),
    )
