"""Checks of a case-mix model on clinics that it was not fitted to (METHODS M3.11).

Clinics are dealt into five parts by their order of ids; each part is predicted from the other four. The gate asks the
slope, the constant, and observed over expected in every group that the model adjusts for. Groups that the model leaves
out on purpose (deprivation in the clinical view) and bands of clinic size are reported and not gated: a gap there is
what the view is meant to show.

Slope and groups are judged at each clinic's own level. Expectations come from differences within clinics, and that is
what they promise (M3.8). Judged across clinics, poor care where people are poor would look like a slope that is too
flat, and a repair of the slope would book the care on the people after all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special

from benchwell.casemix.expected import CannotFitError, Expectation, expect
from benchwell.models.arrays import BoolArray, FloatArray, IntArray
from benchwell.models.calibration import calibration
from benchwell.models.calibration_gate import GROUP_OF, calibration_gate, continuous_gate
from benchwell.models.continuous_calibration import continuous_calibration
from benchwell.models.direct import direct_rates_from_rows
from benchwell.models.fixed_effects_linear import fit_fixed_effects_linear
from benchwell.models.fixed_effects_logistic import fit_fixed_effects_logistic
from benchwell.models.group_sums import sums_by_group
from benchwell.models.within_between import Slopes

PARTS = 5
PASS, FAIL, TOO_SMALL, REPORTED = "pass", "fail", "too_small", "reported"
_RECALIBRATE = (0.5, 2.0)  # slopes within which one factor for all slopes is a repair rather than a new model


@dataclass(frozen=True)
class Group:
    """A way to split people for the checks.

    Attributes:
        name: Of the variable.
        levels: Names.
        index: Level of each person, shape (n,).
        gated: Whether a deviation fails the model.
        of_clinics: Whether each level is made of whole clinics.
    """

    name: str
    levels: tuple[str, ...]
    index: IntArray
    gated: bool
    of_clinics: bool = False


@dataclass(frozen=True)
class ModelCheck:
    """What was found, and what to do.

    Attributes:
        rows: One per group level and one overall, for `tables.DERIVED["model_checks"]`.
        passed: Whether adjusted figures may be used.
        factor: By which the slopes were multiplied (1: as fitted).
    """

    rows: tuple[dict[str, Any], ...]
    passed: bool
    factor: float


def out_of_clinic(
    columns: FloatArray,
    outcome: FloatArray,
    group: IntArray,
    *,
    share: bool,
    mundlak: bool,
    start: FloatArray | None = None,
) -> FloatArray:
    """Linear predictor of each person from a model that has not seen their clinic, shape (n,).

    Weights play no part: what is checked is the model of the people who count, each as one person.

    Args:
        columns: Coded adjusters without the constant, shape (n, p).
        outcome: Shape (n,).
        group: Index of each person's clinic, shape (n,).
        share: Whether the outcome is 0 or 1.
        mundlak: How slopes are kept within clinics.
        start: Slopes of the model of everybody, from which each fold's search begins.

    Raises:
        CannotFitError: If a part leaves too few people to fit.
    """
    # Dealt in the order of their ids among the clinics that have people, so that no part is empty.
    present, place = np.unique(group, return_inverse=True)
    if len(present) < 2:
        raise CannotFitError("one_organization: a model cannot be checked on clinics that it has not seen")
    part = place % PARTS
    predictor = np.empty(len(outcome))
    for one in range(min(PARTS, len(present))):
        held: BoolArray = part == one
        fitted = expect(
            columns[~held], outcome[~held], place[~held], len(present), share=share, mundlak=mundlak, start=start
        )
        predictor[held] = fitted.predictor(columns[held])
    return predictor


def check(
    predictor: FloatArray, outcome: FloatArray, clinic: IntArray, splits: tuple[Group, ...], fitted: Expectation
) -> ModelCheck:
    """Check out-of-clinic predictions; repair the slopes by one factor where that is enough.

    Args:
        predictor: From `out_of_clinic`.
        outcome: Shape (n,).
        clinic: Index of each person's clinic, shape (n,).
        splits: Groups.
        fitted: The model of everybody: its kind of outcome.
    """
    index = np.unique(clinic, return_inverse=True)[1]
    found = _checked(predictor, outcome, index, splits, share=fitted.share)
    slope = found.rows[0]["calibration_slope"]
    if found.passed or slope is None or not _RECALIBRATE[0] <= slope <= _RECALIBRATE[1]:
        return found
    centre = float(predictor.mean())
    again = _checked(centre + slope * (predictor - centre), outcome, index, splits, share=fitted.share)
    if not again.passed:
        return found
    overall = again.rows[0] | {"reason": f"recalibrated: all coefficients were multiplied by {slope:.3f}"}
    return ModelCheck((overall, *again.rows[1:]), True, float(slope))


def _checked(
    predictor: FloatArray, outcome: FloatArray, clinic: IntArray, splits: tuple[Group, ...], *, share: bool
) -> ModelCheck:
    judge = _share if share else _mean
    return judge(predictor, outcome, clinic, splits)


def _share(predictor: FloatArray, outcome: FloatArray, clinic: IntArray, splits: tuple[Group, ...]) -> ModelCheck:
    k = int(clinic.max()) + 1
    chance = special.expit(predictor)
    found = calibration(chance, outcome)
    own = direct_rates_from_rows(predictor, outcome, clinic, k, predictor[:1]).shift
    rows = _group_rows(chance, special.expit(predictor + own[clinic]), outcome, splits)
    gated = [row for row, is_gated in rows if is_gated and row["expected"] > 0]
    slope = _slope(lambda: fit_fixed_effects_logistic(predictor[:, None], outcome, clinic, k).slopes)
    verdict = calibration_gate(
        slope,
        found.in_the_large,
        [row["n"] for row in gated],
        [row["ratio"] for row in gated],
        [f"{row['stratum']} {row['level']}" for row in gated],
    )
    overall: dict[str, Any] = {
        "stratum": "all",
        "level": "all",
        "n": found.n,
        "observed": found.observed,
        "expected": found.expected,
        "ratio": found.observed_expected,
        "c_statistic": found.c_statistic,
        "brier": found.brier,
        "scaled_brier": found.scaled_brier,
        "calibration_in_the_large": found.in_the_large,
        "calibration_slope": slope,
        "ici": found.ici,
        "e50": found.e50,
        "e90": found.e90,
    }
    failing = {_name(row) for row, is_gated in rows if is_gated and _off(row)}
    return _verdict(overall, rows, verdict.passed, verdict.reasons, failing)


def _mean(predictor: FloatArray, outcome: FloatArray, clinic: IntArray, splits: tuple[Group, ...]) -> ModelCheck:
    k = int(clinic.max()) + 1
    found = continuous_calibration(predictor, outcome)
    own = sums_by_group(outcome - predictor, clinic, k) / np.bincount(clinic, minlength=k)
    rows = _group_rows(predictor, predictor + own[clinic], outcome, splits)
    spread = found.outcome_sd
    gated = [row for row, is_gated in rows if is_gated]
    slope = _slope(lambda: fit_fixed_effects_linear(predictor[:, None], outcome, clinic, k).slopes)
    verdict = continuous_gate(
        slope,
        found.mean_error,
        spread,
        [row["n"] for row in gated],
        [row["mean_error"] for row in gated],
        [f"{row['stratum']} {row['level']}" for row in gated],
    )
    overall: dict[str, Any] = {
        "stratum": "all",
        "level": "all",
        "n": found.n,
        "observed": float(outcome.sum()),
        "expected": float(predictor.sum()),
        "calibration_slope": slope,
        "r_squared": found.r2,
        "mean_error": found.mean_error,
    }
    failing = {_name(row) for row, is_gated in rows if is_gated and abs(row["mean_error"]) > 0.1 * spread}
    return _verdict(overall, rows, verdict.passed, verdict.reasons, failing)


def _slope(fit: Callable[[], Slopes]) -> float:
    """Slope of outcomes on predictions within clinics; NaN where nothing differs within any."""
    try:
        return float(fit().values[0])
    except ValueError:
        return float("nan")


def _verdict(
    overall: dict[str, Any],
    rows: list[tuple[dict[str, Any], bool]],
    passed: bool,
    reasons: tuple[str, ...],
    failing: set[tuple[str, str]],
) -> ModelCheck:
    overall |= {"status": PASS if passed else FAIL, "reason": "; ".join(reasons) or None}
    found = [overall]
    for row, is_gated in rows:
        large = row["n"] >= GROUP_OF
        status = TOO_SMALL if not large else REPORTED if not is_gated else FAIL if _name(row) in failing else PASS
        found.append(row | {"status": status})
    return ModelCheck(tuple(_known(row) for row in found), passed, 1.0)


def _group_rows(
    across: FloatArray, own: FloatArray, outcome: FloatArray, splits: tuple[Group, ...]
) -> list[tuple[dict[str, Any], bool]]:
    """Observed and expected by group: at each clinic's own level, but for groups that are made of whole clinics."""
    found = []
    for split in splits:
        expected = across if split.of_clinics else own
        k = len(split.levels)
        n = np.bincount(split.index, minlength=k)
        seen = np.bincount(split.index, weights=outcome, minlength=k)
        foreseen = np.bincount(split.index, weights=expected, minlength=k)
        for place in np.flatnonzero(n):
            row = {
                "stratum": split.name,
                "level": split.levels[place],
                "n": int(n[place]),
                "observed": float(seen[place]),
                "expected": float(foreseen[place]),
                "ratio": float(seen[place] / foreseen[place]) if foreseen[place] > 0 else None,
                "mean_error": float((seen[place] - foreseen[place]) / n[place]),
            }
            found.append((row, split.gated))
    return found


def _off(row: Mapping[str, Any]) -> bool:
    return row["n"] >= GROUP_OF and row["ratio"] is not None and not 0.9 <= row["ratio"] <= 1.1


def _name(row: Mapping[str, Any]) -> tuple[str, str]:
    return row["stratum"], row["level"]


def _known(row: dict[str, Any]) -> dict[str, Any]:
    return {name: None if isinstance(value, float) and not np.isfinite(value) else value for name, value in row.items()}
