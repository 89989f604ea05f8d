"""Is a curve good enough to be served? Checks on clinics that it was not fitted to (METHODS M6 gate, M6.1)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchwell.casemix.curve_rows import CurveRows
from benchwell.casemix.digits import figure
from benchwell.models.arrays import BoolArray, FloatArray
from benchwell.models.response_curve import Forecast
from benchwell.registry import CurveDeclaration
from benchwell.registry.response_curve import CurveGates
from benchwell.terms import Better


@dataclass(frozen=True)
class StartBand:
    """A band of first scores.

    Attributes:
        label: Both ends, such as `10-14`.
        lower: Lowest first score, inclusive.
        upper: Highest first score, inclusive.
    """

    label: str
    lower: float
    upper: float

    def holds(self, baseline: FloatArray) -> BoolArray:
        """Who started in it."""
        return np.asarray((baseline >= self.lower) & (baseline <= self.upper))


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Scores and what a curve that has not seen their clinics said of them; first scores have none."""

    rows: CurveRows
    forecast: Forecast
    better: Better
    boundary: float

    @property
    def later(self) -> BoolArray:
        """Which scores are later than the first one of their person on the clock, shape (n,)."""
        starts = self.rows.scores.first
        first = self.rows.scores.time[starts][self.rows.scores.person]
        return np.asarray(np.isfinite(self.forecast.mean) & (self.rows.scores.time > first))

    @property
    def within(self) -> BoolArray:
        """Which scores are within the central range."""
        value = self.rows.scores.value
        low, high = self.forecast.quantile(1 - self.boundary), self.forecast.quantile(self.boundary)
        return np.asarray((value >= low) & (value <= high))

    @property
    def beyond(self) -> BoolArray:
        """Which scores are beyond the boundary, towards worse."""
        value = self.rows.scores.value
        if self.better is Better.LOWER:
            return np.asarray(value > self.forecast.quantile(self.boundary))
        return np.asarray(value < self.forecast.quantile(1 - self.boundary))


def check_rows(held: HeldOut, bands: Sequence[StartBand], declaration: CurveDeclaration) -> list[dict[str, Any]]:
    """Rows of `curve_checks`: coverage, share beyond the boundary, and calibration by first score.

    Args:
        held: People of the population, and what was said of them.
        bands: Bands of first scores.
        declaration: What is allowed.
    """
    gates, later, person = declaration.gates, held.later, held.rows.scores.person
    found = []
    for stratum, level, people, (low, high) in _strata(held, bands, declaration):
        rows = later & people[person]
        found.append(_row(held, "coverage", stratum, level, rows, held.within, (low, high), gates))
    found.append(_row(held, "beyond", "all", "all", later, held.beyond, (0.0, gates.beyond), gates))
    error = held.rows.scores.value - held.forecast.mean
    limits = (-gates.calibration, gates.calibration)
    for stratum, level, some in _calibrated(held, bands):
        found.append(_row(held, "calibration", stratum, level, later & some, error, limits, gates))
    return found


def _calibrated(held: HeldOut, bands: Sequence[StartBand]) -> Iterator[tuple[str, str, BoolArray]]:
    """Where the mean is checked: by first score, and at each occasion, where a line that is not one would show."""
    person, at = held.rows.scores.person, np.floor(held.rows.occasion + 0.5)
    for band in bands:
        yield "baseline", band.label, band.holds(held.rows.baseline)[person]
    for occasion in np.unique(at[held.later]):
        yield "occasion", f"{occasion:g}", np.asarray(at == occasion)


def _strata(
    held: HeldOut, bands: Sequence[StartBand], declaration: CurveDeclaration
) -> Iterator[tuple[str, str, BoolArray, tuple[float, float]]]:
    gates, rows = declaration.gates, held.rows
    yield "all", "all", np.ones(rows.people, dtype=np.bool_), gates.coverage
    for band in bands:
        yield "baseline", band.label, band.holds(rows.baseline), gates.group_coverage
    for name, levels in rows.groups.items():
        for level in sorted(set(levels.tolist())):
            yield name, level, np.asarray(levels == level), gates.group_coverage


def _row(
    held: HeldOut,
    check: str,
    stratum: str,
    level: str,
    rows: BoolArray,
    values: FloatArray | BoolArray,
    limits: tuple[float, float],
    gates: CurveGates,
) -> dict[str, Any]:
    """One check; with fewer people than `gates.cell` it is not shown, with fewer than `gates.judged` not judged."""
    people = len(np.unique(held.rows.scores.person[rows]))
    head = {"check": check, "stratum": stratum, "level": level, "lowest": limits[0], "highest": limits[1]}
    if people < gates.cell:
        return head | {"n_people": None, "n_scores": None, "value": None, "passed": None}
    value = figure(float(values[rows].mean()))
    return head | {
        "n_people": people,
        "n_scores": int(rows.sum()),
        "value": value,
        "passed": limits[0] <= value <= limits[1] if people >= gates.judged else None,
    }


def failing(checks: Sequence[dict[str, Any]]) -> str | None:
    """The checks that a curve did not pass, in words; None if it passed every one that could be judged."""
    wrong = [one for one in checks if one["passed"] is False]
    if not wrong:
        return None
    parts = [
        f"{_WORDS[one['check']]}{_whom(one)} is {one['value']:.2f}, allowed {one['lowest']:g} to {one['highest']:g}"
        for one in wrong
    ]
    return f"On clinics that it was not fitted to: {'; '.join(parts)}."


_WORDS = {
    "coverage": "the share of scores within the range",
    "beyond": "the share of scores beyond the boundary",
    "calibration": "the mean score less the mean expected",
}
_WHOM = {"all": "", "baseline": " of first scores {level}", "occasion": " at occasion {level}"}


def _whom(one: dict[str, Any]) -> str:
    return _WHOM.get(one["stratum"], f" of {one['stratum']} {{level}}").format(level=one["level"])
