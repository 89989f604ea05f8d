"""Where a clinic's own effect hides in its case mix, and where a gap between groups comes from."""

from __future__ import annotations

import numpy as np

from benchwell.synthetic import CaseMix, Equity, World, generate
from benchwell.synthetic.clinics import FloatArray
from studies.questions import Measured, Question, Target, mean_of
from studies.sample import adjusted, sample

COST = 0.8  # points of improvement lost per quintile


def sorted_quality(seed: int) -> Measured:
    """Clinics that achieve less where people are poorer: error of the coefficient of deprivation (M3.8)."""
    mix = CaseMix(deprivation_sorting=0.4, deprivation_effect=COST, quality_sorting=-0.8)
    world = World(clinics=150, episodes=3_000, clinic_sd=1.5, outcome="linear", casemix=mix, seed=seed)
    _, fit = adjusted(sample(generate(world)), world.clinics)
    quintile = 1  # a higher quintile is less deprived: its coefficient is +COST
    return {
        "within": float(fit.within.values[quintile]) - COST,
        "random": float(fit.random.values[quintile]) - COST,
        "pooled": float(fit.pooled.values[quintile]) - COST,
        "told": float(fit.contrast_p[quintile] < 0.05),
    }


def kitagawa(people: FloatArray, met: FloatArray) -> tuple[float, float]:
    """A gap A minus B, split into within and between clinics.

    Args:
        people: People by group (A, B) and clinic, shape (2, k).
        met: Those who met the outcome, same shape.

    Returns:
        Within and between; they add up to the gap. A clinic that only one group visits counts as between.

    Source:
        Kitagawa (1955), J Am Stat Assoc 50:1168-1194; METHODS M7.3, E7.3.

    >>> [round(one, 3) for one in kitagawa(np.array([[80.0, 20], [20, 80]]), np.array([[48.0, 8], [11, 30.4]]))]
    [0.035, 0.111]
    """
    weight = people / people.sum(axis=1, keepdims=True)
    rate = np.divide(met, people, out=np.zeros_like(met), where=people > 0)
    rate = np.where(people > 0, rate, rate[::-1])
    within = (rate[0] - rate[1]) * (weight[0] + weight[1]) / 2
    between = (weight[0] - weight[1]) * (rate[0] + rate[1]) / 2
    return float(within.sum()), float(between.sum())


def gap(seed: int) -> Measured:
    """Error of both parts of a gap in remission, against the expected rates of the same people."""
    equity = Equity(share=0.3, gap=2.0, sorting=0.7)
    world = World(clinics=40, episodes=6_000, size_spread=0.3, clinic_sd=1.5, equity=equity, seed=seed)
    made = generate(world)
    data = sample(made)
    cell = data.group_b * world.clinics + data.clinic
    people = np.bincount(cell, minlength=2 * world.clinics).reshape(2, -1).astype(float)
    met = np.bincount(cell, data.met, 2 * world.clinics).reshape(2, -1)
    within, between = kitagawa(people, met)
    true = made.truth
    return {
        "within": within - true.gap_within,
        "between": between - true.gap_between,
        "true_within": true.gap_within,
        "true_between": true.gap_between,
    }


QUESTIONS = (
    Question(
        "quality-follows-deprivation",
        "M3.8",
        f"150 clinics of about 20 people; clinic effects correlate -.8 with deprivation; {COST} points per quintile",
        sorted_quality,
        (
            Target("error of the coefficient from differences within clinics", mean_of("within"), -0.04, 0.04),
            Target("error with random effects alone", mean_of("random"), low=0.1),
            Target("error without any clinic effects", mean_of("pooled"), low=0.1),
            Target("worlds in which the contrast is reported (p < .05)", mean_of("told"), low=0.8, unit="%"),
        ),
    ),
    Question(
        "equity-gap",
        "M7.3",
        "40 clinics of about 150 people; B improves 2 points less anywhere, and visits clinics that achieve less",
        gap,
        (
            Target("error of the gap within clinics, share in remission", mean_of("within"), -0.005, 0.005),
            Target("error of the gap between clinics", mean_of("between"), -0.005, 0.005),
            Target("the true gap within clinics", mean_of("true_within")),
            Target("the true gap between clinics", mean_of("true_between")),
        ),
    ),
)
