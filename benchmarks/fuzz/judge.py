"""What a reading of spoilt resources must keep: every row accounted for, no number changed in silence, none told."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks.fuzz.mutations import MARK
from benchmarks.fuzz.plain_reader import UNCLEAR, Said, Value, said

from benchwell.intake.fhir.read import FhirPart

_SAME = 1e-9


@dataclass
class Verdict:
    """What was found.

    Attributes:
        faults: Kind of fault and row.
        resources: Rows that were read.
        assessments: Of PHQ-9 and GAD-7 that came in.
        numbers: Answers and totals that were held against the plain reader.
        findings: By reason.
    """

    faults: list[tuple[str, int]] = field(default_factory=list)
    resources: int = 0
    assessments: int = 0
    numbers: int = 0
    findings: Counter[str] = field(default_factory=Counter)

    def add(self, other: Verdict) -> None:
        """Take another file's verdict in."""
        self.faults += other.faults
        self.resources += other.resources
        self.assessments += other.assessments
        self.numbers += other.numbers
        self.findings.update(other.findings)


@dataclass
class _Words:
    """What the plain reader finds in a file: by row, and by person."""

    rows: dict[int, Said] = field(default_factory=dict)
    items: dict[tuple[str, str, int], set[Value]] = field(default_factory=lambda: defaultdict(set))
    totals: dict[tuple[str, str], set[Value]] = field(default_factory=lambda: defaultdict(set))


def judge(lines: Sequence[bytes], part: FhirPart) -> Verdict:
    """Hold what was made of a file's lines against what they say.

    - The counts add up; each refused row has a finding.
    - A row without a finding says nothing that is not in the tables, in the very numbers.
    - No answer and no total is in the tables that its own person's rows do not say.
    - Where a row says two things of one answer, none of them is taken.
    - No made-up text is in a finding or a note.
    """
    verdict = Verdict(resources=part.counts.read, findings=Counter(part.rejections["reason"].to_pylist()))
    words = _listen(lines)
    flagged = set(part.rejections["row"].to_pylist())
    verdict.faults += _counts(part, lines)
    verdict.faults += _leaks(part)
    rows = part.tables["assessments"].to_pylist() if "assessments" in part.tables else []
    mine = [row for row in rows if row["instrument"] in ("phq-9", "gad-7") and not row["retracted"]]
    verdict.assessments = len(mine)
    taken: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for row in mine:
        taken[row["patient_id"], row["instrument"]].append(row)
        verdict.numbers += sum(value is not None for value in row["items"] or []) + (row["total"] is not None)
        verdict.faults += [(kind, row["source_row"]) for kind in _made_up(row, words, flagged)]
    # A finding may stand on the row that speaks for an assessment. Two questions alone are a PHQ-2 or a GAD-2.
    settled = {words.rows[row].patient for row in flagged if row in words.rows}
    settled |= {row["patient_id"] for row in rows if row["instrument"] not in ("phq-9", "gad-7")}
    for number, one in words.rows.items():
        if number not in flagged and one.patient not in settled:
            verdict.faults += [(kind, number) for kind in _lost(one, taken)]
    return verdict


def _listen(lines: Sequence[bytes]) -> _Words:
    words = _Words()
    for number, line in enumerate(lines, start=1):
        try:
            found = said(json.loads(line.decode("utf-8", "replace"), strict=False))
        except (ValueError, RecursionError):
            continue
        if found is None:
            continue
        words.rows[number] = found
        for (name, place), values in found.items.items():
            words.items[found.patient or "", name, place] |= values
        for name, values in found.totals.items():
            words.totals[found.patient or "", name] |= values
    return words


def _counts(part: FhirPart, lines: Sequence[bytes]) -> Iterator[tuple[str, int]]:
    counts = part.counts
    if counts.read != counts.accepted + counts.corrected + counts.flagged + counts.rejected:
        yield "counts do not add up", 0
    if counts.read > sum(bool(line.strip()) for line in lines):
        yield "more rows than lines", 0
    refused = {
        row
        for row, action in zip(part.rejections["row"].to_pylist(), part.rejections["action"].to_pylist(), strict=True)
        if action == "rejected"
    }
    if counts.rejected > len(refused):
        yield "a row refused without a finding", 0


def _leaks(part: FhirPart) -> Iterator[tuple[str, int]]:
    for name in ("column", "reason", "action", "file"):
        texts = part.rejections[name].to_pylist()
        for row, told in zip(part.rejections["row"].to_pylist(), texts, strict=True):
            if MARK in told:
                yield f"a value in a finding's {name}", row
    if any(MARK in note for note in part.notes):
        yield "a value in a note", 0


def _made_up(row: dict[str, Any], words: _Words, flagged: set[int]) -> Iterator[str]:
    """Numbers in the tables that nobody said, or that were said among others."""
    own = words.rows.get(row["source_row"])
    if own is None:
        yield "an assessment from a row that says nothing"
        return
    if own.patient is not None and own.patient != row["patient_id"]:
        yield "another person"
    if own.day is not None and own.day != row["date"].isoformat():
        yield "another day"
    name, person = row["instrument"], own.patient or ""
    for place, value in enumerate(row["items"] or []):
        here = own.items.get((name, place)) or words.items.get((person, name, place)) or set()
        if value is not None and not any(_equal(value, one) for one in here):
            yield "an answer that nobody gave"
        if value is not None and len(own.items.get((name, place), ())) > 1:
            yield "one of two answers taken"
    if row["total"] is not None and row["scale"] is None:
        yield from _made_up_total(row, own, words.totals.get((person, name), set()), flagged)


def _made_up_total(row: dict[str, Any], own: Said, stated: set[Value], flagged: set[int]) -> Iterator[str]:
    if not any(_equal(row["total"], one) for one in stated):
        yield "a total that nobody stated"
    if len(own.totals.get(row["instrument"], ())) > 1 and row["source_row"] not in flagged:
        yield "one of two totals taken in silence"


def _lost(one: Said, taken: Mapping[tuple[str, str], list[dict[str, Any]]]) -> Iterator[str]:
    """What a row without any finding says, and the tables do not."""
    for (name, place), values in one.items.items():
        rows = _of(one, name, taken)
        if not all(any(row["items"] and _equal(row["items"][place], value) for row in rows) for value in values):
            yield "an answer lost in silence"
    for name, values in one.totals.items():
        rows = _of(one, name, taken)
        if not all(any(_equal(row["total"], value) for row in rows) for value in values):
            yield "a total lost in silence"


def _of(one: Said, name: str, taken: Mapping[tuple[str, str], list[dict[str, Any]]]) -> list[dict[str, Any]]:
    if one.patient is not None:
        return taken.get((one.patient, name), [])
    return [row for (_, instrument), rows in taken.items() if instrument == name for row in rows]


def _equal(value: float | None, other: Value) -> bool:
    return value is not None and other != UNCLEAR and abs(value - float(other)) <= _SAME
