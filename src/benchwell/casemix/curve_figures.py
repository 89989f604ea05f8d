"""What an edition says beside a curve: how people with a similar start ended, and what an early sign was worth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from benchwell.casemix.curve_checks import HeldOut, StartBand
from benchwell.casemix.curve_rows import CurveRows
from benchwell.casemix.digits import figure
from benchwell.models.arrays import BoolArray, FloatArray, IntArray
from benchwell.models.conditional_growth import Growth, log_sessions, log_weeks
from benchwell.models.early_change import TwoByTwo, two_by_two
from benchwell.models.quantiles import quantile_type7
from benchwell.registry import CurveDeclaration, Instrument
from benchwell.registry.instrument import Scale
from benchwell.terms import Better

_SLACK = 1e-9  # half of the way is half of the way, whatever binary floats make of it


def start_bands(instrument: Instrument, scale: Scale, start: float | None) -> list[StartBand]:
    """The scale's severity bands, as far as they belong to the population; one band where it declares none.

    >>> from benchwell.registry import Registry
    >>> phq9 = Registry.load().instrument("phq-9")
    >>> [band.label for band in start_bands(phq9, phq9.primary, 10)]
    ['10-14', '15-19', '20-27']
    """
    low, high = scale.min, scale.max
    if start is not None:
        low, high = (start, high) if instrument.better_of(scale) is Better.LOWER else (low, start)
    declared = [(band.min, band.max) for band in instrument.bands_of(scale)] or [(low, high)]
    ends = [(max(a, low), min(b, high)) for a, b in declared]
    return [StartBand(f"{a:g}-{b:g}", a, b) for a, b in ends if a <= b]


def gain_shares(baseline: FloatArray, value: FloatArray, healthy_end: float) -> FloatArray:
    """Share of the way from the first score to the healthy end of the scale; NaN for who started there."""
    way = baseline - healthy_end
    share: FloatArray = np.divide(baseline - value, way, out=np.full(len(way), np.nan), where=way != 0)
    return share


def last_scores(rows: CurveRows, declaration: CurveDeclaration) -> IntArray:
    """Place of the score at the end of each course, -1 for people without one, shape (m,)."""
    found = np.full(rows.people, -1, dtype=np.int64)
    late = np.flatnonzero(rows.occasion >= declaration.end.from_occasion)
    found[rows.scores.person[late]] = late  # rows are in order: the last one stays
    return found


def responded(rows: CurveRows, ends: IntArray, declaration: CurveDeclaration, healthy_end: float) -> BoolArray:
    """Who had a response at the end; meaningless for people without an end."""
    share = gain_shares(rows.baseline, rows.scores.value[ends], healthy_end)
    return np.asarray(share >= declaration.end.response_share - _SLACK)


def start_rows(
    rows: CurveRows,
    bands: Sequence[StartBand],
    declaration: CurveDeclaration,
    instrument: Instrument,
    scale: Scale,
    healthy_end: float,
) -> list[dict[str, Any]]:
    """Rows of `response_starts`: of the people of a band with a score at the end, who responded and who remitted."""
    ends = last_scores(rows, declaration)
    response = responded(rows, ends, declaration, healthy_end)
    remission = instrument.remission if scale.primary else None
    found = []
    for band in bands:
        mine = band.holds(rows.baseline) & (ends >= 0)
        n = int(mine.sum())
        row: dict[str, Any] = {"band": band.label, "band_lower": band.lower, "band_upper": band.upper}
        if n >= declaration.gates.cell:
            row |= {"n_people": n, "n_responded": int(response[mine].sum())}
            if remission is not None:
                last = rows.scores.value[ends[mine]]
                row["n_remitted"] = int(_reached(last, remission.operator, remission.value).sum())
        found.append(row)
    return found


def band_rows(
    rows: CurveRows, bands: Sequence[StartBand], declaration: CurveDeclaration, growth: Growth
) -> list[dict[str, Any]]:
    """Rows of `response_bands`: the model's range by first score and occasion, and percentiles where enough were seen.

    The percentiles assume no distribution (METHODS M6.1); they need `gates.empirical_band` people at an occasion.
    """
    tail = 1 - declaration.boundary
    found = []
    for band in bands:
        baseline = (band.lower + band.upper) / 2
        mine = band.holds(rows.baseline)
        for occasion in occasions(declaration):
            values = rows.scores.value[_at(rows, occasion, mine)]
            said = growth.given(time_of(declaration, occasion), baseline)
            row: dict[str, Any] = {"band": band.label, "occasion": occasion, "baseline": baseline}
            row |= {"mean": said.mean, "lower": said.quantile(tail), "upper": said.quantile(declaration.boundary)}
            row["n_people"] = len(values) if len(values) >= declaration.gates.cell else None
            if len(values) >= declaration.gates.empirical_band:
                seen = quantile_type7(values, [tail, 0.5, declaration.boundary])
                row |= dict(
                    zip(("empirical_lower", "empirical_median", "empirical_upper"), map(float, seen), strict=True)
                )
            found.append(row)
    return found


def rule_rows(held: HeldOut, declaration: CurveDeclaration, healthy_end: float) -> list[dict[str, Any]]:
    """Rows of `early_changes`: the early rule, and "review" at each occasion, against response at the end (M6.3)."""
    rows = held.rows
    ends = last_scores(rows, declaration)
    response = responded(rows, ends, declaration, healthy_end)
    found = []
    if declaration.early is not None:
        early = declaration.early
        place = _closest(rows, early.by, early.within)
        share = gain_shares(rows.baseline, rows.scores.value[place], healthy_end)
        known = (place >= 0) & (ends >= 0) & np.isfinite(share)
        counts = two_by_two((share < early.share)[known], response[known])
        found.append(_rule("early_change", early.by, early.within, early.share, counts, declaration))
    beyond, later, everybody = held.beyond, held.later, np.ones(rows.people, dtype=np.bool_)
    for occasion in occasions(declaration):
        place = _at(rows, occasion, everybody)
        place = place[later[place]]
        who = rows.scores.person[place]
        known = (ends[who] >= 0) & (ends[who] > place)  # the end is another, later score
        counts = two_by_two(beyond[place[known]], response[who[known]])
        if counts.n:
            found.append(_rule("review", occasion, 0.5, None, counts, declaration))
    return found


def occasions(declaration: CurveDeclaration) -> list[float]:
    """Whole occasions after the first one, up to the horizon."""
    first = 1 if declaration.clock == "weeks" else 2
    return [float(one) for one in range(first, int(declaration.horizon) + 1)]


def time_of(declaration: CurveDeclaration, occasion: float) -> float:
    """An occasion in the model's units."""
    return log_weeks(occasion) if declaration.clock == "weeks" else log_sessions(occasion)


def _at(rows: CurveRows, occasion: float, people: BoolArray) -> IntArray:
    """Place of the last score of each person that rounds to an occasion."""
    near = np.flatnonzero((np.floor(rows.occasion + 0.5) == occasion) & people[rows.scores.person])
    return near[np.flatnonzero(np.diff(rows.scores.person[near], append=-1))]


def _closest(rows: CurveRows, by: float, within: float) -> IntArray:
    """Place of the score closest to an occasion, the later one of two as close; -1 for people without one."""
    found = np.full(rows.people, -1, dtype=np.int64)
    away = np.abs(rows.occasion - by)
    first = np.zeros(len(away), dtype=np.bool_)
    first[rows.scores.first] = True
    near = np.flatnonzero((away <= within) & ~first)
    order = near[np.lexsort((near, -away[near]))]  # the closest, and the later of two, is written last
    found[rows.scores.person[order]] = order
    return found


def _rule(
    rule: str, occasion: float, within: float, share: float | None, counts: TwoByTwo, declaration: CurveDeclaration
) -> dict[str, Any]:
    """One row; where too few were flagged, or not flagged, neither counts nor shares are frozen."""
    row: dict[str, Any] = {"rule": rule, "occasion": occasion, "within": within, "share": share}
    cell = declaration.gates.cell
    shares = (counts.sensitivity, counts.specificity, counts.ppv, counts.npv, counts.prevalence)
    if counts.flagged < cell or counts.n - counts.flagged < cell or None in shares:
        return row | {"status": "insufficient"}
    names = ("sensitivity", "specificity", "ppv", "npv", "prevalence")
    row |= {"status": "ok", "n_people": counts.n, "tp": counts.tp, "fp": counts.fp, "fn": counts.fn, "tn": counts.tn}
    return row | {name: figure(one) for name, one in zip(names, shares, strict=True) if one is not None}


def _reached(values: FloatArray, operator: str, cut: float) -> BoolArray:
    compared = {"<": values < cut, "<=": values <= cut, ">": values > cut, ">=": values >= cut}
    return np.asarray(compared[operator])
