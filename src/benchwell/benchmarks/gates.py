"""Gates: what must be there before a benchmark is published. A closed gate says why, and what it needs (C8)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchwell.benchmarks.cohort import Cohort, sampling_variance
from benchwell.models.arrays import FloatArray
from benchwell.models.heterogeneity import tau2_profile_interval
from benchwell.registry.benchmark import Gates
from benchwell.terms import BenchmarkKind


@dataclass(frozen=True)
class DecileBasis:
    """What the decile gate looks at, computed once per cohort."""

    reliable: np.ndarray
    tau2_lower: float

    @classmethod
    def of(cls, cohort: Cohort, reliability: FloatArray, gates: Gates) -> DecileBasis:
        """Which organizations are reliable, and the lower profile-likelihood limit of the variance between them."""
        reliable = np.asarray(reliability >= gates.decile_reliability)
        # The profile is costly and only decides when there are enough organizations.
        enough = int(reliable.sum()) >= gates.decile_organizations
        lower = tau2_profile_interval(cohort.estimate, sampling_variance(cohort)).lower if enough else 0.0
        return cls(reliable, lower)

    def without(self, place: int) -> DecileBasis:
        """The basis without one organization; the variance between the others is taken as that between all."""
        return DecileBasis(np.delete(self.reliable, place), self.tau2_lower)


def cell_reason(weight: FloatArray, gates: Gates) -> str | None:
    """Why a cell of organizations may not be published at all; None if it may.

    Args:
        weight: Patients per organization, shape (k,).
        gates: The benchmark's minimums.

    Source:
        METHODS M4.6 (clinics per tier, patients per cell), M8.3 (dominance).

    >>> cell_reason(np.array([50.0, 40.0, 30.0]), Gates())
    'too_few_organizations: 3 organizations have a figure; 5 are needed'
    >>> cell_reason(np.array([90.0, 20.0, 20.0, 20.0, 20.0]), Gates())
    'one_organization_dominates: one organization has 53 % of the patients; at most 50 % is allowed'
    """
    if len(weight) < gates.tier_organizations:
        return _too_few(len(weight), gates.tier_organizations)
    total = float(weight.sum())
    if total < gates.cell_n:
        return f"too_few_people: {total:.0f} people; {gates.cell_n} are needed"
    largest = np.sort(weight)[::-1]
    one, two = float(largest[0] / total), float(largest[:2].sum() / total)
    if one > gates.dominance_one:
        return (
            f"one_organization_dominates: one organization has {one:.0%} of the patients; "
            f"at most {gates.dominance_one:.0%} is allowed"
        ).replace("%", " %")
    if two > gates.dominance_two:
        return (
            f"two_organizations_dominate: two organizations have {two:.0%} of the patients; "
            f"at most {gates.dominance_two:.0%} is allowed"
        ).replace("%", " %")
    return None


def method_reason(kind: BenchmarkKind, p: float | None, k: int, basis: DecileBasis, gates: Gates) -> str | None:
    """Why one method may not be published for a cell that otherwise may; None if it may.

    Source:
        METHODS M4.2: quartiles from 10 organizations, deciles from 20 of enough reliability that really differ.
    """
    if kind is BenchmarkKind.PERCENTILE and p is not None and 0.25 <= p <= 0.75:
        return _too_few(k, gates.quartile_organizations) if p != 0.5 and k < gates.quartile_organizations else None
    # A percentile beyond the quartiles is a decile by another name: it rewards noise just as much.
    if kind in (BenchmarkKind.TOP_DECILE, BenchmarkKind.PERCENTILE):
        reliable = int(basis.reliable.sum())
        if reliable < gates.decile_organizations:
            return (
                f"too_few_reliable_organizations: {reliable} organizations have a reliability of at least "
                f"{gates.decile_reliability:g}; {gates.decile_organizations} are needed"
            )
        if basis.tau2_lower <= 0:
            return "no_variation_between_organizations: the data are compatible with no difference between them"
    return None


def _too_few(k: int, needed: int) -> str:
    return f"too_few_organizations: {k} organizations have a figure; {needed} are needed"
