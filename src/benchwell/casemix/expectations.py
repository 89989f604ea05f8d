"""What each organization's people were expected to reach: adjusted sums, coefficients and checks (METHODS M3).

One model per measure, view and denominator. Patient rows end here: what leaves are sums per organization, period and
stratum, from which an edition computes every adjusted figure, and which `verify` computes again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from benchwell.casemix.adjuster_coding import AdjusterDesign, code_adjusters
from benchwell.casemix.contrast import Contrast, contrast_of
from benchwell.casemix.digits import figure, finite_or_none, significant
from benchwell.casemix.expected import CannotFitError, Expectation, expect
from benchwell.casemix.model_check import FAIL, Group, ModelCheck, check, out_of_clinic
from benchwell.casemix.model_record import CaseMixModel, model_record
from benchwell.casemix.people import ALL, People, by_cell, levels_of, people_of, quarters_of
from benchwell.models.arrays import FloatArray
from benchwell.models.direct import direct_rates_from_rows
from benchwell.registry import CaseMix, Measure
from benchwell.tables import DERIVED
from benchwell.terms import Adjustment, Denominator

_SUMS = DERIVED["adjusted_sums"]
_LEAST_ORGANIZATIONS = 5  # as for any tier (METHODS M4.2)
_SIZE_BANDS = ("smallest third", "middle third", "largest third")


@dataclass(frozen=True)
class Expectations:
    """Everything that an edition freezes of its case-mix models.

    Attributes:
        adjusted_sums: `tables.DERIVED["adjusted_sums"]`.
        coefficients: `tables.DERIVED["coefficients"]`.
        model_checks: `tables.DERIVED["model_checks"]`.
        models: How each model was fitted, or why not.
        chances: Per yes/no measure, `episode_id` and `chance` of meeting it, as the clinical view expects it of each
            person under the primary denominator; only where that model passed its checks. Rows of people, so it stays
            inside: monitoring adds them up by month.
    """

    adjusted_sums: pa.Table
    coefficients: pa.Table
    model_checks: pa.Table
    models: tuple[CaseMixModel, ...]
    chances: Mapping[str, pa.Table] = field(default_factory=dict)


def expectations(
    rows: Mapping[str, pa.Table],
    measures: Sequence[Measure],
    casemix: Mapping[str, CaseMix],
    strata: Mapping[str, tuple[str, ...]],
) -> Expectations:
    """Fit every view of every measure that names a case mix, and sum what is expected.

    Args:
        rows: Per measure, its eligible episodes sorted by episode: columns of `tables.DERIVED["outcomes"]`, the
            measure's raw adjusters, `quarter`, and `level_<stratum>` for each declared stratum.
        measures: Those to fit.
        casemix: Declaration per measure.
        strata: Declared strata per measure.

    Returns:
        Frozen tables, sorted by key, numbers at 12 significant digits.
    """
    sums: list[pa.Table] = []
    terms: list[dict[str, Any]] = []
    checks: list[dict[str, Any]] = []
    models: list[CaseMixModel] = []
    chances: dict[str, pa.Table] = {}
    for measure in measures:
        for view in casemix[measure.id].views:
            if view is Adjustment.UNADJUSTED:
                continue
            for found in _view(rows[measure.id], measure, casemix[measure.id], view, strata.get(measure.id, ())):
                sums += found.sums
                terms += found.terms
                checks += found.checks
                models.append(found.model)
                if found.chances is not None:
                    chances[measure.id] = found.chances
    return Expectations(
        _sorted("adjusted_sums", pa.concat_tables([_SUMS.empty(), *sums])),
        _frozen("coefficients", terms),
        _frozen("model_checks", checks),
        tuple(models),
        chances,
    )


@dataclass(frozen=True)
class _Fitted:
    model: CaseMixModel
    sums: list[pa.Table]
    terms: list[dict[str, Any]]
    checks: list[dict[str, Any]]
    chances: pa.Table | None = None


def _view(
    rows: pa.Table, measure: Measure, casemix: CaseMix, view: Adjustment, strata: tuple[str, ...]
) -> Iterator[_Fitted]:
    """One view under each denominator: the primary first, since its check decides how the others are scaled."""
    there = pc.count_distinct(rows["organization_id"]).as_py()
    if there < _LEAST_ORGANIZATIONS:
        people = people_of(rows, measure, measure.primary_denominator)
        reason = f"too_few_organizations: {there}; {_LEAST_ORGANIZATIONS} are needed for a comparison"
        if people is not None:
            yield _refused(people, measure, casemix, view, measure.primary_denominator, reason)
        return
    order = sorted(Denominator, key=lambda one: one is not measure.primary_denominator)
    first: CaseMixModel | None = None
    for denominator in order:
        people = people_of(rows, measure, denominator)
        if people is None:
            continue
        primary = denominator is measure.primary_denominator
        try:
            found = _one(people, measure, casemix, view, denominator, strata, first)
        except CannotFitError as problem:
            yield _refused(people, measure, casemix, view, denominator, str(problem))
            if primary:
                return
            continue
        first = found.model if primary else first
        yield found


def _one(
    people: People,
    measure: Measure,
    casemix: CaseMix,
    view: Adjustment,
    denominator: Denominator,
    strata: tuple[str, ...],
    first: CaseMixModel | None,
) -> _Fitted:
    """One model; `first` is that of the primary denominator, unless this is it."""
    design = code_adjusters(people.rows, casemix, view)
    _ensure_adds(design, casemix, view)
    if view is Adjustment.DAY and denominator is Denominator.ALL_ELIGIBLE and not design.kept.all():
        without = people.n - int(design.kept.sum())
        raise CannotFitError(f"no_day_without_followup: {without} of {people.n} who count have no measurement day")
    counted = people if design.kept.all() else people.take(design.kept)
    share, mundlak = measure.summary == "proportion", casemix.within == "mundlak"
    columns, groups = design.columns[:, 1:], len(counted.organizations)
    primary, factor = denominator is measure.primary_denominator, 1.0 if first is None else first.factor
    fit = expect(
        columns,
        counted.outcome,
        counted.organization,
        groups,
        share=share,
        weight=counted.weight,
        mundlak=mundlak,
        start=np.array(first.slopes) if first is not None and first.columns == design.names else None,
    )
    checked: ModelCheck | None = None
    contrast: Contrast | None = None
    if primary:
        predictor = out_of_clinic(
            columns, counted.outcome, counted.organization, share=share, mundlak=mundlak, start=fit.slopes
        )
        checked = check(predictor, counted.outcome, counted.organization, _groups(counted, casemix, view, strata), fit)
        factor = checked.factor
        contrast = contrast_of(columns, counted.outcome, counted.organization, share=share)
    if factor != 1.0:
        fit = fit.scaled(factor, columns, counted.outcome, counted.weights)
    key = {"measure": measure.id, "adjustment": view.value, "denominator": denominator.value}
    model = model_record(key, casemix, design, counted, fit, factor)
    model = replace(model, n_excluded=people.n - counted.n, contrast_p=contrast.p if contrast else None)
    checks = [key | row for row in checked.rows] if checked else []
    for row in checks:
        del row["denominator"]
    monitored = primary and share and view is Adjustment.CLINICAL and all(row["status"] != FAIL for row in checks)
    return _Fitted(
        model,
        list(_sums(counted, design, columns, fit, _Place(key, view, strata, primary=primary))),
        [key | row for row in _terms(design, fit, contrast)],
        checks,
        _chances(counted, columns, fit) if monitored else None,
    )


def _ensure_adds(design: AdjusterDesign, casemix: CaseMix, view: Adjustment) -> None:
    """A view that adjusts for nothing more than the clinical one must not be shown under its own name (C8)."""
    if len(design.names) < 2:
        raise CannotFitError("no_adjusters: nothing that this view adjusts for is recorded here")
    clinical = {one.name for one in casemix.views.get(Adjustment.CLINICAL, ())}
    added = {one.name for one in casemix.views[view]} - clinical
    if view is not Adjustment.CLINICAL and added <= set(design.unused):
        names = ", ".join(sorted(added))
        raise CannotFitError(f"nothing_added: what this view would add ({names}) is not recorded, or the same for all")


def _chances(people: People, columns: FloatArray, fit: Expectation) -> pa.Table:
    """What is expected of each person, for monitoring in order of time."""
    chance = fit.mean(fit.predictor(columns))
    return pa.table({"episode_id": people.rows["episode_id"], "chance": pa.array(chance, pa.float64())})


def _groups(people: People, casemix: CaseMix, view: Adjustment, strata: tuple[str, ...]) -> tuple[Group, ...]:
    """Declared strata, gated where the view adjusts for the variable; and bands of clinic size, reported only.

    A band of sizes holds a few clinics: what they do better or worse shows there, and is no fault of the model.
    """
    adjusted = {one.name for one in casemix.views[view]} | {one.source for one in casemix.views[view]}
    found = []
    for stratum in strata:
        levels, index = levels_of(people.rows, stratum)
        banded = "baseline" if stratum == "severity_band" else stratum.removesuffix("_band")
        found.append(Group(stratum, levels, index, stratum in adjusted or banded in adjusted))
    size = np.bincount(people.organization, minlength=len(people.organizations))
    order = np.argsort(size, kind="stable")
    band = np.empty(len(size), dtype=np.int64)
    band[order] = np.minimum(np.arange(len(size)) * 3 // max(len(size), 1), 2)
    found.append(Group("clinic size", _SIZE_BANDS, band[people.organization], gated=False, of_clinics=True))
    return tuple(found)


@dataclass(frozen=True)
class _Place:
    """Which sums are wanted of a model: all cells of the primary denominator, the total of the others."""

    key: Mapping[str, str]
    view: Adjustment
    strata: tuple[str, ...]
    primary: bool

    @property
    def split_by(self) -> tuple[str, ...]:
        levels = self.primary and self.view is not Adjustment.DAY
        return (ALL, *self.strata) if levels else (ALL,)

    @property
    def has_quarters(self) -> bool:
        return self.primary and self.view is Adjustment.CLINICAL


def _sums(
    people: People, design: AdjusterDesign, columns: FloatArray, fit: Expectation, place: _Place
) -> Iterator[pa.Table]:
    """Sums per organization: over everything, per level of each stratum, and per quarter."""
    predictor = fit.predictor(columns)
    mean, weight = fit.mean(predictor), people.weights
    spread = fit.spread(mean)
    terms = {
        "n": np.ones(people.n),
        "n_incomplete": design.incomplete.astype(np.float64),
        "weight": weight,
        "weight_squared": weight**2,
        "observed": weight * people.outcome,
        "expected": weight * mean,
        "information": weight * (spread if fit.share else 1.0),
        "variance": weight**2 * spread,
    }
    k = len(people.organizations)
    for stratum in place.split_by:
        levels, level = levels_of(people.rows, stratum)
        cell, cells = level * k + people.organization, len(levels) * k
        found = by_cell(cell, cells, terms)
        if fit.share:
            solved = direct_rates_from_rows(
                predictor, people.outcome, cell, cells, predictor, people.weight, reference_weight=people.weight
            )
            found |= {"direct": solved.rate, "direct_variance": solved.variance}
        yield _cells(found, people, levels, "level", {**place.key, "stratum": stratum})
    if place.has_quarters:
        quarters, quarter = quarters_of(people.rows)
        found = by_cell(quarter * k + people.organization, len(quarters) * k, terms)
        yield _cells(found, people, quarters, "period", place.key)


def _cells(
    found: Mapping[str, FloatArray], people: People, levels: Sequence[str], name: str, place: Mapping[str, str]
) -> pa.Table:
    """Cells with people, in the table's shape; numbers at 12 significant digits, since the last depend on order."""
    k = len(people.organizations)
    used = np.flatnonzero(found["n"])
    columns: dict[str, Any] = {
        part: pa.array([word] * len(used), pa.string())
        for part, word in ({"period": ALL, "stratum": ALL, "level": ALL} | dict(place)).items()
    }
    columns[name] = pa.array(levels, pa.string()).take(pa.array(used // k))
    columns["organization_id"] = pa.array(people.organizations, pa.string()).take(pa.array(used % k))
    for column, values in found.items():
        rounded = significant(values[used])
        columns[column] = pa.array(rounded, pa.float64(), mask=~np.isfinite(rounded))
    return _SUMS.conform(pa.table(columns))


def _terms(design: AdjusterDesign, fit: Expectation, contrast: Contrast | None) -> Iterator[dict[str, Any]]:
    yield {"term": design.names[0], "estimate": fit.constant}
    for place, name in enumerate(design.names[1:]):
        row = {
            "term": name,
            "estimate": float(fit.slopes[place]),
            "standard_error": finite_or_none(float(fit.standard_errors[place])),
        }
        if contrast is not None:
            row |= {
                "between": finite_or_none(float(contrast.between[place])),
                "between_standard_error": finite_or_none(float(contrast.between_errors[place])),
                "contrast_p": finite_or_none(float(contrast.p_values[place])),
            }
        yield row


def _refused(
    people: People, measure: Measure, casemix: CaseMix, view: Adjustment, denominator: Denominator, reason: str
) -> _Fitted:
    design = code_adjusters(people.rows.slice(0, 0), casemix, view)
    model = CaseMixModel(
        measure=measure.id,
        casemix=casemix.id,
        adjustment=view.value,
        denominator=denominator.value,
        status="insufficient",
        reason=reason,
        n=people.n,
        n_excluded=0,
        n_incomplete=0,
        columns=(),
        dropped={},
        coding=design.coding,
    )
    return _Fitted(model, [], [], [])


def _frozen(name: str, rows: list[dict[str, Any]]) -> pa.Table:
    """Rows as an edition stores them: in the table's shape, sorted by key, at 12 significant digits."""
    table = DERIVED[name]
    rounded = [
        {column: figure(value) if isinstance(value, float) else value for column, value in row.items()} for row in rows
    ]
    known = [{column: value for column, value in row.items() if column in table.columns} for row in rounded]
    return _sorted(name, pa.Table.from_pylist(known, schema=table.schema))


def _sorted(name: str, table: pa.Table) -> pa.Table:
    return table.sort_by([(part, "ascending") for part in DERIVED[name].key]).combine_chunks()
