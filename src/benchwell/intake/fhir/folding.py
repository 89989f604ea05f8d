"""What mappers left behind, to the canonical tables of a part; and which rows brought nothing after all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from benchwell.intake.fhir import assessment_mappers, record_mappers
from benchwell.intake.fhir.chunks import Mapped, Shapes
from benchwell.intake.fhir.fold import fold
from benchwell.intake.fhir.raw_assessments import RAW as ASSESSMENTS
from benchwell.intake.fhir.raw_assessments import SCHEMA, raw_row
from benchwell.intake.fhir.record_rows import DELETED_LAST
from benchwell.intake.fhir.rows import Finding, Rows
from benchwell.registry import Registry

_KINDS = {"QuestionnaireResponse": "form", "Observation": "score"}
_TAKEN_BACK = 3  # raw_assessments: `standing`


def delete(kind: str, id_: str, row: int, rows: Rows, at: float | None = None) -> None:
    """Take a deleted resource back: a row with its key only.

    Without a time it is later than any version in the same part. Types that have no table, such as forms, need none.
    """
    if record_mappers.retract(kind, id_, row, rows, at) or kind not in _KINDS:
        return
    given = raw_row(
        record=f"{kind}/{id_}", part=0, kind=_KINDS[kind], standing=_TAKEN_BACK,
        stored=DELETED_LAST if at is None else at, retracted=True, source_row=row,
    )  # fmt: skip
    rows.add(ASSESSMENTS, given)


SHAPES: Final = Shapes(
    mappers={**record_mappers.MAPPERS, **assessment_mappers.MAPPERS},
    schemas={**record_mappers.RAW, ASSESSMENTS: SCHEMA},
    delete=delete,
)


@dataclass(frozen=True)
class Canonical:
    """A part in canonical shape; places are still places in the part.

    Attributes:
        tables: Those with rows.
        findings: All of the part.
        refused: Places of which nothing came in.
    """

    tables: dict[str, pa.Table]
    findings: list[Finding]
    refused: set[int]


def fold_part(mapped: Mapped, registry: Registry, *, default_organization: bool | None) -> Canonical:
    """Merge records, put assessments together, name everybody.

    Args:
        mapped: All chunks of the part.
        registry: Instruments.
        default_organization: See `merge_records.merge`.
    """
    tables, found = record_mappers.merge(mapped.tables, default_organization=default_organization)
    folded = fold(mapped.tables, registry, tables.get("encounters"))
    if folded.assessments.num_rows:
        tables = record_mappers.with_named({**tables, "assessments": folded.assessments})
    late = [*found, *folded.findings]
    refused = set(mapped.refused) | _refused_late(mapped.tables, late)
    return Canonical(tables, [*mapped.findings, *late], refused)


def _refused_late(raw: Mapping[str, pa.Table], findings: list[Finding]) -> set[int]:
    """Rows of which each raw row was refused when the part was put together."""
    refused = Counter(one.row for one in findings if one.action == "rejected")
    if not refused:
        return set()
    wanted = pa.array(sorted(refused), pa.int64())
    brought: Counter[int] = Counter()
    for table in raw.values():
        places = table["source_row"]
        brought.update(places.filter(pc.is_in(places, value_set=wanted)).to_pylist())
    return {row for row, times in refused.items() if times >= brought[row]}
