"""Partial likelihood of proportional hazards, its slope and information, with tied event times (Efron or Breslow)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from benchwell.models.arrays import BoolArray, FloatArray, IntArray


class TiedTimes(StrEnum):
    """How events at the same time share the people at risk."""

    EFRON = "efron"
    """The tied leave one by one, on average: close to exact."""
    BRESLOW = "breslow"
    """All tied stay at risk for each other: simpler, pulls coefficients to zero when ties are many."""


@dataclass(frozen=True)
class BaselineHazard:
    """Cumulative hazard of a person with all covariates at `center`, one row per distinct event time of a stratum.

    Attributes:
        stratum: Code of the stratum; 0 when there are none.
        time: Distinct event times, ascending, shape (m,).
        cumulative_hazard: Expected events up to and including each time, shape (m,).
    """

    stratum: float
    time: FloatArray
    cumulative_hazard: FloatArray


class RiskSets:
    """People of one stratum, longest followed first, so that every risk set is a head of the list.

    Attributes:
        X: Covariates, shape (n, p).
        time: Distinct event times, latest first, shape (m,).
        last: Row of the last person at risk at each of them, shape (m,).
        event_rows: Rows with an event, latest first, shape (d,).
        slot: Index into `time` of each event, shape (d,).
        part_gone: Share of the tied events that already left when each event is counted, shape (d,).
    """

    def __init__(self, X: FloatArray, t: FloatArray, happened: BoolArray, ties: TiedTimes) -> None:
        order = np.lexsort((~happened, -t))
        self.X, ordered, marks = X[order], t[order], happened[order]
        self.event_rows: IntArray = np.flatnonzero(marks)
        negative, self.slot = np.unique(-ordered[marks], return_inverse=True)
        self.time: FloatArray = -negative
        self.last: npt.NDArray[np.intp] = np.searchsorted(-ordered, negative, side="right") - 1
        first = np.searchsorted(self.slot, np.arange(len(negative)))
        tied = np.bincount(self.slot, minlength=len(negative))
        place = np.arange(len(self.slot)) - first[self.slot]
        self.part_gone: FloatArray = place / tied[self.slot] if ties is TiedTimes.EFRON else np.zeros(len(self.slot))

    def log_likelihood(self, beta: FloatArray) -> float:
        """Log partial likelihood."""
        eta = self.X @ beta
        top = float(eta.max(initial=0.0))
        denominator, _, _ = self._sums(np.exp(eta - top), order=0)
        return float(eta[self.event_rows].sum() - (np.log(denominator) + top).sum())

    def derivatives(self, beta: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Slope, shape (p,), and information, shape (p, p), of the log partial likelihood."""
        eta = self.X @ beta
        s0, s1, s2 = self._sums(np.exp(eta - eta.max(initial=0.0)), order=2)
        mean = s1 / s0[:, None]
        slope = self.X[self.event_rows].sum(axis=0) - mean.sum(axis=0)
        return slope, (s2 / s0[:, None, None]).sum(axis=0) - mean.T @ mean

    def baseline(self, beta: FloatArray, stratum: float) -> BaselineHazard:
        """Cumulative hazard where `X` is zero, with the same treatment of ties."""
        denominator, _, _ = self._sums(np.exp(self.X @ beta), order=0)
        steps = np.bincount(self.slot, weights=1 / denominator, minlength=len(self.time))
        return BaselineHazard(stratum, self.time[::-1], np.cumsum(steps[::-1]))

    def _sums(self, risk: FloatArray, order: int) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Sums of risk, risk x and risk x x' over the people at risk, one row per event."""
        return (
            self._per_event(risk),
            self._per_event(risk[:, None] * self.X) if order else np.empty(0),
            self._per_event(np.einsum("i,ij,ik->ijk", risk, self.X, self.X)) if order else np.empty(0),
        )

    def _per_event(self, values: FloatArray) -> FloatArray:
        at_risk = values.cumsum(axis=0)[self.last]
        tied = np.zeros_like(at_risk)
        np.add.at(tied, self.slot, values[self.event_rows])
        gone = self.part_gone.reshape((-1,) + (1,) * (values.ndim - 1))
        return np.asarray(at_risk[self.slot] - gone * tied[self.slot])
