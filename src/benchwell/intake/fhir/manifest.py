"""Manifests of Bulk Data exports: which files belong to an export, and where they stand on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

import msgspec

from benchwell.errors import SourceError
from benchwell.intake.fhir.elements import Element
from benchwell.intake.fhir.lines import BOM
from benchwell.intake.fhir.when import stored_at

_MOST = 64 << 20  # bytes: a manifest is small


class ManifestFile(Element):
    """One file of an export."""

    url: str
    type: str | None = None
    count: int | None = None


class ManifestLink(Element):
    """Where the next manifest is."""

    relation: str | None = None
    url: str | None = None


class Manifest(Element):
    """What a server says of a finished export, all pages alike."""

    output: list[ManifestFile] = []  # noqa: RUF012  msgspec copies it
    deleted: list[ManifestFile] = []  # noqa: RUF012
    error: list[ManifestFile] = []  # noqa: RUF012
    outcome: list[ManifestFile] = []  # noqa: RUF012
    link: list[ManifestLink] = []  # noqa: RUF012
    transactionTime: str | None = None  # noqa: N815
    manifestType: str | None = None  # noqa: N815
    fhirVersion: str | None = None  # noqa: N815
    resourceType: str | None = None  # noqa: N815  has none: it is no resource


@dataclass
class Export:
    """An export as it stands here.

    Attributes:
        files: Those that are here, in the order to read them.
        missing: Names of those that are not.
        notes: What the manifest says beside.
        made_at: The instant that it describes (`transactionTime`), seconds since 1970: what it calls deleted was
            deleted by then.
    """

    files: list[Path] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    made_at: float | None = None


_manifest = msgspec.json.Decoder(Manifest)


def manifest_of(path: Path) -> Manifest | None:
    """The manifest that a file holds; null if it is something else."""
    if path.stat().st_size > _MOST:
        return None
    try:
        found = _manifest.decode(path.read_bytes().removeprefix(BOM))
    except (ValueError, RecursionError):
        return None
    told = found.transactionTime is not None or found.manifestType is not None
    lists = found.output or found.deleted or found.error or found.outcome or found.link
    return found if found.resourceType is None and told and lists else None


def read_manifest(path: Path) -> Export:
    """All files of an export, over all pages of its manifest; what was deleted comes after what is stated.

    Addresses are looked for beside the manifest, under the last part of their path, as a download leaves them.

    Raises:
        SourceError: If it is no manifest, or one of another version of FHIR.
    """
    export = Export()
    deleted: list[Path] = []
    for page in _pages(path, export):
        version = page.fhirVersion
        if version is not None and not version.startswith("4."):
            raise SourceError(
                f"{path.name} is an export of FHIR {version}; Benchwell reads FHIR R4 (4.0.1).",
                hint="ask the server for R4, or convert the files",
            )
        if export.made_at is None:
            export.made_at = stored_at(page.transactionTime)
        for one in (*page.output, *page.error, *page.outcome):
            _place(one, path.parent, export, export.files)
        for one in page.deleted:
            _place(one, path.parent, export, deleted)
    export.files = list(dict.fromkeys([*export.files, *deleted]))
    return export


def _pages(path: Path, export: Export) -> Iterator[Manifest]:
    seen: set[Path] = set()
    here: Path | None = path
    while here is not None and here.resolve() not in seen:
        seen.add(here.resolve())
        page = manifest_of(here)
        if page is None:
            if here == path:
                raise SourceError(f"{path} is no manifest of a Bulk Data export.")
            export.missing.append(here.name)
            return
        yield page
        here = _next(page, path.parent, export)


def _next(page: Manifest, folder: Path, export: Export) -> Path | None:
    for link in page.link:
        if link.relation == "next" and link.url:
            if link.url.startswith("#"):
                export.notes.append("The manifest says that more of this export is still to come.")
                return None
            found = _local(link.url, folder)
            if found is None:
                export.missing.append(_name(link.url))
            return found
    return None


def _place(one: ManifestFile, folder: Path, export: Export, into: list[Path]) -> None:
    found = _local(one.url, folder)
    if found is None:
        export.missing.append(_name(one.url))
    else:
        into.append(found)


def _local(url: str, folder: Path) -> Path | None:
    """The file that an address means, here: only ever inside the manifest's folder."""
    parts = PurePosixPath(_path(url)).parts
    if ".." in parts:
        return None
    steps = [part for part in parts if part.strip("/")]  # two slashes at the beginning would lead to the root
    for start in range(len(steps)):
        for ending in ("", ".gz"):
            found = folder.joinpath(*steps[start:-1], steps[-1] + ending)
            if _is_file(found):
                return found
    return None


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name that no file can have, such as a very long one
        return False


def _path(url: str) -> str:
    try:
        return unquote(urlsplit(url).path)
    except ValueError:
        return ""


def _name(url: str) -> str:
    return PurePosixPath(_path(url)).name or "a file without a name"
