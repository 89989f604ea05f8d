"""What episodes are split by: one text column per declared stratum."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from itertools import pairwise

import narwhals as nw

from benchwell.engine import Frame
from benchwell.outcomes.inputs import OutcomeInputs, joined, text
from benchwell.outcomes.population import age_years, with_characteristic
from benchwell.registry import Instrument, Measure
from benchwell.registry.benchmark import Stratum

UNKNOWN = "unknown"


def episode_features(
    inputs: OutcomeInputs,
    outcomes: Frame,
    strata: Sequence[Stratum],
    instruments: Mapping[str, Instrument],
    measures: Sequence[Measure] = (),
) -> Frame:
    """The level of each stratum, per episode x measure; "unknown" is a level of its own.

    `by` is "age" (at the index), "baseline" (the measure's own baseline score), "severity_band" (of that score, in
    the words of the measure's first instrument), a column of episodes, patients or organizations (in this order),
    or else the name of a characteristic (latest value at or before the index).

    Args:
        inputs: The frames the outcomes were built from.
        outcomes: `tables.DERIVED["outcomes"]`.
        strata: Declared splits; numeric ones with `breaks`.
        instruments: By id.
        measures: Needed for "severity_band" only.

    Returns:
        `measure`, `episode_id` and one text column per stratum, named by `stratum.by`.
    """
    frame = outcomes.select("measure", "episode_id", "patient_id", "organization_id", "index_day", "baseline")
    columns = []
    for place, stratum in enumerate({item.by: item for item in strata}.values()):
        name = f"stratum_{place}"
        frame = _with_value(frame, inputs, stratum, name, instruments, measures)
        columns.append(_level(name, stratum).alias(stratum.by))
    return frame.select("measure", "episode_id", *columns)


def _with_value(
    frame: Frame,
    inputs: OutcomeInputs,
    stratum: Stratum,
    name: str,
    instruments: Mapping[str, Instrument],
    measures: Sequence[Measure],
) -> Frame:
    if stratum.by == "baseline":
        return frame.with_columns(**{name: nw.col("baseline")})
    if stratum.by == "severity_band":
        return frame.with_columns(**{name: _band(instruments, measures)})
    if stratum.by == "age":
        born = joined(frame, inputs.patients.select("patient_id", "birth_day"), "patient_id")
        return born.with_columns(**{name: age_years()}).drop("birth_day")
    for table, key in ((inputs.episodes, "episode_id"), (inputs.patients, "patient_id")):
        if stratum.by in table.collect_schema().names():
            return joined(frame, table.select(key, **{name: nw.col(stratum.by)}), key)
    if stratum.by in inputs.organizations.collect_schema().names():
        named = inputs.organizations.select("organization_id", **{name: nw.col(stratum.by)})
        return joined(frame, named, "organization_id")
    # One episode has one index per measure: the characteristic is looked up for each.
    return with_characteristic(frame, inputs.characteristics, stratum.by, name)


def _band(instruments: Mapping[str, Instrument], measures: Sequence[Measure]) -> nw.Expr:
    result = text(None)
    for measure in measures:
        if not measure.instruments:
            continue
        instrument = instruments[measure.instruments[0]]
        # A value between two bands of whole numbers (a prorated 9.5) belongs to the lower one.
        bands = sorted(instrument.bands, key=lambda band: band.min)
        label = reduce(
            lambda rest, band: nw.when(nw.col("baseline") >= band.min).then(text(band.label)).otherwise(rest),
            bands,
            text(None),
        )
        result = nw.when(nw.col("measure") == measure.id).then(label).otherwise(result)
    return result


def _level(name: str, stratum: Stratum) -> nw.Expr:
    if not stratum.breaks:
        return nw.col(name).cast(nw.String()).fill_null(UNKNOWN)
    value, breaks = nw.col(name).cast(nw.Float64()), sorted(stratum.breaks)
    labels = [f"{low:g} to under {high:g}" for low, high in pairwise(breaks)]
    labels.append(f"{breaks[-1]:g} or more")
    level = reduce(
        lambda rest, item: nw.when(value >= item[0]).then(text(item[1])).otherwise(rest),
        zip(breaks, labels, strict=True),
        text(f"under {breaks[0]:g}"),
    )
    return nw.when(value.is_null()).then(text(UNKNOWN)).otherwise(level)
