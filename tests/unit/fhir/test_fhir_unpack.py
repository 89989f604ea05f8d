"""Bundles of every type, arrays and lines: each resource with its row and with what its references mean."""

from __future__ import annotations

import json
from typing import Any

import pytest

from benchwell.intake.fhir.decode import Refused, Skipped
from benchwell.intake.fhir.elements import Reference
from benchwell.intake.fhir.references import References
from benchwell.intake.fhir.resources import Encounter, Resource
from benchwell.intake.fhir.unpack import ROWS_PER_FILE, Content, Deleted, Older, Piece, Unpacked, unpack


def bundle(*entries: dict[str, Any], kind: str = "collection") -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": kind, "entry": list(entries)}


def patient(id_: str | None = "1", **members: Any) -> dict[str, Any]:
    return {"resourceType": "Patient"} | ({"id": id_} if id_ else {}) | members


def document(content: Any, file: int = 0) -> list[list[Unpacked]]:
    return list(unpack(Piece(file, "document", json.dumps(content, indent=1).encode()), References()))


def lines(*content: Any, first: int = 1) -> list[list[Unpacked]]:
    text = "\n".join(one if isinstance(one, str) else json.dumps(one) for one in content)
    return list(unpack(Piece(0, "lines", text.encode(), first), References()))


def content_of(rows: list[list[Unpacked]]) -> list[Content]:
    return [one.content for row in rows for one in row]


def ids(rows: list[list[Unpacked]]) -> list[str | None]:
    return [one.id for one in content_of(rows) if isinstance(one, Resource)]


def test_rows_of_lines_count_blank_ones() -> None:
    found = lines(patient("a"), "", "  \r", patient("b"), "{", first=7)
    assert [row[0].row for row in found] == [7, 10, 11]
    assert content_of(found)[2] == Refused("not_json")


def test_places_tell_the_files_of_a_part_apart() -> None:
    assert document(patient(), file=3)[0][0].row == 3 * ROWS_PER_FILE + 1


@pytest.mark.parametrize("kind", ["transaction", "batch", "collection", "searchset", "history", "document"])
def test_entries_of_a_bundle_are_its_rows(kind: str) -> None:
    found = document(bundle({"resource": patient("a")}, {"resource": patient("b")}, kind=kind))
    assert [row[0].row for row in found] == [1, 2]
    assert ids(found) == ["a", "b"]


def test_a_bad_entry_costs_that_entry() -> None:
    entries = [{"resource": patient("a")}, {"resource": patient(id=5)}, {"fullUrl": 5}, {}, {"resource": patient("b")}]
    found = content_of(document(bundle(*entries)))
    assert ids(document(bundle(*entries))) == ["a", "b"]
    assert found[1:4] == [
        Refused("wrong_type", "id"),
        Refused("wrong_type", "fullUrl"),
        Refused("no_resource_type", "entry.resource"),
    ]


def test_an_array_is_read_like_lines() -> None:
    found = document([patient("a"), 5, bundle({"resource": patient("b")}, {"resource": patient("c")})])
    assert [[one.row for one in row] for row in found] == [[1], [2], [3, 3]]
    assert ids(found) == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [(b"[", "not_json"), (b"[" * 100_000, "too_deep"), (b"[1,]", "not_json"), (b"[NaN]", "not_json")],
)
def test_a_broken_array_is_one_refusal(text: bytes, reason: str) -> None:
    found = list(unpack(Piece(0, "document", text), References()))
    assert content_of(found) == [Refused(reason)]


def test_nothing_is_no_row() -> None:
    assert list(unpack(Piece(0, "document", b" \n"), References())) == []
    assert list(unpack(Piece(0, "lines", b"\n\n"), References())) == []


def test_a_bundle_on_a_line_has_one_row() -> None:
    found = lines(bundle({"resource": patient("a")}, {"resource": patient("b")}), patient("c"))
    assert [[one.row for one in row] for row in found] == [[1, 1], [2]]


def test_an_entry_names_what_has_no_id() -> None:
    found = document(
        bundle(
            {"fullUrl": "urn:uuid:u1", "resource": patient(None)},
            {"fullUrl": "https://x/Patient/p2", "resource": patient(None)},
            {"request": {"method": "PUT", "url": "Patient/p3"}, "fullUrl": "urn:uuid:u3", "resource": patient(None)},
            {"request": {"method": "POST", "url": "Patient"}, "resource": patient(None)},
        )
    )
    assert ids(found) == ["u1", "p2", "p3", None]


def test_references_of_a_bundle_see_entries_that_come_later() -> None:
    found = document(
        bundle(
            {"resource": {"resourceType": "Encounter", "id": "e", "subject": {"reference": "urn:uuid:u"}}},
            {"fullUrl": "urn:uuid:u", "resource": patient("real")},
            {"fullUrl": "urn:uuid:r", "resource": {"resourceType": "RelatedPerson", "id": "rp"}},
        )
    )
    first = found[0][0]
    assert isinstance(first.content, Encounter)
    assert first.references.id_of(first.content.subject, "Patient") == "real"
    assert first.references.id_of(Reference(reference="urn:uuid:r"), "Practitioner") is None


def delete(url: str | None) -> dict[str, Any]:
    return {"request": {"method": "DELETE"} | ({"url": url} if url is not None else {})}


def test_deletions() -> None:
    found = content_of(
        document(
            bundle(
                delete("Patient/1"), delete("https://x/Observation/2"), delete("Patient?identifier=5"), delete(None),
                kind="transaction",
            )
        )
    )  # fmt: skip
    unresolved = Refused("unresolved_delete", "entry.request.url")
    assert found == [Deleted("Patient", "1"), Deleted("Observation", "2"), unresolved, unresolved]


def test_only_the_latest_version_of_a_history_counts() -> None:
    found = content_of(
        document(
            bundle(
                delete("Patient/2"), {"resource": patient("1", gender="female")}, {"resource": patient("1")},
                {"resource": patient("2")}, {"resource": patient("3")}, kind="history",
            )
        )
    )  # fmt: skip
    assert found[0] == Deleted("Patient", "2")
    assert [isinstance(one, Older) for one in found] == [False, False, True, True, False]


def test_a_bundle_inside_a_bundle_is_not_read() -> None:
    assert content_of(document(bundle({"resource": bundle({"resource": patient()})}))) == [Skipped("Bundle")]


AT = 1767258000.0  # 2026-01-01T09:00:00Z
WRITTEN = "2026-01-01T09:00:00Z"


@pytest.mark.parametrize(
    ("entry", "around", "at"),
    [
        ({"response": {"lastModified": WRITTEN}}, {"timestamp": "2026-02-01T00:00:00Z"}, AT),
        ({"response": {"status": "204"}}, {"timestamp": WRITTEN}, AT),
        ({}, {"timestamp": WRITTEN}, AT),
        ({}, {}, None),
        ({}, {"timestamp": 5}, None),
        ({"response": "done"}, {"timestamp": "soon"}, None),
        ({"response": {"lastModified": 5}}, {}, None),
    ],
)
def test_a_deletion_knows_by_when_it_was_and_a_wrong_time_costs_nothing(entry, around, at):
    gone = {"request": {"method": "DELETE", "url": "Patient/2"}} | entry
    rows = document(bundle({"resource": patient()}, gone) | around)
    assert ids(rows) == ["1"]
    assert content_of(rows)[1] == Deleted("Patient", "2", at)
