"""Editions: all or nothing, the same bytes for the same inputs, and nothing that can be changed unseen."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import narwhals as nw
import pyarrow as pa
import pytest

from benchwell.benchmarks import Code, Declarations, Edition, write_edition
from benchwell.benchmarks.manifest import Inputs
from benchwell.errors import EditionError, UnknownDeclarationError
from benchwell.registry import Registry
from benchwell.tables import DERIVED
from unit.benchmarks.benchmarks_cases import files_of, make_benchmark, make_inputs, make_measure


@pytest.fixture(scope="module")
def inputs() -> Inputs:
    return make_inputs()


@pytest.fixture(scope="module")
def edition(inputs: Inputs, tmp_path_factory: pytest.TempPathFactory) -> Edition:
    return write_edition(tmp_path_factory.mktemp("editions"), inputs)


def test_an_edition_reads_back(edition: Edition) -> None:
    again = Edition.load(edition.path)
    assert again.id == edition.path.name
    assert again.id.startswith("2024-06-30-")
    for name in ("outcomes", "organization_results", "benchmarks", "exclusions", "statistics", "organizations"):
        assert isinstance(again.table(name), nw.DataFrame)
        assert len(again.table(name)) > 0
    assert set(again.table("benchmarks")["edition"]) == {again.id}
    assert (
        repr(again)
        == f"Edition({again.id}: 1 measures, 12 organizations, {len(again.table('benchmarks'))} benchmark records)"
    )


def test_an_edition_freezes_its_case_mixes(inputs: Inputs, tmp_path: Path) -> None:
    mixes = {"depression-core": Registry.load().case_mix("depression-core")}
    written = write_edition(tmp_path, replace(inputs, declarations=replace(inputs.declarations, casemix=mixes)))
    again = Edition.load(written.path)
    assert again.declarations.casemix == mixes
    assert again.registry.case_mix("depression-core").numbers_hash == mixes["depression-core"].numbers_hash
    assert again.declaration("casemix", "depression-core") == mixes["depression-core"]
    hashes = again.manifest["identity"]["declarations"]["casemix"]["depression-core"]
    assert hashes["numbers"] == mixes["depression-core"].numbers_hash


def test_the_manifest_says_what_a_reader_needs(edition: Edition) -> None:
    manifest = edition.manifest
    needed = "id kind as_of identity maturity seeds gates exclusion_flow diagnostics completeness licence limits files"
    assert [name for name in needed.split() if not manifest[name]] == []
    assert manifest["maturity"]["demo-response"].endswith("= 142 days")
    assert manifest["exclusion_flow"][0]["count"] == 1500
    assert manifest["diagnostics"]["demo-response"]["overdispersion"] > 1
    assert set(manifest["identity"]["declarations"]["measures"]["demo-response"]) == {"revision", "numbers", "text"}


def test_the_same_inputs_give_the_same_bytes(edition: Edition, tmp_path: Path) -> None:
    again = write_edition(tmp_path, make_inputs())
    assert again.id == edition.id
    assert files_of(again.path) == files_of(edition.path)


def test_building_again_returns_what_is_there(edition: Edition, inputs: Inputs) -> None:
    before = files_of(edition.path)
    assert write_edition(edition.path.parent, inputs, built={"seconds": 99}).id == edition.id
    assert files_of(edition.path) == before


def test_another_snapshot_code_or_declaration_is_another_edition(
    edition: Edition, inputs: Inputs, tmp_path: Path
) -> None:
    declared = inputs.declarations
    changed = Declarations(declared.measures, {"demo": make_benchmark(kinds=["mean"])}, {})
    others = [
        replace(inputs, snapshot={"id": "s2"}),
        replace(inputs, code=Code("0.0-other")),
        replace(inputs, code=replace(inputs.code, source_sha256="other source")),
        replace(inputs, declarations=changed),
    ]
    ids = {write_edition(tmp_path, other).id for other in others}
    assert len(ids | {edition.id}) == 5


def test_when_a_snapshot_was_taken_and_the_commit_do_not_make_another_edition(edition: Edition, inputs: Inputs) -> None:
    later = dict(inputs.snapshot) | {"taken_at": "2031-01-01T00:00:00+00:00", "tables": {"episodes": 9}}
    same = replace(inputs, snapshot=later, code=replace(inputs.code, commit="another"))
    assert write_edition(edition.path.parent, same).id == edition.id


def test_a_correction_names_what_it_supersedes_and_why(edition: Edition, inputs: Inputs, tmp_path: Path) -> None:
    before = files_of(edition.path)
    corrected = write_edition(
        tmp_path, replace(inputs, supersedes=edition.id, correction_reason="A clinic's dates were wrong.")
    )
    assert corrected.id != edition.id
    assert corrected.manifest["supersedes"] == edition.id
    assert corrected.manifest["correction_reason"] == "A clinic's dates were wrong."
    assert files_of(edition.path) == before
    with pytest.raises(EditionError, match="reason"):
        write_edition(tmp_path, replace(inputs, supersedes=edition.id))


def test_rows_of_people_are_for_the_owner_of_the_workspace_alone(inputs: Inputs, tmp_path: Path) -> None:
    written = write_edition(tmp_path, inputs).path
    assert (written / "rows").stat().st_mode & 0o077 == 0
    assert (written / "tables").stat().st_mode & 0o500 == 0o500


def test_rows_can_be_left_out_or_deleted(inputs: Inputs, tmp_path: Path) -> None:
    without = write_edition(tmp_path, replace(inputs, outcomes=None, features=None))
    assert not without.has_rows
    with pytest.raises(EditionError, match="private"):
        without.table("outcomes")


def test_no_person_is_outside_the_private_folder(edition: Edition) -> None:
    public = {path: content for path, content in files_of(edition.path).items() if not path.startswith("rows/")}
    assert not any(b"e00001" in content for content in public.values())
    for name in ("statistics", "organization_results", "benchmarks", "exclusions", "organizations"):
        assert not {"episode_id", "patient_id"} & set(edition.table(name).columns)


def test_extra_files_are_hashed_and_may_not_replace_ours(inputs: Inputs, tmp_path: Path) -> None:
    with_page = write_edition(tmp_path, replace(inputs, extra_files={"method.md": b"# Method\n"}))
    assert with_page.manifest["files"]["method.md"]["bytes"] == 9
    for name in ("manifest.json", "rows/x", "../x", "/x"):
        with pytest.raises(EditionError, match="extra file"):
            write_edition(tmp_path / "other", replace(inputs, extra_files={name: b""}))


def test_a_frozen_declaration_is_found_by_kind_and_id(edition: Edition) -> None:
    assert edition.declaration("measure", "demo-response") == make_measure()
    with pytest.raises(UnknownDeclarationError):
        edition.declaration("measure", "demo-respons")
    with pytest.raises(UnknownDeclarationError):
        edition.declaration("claim", "x")


def test_what_is_no_edition_is_refused(tmp_path: Path, edition: Edition) -> None:
    with pytest.raises(EditionError, match=r"no manifest\.json"):
        Edition.load(tmp_path)
    (tmp_path / "manifest.json").write_text("{")
    with pytest.raises(EditionError, match="cannot be read"):
        Edition.load(tmp_path)
    (tmp_path / "manifest.json").write_text("[]")
    with pytest.raises(EditionError, match="not the manifest"):
        Edition.load(tmp_path)
    changed = dict(edition.manifest) | {"licence": "other"}
    (tmp_path / "manifest.json").write_text(json.dumps(changed))
    with pytest.raises(EditionError, match="not the one that was written"):
        Edition.load(tmp_path)
    with pytest.raises(EditionError, match="no table"):
        edition.table("patients")


def test_an_empty_edition_is_still_one(inputs: Inputs, tmp_path: Path) -> None:
    empty = write_edition(
        tmp_path,
        replace(
            inputs,
            statistics=DERIVED["statistics"].empty(),
            exclusions=DERIVED["exclusions"].empty(),
            outcomes=None,
            features=None,
        ),
    )
    rows = empty.arrow("benchmarks")
    assert pa.compute.all(pa.compute.equal(rows["kind"], "fixed_external")).as_py()
