"""A changed byte, declaration or lake file is named, and the exit code is 17."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import benchwell
from benchwell.errors import WorkspaceError
from functional.product_cases import AS_OF

CHANGE = "phq9-change-12w-plain"
RESPONSE = "network-phq9-response-12w"


def flip(path: Path) -> None:
    """Change one byte in the middle of a file."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0x01
    path.write_bytes(bytes(content))


def failures(ran) -> list[str]:
    assert ran.code == 17, ran.err
    report = ran.json()
    assert not report["passed"]
    return [f"{check['name']} {check['detail']}" for check in report["checks"] if not check["passed"]]


def test_an_edition_as_built_passes_each_check(cli, practice):
    ran = cli("verify", practice.edition().path, "--all")
    assert ran.code == 0
    assert "FAIL" not in ran.out
    for name in ("file tables/statistics.parquet", "organization_results.observed", "benchmarks.estimate", "lake"):
        assert name in ran.out


def test_every_file_of_an_edition_is_guarded(own_practice):
    edition = own_practice.edition().path
    guarded = [path for path in sorted(edition.rglob("*")) if path.is_file()]
    free = {"build.json", "rows/README.txt"}  # outside the hashes, as the edition's own page says
    kinds = {path.relative_to(edition).parts[0]: path for path in guarded}
    kinds |= {path.name: path for path in guarded if path.stem in ("benchmarks", "exclusions", "outcomes")}
    for path in kinds.values():
        name = path.relative_to(edition).as_posix()
        if name in free:
            continue
        whole = path.read_bytes()
        flip(path)
        named = [check.name for check in benchwell.verify(edition).failures]
        assert f"file {name}" in named, name
        path.write_bytes(whole)
    assert benchwell.verify(edition).passed


def test_a_manifest_that_cannot_be_read_is_named(cli, own_practice):
    manifest = own_practice.edition().path / "manifest.json"
    whole = manifest.read_text(encoding="utf-8")
    for text in (whole[:-20], "[]", "{}", whole.replace('"identity"', '"idontity"'), ""):
        manifest.write_text(text, encoding="utf-8")
        assert any("manifest.json" in line for line in failures(cli("verify", manifest.parent, "--json"))), text[:40]


def test_a_figure_that_is_rewritten_with_its_hash_is_still_found(cli, own_practice):
    import hashlib

    import pyarrow as pa
    import pyarrow.parquet as pq

    from benchwell.benchmarks.edition import manifest_hash

    edition = own_practice.edition().path
    path = edition / "tables" / "organization_results.parquet"
    table = pq.read_table(path)
    at = table.schema.get_field_index("observed")
    nicer = pa.array([None if value is None else value + 0.01 for value in table["observed"].to_pylist()], pa.float64())
    pq.write_table(table.set_column(at, table.schema.field(at), nicer), path)
    manifest = json.loads((edition / "manifest.json").read_text(encoding="utf-8"))
    content = path.read_bytes()
    stated = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    manifest["files"]["tables/organization_results.parquet"] = stated
    manifest["sha256"] = manifest_hash(manifest)
    (edition / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    assert any("organization_results.observed" in line for line in failures(cli("verify", edition, "--json")))


def test_a_file_too_many_or_too_few_is_named(cli, own_practice):
    edition = own_practice.edition().path
    (edition / "tables" / "surprise.parquet").write_bytes(b"x")
    (edition / "follow_up_models.json").unlink()
    named = failures(cli("verify", edition, "--json"))
    assert any("surprise.parquet" in line for line in named)
    assert any("follow_up_models.json" in line for line in named)


def test_the_private_rows_may_go(cli, own_practice):
    edition = own_practice.edition().path
    shutil.rmtree(edition / "rows")
    assert cli("verify", edition).code == 0


def test_a_renamed_edition_is_named(cli, own_practice):
    edition = own_practice.edition().path
    other = edition.with_name("2026-01-31-aaaaaaaaaaaa")
    edition.rename(other)
    assert any(line.startswith("edition folder") for line in failures(cli("verify", other, "--json")))


def declare(workspace: Path, edition: Path, kind: str, name: str, **changes: object) -> None:
    data = json.loads((edition / "declarations" / kind / f"{name}.json").read_text(encoding="utf-8")) | changes
    folder = workspace / "declarations" / kind
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.yaml").write_text(json.dumps(data), encoding="utf-8")


def test_a_declaration_changed_in_the_workspace_is_named(cli, own_practice):
    edition = own_practice.edition().path
    declare(own_practice.path, edition, "measures", "phq9-response-12w", revision=2, margin=0.05)
    named = failures(cli("verify", edition, "--json"))
    assert len(named) == 1
    assert "declaration in force measures/phq9-response-12w" in named[0]
    assert "revision 1 then, 2 now" in named[0]


def test_a_change_of_wording_moves_no_number(cli, own_practice):
    edition = own_practice.edition().path
    declare(own_practice.path, edition, "measures", "phq9-response-12w", why="In other words.")
    assert cli("verify", edition).code == 0


def test_a_declaration_that_cannot_be_read_is_named(cli, own_practice):
    folder = own_practice.path / "declarations" / "measures"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "phq9-response-12w.yaml").write_text("id: [", encoding="utf-8")
    named = failures(cli("verify", own_practice.edition().path, "--json"))
    assert any("phq9-response-12w.yaml" in line for line in named)


@pytest.mark.parametrize("damage", ["flip", "remove", "log", "card"])
def test_a_changed_lake_is_named(cli, own_practice, damage):
    lake = own_practice.path / "lake"
    (data,) = (lake / "assessments").glob("*.parquet")
    if damage == "flip":
        flip(data)
    elif damage == "remove":
        data.unlink()
    elif damage == "log":
        shutil.rmtree(lake / "assessments" / "_delta_log")
    else:
        (lake / "lake.json").unlink()
    (named,) = failures(cli("verify", own_practice.edition().path, "--json"))
    assert named.startswith("lake ")
    assert ("lake.json" if damage == "card" else "assessments") in named
    assert "p00" not in named


def test_an_edition_apart_from_its_workspace_is_checked_alone(cli, edition, own_practice, tmp_path):
    alone = shutil.copytree(edition.path, tmp_path / edition.id)
    ran = cli("verify", alone, "--json")
    assert ran.code == 0
    assert "lake" not in [check["name"] for check in ran.json()["checks"]]
    both = cli("verify", alone, "-w", own_practice.path, "--json")
    assert both.code == 0
    assert "lake" in [check["name"] for check in both.json()["checks"]]
    flip(next((own_practice.path / "lake" / "assessments").glob("*.parquet")))
    assert cli("verify", alone, "-w", own_practice.path).code == 17
    assert cli("verify", alone, "-w", tmp_path).code == 15


def test_a_workspace_to_check_against_must_be_one(edition, tmp_path):
    with pytest.raises(WorkspaceError):
        benchwell.verify(edition.path, workspace=tmp_path)


def test_a_correction_through_the_command_line(cli, own_practice):
    old = own_practice.edition()
    arguments = ["build", "-w", own_practice.path, "--as-of", AS_OF, "-b", RESPONSE, "--json"]
    assert cli(*arguments, "--supersedes", old.id).code == 16
    assert cli(*arguments, "--reason", "typing error").code == 16
    assert cli(*arguments, "--supersedes", "no-such", "--reason", "typing error").code == 16
    ran = cli(*arguments, "--supersedes", old.id, "--reason", "typing error")
    assert ran.code == 0
    new = benchwell.Edition.load(ran.json()["path"])
    assert (new.manifest["supersedes"], new.manifest["correction_reason"]) == (old.id, "typing error")
    assert cli("verify", old.path).code == 0  # the old one stays as it was
    assert cli("verify", new.path).code == 0
