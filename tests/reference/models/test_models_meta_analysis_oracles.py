"""Meta-analysis against metafor: every number of three reference cases, within 1e-6 relative.

Two kinds of figures in them come from R's `uniroot` with its coarse default tolerance (Paule-Mandel and the Q-profile
limits, off by up to 3e-4 from the root). They are met to 1e-6 with that tolerance; that the exact root, our default,
solves its equation is tested beside it.
"""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path

import numpy as np
import pytest

from benchwell.models.brent_root import R_UNIROOT_TOLERANCE
from benchwell.models.leave_one_out_studies import leave_one_out
from benchwell.models.meta_analysis import heterogeneity_interval, meta_analysis, shrunken_study_effects
from benchwell.models.meta_regression import PooledTest, indicator_columns, meta_regression
from benchwell.models.small_study_effects import TrimAndFillEstimator, egger_test, trim_and_fill
from benchwell.models.tau2_estimators import Tau2Method
from benchwell.models.two_arm_effect_sizes import log_risk_ratio, standardized_mean_difference

ORACLES = Path(__file__).parents[3] / ".." / "shared" / "oracles"
CASES = {"suicideprevention": "meta", "depressionmortality": "meta", "bcg": "logrr"}
METHODS = {
    "FE": Tau2Method.COMMON_EFFECT,
    "DL": Tau2Method.DERSIMONIAN_LAIRD,
    "REML": Tau2Method.REML,
    "PM": Tau2Method.PAULE_MANDEL,
    "ML": Tau2Method.MAXIMUM_LIKELIHOOD,
}
TESTS = {"wald": PooledTest.NORMAL, "hksj": PooledTest.KNAPP_HARTUNG}
CHECKED = {
    "yi", "vi", "egger_lm", "leave1out_REML", "trimfill_DL_L0", "call",
}  # fmt: skip

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not ORACLES.exists(), reason="the shared oracles (metafor results) are not here"),
]


def same(expected):
    """Equal to 1e-6 relative; null in the reference is "does not exist" and must be NaN here."""
    values = np.array([math.nan if value is None else value for value in np.ravel(expected)], dtype=float)
    return pytest.approx(values, rel=1e-6, abs=1e-15, nan_ok=True)


class Case:
    """One reference case: the rows of its CSV, the numbers of its JSON and the effect sizes we compute."""

    def __init__(self, name):
        with (ORACLES / f"{name}.csv").open(encoding="utf-8") as file:
            self.rows = list(csv.DictReader(file))
        self.expected = json.loads((ORACLES / f"{name}.json").read_text(encoding="utf-8"))["models"][CASES[name]]
        self.effects = self._effects(name)
        self.y, self.v = self.effects.estimate, self.effects.variance

    def number(self, name):
        return np.array([float(row[name]) for row in self.rows])

    def code(self, name):
        return np.unique([row[name] for row in self.rows], return_inverse=True)[1]

    def _effects(self, name):
        n = self.number
        if name == "suicideprevention":
            return standardized_mean_difference(*(n(c) for c in ("mean_e", "sd_e", "n_e", "mean_c", "sd_c", "n_c")))
        if name == "bcg":
            return log_risk_ratio(n("tpos"), n("tpos") + n("tneg"), n("cpos"), n("cpos") + n("cneg"))
        return log_risk_ratio(n("event_e"), n("n_e"), n("event_c"), n("n_c"))


@pytest.fixture(scope="module", params=CASES)
def case(request):
    return Case(request.param)


def check_common(result, expected, tau2, tau2_std_error):
    pairs = {
        "tau2": tau2,
        "se_tau2": tau2_std_error,
        "I2": result.i2_percent,
        "H2": result.h2,
        "QE": result.q,
        "QEp": result.q_p_value,
        "k": result.k,
        "logLik": result.log_likelihood,
    }
    for name, value in pairs.items():
        assert [value] == same(expected[name]), name


def check_mean(result, expected):
    check_common(result, expected, result.tau2, result.tau2_std_error)
    pairs = {
        "se": result.std_error,
        "ci_lb": result.lower,
        "ci_ub": result.upper,
        "stat": result.statistic,
        "pval": result.p_value,
    }
    for name, value in pairs.items():
        assert [value] == same(expected[name]), name
    assert [result.mean] == same(expected["b"]["intrcpt"])
    if "pi_lb" in expected:
        assert [result.prediction_lower, result.prediction_upper] == same([expected["pi_lb"], expected["pi_ub"]])
        assert result.prediction_interval(result.k - 2) == same(expected["pi_hts_t_kminus2"])
    known = {"b", "tau2", "se_tau2", "I2", "H2", "QE", "QEp", "k", "logLik", *pairs}
    extra = set(expected) - known - {"pi_lb", "pi_ub", "pi_hts_t_kminus2", "blup", "Qprofile_ci95"}
    assert not extra, f"numbers of the reference that nothing checks: {extra}"


def test_every_part_of_the_reference_is_checked_here(case):
    for name in case.expected:
        method, _, test = name.partition("_")
        part = name.split("_")[0] in ("subgroup", "metareg") or (method in METHODS and test in TESTS)
        assert part or name in CHECKED, name


def test_effect_sizes_of_the_studies(case):
    assert case.y == same(case.expected["yi"])
    assert case.v == same(case.expected["vi"])
    assert case.effects.n_dropped == 0


@pytest.mark.parametrize("test", TESTS)
@pytest.mark.parametrize("method", METHODS)
def test_pooled_mean(case, method, test):
    name = f"{method}_{test}"
    if name not in case.expected:
        assert name == "FE_hksj"
        return
    expected = case.expected[name]
    result = meta_analysis(case.y, case.v, method=METHODS[method], test=TESTS[test], root_tolerance=R_UNIROOT_TOLERANCE)
    check_mean(result, expected)
    if "blup" in expected:
        own = shrunken_study_effects(result, case.y, case.v)
        assert own.estimate == same(expected["blup"]["pred"])
        assert own.std_error == same(expected["blup"]["se"])
        assert own.prediction_lower == same(expected["blup"]["pi_lb"])
        assert own.prediction_upper == same(expected["blup"]["pi_ub"])
    if "Qprofile_ci95" in expected:
        interval = heterogeneity_interval(case.y, case.v, root_tolerance=R_UNIROOT_TOLERANCE)
        limits = expected["Qprofile_ci95"]
        assert [interval.tau2_lower, interval.tau2_upper] == same(limits["tau2"])
        assert [interval.i2_percent_lower, interval.i2_percent_upper] == same(limits["I2"])


def test_the_exact_roots_solve_their_equations_and_lie_near_the_coarse_ones(case):
    pooled = meta_analysis(case.y, case.v, method=Tau2Method.PAULE_MANDEL)
    weight = 1 / (case.v + pooled.tau2)
    q = (weight * (case.y - (weight * case.y).sum() / weight.sum()) ** 2).sum()
    assert q == pytest.approx(len(case.y) - 1, rel=1e-12)
    assert pooled.tau2 == pytest.approx(case.expected["PM_wald"]["tau2"], abs=R_UNIROOT_TOLERANCE)
    interval = heterogeneity_interval(case.y, case.v)
    coarse = case.expected["REML_wald"]["Qprofile_ci95"]["tau2"]
    assert [interval.tau2_lower, interval.tau2_upper] == pytest.approx(coarse, abs=R_UNIROOT_TOLERANCE)


MODERATORS = {
    "year": lambda case: case.number("pubyear") - 2000,
    "ablat": lambda case: case.number("ablat"),
    "alloc": lambda case: indicator_columns(case.code("alloc")),
}


def test_moderators(case):
    for name, expected in case.expected.items():
        if not name.startswith("metareg_"):
            continue
        _, moderator, method, test = name.split("_")
        result = meta_regression(case.y, case.v, MODERATORS[moderator](case), method=METHODS[method], test=TESTS[test])
        check_common(result, expected, result.tau2.value, result.tau2.std_error)
        assert result.coefficient == same(list(expected["b"].values()))
        assert result.std_error == same(expected["se"])
        assert result.lower == same(expected["ci_lb"])
        assert result.upper == same(expected["ci_ub"])
        assert result.statistic == same(expected["stat"])
        assert result.p_value == same(expected["pval"])
        assert [result.moderator_statistic] == same(expected["QM"])
        assert [result.moderator_p_value] == same(expected["QMp"])
        assert [result.r2_percent] == same(expected["R2"])
        df = [result.moderator_df, None if np.isinf(result.df) else result.df]
        assert df == expected["QM_df"]


def test_subgroups(case):
    for name, expected in case.expected.items():
        if not name.startswith("subgroup_"):
            continue
        column, _, rest = name.removeprefix("subgroup_").partition("=")
        chosen = np.array([row[column] == rest.removesuffix("_REML_hksj") for row in case.rows])
        check_mean(meta_analysis(case.y[chosen], case.v[chosen], test=PooledTest.KNAPP_HARTUNG), expected)


def test_leave_one_out(case):
    expected, result = case.expected["leave1out_REML"], leave_one_out(case.y, case.v)
    assert result.mean == same(expected["estimate"])
    assert result.tau2 == same(expected["tau2"])
    assert result.i2_percent == same(expected["I2"])


def test_small_study_effects(case):
    expected, result = case.expected["egger_lm"], egger_test(case.y, case.v)
    assert [result.statistic, result.df, result.p_value] == same([expected[n] for n in ("stat", "df", "pval")])


def test_trim_and_fill(case):
    expected = case.expected["trimfill_DL_L0"]
    result = trim_and_fill(
        case.y,
        case.v,
        method=Tau2Method.DERSIMONIAN_LAIRD,
        test=PooledTest.NORMAL,
        estimator=TrimAndFillEstimator.L0,
    )
    assert result.n_filled == expected["k0"]
    assert [result.filled.mean, result.filled.std_error] == same([expected["b"], expected["se"]])
