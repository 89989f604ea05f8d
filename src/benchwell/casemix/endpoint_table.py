"""What an endpoint says about any pair of scores, asked of the rules in `outcomes`: there is no second definition."""

from __future__ import annotations

from dataclasses import replace

import narwhals as nw
import numpy as np
import pyarrow as pa

from benchwell.casemix.score_grid import score_grid
from benchwell.models.arrays import FloatArray
from benchwell.outcomes.cuts import sign_of
from benchwell.outcomes.endpoints import Result, paired_result, severity_adjusted
from benchwell.outcomes.saes import SaesReference, saes_reference
from benchwell.registry import Instrument, Measure
from benchwell.registry.measure import Change, SeverityAdjustedEffectSize

_SUMMARIES = ("proportion", "mean")
_MOST_PAIRS = 4_000_000


def why_not_imputed(measure: Measure, instruments: list[Instrument]) -> str | None:
    """Why a measure's follow-up cannot be imputed as a score; None if it can."""
    if not measure.is_paired:
        return "no_score"
    if measure.endpoint.kind == "two_measure":
        return "two_scores"  # a row of outcomes holds the first one only
    if isinstance(measure.endpoint, Change) and measure.endpoint.per_day:
        return "needs_followup_day"
    if measure.summary not in _SUMMARIES:
        return f"summary_{measure.summary}"
    grids = [score_grid(one, measure.scale).levels for one in instruments]
    if any(len(grid) != len(grids[0]) or (grid != grids[0]).any() for grid in grids):
        return "instruments_differ"  # a row of outcomes does not say which one was used
    return None


def reference_of(
    measure: Measure, instruments: list[Instrument], before: FloatArray, after: FloatArray
) -> SaesReference | None:
    """The reference of a severity-adjusted measure that declares none, as the edition fits it; else None.

    Args:
        measure: Any paired one.
        instruments: Its instruments.
        before: Baselines of everybody followed, shape (n,).
        after: Their follow-up scores, shape (n,).
    """
    endpoint = measure.endpoint
    if not isinstance(endpoint, SeverityAdjustedEffectSize) or endpoint.slope is not None:
        return None
    sums = (float(before.sum()), float(after.sum()), float(before @ before), float(before @ after))
    try:
        return saes_reference(len(before), *sums, sign=sign_of(instruments[0], measure.scale))
    except ValueError:
        return None  # too few pairs for a line: the measure has no values either


def endpoint_table(
    measure: Measure,
    instruments: list[Instrument],
    baselines: FloatArray,
    levels: FloatArray,
    reference: SaesReference | None = None,
) -> FloatArray | None:
    """Met (0 or 1) or the value of the endpoint, for each baseline (row) and follow-up score (column).

    Args:
        measure: A paired one whose figure is a proportion or a mean.
        instruments: Its instruments.
        baselines: Distinct baselines, shape (b,).
        levels: Follow-up scores, shape (l,).
        reference: Of a severity-adjusted measure that declares none.

    Returns:
        Shape (b, l); None if the measure's instruments disagree about a pair, or there are too many pairs.
    """
    if len(baselines) * len(levels) > _MOST_PAIRS:
        return None
    found = [_tabulated(measure, one, baselines, levels, reference) for one in instruments]
    if any((table != found[0]).any() for table in found[1:]):
        return None
    return found[0]


def _tabulated(
    measure: Measure, one: Instrument, baselines: FloatArray, levels: FloatArray, reference: SaesReference | None
) -> FloatArray:
    pairs = pa.table(
        {
            "baseline": np.repeat(baselines, len(levels)),
            "followup": np.tile(levels, len(baselines)),
            "instrument": pa.repeat(one.id, len(baselines) * len(levels)),
        }
    )
    result = _result(measure, one, reference)
    wanted = result.met if measure.summary == "proportion" else result.value
    found = nw.from_native(pairs, eager_only=True).select(found=wanted.cast(nw.Float64()))["found"].to_numpy()
    return np.asarray(found, dtype=np.float64).reshape(len(baselines), len(levels))


def _result(measure: Measure, one: Instrument, reference: SaesReference | None) -> Result:
    result = paired_result(measure, [one])
    if reference is None or not isinstance(measure.endpoint, SeverityAdjustedEffectSize):
        return result
    frozen = measure.endpoint.model_copy(
        update={name: getattr(reference, name) for name in ("intercept", "slope", "mean_change", "reference_sd")}
    )
    return replace(result, value=severity_adjusted(frozen, sign_of(one, measure.scale)))
