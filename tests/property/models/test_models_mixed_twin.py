"""Linear mixed models against a slow twin that inverts the covariance of all rows, on small random data."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import optimize

import mixed_cases
from benchwell.models.linear_mixed import blocks_of, criterion_at, linear_mixed
from benchwell.models.mixed_blocks import Blocks
from benchwell.models.mixed_design import MixedDesign
from benchwell.models.mixed_likelihood import Profiled
from benchwell.models.mixed_statistics import combine

# A fit has no deadline on a shared machine.
modest = settings(deadline=None, max_examples=30, derandomize=True)

METHODS = st.sampled_from(["reml", "ml"])
VARIANCES = st.one_of(st.just(0.0), st.floats(1e-3, 1e3))


@st.composite
def rows(draw, kind):
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    groups = draw(st.integers(3, 6))
    sizes = generator.integers(1, 5, groups) + (1 if kind == "slope" else 0)
    sizes[0] += 4
    inner = np.repeat(np.arange(groups), sizes)
    n = len(inner)
    x = np.column_stack([np.ones(n), generator.normal(draw(st.sampled_from([0, 20])), 2, n), generator.random(n) < 0.4])
    spread = draw(st.sampled_from([0.0, 0.5, 3.0, 40.0]))
    y = x @ [3, -0.5, 1] + spread * generator.normal(size=groups)[inner] + generator.normal(size=n)
    outer = None
    if kind == "nested":
        outer = np.concatenate([[0, 1], generator.integers(0, 2, groups - 2)])[inner]
        y = y + draw(st.sampled_from([0.0, 2.0])) * generator.normal(size=2)[outer]
    if kind == "slope":
        y = y + draw(st.sampled_from([0.0, 1.0])) * generator.normal(size=groups)[inner] * x[:, 1]
    assume(np.linalg.matrix_rank(x) == 3)
    return mixed_cases.Rows(x, y, inner, outer=outer, slope=1 if kind == "slope" else None)


def variances_of(draw, kind):
    if kind == "slope":
        a, b, c = (draw(st.floats(-3, 3)) for _ in range(3))
        factor = np.array([[a, 0], [b, c]])
        return {"slope_covariance": factor @ factor.T}
    return {"inner": draw(VARIANCES)} | ({"outer": draw(VARIANCES)} if kind == "nested" else {})


@pytest.mark.parametrize("kind", ["one", "nested", "slope"])
@modest
@given(data=st.data(), method=METHODS, residual=st.floats(0.1, 10))
def test_likelihood_at_given_variances_is_the_twins(kind, data, method, residual):
    case = data.draw(rows(kind))
    variances = variances_of(data.draw, kind)
    loglik, coefficients, covariance = mixed_cases.dense_fit(
        case, case.covariance(residual=residual, **variances), method
    )
    names = {"inner": "inner_variance", "outer": "outer_variance", "slope_covariance": "group_covariance"}
    at = criterion_at(
        case.statistics(),
        residual_variance=residual,
        method=method,
        **{names[key]: value for key, value in variances.items()},
    )
    assert at.loglik == pytest.approx(loglik, rel=1e-9, abs=1e-9)
    assert at.coefficients == pytest.approx(coefficients, rel=1e-6, abs=1e-6)
    size = np.sqrt(np.outer(np.diag(covariance), np.diag(covariance)))
    assert at.covariance / size == pytest.approx(covariance / size, abs=1e-6)


@pytest.mark.parametrize("kind", ["one", "nested", "slope"])
@modest
@given(data=st.data(), method=METHODS)
def test_no_other_variances_are_more_likely(kind, data, method):
    case = data.draw(rows(kind))
    fit = linear_mixed(case.statistics(), method=method)
    assert fit.converged
    assert fit.loglik == pytest.approx(twin_at_estimates(case, fit, method), rel=1e-8, abs=1e-7)
    for _ in range(8):
        factors = np.exp(data.draw(st.lists(st.floats(-6, 6), min_size=4, max_size=4)))
        other = scaled_covariance(case, fit, factors)
        assert mixed_cases.dense_fit(case, other, method)[0] <= fit.loglik + 1e-6


def twin_at_estimates(case, fit, method):
    return mixed_cases.dense_fit(case, scaled_covariance(case, fit, np.ones(4)), method)[0]


def scaled_covariance(case, fit, factors):
    """V at the estimates times factors; zero variances grow from a hundredth of the residual variance."""

    def grown(variance, factor):
        return factor * (variance if variance > 0 or factor == 1 else 0.01 * fit.residual_sd**2)

    residual = fit.residual_sd**2 * factors[0]
    if fit.group_covariance is not None:
        sds = np.sqrt(
            [grown(value, factor) for value, factor in zip(np.diag(fit.group_covariance), factors[1:3], strict=True)]
        )
        rho = 0.0 if np.isnan(fit.slope_correlation) else fit.slope_correlation
        rho = rho if factors[3] == 1 else np.tanh(np.arctanh(0.999 * rho) + np.log(factors[3]))
        return case.covariance(residual=residual, slope_covariance=np.outer(sds, sds) * np.array([[1, rho], [rho, 1]]))
    outer = {} if fit.sd_outer is None else {"outer": grown(fit.sd_outer**2, factors[2])}
    return case.covariance(residual=residual, inner=grown(fit.sd_inner**2, factors[1]), **outer)


@pytest.mark.parametrize("kind", ["one", "nested", "slope"])
@modest
@given(data=st.data(), method=METHODS)
def test_effects_are_conditional_means_and_sds(kind, data, method):
    case = data.draw(rows(kind))
    fit = linear_mixed(case.statistics(), method=method)
    slope_covariance = fit.group_covariance
    given_variances = {"inner": fit.sd_inner**2} if slope_covariance is None else {"slope_covariance": slope_covariance}
    if fit.sd_outer is not None:
        given_variances["outer"] = fit.sd_outer**2
    solver = np.linalg.inv(case.covariance(residual=fit.residual_sd**2, **given_variances))
    residual = case.y - case.x @ fit.coefficients
    scale = np.abs(case.y - case.y.mean()).max()

    def check(design, prior, effect, sd):
        """Effects with covariance `prior` that enter by `design`: mean and SD given the rows."""
        assert effect == pytest.approx(prior @ design.T @ solver @ residual, abs=1e-7 * scale)
        left = np.diag(prior - prior @ design.T @ solver @ design @ prior)
        assert sd**2 == pytest.approx(left, abs=1e-7 * scale**2)

    members = (case.inner[:, None] == np.arange(case.inner.max() + 1)).astype(float)
    if slope_covariance is None:
        check(members, fit.sd_inner**2 * np.eye(members.shape[1]), fit.effects_inner, fit.effects_inner_sd)
    else:
        for group, indicator in enumerate(members.T):
            design = indicator[:, None] * np.column_stack([np.ones(len(case.y)), case.x[:, 1]])
            check(design, slope_covariance, fit.effects_inner[group], fit.effects_inner_sd[group])
    if fit.sd_outer is not None:
        clinics = (case.outer[:, None] == np.arange(2)).astype(float)
        check(clinics, fit.sd_outer**2 * np.eye(2), fit.effects_outer, fit.effects_outer_sd)


@pytest.mark.parametrize("kind", ["one", "nested", "slope"])
@modest
@given(data=st.data(), method=METHODS)
def test_gradient_is_the_slope_of_the_deviance(kind, data, method):
    case = data.draw(rows(kind))
    design = MixedDesign.of(case.statistics())
    blocks: Blocks = blocks_of(design)
    profiled = Profiled(blocks, design.n - 3 if method == "reml" else design.n, reml=method == "reml")
    theta = np.array(data.draw(st.lists(st.floats(0.05, 4), min_size=blocks.parameters, max_size=blocks.parameters)))
    slope = optimize.approx_fprime(theta, profiled.value, 1e-7)
    assert profiled.value_and_gradient(theta)[1] == pytest.approx(slope, rel=1e-4, abs=2e-4)


@pytest.mark.parametrize("kind", ["one", "slope"])
@modest
@given(data=st.data(), method=METHODS)
def test_sums_of_sites_fit_as_the_pooled_rows(kind, data, method):
    case = data.draw(rows(kind))
    parts = []
    for group in range(case.inner.max() + 1):
        mine = case.inner == group
        parts.append(mixed_cases.Rows(case.x[mine], case.y[mine], case.inner[mine], slope=case.slope).statistics())
    pooled, federated = linear_mixed(case.statistics(), method=method), linear_mixed(combine(parts), method=method)
    assert federated.loglik == pytest.approx(pooled.loglik, abs=1e-8)
    scale = np.abs(case.y - case.y.mean()).max()
    assert federated.effects_inner == pytest.approx(pooled.effects_inner, abs=1e-6 * scale)
    assert federated.coefficients == pytest.approx(pooled.coefficients, abs=1e-6 * scale)


@modest
@given(data=st.data(), method=METHODS)
def test_leaving_groups_out_is_never_having_had_them(data, method):
    case = data.draw(rows("nested"))
    left_out = data.draw(st.integers(1, case.inner.max()))
    keep = case.inner != left_out
    without = case.statistics(own_products=True).without([left_out])
    direct = mixed_cases.Rows(case.x[keep], case.y[keep], case.inner[keep], outer=case.outer[keep]).statistics()
    assert without.n == direct.n
    for name in ("xtx", "xty", "group_n", "group_x", "group_y", "parent"):
        assert getattr(without, name) == pytest.approx(getattr(direct, name), rel=1e-9, abs=1e-9), name
    assume(without.n - 3 > 2 and without.outer_groups > 1)
    assert linear_mixed(without, method=method).loglik == pytest.approx(
        linear_mixed(direct, method=method).loglik, abs=1e-6
    )
