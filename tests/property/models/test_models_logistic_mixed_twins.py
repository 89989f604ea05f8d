"""Logistic mixed models against slow twins that share no code with them: row by row, dense, by brute integration."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import integrate, optimize

from benchwell.models.covariate_patterns import collapse
from benchwell.models.federated_pql import LARGEST_ROUNDS, clinic_round, federated_pql
from benchwell.models.grouped_rows import group_rows
from benchwell.models.laplace import evaluate, hessian, penalized_hessian
from benchwell.models.logistic_mixed import logistic_mixed
from benchwell.models.quadrature import evaluate_quadrature, marginal_loglik_group, quadrature_hessian


def small(seed, *, n=40, groups=6, outer=None, largest=3):
    rng = np.random.default_rng(seed)
    x = np.column_stack([np.ones(n), rng.normal(size=n), rng.integers(0, 3, n)])
    group = rng.integers(0, groups, n)
    trials = rng.integers(1, largest + 1, n).astype(float)
    successes = rng.binomial(trials.astype(int), 0.3 + 0.4 * rng.random(n)).astype(float)
    parent = None if outer is None else rng.integers(0, outer, groups)
    return x, successes, trials, group, parent


def at_zero(rows):
    return np.zeros(len(rows.starts)), np.zeros(len(rows.outer_sizes))


def log_row(eta, y, m):
    return y * eta - m * (max(eta, 0.0) + math.log1p(math.exp(-abs(eta))))


def laplace_row_by_row(x, y, m, group, beta, sd):
    """One level, in plain Python: bisection for each mode, then the formula."""
    total = 0.0
    for code in sorted(set(group.tolist())):
        rows = [i for i in range(len(y)) if group[i] == code]

        def chance(i, b):
            return 1 / (1 + math.exp(-(sum(x[i][k] * beta[k] for k in range(len(beta))) + sd * b)))

        low, high = -sd * sum(m[i] for i in rows) - 1, sd * sum(m[i] for i in rows) + 1
        for _ in range(200):
            b = (low + high) / 2
            slope = sum(sd * (y[i] - m[i] * chance(i, b)) for i in rows) - b
            low, high = (b, high) if slope > 0 else (low, b)
        weight = sum(m[i] * chance(i, b) * (1 - chance(i, b)) for i in rows)
        fit = sum(log_row(sum(x[i][k] * beta[k] for k in range(len(beta))) + sd * b, y[i], m[i]) for i in rows)
        total += -2 * fit + b * b + math.log(1 + sd * sd * weight)
    return total


def laplace_dense(x, y, m, group, parent, beta, sds):
    """Two levels with the whole matrix of both: a general minimizer for the modes, then the determinant."""
    groups, outer = len(parent), parent.max() + 1
    z = np.zeros((len(y), groups + outer))
    z[np.arange(len(y)), group] = sds[0]
    z[np.arange(len(y)), groups + parent[group]] = sds[1]

    def penalized(b):
        eta = x @ beta + z @ b
        p = 1 / (1 + np.exp(-eta))
        return -2 * (y * eta - m * np.logaddexp(0, eta)).sum() + b @ b, -2 * z.T @ (y - m * p) + 2 * b

    found = optimize.minimize(penalized, np.zeros(groups + outer), jac=True, method="BFGS", options={"gtol": 1e-9})
    p = 1 / (1 + np.exp(-(x @ beta + z @ found.x)))
    matrix = np.eye(groups + outer) + (z * (m * p * (1 - p))[:, None]).T @ z
    return found.fun + np.linalg.slogdet(matrix)[1]


def marginal_by_brute_force(x, y, m, group, beta, sd):
    """-2 log-likelihood with every integral by adaptive quadrature over 40 standard deviations."""
    total = 0.0
    for code in np.unique(group):
        at = group == code
        eta, ya, ma = x[at] @ beta, y[at], m[at]

        def height(b, eta=eta, ya=ya, ma=ma):
            moved = eta + sd * b
            return float((ya * moved - ma * np.logaddexp(0, moved)).sum() - b * b / 2)

        peak = optimize.minimize_scalar(lambda b: -height(b), bounds=(-20, 20), method="bounded").x
        top = height(peak)
        inside = integrate.quad(
            lambda b, top=top: math.exp(height(b) - top), peak - 20, peak + 20, points=[peak], epsabs=1e-13, limit=400
        )[0]
        total += -2 * (top + math.log(inside / math.sqrt(2 * math.pi)))
    return total


seeds = st.integers(0, 10_000)
spreads = st.floats(0.05, 3.0)


@settings(deadline=None, max_examples=20)
@given(seeds, spreads)
def test_laplace_deviance_is_the_formula(seed, sd):
    x, y, m, group, _ = small(seed)
    beta = np.array([-0.2, 0.4, 0.1])
    rows = group_rows(x, y, m, group, None)
    value = evaluate(rows, np.append(beta, sd), at_zero(rows)).value
    assert value == pytest.approx(laplace_row_by_row(x.tolist(), y, m, group, beta, sd), rel=1e-10)


@settings(deadline=None, max_examples=15)
@given(seeds, spreads, spreads)
def test_nested_laplace_deviance_is_the_dense_one(seed, inner, outer):
    x, y, m, group, parent = small(seed, outer=3)
    beta = np.array([-0.2, 0.4, 0.1])
    rows = group_rows(x, y, m, group, parent)
    value = evaluate(rows, np.append(beta, [inner, outer]), at_zero(rows)).value
    assert value == pytest.approx(laplace_dense(x, y, m, group, parent, beta, (inner, outer)), rel=1e-9)


@settings(deadline=None, max_examples=10)
@given(seeds, st.floats(0.05, 2.0))
def test_quadrature_is_the_integral(seed, sd):
    x, y, m, group, _ = small(seed)
    beta = np.array([-0.2, 0.4, 0.1])
    rows = group_rows(x, y, m, group, None)
    value = evaluate_quadrature(rows, np.append(beta, sd), at_zero(rows), 40).value
    assert value == pytest.approx(marginal_by_brute_force(x, y, m, group, beta, sd), rel=1e-7)


def differences(function, phi, step=1e-5):
    ahead_behind = [(function(phi + e), function(phi - e)) for e in np.eye(len(phi)) * step]
    return np.array([(ahead - behind) / (2 * step) for ahead, behind in ahead_behind])


@settings(deadline=None, max_examples=15)
@given(seeds, st.sampled_from([0.0, 0.4, 2.5]), st.sampled_from([None, 0.0, 0.7]))
def test_gradient_and_hessian_are_the_derivatives(seed, inner, outer):
    x, y, m, group, parent = small(seed, outer=None if outer is None else 3)
    rows = group_rows(x, y, m, group, parent)
    phi = np.array([-0.2, 0.4, 0.1, inner] + ([] if outer is None else [outer]))

    def at(phi, **how):
        return evaluate(rows, phi, at_zero(rows), **how)

    point = at(phi)
    assert point.gradient == pytest.approx(differences(lambda v: at(v).value, phi), abs=1e-5)
    assert hessian(rows, point).total == pytest.approx(differences(lambda v: at(v).gradient, phi), abs=2e-5)
    plain = at(phi, determinant=False)
    assert plain.gradient == pytest.approx(differences(lambda v: at(v, determinant=False).value, phi), abs=1e-5)
    ours = penalized_hessian(rows, plain).penalized
    assert ours == pytest.approx(differences(lambda v: at(v, determinant=False).gradient, phi), abs=2e-5)


@settings(deadline=None, max_examples=10)
@given(seeds, st.sampled_from([0.0, 0.4, 2.5]), st.sampled_from([2, 5, 9]))
def test_quadrature_gradient_is_that_of_the_quadrature_itself(seed, sd, points):
    x, y, m, group, _ = small(seed)
    rows = group_rows(x, y, m, group, None)
    phi = np.array([-0.2, 0.4, 0.1, sd])

    def at(phi):
        return evaluate_quadrature(rows, phi, at_zero(rows), points)

    assert at(phi).gradient == pytest.approx(differences(lambda v: at(v).value, phi), abs=1e-5)
    ours = quadrature_hessian(rows, at(phi), points).total
    assert ours == pytest.approx(differences(lambda v: at(v).gradient, phi), rel=1e-4, abs=1e-3)


@settings(deadline=None, max_examples=15)
@given(seeds, st.sampled_from([0.0, 0.5, 2.0]))
def test_what_clinics_return_adds_up_to_the_pooled_likelihood(seed, sd):
    x, y, _, group, _ = small(seed, largest=1)
    rows = group_rows(x, y, None, group, None)
    phi = np.array([-0.2, 0.4, 0.1, sd])
    clinics = [
        marginal_loglik_group(x[group == code], y[group == code], phi[:3], sd, points=25) for code in np.unique(group)
    ]
    pooled = evaluate_quadrature(rows, phi, at_zero(rows), 25)
    assert sum(clinic.value for clinic in clinics) == pytest.approx(-pooled.value / 2, rel=1e-12)
    assert sum(clinic.gradient for clinic in clinics) == pytest.approx(-pooled.gradient / 2, abs=1e-6)
    second = quadrature_hessian(rows, pooled, 25).total
    assert sum(clinic.hessian for clinic in clinics) == pytest.approx(-second / 2, rel=1e-4, abs=1e-3)


@settings(deadline=None, max_examples=10)
@given(seeds, st.sampled_from([0, 1, 7]))
def test_counts_give_the_same_estimates_as_rows(seed, points):
    rng = np.random.default_rng(seed)
    x = np.column_stack([np.ones(600), rng.integers(0, 3, 600), rng.integers(0, 2, 600)]).astype(float)
    group = rng.integers(0, 12, 600)
    y = (rng.random(600) < 1 / (1 + np.exp(0.3 - 0.4 * x[:, 1] - 0.25 * (group % 4 - 1.5)))).astype(float)
    by_row = logistic_mixed(x, y, None, group, points=points)
    patterns = collapse(x, y, None, group)
    assert len(patterns.trials) <= 72
    by_count = logistic_mixed(patterns.x, patterns.successes, patterns.trials, patterns.group, points=points)
    assert by_count.coefficients == pytest.approx(by_row.coefficients, abs=1e-10)
    assert by_count.sd_inner == pytest.approx(by_row.sd_inner, abs=1e-10)
    assert by_count.loglik == pytest.approx(by_row.loglik, abs=1e-9)
    assert by_count.covariance == pytest.approx(by_row.covariance, rel=1e-8)
    assert by_count.effects_inner == pytest.approx(by_row.effects_inner, abs=1e-10)


@settings(deadline=None, max_examples=10)
@given(seeds)
def test_order_of_rows_and_names_of_groups_do_not_matter(seed):
    x, y, m, group, parent = small(seed, n=120, groups=12, outer=4)
    rng = np.random.default_rng(seed)
    order, renamed = rng.permutation(120), rng.permutation(12)
    first = logistic_mixed(x, y, m, group, parent)
    other_parent = np.empty_like(parent)
    other_parent[renamed] = parent
    second = logistic_mixed(x[order], y[order], m[order], renamed[group[order]], other_parent)
    assert second.deviance == pytest.approx(first.deviance, abs=1e-8)
    assert second.coefficients == pytest.approx(first.coefficients, abs=1e-6)
    assert second.effects_inner[renamed] == pytest.approx(first.effects_inner, abs=1e-6)


@settings(deadline=None, max_examples=6)
@given(seeds)
def test_the_minimum_found_is_a_minimum(seed):
    x, y, m, group, parent = small(seed, n=80, groups=8, outer=3)
    fit = logistic_mixed(x, y, m, group, parent)
    rows = group_rows(x, y, m, group, parent)

    def deviance(phi):
        point = evaluate(rows, phi, at_zero(rows))
        return point.value, point.gradient

    rng = np.random.default_rng(seed)
    for _ in range(3):
        start = np.append(fit.coefficients, [0.5, 0.5]) + rng.normal(scale=0.5, size=5)
        assert fit.deviance <= optimize.minimize(deviance, start, jac=True, method="BFGS").fun + 1e-6


def pooled_pql(x, y, group, rounds):
    """The same quasi-likelihood from the rows, as many rounds of it: dense covariance, variance ratio by a root."""
    z = (group[:, None] == np.unique(group)).astype(float)
    beta, effects = np.zeros(x.shape[1]), np.zeros(z.shape[1])
    for _ in range(rounds):
        eta = x @ beta + z @ effects
        p = 1 / (1 + np.exp(-eta))
        w = p * (1 - p)
        working = eta + (y - p) / w

        def parts(ratio, w=w, working=working):
            v = np.diag(1 / w) + ratio * z @ z.T
            inverse = np.linalg.inv(v)
            beta = np.linalg.solve(x.T @ inverse @ x, x.T @ inverse @ working)
            rest = working - x @ beta
            dispersion = rest @ inverse @ rest / len(y)
            slope = np.trace(inverse @ z @ z.T) - np.sum((z.T @ inverse @ rest) ** 2) / dispersion
            return beta, ratio * z.T @ inverse @ rest, dispersion, slope

        slope_at_zero = parts(0.0)[3]
        ratio = 0.0 if slope_at_zero >= 0 else optimize.brentq(lambda r: parts(r)[3], 0, 50, xtol=1e-13, rtol=1e-12)
        beta, effects, dispersion, _ = parts(ratio)
    return beta, effects, math.sqrt(ratio * dispersion)


@settings(deadline=None, max_examples=4)
@given(st.integers(0, 500))
@example(490)  # would need 22 rounds: the cap ends it, and the fit says so
def test_federated_quasi_likelihood_is_the_pooled_one(seed):
    rng = np.random.default_rng(seed)
    x = np.column_stack([np.ones(80), rng.normal(size=80)])
    group = np.arange(80) % 5
    y = (rng.random(80) < 1 / (1 + np.exp(-0.5 * x[:, 1] - 0.8 * (group - 2)))).astype(float)

    def clinic(at):
        return lambda beta, effect: clinic_round(x[at], y[at], beta, effect)

    fit = federated_pql([clinic(group == code) for code in range(5)], 2)
    beta, effects, sd = pooled_pql(x, y, group, fit.rounds)
    assert fit.converged == (seed != 490)
    assert fit.rounds <= LARGEST_ROUNDS
    assert fit.coefficients == pytest.approx(beta, abs=1e-8)
    assert fit.effects == pytest.approx(effects, abs=1e-8)
    assert fit.sd == pytest.approx(sd, abs=1e-8)
