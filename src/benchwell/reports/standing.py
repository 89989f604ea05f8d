"""Whether an edition still stands: superseded by a later one, or itself a correction of an earlier one.

An edition is never changed, so it cannot know that it was superseded; the later editions beside it do.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

MANIFEST = "manifest.json"
Manifest = Mapping[str, Any]


@runtime_checkable
class OnDisk(Protocol):
    """An edition in a folder of its own; `benchmarks.Edition` is one."""

    @property
    def path(self) -> Path:
        """Its folder."""
        ...

    @property
    def manifest(self) -> Manifest:
        """What it was made from."""
        ...


@dataclass(frozen=True)
class Standing:
    """Where an edition stands among those of its folder.

    Attributes:
        superseded: Ids and reasons of what supersedes it, step by step: the last one stands.
        corrects: Id of the edition that it corrects; "" if none.
        reason: Why; "" if it corrects none.
    """

    superseded: tuple[tuple[str, str], ...] = ()
    corrects: str = ""
    reason: str = ""

    @property
    def warning(self) -> str:
        """That it is superseded, by what and why; "" while it stands."""
        if not self.superseded:
            return ""
        last, reason = self.superseded[-1]
        steps = len(self.superseded)
        through = f", after {steps - 1} more correction{'s' if steps > 2 else ''}" if steps > 1 else ""
        return f"This edition is superseded by {last}{through}: {_sentence(reason)} Use that one instead of this page."

    @property
    def note(self) -> str:
        """That it corrects an earlier one, and why; "" otherwise."""
        return f"This edition corrects {self.corrects}: {_sentence(self.reason)}" if self.corrects else ""


def standing(edition: Any) -> Standing:
    """Look beside an edition for what supersedes it.

    Args:
        edition: An edition; one that lies in no folder stands alone.

    Returns:
        Its standing. What lies beside it and is no edition, or cannot be read, is passed over: it supersedes nothing.
    """
    if not isinstance(edition, OnDisk):
        return Standing()
    manifest = edition.manifest
    known = _corrections(edition.path.parent)
    steps: list[tuple[str, str]] = []
    here: tuple[str, str | None] = (str(manifest["id"]), manifest.get("sha256"))
    while here[0] in known and len(steps) < len(known):
        after = known[here[0]]
        # A correction of other content under the same id is not one of this edition.
        if here[1] is not None and after.get("supersedes_sha256") not in (None, here[1]):
            break
        steps.append((str(after["id"]), str(after.get("correction_reason") or "")))
        here = (str(after["id"]), after.get("sha256"))
    return Standing(tuple(steps), str(manifest.get("supersedes") or ""), str(manifest.get("correction_reason") or ""))


def _corrections(folder: Path) -> dict[str, Manifest]:
    """The manifests of a folder that supersede another edition, by the id of that one; the latest of several."""
    found: dict[str, Manifest] = {}
    for file in sorted(folder.glob(f"*/{MANIFEST}")):
        try:
            manifest = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, json.JSONDecodeError):
            continue
        if isinstance(manifest, dict) and manifest.get("supersedes") and "id" in manifest:
            found[str(manifest["supersedes"])] = manifest
    return found


def _sentence(text: str) -> str:
    return f"{text.rstrip('.')}." if text else "no reason is stated."
