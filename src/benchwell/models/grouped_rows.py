"""Rows of a logistic model, sorted by group and cut into blocks of whole groups.

Everything a mixed model asks of its rows is here: sums by group, weighted cross products, spreading a group's value
over its rows. Blocks hold whole outer groups, so that the search for the modes of one block needs no other block,
stays in the processor's cache, and two threads never share a sum: the result does not depend on their timing.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TypeVar

import numpy as np

from benchwell.models.arrays import FloatArray, IntArray

_BLOCK_ROWS = 16_384  # a vector of these is 128 kB: the handful that a mode search needs fit a core's cache
_THREADS = 2
_SERIAL_PRODUCT = 200_000  # multiplications below which OpenBLAS starts no threads of its own: matrix by matrix,
_SERIAL_VECTOR = 8_000  # and matrix by vector
_Result = TypeVar("_Result")


@dataclass(frozen=True)
class Block:
    """Rows, inner groups and outer groups that belong together, as slices of the whole."""

    rows: slice
    inner: slice
    outer: slice


@dataclass(frozen=True)
class GroupedRows:
    """Design, outcome and groups, with the rows of a group side by side.

    Attributes:
        x: Design, shape (n, p), constant in column 0.
        successes: Shape (n,).
        trials: Shape (n,), or None when every row is one trial.
        starts: First row of each inner group, shape (g,); every group has at least one row.
        outer_starts: First inner group of each outer group, shape (k,); None for one level.
        codes: The caller's code of each inner group, shape (g,).
        outer_codes: The caller's code of each outer group, shape (k,); empty for one level.
    """

    x: FloatArray
    successes: FloatArray
    trials: FloatArray | None
    starts: IntArray
    outer_starts: IntArray | None
    codes: IntArray
    outer_codes: IntArray

    @cached_property
    def sizes(self) -> IntArray:
        """Rows of each inner group."""
        return np.diff(np.append(self.starts, len(self.successes)))

    @cached_property
    def outer_sizes(self) -> IntArray:
        """Inner groups of each outer group; empty for one level."""
        if self.outer_starts is None:
            return np.zeros(0, dtype=np.int64)
        return np.diff(np.append(self.outer_starts, len(self.starts)))

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """Consecutive whole outer groups (inner ones for one level), about `_BLOCK_ROWS` rows each."""
        first_inner = np.arange(len(self.starts)) if self.outer_starts is None else self.outer_starts
        unit_rows = np.append(self.starts[first_inner], len(self.successes))
        first_inner = np.append(first_inner, len(self.starts))
        # A unit belongs to the block in which its first row falls; a unit longer than a block is one of its own.
        cuts = np.flatnonzero(np.diff(unit_rows[:-1] // _BLOCK_ROWS)) + 1
        edges = np.concatenate([[0], cuts, [len(unit_rows) - 1]])
        nested = self.outer_starts is not None
        return tuple(
            Block(
                slice(int(unit_rows[a]), int(unit_rows[b])),
                slice(int(first_inner[a]), int(first_inner[b])),
                slice(int(a), int(b)) if nested else slice(0, 0),
            )
            for a, b in pairwise(edges)
        )

    def each_block(self, work: Callable[[Block], _Result]) -> list[_Result]:
        """Run `work` on every block, two at a time, and return the results in the order of the blocks.

        `work` must not let BLAS start threads: inside ours they make everything several times slower.
        """
        if len(self.blocks) == 1:
            return [work(self.blocks[0])]
        with ThreadPoolExecutor(_THREADS) as pool:
            return list(pool.map(work, self.blocks))

    def block_starts(self, block: Block) -> IntArray:
        """First row of each inner group of a block, counted from the block's first row."""
        return np.asarray(self.starts[block.inner] - block.rows.start)

    def block_outer_starts(self, block: Block) -> IntArray:
        """First inner group of each outer group of a block, counted from the block's first inner group."""
        if self.outer_starts is None:
            return np.zeros(0, dtype=np.int64)
        return np.asarray(self.outer_starts[block.outer] - block.inner.start)

    def predictor(self, block: Block, beta: FloatArray) -> FloatArray:
        """X beta of a block's rows, shape (rows of the block,)."""
        return _serial_product(self.x[block.rows], beta)

    def pull(self, block: Block, slope: FloatArray) -> FloatArray:
        """X'slope over a block's rows, shape (p,)."""
        return _serial_cross(self.x[block.rows], slope[:, None])[:, 0]

    def weighted_cross(self, weight: FloatArray) -> FloatArray:
        """X'diag(weight)X, shape (p, p)."""
        return np.asarray(sum(self.each_block(lambda block: self._cross(block, self._weighted(block, weight)))))

    def column_sums(self, weight: FloatArray) -> FloatArray:
        """Sum of weight times x within each inner group, shape (g, p)."""
        return np.concatenate(self.each_block(lambda block: self._sums(block, self._weighted(block, weight))))

    def moments(self, weight: FloatArray) -> tuple[FloatArray, FloatArray]:
        """`column_sums` and `weighted_cross` in one pass."""

        def work(block: Block) -> tuple[FloatArray, FloatArray]:
            weighted = self._weighted(block, weight)
            return self._sums(block, weighted), self._cross(block, weighted)

        parts = self.each_block(work)
        return np.concatenate([part[0] for part in parts]), np.asarray(sum(part[1] for part in parts))

    def _weighted(self, block: Block, weight: FloatArray) -> FloatArray:
        return np.asarray(self.x[block.rows] * weight[block.rows, None])

    def _sums(self, block: Block, weighted: FloatArray) -> FloatArray:
        return np.asarray(np.add.reduceat(weighted, self.block_starts(block), axis=0))

    def _cross(self, block: Block, weighted: FloatArray) -> FloatArray:
        return _serial_cross(self.x[block.rows], weighted)


def _serial_product(x: FloatArray, beta: FloatArray) -> FloatArray:
    """X beta in pieces so small that BLAS stays on the calling thread."""
    rows = max(_SERIAL_VECTOR // x.shape[1], 1)
    whole = len(x) // rows * rows
    result = np.empty(len(x))
    np.matmul(x[:whole].reshape(-1, rows, x.shape[1]), beta, out=result[:whole].reshape(-1, rows))
    np.matmul(x[whole:], beta, out=result[whole:])
    return result


def _serial_cross(x: FloatArray, other: FloatArray) -> FloatArray:
    """X'other in pieces so small that BLAS stays on the calling thread."""
    p, columns = x.shape[1], other.shape[1]
    rows = max((_SERIAL_PRODUCT if columns > 1 else _SERIAL_VECTOR) // (p * columns), 1)
    whole = len(x) // rows * rows
    stacked = x[:whole].reshape(-1, rows, p).transpose(0, 2, 1) @ other[:whole].reshape(-1, rows, columns)
    return np.asarray(stacked.sum(axis=0) + x[whole:].T @ other[whole:])


def outer_sum(values: FloatArray, outer_starts: IntArray) -> FloatArray:
    """Sum over the inner groups of each outer group, along axis 0; shape (0, ...) for one level."""
    if len(outer_starts) == 0:
        return np.zeros((0, *values.shape[1:]))
    return np.asarray(np.add.reduceat(values, outer_starts, axis=0))


def outer_spread(values: FloatArray, outer_sizes: IntArray, n_inner: int) -> FloatArray:
    """Give each inner group its outer group's value; zeros for one level."""
    if len(outer_sizes) == 0:
        return np.zeros((n_inner, *values.shape[1:]))
    return np.repeat(values, outer_sizes, axis=0)


def group_rows(
    x: FloatArray, successes: FloatArray, trials: FloatArray | None, group: IntArray, parent: IntArray | None
) -> GroupedRows:
    """Bring the rows of a group side by side; rows that already are stay where they are, uncopied.

    >>> rows = group_rows(np.ones((4, 1)), np.array([1.0, 0, 0, 1]), None, np.array([2, 0, 2, 0]), None)
    >>> rows.codes.tolist(), rows.sizes.tolist(), rows.successes.tolist()
    ([0, 2], [2, 2], [0.0, 1.0, 1.0, 0.0])
    """
    n_codes = int(group.max()) + 1 if parent is None else len(parent)
    by_parent = np.arange(n_codes) if parent is None else np.argsort(parent, kind="stable")
    rank = np.empty(n_codes, dtype=np.int64)
    rank[by_parent] = np.arange(n_codes)
    code = group if parent is None else rank[group]
    if len(code) > 1 and not (code[1:] >= code[:-1]).all():
        # Words of two bytes are sorted in linear time.
        order = np.argsort(code.astype(np.uint16) if n_codes <= 65_536 else code, kind="stable")
        x, successes = np.take(x, order, axis=0), successes[order]
        trials = None if trials is None else trials[order]
    sizes = np.bincount(code, minlength=n_codes)
    present = np.flatnonzero(sizes)
    starts = np.concatenate([[0], np.cumsum(sizes[present])[:-1]])
    codes = by_parent[present]
    if parent is None:
        return GroupedRows(x, successes, trials, starts, None, codes, np.zeros(0, dtype=np.int64))
    outer_codes, outer_starts = np.unique(parent[codes], return_index=True)
    return GroupedRows(x, successes, trials, starts, outer_starts, codes, outer_codes)
