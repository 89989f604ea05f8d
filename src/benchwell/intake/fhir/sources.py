"""Paths as the files to read: files, folders, manifests; and a cheap answer to "is this FHIR?"."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchwell.errors import SourceError
from benchwell.intake.fhir.lines import Blocks
from benchwell.intake.fhir.manifest import manifest_of, read_manifest

_ENDINGS = (".json", ".ndjson", ".jsonl")
_RESOURCE = re.compile(rb'"resourceType"\s*:')


@dataclass(frozen=True)
class SourceFile:
    """A file to read.

    Attributes:
        path: Where it stands.
        name: What it is called in findings: its path within the folder that was named.
        exported: When the export was made that it belongs to, seconds since 1970; null if no manifest says so.
    """

    path: Path
    name: str
    exported: float | None = None


@dataclass
class Sources:
    """What there is to read.

    Attributes:
        files: In reading order, each once.
        missing: Names of files that a manifest lists and that are not there.
        left_out: Names of files in folders that hold no FHIR.
        notes: What was left out, in words.
    """

    files: list[SourceFile] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return sum(one.path.stat().st_size for one in self.files)


def find_sources(paths: Sequence[Path]) -> Sources:
    """Files to read, in order: what is named directly is read whatever it is, folders are searched for FHIR.

    Raises:
        SourceError: If a path does not exist, nothing of it is FHIR, or a manifest is of another version of it.
    """
    found = Sources()
    for path in paths:
        if path.is_dir():
            _folder(path, found)
        elif not path.exists():
            raise SourceError(f"There is no file {path}.", hint="check the path")
        elif manifest_of(path) is not None:
            _export(path, path.parent, found)
        else:
            found.files.append(SourceFile(path, path.name))
    if not found.files and not found.missing:
        raise SourceError(
            f"{', '.join(str(path) for path in paths) or 'No path'} holds no FHIR.",
            hint="name NDJSON or JSON files of FHIR R4, a folder of them, or the manifest of a Bulk Data export",
        )
    first: dict[Path, SourceFile] = {}
    for one in found.files:
        first.setdefault(one.path.resolve(), one)
    found.files = list(first.values())
    return found


def is_fhir(path: Path) -> bool:
    """Whether a path looks like FHIR: a resource, Bundle, NDJSON, manifest, or a folder that holds one.

    Reads the first megabyte of a file at most, and of a folder as many files as it takes to find one.
    """
    if path.is_dir():
        return any(is_fhir(one) for one in _inside(path) if _named_json(one))
    if not path.is_file():
        return False
    head = Blocks(path).start()
    if not head.lstrip().startswith((b"{", b"[")):
        return False
    return _RESOURCE.search(head) is not None or manifest_of(path) is not None


def _inside(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts):
            yield path


def _named_json(path: Path) -> bool:
    name = path.name.lower().removesuffix(".gz")
    return name.endswith(_ENDINGS)


def _folder(folder: Path, found: Sources) -> None:
    files = list(_inside(folder))
    json = [path for path in files if _named_json(path)]
    manifests = [path for path in json if path.suffix.lower() == ".json" and manifest_of(path) is not None]
    for path in manifests:
        _export(path, folder, found)
    left_out = [path.name for path in files if not _named_json(path)]
    for path in json:
        if path in manifests:
            continue
        if _RESOURCE.search(Blocks(path).start()):
            found.files.append(SourceFile(path, path.relative_to(folder).as_posix()))
        else:
            left_out.append(path.name)
    found.left_out += left_out
    if left_out:
        found.notes.append(f"Left out, since they hold no FHIR: {_listed(left_out)}.")


def _export(manifest: Path, folder: Path, found: Sources) -> None:
    export = read_manifest(manifest)
    found.files += [SourceFile(path, _within(path, folder), export.made_at) for path in export.files]
    found.missing += export.missing
    found.notes += export.notes


def _within(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else path.name


def _listed(names: Sequence[str], most: int = 10) -> str:
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
