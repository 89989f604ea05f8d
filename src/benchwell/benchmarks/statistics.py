"""Frozen statistics: outcomes summed per measure, organization, period and stratum (METHODS M13.2).

Every published figure is computed from these sums, so an edition can be checked without a patient row, and a
million episodes leave the engine as a few thousand rows.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import narwhals as nw
import numpy as np
import pyarrow as pa

from benchwell.benchmarks.periods import ALL, calendar
from benchwell.engine import Engine, Frame
from benchwell.registry import Benchmark
from benchwell.tables import DERIVED
from benchwell.tables.days import epoch_day
from benchwell.terms import OutcomeStatus

UNKNOWN = "unknown"
_WEIGHT_GRID = 4096.0
_VALUE_GRID = 65536.0
_DIGITS = 14
KEY = list(DERIVED["statistics"].key)
COUNTS = [name for name in DERIVED["statistics"].columns if name.startswith("n_")]
SUMS = [name for name in DERIVED["statistics"].columns if name.startswith("sum_")]


@dataclass(frozen=True)
class Plan:
    """What to sum: per measure its strata and, if declared, the first and last index date.

    Several benchmarks of one measure share the sums, so they must declare the same period.
    """

    strata: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    dates: Mapping[str, tuple[dt.date, dt.date]] = field(default_factory=dict)

    @classmethod
    def of(cls, benchmarks: Iterable[Benchmark]) -> Plan:
        """Read the plan from the benchmarks of an edition."""
        strata: dict[str, tuple[str, ...]] = {}
        dates: dict[str, tuple[dt.date, dt.date]] = {}
        for benchmark in benchmarks:
            known = strata.get(benchmark.measure, ())
            new = tuple(stratum.by for stratum in benchmark.strata if stratum.by not in known)
            strata[benchmark.measure] = known + new
            if benchmark.period is not None:
                first, last = benchmark.period
                dates[benchmark.measure] = dt.date.fromisoformat(first), dt.date.fromisoformat(last)
        return cls(strata, dates)

    @property
    def days(self) -> dict[str, tuple[int, int]]:
        """First and last index day of each measure that declares a period, days since 1970-01-01."""
        return {measure: (epoch_day(first), epoch_day(last)) for measure, (first, last) in self.dates.items()}

    def within_dates(self, rows: Frame) -> Frame:
        """Only rows whose index day lies in their measure's declared period."""
        for measure, (first, last) in self.days.items():
            inside = (nw.col("index_day") >= first) & (nw.col("index_day") <= last)
            rows = rows.filter((nw.col("measure") != measure) | inside)
        return rows


def summarize(engine: Engine, outcomes: Frame, features: Frame | None, plan: Plan) -> Frame:
    """Sum outcomes into `tables.DERIVED["statistics"]`, on any engine.

    Periods are "all" and each quarter of the index date; strata are "all" and each declared variable, in which an
    unknown value is a level of its own. An organization without eligible episodes has no row.

    Args:
        engine: Where the frames live; it also brings the calendar there.
        outcomes: `tables.DERIVED["outcomes"]`. It is read once.
        features: One row per `measure` and `episode_id` with a text column per stratum; None: every level unknown.
        plan: The measures to sum, their strata and dates. Measures it does not name are left out.

    Returns:
        A lazy frame with the columns of the table, in no particular order of rows.

    Source:
        METHODS M1.4 (counts), M1.5 (weights), M2.6 (paired sums), M13.2.
    """
    rows = _episode_terms(engine, outcomes, features, plan)
    parts = []
    for stratum, measures in _measures_by_stratum(plan).items():
        of_stratum = rows.filter(nw.col("measure").is_in(measures))
        level = nw.lit(ALL) if stratum == ALL else nw.col(_level(stratum)).fill_null(UNKNOWN)
        of_stratum = of_stratum.with_columns(level=level, stratum=nw.lit(stratum))
        parts += [
            _sum(of_stratum.with_columns(period=nw.lit(ALL))),
            _sum(of_stratum.with_columns(period=nw.col("quarter"))),
        ]
    return nw.concat(parts)


def frozen(statistics: pa.Table) -> pa.Table:
    """Statistics as an edition stores them: in the table's shape, sorted by key, at 14 significant digits.

    The last digits of a sum depend on the order in which an engine added; they are dropped so that the same data
    give the same bytes.
    """
    shaped = DERIVED["statistics"].conform(statistics)
    for name in SUMS:
        place = shaped.schema.get_field_index(name)
        shaped = shaped.set_column(place, shaped.schema.field(name), [_significant(shaped[name])])
    return shaped.sort_by([(name, "ascending") for name in KEY])


def _significant(column: pa.ChunkedArray) -> pa.Array:
    known = np.asarray(column.is_valid())
    numbers = np.asarray(column.fill_null(0.0), dtype=np.float64).copy()
    # A whole number below 10^14 already has at most 14 digits: most sums are, and only the others are written out.
    others = (numbers != np.rint(numbers)) | (np.abs(numbers) >= 10.0**_DIGITS)
    numbers[others] = [float(f"{number:.{_DIGITS}g}") for number in numbers[others].tolist()]
    return pa.array(numbers, pa.float64(), mask=~known)


def rolled_up(statistics: pa.Table, quarters: Iterable[str], label: str) -> pa.Table:
    """Add the sums of some quarters into one period; day quantiles do not add up and stay null.

    Args:
        statistics: `tables.DERIVED["statistics"]`.
        quarters: Which ones.
        label: The name of the new period.

    Returns:
        The rows of the new period, in the table's shape.
    """
    frame = nw.from_native(statistics, eager_only=True).filter(nw.col("period").is_in(list(quarters)))
    cell = [name for name in KEY if name != "period"]
    present = [nw.col(name).count().alias(f"{name}_present") for name in COUNTS + SUMS]
    summed = frame.group_by(cell).agg(*(nw.col(name).sum() for name in COUNTS + SUMS), *present)
    summed = summed.select(
        *cell, *(nw.when(nw.col(f"{name}_present") > 0).then(nw.col(name)).alias(name) for name in COUNTS + SUMS)
    ).with_columns(period=nw.lit(label), state=nw.lit("row"))
    return DERIVED["statistics"].conform(summed.to_arrow())


def _measures_by_stratum(plan: Plan) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {ALL: list(plan.strata)}
    for measure, strata in plan.strata.items():
        for stratum in strata:
            found.setdefault(stratum, []).append(measure)
    return found


def _level(stratum: str) -> str:
    # Prefixed, since a stratum such as "baseline" is also a column of outcomes.
    return f"level_{stratum}"


def _episode_terms(engine: Engine, outcomes: Frame, features: Frame | None, plan: Plan) -> Frame:
    """One row per eligible episode, with the terms that are summed."""
    rows = outcomes.filter(nw.col("eligible"), nw.col("measure").is_in(list(plan.strata)))
    rows = plan.within_dates(rows).join(
        engine.from_arrow(calendar()), left_on="index_day", right_on="calendar_day", how="left"
    )
    names = sorted({name for strata in plan.strata.values() for name in strata})
    if names and features is not None:
        levels = features.select("measure", "episode_id", *(nw.col(name).alias(_level(name)) for name in names))
        rows = rows.join(levels, on=["measure", "episode_id"], how="left")
    elif names:
        rows = rows.with_columns(**{_level(name): nw.lit(None, dtype=nw.String()) for name in names})
    followed = nw.col("status") == OutcomeStatus.FOLLOWED.value
    met = nw.when(followed).then(nw.col("met").cast(nw.Int64()))
    rows = rows.with_columns(followed=followed, met_count=met, outcome=nw.coalesce(met.cast(nw.Float64()), "value"))
    rows = rows.with_columns(
        quarter=nw.col("quarter").fill_null(UNKNOWN),
        value=nw.when(nw.col("followed")).then(_on_grid("outcome", _VALUE_GRID)),
        before=nw.when(nw.col("followed")).then(_on_grid("baseline", _VALUE_GRID)),
        after=nw.when(nw.col("followed")).then(_on_grid("followup", _VALUE_GRID)),
        weight=nw.when(nw.col("followed") & ~nw.col("outcome").is_null()).then(_on_grid("weight", _WEIGHT_GRID)),
        days=nw.when(nw.col("followed")).then(nw.col("followup_day") - nw.col("index_day")),
        n_eligible=nw.lit(1),
        n_followed=nw.col("followed").cast(nw.Int64()),
    )
    # Every stratum and period reads these rows: computed once, they are not planned anew for each.
    kept = ("measure", "organization_id", "quarter", "days", *map(_level, names), "n_eligible", "n_followed")
    return engine.keep(rows.with_columns(**_terms()).select(*kept, *_terms()))


def _terms() -> dict[str, nw.Expr]:
    """What is summed, by column of statistics; null where it does not apply to an episode."""
    value, before, after, weight = (nw.col(name) for name in ("value", "before", "after", "weight"))
    terms = {
        "n_met": nw.col("met_count"),
        "sum_value": value,
        "sum_value_squared": value * value,
        "sum_baseline": before,
        "sum_baseline_squared": before * before,
        "sum_followup": after,
        "sum_followup_squared": after * after,
        "sum_baseline_followup": before * after,
        "sum_exposure": nw.col("exposure"),
        "sum_weight": weight,
        "sum_weight_squared": weight * weight,
        "sum_weight_value": weight * value,
        "sum_weight_squared_value": weight * weight * value,
        "sum_weight_squared_value_squared": weight * weight * value * value,
    }
    known = nw.col("followed") & ~nw.col("change_class").is_null()
    for name in ("recovered", "improved", "unchanged", "deteriorated"):
        terms[f"n_{name}"] = nw.when(known).then((nw.col("change_class") == name).cast(nw.Int64()))
    return terms


def _on_grid(column: str, steps: float) -> nw.Expr:
    # Engines add in any order, and binary floats remember it. Numbers on a binary grid add up exactly, so two
    # builds give the same bytes. Whole scores are on it anyway; the step is far below what any score can resolve.
    return (nw.col(column).cast(nw.Float64()) * steps).round(0) / steps


def _sum(rows: Frame) -> Frame:
    terms = list(_terms())
    quantiles = {
        f"day_p{percent}": nw.col("days").quantile(percent / 100, interpolation="linear") for percent in (25, 50, 75)
    }
    # A sum over nothing is 0 on both engines, but unknown is null: the count tells them apart.
    summed = rows.group_by(KEY).agg(
        nw.col("n_eligible").sum(),
        nw.col("n_followed").sum(),
        *(nw.col(name).sum() for name in terms),
        *(nw.col(name).count().alias(f"{name}_present") for name in terms),
        **quantiles,
    )
    numbers = DERIVED["statistics"].schema
    empty = {"published_rate": nw.Float64(), "published_denominator": nw.Float64()}
    summed = summed.with_columns(
        *(nw.when(nw.col(f"{name}_present") > 0).then(nw.col(name)).alias(name) for name in terms),
        *(nw.lit(None, dtype=kind).alias(name) for name, kind in empty.items()),
        state=nw.lit("row"),
    )
    return summed.select(*(nw.col(name).cast(nw.Int64()) if name in COUNTS else nw.col(name) for name in numbers.names))
