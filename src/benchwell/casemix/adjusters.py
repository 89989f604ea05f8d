"""What was known about a person on the index day, per declared variable: one raw value, or null (METHODS M3.1)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import reduce

import narwhals as nw

from benchwell.engine import Frame
from benchwell.errors import DeclarationError
from benchwell.outcomes.attach import attach, one_per_day
from benchwell.outcomes.inputs import OutcomeInputs, day, joined, number, text
from benchwell.outcomes.population import age_years
from benchwell.registry import CaseMix, Instrument, Measure
from benchwell.registry import adjuster_sources as sources
from benchwell.registry.casemix import Variable
from benchwell.registry.measure import Baseline
from benchwell.terms import ScoreStatus

_KEY = ("measure", "episode_id")
_OWN = ("patient_id", "organization_id", "index_day", "baseline", "followup_day")
_WHOLE = 1e15  # up to here a float that has no fraction is written like a whole number, on every engine


def adjuster_rows(
    inputs: OutcomeInputs,
    outcomes: Frame,
    casemix: CaseMix,
    measures: Sequence[Measure],
    instruments: Mapping[str, Instrument],
    *,
    keep: Callable[[Frame], Frame] | None = None,
) -> Frame:
    """The raw value of every variable that may be read, per eligible episode of these measures.

    Nothing later than the index day is looked at, but for the measurement day. Of a dated characteristic or score the
    latest one counts; an undated characteristic is not known to be earlier, so it counts as unknown. Forbidden
    variables have no column. Who is not eligible (opted out, excluded, immature) has no row.

    Args:
        inputs: The frames that the outcomes were built from.
        outcomes: `tables.DERIVED["outcomes"]`.
        casemix: Says which variables.
        measures: Those that use this case mix; a `score:` variable is looked for in each one's baseline window, up to
            the index day.
        instruments: By id, for `score:` variables.
        keep: Materializes a frame that is read several times (`engine.keep`).

    Returns:
        `measure`, `episode_id`, and one column per variable: number or text, null where unknown.

    Raises:
        DeclarationError: If a `score:` variable names an unknown instrument or scale.
    """
    variables = [one for one in casemix.variables if one.role != "forbidden"]
    chosen = outcomes.filter(nw.col("eligible"), nw.col("measure").is_in([one.id for one in measures] or [""]))
    frame = chosen.select(*_KEY, *_OWN)
    frame = keep(frame) if keep is not None else frame
    frame = _with_columns(frame, inputs, variables)
    frame = _with_characteristics(frame, inputs.characteristics, variables)
    frame = _with_scores(frame, inputs, variables, measures, instruments)
    return frame.select(*_KEY, **{one.name: _typed(one) for one in variables})


def _held(variable: Variable) -> str:
    """Where the raw value waits: a name that no table's column can have."""
    return f"variable:{variable.name}"


def _typed(variable: Variable) -> nw.Expr:
    value = nw.col(_held(variable))
    return value.cast(nw.Float64()) if variable.is_numeric else value.cast(nw.String())


def _with_columns(frame: Frame, inputs: OutcomeInputs, variables: Sequence[Variable]) -> Frame:
    """Variables that are columns of outcomes, patients, episodes or organizations."""
    tables = (
        (sources.PATIENT - {"age"}, inputs.patients, "patient_id"),
        (sources.EPISODE, inputs.episodes, "episode_id"),
        (sources.ORGANIZATION, inputs.organizations, "organization_id"),
    )
    for names, table, key in tables:
        columns = {_held(one): nw.col(one.source) for one in variables if one.source in names}
        if columns:
            frame = joined(frame, table.select(key, **columns), key)
    if any(one.source == "age" for one in variables):
        frame = joined(frame, inputs.patients.select("patient_id", "birth_day"), "patient_id")
    made = {
        "age": age_years(),
        "baseline": nw.col("baseline"),
        "measurement_day": nw.col("followup_day") - nw.col("index_day"),
    }
    columns = {_held(one): made[one.source] for one in variables if one.source in made}
    return frame.with_columns(**columns) if columns else frame


def _with_characteristics(frame: Frame, characteristics: Frame, variables: Sequence[Variable]) -> Frame:
    """The latest value on or before the index day; of two on one day the larger number or the later word."""
    mine = [one for one in variables if one.source.startswith(sources.CHARACTERISTIC)]
    if not mine:
        return frame
    key, wanted = ["patient_id", "index_day"], sorted({sources.bare(one.source) for one in mine})
    told = ~nw.col("value").is_null() | ~nw.col("code").is_null()
    dated = characteristics.filter(nw.col("name").is_in(wanted), ~nw.col("day").is_null(), told)
    # One person may have several index days, from several episodes or measures: each looks back from its own.
    known = (
        dated.select("patient_id", "name", "day", "value", label=_label())
        .join(frame.select(key).unique(), on="patient_id", how="inner")
        .filter(nw.col("day") <= nw.col("index_day"))
    )
    latest = known.group_by([*key, "name"]).agg(day=nw.col("day").max())
    found = known.join(latest, on=[*key, "name", "day"], how="inner")
    spread = found.with_columns(
        **{
            _held(one): nw.when(nw.col("name") == sources.bare(one.source)).then(
                nw.col("value" if one.is_numeric else "label")
            )
            for one in mine
        }
    )
    wide = spread.group_by(key).agg(**{_held(one): nw.col(_held(one)).max() for one in mine})
    return joined(frame, wide, key)


def _label() -> nw.Expr:
    """A characteristic as text: its code, else its number, where 2.0 is written 2."""
    value = nw.col("value")
    whole = (value.round(0) == value) & (value.abs() < _WHOLE)
    written = nw.when(whole).then(value.cast(nw.Int64()).cast(nw.String())).otherwise(value.cast(nw.String()))
    return nw.coalesce(nw.col("code"), nw.when(~value.is_null()).then(written).otherwise(text(None)))


def _with_scores(
    frame: Frame,
    inputs: OutcomeInputs,
    variables: Sequence[Variable],
    measures: Sequence[Measure],
    instruments: Mapping[str, Instrument],
) -> Frame:
    """The last score of another instrument in the measure's baseline window, no later than the index day."""
    asked = {
        _held(one): _instrument_scale(one, instruments) for one in variables if one.source.startswith(sources.SCORE)
    }
    if not asked:
        return frame
    scores = _usable_scores(inputs, sorted({instrument for instrument, _ in asked.values()}))
    relative = nw.col("day") - nw.col("index_day")
    window = [(one.id, one.baseline or Baseline()) for one in measures]
    opens = _by_measure([(name, baseline.from_day) for name, baseline in window])
    closes = _by_measure([(name, min(baseline.to_day, 0)) for name, baseline in window])
    key = [*_KEY, "instrument", "scale"]
    within = scores.join(frame.select(*_KEY, "index_day"), on="episode_id", how="inner").filter(
        relative >= opens, relative <= closes
    )
    latest = within.group_by(key).agg(day=nw.col("day").max())
    last = within.join(latest, on=[*key, "day"], how="inner")
    spread = last.with_columns(
        **{
            name: nw.when((nw.col("instrument") == instrument) & (nw.col("scale") == scale))
            .then(nw.col("value"))
            .otherwise(number(None))
            for name, (instrument, scale) in asked.items()
        }
    )
    wide = spread.group_by(*_KEY).agg(**{name: nw.col(name).max() for name in asked})
    return joined(frame, wide, [*_KEY])


def _instrument_scale(variable: Variable, instruments: Mapping[str, Instrument]) -> tuple[str, str]:
    name, _, scale = sources.bare(variable.source).partition("/")
    if name not in instruments:
        raise DeclarationError(
            f"Variable {variable.name!r} names an unknown instrument {name!r}.",
            hint="`benchwell instruments` lists the known ones",
        )
    try:
        return name, instruments[name].scale(scale or None).id
    except KeyError:
        known = ", ".join(one.id for one in instruments[name].scales)
        raise DeclarationError(
            f"Variable {variable.name!r}: instrument {name!r} has no scale {scale!r}.", hint=f"it has {known}"
        ) from None


def _usable_scores(inputs: OutcomeInputs, instruments: Sequence[str]) -> Frame:
    """One valid score per episode, instrument, scale and day, none from before consent."""
    columns = ["assessment_id", "instrument", "scale", "version", "second", "reviewed", "value"]
    valid = inputs.scores.filter(
        nw.col("instrument").is_in(list(instruments)),
        nw.col("status") != ScoreStatus.INVALID.value,
        ~nw.col("value").is_null(),
    )
    attached = attach(valid.select("patient_id", "episode_id", "day", *columns), inputs.episodes, columns)
    since = joined(
        inputs.episodes.select("episode_id", "patient_id"),
        inputs.consents.select("patient_id", "since_day"),
        "patient_id",
    )
    consented = joined(attached, since.select("episode_id", "since_day"), "episode_id")
    return one_per_day(consented.filter(nw.col("since_day").is_null() | (nw.col("day") >= nw.col("since_day"))))


def _by_measure(days: Sequence[tuple[str, int]]) -> nw.Expr:
    """The day that belongs to each measure."""
    return reduce(
        lambda rest, item: nw.when(nw.col("measure") == item[0]).then(day(item[1])).otherwise(rest), days, day(None)
    )
