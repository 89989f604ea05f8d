"""Official aggregates: a rate is published, suppressed, or there was no activity. Suppressed is never zero."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from benchwell.intake.cells import Rows, name_of, text_of
from benchwell.intake.mapping import Block
from benchwell.intake.numbers import Mask, parse_numbers, to_array
from benchwell.intake.records import columns_of, missing

Numbers = npt.NDArray[np.float64]
SUPPRESSED, NO_ACTIVITY = "*", "-"
_SPECIAL = frozenset({"rate", "denominator", "n", "state", "suppressed"})


def rates_of(block: Block, rows: Rows) -> tuple[dict[str, pa.Array], Mask]:
    """Published rates of one block, one per row, and which rows hold one.

    Percentages become fractions; a month's end follows from its start when only one date is mapped.
    """
    columns = columns_of("published_rates", block, rows, skip=_SPECIAL)
    text = text_of(block.fields["rate"], rows, keep=(SUPPRESSED, NO_ACTIVITY))
    suppressed = _equals(text, SUPPRESSED)
    idle = _equals(text, NO_ACTIVITY)
    rate = _amount(block, rows, "rate", text)
    percent = block.fields["rate"].percent
    rows.refuse((rate < 0) | (rate > (100 if percent else 1)), name_of(block.fields["rate"], "rate"), "out_of_bounds")
    columns["rate"] = to_array(rate / 100 if percent else rate)
    for name in ("denominator", "n"):
        if name in block.fields:
            columns[name] = to_array(_count(block, rows, name))
    columns["state"] = pa.array(np.select([suppressed, idle], ["suppressed", "no_activity"], "published"), pa.string())
    columns["suppressed"] = pa.array(suppressed)
    _check_period(block, rows, columns)
    rows.refuse(
        missing(columns["organization_id"]), name_of(block.fields["organization_id"], "organization_id"), "missing_id"
    )
    stated = suppressed | idle | np.isfinite(rate)
    # A blank says neither suppressed nor inactive: it is told, and stays out.
    rows.refuse(~stated & ~rows.refused, name_of(block.fields["rate"], "rate"), "rate_not_stated")
    return columns, stated & ~rows.refused


def _amount(block: Block, rows: Rows, name: str, text: pa.Array) -> Numbers:
    marks = pc.is_in(text, value_set=pa.array([SUPPRESSED, NO_ACTIVITY]))
    plain = pc.if_else(marks, pa.scalar(None, pa.string()), text)
    cell = block.fields[name]
    found = parse_numbers(plain, cell.decimal or rows.intake.mapping.decimal)
    rows.refuse(found.bad, name_of(cell, name), "not_a_number")
    rows.refuse(found.ambiguous, name_of(cell, name), "ambiguous_number")
    rows.refuse(found.comma, name_of(cell, name), "decimal_comma")
    return found.values


def _count(block: Block, rows: Rows, name: str) -> Numbers:
    text = text_of(block.fields[name], rows, keep=(SUPPRESSED, NO_ACTIVITY))
    values = _amount(block, rows, name, text)
    rows.refuse(values < 0, name_of(block.fields[name], name), "out_of_bounds")
    return np.where(_equals(text, NO_ACTIVITY), 0.0, values)


def _check_period(block: Block, rows: Rows, columns: dict[str, pa.Array]) -> None:
    start = columns["period_start"]
    column = name_of(block.fields["period_start"], "period_start")
    rows.refuse(np.asarray(start.is_null().to_numpy(zero_copy_only=False), dtype=bool), column, "missing_date")
    if "period_end" not in columns:
        months = start.cast(pa.int32()).to_numpy(zero_copy_only=False)
        known = np.isfinite(months)
        month = np.where(known, months, 0).astype("datetime64[D]").astype("datetime64[M]")
        end = ((month + 1).astype("datetime64[D]") - 1).astype(np.int32)
        columns["period_end"] = pa.array(end, mask=~known).cast(pa.date32())
    wrong = pc.less(columns["period_end"], start).fill_null(False)
    rows.refuse(np.asarray(wrong.to_numpy(zero_copy_only=False), dtype=bool), column, "end_before_start")


def _equals(text: pa.Array, mark: str) -> Mask:
    return np.asarray(pc.equal(text, mark).fill_null(False).to_numpy(zero_copy_only=False), dtype=bool)
