"""An edition: an immutable folder of benchmarks with everything needed to check them (METHODS M13.1).

<edition id>/
  manifest.json        what it is, what it was made from, the SHA-256 of every file and of itself
  declarations/        measures, instruments, case mixes, benchmarks and references as they were
  tables/              statistics and the other frozen inputs, organization_results, adjusted_results, benchmarks
  rows/                private: one row per person; `verify` does not need it, and it may be deleted
  build.json           when and how long; the only file outside the hashes
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import narwhals as nw
import pyarrow as pa
import pyarrow.parquet as pq

from benchwell.benchmarks.compute import FROZEN_BESIDE, Declarations
from benchwell.errors import EditionError, UnknownDeclarationError
from benchwell.registry import (
    Benchmark,
    CaseMix,
    CurveDeclaration,
    Declaration,
    EpisodeRule,
    Instrument,
    Measure,
    Reference,
    Registry,
    hash_canonical,
)
from benchwell.tables.curves import CURVE_TABLE_NAMES

MANIFEST = "manifest.json"
PUBLIC_TABLES = (
    "statistics",
    *FROZEN_BESIDE,
    "organization_results",
    "adjusted_results",
    "benchmarks",
    "exclusions",
    "organizations",
)
OPTIONAL_TABLES = CURVE_TABLE_NAMES  # only where the workspace switched expected courses on
PRIVATE_TABLES = ("outcomes", "features")
KINDS: dict[str, type[Declaration]] = {
    "instruments": Instrument,
    "measures": Measure,
    "benchmarks": Benchmark,
    "references": Reference,
    "casemix": CaseMix,
    "episode_rules": EpisodeRule,
    "response_curves": CurveDeclaration,
}

_Kind = TypeVar("_Kind", bound=Declaration)


class Edition:
    """One edition on disk. Nothing here changes it."""

    def __init__(self, path: Path, manifest: Mapping[str, Any]) -> None:
        self.path = path
        self.manifest = manifest

    @classmethod
    def load(cls, path: str | Path) -> Edition:
        """Open an edition and check that its manifest is the one that was written.

        Raises:
            EditionError: If the folder is no edition, or the manifest does not match its own hash.
        """
        folder = Path(path)
        manifest = read_manifest(folder)
        if manifest_hash(manifest) != manifest.get("sha256"):
            raise EditionError(
                f"Edition {folder.name}: {MANIFEST} is not the one that was written.",
                hint="`benchwell verify` names what changed; restore the folder from a copy.",
            )
        return cls(folder, manifest)

    @property
    def id(self) -> str:
        """Date of the snapshot and the first 12 digits of the hash of what it was made from."""
        return str(self.manifest["id"])

    @property
    def as_of(self) -> str:
        """The snapshot's date."""
        return str(self.manifest["as_of"])

    @property
    def has_rows(self) -> bool:
        """Whether the private rows are still there."""
        return self.file_of("outcomes").exists()

    def file_of(self, name: str) -> Path:
        """Where a table is stored."""
        return self.path / ("rows" if name in PRIVATE_TABLES else "tables") / f"{name}.parquet"

    def arrow(self, name: str) -> pa.Table:
        """A table as Arrow.

        Raises:
            EditionError: If there is no such table, or the private rows were deleted.
        """
        known = (*PUBLIC_TABLES, *OPTIONAL_TABLES, *PRIVATE_TABLES)
        if name not in known:
            raise EditionError(f"Edition {self.id} has no table {name!r}.", hint=f"Tables: {', '.join(known)}")
        file = self.file_of(name)
        if not file.exists():
            private = " It is private and may have been deleted." if name in PRIVATE_TABLES else ""
            raise EditionError(f"Edition {self.id} does not hold its {name}.{private}")
        try:
            return pq.read_table(file)
        except (OSError, pa.ArrowException):
            raise EditionError(f"Edition {self.id}: {file.name} cannot be read.") from None

    def table(self, name: str) -> nw.DataFrame[pa.Table]:
        """A table as a Narwhals frame: of `PUBLIC_TABLES`; of `OPTIONAL_TABLES` and `PRIVATE_TABLES` if it is there.

        Raises:
            EditionError: If there is no such table, or the private rows were deleted.
        """
        return nw.from_native(self.arrow(name), eager_only=True)

    def document(self, name: str) -> Any:
        """What a JSON file beside the tables says, such as `casemix_models.json`; None where the edition has none.

        Raises:
            EditionError: If it cannot be read.
        """
        file = self.path / name
        if not file.is_file():
            return None
        try:
            return json.loads(file.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, json.JSONDecodeError):
            raise EditionError(f"Edition {self.id}: {name} cannot be read.") from None

    @cached_property
    def declarations(self) -> Declarations:
        """Measures, benchmarks, references, case mixes and the episode rule as frozen here."""
        return Declarations(
            measures=self._all("measures", Measure),
            benchmarks=self._all("benchmarks", Benchmark),
            references=self._all("references", Reference),
            casemix=self._all("casemix", CaseMix),
            episode_rules=self._all("episode_rules", EpisodeRule),
            response_curves=self._all("response_curves", CurveDeclaration),
        )

    @cached_property
    def registry(self) -> Registry:
        """All declarations as frozen here; nothing of the package's present ones."""
        return Registry(one for folder, kind in KINDS.items() for one in self._all(folder, kind).values())

    def declaration(self, kind: str, declaration_id: str) -> Declaration:
        """One frozen declaration.

        `kind` is "measure", "benchmark", "reference", "casemix", "instrument", "episode_rule" or
        "response_curve".

        Raises:
            UnknownDeclarationError: If the edition holds none of that kind and id.
        """
        folder = kind if kind in KINDS else f"{kind}s"
        if folder not in KINDS:
            raise UnknownDeclarationError.from_id("kind of declaration", kind, list(KINDS))
        known = self._all(folder, KINDS[folder])
        if declaration_id not in known:
            raise UnknownDeclarationError.from_id(kind, declaration_id, list(known))
        return known[declaration_id]

    def _all(self, folder: str, kind: type[_Kind]) -> dict[str, _Kind]:
        files = sorted((self.path / "declarations" / folder).glob("*.json"))
        return {file.stem: kind.model_validate(json.loads(file.read_text(encoding="utf-8"))) for file in files}

    def __repr__(self) -> str:
        counts = self.manifest["counts"]
        return (
            f"Edition({self.id}: {counts['measures']} measures, {counts['organizations']} organizations, "
            f"{counts['benchmark_records']} benchmark records)"
        )


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest as it stands, unchecked.

    Raises:
        EditionError: If there is none, or it is not JSON.
    """
    try:
        found = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise EditionError(
            f"{folder.name} is not an edition: it has no {MANIFEST}.",
            hint="Name the folder of one edition, such as editions/2026-01-31-0123456789ab.",
        ) from None
    except (OSError, UnicodeDecodeError, json.JSONDecodeError):
        raise EditionError(f"{folder.name}: {MANIFEST} cannot be read.") from None
    if not isinstance(found, dict) or "id" not in found or "files" not in found:
        raise EditionError(f"{folder.name}: {MANIFEST} is not the manifest of an edition.")
    return found


def manifest_hash(manifest: Mapping[str, Any]) -> str:
    """SHA-256 over the whole manifest but its own hash (METHODS E13.1)."""
    return hash_canonical({key: value for key, value in manifest.items() if key != "sha256"})
