"""The two-measure rule of NHS Talking Therapies (METHODS M2.5)."""

from __future__ import annotations

from collections.abc import Callable

import narwhals as nw

from benchwell.engine import Frame
from benchwell.outcomes.classes import change_class
from benchwell.outcomes.cuts import is_worse, reliable_points, sign_of
from benchwell.outcomes.endpoints import Result
from benchwell.outcomes.inputs import joined, number
from benchwell.outcomes.status import version_changed
from benchwell.registry import Instrument, Measure
from benchwell.registry.measure import TwoMeasure

NEEDS_CASENESS = ("recovery", "reliable_recovery")


def with_two_pairs(
    frame: Frame,
    pairs: Callable[[list[Instrument]], tuple[Frame, Frame]],
    measure: Measure,
    instruments: list[Instrument],
) -> Frame:
    """Add baseline and follow-up of both parts as `..._0` and `..._1`.

    The plain columns hold the first part's scores, but only if both parts have one: without a pair on both
    measures the rule cannot be applied.

    Args:
        frame: Episodes.
        pairs: Picks baseline and follow-up of one instrument.
        measure: With a two-measure endpoint.
        instruments: Those of both parts.
    """
    for place, instrument in enumerate(_in_order(measure, instruments)):
        for picked in pairs([instrument]):
            names = [name for name in picked.collect_schema().names() if name != "episode_id"]
            frame = joined(frame, picked.rename({name: f"{name}_{place}" for name in names}), "episode_id")

    def both(name: str) -> nw.Expr:
        return nw.when(~nw.col(f"{name}_1").is_null()).then(nw.col(f"{name}_0"))

    return frame.with_columns(**{name: both(name) for name in ("baseline", "baseline_day", "followup", "followup_day")})


def at_caseness(measure: Measure, instruments: list[Instrument]) -> nw.Expr:
    """Whether at least one of the two baselines is at caseness."""
    first, second = _cases("baseline", measure, instruments)
    return first | second


def two_measure_result(measure: Measure, instruments: list[Instrument]) -> Result:
    """Compile the rule: reliable states of both parts, recovery, and the class.

    Improved: one part reliably better and the other not reliably worse; deteriorated the other way round; one of
    each is no reliable change. Recovery: at caseness on at least one at the start and on neither at the end.
    """
    endpoint = _endpoint(measure)
    better, worse = [], []
    for place, (part, instrument) in enumerate(zip(endpoint.parts, _in_order(measure, instruments), strict=True)):
        gain = sign_of(instrument, measure.scale) * (nw.col(f"baseline_{place}") - nw.col(f"followup_{place}"))
        points = number(reliable_points(instrument, measure.scale, part.reliable_points))
        better.append(gain >= points)
        worse.append(gain <= -points)
    improved = (better[0] | better[1]) & ~worse[0] & ~worse[1]
    deteriorated = (worse[0] | worse[1]) & ~better[0] & ~better[1]
    end_first, end_second = _cases("followup", measure, instruments)
    recovery = at_caseness(measure, instruments) & ~end_first & ~end_second
    met = {
        "recovery": recovery,
        "reliable_improvement": improved,
        "reliable_recovery": recovery & improved,
        "reliable_deterioration": deteriorated,
    }[endpoint.met]
    return Result(number(None), met=met, change_class=change_class(improved, deteriorated, recovery))


def two_versions_changed() -> nw.Expr:
    """Whether either part was asked in another version at follow-up."""
    return version_changed("_0") | version_changed("_1")


def _cases(when: str, measure: Measure, instruments: list[Instrument]) -> tuple[nw.Expr, nw.Expr]:
    endpoint = _endpoint(measure)
    ordered = _in_order(measure, instruments)
    first, second = (
        is_worse(nw.col(f"{when}_{place}"), instrument, measure.scale, endpoint.parts[place].caseness)
        for place, instrument in enumerate(ordered)
    )
    return first, second


def _in_order(measure: Measure, instruments: list[Instrument]) -> list[Instrument]:
    by_id = {instrument.id: instrument for instrument in instruments}
    return [by_id[part.instrument] for part in _endpoint(measure).parts]


def _endpoint(measure: Measure) -> TwoMeasure:
    if not isinstance(measure.endpoint, TwoMeasure):
        raise TypeError(f"measure {measure.id} is not a two-measure rule")
    return measure.endpoint
