"""Which editions a person's scores may be counted in: from what editions say of themselves and what the person decided.

An edition counts people whose data were allowed on its day, as far as was known when it was built: what was decided
in the evening changes no edition of the morning. Whether a score in fact entered is not looked up: rows of
an edition are private, and may be gone.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from benchwell.benchmarks.edition import read_manifest
from benchwell.consent.one_person import allowed
from benchwell.pipeline.workspace import Workspace
from benchwell.register.my_data import OwnDecision
from benchwell.settings import ConsentRule
from benchwell.terms import Purpose


@dataclass(frozen=True)
class Shared:
    """One edition.

    Attributes:
        edition: Its id.
        as_of: The day that it looks from.
        purpose: What it is for.
        counted: Whether the person's scores were allowed in it.
        since: Only scores from this day on; null is all of them.
    """

    edition: str
    as_of: dt.date
    purpose: Purpose
    counted: bool
    since: dt.date | None


def shared_editions(
    workspace: Workspace, decisions: Sequence[OwnDecision], first_day: dt.date | None
) -> tuple[Shared, ...]:
    """Editions since a person's first score, the newest first.

    Args:
        workspace: Whose editions.
        decisions: Of the person.
        first_day: Of the person's first score; null: there is nothing to share.
    """
    if first_day is None:
        return ()
    found = []
    for folder in workspace.editions():
        one = _said(folder)
        if one.as_of < first_day:
            continue
        known = [given for given in decisions if one.built is None or given.decided_at <= one.built]
        use = allowed(known, one.purpose, one.as_of, one.rule.value)
        found.append(Shared(one.id, one.as_of, one.purpose, use.usable, use.since))
    return tuple(sorted(found, key=lambda one: (one.as_of, one.edition), reverse=True))


@dataclass(frozen=True)
class _Said:
    id: str
    as_of: dt.date
    purpose: Purpose
    rule: ConsentRule
    built: float | None  # seconds since 1970-01-01 UTC


@lru_cache(maxsize=256)
def _said(folder: Path) -> _Said:
    """What an edition says of its use; it never changes, so it is read once."""
    manifest = read_manifest(folder)
    settings = manifest.get("identity", {}).get("settings", {})
    purpose = Purpose(settings.get("use", Purpose.LEARNING.value))
    stated = ConsentRule(settings.get("consent_rule", ConsentRule.OPT_OUT.value))
    return _Said(
        id=str(manifest["id"]),
        as_of=dt.date.fromisoformat(str(manifest["as_of"])),
        purpose=purpose,
        rule=stated if purpose is Purpose.LEARNING else ConsentRule.OPT_IN,  # as in `Settings.silence`
        built=_built(folder),
    )


def _built(folder: Path) -> float | None:
    try:
        at = json.loads((folder / "build.json").read_text(encoding="utf-8"))["at"]
        return dt.datetime.fromisoformat(at).timestamp()
    except (OSError, ValueError, KeyError, TypeError):
        return None  # nobody vouches for this file; without it the day decides
