"""What an export gave: a folder of files and a manifest that names them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Kind = Literal["output", "deleted", "error"]


@dataclass(frozen=True, slots=True)
class BulkFile:
    """One file of an export, complete on disk.

    Attributes:
        name: Its name in the folder.
        kind: "output" (resources), "deleted" (Bundles of what is gone) or "error" (OperationOutcomes).
        type: Resource type, where the server says one.
        lines: Lines that are not blank.
        size: Bytes on disk, unpacked.
        sha256: Of those bytes.
        count: How many resources the server said it holds; None if it did not.
    """

    name: str
    kind: Kind
    type: str | None
    lines: int
    size: int
    sha256: str
    count: int | None = None


@dataclass(frozen=True, slots=True)
class BulkExport:
    """One complete export.

    Attributes:
        folder: Where it lies.
        manifest: Its manifest.json, with addresses relative to the folder.
        files: Files of resources.
        deleted: Files of Bundles that name what no longer exists.
        errors: Files of OperationOutcomes: what the server could not give.
        transaction_time: The instant that the export describes, as the server wrote it.
        organized_by: What the files are organized by ("Patient"), if not by type.
    """

    folder: Path
    manifest: Path
    files: tuple[BulkFile, ...]
    deleted: tuple[BulkFile, ...]
    errors: tuple[BulkFile, ...]
    transaction_time: str
    organized_by: str | None = None

    @property
    def differing(self) -> tuple[BulkFile, ...]:
        """Files whose lines are not as many as the server said."""
        everything = (*self.files, *self.deleted, *self.errors)
        return tuple(file for file in everything if not counts_agree(file, self.organized_by))


def counts_agree(file: BulkFile, organized_by: str | None = None) -> bool:
    """Whether the lines are as many as stated; files by patient have a header line per person beside."""
    if file.count is None:
        return True
    return file.lines == file.count or (organized_by is not None and file.lines > file.count)
