"""From a history of decisions to who may be used, for one purpose, on one day."""

from __future__ import annotations

from typing import Literal

import narwhals as nw

from benchwell.engine import Frame
from benchwell.terms import Purpose

Rule = Literal["opt_in", "opt_out"]
_REFUSED = ("declined", "withdrawn")


def effective(
    consents: Frame, purpose: Purpose | str, as_of_day: int, rule: Rule = "opt_out", *, patients: Frame | None = None
) -> Frame:
    """Who may be used for a purpose on a day.

    The latest decision up to that day wins; on one day a refusal wins over a grant. Under `opt_in` only a grant
    makes usable, and only data from the first day of the unbroken grant on. Under `opt_out` everybody without a
    refusal is usable, from the beginning.

    Args:
        consents: `tables.CANONICAL["consents"]` with integer `day`.
        purpose: One of `terms.Purpose`; decisions for other purposes do not count.
        as_of_day: Days since 1970-01-01; later decisions have not been made yet.
        rule: What holds for a person who has not decided.
        patients: With `patient_id`: give a row for everybody. Required for `opt_in`, where a person without a
            decision must be named as not usable.

    Returns:
        `patient_id`, `usable`, `since_day` (null: from the beginning, or not usable).

    Raises:
        ValueError: If `opt_in` is asked without `patients`, or the rule is not known.
    """
    if rule not in ("opt_in", "opt_out"):
        raise ValueError(f"consent rule {rule!r} is not known; use 'opt_in' or 'opt_out'")
    if rule == "opt_in" and patients is None:
        raise ValueError("opt_in needs `patients`: people without a decision are not usable and must be listed")
    decisions = consents.filter(nw.col("purpose") == str(purpose), nw.col("day") <= as_of_day).select(
        "patient_id", "day", refused=nw.col("decision").is_in(_REFUSED), granted=nw.col("decision") == "granted"
    )
    refusal = decisions.filter(nw.col("refused")).group_by("patient_id").agg(refused_day=nw.col("day").max())
    everybody = decisions.select("patient_id").unique() if patients is None else patients.select("patient_id")
    grants = (
        decisions.filter(nw.col("granted"))
        .select("patient_id", "day")
        .join(refusal, on="patient_id", how="left")
        .filter(nw.col("refused_day").is_null() | (nw.col("day") > nw.col("refused_day")))
        .group_by("patient_id")
        .agg(granted_day=nw.col("day").min())
    )
    known = everybody.join(refusal, on="patient_id", how="left").select("patient_id", "refused_day")
    known = known.join(grants, on="patient_id", how="left").select("patient_id", "refused_day", "granted_day")
    granted = ~nw.col("granted_day").is_null()
    if rule == "opt_in":
        return known.select("patient_id", usable=granted, since_day=nw.col("granted_day"))
    usable = granted | nw.col("refused_day").is_null()
    return known.select("patient_id", usable=usable, since_day=nw.lit(None, dtype=nw.Int64()))
