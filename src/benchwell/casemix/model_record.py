"""How one view of one measure was fitted, or why not: what an edition says of its case-mix models (METHODS M3.1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from benchwell.casemix.adjuster_coding import AdjusterDesign
from benchwell.casemix.digits import figure, finite_or_none
from benchwell.casemix.expected import Expectation
from benchwell.casemix.people import People
from benchwell.registry import CaseMix


@dataclass(frozen=True)
class CaseMixModel:
    """How one view of one measure was fitted.

    Attributes:
        measure: Id.
        casemix: Id of the declaration.
        adjustment: The view.
        denominator: Whom it was fitted to.
        status: "ok", or "insufficient" with a reason.
        reason: Code and what was found.
        n: People.
        n_excluded: People whom the declaration leaves out, since a value is unknown.
        n_incomplete: People of whom at least one adjuster is unknown.
        columns: Names of the coded columns, the constant first.
        dropped: Declared columns that say nothing here, each with its reason.
        coding: The published coding with its hash.
        constant: Of the model.
        covariance: Of the coefficients after the constant, row by row in the order of `columns`; null where the data do
            not tell. Of Mundlak slopes it allows for clinics; weights count as known.
        residual_sd: Of a continuous outcome; None for yes/no.
        factor: By which slopes were multiplied after the checks; 1 as fitted.
        slopes: Coefficients after the constant, in the order of `columns`.
        contrast_p: p value that clinic means matter otherwise than people's deviations from them: below .05, an
            adjustment by random effects alone would move results (M3.8). None where it was not asked.
        iterations: Newton steps.
        clinics_left_out: Clinics that say nothing about the coefficients: nobody or everybody had the outcome.
    """

    measure: str
    casemix: str
    adjustment: str
    denominator: str
    status: str
    reason: str | None
    n: int
    n_excluded: int
    n_incomplete: int
    columns: tuple[str, ...]
    dropped: Mapping[str, str]
    coding: Mapping[str, Any]
    constant: float | None = None
    slopes: tuple[float, ...] = ()
    covariance: tuple[tuple[float | None, ...], ...] = ()
    residual_sd: float | None = None
    factor: float = 1.0
    contrast_p: float | None = None
    iterations: int = 0
    clinics_left_out: int = 0


def model_record(
    key: Mapping[str, str], casemix: CaseMix, design: AdjusterDesign, people: People, fit: Expectation, factor: float
) -> CaseMixModel:
    """What goes into the edition of a model that could be fitted.

    Args:
        key: Measure, adjustment and denominator.
        casemix: The declaration.
        design: The coded people.
        people: Those whom it was fitted to.
        fit: The fit, its slopes multiplied by `factor`.
        factor: By which the check multiplied them; 1 as fitted.
    """
    return CaseMixModel(
        measure=key["measure"],
        adjustment=key["adjustment"],
        denominator=key["denominator"],
        casemix=casemix.id,
        status="ok",
        reason=None,
        n=people.n,
        n_excluded=0,
        n_incomplete=int(design.incomplete.sum()),
        columns=design.names,
        dropped=design.dropped,
        coding=design.coding,
        constant=figure(fit.constant),
        slopes=tuple(figure(value) for value in fit.slopes.tolist()),
        covariance=tuple(tuple(finite_or_none(figure(value)) for value in row) for row in fit.covariance.tolist()),
        residual_sd=None if fit.share else figure(float(np.sqrt(fit.residual_variance))),
        factor=figure(factor),
        iterations=fit.iterations,
        clinics_left_out=fit.left_out,
    )


def as_plain(models: Sequence[CaseMixModel]) -> list[dict[str, Any]]:
    """Models as plain data, for the edition's file."""
    return [asdict(model) for model in models]
