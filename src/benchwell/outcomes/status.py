"""Where each episode stands: followed, missing, immature, died, moved, opted out or excluded (METHODS M1.2)."""

from __future__ import annotations

from collections.abc import Mapping
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


def version_changed(part: str = "") -> nw.Expr:
    """Whether the instrument was asked in another version at follow-up."""
    return (nw.col(f"baseline_version{part}") != nw.col(f"followup_version{part}")).fill_null(False)


def standing(
    *,
    mature: nw.Expr,
    found: nw.Expr,
    last_day: nw.Expr,
    version_changed: nw.Expr | None = None,
    missing_reason: str = "no-followup",
    immature_reason: str = "immature",
) -> dict[str, nw.Expr]:
    """`standing` and `standing_reason`: the status of an episode if it is counted at all.

    They read `death_day`, `death_cause`, `end_day` and `end_reason`.

    Args:
        mature: Whether the window and its grace have passed.
        found: Whether the outcome is known.
        last_day: Last day of the window: who died or moved by then, without an outcome, is named as such.
        version_changed: Whether the instrument's version differs between baseline and follow-up.
        missing_reason: Code for those without an outcome.
        immature_reason: Code for those whose window is still open.
    """
    suicide = nw.col("death_cause").str.to_lowercase() == SUICIDE
    died = died_before(last_day)
    cases = [
        (~mature, OutcomeStatus.IMMATURE, immature_reason),
        (found, OutcomeStatus.FOLLOWED, None),
        (died & suicide, OutcomeStatus.DIED, "suicide"),
        (died, OutcomeStatus.DIED, "died"),
        (moved_before(last_day), OutcomeStatus.MOVED, "moved"),
    ]
    if version_changed is not None:
        cases.insert(1, (found & version_changed, OutcomeStatus.EXCLUDED, "version-changed"))

    def chain(words: list[str | None], rest: str) -> nw.Expr:
        return reduce(
            lambda other, case: nw.when(case[0].fill_null(False)).then(text(case[1])).otherwise(other),
            reversed([(case[0], word) for case, word in zip(cases, words, strict=True)]),
            text(rest),
        )

    return {
        "standing": chain([status for _, status, _ in cases], OutcomeStatus.MISSING),
        "standing_reason": chain([reason for _, _, reason in cases], missing_reason),
    }


def status_columns(reason: nw.Expr, stands: Mapping[str, nw.Expr] | None = None) -> dict[str, nw.Expr]:
    """`status` and the completed `reason` (null only for followed episodes), to be added together.

    Args:
        reason: Why an episode is not counted, null if it is so far.
        stands: What `standing` gives, if it is not in the frame's columns.
    """
    of = stands or {name: nw.col(name) for name in ("standing", "standing_reason")}
    return {
        "status": nw.when((reason == "opted-out").fill_null(False))
        .then(text(OutcomeStatus.OPTED_OUT))
        .otherwise(nw.when(~reason.is_null()).then(text(OutcomeStatus.EXCLUDED)).otherwise(of["standing"])),
        "reason": nw.coalesce(reason, of["standing_reason"]),
    }


def is_eligible() -> nw.Expr:
    """Whether the episode is in the denominator of all eligible, by its status and reason."""
    counted = nw.col("status").is_in(
        [OutcomeStatus.FOLLOWED.value, OutcomeStatus.MISSING.value, OutcomeStatus.MOVED.value]
    )
    by_suicide = (nw.col("status") == OutcomeStatus.DIED.value) & (nw.col("reason") == "suicide").fill_null(False)
    return counted | by_suicide
