"""All people together: who counts in a pooled figure, small organizations too (METHODS M4.1, M4.7, C8).

An organization below the minimum shows no figure of its own, but its people are people of the tier. Nothing about a
single small organization is shown by the sum of many, unless it can be got back by subtraction: the shown
organizations can be taken off the sum, and what is left belongs to those that are not shown. Three of them, with
enough people together, is the least that keeps each from reading another; fewer are left out, and the record says so.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from benchwell.benchmarks.cohort import Cohort
from benchwell.benchmarks.figures import PER_PERSON_YEARS, PERCENT, Sums, figures, score_sign
from benchwell.models.arrays import BoolArray, FloatArray
from benchwell.registry import Measure
from benchwell.registry.benchmark import Gates
from benchwell.terms import Denominator

# The threshold rule of statistical disclosure control: with two, each could take itself off and read the other.
LEAST_HIDDEN = 3


@dataclass(frozen=True)
class Everyone:
    """Everybody who counts in a pooled figure of one cell.

    Attributes:
        cohort: The organizations that count; `estimate * weight` adds up to the pooled numerator.
        eligible: Their eligible people, shape (k,).
        followed: Their followed people, shape (k,), NaN where the source does not say.
        shown: Which of them have a figure of their own, shape (k,).
        left_out: How many small organizations are left out, so that none can be read by subtraction.
    """

    cohort: Cohort
    eligible: FloatArray
    followed: FloatArray
    shown: BoolArray
    left_out: int

    @property
    def note(self) -> str | None:
        """What a reader must know about who is in the figure; None if every organization has a figure of its own."""
        small, k = int((~self.shown).sum()), len(self.shown)
        if self.left_out:
            return (
                f"small organizations left out, since subtraction would show them: {self.left_out} of "
                f"{k + self.left_out}"
            )
        return f"small organizations counted too, without a figure of their own: {small} of {k}" if small else None

    def without(self, place: int) -> Everyone:
        """Everybody but one organization; ids are left behind, since thousands of these are made."""
        keep = np.arange(len(self.eligible)) != place
        return replace(
            self,
            cohort=replace(self.cohort, ids=()).take(np.flatnonzero(keep)),
            eligible=self.eligible[keep],
            followed=self.followed[keep],
            shown=self.shown[keep],
        )


def pooling_parts(measure: Measure, sums: Sums) -> tuple[FloatArray, FloatArray]:
    """What each organization adds to the pooled figure: numerator and denominator, each of shape (k,).

    The pooled figure is the one that all people would have as a single organization: met over people, events over
    person-years, lost points over baseline points. Effect sizes do not add up; theirs is the mean weighted by people.
    An organization that adds nothing (nobody followed, where only the followed count) has a denominator of 0.
    """
    primary = measure.primary_denominator
    eligible, followed = (np.nan_to_num(sums[name]) for name in ("n_eligible", "n_followed"))
    if measure.is_published:
        return _where_known(sums["published_rate"] * sums["published_denominator"], sums["published_denominator"])
    if measure.summary == "rate":
        return _where_known(PER_PERSON_YEARS * np.nan_to_num(sums["sum_value"]), sums["sum_exposure"])
    if measure.summary == "ratio_of_means":
        lost = score_sign(sums) * PERCENT * (sums["sum_baseline"] - sums["sum_followup"])
        return _where_known(lost, sums["sum_baseline"])
    people = followed if primary is Denominator.OBSERVED else eligible
    if measure.summary == "effect_size" or primary is Denominator.ESTIMATED:
        figure = figures(measure, sums).by_denominator.get(primary)
        value = np.full(len(people), np.nan) if figure is None else figure.value
        return _where_known(value * people, people)
    total = sums["n_met"] if measure.summary == "proportion" else sums["sum_value"]
    return _where_known(np.nan_to_num(total), people)


def everyone(
    numerator: FloatArray,
    denominator: FloatArray,
    like: Cohort,
    ids: tuple[str, ...],
    shown: BoolArray,
    eligible: FloatArray,
    followed: FloatArray,
    gates: Gates,
    *,
    public: bool = False,
) -> Everyone:
    """Choose who counts in the pooled figure of a cell.

    Args:
        numerator: What each organization of the cell adds, shape (k,).
        denominator: Over what, shape (k,); 0 for an organization that adds nothing.
        like: The cohort of the organizations with a figure; says what kind of figure it is.
        ids: Organization ids, in order.
        shown: Which have a figure of their own.
        eligible: Eligible people.
        followed: Followed people, NaN where the source does not say.
        gates: The benchmark's minimums.
        public: Whether each figure is published by its source anyway, so that there is nothing to protect.
    """
    counts = (denominator > 0) | (eligible > 0)
    hidden = counts & ~shown
    enough = public or (hidden.sum() >= LEAST_HIDDEN and eligible[hidden].sum() >= gates.organization_n)
    kept = np.flatnonzero(counts if enough else counts & shown)
    # Where nobody was followed nothing is added, but the people count in the completeness.
    weight = denominator[kept]
    cohort = Cohort(
        ids=tuple(ids[place] for place in kept),
        estimate=numerator[kept] / np.where(weight > 0, weight, 1.0),
        weight=weight,
        size=weight,
        variance=np.full(len(kept), np.nan),
        is_proportion=like.is_proportion,
        better=like.better,
    )
    return Everyone(cohort, eligible[kept], followed[kept], shown[kept], 0 if enough else int(hidden.sum()))


def _where_known(numerator: FloatArray, denominator: FloatArray) -> tuple[FloatArray, FloatArray]:
    known = np.isfinite(numerator) & (np.nan_to_num(denominator) > 0)
    return np.where(known, numerator, 0.0), np.where(known, denominator, 0.0)
