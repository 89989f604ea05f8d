"""Expected courses of an edition: fit each declared curve, check it on unseen clinics, freeze what it says (M6.1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from benchwell.casemix.curve_checks import HeldOut, StartBand, check_rows, failing
from benchwell.casemix.curve_figures import band_rows, rule_rows, start_bands, start_rows
from benchwell.casemix.curve_rows import CurveRows, curve_rows
from benchwell.casemix.digits import figure
from benchwell.engine import Engine, Frame
from benchwell.errors import DeclarationError
from benchwell.models.arrays import BoolArray
from benchwell.models.conditional_growth import Growth
from benchwell.models.response_curve import FittedGrowth, clinic_folds, fit_growth, held_out_forecast
from benchwell.outcomes import OutcomeInputs
from benchwell.registry import CurveDeclaration, Instrument
from benchwell.registry.instrument import Scale
from benchwell.tables import DERIVED
from benchwell.tables.curves import CURVE_TABLE_NAMES
from benchwell.terms import Better

Rows = dict[str, list[dict[str, Any]]]


def fit_response_curves(
    engine: Engine,
    inputs: OutcomeInputs,
    scores: Frame,
    declarations: Mapping[str, CurveDeclaration],
    instruments: Mapping[str, Instrument],
    *,
    last_day: int,
) -> dict[str, pa.Table]:
    """Fit and check every declared curve.

    Args:
        engine: Where the frames live.
        inputs: The frames that outcomes were built from.
        scores: `OutcomeTables.scores`.
        declarations: Curves by id; their instruments are among `instruments`.
        instruments: By id.
        last_day: Day of the snapshot.

    Returns:
        The five tables of `tables.curves`, in their order; empty without declarations.

    Raises:
        DeclarationError: If a curve names a scale or a cut-off that its instrument does not declare.
    """
    if not declarations:
        return {}
    found: Rows = {name: [] for name in CURVE_TABLE_NAMES}
    for name, declaration in sorted(declarations.items()):
        subject = _Subject.of(declaration, instruments[declaration.instrument])
        rows = curve_rows(engine, inputs, scores, declaration, subject.scale.id, last_day=last_day)
        for table, parts in subject.frozen(rows).items():
            found[table] += [{"curve": name, **part} for part in parts]
    return {name: _table(name, rows) for name, rows in found.items()}


def _table(name: str, rows: list[dict[str, Any]]) -> pa.Table:
    table = DERIVED[name]
    return pa.Table.from_pylist(rows, schema=table.schema).sort_by([(key, "ascending") for key in table.key])


@dataclass(frozen=True)
class _Subject:
    """One declaration with its instrument."""

    declaration: CurveDeclaration
    instrument: Instrument
    scale: Scale
    start: float | None

    @classmethod
    def of(cls, declaration: CurveDeclaration, instrument: Instrument) -> _Subject:
        try:
            scale = instrument.scale(declaration.scale)
        except KeyError:
            raise DeclarationError(f"Curve {declaration.id!r}: {instrument.id} has no such scale.") from None
        return cls(declaration, instrument, scale, _start(declaration, instrument, scale))

    @property
    def better(self) -> Better:
        return self.instrument.better_of(self.scale)

    @property
    def healthy_end(self) -> float:
        return self.scale.min if self.better is Better.LOWER else self.scale.max

    def belong(self, rows: CurveRows) -> BoolArray:
        """Who started at the declared score or worse."""
        start = self.start
        if start is None:
            return np.ones(rows.people, dtype=np.bool_)
        return np.asarray(rows.baseline >= start if self.better is Better.LOWER else rows.baseline <= start)

    def frozen(self, every: CurveRows) -> Rows:
        """Rows of every table; a curve that cannot be fitted has one row, with its reason."""
        mine = every.of(self.belong(every))
        head = self._head(every, mine)
        short = self._short(mine)
        if short is not None:
            return {"response_curves": [head | {"status": "insufficient", "reason": short}]}
        try:
            fit = fit_growth(every.scores)
            fold = clinic_folds(every.clinic, self.declaration.folds, self.declaration.seed)
            forecast = held_out_forecast(every.scores, fold)
        except ValueError as problem:
            reason = f"The curve cannot be fitted: {problem}."
            return {"response_curves": [head | {"status": "failed", "reason": reason}]}
        inside = self.belong(every)[every.scores.person]
        said = type(forecast)(forecast.mean[inside], forecast.sd[inside])
        return self._figures(head, fit, HeldOut(mine, said, self.better, self.declaration.boundary))

    def _figures(self, head: dict[str, Any], fit: FittedGrowth, held: HeldOut) -> Rows:
        bands = start_bands(self.instrument, self.scale, self.start)
        growth = _rounded(fit.growth)
        checks = check_rows(held, bands, self.declaration)
        wrong = failing(checks) if fit.converged else "The search for the curve did not end at an optimum."
        status = {"status": "ok", "reason": None} if wrong is None else {"status": "failed", "reason": wrong}
        return {
            "response_curves": [head | status | _coefficients(fit, growth)],
            "response_starts": self._starts(held.rows, bands),
            "response_bands": band_rows(held.rows, bands, self.declaration, growth),
            "early_changes": rule_rows(held, self.declaration, self.healthy_end),
            "curve_checks": checks,
        }

    def _starts(self, rows: CurveRows, bands: list[StartBand]) -> list[dict[str, Any]]:
        return start_rows(rows, bands, self.declaration, self.instrument, self.scale, self.healthy_end)

    def _short(self, mine: CurveRows) -> str | None:
        """What is missing for a fit, in words."""
        gates, clinics = self.declaration.gates, _clinics(mine)
        if mine.people < gates.people:
            few = "fewer than 10" if mine.people < gates.cell else str(mine.people)
            return f"A curve needs {gates.people} people with {gates.scores} or more scores; there are {few}."
        if clinics < gates.organizations:
            return f"The checks leave clinics out and need {gates.organizations} of them; there are {clinics}."
        return None

    def _head(self, every: CurveRows, mine: CurveRows) -> dict[str, Any]:
        cell = self.declaration.gates.cell
        shown = mine.people >= cell
        return {
            "instrument": self.instrument.id,
            "scale": self.scale.id,
            "better": self.better.value,
            "scale_min": self.scale.min,
            "scale_max": self.scale.max,
            "clock": self.declaration.clock,
            "horizon": self.declaration.horizon,
            "boundary": self.declaration.boundary,
            "start": self.start,
            "n_people": mine.people if shown else None,
            "n_fitted": every.people if shown else None,
            "n_scores": len(every.occasion) if shown else None,
            "n_organizations": _clinics(every) if shown else None,
        }


def _clinics(rows: CurveRows) -> int:
    return len(set(rows.clinic.tolist()))


def _start(declaration: CurveDeclaration, instrument: Instrument, scale: Scale) -> float | None:
    """The declared start as a score: of a cut-off, the score that just meets it."""
    if declaration.start == "everybody":
        return None
    if not isinstance(declaration.start, str):
        return declaration.start
    case = scale.caseness or (instrument.caseness if scale.primary else None)
    if case is None:
        raise DeclarationError(
            f"Curve {declaration.id!r} starts at caseness, which {instrument.id} does not declare for this scale.",
            hint="give `start` a score, with its source, or `everybody`",
        )
    beside = {">": 1.0, "<": -1.0}.get(case.operator, 0.0)  # the next whole score meets a strict cut-off
    return case.value + beside


def _rounded(growth: Growth) -> Growth:
    """The coefficients as they are frozen: everything else is computed from these."""
    return Growth(*(figure(getattr(growth, name)) for name in Growth.__dataclass_fields__))


def _coefficients(fit: FittedGrowth, growth: Growth) -> dict[str, float]:
    errors = {"intercept_se": figure(fit.intercept_se), "slope_se": figure(fit.slope_se)}
    return {name: getattr(growth, name) for name in Growth.__dataclass_fields__} | errors
