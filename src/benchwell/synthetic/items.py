"""Answers to single items that add up to a total, and an item that works differently in one language."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from benchwell.synthetic.clinics import IntArray
from benchwell.synthetic.phq9 import phq9
from benchwell.synthetic.streams import stream
from benchwell.synthetic.world import World

# How readily each PHQ-9 item is endorsed next to the others; the ninth asks about thoughts of death.
READINESS = np.exp([0.2, 0.3, 0.5, 0.6, 0.0, 0.2, -0.1, -0.6, -1.4])


def answers(total: npt.ArrayLike, rng: np.random.Generator) -> IntArray:
    """Draw answers that add up to each total.

    Args:
        total: PHQ-9 totals, shape (n,), whole, 0 to 27.
        rng: Random numbers.

    Returns:
        Answers 0 to 3, shape (n, 9); each row adds up to its total. Items differ in how readily they are endorsed.

    >>> rows = answers(np.array([0, 13, 27]), np.random.default_rng(1))
    >>> rows.sum(axis=1).tolist(), int(rows.max())
    ([0, 13, 27], 3)
    """
    shape = phq9()
    # Each item has three points to give. They are given away one by one, the readier items first by an exponential
    # race: that is weighted sampling without replacement, for all people at once.
    place = np.asarray(total, dtype=np.int64)
    n = len(place)
    points = shape.items * shape.answer
    race = rng.standard_exponential((n, points)) / np.repeat(READINESS, shape.answer)
    ranked = np.sort(race, axis=1)
    last = np.where(place > 0, ranked[np.arange(n), np.maximum(place - 1, 0)], -1.0)
    counts: IntArray = (race <= last[:, None]).reshape(n, shape.items, shape.answer).sum(axis=2)
    return counts


def course_answers(world: World, total: npt.ArrayLike, block: int, visit: int) -> IntArray:
    """Answers of one visit of a block, always the same for the same world."""
    return answers(total, stream(world.seed, f"answers {visit}", block))


def dif_shift(world: World, total: npt.ArrayLike, block: int, visit: int) -> IntArray:
    """Points that the item of `world.dif` adds for somebody of the second language, shape (n,), 0 or 1."""
    item = course_answers(world, total, block, visit)[:, world.dif.item - 1]
    chance = stream(world.seed, f"dif {visit}", block).random(len(item))
    return ((chance < world.dif.probability) & (item < phq9().answer)).astype(np.int64)
