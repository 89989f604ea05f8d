"""People, episodes, clinicians and organizations: many rows tell of the same one, so their rows are merged."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from benchwell.intake.cells import Rows, name_of
from benchwell.intake.ids import derive_ids
from benchwell.intake.mapping import Block
from benchwell.intake.numbers import Mask
from benchwell.intake.records import columns_of, missing
from benchwell.intake.rejections import Rejections
from benchwell.intake.sql import connection
from benchwell.tables import CANONICAL

Numbers = npt.NDArray[np.float64]
MERGED = ("organizations", "practitioners", "patients", "episodes")
_OLDEST = 120


def entity_columns(name: str, block: Block, rows: Rows) -> dict[str, pa.Array]:
    """The columns of one entity per row, with impossible ones refused."""
    columns = columns_of(name, block, rows)
    if name == "patients":
        _check_patient(block, rows, columns)
    if name == "episodes":
        _check_episode(block, rows, columns)
    return columns


def _check_patient(block: Block, rows: Rows, columns: dict[str, pa.Array]) -> None:
    if "patient_id" in columns:
        rows.refuse(missing(columns["patient_id"]), name_of(block.fields["patient_id"], "patient_id"),
                    "missing_patient_id")  # fmt: skip
    year = birth_years(columns, len(rows))
    latest = rows.intake.as_of.year
    column = next(
        (name_of(block.fields[n], n) for n in ("birth_date", "birth_year") if n in block.fields), "birth_year"
    )
    rows.refuse((year < latest - _OLDEST) | (year > latest), column, "birth_year_impossible")


def birth_years(columns: dict[str, pa.Array], n: int) -> Numbers:
    """Year of birth per row, NaN where unknown."""
    years = np.full(n, np.nan)
    if "birth_year" in columns:
        years = columns["birth_year"].cast(pa.float64()).to_numpy(zero_copy_only=False).astype(float)
    if "birth_date" in columns:
        dated = pc.year(columns["birth_date"]).cast(pa.float64()).to_numpy(zero_copy_only=False).astype(float)
        years = np.where(np.isfinite(dated), dated, years)
    return years


def _check_episode(block: Block, rows: Rows, columns: dict[str, pa.Array]) -> None:
    start, end = columns.get("start_date"), columns.get("end_date")
    if start is not None and end is not None:
        wrong = np.asarray(pc.less(end, start).fill_null(False).to_numpy(zero_copy_only=False), dtype=bool)
        rows.refuse(wrong, name_of(block.fields["end_date"], "end_date"), "end_before_start")
    for name in ("referral_date", "start_date", "end_date"):
        if name in columns and block.fields[name].origin is None:
            late = pc.greater(columns[name], pa.scalar(rows.intake.as_of, pa.date32())).fill_null(False)
            rows.refuse(np.asarray(late.to_numpy(zero_copy_only=False), dtype=bool),
                        name_of(block.fields[name], name), "after_snapshot")  # fmt: skip


def refuse_before_birth(rows: Rows, column: str, patient: pa.Array, day: pa.Array, birth: pa.Table | None) -> None:
    """Refuse dates before the person's birth, whichever row of the source states the birth."""
    if birth is None or not birth.num_rows:
        return
    position = pc.index_in(patient, value_set=birth["patient_id"].combine_chunks())
    born = birth["day"].combine_chunks().take(position)
    early = pc.less(day.cast(pa.int32()).cast(pa.int64()), born).fill_null(False)
    rows.refuse(np.asarray(early.to_numpy(zero_copy_only=False), dtype=bool), column, "before_birth")


def births(patients: pa.Table) -> pa.Table | None:
    """First possible day of life (days since 1970-01-01) of each person whose birth is known."""
    names = patients.column_names
    day = pa.chunked_array([pa.nulls(patients.num_rows, pa.int64())])
    if "birth_year" in names:
        years = pc.subtract(patients["birth_year"], 1970)
        first = years.cast(pa.float64()).to_numpy()
        known = np.isfinite(first)
        months = (np.where(known, first, 0).astype(np.int64) * 12).astype("datetime64[M]")
        days = months.astype("datetime64[D]").astype(np.int64)
        day = pa.chunked_array([pa.array(days, mask=~known)])
    if "birth_date" in names:
        day = pc.coalesce(patients["birth_date"].cast(pa.int32()).cast(pa.int64()), day)
    table = pa.table({"patient_id": patients["patient_id"], "day": day})
    known_rows = table.filter(pc.is_valid(table["day"]))
    return known_rows if known_rows.num_rows else None


def merge(name: str, records: pa.Table, rejections: Rejections, labels: dict[str, str]) -> pa.Table:
    """One record per key: for each column the last row that has a value. Rows that disagree are flagged.

    Args:
        name: One of `MERGED`.
        records: Rows with key, columns and `source_row`.
        rejections: Receives `conflicting_value`.
        labels: Canonical column to source column, for reports.
    """
    key = CANONICAL[name].key[0]
    records = records.filter(pc.is_valid(records[key]))
    values = [column for column in records.column_names if column not in {key, "source_row"}]
    picks = ", ".join(f'max_by("{c}", source_row) FILTER ("{c}" IS NOT NULL) AS "{c}"' for c in values)
    spread = ", ".join(f'count(DISTINCT "{c}") AS "n_{c}"' for c in values)
    with connection() as db:
        db.register("records", records)
        select = ", ".join(part for part in (f'"{key}"', picks, spread, "max(source_row) AS source_row") if part)
        merged = db.sql(f'SELECT {select} FROM records GROUP BY "{key}"').to_arrow_table()  # noqa: S608
        db.register("merged", merged)
        for column in values:
            if pc.any(pc.greater(merged[f"n_{column}"], 1)).as_py():
                rows = db.sql(
                    f'SELECT r.source_row FROM records r JOIN merged m USING ("{key}") '  # noqa: S608
                    f'WHERE m."n_{column}" > 1 AND r."{column}" <> m."{column}"'  # never true of an empty cell
                ).to_arrow_table()
                rejections.add(rows["source_row"].to_numpy(), labels.get(column, column), "conflicting_value")
    return merged.select([key, *values, "source_row"]).sort_by(key)


def derived_episode_ids(patient: pa.Array) -> pa.Array:
    """One episode per person, for sources that name none."""
    ids = derive_ids("episodes", [patient])
    return pc.if_else(pc.is_valid(patient), ids, pa.scalar(None, pa.string()))


def start_from_first_score(episodes: pa.Table, assessments: pa.Table) -> pa.Table:
    """Fill a missing start date with the first assessment of the episode."""
    first = assessments.group_by("episode_id").aggregate([("date", "min")])
    position = pc.index_in(episodes["episode_id"], value_set=first["episode_id"].combine_chunks())
    found = first["date_min"].combine_chunks().take(position.combine_chunks())
    if "start_date" not in episodes.column_names:
        return episodes.append_column("start_date", found)
    at = episodes.column_names.index("start_date")
    return episodes.set_column(at, "start_date", pc.coalesce(episodes["start_date"].combine_chunks(), found))


def kept_rows(columns: dict[str, pa.Array], rows: Rows, keep: Mask) -> pa.Table:
    """Columns of the rows that stay, with their row numbers."""
    return pa.table({**columns, "source_row": pa.array(rows.numbers)}).filter(pa.array(keep))
