"""How many colours an edition may show, and how many of them are expected to be false (METHODS M5.7).

A state needs a probability of .90, so of the states that say "clearly above" or "clearly below" at most one in ten is
expected to be false, however many comparisons an edition makes: the Bayesian false discovery rate, the mean of one
minus that probability over the coloured, is at most .10 by construction, as far as the model of the spread between
clinics holds. Benjamini and Hochberg's q is stated beside it and is no gate of its own. It asks a harder question: who
stands out from the usual spread between clinics, all comparisons of the edition counted.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchwell.models.light import light_probabilities
from benchwell.models.multiplicity import EDITION_Q
from benchwell.registry.measure import Measure
from benchwell.signals.peers import has_figure
from benchwell.signals.plain import plain
from benchwell.signals.reading import (
    ALL,
    EditionSource,
    OneMeasure,
    ReadOnce,
    Row,
    measure_of,
    preferred_adjustment,
    rows,
)
from benchwell.signals.words import count
from benchwell.terms import Adjustment, Light

_COLOURED = (Light.ABOVE, Light.BELOW)
_POOLED = "pooled"


@dataclass(frozen=True)
class MeasureColours:
    """The comparisons of one measure in one view.

    Attributes:
        measure: Its id.
        adjustment: The view: the one that a comparison uses by itself.
        comparisons: Organizations compared with the others.
        coloured: Of them, clearly above or below by probability alone, before the gates.
        expected_false: Of these, expected to be false: the sum of one minus the probability of the state.
        standing_out: Organizations that stand out from the usual spread, all comparisons of the edition counted.
    """

    measure: str
    adjustment: Adjustment
    comparisons: int
    coloured: int
    expected_false: float
    standing_out: int


@dataclass(frozen=True)
class EditionColours:
    """All comparisons of an edition, each organization and measure once.

    Attributes:
        measures: By measure.
        comparisons: Comparisons made.
        coloured: Clearly above or below by probability alone.
        expected_false: Of these, expected to be false.
        false_share: The same as a share of the coloured; None if there are none.
        standing_out: Comparisons that stand out from the usual spread.
        q: Share of false alarms accepted among those.
        text: In words.
    """

    measures: tuple[MeasureColours, ...]
    comparisons: int
    coloured: int
    expected_false: float
    false_share: float | None
    standing_out: int
    q: float
    text: str

    def to_dict(self) -> dict[str, Any]:
        """Plain data, for `--json`."""
        found: dict[str, Any] = plain(self)
        return found


def edition_colours(edition: EditionSource) -> EditionColours:
    """Count the states of an edition, and how many of them are expected to be false.

    Args:
        edition: The edition; nothing else is read.

    Source:
        Jones, Ohlssen & Spiegelhalter (2008); Benjamini & Hochberg (1995); METHODS M5.7.
    """
    edition = ReadOnce.of(edition)
    names = sorted({row["measure"] for row in rows(edition, "adjusted_results", period=ALL, stratum=ALL)})
    found = tuple(_of_measure(OneMeasure(edition, name), measure_of(edition, name)) for name in names)
    coloured, false = sum(one.coloured for one in found), sum(one.expected_false for one in found)
    comparisons, out = sum(one.comparisons for one in found), sum(one.standing_out for one in found)
    return EditionColours(
        measures=found,
        comparisons=comparisons,
        coloured=coloured,
        expected_false=false,
        false_share=false / coloured if coloured else None,
        standing_out=out,
        q=EDITION_Q,
        text=_text(comparisons, coloured, false, out, [one.adjustment for one in found if one.coloured]),
    )


def _of_measure(edition: OneMeasure, measure: Measure) -> MeasureColours:
    view = preferred_adjustment(edition, measure.id)
    found = rows(edition, "adjusted_results", adjustment=view.value, period=ALL, stratum=ALL)
    compared = [row for row in found if row["band"] is not None and has_figure(row)]
    coloured = [row for row in compared if Light(row["band"]) in _COLOURED]
    return MeasureColours(
        measure=measure.id,
        adjustment=view,
        comparisons=len(compared),
        coloured=len(coloured),
        expected_false=_expected_false(edition, measure, view, coloured),
        standing_out=sum(row["q_value"] is not None and row["q_value"] <= EDITION_Q * (1 + 1e-12) for row in compared),
    )


def _expected_false(edition: OneMeasure, measure: Measure, view: Adjustment, coloured: Sequence[Row]) -> float:
    targets = {
        row["without"]: (row["estimate"], row["standard_error"] or 0.0)
        for row in rows(
            edition, "benchmarks", method=_POOLED, adjustment=view.value, tier=ALL, stratum=ALL, period=ALL, status="ok"
        )
    }
    known = [row for row in coloured if row["organization_id"] in targets]
    if not known:
        return 0.0
    target = np.array([targets[row["organization_id"]] for row in known], dtype=np.float64)
    above, _, below = light_probabilities(
        [row["shrunken"] for row in known],
        [row["shrunken_sd"] or 0.0 for row in known],
        target[:, 0],
        target[:, 1],
        measure.light_margin,
        measure.better,
    )
    return float((1 - np.maximum(above, below)).sum())


def by_chance(views: Collection[Adjustment]) -> str:
    """What a number of false states counts: chance, and nothing of who comes to whom where that is not adjusted for.

    Args:
        views: The views that the states are of.

    Example:
        >>> by_chance([Adjustment.CLINICAL])
        'by chance alone'
    """
    if Adjustment.UNADJUSTED not in views:
        return "by chance alone"
    where = "" if set(views) == {Adjustment.UNADJUSTED} else "for figures as counted, "
    return f"by chance alone; {where}who comes to whom is not counted in this"


def _text(comparisons: int, coloured: int, false: float, out: int, views: Collection[Adjustment]) -> str:
    if not comparisons:
        return "No organization is compared with others yet."
    start = (
        f"{count(comparisons, 'comparison')} of organizations with the others, each in the view that is used first: "
    )
    if not coloured:
        return f"{start}none lies clearly above or below."
    expected = "fewer than one" if false < 1 else f"about {false:.0f}"
    return (
        f"{start}{coloured:,} {'lies' if coloured == 1 else 'lie'} clearly above or below by probability alone; a "
        f"colour must pass the gates as well. Of these {coloured:,}, {expected} "
        f"{'is' if false < 1.5 else 'are'} expected to be false {by_chance(views)}. With every comparison counted at "
        f"once, {out:,} {'stands' if out == 1 else 'stand'} out from the usual spread between clinics."
    )
