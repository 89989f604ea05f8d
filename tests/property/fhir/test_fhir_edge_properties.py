"""Whatever bytes arrive: no crash, every row accounted for, and the same tables however the bytes are cut."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from benchwell.intake.fhir.chunks import Mapped, gather, map_chunk
from benchwell.intake.fhir.decode import Bundle, Refused, Skipped, decode
from benchwell.intake.fhir.findings import counts_of
from benchwell.intake.fhir.folding import SHAPES
from benchwell.intake.fhir.forms import Forms
from benchwell.intake.fhir.lines import blocks_of, shape_of
from benchwell.intake.fhir.read import read_fhir_bytes
from benchwell.intake.fhir.references import References
from benchwell.intake.fhir.resources import Resource
from benchwell.intake.fhir.rows import Context
from benchwell.intake.fhir.unpack import Piece
from benchwell.registry import Registry
from benchwell.tables import CANONICAL

AS_OF = dt.date(2027, 12, 31)
FIXTURES = Path(__file__).parents[2] / "fixtures" / "fhir-assessments"
REGISTRY = Registry.load()
LINES = [line for path in sorted(FIXTURES.glob("*.ndjson")) for line in path.read_bytes().splitlines() if line.strip()]
OTHERS: list[dict[str, Any]] = [
    {"resourceType": "Patient", "id": "p", "birthDate": "1980-02", "gender": "female", "address": [{"state": "CA"}]},
    {"resourceType": "Encounter", "id": "e", "status": "finished", "class": {"code": "AMB"},
     "subject": {"reference": "Patient/p"}, "period": {"start": "2026-01-01T10:00:00Z"}},
    {"resourceType": "Condition", "id": "c", "subject": {"reference": "Patient/p"},
     "code": {"coding": [{"code": "F32.9"}]}, "onsetDateTime": "2025"},
    {"resourceType": "Consent", "id": "k", "status": "active", "patient": {"reference": "Patient/p"}},
    {"resourceType": "Claim", "id": "x"},
]  # fmt: skip
LINES += [json.dumps(one).encode() for one in OTHERS]
LINES += [
    json.dumps(
        {"resourceType": "Bundle", "type": "transaction", "entry": [{"resource": one} for one in OTHERS]}
    ).encode()
]
SPLICES = [b"", b"\x00", b"\xff", b'"', b"{", b"}", b"[", b"]", b"null", b"NaN", b"1e999", b"-1", b"0001", b",", b"\n",
           b'"9999-99-99"', b"true", b"\\ud800"]  # fmt: skip


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A line with some bytes replaced."""
    line = draw(st.sampled_from(LINES))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(line)))
        end = draw(st.integers(at, min(at + 20, len(line))))
        line = line[:at] + draw(st.sampled_from(SPLICES)) + line[end:]
    return line


def replaced(value: Any, draw: st.DrawFn) -> Any:
    """JSON of which some members have become something else."""
    odd = st.sampled_from([None, True, -1, 10**30, 0.5, "", "x", "2026-13-45", "9999-12-31T23:59:60Z", [], {}, [None]])
    if draw(st.integers(0, 25)) == 0:
        return draw(odd)
    if isinstance(value, dict):
        return {key: replaced(one, draw) for key, one in value.items()}
    if isinstance(value, list):
        return [replaced(one, draw) for one in value]
    return value


@st.composite
def reshaped(draw: st.DrawFn) -> bytes:
    """A line that is JSON, but not always of the right types."""
    return json.dumps(replaced(json.loads(draw(st.sampled_from(LINES))), draw)).encode()


BODIES = st.lists(st.one_of(mutated(), reshaped()), max_size=6).map(b"\n".join)


@given(st.one_of(mutated(), reshaped(), st.binary(max_size=60)))
@settings(max_examples=400, deadline=None)
@example(b'{"resourceType":"Patient","x":' + b"[" * 99_999)
@example(b'{"resourceType":"\\u0000"}')
def test_any_bytes_are_a_resource_or_a_reason(line: bytes) -> None:
    assert isinstance(decode(line), Resource | Bundle | Skipped | Refused)


@given(BODIES)
@settings(max_examples=60, deadline=None)
def test_any_body_is_read_and_its_rows_add_up(body: bytes) -> None:
    part = read_fhir_bytes(body, REGISTRY, as_of=AS_OF)
    counts = part.counts
    assert counts.read == counts.accepted + counts.corrected + counts.flagged + counts.rejected
    assert min(counts.as_dict().values()) >= 0
    for name, table in part.tables.items():
        assert table.schema == CANONICAL[name].schema
    again = read_fhir_bytes(body, REGISTRY, as_of=AS_OF)
    assert again == part


def mapped(blocks: list[bytes]) -> Mapped:
    context = Context(REGISTRY, References(), Forms(), AS_OF)
    found, first = [], 1
    for block in blocks:
        found.append(map_chunk((Piece(0, "lines", block, first),), context, SHAPES))
        first += block.count(b"\n")
    return gather(found)


@given(BODIES, st.integers(1, 4000), st.integers(1, 500))
@settings(max_examples=60, deadline=None)
def test_one_chunk_and_many_say_the_same(body: bytes, size: int, step: int) -> None:
    pieces = [body[at : at + step] for at in range(0, len(body), step)]
    blocks = list(blocks_of(pieces, size))
    assert b"".join(blocks) == body
    one, many = mapped([body]), mapped(blocks)
    assert (one.findings, one.refused, one.read, one.skipped) == (many.findings, many.refused, many.read, many.skipped)
    assert one.tables == many.tables
    assert counts_of(one.read, one.findings, one.refused) == counts_of(many.read, many.findings, many.refused)


@given(st.binary(max_size=200))
def test_any_bytes_have_a_shape(head: bytes) -> None:
    assert shape_of(head) in ("lines", "document")


@pytest.mark.parametrize("line", LINES)
def test_the_examples_themselves_are_no_mistakes(line: bytes) -> None:
    assert not isinstance(decode(line), Refused)
