"""The answers to missing follow-up, each with its own benchmark: a colour must hold in all of them (M1.4-M1.6, M5.5).

A clinic is always compared with peers who answered the question in the same way. Where follow-up scores were imputed,
`imputed_answers` shifts those; elsewhere the last two answers suppose that the people this clinic could not follow
differ from those it followed by the declared log-odds, while the peers' do not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import exp, pi, sqrt

import numpy as np

from benchwell.i18n import N_, _, local_digits
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
        name: The denominator; `kappa_worse` / `kappa_better`; or `imputed`, `imputed_worse`, `imputed_better` (the
            missing of this clinic alone), `imputed_everywhere_worse`, `imputed_everywhere_better` (of every clinic).
        text: The answer in words.
        estimate: The clinic's own figure under it, before shrinkage.
        benchmark: The benchmark moved to the same answer.
        state: The light before gates.
        kappa: Shift of imputed scores, points; log-odds of `kappa_…`; 0 for none.
    """

    name: str
    text: str
    estimate: float
    benchmark: float
    state: Light
    kappa: float = 0.0


TEXTS = {
    Denominator.OBSERVED: N_("only the people who were followed up"),
    Denominator.ALL_ELIGIBLE: N_("everyone eligible, with the missing as not met"),
    Denominator.ESTIMATED: N_("everyone eligible, with the missing estimated from people like them"),
}
_NO_CHANGE = N_("everyone eligible, with the missing as no change")


@dataclass(frozen=True)
class Yardstick:
    """What a clinic is compared with, and the rule of the light.

    Attributes:
        estimate: The benchmark.
        standard_error: Its standard error.
        margin: The difference that matters.
        probability: That a state needs.
        better: Direction.
        primary: The denominator of the benchmark.
        kappa: Log-odds by which the missing may differ where nothing was imputed.
        seed: Of the spread of few clinics.
        moves: Whether the benchmark rests on the peers, so that it would move with their missing people.
        is_share: Whether figures are shares, which end at 0 and 1.
    """

    estimate: float
    standard_error: float
    margin: float
    probability: float
    better: Better
    primary: Denominator
    kappa: float
    seed: int
    moves: bool = True
    is_share: bool = True


def denominator_answers(own: Row, peers: Sequence[Row], yardstick: Yardstick) -> tuple[Answer, ...]:
    """The light under each of the three denominators, all of the same view (METHODS C3).

    Args:
        own: The clinic's row of organization_results, or of adjusted_results.
        peers: Rows of the other clinics, same measure, period and view.
        yardstick: Benchmark and rule, on the primary denominator.

    Returns:
        Those that can be computed; none if the source says nothing about follow-up.
    """
    if own["n_followed"] is None or own["n_eligible"] is None:
        return ()
    if own["n_followed"] is None or own["n_eligible"] is None:
        return ()
    common = common_figure(peers, yardstick.primary)
    found = []
    for denominator in Denominator:
        moved = common_figure(peers, denominator)
        if own[denominator] is None or common is None or moved is None:
            continue
        benchmark = yardstick.estimate + moved - common
        rows = [*peers, own]
        # A mean has nothing to meet: there, the missing count as no change.
        is_change = not yardstick.is_share and denominator is Denominator.ALL_ELIGIBLE
        text = _(_NO_CHANGE if is_change else TEXTS[denominator])
        found.append(_answer(denominator.value, text, rows, denominator, None, benchmark, yardstick))
    return tuple(found)


def shifted_answers(own: Row, raw: Row, peers: Sequence[Row], yardstick: Yardstick) -> tuple[Answer, ...]:
    """The light at the two ends of the declared range of log-odds, where nothing was imputed.

    The shift is computed from unadjusted counts and added to the figure of the view as a difference.

    Args:
        own: The clinic's row in the view that is compared.
        raw: Its unadjusted row; the same in the unadjusted view.
        peers: Rows of the other clinics in the same view.
        yardstick: Benchmark and rule, on the primary denominator.

    Returns:
        Two answers; none where nobody or everybody is missing. For a mean the shift is as many standard deviations as
        the log-odds stand for.

    Source:
        METHODS M1.6; Chinn (2000), Stat Med 19:3127-3131: a log odds ratio is pi / sqrt(3) standard deviations.
    """
    n, m = raw["n_eligible"], raw["n_followed"]
    if n is None or m in (None, 0, n) or not yardstick.kappa:
        return ()
    common, fair = common_figure(peers, yardstick.primary), common_figure(peers, Denominator.ESTIMATED)
    estimated = own["estimated"] is not None and raw["estimated"] is not None and fair is not None
    base = Denominator.ESTIMATED if estimated else Denominator.OBSERVED
    moved = common_figure(peers, base)
    if common is None or moved is None or own[base] is None or raw[base] is None:
        return ()
    found = []
    for name, kappa in (("kappa_worse", yardstick.kappa), ("kappa_better", -yardstick.kappa)):
        signed = -kappa if yardstick.better is Better.HIGHER else kappa
        if raw["n_met"] is not None:
            shift, by = (
                _odds_shift(raw, base, signed),
                _("odds times {factor}").format(factor=local_digits(f"{exp(-kappa):.1f}")),
            )
        else:
            steps = abs(kappa) * _SD_PER_LOG_ODDS
            shift, by = (
                _points_shift(raw, signed),
                _("by {steps} standard deviations").format(steps=local_digits(f"{steps:.2f}")),
            )
        said = (
            _("everyone eligible, if the missing did less well than people like them ({by})")
            if kappa > 0
            else _("everyone eligible, if the missing did more well than people like them ({by})")
        )
        text = said.format(by=by)
        estimate = float(own[base]) + shift
        if yardstick.is_share:
            estimate = min(max(estimate, 0.0), 1.0)
        answer = _answer(name, text, [*peers, own], base, estimate, yardstick.estimate + moved - common, yardstick)
        found.append(replace(answer, kappa=kappa))
    return tuple(found)


def _odds_shift(raw: Row, base: Denominator, log_odds: float) -> float:
    """By how much the rate of all eligible differs from `base` if the missing differ by log-odds from it (M1.6)."""
    n, m, x = (int(raw[name]) for name in ("n_eligible", "n_followed", "n_met"))
    # The rate that `base` implies for the missing, pulled off 0 and 1 so that it has odds.
    implied = (raw[base] * n - x) / (n - m) if base is Denominator.ESTIMATED else x / m
    implied = min(max(implied, 0.5 / (n + 1)), 1 - 0.5 / (n + 1))
    odds = implied / (1 - implied) * exp(log_odds)
    return float((x + (n - m) * odds / (1 + odds)) / n) - float(raw[base])


def _points_shift(raw: Row, log_odds: float) -> float:
    """By how much a mean of all eligible moves if the missing differ by the standard deviations that log-odds are."""
    n, m = (int(raw[name]) for name in ("n_eligible", "n_followed"))
    people = n if raw["primary_denominator"] == Denominator.ALL_ELIGIBLE else m
    sd = sqrt(float(raw["variance"]) * people)
    return (n - m) / n * log_odds * _SD_PER_LOG_ODDS * sd


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


def common_figure(peers: Sequence[Row], column: Denominator) -> float | None:
    """The peers' precision-weighted common figure under one denominator."""
    used = [row for row in peers if _usable(row, column)]
    if not used:
        return None
    return shrink([float(row[column]) for row in used], [float(row["variance"]) for row in used]).mean


def _usable(row: Row, column: Denominator) -> bool:
    return row["status"] == "ok" and row[column] is not None and bool(row["variance"])
