"""One view of a measure, and one organization's figure in it (METHODS M3.1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from benchwell.signals.casemix_model import ModelBehind
from benchwell.signals.comparison import Comparison, Estimate
from benchwell.signals.gates import Gate
from benchwell.terms import Adjustment, Light


@dataclass(frozen=True)
class OwnView:
    """One organization's figure in one view.

    Attributes:
        figure: The figure on the primary denominator.
        n_eligible: People eligible.
        n_followed: Of them, followed up.
        completion: Followed over eligible.
        expected: What the model expects of an average clinic with these people; None in the unadjusted view.
        benchmark: The figure of the others in the same view.
        band: The state before the gates about missing data, reliability and usual spread; None without a figure.
        light: The state after all gates.
        gate: The gate that decided; None if the light has a colour.
        comparison: The whole comparison.
    """

    figure: Estimate
    n_eligible: int | None
    n_followed: int | None
    completion: float | None
    expected: float | None
    benchmark: Estimate | None
    band: Light | None
    light: Light
    gate: Gate | None
    comparison: Comparison


@dataclass(frozen=True)
class View:
    """One view of a measure.

    Attributes:
        adjustment: Which.
        title: Its name in words.
        taken: What is taken into account, in words.
        missing: Why there is no figure, in words; "" if there is one.
        n_organizations: Organizations with a figure in it.
        reference: The figure of all organizations together.
        bands: How many organizations are in which state, before the gates that a colour must pass as well.
        model: The model behind it; None for the unadjusted view.
        own: The one organization's figure; None where none is asked for, or it has none.
        own_missing: Why it has none, in words; "" if it has.
    """

    adjustment: Adjustment
    title: str
    taken: str
    missing: str
    n_organizations: int
    reference: float | None
    bands: Mapping[Light, int]
    model: ModelBehind | None
    own: OwnView | None
    own_missing: str

    @property
    def ok(self) -> bool:
        """Whether the edition has this view."""
        return not self.missing
