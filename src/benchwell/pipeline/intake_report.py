"""What an intake did, summed over the parts that one source was read in."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.csv

from benchwell.intake.result import Counts
from benchwell.lake import RULES, Commit, Supersede
from benchwell.pipeline.holdings import Holdings
from benchwell.pipeline.taking_back import with_parts_taken_back
from benchwell.private_file import owner_only
from benchwell.publish.spreadsheet import words_of_table
from benchwell.registry import hash_canonical

_FHIR = "FHIR"  # how its records are read; only there do sources say which version of a record they state
_LONGEST_NAME = 100  # characters of a source's name in that of another file


@dataclass(frozen=True)
class IntakeReport:
    """What one intake did. Rows: `read = accepted + corrected + flagged + rejected`.

    Attributes:
        file: Name of the source, or of the folder.
        read: Data rows.
        accepted: Came in as they were.
        corrected: Came in after a stated change of form.
        flagged: Came in, with something to look at.
        rejected: Did not come in.
        reasons: Reason code to number of cells.
        rejections: The CSV that lists each of them (file, row, column, reason); null if there are none.
        mapping: The mapping file in the workspace; null for the own template.
        guessed: Whether a guess was used.
        already: The same source was in already; nothing was written.
        superseded: Earlier scores, contacts and other records that this source replaced; people, courses and services
            that it states again do not count.
        records: Records read, by table.
        notes: What was decided for the whole source.
        snapshot: Id of the lake's snapshot afterwards.
    """

    file: str
    read: int
    accepted: int
    corrected: int
    flagged: int
    rejected: int
    reasons: dict[str, int]
    rejections: Path | None
    mapping: Path | None
    guessed: bool
    already: bool
    superseded: int
    records: dict[str, int]
    notes: tuple[str, ...]
    snapshot: str

    def to_dict(self) -> dict[str, Any]:
        """Plain data, for `--json`."""
        return asdict(self) | {
            "rejections": None if self.rejections is None else str(self.rejections),
            "mapping": None if self.mapping is None else str(self.mapping),
        }


class Part(Protocol):
    """A source, or a part of a large one, as canonical tables."""

    @property
    def tables(self) -> Mapping[str, pa.Table]:
        """By name; only those with rows."""

    @property
    def rejections(self) -> pa.Table:
        """One row per refused, corrected or flagged cell."""

    @property
    def counts(self) -> Counts:
        """Rows read, accepted, corrected, flagged and rejected."""

    @property
    def source_hash(self) -> str:
        """SHA-256 of the bytes."""

    @property
    def file(self) -> str:
        """Its name."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What was decided for the whole of it."""


@dataclass
class Gathered:
    """Writes the parts of one source to the lake, one by one, and adds up what came of them.

    What was merged stays if a later part fails: the next run of the same command finds it in already and goes on.
    """

    workspace: Holdings
    mapping: Path | None = None
    guessed: bool = False
    _counts: Counter[str] = field(default_factory=Counter)
    _reasons: Counter[str] = field(default_factory=Counter)
    _records: Counter[str] = field(default_factory=Counter)
    _notes: dict[str, None] = field(default_factory=dict)
    _rejections: list[pa.Table] = field(default_factory=list)
    _commits: list[Commit] = field(default_factory=list)
    _hashes: list[str] = field(default_factory=list)
    _coded: bool = False

    def merge(self, part: Part, *, reading: str) -> None:
        """Write one part: all of its tables, or nothing.

        Args:
            part: As read.
            reading: How it was read, such as the hash of a mapping. The same bytes read otherwise are taken in anew.
        """
        with self.workspace.stages.stage("writing to the lake"):
            tables = dict(part.tables)
            if "assessments" in tables:
                tables["assessments"] = with_parts_taken_back(self.workspace.lake, tables["assessments"])
            self._commits.append(
                self.workspace.lake.merge(
                    tables,
                    source_hash=part.source_hash,
                    file=part.file,
                    rejections=part.rejections,
                    counts=part.counts.as_dict(),
                    mapping_hash=_reading(part, reading),
                )
            )
        self._counts.update(part.counts.as_dict())
        self._reasons.update(part.rejections["reason"].to_pylist())
        self._records.update({name: table.num_rows for name, table in part.tables.items()})
        self._notes |= dict.fromkeys(part.notes)
        self._coded |= reading == _FHIR
        self._rejections.append(part.rejections)
        self._hashes.append(part.source_hash)

    def report(self, file: str) -> IntakeReport:
        """The sum of all parts, under the name of the whole source."""
        counts = {name: self._counts[name] for name in ("read", "accepted", "corrected", "flagged", "rejected")}
        return IntakeReport(
            file=file,
            **counts,
            reasons=dict(sorted(self._reasons.items())),
            rejections=self._keep_rejections(file),
            mapping=self.mapping,
            guessed=self.guessed,
            already=all(commit.already for commit in self._commits),
            superseded=sum(
                n
                for commit in self._commits
                for name, n in commit.superseded.items()
                if RULES[name] is Supersede.REPLACE
            ),
            records=dict(sorted(self._records.items())),
            notes=(*self._notes, *self._told_of_versions()),
            snapshot=self._commits[-1].snapshot.id,
        )

    def _told_of_versions(self) -> list[str]:
        """What was decided about records that the workspace held already."""
        older = sum(n for commit in self._commits for n in commit.older.values())
        undated = sum(n for commit in self._commits for name, n in commit.undated.items() if name != "rejections")
        told = []
        if older:
            told.append(
                f"Records that the workspace holds in a newer version already: {older:,}. By meta.lastUpdated or "
                "meta.versionId they are older, and what is newer stays."
            )
        if undated and self._coded:
            told.append(
                "Records that say something else than what the workspace holds, without meta.lastUpdated and "
                f"meta.versionId on both sides: {undated:,}. The source that is read last counts, so read sources in "
                "the order in which they were made."
            )
        return told

    def _keep_rejections(self, file: str) -> Path | None:
        found = pa.concat_tables(self._rejections)
        if found.num_rows == 0:
            return None
        whole = (
            self._hashes[0] if len(self._hashes) == 1 else hashlib.sha256("".join(self._hashes).encode()).hexdigest()
        )
        path = self.workspace.path / "rejections" / f"{Path(file).stem[:_LONGEST_NAME]}-{whole[:12]}.csv"
        with open(path, "wb", opener=owner_only) as kept:
            # Names of files and columns are the source's own words.
            pyarrow.csv.write_csv(words_of_table(found), kept)
        return path


def _reading(part: Part, how: str) -> str:
    """How a source was read: the given way, and all that was found on the way.

    The same file can be read otherwise on a later day, when a date in it is no longer in the future, or once an
    instrument is declared: then it is taken in anew.
    """
    findings = part.rejections.select(["row", "column", "reason", "action"]).combine_chunks()
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, findings.schema) as stream:
        stream.write_table(findings)
    found = hashlib.sha256(sink.getvalue()).hexdigest()
    return hash_canonical({"mapping": how, "findings": found})
