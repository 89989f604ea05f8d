"""Where each episode stands: followed, missing, immature, died, moved, opted out or excluded (METHODS M1.2)."""

from __future__ import annotations

from functools import reduce

import narwhals as nw

from benchwell.outcomes.inputs import text
from benchwell.registry import Measure
from benchwell.terms import OutcomeStatus

MOVED = ("moved", "moved_away")
SUICIDE = "suicide"


def window_end(measure: Measure) -> nw.Expr:
    """Last day on which the follow-up can still be taken.

    With `last_observation` a course that has ended closes its own window.
    """
    if measure.followup is None:
        return nw.col("index_day")
    latest = nw.col("index_day") + measure.followup.to_day
    if measure.followup.pick == "last_observation":
        return nw.min_horizontal(latest, "end_day")
    return latest


def is_mature(measure: Measure, snapshot_day: int) -> nw.Expr:
    """Index + f1 + grace <= snapshot; an immature episode is in no denominator."""
    grace = 0 if measure.followup is None else measure.followup.grace_days
    return window_end(measure) + grace <= snapshot_day


def died_before(last_day: nw.Expr) -> nw.Expr:
    """Death no later than a day."""
    return (nw.col("death_day") <= last_day).fill_null(False)


def moved_before(last_day: nw.Expr) -> nw.Expr:
    """The course ended because the person moved away, no later than a day."""
    return (nw.col("end_reason").is_in(MOVED) & (nw.col("end_day") <= last_day)).fill_null(False)


def status_columns(
    *,
    mature: nw.Expr,
    found: nw.Expr,
    last_day: nw.Expr,
    reason: nw.Expr | None = None,
    version_changed: nw.Expr | None = None,
    missing_reason: str = "no-followup",
    immature_reason: str = "immature",
) -> dict[str, nw.Expr]:
    """`status` and the completed `reason` (null only for followed episodes), to be added together.

    They read `reason` (null for those counted so far), `death_day`, `death_cause`, `end_day` and `end_reason`.

    Args:
        mature: Whether the window and its grace have passed.
        found: Whether the outcome is known.
        last_day: Last day of the window: who died or moved by then, without an outcome, is named as such.
        reason: Why an episode is not counted, if not in the column of that name.
        version_changed: Whether the instrument's version differs between baseline and follow-up.
        missing_reason: Code for those without an outcome.
        immature_reason: Code for those whose window is still open.
    """
    so_far = nw.col("reason") if reason is None else reason
    suicide = nw.col("death_cause").str.to_lowercase() == SUICIDE
    changed = nw.lit(False) if version_changed is None else version_changed
    cases: list[tuple[nw.Expr, OutcomeStatus, nw.Expr]] = [
        (so_far == "opted-out", OutcomeStatus.OPTED_OUT, so_far),
        (~so_far.is_null(), OutcomeStatus.EXCLUDED, so_far),
        (~mature, OutcomeStatus.IMMATURE, text(immature_reason)),
        (found & changed, OutcomeStatus.EXCLUDED, text("version-changed")),
        (found, OutcomeStatus.FOLLOWED, text(None)),
        (died_before(last_day) & suicide, OutcomeStatus.DIED, text("suicide")),
        (died_before(last_day), OutcomeStatus.DIED, text("died")),
        (moved_before(last_day), OutcomeStatus.MOVED, text("moved")),
    ]

    def chain(place: int, rest: nw.Expr) -> nw.Expr:
        return reduce(
            lambda other, case: (
                nw.when(case[0].fill_null(False)).then(text(case[1]) if place == 1 else case[2]).otherwise(other)
            ),
            reversed(cases),
            rest,
        )

    return {"status": chain(1, text(OutcomeStatus.MISSING)), "reason": chain(2, text(missing_reason))}


def is_eligible() -> nw.Expr:
    """Whether the episode is in the denominator of all eligible, by its status and reason."""
    counted = nw.col("status").is_in(
        [OutcomeStatus.FOLLOWED.value, OutcomeStatus.MISSING.value, OutcomeStatus.MOVED.value]
    )
    by_suicide = (nw.col("status") == OutcomeStatus.DIED.value) & (nw.col("reason") == "suicide").fill_null(False)
    return counted | by_suicide
