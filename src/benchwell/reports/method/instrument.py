"""The sections of an instrument: items, scales, missing answers, bands, cut-offs, safety, codes, licence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from benchwell.registry.instrument import Band, Cutoff, Instrument, Scale
from benchwell.reports.method.structure import Code, Listing, Mark, Part, Section, Strong, Table, Words, plain, table
from benchwell.signals.words import capital, direction

LICENCES = {
    "free": "may be used without asking",
    "attestation": "may be used after confirming the owner's terms; no wording is shipped",
    "restricted": "needs the owner's permission; no wording is shipped",
}
MISSING = {
    "person-mean": "the sum of the answered items is scaled up to all items",
    "item-mean": "each missing answer counts as the mean of the answered ones",
    "zero": "a blank counts as 0",
}
ROUNDED = {"half-up": " and rounded half up", "up": " and rounded up", "none": ""}


def instrument_lead(one: Instrument) -> list[Words]:
    """Direction and licence; other spellings."""
    state = one.licence.state
    lead: list[Words] = [
        (f"{capital(direction(one.better))}. Licence: ", Strong(state), f" ({LICENCES[state]})."),
    ]
    if one.aliases:
        lead.append(f"Also written as: {', '.join(one.aliases)}.")
    return lead


def instrument_sections(one: Instrument) -> list[Section]:
    """Everything that turns answers into a score, and a score into a band."""
    return [
        Section("Items", _items(one)),
        Section("Scales", _scales(one)),
        Section("Missing answers", (_missing(one),)),
        Section("Bands", (_bands(one.bands),)),
        Section("Cut-offs and change", (_cutoffs(one),)),
        Section("Safety", (_safety(one),)),
        Section("Codes", (table(["what", "code"], [(key, plain(code)) for key, code in one.codes.items()]),)),
        Section("Licence", (one.licence.text, ("State of this statement: ", Mark(one.licence.status), "."))),
        Section("Worked examples (they are tests)", (_examples(one),)),
    ]


def _items(one: Instrument) -> tuple[Part, ...]:
    if one.items is None:
        return ("Only a total exists.",)
    items = one.items
    lines = [f"{items.count} items, answered {plain(items.min)} to {plain(items.max)}."]
    if items.ranges:
        others = (f"item {n}: {plain(low)} to {plain(high)}" for n, (low, high) in items.ranges.items())
        lines.append(f"Other ranges: {'; '.join(others)}.")
    if items.answers:
        only = (f"item {n}: {plain(known)}" for n, known in items.answers.items())
        lines.append(f"Only these answers: {'; '.join(only)}.")
    if items.reverse:
        lines.append(f"Reversed before adding: items {plain(items.reverse)}.")
    wording: Part = Listing(items.wording, numbered=True) if items.wording else "The wording is not shipped."
    return (" ".join(lines), wording)


def _scales(one: Instrument) -> tuple[Part, ...]:
    rows = [
        (
            (Code(scale.id), " (primary)" if scale.primary else ""),
            scale.title,
            plain(scale.items) if scale.items else "all",
            _method(scale),
            "table from the raw sum" if scale.lookup else "",
            f"{plain(scale.min)} to {plain(scale.max)}",
            scale.better or one.better,
        )
        for scale in one.scales
    ]
    parts: list[Part] = [table(["scale", "title", "items", "method", "conversion", "range", "better"], rows)]
    for scale in one.scales:
        if scale.lookup:
            pairs = ", ".join(f"{raw} → {plain(value)}" for raw, value in scale.lookup.items())
            parts.append(("Raw sum to reported value, ", Code(scale.id), f": {pairs}"))
        if scale.bands:
            parts += [(Strong(f"Bands of {scale.id}"),), _bands(scale.bands, f"Bands of {scale.id}")]
    return tuple(parts)


def _method(scale: Scale) -> str:
    words: list[str] = [scale.method]
    if scale.highest_of:
        words.append("only the highest of each group counts: " + "; ".join(plain(group) for group in scale.highest_of))
    words += [f"items {plain(recode.items)} recoded ({plain(recode.values)})" for recode in scale.recode]
    words += [f"times {plain(scale.multiply)}"] if scale.multiply != 1 else []
    words += [f"divided by {plain(scale.divide)}"] if scale.divide != 1 else []
    return ", ".join(words)


def _missing(one: Instrument) -> Words:
    if one.missing.rule == "none":
        return "No score is given when an answer is missing."
    limits = "; ".join(f"{scale.id} up to {one.max_missing_of(scale)}" for scale in one.scales)
    return (
        f"Missing answers allowed: {limits}. Within that, {MISSING[one.missing.rule]}{ROUNDED[one.missing.round]}, and "
        "the score is marked ",
        Code("prorated"),
        ". With more missing, no score is given.",
    )


def _bands(bands: Sequence[Band], caption: str = "") -> Table:
    return table(["from", "to", "name"], [(band.min, band.max, band.label) for band in bands], caption)


def _cutoffs(one: Instrument) -> Table:
    named: list[tuple[str, Cutoff | None]] = [("caseness", one.caseness), ("remission", one.remission)]
    named += [(f"caseness of {scale.id}", scale.caseness) for scale in one.scales]
    rows: list[tuple[Any, ...]] = [
        (name, f"{cut.operator} {plain(cut.value)}", Mark(cut.status), cut.source, cut.note or "")
        for name, cut in named
        if cut is not None
    ]
    if one.reliable_change is not None:
        change = one.reliable_change
        size = f"at least {plain(change.points)} points"
        if change.points is None:
            size = f"from SD {plain(change.sd)}, reliability {plain(change.reliability)}"
        rows.append(("reliable change", size, Mark(change.status), change.source, change.note or ""))
    if one.response_percent is not None:
        rows.append(("response", f"at least {one.response_percent} % better than at baseline", "", "", ""))
    return table(["what", "value", "state", "source", "note"], rows)


def _safety(one: Instrument) -> Table:
    rows = [(item.item, item.at_least, item.text, Mark(item.status), item.source) for item in one.safety_items]
    return table(["item", "at least", "why a person must see it at once", "state", "source"], rows)


def _examples(one: Instrument) -> Table:
    rows = [
        (
            f"total {plain(example.total)}" if example.items is None else plain(example.items),
            example.value,
            example.status.replace("_", " "),
            example.reason,
            example.band,
            plain(example.scales),
        )
        for example in one.examples
    ]
    return table(["answers", "value", "status", "reason", "band", "scales"], rows)
