"""The answers to missing follow-up, each with its own benchmark: a colour must hold in all of them (M1.4-M1.6, M5.5).

A clinic is always compared with peers who answered the question in the same way. The last two answers suppose that
the people this clinic could not follow differ from those it followed by the declared log-odds, while the peers' do not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp

import numpy as np

from benchwell.models.light import light
from benchwell.models.shrinkage import shrink
from benchwell.signals.reading import Row
from benchwell.terms import Better, Denominator, Light


@dataclass(frozen=True)
class Answer:
    """One way of answering "what of those who were not followed?".

    Attributes:
        name: The denominator, or `kappa_worse` / `kappa_better`.
        text: The answer in words.
        estimate: The clinic's own raw figure under it.
        benchmark: The benchmark moved to the same answer.
        state: The light before gates.
    """

    name: str
    text: str
    estimate: float
    benchmark: float
    state: Light


TEXTS = {
    Denominator.OBSERVED: "only the people who were followed up",
    Denominator.ALL_ELIGIBLE: "everyone eligible, with the missing as not met",
    Denominator.ESTIMATED: "everyone eligible, with the missing estimated from people like them",
}


@dataclass(frozen=True)
class Yardstick:
    """What a clinic is compared with, and the rule of the light."""

    estimate: float
    standard_error: float
    margin: float
    probability: float
    better: Better
    primary: Denominator
    kappa: float


def missing_answers(own: Row, peers: Sequence[Row], yardstick: Yardstick) -> tuple[Answer, ...]:
    """The light under each answer to missing follow-up.

    Args:
        own: The clinic's row of organization_results.
        peers: Rows of the other clinics, same measure and period.
        yardstick: Benchmark and rule, on the primary denominator.

    Returns:
        The answers that can be computed: the three denominators, and for yes/no measures with people missing the two
        ends of the declared range of log-odds. Empty if the source says nothing about follow-up.
    """
    if own["n_followed"] is None or own["n_eligible"] is None:
        return ()
    common = _common(peers, yardstick.primary)
    found = []
    for denominator in Denominator:
        moved = _common(peers, denominator)
        if own[denominator] is None or common is None or moved is None:
            continue
        benchmark = yardstick.estimate + moved - common
        rows = [*peers, own]
        found.append(_answer(denominator.value, TEXTS[denominator], rows, denominator, None, benchmark, yardstick))
    return (*found, *_shifted(own, peers, yardstick, common))


def _shifted(own: Row, peers: Sequence[Row], yardstick: Yardstick, common: float | None) -> list[Answer]:
    n, m, x = own["n_eligible"], own["n_followed"], own["n_met"]
    fair = _common(peers, Denominator.ESTIMATED)
    base = Denominator.ESTIMATED if own["estimated"] is not None and fair is not None else Denominator.OBSERVED
    moved = _common(peers, base)
    if x is None or m == 0 or m == n or common is None or moved is None or own[base] is None or not yardstick.kappa:
        return []
    # The rate that `base` implies for the missing, pulled off 0 and 1 so that it has odds.
    implied = (own[base] * n - x) / (n - m) if base is Denominator.ESTIMATED else x / m
    implied = min(max(implied, 0.5 / (n + 1)), 1 - 0.5 / (n + 1))
    found = []
    for name, kappa in (("kappa_worse", yardstick.kappa), ("kappa_better", -yardstick.kappa)):
        odds = implied / (1 - implied) * exp(-kappa if yardstick.better is Better.HIGHER else kappa)
        estimate = (x + (n - m) * odds / (1 + odds)) / n
        side = "less" if kappa > 0 else "more"
        text = f"everyone eligible, if the missing did {side} well than people like them (odds times {exp(-kappa):.1f})"
        benchmark = yardstick.estimate + moved - common
        found.append(_answer(name, text, [*peers, own], base, estimate, benchmark, yardstick))
    return found


def _answer(
    name: str,
    text: str,
    rows: Sequence[Row],
    column: Denominator,
    own_estimate: float | None,
    benchmark: float,
    yardstick: Yardstick,
) -> Answer:
    """The light of the last row, all rows shrunken under the same answer."""
    own = rows[-1]
    raw = float(own[column] if own_estimate is None else own_estimate)
    used = [row for row in rows[:-1] if _usable(row, column)]
    values = [float(row[column]) for row in used] + [raw]
    variances = [float(row["variance"]) for row in used] + [float(own["variance"])]
    fit = shrink(np.array(values), np.array(variances))
    verdict = light(
        float(fit.shrunken[-1]),
        float(fit.sd[-1]),  # as in the edition, so that the primary answer is the verdict itself
        benchmark,
        yardstick.standard_error,
        yardstick.margin,
        yardstick.probability,
        yardstick.better,
    )
    return Answer(name, text, raw, benchmark, verdict.state)


def _common(peers: Sequence[Row], column: Denominator) -> float | None:
    """The peers' precision-weighted common figure under one denominator."""
    used = [row for row in peers if _usable(row, column)]
    if not used:
        return None
    return shrink([float(row[column]) for row in used], [float(row["variance"]) for row in used]).mean


def _usable(row: Row, column: Denominator) -> bool:
    return row["status"] == "ok" and row[column] is not None and bool(row["variance"])
