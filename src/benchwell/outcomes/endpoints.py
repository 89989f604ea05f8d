"""Endpoints that compare a follow-up score with a baseline score, as expressions (METHODS section 2).

Every gain is direction-free: +1 point of gain is one point of improvement, whether lower or higher is better (C1).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import narwhals as nw

from benchwell.outcomes.classes import change_class, class_met
from benchwell.outcomes.cuts import by_instrument, is_worse, reliable_points, sign_of
from benchwell.outcomes.inputs import number, text
from benchwell.registry import Instrument, Measure
from benchwell.registry.measure import (
    Change,
    Cut,
    EffectSize,
    PercentChange,
    ReliableChange,
    Remission,
    Response,
    SeverityAdjustedEffectSize,
    Threshold,
)

BASELINE, FOLLOWUP = nw.col("baseline"), nw.col("followup")


def _no_flag() -> nw.Expr:
    return nw.lit(None, dtype=nw.Boolean())


@dataclass(frozen=True)
class Result:
    """Three expressions over `baseline`, `followup` and their days."""

    value: nw.Expr
    met: nw.Expr = field(default_factory=_no_flag)
    change_class: nw.Expr = field(default_factory=lambda: text(None))


def paired_result(measure: Measure, instruments: list[Instrument]) -> Result:
    """Compile one paired endpoint.

    Args:
        measure: Any paired measure but the two-measure rule, which needs two pairs.
        instruments: The measure's instruments; all of one direction.

    Raises:
        DeclarationError: If the instrument lacks a cut-off or a reliable change that the endpoint needs.
        NotImplementedError: If the endpoint is not a paired one.
    """
    endpoint, scale = measure.endpoint, measure.scale
    sign = sign_of(instruments[0], scale)
    gain = sign * (BASELINE - FOLLOWUP)

    def worse(value: nw.Expr, cut: Cut) -> nw.Expr:
        return by_instrument("instrument", instruments, lambda one: is_worse(value, one, scale, cut))

    match endpoint:
        case Change(per_day=per_day):
            days = (nw.col("followup_day") - nw.col("baseline_day")).cast(nw.Float64())
            return Result(gain / days if per_day else gain)
        case PercentChange(of="mean_of_percents"):
            return Result(100.0 * gain / BASELINE)
        case PercentChange() | EffectSize():
            return Result(gain)
        case Response(percent=percent):
            # Whole numbers only: no division, so 9 of 18 is a response and nothing rounds (M2.2).
            return Result(gain, met=100.0 * gain >= float(percent) * BASELINE)
        case Remission(below=cut):
            return Result(gain, met=~worse(FOLLOWUP, cut))
        case ReliableChange(met=wanted, points=override, cut=cut):
            points = by_instrument("instrument", instruments, lambda one: number(reliable_points(one, scale, override)))
            crossed = worse(BASELINE, cut) & ~worse(FOLLOWUP, cut)
            classes = change_class(gain >= points, gain <= -points, crossed)
            return Result(gain, met=class_met(classes, wanted), change_class=classes)
        case SeverityAdjustedEffectSize():
            return Result(severity_adjusted(endpoint, sign))
        case Threshold(of=of, at_least=at_least, at_most=at_most):
            target = gain if of == "gain" else FOLLOWUP
            above = nw.lit(True) if at_least is None else target >= at_least
            below = nw.lit(True) if at_most is None else target <= at_most
            return Result(gain, met=above & below)
        case _:
            raise NotImplementedError(f"endpoint {endpoint.kind} does not compare two scores")


def severity_adjusted(endpoint: SeverityAdjustedEffectSize, sign: int) -> nw.Expr:
    """SAES of one episode: (mean reference change + residual gain) / reference SD (M2.7).

    Without declared coefficients the value is null: it follows from the frozen reference
    (`outcomes.saes_reference`, `outcomes.with_saes`).
    """
    if None in (endpoint.intercept, endpoint.slope, endpoint.mean_change, endpoint.reference_sd):
        return number(None)
    predicted = number(endpoint.intercept) + number(endpoint.slope) * BASELINE
    return (number(endpoint.mean_change) + sign * (predicted - FOLLOWUP)) / number(endpoint.reference_sd)
