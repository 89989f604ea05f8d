"""What a covariance structure has to offer, so that one profiled likelihood serves all of them.

With V the covariance of y over the residual variance, every structure can give M = [X, y]' V^-1 [X, y] and ln|V| from
the groups' sums, and their derivatives by the variance ratios. All of them add a positive semidefinite term per group
to the products within groups, which do not change; nothing is subtracted while the likelihood is searched.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any, Protocol, Self

import numpy as np

from benchwell.models.arrays import FloatArray
from benchwell.models.mixed_design import ROUNDING

# Rows times squared columns of one matrix product: below this size BLAS starts no threads, which cost more than they
# bring in matrices so narrow, and much more inside a pool of threads.
BLAS_BLOCK = 1 << 18


@dataclass(frozen=True, eq=False)
class Evaluated:
    """A structure at given variance ratios.

    Attributes:
        products: [X, y]' V^-1 [X, y], shape (q, q).
        log_determinant: ln|V|.
        parts: Whatever the structure keeps for its derivatives.
    """

    products: FloatArray
    log_determinant: float
    parts: Any = None


class Blocks(Protocol):
    """A covariance structure with m parameters theta, entries of the ratios' Cholesky factor as in lme4."""

    @property
    def parameters(self) -> int:
        """Number of parameters."""
        ...

    @property
    def many(self) -> bool:
        """Whether there are so many groups that the likelihood has one mode, and one start will do."""
        ...

    def ratios(self, theta: FloatArray) -> FloatArray:
        """Variances (and covariances) over the residual variance, shape (m,)."""
        ...

    def chain(self, theta: FloatArray, by_ratio: FloatArray) -> FloatArray:
        """Turn derivatives by the ratios into derivatives by theta, both of shape (m,)."""
        ...

    def evaluate(self, ratios: FloatArray) -> Evaluated:
        """Products and log determinant at the ratios."""
        ...

    def derivative(self, at: Evaluated, weight: FloatArray) -> FloatArray:
        """Derivative of ln|V| + trace(weight M) by each ratio, shape (m,), for a symmetric weight (q, q)."""
        ...

    def starts(self) -> list[FloatArray]:
        """Values of theta that cover the plausible range, coarsely."""
        ...

    def transformed(self, matrix: FloatArray) -> Self:
        """The same structure for [X, y] times `matrix` (q, q')."""
        ...


def gram(rows: FloatArray, weights: FloatArray | None = None) -> FloatArray:
    """Sum of weight * row row' over the rows, shape (q, q), in pieces that stay in the cache and in one thread.

    >>> gram(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([1.0, 0.5]))
    array([[ 5.5,  8. ],
           [ 8. , 12. ]])
    """
    q = rows.shape[1]
    step = max(1, BLAS_BLOCK // (q * q))
    total = np.zeros((q, q))
    for start in range(0, len(rows), step):
        piece = rows[start : start + step]
        weighted = piece if weights is None else piece * weights[start : start + step, None]
        total += weighted.T @ piece
    return total


def quadratic(rows: FloatArray, weight: FloatArray, other: FloatArray | None = None) -> FloatArray:
    """Products row' weight row (or row' weight other), one per row, shape (k,).

    >>> quadratic(np.array([[1.0, 2.0]]), np.eye(2))
    array([5.])
    """
    right = rows if other is None else other
    step = max(1, BLAS_BLOCK // weight.size)
    values = np.empty(len(rows))
    for start in range(0, len(rows), step):
        piece = slice(start, start + step)
        values[piece] = np.einsum("kq,kq->k", rows[piece] @ weight, right[piece])
    return values


def sorted_grams(rows: FloatArray, keys: FloatArray, row_weights: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Distinct keys (u,) and the sum of weight * row row' per key (u, q, q).

    Clinics of the same size share their weight at every step of a search, so their products are summed once.
    """
    order = np.argsort(keys, kind="stable")
    distinct, first = np.unique(keys[order], return_index=True)
    bounds = np.append(first, len(keys))
    rows, row_weights = rows[order], row_weights[order]
    sums = [gram(rows[a:b], row_weights[a:b]) for a, b in itertools.pairwise(bounds)]
    return distinct, np.array(sums)


def within(products: FloatArray, between: FloatArray) -> FloatArray:
    """Products minus what lies between groups; columns that do not vary within groups get exact zeros.

    Rounding would leave them some 1e-16 of their size, which matters once a ratio makes their groups' part tiny.
    """
    left = products - between
    constant = np.diag(left) <= ROUNDING * np.diag(products)
    left[constant, :] = 0.0
    left[:, constant] = 0.0
    return left


def sandwich(products: FloatArray, matrix: FloatArray) -> FloatArray:
    """Product matrix' products matrix, for one product (q, q) or many (u, q, q)."""
    result: FloatArray = matrix.T @ products @ matrix
    return result
