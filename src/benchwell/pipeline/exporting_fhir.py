"""Scores of a workspace as FHIR: one Observation a line. Handing scores on is a use, so consent is asked first."""

from __future__ import annotations

import contextlib
import datetime as dt
import gzip
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

import msgspec
import narwhals as nw
import pyarrow as pa

from benchwell.consent import effective
from benchwell.durable import whole_file
from benchwell.engine import Engine, Frame
from benchwell.errors import WorkspaceError
from benchwell.pipeline.holdings import Holdings
from benchwell.pipeline.inputs import Reader, present_instruments
from benchwell.publish.score_observations import ScoreObservations
from benchwell.registry import Instrument
from benchwell.scoring import score_assessments, without_restated
from benchwell.settings import Settings
from benchwell.tables.days import epoch_day
from benchwell.terms import Purpose, ScoreStatus

_ROWS = 20_000  # at once
_ORDER = ("patient_id", "day", "assessment_id", "scale")
_COLUMNS = (*_ORDER, "instrument", "episode_id", "value", "status", "reason", "derived_from")


@dataclass(frozen=True)
class ObservationExport:
    """What left, and what did not.

    Attributes:
        path: The file.
        observations: Lines of it.
        people: Whose scores are in it.
        withheld: People with scores who may not be used for this purpose; nothing of them left.
        without_value: Observations that say why there is no score.
        without_code: Observations of scales for which no public code is declared: others may not know them.
        purpose: What was asked of consent.
    """

    path: Path
    observations: int
    people: int
    withheld: int
    without_value: int
    without_code: int
    purpose: str

    def to_dict(self) -> dict[str, Any]:
        """Plain data, for `--json`."""
        return asdict(self) | {"path": str(self.path)}


def export_observations(
    workspace: Holdings, path: Path, *, as_of: dt.date | None = None, purpose: Purpose | str | None = None
) -> ObservationExport:
    """Write every score that may be used as a line of NDJSON.

    Args:
        workspace: Whose lake.
        path: File to write, whole or not at all; gzip if its name ends in `.gz`. The same lake gives the same bytes.
        as_of: Later scores and decisions are not seen; today if null.
        purpose: What the receiver wants the scores for; what the workspace is for if null. The workspace's consent rule
            says what silence means for learning; for any other purpose silence is no.

    Raises:
        WorkspaceError: If there is no such purpose, no score to export, or the file cannot be written.
    """
    day = as_of or dt.datetime.now(dt.UTC).date()
    asked = _purpose(purpose or workspace.settings.use.value)
    settings, snapshot = workspace.settings, workspace.lake.snapshot()
    with workspace.engine() as engine:

        def read(name: str) -> Frame:
            return workspace.lake.read(engine, name, snapshot)

        instruments = present_instruments(engine, read, workspace.registry, day)
        if not instruments:
            raise WorkspaceError(f"There is no score to export in {workspace.path}.", hint="benchwell intake FILE")
        with workspace.stages.stage("scores and consent"):
            scores = _scores(engine, read, instruments, day)
            usable = _usable(engine, read, scores, asked, settings, epoch_day(day))
            rows = engine.keep(scores.join(usable, on="patient_id", how="inner").filter(_since()).select(*_COLUMNS))
            everybody, people = _people(engine, scores), _people(engine, rows)
        with workspace.stages.stage("writing observations"):
            counts = _write(path, engine.batches(rows.sort(*_ORDER), _ROWS), ScoreObservations(instruments))
    return ObservationExport(
        path=path,
        observations=counts.lines,
        people=people,
        withheld=everybody - people,
        without_value=counts.without_value,
        without_code=counts.without_code,
        purpose=asked.value,
    )


def _purpose(name: Purpose | str) -> Purpose:
    try:
        return Purpose(name)
    except ValueError:
        raise WorkspaceError(f"No purpose {str(name)!r}.", hint=f"known: {', '.join(Purpose)}") from None


def _scores(engine: Engine, read: Reader, instruments: dict[str, Instrument], day: dt.date) -> Frame:
    """Every score up to a day, each told once, with the form that its assessment states again."""
    dated = engine.with_epoch_days(read("assessments"), {"day": "date"})
    assessments = engine.keep(dated.filter(nw.col("day") <= epoch_day(day)))
    scores = engine.keep(score_assessments(assessments, instruments))
    told_once = without_restated(scores, assessments, engine).scores
    return engine.keep(
        told_once.join(assessments.select("assessment_id", "derived_from"), on="assessment_id", how="left")
    )


def _usable(engine: Engine, read: Reader, scores: Frame, purpose: Purpose, settings: Settings, last_day: int) -> Frame:
    """Who may be used, and since when. Also for people whom only their scores name: a refusal of theirs counts."""
    everybody = nw.concat([read("patients").select("patient_id"), scores.select("patient_id")]).unique()
    found = effective(
        engine.with_epoch_days(read("consents"), {"day": "date"}),
        purpose,
        last_day,
        settings.silence(purpose).value,
        patients=everybody,
    )
    return found.filter(nw.col("usable")).select("patient_id", "since_day")


def _since() -> nw.Expr:
    return nw.col("since_day").is_null() | (nw.col("day") >= nw.col("since_day"))


def _people(engine: Engine, rows: Frame) -> int:
    return int(engine.to_arrow(rows.select("patient_id").unique()).num_rows)


@dataclass
class _Counts:
    lines: int = 0
    without_value: int = 0
    without_code: int = 0


def _write(path: Path, batches: Iterator[pa.RecordBatch], mapping: ScoreObservations) -> _Counts:
    counts, encoder = _Counts(), msgspec.json.Encoder()
    with _whole_or_nothing(path) as file:
        for batch in batches:
            lines = []
            for row in batch.to_pylist():
                lines.append(encoder.encode(mapping.observation(row)))
                counts.without_value += row["status"] == ScoreStatus.INVALID.value
                counts.without_code += not mapping.has_code(row["instrument"], row["scale"])
            counts.lines += len(lines)
            file.write(b"".join(line + b"\n" for line in lines))
    return counts


@contextlib.contextmanager
def _whole_or_nothing(path: Path) -> Iterator[BinaryIO]:
    """The file to write, packed if its name says so; it is there when everything is on disk."""
    try:
        with whole_file(path, is_private=True) as raw:
            if path.suffix == ".gz":
                # Without name and time, the same scores give the same bytes.
                with gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0) as packed:
                    yield cast("BinaryIO", packed)
            else:
                yield raw
    except OSError as problem:
        raise WorkspaceError(f"{path} cannot be written: {problem.strerror}.", hint="check folder and space") from None
