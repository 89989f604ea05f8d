"""Where a CUSUM signals: limits that leave a clinic without change in peace for years (METHODS M5.4).

Two ways to the same limit. `control_limit` simulates one clinic: years of people drawn from its own year's chances, all
outcomes as expected, and the time until C first reaches each height. `control_limits` serves hundreds of clinics: it
solves for the expected time directly on a grid of heights (a Markov chain), which takes milliseconds a clinic and has
no noise; tests hold it to the simulation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchwell.models.arrays import ArrayLike, FloatArray, vector
from benchwell.models.cusum import DOUBLED, cusum_weights, reflected

# METHODS M5.4: on average at most one false signal in five years.
YEARS = 5.0

_STEP = 0.005  # heights are looked for in these steps
_HORIZON = 4.0  # times the run length wanted that each simulated clinic is followed
_BLOCK = 4_000_000
_STATES = 31  # heights from 0 to h of the coarser Markov chain; the finer one has twice as many steps
_CLINICS_AT_ONCE = 64
_CHANCES = 16  # typical chances that stand for a clinic's year in the Markov chain
_ATTEMPTS = 12
_HIGHEST = 14.0  # exp(14) people to a signal at the least: beyond any clinic


@dataclass(frozen=True)
class ControlLimit:
    """A simulated limit.

    Attributes:
        h: The smallest height, in steps of .005, whose simulated run length without change is long enough.
        run_length: Its simulated average number of people to a signal without change.
        standard_error: Monte Carlo standard error of `run_length`.
        wanted: Run length asked for: years times people a year.
        odds_ratio: R_A of the chart.
        replicates: Simulated clinics.
        seed: Seed.
    """

    h: float
    run_length: float
    standard_error: float
    wanted: float
    odds_ratio: float
    replicates: int
    seed: int


def control_limit(
    expected_year: ArrayLike,
    odds_ratio: float = DOUBLED,
    *,
    years: float = YEARS,
    replicates: int = 1000,
    seed: int = 0,
) -> ControlLimit:
    """Simulate the limit at which a clinic without change signals once in so many years of its volume.

    Every simulated clinic is followed for four times the run length wanted; those that have not signalled by then
    count with the people they had (total people over total signals, as for waiting times without memory). The same
    simulated people serve every height, so the run length rises with the height without exception.

    Args:
        expected_year: Chances of the adverse outcome of one year's people, shape (t,), strictly between 0 and 1.
        odds_ratio: R_A.
        years: Years of volume to a false signal, on average.
        replicates: Simulated clinics; 1,000 give a run length to about 3 %.
        seed: Seed, recorded with the limit.

    Returns:
        Limit, its run length and the doubt about it.

    Raises:
        ValueError: If a chance is outside (0, 1), or years or replicates are not positive.

    Source:
        Steiner et al. (2000), Biostatistics 1:441-452; METHODS M5.4.

    >>> limit = control_limit([0.5] * 20, replicates=400, seed=1)
    >>> limit.run_length >= 100, limit.standard_error < 10
    (True, True)
    """
    p = vector("expected_year", expected_year)
    if not years > 0 or replicates < 2:
        raise ValueError("years must be above zero and replicates at least 2")
    when_adverse, otherwise = (cusum_weights(p, np.full(len(p), outcome), odds_ratio) for outcome in (1.0, 0.0))
    wanted = years * len(p)
    length = int(np.ceil(_HORIZON * wanted))
    heights = np.arange(1, int(_HIGHEST / _STEP) + 1) * _STEP
    generator = np.random.default_rng(seed)
    people, signals = np.zeros(len(heights)), np.zeros(len(heights))
    size = max(1, _BLOCK // length)
    for start in range(0, replicates, size):
        shape = (min(size, replicates - start), length)
        drawn = generator.integers(0, len(p), size=shape)
        weight = np.where(generator.random(shape) < p[drawn], when_adverse[drawn], otherwise[drawn])
        for highest in np.maximum.accumulate(reflected(weight), axis=1):
            first = np.searchsorted(highest, heights, side="left")  # people before C reaches each height
            reached = first < length
            people += np.where(reached, first + 1, length)
            signals += reached
    run_length = people / np.maximum(signals, 0.5)
    enough = int(np.argmax(run_length >= wanted)) if (run_length >= wanted).any() else len(heights) - 1
    mean = float(run_length[enough])
    return ControlLimit(
        h=float(heights[enough]),
        run_length=mean,
        standard_error=float(mean / np.sqrt(max(signals[enough], 1.0))),
        wanted=wanted,
        odds_ratio=float(odds_ratio),
        replicates=replicates,
        seed=seed,
    )


def control_limits(
    expected_years: Sequence[ArrayLike], odds_ratio: float = DOUBLED, *, years: float = YEARS
) -> FloatArray:
    """Limits of many clinics at once, from the expected run length itself.

    A clinic's year is stood for by 16 typical chances (means of equal parts of its sorted chances), the height of C by
    31 and by 61 values, from which the limit of ever more is extrapolated. Run lengths agree with those simulated to a
    few percent, limits to about .03.

    Args:
        expected_years: One year's chances of each clinic, each of shape (t_j,), t_j >= 1.
        odds_ratio: R_A.
        years: Years of volume to a false signal, on average.

    Returns:
        Limits h, one per clinic.

    Raises:
        ValueError: If a chance is outside (0, 1) or `years` not positive.

    Source:
        Brook & Evans (1972), Biometrika 59:539-549; METHODS M5.4.

    >>> control_limits([[0.5] * 20, [0.3] * 200]).round(1)
    array([1.9, 3.8])
    """
    if not years > 0:
        raise ValueError("years must be above zero")
    if not len(expected_years):
        return np.zeros(0)
    typical = np.stack([_typical(vector("expected_years", one)) for one in expected_years])
    wanted = years * np.array([len(np.asarray(one)) for one in expected_years], dtype=np.float64)
    h, slope = np.log(wanted) * 0.8, np.full(len(typical), 0.9)
    step, log_length = np.zeros(len(typical)), np.zeros(len(typical))
    moving = np.arange(len(typical))
    for attempt in range(_ATTEMPTS):
        before = log_length[moving]
        log_length[moving] = np.log(run_lengths(typical[moving], h[moving], odds_ratio))
        if attempt:
            # The logarithm of the run length is nearly a straight line in h: its last slope tells the next step.
            slope[moving] = np.clip((log_length[moving] - before) / step[moving], 0.3, 3.0)
        step[moving] = np.clip((np.log(wanted[moving]) - log_length[moving]) / slope[moving], -2.0, 2.0)
        h[moving] = np.maximum(h[moving] + step[moving], _STEP)
        moving = moving[np.abs(step[moving]) > _STEP / 2]
        if not len(moving):
            break
    return np.asarray(np.ceil(h / _STEP - 1e-9) * _STEP)


def run_lengths(chances: FloatArray, h: ArrayLike, odds_ratio: float = DOUBLED) -> FloatArray:
    """Expected number of people to a signal without change, from C = 0, by a Markov chain of heights.

    Args:
        chances: Equally likely chances of the adverse outcome, shape (k, m), strictly between 0 and 1.
        h: Limit of each chart, shape (k,), > 0.
        odds_ratio: R_A.

    Returns:
        Average run lengths, shape (k,), people.

    Raises:
        ValueError: If a chance is outside (0, 1).

    Source:
        Brook & Evans (1972), Biometrika 59:539-549.

    >>> run_lengths(np.full((1, 1), 0.5), [0.25]).round(6)  # the first adverse outcome signals: two people on average
    array([2.])
    """
    limit = np.asarray(h, dtype=np.float64)
    lengths = np.empty(len(limit))
    for start in range(0, len(limit), _CLINICS_AT_ONCE):
        part = slice(start, start + _CLINICS_AT_ONCE)
        coarse, fine = (
            np.log(_chain_run_lengths(chances[part], limit[part], odds_ratio, states))
            for states in (_STATES, 2 * _STATES - 1)
        )
        # Heights between states count as both, which costs an error that falls with the square of their distance.
        lengths[part] = np.exp(fine + (fine - coarse) / 3)
    return lengths


def _chain_run_lengths(chances: FloatArray, limit: FloatArray, odds_ratio: float, states: int) -> FloatArray:
    k, m = chances.shape
    flat = chances.ravel()
    heights = np.linspace(0.0, 1.0, states) * limit[:, None]
    chain = np.zeros((k, states * states))
    row = np.arange(states) * states
    clinic = np.arange(k)[:, None]
    for outcome in (1.0, 0.0):
        weight = cusum_weights(flat, np.full(flat.shape, outcome), odds_ratio).reshape(k, m)
        probability = (chances if outcome else 1 - chances) / m
        for column in range(m):
            reached = np.maximum(heights + weight[:, column, None], 0.0)
            stays = reached < limit[:, None] * (1 - 1e-12)
            place = np.minimum(reached / limit[:, None], 1.0) * (states - 1)
            left = np.minimum(place.astype(np.int64), states - 2)
            share_right = place - left
            for target, part in ((left, 1 - share_right), (left + 1, share_right)):
                chain[clinic, row + target] += np.where(stays, probability[:, column, None] * part, 0.0)
    return _time_from_first(np.eye(states) - chain.reshape(k, states, states))


def _time_from_first(system: FloatArray) -> FloatArray:
    """Solve `system` x = 1 for the first unknown of every clinic, taking states out one by one from the top.

    No pivots are needed for such a system. All clinics go step by step together: many small LAPACK calls would wake
    their threads each time, and on a busy machine that takes a hundred times as long.
    """
    matrix, time = system.copy(), np.ones(system.shape[:2])
    for last in range(system.shape[1] - 1, 0, -1):
        factor = matrix[:, :last, last] / matrix[:, last, last, None]
        matrix[:, :last, :last] -= factor[:, :, None] * matrix[:, None, last, :last]
        time[:, :last] -= factor * time[:, last, None]
    return np.asarray(time[:, 0] / matrix[:, 0, 0])


def _typical(p: FloatArray) -> FloatArray:
    """Means of equal parts of the sorted chances."""
    bounds = np.linspace(0, len(p), _CHANCES + 1)
    running = np.interp(bounds, np.arange(len(p) + 1), np.concatenate([[0.0], np.cumsum(np.sort(p))]))
    return np.asarray(np.clip(np.diff(running) * _CHANCES / len(p), 1e-9, 1 - 1e-9))
