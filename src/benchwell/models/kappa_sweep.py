"""Which shifts of the imputed scores would change a light, and how small the smallest of them is (METHODS M1.6, M5.5).

Two questions are asked. If the missing of every clinic differ in the same way, the benchmark moves along with the
clinic. If only this clinic's missing differ, the benchmark stays. A verdict that survives both does not rest on people
who were not seen; one that flips is not shown as a color.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchwell.models.arrays import ArrayLike, FloatArray, finite, same_shape, vector
from benchwell.models.hyper_uncertainty import spread_for_light
from benchwell.models.light import light
from benchwell.models.shrinkage import shrink
from benchwell.terms import Better, Light


@dataclass(frozen=True)
class LightRule:
    """A benchmark, and what a light needs.

    Attributes:
        benchmark: Without a shift, on the same denominator as the estimates (all eligible, the missing imputed).
        standard_error: Of the benchmark, >= 0.
        margin: Difference that matters, >= 0.
        probability: That a state needs, above .5.
        better: Which direction of the figure is favorable.
        seed: Of the spread of few clinics, as recorded in the edition.
    """

    benchmark: float
    standard_error: float
    margin: float
    probability: float = 0.90
    better: Better = Better.HIGHER
    seed: int = 0


@dataclass(frozen=True)
class KappaSweep:
    """A light under every shift.

    Attributes:
        kappas: Shifts in points; above zero the missing did worse.
        states: The light under each, before other gates.
        estimates: The clinic's figure under each.
        benchmarks: The benchmark under each.
        reference: The light to be confirmed.
        flips: Shifts under which the light is another one.
        tipping: The smallest of `flips`, disregarding the sign (of two alike the one that is worse for the missing);
            None if the light is the same under all.
    """

    kappas: tuple[float, ...]
    states: tuple[Light, ...]
    estimates: tuple[float, ...]
    benchmarks: tuple[float, ...]
    reference: Light
    flips: tuple[float, ...]
    tipping: float | None

    @property
    def robust(self) -> bool:
        """Whether no shift changes the light."""
        return not self.flips


def kappa_sweep(
    kappas: ArrayLike,
    estimates: ArrayLike,
    variances: ArrayLike,
    place: int,
    rule: LightRule,
    *,
    everybody: bool = True,
    reference: Light | None = None,
) -> KappaSweep:
    """Look at one clinic's light under every shift.

    Args:
        kappas: Shifts, points, shape (s,), one of them zero.
        estimates: Figures of all clinics of the field under each shift, shape (s, k); NaN where a clinic has none. The
            order of clinics is part of what the seed replays.
        variances: Their sampling variances (`variance` of `tables.DERIVED["imputations"]`), same shape.
        place: Column of the clinic in question.
        rule: Benchmark and rule of the light.
        everybody: Whether the missing of all clinics are shifted; else only this clinic's, and the peers and the
            benchmark stay as without a shift.
        reference: The light to be confirmed, such as the edition's own; None: the light without a shift.

    Raises:
        ValueError: If shapes differ, no shift is zero, or the clinic has no figure.

    Source:
        METHODS M1.6, M5.5.

    >>> figures = np.array([[0.66, 0.52, 0.49, 0.50], [0.62, 0.50, 0.47, 0.48], [0.55, 0.47, 0.44, 0.45]])
    >>> rule = LightRule(benchmark=0.48, standard_error=0.01, margin=0.03)
    >>> variances = np.full((3, 4), 0.0004)
    >>> sweep = kappa_sweep([-3.0, 0.0, 3.0], figures, variances, 0, rule, everybody=False)
    >>> [state.value for state in sweep.states], sweep.tipping
    (['green', 'green', 'grey'], 3.0)
    """
    shifts = vector("kappas", kappas)
    figures, spreads = np.asarray(estimates, dtype=np.float64), np.asarray(variances, dtype=np.float64)
    same_shape(estimates=figures, variances=spreads)
    zero = np.flatnonzero(shifts == 0.0)
    if figures.ndim != 2 or len(figures) != len(shifts) or not len(zero):
        raise ValueError("estimates need one row per shift, and one shift must be zero")
    finite("the clinic's figures", figures[:, place])
    known = np.asarray((np.isfinite(figures) & np.isfinite(spreads) & (spreads > 0)).all(axis=0), dtype=np.bool_)
    if not known[place]:
        raise ValueError("the clinic's variances must be above zero")
    own = int(known[:place].sum())
    figures, spreads = figures[:, known], spreads[:, known]
    states, benchmarks = [], []
    for at in range(len(shifts)):
        values, variance = figures[at].copy(), spreads[at].copy()
        benchmark = rule.benchmark
        if everybody:
            benchmark += _common(figures[at], spreads[at], own) - _common(figures[zero[0]], spreads[zero[0]], own)
        else:
            values, variance = figures[zero[0]].copy(), spreads[zero[0]].copy()
            values[own], variance[own] = figures[at, own], spreads[at, own]
        benchmarks.append(benchmark)
        states.append(_state(values, variance, own, benchmark, rule))
    confirmed = states[zero[0]] if reference is None else reference
    flips = tuple(float(kappa) for kappa, state in zip(shifts, states, strict=True) if state is not confirmed)
    return KappaSweep(
        kappas=tuple(float(kappa) for kappa in shifts),
        states=tuple(states),
        estimates=tuple(float(value) for value in figures[:, own]),
        benchmarks=tuple(benchmarks),
        reference=confirmed,
        flips=flips,
        tipping=min(flips, key=lambda kappa: (abs(kappa), -kappa), default=None),
    )


def _common(values: FloatArray, variances: FloatArray, own: int) -> float:
    """The peers' common figure: what the benchmark moves along with; 0 without peers."""
    peers = np.arange(len(values)) != own
    return shrink(values[peers], variances[peers]).mean if peers.any() else 0.0


def _state(values: FloatArray, variances: FloatArray, own: int, benchmark: float, rule: LightRule) -> Light:
    fit = shrink(values, variances)
    sd = spread_for_light(values, variances, rule.seed) if len(values) > 1 else fit.sd
    verdict = light(
        float(fit.shrunken[own]),
        float(sd[own]),
        benchmark,
        rule.standard_error,
        rule.margin,
        rule.probability,
        rule.better,
    )
    return verdict.state
