"""Questionnaire answers and totals: one block of a mapping to assessment records."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from benchwell.errors import MappingError
from benchwell.intake.cells import Rows, date_array, dates_of, item_numbers, name_of, numbers_of, text_of
from benchwell.intake.ids import derive_ids
from benchwell.intake.mapping import Block
from benchwell.intake.numbers import Mask, codes_of, to_array
from benchwell.intake.records import columns_of, missing
from benchwell.intake.scores import check_agreement, check_items, check_total
from benchwell.registry import Instrument

_SPECIAL = frozenset({"assessment_id", "instrument", "date", "time", "total"})
_KEY = ("patient_id", "episode_id", "instrument", "scale", "version", "informant", "date", "time")
Numbers = npt.NDArray[np.float64]


def assessments_of(block: Block, rows: Rows, *, flag_empty: bool) -> tuple[pa.Table, Mask]:
    """Assessment records of one block, one per row, and which rows hold a score that is not refused.

    Args:
        block: The mapped block.
        rows: The rows it reads; refusals are noted on them.
        flag_empty: Whether a row without any score is worth a flag (a long layout) or plain (a wide one).
    """
    columns = columns_of("assessments", block, rows, skip=_SPECIAL)
    total = numbers_of(block.fields["total"], rows, "total") if "total" in block.fields else np.full(len(rows), np.nan)
    answers = item_numbers(block.items, rows) if block.items else np.full((len(rows), 0), np.nan)
    scored = np.isfinite(total) | np.isfinite(answers).any(axis=1)
    if flag_empty:
        rows.refuse(~scored & ~rows.refused, _score_column(block), "no_score")
    columns |= _instrument_columns(block, rows, scored, total, answers, columns)
    columns |= _date_columns(block, rows, scored)
    columns["total"] = to_array(total)
    kept = scored & ~rows.refused
    return pa.table(columns), kept


def with_ids(records: pa.Table, block: Block, rows: Rows) -> pa.Table:
    """Add the source's own assessment ids, or derived ones. The key never includes the value."""
    own = text_of(block.fields["assessment_id"], rows) if "assessment_id" in block.fields else None
    names = records.column_names
    key = [
        records.column(name).combine_chunks() if name in names else pa.nulls(records.num_rows, pa.string())
        for name in _KEY
    ]
    derived = derive_ids("assessments", key)
    return records.append_column("assessment_id", derived if own is None else pc.coalesce(own, derived))


def _score_column(block: Block) -> str:
    if "total" in block.fields:
        return name_of(block.fields["total"], "total")
    return block.items.columns[0] if block.items else "total"


def _date_columns(block: Block, rows: Rows, scored: Mask) -> dict[str, pa.Array]:
    if "date" not in block.fields:
        raise MappingError(
            "The assessments of the mapping have no date.",
            hint="map a column, or declare synthetic days: date: {origin: 2000-01-01, day_offset: COLUMN}",
        )
    found = dates_of(block.fields["date"], rows, "date")
    column = name_of(block.fields["date"], "date")
    empty = ~found.known & ~found.bad & ~found.ambiguous
    rows.refuse(empty & scored & ~rows.refused, column, "missing_date")
    if block.fields["date"].origin is None:
        late = (np.datetime64(rows.intake.as_of, "D") - np.datetime64("1970-01-01")).astype(np.int64)
        rows.refuse(found.known & (found.days > late), column, "after_snapshot")
    time = _clock(found.seconds)
    if "time" in block.fields:
        time = pc.coalesce(text_of(block.fields["time"], rows), time)
    return {"date": date_array(found), "time": time}


def _clock(seconds: npt.NDArray[np.int64]) -> pa.Array:
    if not (seconds >= 0).any():
        return pa.nulls(len(seconds), pa.string())
    unique, codes = np.unique(seconds, return_inverse=True)
    text = [None if s < 0 else f"{s // 3600:02d}:{s // 60 % 60:02d}:{s % 60:02d}" for s in unique.tolist()]
    return pa.array(text, pa.string()).take(pa.array(codes))


def _instrument_columns(
    block: Block, rows: Rows, scored: Mask, total: Numbers, answers: Numbers, columns: dict[str, pa.Array]
) -> dict[str, pa.Array]:
    """Recognize instruments, then check scores instrument by instrument; few are in any one source."""
    coded, known = _recognize(block, rows, scored)
    codes = codes_of(coded)
    scales = columns.get("scale", pa.nulls(len(rows), pa.string()))
    units = np.asarray(columns.get("unit", pa.nulls(len(rows), pa.string())).to_numpy(zero_copy_only=False), object)
    for position, instrument in enumerate(known):
        if instrument is not None:
            _check(block, rows, scored & (codes == position), total, answers, scales, units, instrument)
    names = pa.array([None if one is None else one.id for one in known], pa.string())
    counts = [0 if one is None or one.items is None else min(one.items.count, answers.shape[1]) for one in known]
    lengths = np.array([*counts, 0], dtype=np.int64)[codes]
    return {"instrument": names.take(coded.indices), "items": _lists(answers, lengths)}


def _recognize(block: Block, rows: Rows, scored: Mask) -> tuple[pa.DictionaryArray, list[Instrument | None]]:
    if "instrument" not in block.fields:
        raise MappingError("The assessments of the mapping have no instrument.", hint="instrument: {constant: phq-9}")
    cell = block.fields["instrument"]
    column = name_of(cell, "instrument")
    coded = text_of(cell, rows).dictionary_encode()
    registry = rows.intake.registry
    known = [registry.find_instrument(name) for name in coded.dictionary.to_pylist()]
    if cell.constant is not None and None in known:
        registry.instrument(str(cell.constant))  # says which ids are close
    absent = missing(coded)
    unknown = np.array([one is None for one in known] + [False])[
        np.asarray(coded.indices.cast(pa.int64()).fill_null(len(known)).to_numpy(zero_copy_only=False))
    ]
    rows.refuse(absent & scored, column, "missing_instrument")
    rows.refuse(unknown, column, "unknown_instrument")
    return coded, known


def _check(
    block: Block, rows: Rows, here: Mask, total: Numbers, answers: Numbers, scales: pa.Array,
    units: npt.NDArray[np.object_], instrument: Instrument,
) -> None:  # fmt: skip
    column = _score_column(block)
    for wanted in {None, *scales.unique().to_pylist()}:
        same = missing(scales) if wanted is None else np.asarray(pc.equal(scales, wanted).fill_null(False))
        if not (here & same).any():
            continue
        try:
            scale = instrument.scale(wanted)
        except KeyError:
            rows.refuse(here & same, name_of(block.fields["scale"], "scale"), "unknown_scale")
            continue
        check_total(rows, here & same & ~np.isfinite(answers).any(axis=1), total, units, column, instrument, scale)
    if block.items is not None and instrument.items is not None:
        check_items(rows, here, answers, block.items.columns, instrument)
        plain = here & missing(scales) & np.isfinite(total) & (units == None)  # noqa: E711  # elementwise
        check_agreement(rows, plain, total, answers, column, instrument)


def _lists(answers: Numbers, lengths: npt.NDArray[np.int64]) -> pa.Array:
    """Answers as lists as long as the instrument; null where no item was answered."""
    given = np.isfinite(answers).any(axis=1) if answers.shape[1] else np.zeros(len(answers), dtype=bool)
    lengths = np.where(given, lengths, 0)
    inside = np.arange(answers.shape[1]) < lengths[:, None]
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    values = pa.array(answers[inside], from_pandas=True)
    return pa.ListArray.from_arrays(pa.array(offsets), values, mask=pa.array(lengths == 0))
