"""What an intake gives back: canonical tables, what was refused and why, and counts that add up."""

from __future__ import annotations

from collections.abc import Mapping as Dictionary
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    from benchwell.intake.mapping import Mapping


@dataclass(frozen=True)
class Counts:
    """Rows of one source: `read = accepted + corrected + flagged + rejected`.

    Attributes:
        read: Data rows that are not blank.
        accepted: Came in as they were.
        corrected: Came in after a change of form that is stated (for example a decimal comma).
        flagged: Came in, with something a person should look at, or with some of its records refused.
        rejected: Nothing of the row came in.
    """

    read: int
    accepted: int
    corrected: int
    flagged: int
    rejected: int

    def as_dict(self) -> dict[str, int]:
        """Plain data, for JSON.

        >>> Counts(2, 1, 0, 0, 1).as_dict()["rejected"]
        1
        """
        return asdict(self)


@dataclass(frozen=True)
class IntakeResult:
    """One source, taken in.

    Attributes:
        tables: Canonical tables by name (shapes of `tables.CANONICAL`); only those with rows.
        rejections: One row per refused, corrected or flagged cell (`tables.DERIVED["rejections"]`); never a value.
        counts: Rows read, accepted, corrected, flagged and rejected.
        source_hash: SHA-256 (hex) of the file's bytes; of the canonical text content for a frame.
        file: Name of the file without its folder, or "frame".
        mapping: The mapping that was used, given or guessed.
        guessed: True if nobody has approved the mapping yet.
        notes: What was decided for the whole source, in words (encoding, date order, derived episodes …).
    """

    tables: Dictionary[str, pa.Table]
    rejections: pa.Table
    counts: Counts
    source_hash: str
    file: str
    mapping: Mapping
    guessed: bool
    notes: tuple[str, ...] = ()
