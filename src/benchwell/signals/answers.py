"""The answers to missing follow-up, each with its own benchmark: a colour must hold in all of them (M1.4-M1.6, M5.5).

A clinic is always compared with peers who answered the question in the same way. The last two answers suppose that
the people this clinic could not follow differ from those it followed by the declared log-odds, while the peers' do not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, pi, sqrt

import numpy as np

from benchwell.models.hyper_uncertainty import spread_for_light
from benchwell.models.light import light
from benchwell.models.shrinkage import shrink
from benchwell.signals.reading import Row
from benchwell.terms import Better, Denominator, Light

_ID = "organization_id"
_SD_PER_LOG_ODDS = sqrt(3) / pi


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
    seed: int


def missing_answers(own: Row, peers: Sequence[Row], yardstick: Yardstick) -> tuple[Answer, ...]:
    """The light under each answer to missing follow-up.

    Args:
        own: The clinic's row of organization_results.
        peers: Rows of the other clinics, same measure and period.
        yardstick: Benchmark and rule, on the primary denominator.

    Returns:
        The answers that can be computed: the three denominators, and with people missing the two
        ends of the declared range of log-odds (for a mean, the standard deviations that they stand for). Empty if the
        source says nothing about follow-up.
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
    n, m = own["n_eligible"], own["n_followed"]
    fair = _common(peers, Denominator.ESTIMATED)
    base = Denominator.ESTIMATED if own["estimated"] is not None and fair is not None else Denominator.OBSERVED
    moved = _common(peers, base)
    if m == 0 or m == n or common is None or moved is None or own[base] is None or not yardstick.kappa:
        return []
    found = []
    for name, kappa in (("kappa_worse", yardstick.kappa), ("kappa_better", -yardstick.kappa)):
        side = "less" if kappa > 0 else "more"
        signed = -kappa if yardstick.better is Better.HIGHER else kappa
        if own["n_met"] is not None:
            estimate, by = _with_odds(own, base, signed), f"odds times {exp(-kappa):.1f}"
        else:
            steps = abs(kappa) * _SD_PER_LOG_ODDS
            estimate, by = _with_shift(own, base, signed), f"by {steps:.2f} standard deviations"
        text = f"everyone eligible, if the missing did {side} well than people like them ({by})"
        benchmark = yardstick.estimate + moved - common
        found.append(_answer(name, text, [*peers, own], base, estimate, benchmark, yardstick))
    return found


def _with_odds(own: Row, base: Denominator, log_odds: float) -> float:
    """The rate of all eligible if the missing differ by log-odds from what `base` implies for them (M1.6)."""
    n, m, x = (int(own[name]) for name in ("n_eligible", "n_followed", "n_met"))
    # The rate that `base` implies for the missing, pulled off 0 and 1 so that it has odds.
    implied = (own[base] * n - x) / (n - m) if base is Denominator.ESTIMATED else x / m
    implied = min(max(implied, 0.5 / (n + 1)), 1 - 0.5 / (n + 1))
    odds = implied / (1 - implied) * exp(log_odds)
    return float((x + (n - m) * odds / (1 + odds)) / n)


def _with_shift(own: Row, base: Denominator, log_odds: float) -> float:
    """A mean of all eligible if the missing differ by as many standard deviations as the log-odds stand for (M1.6).

    Source:
        Chinn (2000), Stat Med 19:3127-3131: a log odds ratio is pi / sqrt(3) standard deviations.
    """
    n, m = (int(own[name]) for name in ("n_eligible", "n_followed"))
    people = n if own["primary_denominator"] == Denominator.ALL_ELIGIBLE else m
    sd = sqrt(float(own["variance"]) * people)
    return float(own[base]) + (n - m) / n * log_odds * _SD_PER_LOG_ODDS * sd


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
    # In the edition's order, since the spread of few clinics is replayed by seed.
    known = sorted([*((row, float(row[column])) for row in used), (own, raw)], key=lambda one: str(one[0][_ID]))
    place = next(at for at, (row, _) in enumerate(known) if row is own)
    values, variances = np.array([value for _, value in known]), np.array([float(row["variance"]) for row, _ in known])
    fit = shrink(values, variances)
    sd = spread_for_light(values, variances, yardstick.seed) if len(known) > 1 else fit.sd
    verdict = light(
        float(fit.shrunken[place]),
        float(sd[place]),  # as in the edition, so that the primary answer is the verdict itself
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
