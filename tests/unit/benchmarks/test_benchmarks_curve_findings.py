"""What must hold inside frozen expected courses: the cases that no tampering with a real edition reaches."""

from __future__ import annotations

import pyarrow as pa
import pytest

from benchwell.benchmarks.curves import curve_findings
from benchwell.models.conditional_growth import Growth, log_weeks
from benchwell.registry import Registry
from benchwell.tables import DERIVED
from benchwell.tables.curves import CURVE_TABLE_NAMES

ID = "phq9-course-weeks"
DECLARED = {ID: Registry.load().response_curve(ID)}
GROWTH = {"intercept": 15.0, "slope": -2.6, "intercept_variance": 16.0, "covariance": -1.5, "slope_variance": 1.2,
          "residual_variance": 7.0}  # fmt: skip
SAID = Growth(**GROWTH).given(log_weeks(3), 20)
CURVE = {"curve": ID, "instrument": "phq-9", "scale": "total", "clock": "weeks", "horizon": 16.0, "boundary": 0.9,
         "status": "ok"} | GROWTH  # fmt: skip
BAND = {"curve": ID, "band": "20-27", "occasion": 3.0, "baseline": 20.0, "mean": SAID.mean,
        "lower": SAID.quantile(0.1), "upper": SAID.quantile(0.9)}  # fmt: skip
CHECK = {"curve": ID, "check": "coverage", "stratum": "all", "level": "all", "n_people": 300, "n_scores": 900,
         "value": 0.8, "lowest": 0.75, "highest": 0.85, "passed": True}  # fmt: skip
RULE = {"curve": ID, "rule": "early_change", "occasion": 4.0, "status": "ok", "n_people": 200, "tp": 42, "fp": 28,
        "fn": 18, "tn": 112, "sensitivity": 0.7, "specificity": 0.8, "ppv": 0.6, "npv": 112 / 130,
        "prevalence": 0.3}  # fmt: skip
START = {"curve": ID, "band": "20-27", "n_people": 80, "n_responded": 20, "n_remitted": 8}
WHOLE = {"response_curves": CURVE, "response_starts": START, "response_bands": BAND, "early_changes": RULE,
         "curve_checks": CHECK}  # fmt: skip


def failing(**changes):
    """Names of what does not hold after changes of one row each."""
    rows = {name: row | changes.get(name, {}) for name, row in WHOLE.items()}
    tables = {name: pa.Table.from_pylist([row], schema=DERIVED[name].schema) for name, row in rows.items()}
    return {name for name, holds, *_ in curve_findings(tables, DECLARED) if not holds}


def test_a_sound_edition_holds():
    assert failing() == set()


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        (
            {"response_curves": {"curve": "other"}},
            {"curve declarations", "curve settings", "curve gates", "curve ranges"},
        ),
        ({"response_curves": {"intercept": None}}, {"curve ranges"}),
        ({"response_curves": {"residual_variance": 8.0}}, {"curve ranges"}),
        ({"response_curves": {"status": "insufficient"}}, {"curve gates"}),
        ({"response_curves": {"reason": "Because."}}, {"curve gates"}),
        ({"curve_checks": {"value": 0.9}}, {"curve checks"}),
        ({"curve_checks": {"value": None}}, {"curve checks"}),
        ({"curve_checks": {"n_people": 30}}, {"curve checks"}),
        ({"curve_checks": {"n_people": 30, "value": 0.6, "passed": None}}, {"curve gates"}),
        ({"curve_checks": {"curve": "other"}}, {"curve declarations", "curve gates", "curve checks"}),
        ({"curve_checks": {"value": 0.9, "passed": False}}, {"curve gates"}),
        ({"curve_checks": {"value": None, "n_people": None, "passed": None}}, {"curve gates"}),
        ({"response_starts": {"n_people": None}}, {"curve starts"}),
        ({"response_starts": {"n_people": None, "n_responded": None, "n_remitted": None}}, set()),
        ({"response_starts": {"n_remitted": 81}}, {"curve starts"}),
        ({"early_changes": {"ppv": 0.61}}, {"early changes"}),
        ({"early_changes": {"n_people": 199}}, {"early changes"}),
        ({"early_changes": {"status": "insufficient"}}, {"early changes"}),
    ],
)
def test_what_does_not_hold_is_named(changes, names):
    assert failing(**changes) == names


def test_a_column_of_another_name_is_left_to_the_check_of_values():
    tables = {name: DERIVED[name].empty() for name in CURVE_TABLE_NAMES}
    tables["curve_checks"] = tables["curve_checks"].rename_columns({"value": "valve"})
    assert list(curve_findings(tables, DECLARED)) == []
