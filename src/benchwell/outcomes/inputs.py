"""What outcomes are built from, and what comes back."""

from __future__ import annotations

from dataclasses import dataclass

import narwhals as nw

from benchwell.engine import Frame


@dataclass(frozen=True)
class OutcomeInputs:
    """Lazy frames of one snapshot; dates are already integer days (`engine.with_epoch_days`).

    Attributes:
        scores: `tables.DERIVED["scores"]`.
        episodes: `tables.CANONICAL["episodes"]` with `referral_day`, `start_day`, `end_day`.
        patients: with `birth_day` (null if unknown) and `death_day`.
        encounters: with `day`.
        events: with `day`.
        characteristics: with `day`.
        consents: who may be used: `patient_id`, `usable`, `since_day`, as `consent.effective` returns it.
            A patient without a row is usable from the beginning.
        organizations: `tables.CANONICAL["organizations"]`.
    """

    scores: Frame
    episodes: Frame
    patients: Frame
    encounters: Frame
    events: Frame
    characteristics: Frame
    consents: Frame
    organizations: Frame


@dataclass(frozen=True)
class OutcomeTables:
    """What measures come to.

    Attributes:
        outcomes: One row per episode x measure.
        exclusions: The flow from all episodes to those analysed.
        scores: What was picked from: one usable score per `episode_id`, `instrument`, `scale` and `day`.
    """

    outcomes: Frame
    exclusions: Frame
    scores: Frame


def joined(left: Frame, right: Frame, on: str | list[str]) -> Frame:
    """Left join that keeps the left side's columns only once."""
    keys = [on] if isinstance(on, str) else on
    return left.join(right, on=keys, how="left").select(
        *left.collect_schema().names(), *(name for name in right.collect_schema().names() if name not in keys)
    )


def number(value: float | int | None) -> nw.Expr:
    """A literal float, or a typed null."""
    return nw.lit(None if value is None else float(value), dtype=nw.Float64())


def day(value: int | None) -> nw.Expr:
    """A literal day, or a typed null."""
    return nw.lit(value, dtype=nw.Int64())


def text(value: str | None) -> nw.Expr:
    """A literal text, or a typed null."""
    return nw.lit(value, dtype=nw.String())
