"""Resources as plain data, through the mappers of assessments and `fold`: for tests of all folders."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa

from benchwell.intake.fhir.assessment_mappers import MAPPERS
from benchwell.intake.fhir.fold import fold
from benchwell.intake.fhir.forms import Forms
from benchwell.intake.fhir.raw_assessments import RAW, SCHEMA
from benchwell.intake.fhir.references import References
from benchwell.intake.fhir.resources import Known, Questionnaire
from benchwell.intake.fhir.rows import Context, Found, Rows
from benchwell.registry import Registry

AS_OF = dt.date(2026, 12, 31)
FIXTURES = Path(__file__).parent / "fixtures" / "fhir-assessments"
PHQ9 = ["44250-9", "44255-8", "44259-0", "44254-1", "44251-7", "44258-2", "44252-5", "44253-3", "44260-8"]
GAD7 = ["69725-0", "68509-9", "69733-4", "69734-2", "69735-9", "69689-8", "69736-7"]
ANSWERS = ["LA6568-5", "LA6569-3", "LA6570-1", "LA6571-9"]
LOINC = "http://loinc.org"
_DECODER = msgspec.json.Decoder(Known)
_READ = {one.__name__ for one in MAPPERS} | {"Patient", "Encounter"}


@dataclass(frozen=True)
class Taken:
    """What came of some resources: assessments without nulls, and findings as (row, column, reason)."""

    assessments: list[dict[str, Any]]
    findings: list[tuple[int, str, str]]
    refused: set[int]

    def only(self) -> dict[str, Any]:
        (one,) = self.assessments
        return one

    @property
    def reasons(self) -> list[str]:
        return sorted(reason for _, _, reason in self.findings)


@cache
def registry() -> Registry:
    return Registry.load()


def raw(resources: Sequence[dict[str, Any]], *, as_of: dt.date = AS_OF) -> tuple[pa.Table, Rows]:
    """Raw rows; row 1 is the first resource. A resource under `fullUrl` and `resource` is an entry of a Bundle."""
    context, rows = Context(registry(), References(), Forms(), as_of), Rows()
    found = []
    for row, one in enumerate(resources, start=1):
        url, plain = (one.get("fullUrl"), one["resource"]) if "resource" in one else (None, one)
        if plain["resourceType"] in _READ:
            found.append(Found(_DECODER.decode(json.dumps(plain).encode()), row, url))
    for each in found:
        context.references.add(each)
        if isinstance(each.resource, Questionnaire):
            context.forms.add(each)
    for each in found:
        if type(each.resource) in MAPPERS:
            MAPPERS[type(each.resource)](each, context, rows)
    return rows.table(RAW, SCHEMA), rows


def take(*resources: dict[str, Any], as_of: dt.date = AS_OF, encounters: pa.Table | None = None) -> Taken:
    """Everything from decoding to folded assessments."""
    table, rows = raw(resources, as_of=as_of)
    folded = fold({RAW: table}, registry(), encounters)
    findings = [(one.row, one.column, one.reason) for one in [*rows.findings, *folded.findings]]
    kept = [{k: v for k, v in one.items() if v is not None} for one in folded.assessments.to_pylist()]
    return Taken(kept, findings, rows.refused)


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def files(paths: Iterable[Path]) -> list[dict[str, Any]]:
    """Resources of files: single ones, NDJSON, and the entries of Bundles."""
    found: list[dict[str, Any]] = []
    for path in sorted(paths):
        if path.suffix == ".ndjson":
            found += lines(path)
            continue
        one = json.loads(path.read_text(encoding="utf-8"))
        found += one["entry"] if one["resourceType"] == "Bundle" else [one]
    return found


def response(
    answers: Sequence[int | None], id_: str = "r", *, codes: Sequence[str] = PHQ9, at: str = "2026-03-01T09:00:00Z",
    total: float | None = None, patient: str = "p", **more: Any,
) -> dict[str, Any]:  # fmt: skip
    """A completed response whose link ids are codes; null is a question without an answer."""
    items: list[dict[str, Any]] = [
        {
            "linkId": f"/{code}",
            "answer": [] if value is None else [{"valueCoding": {"system": LOINC, "code": ANSWERS[value]}}],
        }
        for code, value in zip(codes, answers, strict=True)
    ]
    if total is not None:
        items.append({"linkId": "/44261-6" if codes[-1] in PHQ9 else "/70274-6", "answer": [{"valueDecimal": total}]})
    return {
        "resourceType": "QuestionnaireResponse", "id": id_, "status": "completed", "authored": at,
        "subject": {"reference": f"Patient/{patient}"}, "item": items, **more,
    }  # fmt: skip


def observation(
    code: str, id_: str = "o", *, at: str | None = "2026-03-01T09:00:00Z", patient: str = "p", **more: Any
) -> dict[str, Any]:
    """A final Observation of a LOINC code."""
    return {
        "resourceType": "Observation", "id": id_, "status": "final", "subject": {"reference": f"Patient/{patient}"},
        "code": {"coding": [{"system": LOINC, "code": code}]},
        **({} if at is None else {"effectiveDateTime": at}), **more,
    }  # fmt: skip


def score(value: float, id_: str = "o", *, code: str = "44261-6", **more: Any) -> dict[str, Any]:
    """A total as a quantity in points."""
    return observation(code, id_, valueQuantity={"value": value, "code": "{score}"}, **more)


def answer(code: str, value: int, id_: str, **more: Any) -> dict[str, Any]:
    """The answer to one item."""
    return observation(code, id_, valueCodeableConcept={"coding": [{"system": LOINC, "code": ANSWERS[value]}]}, **more)


def refer(*records: str) -> list[dict[str, str]]:
    return [{"reference": record} for record in records]
