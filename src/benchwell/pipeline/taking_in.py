"""Take one source into a workspace's lake."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv

from benchwell.errors import MappingError
from benchwell.intake import IntakeResult, Mapping, load_mapping, read_source, save_mapping
from benchwell.lake import RULES, Supersede
from benchwell.pipeline.holdings import Holdings
from benchwell.registry import hash_canonical


@dataclass(frozen=True)
class IntakeReport:
    """What one intake did. Rows: `read = accepted + corrected + flagged + rejected`.

    Attributes:
        file: Name of the source.
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


def take_in(
    workspace: Holdings,
    source: Any,
    mapping: str | Path | Mapping | None,
    *,
    as_of: dt.date,
    accept_guess: bool,
) -> IntakeReport:
    """Read, check, and merge. See `Workspace.intake`."""
    given = Path(mapping) if isinstance(mapping, str | Path) else None
    known = load_mapping(Path(mapping)) if isinstance(mapping, str | Path) else mapping
    path = Path(source) if isinstance(source, str | Path) else source
    with workspace.stages.stage("reading and checking"):
        result = read_source(path, workspace.registry, known, as_of=as_of)
    kept = _keep_mapping(workspace, result, given, known=known is not None, accept_guess=accept_guess)
    with workspace.stages.stage("writing to the lake"):
        commit = workspace.lake.merge(
            result.tables,
            source_hash=result.source_hash,
            file=result.file,
            rejections=result.rejections,
            counts=result.counts.as_dict(),
            mapping_hash=_reading(result),
        )
    return IntakeReport(
        file=result.file,
        **result.counts.as_dict(),
        reasons=dict(sorted(Counter(result.rejections["reason"].to_pylist()).items())),
        rejections=_keep_rejections(workspace, result),
        mapping=kept,
        guessed=result.guessed,
        already=commit.already,
        superseded=sum(n for name, n in commit.superseded.items() if RULES[name] is Supersede.REPLACE),
        records={name: table.num_rows for name, table in sorted(result.tables.items())},
        notes=result.notes,
        snapshot=commit.snapshot.id,
    )


def _keep_mapping(
    workspace: Holdings, result: IntakeResult, given: Path | None, *, known: bool, accept_guess: bool
) -> Path | None:
    """Save the mapping that was used; a guess with any doubt in it waits for a person."""
    if not known and not result.guessed:
        return None  # our own template
    path = _saved_mapping(workspace.path / "mappings", result, given)
    doubtful = [choice.column for choice in result.mapping.guess if choice.confidence != "certain"]
    if result.guessed and doubtful and not accept_guess:
        raise MappingError(
            f"{result.file} is not in the template's layout, and {len(doubtful)} of its columns had to be guessed: "
            f"{', '.join(doubtful)}. Nothing was taken in; the guess waits for you in {path}.",
            hint=f"look at it, change what is wrong, and run again with --mapping {path}",
        )
    return path


def _saved_mapping(folder: Path, result: IntakeResult, given: Path | None) -> Path:
    """Where the mapping is kept. Nobody's own work in that folder is ever written over."""
    if given is not None and given.resolve().parent == folder.resolve():
        return given
    stem = Path(result.file).stem
    for path in (folder / f"{stem}.yaml", folder / f"{stem}-{_hash(result.mapping)[:8]}.yaml"):
        if not path.exists():
            save_mapping(result.mapping, path)
            return path
        if _same(path, result.mapping):
            return path
    save_mapping(result.mapping, path)  # a damaged copy under the mapping's own hash
    return path


def _same(path: Path, mapping: Mapping) -> bool:
    try:
        return _hash(load_mapping(path)) == _hash(mapping)
    except MappingError:
        return False


def _reading(result: IntakeResult) -> str:
    """How a source was read: its mapping and all that was found on the way.

    The same file can be read otherwise on a later day, when a date in it is no longer in the future, or once an
    instrument is declared: then it is taken in anew.
    """
    findings = result.rejections.select(["row", "column", "reason", "action"]).combine_chunks()
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, findings.schema) as stream:
        stream.write_table(findings)
    found = hashlib.sha256(sink.getvalue()).hexdigest()
    return hash_canonical({"mapping": _hash(result.mapping), "findings": found})


def _hash(mapping: Mapping) -> str:
    return hash_canonical(mapping.model_dump(mode="json", exclude={"guess", "notes"}))


def _keep_rejections(workspace: Holdings, result: IntakeResult) -> Path | None:
    if result.rejections.num_rows == 0:
        return None
    path = workspace.path / "rejections" / f"{Path(result.file).stem}-{result.source_hash[:12]}.csv"
    pyarrow.csv.write_csv(result.rejections, path)
    return path
