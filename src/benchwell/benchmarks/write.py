"""Write an edition: all of it or nothing, and the same bytes for the same inputs."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from benchwell.benchmarks.compute import FROZEN_BESIDE, Computed, compute
from benchwell.benchmarks.edition import MANIFEST, Edition, manifest_hash
from benchwell.benchmarks.manifest import Inputs, all_declarations, build_manifest, edition_id, identity
from benchwell.durable import fsync_path
from benchwell.errors import EditionError
from benchwell.registry import canonical_json
from benchwell.tables import CANONICAL, DERIVED
from benchwell.tables.table import as_it_stands

BUILD = "build.json"
ROW_HASHES = "rows/hashes.json"
_ROWS_README = (
    "This folder is private: it holds one row per person and measure.\n"
    "Nothing in the edition needs it. Delete it whenever you like; `benchwell verify` then checks everything but the\n"
    "step from rows to sums. Its hashes live here and not in the manifest, so that nothing about people is left.\n"
)


def write_edition(folder: Path, inputs: Inputs, *, built: Mapping[str, Any] | None = None) -> Edition:
    """Compute every number from the inputs and write the edition as a new folder under `folder`.

    The folder appears by one rename, after everything in it is on disk: a killed build leaves no half edition. If
    the edition is already there, it is left alone and returned.

    Args:
        folder: Where editions live; made if missing.
        inputs: Statistics, declarations and what identifies them.
        built: When and how it was built; stored beside the hashed files, not in them.

    Raises:
        EditionError: If a correction has no reason, or an extra file would replace one of ours.
    """
    if (inputs.supersedes is None) != (inputs.correction_reason is None):
        raise EditionError("A correction names both the edition that it supersedes and the reason.")
    identified = identity(inputs)
    name = edition_id(identified)
    target, temporary = folder / name, folder / f".building-{name}"
    if target.exists():
        return Edition.load(target)
    computed = compute(
        inputs.statistics,
        inputs.organizations,
        inputs.declarations,
        inputs.as_of,
        adjusted_sums=inputs.beside("adjusted_sums"),
        model_checks=inputs.beside("model_checks"),
        edition=name,
    )
    files = _public_files(inputs, computed)
    manifest = build_manifest(inputs, identified, computed)
    manifest["files"] = {path: _fingerprint(content) for path, content in sorted(files.items())}
    manifest["sha256"] = manifest_hash(manifest)
    files[MANIFEST] = _readable_json(manifest)
    files |= _private_files(inputs)
    files[BUILD] = _readable_json(dict(built or {}))
    shutil.rmtree(temporary, ignore_errors=True)
    for path, content in files.items():
        _write_durably(temporary / path, content)
    for place in (*(path for path in temporary.rglob("*") if path.is_dir()), temporary):
        fsync_path(place)
    temporary.rename(target)
    fsync_path(folder)
    return Edition.load(target)


def parquet_bytes(table: pa.Table) -> bytes:
    """A table as Parquet bytes, which depend on nothing but its values."""
    sink = io.BytesIO()
    pq.write_table(table.replace_schema_metadata(None).combine_chunks(), sink, compression="zstd", store_schema=False)
    return sink.getvalue()


def _public_files(inputs: Inputs, computed: Computed) -> dict[str, bytes]:
    tables = {
        "statistics": DERIVED["statistics"].conform(inputs.statistics),
        **{name: inputs.beside(name) for name in FROZEN_BESIDE},
        **inputs.curves,
        "organization_results": computed.organization_results,
        "adjusted_results": computed.adjusted_results,
        "benchmarks": computed.benchmarks,
        "exclusions": DERIVED["exclusions"].conform(inputs.exclusions),
        "organizations": as_it_stands(CANONICAL["organizations"].conform(inputs.organizations)),
    }
    files = {f"tables/{name}.parquet": parquet_bytes(table) for name, table in tables.items()}
    for kind, known in all_declarations(inputs).items():
        for name, declaration in known.items():
            files[f"declarations/{kind}/{name}.json"] = _readable_json(declaration.canonical())
    for path, content in inputs.extra_files.items():
        if path in files or path in (MANIFEST, BUILD) or path.startswith(("rows/", "/")) or ".." in path:
            raise EditionError(f"An extra file may not be called {path!r}.", hint="Choose another relative name.")
        files[path] = content
    return files


def _private_files(inputs: Inputs) -> dict[str, bytes]:
    if inputs.outcomes is None:
        return {}
    keys = [("measure", "ascending"), ("episode_id", "ascending")]
    files = {"rows/outcomes.parquet": parquet_bytes(DERIVED["outcomes"].conform(inputs.outcomes).sort_by(keys))}
    if inputs.features is not None:
        files["rows/features.parquet"] = parquet_bytes(inputs.features.sort_by(keys))
    hashes = {path: _fingerprint(content) for path, content in files.items()}
    return files | {"rows/README.txt": _ROWS_README.encode(), ROW_HASHES: _readable_json(hashes)}


def _fingerprint(content: bytes) -> dict[str, Any]:
    return {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}


def _readable_json(value: Any) -> bytes:
    # Plain data first, as its canonical form has it, then indented for people.
    plain = json.loads(canonical_json(_dates_as_text(value)))
    return (json.dumps(plain, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode("utf-8")


def _dates_as_text(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _dates_as_text(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_dates_as_text(inner) for inner in value]
    return value.isoformat() if hasattr(value, "isoformat") else value


def _write_durably(path: Path, content: bytes) -> None:
    # Rows of people are for the owner of the workspace, whatever is usual for other files.
    path.parent.mkdir(mode=0o700 if path.parent.name == "rows" else 0o777, parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
