"""Sequential monitoring: VLAD and CUSUM of every organization, month by month of maturity (METHODS M5.4).

People stand in the order of the day on which their outcome was due, counted adversely: 1 is the unfavorable outcome.
What is expected of each is the rate of everybody together and, beside it, what the clinical case mix expects where its
model passed its checks. Patient rows end here: what leaves are sums and the path per month.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy import special

from benchwell.casemix.digits import significant
from benchwell.casemix.people import People, people_of
from benchwell.models.arrays import FloatArray, IntArray
from benchwell.models.cusum import DOUBLED, HALVED, cusum, is_monitored, vlad
from benchwell.models.run_length_curves import chart_limits
from benchwell.registry import Measure
from benchwell.tables import DERIVED
from benchwell.terms import Adjustment, Better

_MONTHS = DERIVED["monitoring_months"]
_DAYS_A_YEAR = 365.25
_SHORTEST = 91  # days: a volume is not read off less than a quarter
# A chance nearer to 0 or 1 would let one person decide the chart.
_LEAST_CHANCE = 0.001
_LIMITS = ("worse", DOUBLED), ("better", HALVED)


@dataclass(frozen=True)
class Monitoring:
    """What an edition freezes of monitoring.

    Attributes:
        table: `tables.DERIVED["monitoring_months"]`, sorted by key, numbers at 12 significant digits.
        notes: What a reader should know, one sentence each.
    """

    table: pa.Table
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Course:
    """People of one measure in the order in which they are looked at: by organization, due day and episode."""

    organizations: tuple[str, ...]
    organization: IntArray
    day: IntArray
    adverse: FloatArray
    expected: FloatArray
    adjustment: Adjustment
    n_clipped: int


def monitor(
    rows: Mapping[str, pa.Table],
    measures: Sequence[Measure],
    chances: Mapping[str, pa.Table],
    organization_n: Mapping[str, int],
) -> Monitoring:
    """Draw the charts of every organization and yes/no measure.

    Args:
        rows: From `due_rows`, per measure.
        measures: Those to monitor; others than yes/no are passed over.
        chances: `Expectations.chances`: how likely each person meets the measure, where a case mix says so.
        organization_n: Per measure, least number of people of an organization (`Gates.organization_n`).

    Returns:
        One row per adjustment, organization and month with people due. Organizations below the least number have none,
        nor have those whose people cover less than a year, unless they are fifty (`models.cusum.is_monitored`).

    Source:
        Steiner et al. (2000), Biostatistics 1:441-452; METHODS M5.4.
    """
    found, clipped, where = [_MONTHS.empty()], 0, 0
    for measure in measures:
        if measure.summary != "proportion" or measure.id not in rows:
            continue
        for course in _courses(rows[measure.id], measure, chances.get(measure.id)):
            found += _charts(course, measure.id, organization_n[measure.id])
            clipped, where = clipped + course.n_clipped, where + (course.n_clipped > 0)
    table = pa.concat_tables(found).sort_by([(part, "ascending") for part in _MONTHS.key]).combine_chunks()
    return Monitoring(table, _notes(clipped, where))


def _notes(clipped: int, measures: int) -> tuple[str, ...]:
    if not clipped:
        return ()
    people = "one person whose chance was" if clipped == 1 else f"{clipped:,} people whose chances were"
    whose = "one measure" if measures == 1 else f"{measures} measures"
    return (f"Charts over time of {whose}: {people} below 0.1 % or above 99.9 % counted with that limit.",)


def _courses(rows: pa.Table, measure: Measure, chances: pa.Table | None) -> Iterator[_Course]:
    """People of the primary denominator with what is expected, unadjusted first, always (METHODS C9).

    Nothing where nobody or everybody did badly: there is no course to compare with.
    """
    people = people_of(rows, measure, measure.primary_denominator)
    if people is None:
        return
    lower = measure.better is Better.LOWER
    adverse = people.outcome if lower else 1 - people.outcome
    if not 0 < adverse.sum() < people.n:
        return
    yield _in_order(people, adverse, np.full(people.n, adverse.mean()), Adjustment.UNADJUSTED)
    if chances is not None:
        met = _chance_of(people, chances)
        yield _in_order(people, adverse, met if lower else 1 - met, Adjustment.CLINICAL)


def _in_order(people: People, adverse: FloatArray, expected: FloatArray, adjustment: Adjustment) -> _Course:
    day = np.asarray(people.rows["due_day"].to_numpy(), dtype=np.int64)
    known = np.flatnonzero(np.isfinite(expected))  # a case mix may leave out people of whom it does not know enough
    kept = known[np.lexsort((day[known], people.organization[known]))]  # stable: ties by episode
    clipped = np.clip(expected, _LEAST_CHANCE, 1 - _LEAST_CHANCE)
    return _Course(
        people.organizations,
        people.organization[kept],
        day[kept],
        adverse[kept],
        clipped[kept],
        adjustment,
        int((clipped[kept] != expected[kept]).sum()),
    )


def _chance_of(people: People, chances: pa.Table) -> FloatArray:
    """Chance of meeting the measure, in the order of the people; NaN for whom the model leaves out."""
    place = pc.index_in(people.rows["episode_id"], value_set=chances["episode_id"].combine_chunks())
    found = chances["chance"].take(place.combine_chunks())
    return np.asarray(found.to_numpy(), dtype=np.float64)


def _charts(course: _Course, measure: str, organization_n: int) -> list[pa.Table]:
    size = np.bincount(course.organization, minlength=len(course.organizations))
    start = np.concatenate([[0], np.cumsum(size)])
    span = np.array([_span(course.day[a:b]) for a, b in pairwise(start)])
    shown = np.flatnonzero(is_monitored(size, span, organization_n))
    if not len(shown):
        return []
    logit = special.logit(course.expected)
    parts = [slice(start[one], start[one + 1]) for one in shown]
    means = np.array([logit[part].mean() for part in parts])
    spreads = np.array([logit[part].std() if course.adjustment is Adjustment.CLINICAL else 0.0 for part in parts])
    year = size[shown] * _DAYS_A_YEAR / np.maximum(span[shown], _SHORTEST)
    limits = {name: chart_limits(means, spreads, year, ratio) for name, ratio in _LIMITS}
    heights = {name: significant(found.h) for name, found in limits.items()}
    paths = [
        _months(
            course.day[part], course.expected[part], course.adverse[part], {k: h[place] for k, h in heights.items()}
        )
        for place, part in enumerate(parts)
    ]
    chart = np.repeat(np.arange(len(parts)), [len(path["n"]) for path in paths])
    columns = {name: np.concatenate([path[name] for path in paths]) for name in paths[0]}
    for name in heights:
        columns |= {f"limit_{name}": heights[name][chart], f"arl_{name}": limits[name].run_length[chart]}
    return [_table(columns, measure, course.adjustment, [course.organizations[shown[one]] for one in chart])]


def _span(day: IntArray) -> int:
    """Days from the first to the last due day, both counted."""
    return int(day[-1] - day[0]) + 1 if len(day) else 0


def _months(
    day: IntArray, expected: FloatArray, adverse: FloatArray, heights: Mapping[str, float]
) -> dict[str, np.ndarray]:
    """The path of one organization, cut into months."""
    month = day.astype("datetime64[D]").astype("datetime64[M]")
    first = np.flatnonzero(np.concatenate([[True], month[1:] != month[:-1]]))
    last = np.append(first[1:], len(month)) - 1
    columns = {
        "month": month[first],
        "n": last - first + 1,
        "adverse": np.add.reduceat(adverse, first).astype(np.int64),
        "expected": np.add.reduceat(expected, first),
        "vlad": vlad(expected, adverse)[last],
        "signal": np.zeros(len(first), dtype=np.int64),
    }
    # Should both cross in one month, the less favorable one is named: it comes last here.
    for code, (name, ratio) in reversed(list(enumerate(_LIMITS, start=1))):
        chart = cusum(expected, adverse, ratio, heights[name])
        columns["signal"][np.searchsorted(first, chart.signals, side="right") - 1] = code
        columns[f"cusum_{name}"] = chart.value[last]
        columns[f"cusum_{name}_peak"] = np.maximum.reduceat(chart.value, first)
    return columns


def _table(
    columns: Mapping[str, np.ndarray], measure: str, adjustment: Adjustment, organizations: list[str]
) -> pa.Table:
    """Paths in the shape of the table, numbers at 12 significant digits."""
    words = pa.array([None, *(name for name, _ in _LIMITS)], pa.string())
    found: dict[str, object] = {
        name: significant(values) if values.dtype == np.float64 else values for name, values in columns.items()
    }
    found |= {
        "measure": pa.array([measure] * len(organizations), pa.string()),
        "adjustment": pa.array([adjustment.value] * len(organizations), pa.string()),
        "organization_id": pa.array(organizations, pa.string()),
        "month": pa.array(np.datetime_as_string(columns["month"]).tolist(), pa.string()),
        "signal": words.take(pa.array(columns["signal"])),
    }
    return _MONTHS.conform(pa.table(found))
