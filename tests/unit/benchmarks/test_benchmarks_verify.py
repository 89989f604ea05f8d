"""Verification: everything holds on an untouched edition, and whatever is touched is named."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchwell.benchmarks import Edition, verify, write_edition
from benchwell.benchmarks.edition import manifest_hash
from benchwell.errors import EditionError
from benchwell.registry import Registry
from unit.benchmarks.benchmarks_cases import make_benchmark, make_inputs, make_measure, make_reference


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Edition:
    return write_edition(tmp_path_factory.mktemp("originals"), make_inputs())


@pytest.fixture
def copy(original: Edition, tmp_path: Path) -> Path:
    return Path(shutil.copytree(original.path, tmp_path / original.id))


def failed(folder: Path, **options: Any) -> dict[str, str]:
    return {check.name: check.detail for check in verify(folder, **options).failures}


def reseal(folder: Path) -> None:
    """What a careful forger does: make hashes and manifest fit the changed files again."""
    manifest = json.loads((folder / "manifest.json").read_text())
    for path in manifest["files"]:
        content = (folder / path).read_bytes()
        manifest["files"][path] = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    manifest["sha256"] = manifest_hash(manifest)
    (folder / "manifest.json").write_text(json.dumps(manifest))


def edit(folder: Path, name: str, column: str, change: Callable[[Any], Any]) -> tuple[str, ...]:
    """Change the first known value of a column; returns the key of its row."""
    file = folder / "tables" / f"{name}.parquet"
    table = pq.read_table(file)
    values = table[column].to_pylist()
    place = next(index for index, value in enumerate(values) if value is not None)
    values[place] = change(values[place])
    position = table.schema.get_field_index(column)
    pq.write_table(table.set_column(position, table.schema.field(column), pa.array(values, table[column].type)), file)
    return tuple(str(table[part][place]) for part in ("organization_id", "period") if part in table.column_names)


def test_an_untouched_edition_holds(original: Edition) -> None:
    report = verify(original.path)
    assert report.failures == ()
    assert report.passed
    names = {check.name for check in report.checks}
    assert {"file manifest.json", "organization_results.observed", "benchmarks.estimate", "statistics.n_met"} <= names
    assert repr(report) == f"VerifyReport({original.id}: {len(report.checks)} of {len(report.checks)} checks pass)"


@pytest.mark.parametrize(
    "path",
    [
        "tables/statistics.parquet",
        "tables/organization_results.parquet",
        "tables/benchmarks.parquet",
        "tables/exclusions.parquet",
        "tables/organizations.parquet",
        "declarations/measures/demo-response.json",
        "declarations/benchmarks/demo.json",
        "declarations/references/elsewhere.json",
        "rows/outcomes.parquet",
        "rows/features.parquet",
        "rows/hashes.json",
        "manifest.json",
    ],
)
def test_a_flipped_byte_anywhere_is_named(copy: Path, path: str) -> None:
    content = bytearray((copy / path).read_bytes())
    content[len(content) // 2] ^= 0x01
    (copy / path).write_bytes(bytes(content))
    named = named_by_verify(copy)
    expected = {f"file {path}"} if path != "rows/hashes.json" else {name for name in named if "rows/" in name}
    assert expected
    assert expected <= named


def named_by_verify(folder: Path) -> set[str]:
    """What verification names; a manifest that is no JSON any more is named by an error."""
    try:
        return set(failed(folder))
    except EditionError as error:
        return {"file manifest.json"} if "manifest.json" in error.message else set()


@pytest.mark.parametrize("column", ["observed", "n_met", "shrunken", "upper", "status"])
def test_an_edited_number_is_named_by_row_and_column(copy: Path, column: str) -> None:
    key = edit(copy, "organization_results", column, lambda value: "x" if isinstance(value, str) else value + 1)
    reseal(copy)
    found = failed(copy)
    assert list(found) == [f"organization_results.{column}"]
    assert all(part in found[f"organization_results.{column}"] for part in key)


def test_a_benchmark_moved_by_a_millionth_is_named(copy: Path) -> None:
    edit(copy, "benchmarks", "lower", lambda value: value * (1 + 1e-6))
    reseal(copy)
    assert list(failed(copy)) == ["benchmarks.lower"]


def test_a_forged_sum_is_found_even_when_all_hashes_fit(copy: Path) -> None:
    edit(copy, "statistics", "n_met", lambda value: value + 1)
    reseal(copy)
    found = failed(copy)
    assert "values of statistics" in found
    assert "statistics.n_met" in found
    assert any(name.startswith("organization_results.") for name in found)


def test_a_missing_and_an_added_file_are_named(copy: Path) -> None:
    (copy / "tables" / "exclusions.parquet").unlink()
    (copy / "notes.txt").write_text("hello")
    found = failed(copy)
    assert {"file tables/exclusions.parquet", "table exclusions", "file notes.txt"} <= found.keys()


def test_deleted_rows_are_no_failure(copy: Path) -> None:
    shutil.rmtree(copy / "rows")
    assert verify(copy).passed


def test_a_renamed_folder_is_named(copy: Path, original: Edition) -> None:
    moved = copy.rename(copy.parent / "2024-06-30-000000000000")
    found = verify(moved).failures
    assert [check.name for check in found] == ["edition folder"]
    assert (found[0].stated, found[0].found) == (original.id, "2024-06-30-000000000000")
    assert original.id in found[0].detail
    assert "2024-06-30-000000000000" in found[0].detail


def rewrite(folder: Path, name: str, change: Callable[[pa.Table], pa.Table]) -> None:
    file = folder / "tables" / f"{name}.parquet"
    pq.write_table(change(pq.read_table(file)), file)


def swapped(table: pa.Table) -> pa.Table:
    ids = table["organization_id"].to_pylist()
    first, second, *_ = sorted(set(ids))
    other = {first: second, second: first}
    place = table.schema.get_field_index("organization_id")
    return table.set_column(
        place, table.schema.field("organization_id"), pa.array([other.get(one, one) for one in ids], pa.string())
    )


def with_a_second_voice(table: pa.Table) -> pa.Table:
    """The first record once more, with another figure, before the true one."""
    row = next(row for row in table.to_pylist() if row["estimate"] is not None)
    return pa.concat_tables([pa.Table.from_pylist([row | {"estimate": 0.99}], schema=table.schema), table])


FORGERIES: list[tuple[str, str, Callable[[pa.Table], pa.Table], str]] = [
    ("two organizations swapped", "organization_results", swapped, "organization_results.observed"),
    ("a row dropped", "organization_results", lambda table: table.slice(1), "organization_results row"),
    ("a row repeated", "benchmarks", lambda table: pa.concat_tables([table, table.slice(0, 1)]), "benchmarks row"),
    ("a record contradicted by a second one", "benchmarks", with_a_second_voice, "benchmarks row"),
    ("a column dropped", "benchmarks", lambda table: table.drop_columns(["lower"]), "benchmarks.lower"),
    (
        "a column added",
        "benchmarks",
        lambda table: table.append_column("grade", pa.array(["A"] * table.num_rows)),
        "benchmarks.grade",
    ),
]


@pytest.mark.parametrize(("_title", "name", "change", "named"), FORGERIES, ids=[case[0] for case in FORGERIES])
def test_forgeries_with_fitting_hashes_are_named(
    copy: Path, _title: str, name: str, change: Callable[[pa.Table], pa.Table], named: str
) -> None:
    rewrite(copy, name, change)
    reseal(copy)
    assert named in failed(copy)


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("as_of", "2025-01-01"),
        ("seeds", {"demo": {"seed": 1, "replicates": 200}}),
        ("gates", {}),
        ("maturity", {"demo-response": "at once"}),
        ("exclusion_flow", []),
        ("diagnostics", {}),
        ("completeness", {"demo-response": {"c00": 1.0}}),
        ("counts", {"measures": 1, "organizations": 99, "benchmark_records": 1}),
        ("supersedes", "2024-01-01-000000000000"),
        ("kind", ["dynamic"]),
        ("periods", {}),
    ],
)
def test_what_the_manifest_says_is_written_again(copy: Path, part: str, value: Any) -> None:
    manifest = json.loads((copy / "manifest.json").read_text())
    manifest[part] = value
    (copy / "manifest.json").write_text(json.dumps(manifest))
    reseal(copy)
    named = failed(copy)
    assert named
    assert all(name.startswith(f"manifest.{part}") for name in named if not name.startswith("organization_results"))


def test_a_changed_frozen_declaration_is_named(copy: Path) -> None:
    file = copy / "declarations" / "measures" / "demo-response.json"
    declared = json.loads(file.read_text())
    declared["endpoint"]["percent"] = 40
    file.write_text(json.dumps(declared))
    reseal(copy)
    assert "declaration measures/demo-response" in failed(copy)


def test_a_declaration_that_changed_since_is_named(original: Edition) -> None:
    now = Registry(
        [make_measure(revision=2, endpoint={"kind": "response", "percent": 40}), make_benchmark_of(original)]
    )
    found = failed(original.path, registry=now)
    assert "revision 1 then, 2 now" in found["declaration in force measures/demo-response"]
    assert found["declaration in force references/elsewhere"] == "elsewhere is no longer declared"
    assert "declaration in force benchmarks/demo" not in found


def test_new_wording_is_no_failure(original: Edition) -> None:
    now = Registry([make_measure(title="Better words"), make_benchmark_of(original), make_reference()])
    report = verify(original.path, registry=now)
    assert report.passed
    assert any(check.detail == "its wording has changed, no number can" for check in report.checks)


def test_a_wrong_lake_version_is_named(original: Edition) -> None:
    seen: list[dict[str, Any]] = []

    def check(snapshot: dict[str, Any]) -> list[str]:
        seen.append(snapshot)
        return ["table episodes has no version 3"]

    assert failed(original.path, lake_check=check) == {"lake": "table episodes has no version 3"}
    assert seen == [{"id": "s1", "tables": {"episodes": 3}}]


def test_rows_that_do_not_add_up_to_the_sums_are_named(copy: Path) -> None:
    file = copy / "rows" / "outcomes.parquet"
    table = pq.read_table(file)
    pq.write_table(table.slice(1), file)
    found = failed(copy)
    assert "file rows/outcomes.parquet" in found
    assert any(name.startswith("statistics.") for name in found)


def make_benchmark_of(edition: Edition) -> Any:
    stated = edition.declarations.benchmarks["demo"]
    assert stated.replicates == make_benchmark().replicates
    return stated
