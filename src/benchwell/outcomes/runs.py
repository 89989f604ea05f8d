"""Contacts in a row, and which rows of them make one course of care."""

from __future__ import annotations

import narwhals as nw

from benchwell.engine import Engine, Frame


def courses_of_runs(counting: Frame, keys: list[str], gap_days: int, clean_days: int, engine: Engine) -> Frame:
    """Give each contact the first day of its course; contacts that belong to none fall away.

    Contacts less than or exactly `gap_days` apart make a run. A course begins on the first day of a run on which a
    contact may open one; further runs that begin less than `clean_days` after that day belong to it. What lies before
    the first day of a course belongs to none.

    Args:
        counting: Contacts that count, with `keys`, `encounter_id`, `day` and `opens`.
        keys: Columns that contacts of one course share, never null.
        gap_days: Longest break within a run.
        clean_days: Least days from the first day of a course to that of the next.
        engine: Holds and counts.

    Returns:
        The contacts that belong to a course, with `course_day`.
    """
    order = ["day", "encounter_id"]
    stepped = counting.with_columns(before=nw.col("day").shift(1).over(*keys, order_by=order))
    breaks = nw.col("before").is_null() | (nw.col("day") - nw.col("before") > gap_days)
    numbered = engine.keep(
        stepped.with_columns(step=nw.when(breaks).then(nw.lit(1)).otherwise(nw.lit(0)))
        .with_columns(run=nw.col("step").cum_sum().over(*keys, order_by=order))
        .drop("before", "step")
    )
    opening = nw.when(nw.col("opens")).then(nw.col("day"))
    runs = (
        numbered.with_columns(opening=opening)
        .group_by(*keys, "run")
        .agg(begins=nw.col("day").min(), opening=nw.col("opening").min())
    )
    assigned = _assigned(runs, keys, clean_days, engine)
    found = numbered.join(assigned, on=[*keys, "run"], how="inner")
    return engine.keep(found.filter(nw.col("day") >= nw.col("course_day")).drop("run"))


def _assigned(runs: Frame, keys: list[str], clean_days: int, engine: Engine) -> Frame:
    """The course of each run: `keys`, `run`, `course_day`.

    The clean period counts from the first day of the course, not of the run before, so courses are found one after
    the other: each round finds the next one of every person. There are as many rounds as anybody has courses.
    """
    columns = [*keys, "run", "course_day"]
    if clean_days <= 0:
        return runs.filter(~nw.col("opening").is_null()).with_columns(course_day=nw.col("opening")).select(columns)
    counted = runs.with_columns(runs=nw.len().over(*keys))
    # Most people have one run, which needs no rounds.
    alone = counted.filter(nw.col("runs") == 1, ~nw.col("opening").is_null()).with_columns(course_day=nw.col("opening"))
    parts = [alone.select(columns)]
    left = engine.keep(counted.filter(nw.col("runs") > 1).drop("runs"))
    while engine.to_arrow(left.select(n=nw.len()))["n"][0].as_py():
        begun = left.with_columns(course_day=nw.col("opening").min().over(*keys)).filter(
            ~nw.col("course_day").is_null()
        )
        # A run that has an opening contact counts from it; one without can only join a course that is there already.
        since = nw.coalesce(nw.col("opening"), nw.col("begins")) - nw.col("course_day")
        begun = engine.keep(begun.with_columns(since=since))
        parts.append(begun.filter(nw.col("since") >= 0, nw.col("since") < clean_days).select(columns))
        left = engine.keep(begun.filter(nw.col("since") >= clean_days).drop("course_day", "since"))
    return nw.concat(parts) if len(parts) > 1 else parts[0]
