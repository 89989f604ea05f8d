"""The assessments table to the scores table, on any engine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import narwhals as nw
from narwhals.typing import FrameT

from benchwell.errors import ScoringError
from benchwell.registry import Instrument
from benchwell.scoring.answers import from_list
from benchwell.scoring.rows import TARGET, rows_per_scale
from benchwell.scoring.total import with_total
from benchwell.tables import TABLES
from benchwell.tables.table import OF_THE_LAKE

_CLOCK = r"^([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?$"


def score_assessments(assessments: FrameT, instruments: Mapping[str, Instrument]) -> FrameT:
    """Score every assessment of these instruments: one row per assessment and scale.

    The frame is read once for each instrument, so hold it (`Engine.keep`) if it is costly to compute, and pass
    only the instruments that occur in it. Assessments of other instruments give no rows.

    Args:
        assessments: Columns of `tables.TABLES["assessments"]`, and `day` (days since 1970-01-01).
        instruments: The instruments present, by id.

    Returns:
        A frame of the same kind with the columns of `tables.TABLES["scores"]`. An assessment that cannot be
        scored has status `invalid`, no value, and a reason.

    Raises:
        ScoringError: If no instrument is given, or a column is missing.

    >>> import pyarrow as pa
    >>> from benchwell.registry import Registry
    >>> row = {"assessment_id": "a", "instrument": "gad-7", "items": [1.0] * 7, "time": "09:30"}
    >>> table = TABLES["assessments"].conform(pa.Table.from_pylist([row])).append_column("day", pa.array([20000]))
    >>> scores = score_assessments(nw.from_native(table), {"gad-7": Registry.load().instrument("gad-7")})
    >>> [(one["scale"], one["value"], one["status"], one["second"]) for one in scores.rows(named=True)]
    [('total', 7.0, 'complete', 34200)]
    """
    columns = set(assessments.collect_schema().names())
    unread = {"date", "source_hash", "source_row", "language", "source", *OF_THE_LAKE}
    wanted = {"day", *TABLES["assessments"].columns} - unread
    if wanted - columns:
        raise ScoringError(f"The assessments lack the columns {sorted(wanted - columns)}.")
    if not instruments:
        raise ScoringError("No instrument to score.", hint="pass those that occur in the assessments")
    parts = [part for instrument in instruments.values() for part in _score_one(assessments, instrument)]
    return _stacked(parts)


def _score_one(assessments: FrameT, instrument: Instrument) -> list[FrameT]:
    rows: Any = assessments.filter(nw.col("instrument") == instrument.id)
    rows = rows.with_columns(
        **{TARGET: nw.coalesce(nw.col("scale"), nw.lit(instrument.primary.id)), "_bw_clock": _clock()}
    )
    rows = with_total(from_list(rows, instrument, "items"), nw.col("total"), nw.col("unit"))
    return [_as_scores(part) for part in rows_per_scale(rows, instrument)]


def _stacked(parts: list[FrameT]) -> FrameT:
    """All parts below one another, joined in halves: engines limit how deep a chain of unions may nest."""
    if len(parts) == 1:
        return parts[0]
    middle = len(parts) // 2
    return nw.concat([_stacked(parts[:middle]), _stacked(parts[middle:])], how="vertical")


def _as_scores(frame: FrameT) -> FrameT:
    table = TABLES["scores"]
    made = {
        "day": nw.col("day").cast(nw.Int64()),
        "second": _seconds(),
        "value": nw.col("value").cast(nw.Float64()),
    }
    return frame.select(**{name: made.get(name, nw.col(name)) for name in table.columns})


def _clock() -> nw.Expr:
    """HH:MM:SS, or null where the text is no clock time."""
    time = nw.col("time")
    full = nw.when(time.str.len_chars() == len("HH:MM")).then(nw.concat_str(time, nw.lit(":00"))).otherwise(time)
    return nw.when(time.str.contains(_CLOCK)).then(full)


def _seconds() -> nw.Expr:
    # Engines may convert the text of every row before choosing, so rows without a time convert a zero.
    safe = nw.col("_bw_clock").fill_null("00:00:00")
    hours, minutes, seconds = (safe.str.slice(start, 2).cast(nw.Int64()) for start in (0, 3, 6))
    return nw.when(~nw.col("_bw_clock").is_null()).then(hours * 3600 + minutes * 60 + seconds)
