"""Exports of one server, read in any order, give the same lake: the newest version of everything counts."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from benchwell import Workspace
from benchwell.tables import CANONICAL

PHQ9 = ["44250-9", "44255-8", "44259-0", "44254-1", "44251-7", "44258-2", "44252-5", "44253-3", "44260-8"]
GAD7 = ["69725-0", "68509-9", "69733-4", "69734-2", "69735-9", "69689-8", "69736-7"]
ID = st.sampled_from("ab")
DAY = st.sampled_from(["2025-01-01", "2025-02-28", "2024-12-31"])


def at(kind: str) -> st.SearchStrategy[dict[str, str]]:
    return ID.map(lambda id_: {"reference": f"{kind}/{id_}"})


def resource(kind: str, required: dict[str, Any], **members: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    stated = st.fixed_dictionaries({"resourceType": st.just(kind), "id": ID} | required)
    return st.builds(lambda own, more: own | more, stated, st.fixed_dictionaries({}, optional=members))


def answered(codes: list[str], value: int) -> list[dict[str, Any]]:
    return [{"linkId": f"/{code}", "answer": [{"valueInteger": value}]} for code in codes]


FORM = st.builds(
    lambda own, id_, phq, gad: (
        own | {"id": f"{id_}", "item": answered(PHQ9[: 9 * phq], 1) + answered(GAD7[: 7 * gad], 2)}
    ),
    st.fixed_dictionaries(
        {
            "resourceType": st.just("QuestionnaireResponse"),
            "status": st.sampled_from(["completed", "completed", "amended", "entered-in-error"]),
            "authored": DAY.map(lambda day: f"{day}T10:00:00Z"),
        }
    ),
    ID,
    st.booleans(),
    st.booleans(),
).map(lambda one: one | {"subject": {"reference": f"Patient/{one['id']}"}})
TOTAL = st.fixed_dictionaries(
    {
        "resourceType": st.just("Observation"),
        "id": ID,
        "status": st.sampled_from(["final", "amended", "entered-in-error"]),
        "code": st.just({"coding": [{"system": "http://loinc.org", "code": "44261-6"}]}),
        "effectiveDateTime": DAY.map(lambda day: f"{day}T10:00:00Z"),
        "valueInteger": st.integers(0, 27),
    }
).map(lambda one: one | {"subject": {"reference": f"Patient/{one['id']}"}})
RESOURCE = st.one_of(
    FORM,
    TOTAL,
    resource("Patient", {}, gender=st.sampled_from(["female", "male"]), birthDate=DAY),
    resource("Organization", {}, name=st.sampled_from(["North", "South"])),
    resource("EpisodeOfCare", {"patient": at("Patient")}, managingOrganization=at("Organization")),
    resource(
        "Encounter",
        {
            "subject": at("Patient"),
            "status": st.sampled_from(["finished", "cancelled", "entered-in-error"]),
            "serviceProvider": at("Organization"),
        },
        period=DAY.map(lambda day: {"start": day}),
    ),
    resource("Condition", {"subject": at("Patient")}, recordedDate=DAY),
    resource(
        "Coverage",
        {"beneficiary": at("Patient"), "status": st.just("active")},
        type=st.sampled_from(["1", "5"]).map(
            lambda code: {"coding": [{"system": "https://nahdo.org/sopt", "code": code}]}
        ),
    ),
)


@st.composite
def histories(draw: st.DrawFn) -> list[list[dict[str, Any]]]:
    """What happens at a server, and exports of it: all that is there at a time, or what changed since another."""
    changes = draw(st.lists(RESOURCE, min_size=4, max_size=14))
    stamped = [one | {"meta": {"lastUpdated": f"2026-01-01T00:00:{place:02}Z"}} for place, one in enumerate(changes)]
    exports = []
    for _ in range(draw(st.integers(2, 3))):
        end = draw(st.integers(1, len(stamped)))
        begin = draw(st.sampled_from([0, 0, end // 2]))
        there = {(one["resourceType"], one["id"]): one for one in stamped[begin:end]}
        exports.append(list(there.values()))
    return exports


def held(workspace: Workspace) -> dict[str, list[dict[str, Any]]]:
    """Everything in the lake, also what was taken back; without where in which file it stood."""
    snapshot = workspace.lake.snapshot()
    found = {}
    for name in CANONICAL:
        rows = [pq.read_table(file, partitioning=None) for file in workspace.lake.files(name, snapshot)]
        whole = CANONICAL[name].conform(pa.concat_tables(rows)) if rows else CANONICAL[name].empty()
        plain = [{key: row[key] for key in row.keys() - {"source_hash", "source_row"}} for row in whole.to_pylist()]
        for row in plain:
            row.get("stated_apart") and row["stated_apart"].sort(key=lambda cell: cell["column"])
        found[name] = sorted(plain, key=lambda row: json.dumps([row[key] for key in CANONICAL[name].key], default=str))
    return found


def taken(exports: list[list[dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace(Path(folder) / "ws")
        for number, export in enumerate(exports):
            path = Path(folder) / f"{number}.ndjson"
            path.write_text("".join(json.dumps(one) + "\n" for one in export), encoding="utf-8")
            workspace.intake(path, as_of="2026-06-30")
        return held(workspace)


@seed(20260105)
@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(histories(), st.randoms(use_true_random=False))
def test_exports_in_any_order_give_the_same_lake(exports: list[list[dict[str, Any]]], random: Any) -> None:
    mixed = list(exports)
    random.shuffle(mixed)
    assert taken(mixed) == taken(exports)
