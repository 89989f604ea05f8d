"""A question put to many made-up worlds, what the answer should be, and what it was."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from math import inf, isfinite

import numpy as np

from benchwell.synthetic.clinics import FloatArray

Measured = Mapping[str, float]
Gathered = Mapping[str, FloatArray]


@dataclass(frozen=True)
class Summary:
    """A figure over all replicates and its Monte-Carlo standard error."""

    value: float
    error: float


def mean_of(name: str) -> Callable[[Gathered], Summary]:
    """Mean of one figure over replicates, NaN left out.

    >>> mean_of("x")({"x": np.array([1.0, 3.0])})
    Summary(value=2.0, error=1.0)
    """

    def summarize(gathered: Gathered) -> Summary:
        values = gathered[name][~np.isnan(gathered[name])]
        if len(values) < 2:
            return Summary(float(values.mean()) if len(values) else float("nan"), float("nan"))
        return Summary(float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values))))

    return summarize


def largest_of(name: str) -> Callable[[Gathered], Summary]:
    """The largest of all replicates: for what must hold each time."""
    return lambda gathered: Summary(float(gathered[name].max()), 0.0)


def ratio_of(part: str, whole: str) -> Callable[[Gathered], Summary]:
    """Sum of one figure over that of another; its error by the jackknife over replicates.

    >>> ratio_of("red", "lights")({"red": np.array([1.0, 0.0]), "lights": np.array([10.0, 10.0])}).value
    0.05
    """
    return lambda gathered: _jackknife(lambda keep: _share(gathered, part, whole, keep), len(gathered[part]))


def fall_of(before: tuple[str, str], after: tuple[str, str]) -> Callable[[Gathered], Summary]:
    """By what share a ratio falls from one to the other: 1 - after / before."""

    def fall(gathered: Gathered, keep: FloatArray) -> float:
        first = _share(gathered, *before, keep)
        return 1 - _share(gathered, *after, keep) / first if first else float("nan")

    return lambda gathered: _jackknife(lambda keep: fall(gathered, keep), len(gathered[before[0]]))


def _share(gathered: Gathered, part: str, whole: str, keep: FloatArray) -> float:
    total = float(keep @ gathered[whole])
    return float(keep @ gathered[part]) / total if total else float("nan")


def _jackknife(statistic: Callable[[FloatArray], float], n: int) -> Summary:
    value = statistic(np.ones(n))
    left = np.array([statistic(1.0 - (np.arange(n) == one)) for one in range(n)])
    left = left[~np.isnan(left)]
    return Summary(value, float(np.sqrt((len(left) - 1) * left.var())) if len(left) > 1 else float("nan"))


@dataclass(frozen=True)
class Target:
    """What the figure should be; without bounds it is shown for comparison only."""

    claim: str
    figure: Callable[[Gathered], Summary]
    low: float = -inf
    high: float = inf
    unit: str = ""  # "%" shows a share in percent

    @property
    def text(self) -> str:
        """The target in words.

        >>> Target("", mean_of("x"), 0.93, 0.97, "%").text, Target("", mean_of("x"), high=0.05, unit="%").text
        ('93 to 97 %', 'at most 5 %')
        """
        low, high = (f"{100 * one:.3g}" if self.unit == "%" else f"{one:g}" for one in (self.low, self.high))
        unit = f" {self.unit}" if self.unit else ""
        if isfinite(self.low) and isfinite(self.high):
            return f"{low} to {high}{unit}"
        if isfinite(self.low):
            return f"at least {low}{unit}"
        return f"at most {high}{unit}" if isfinite(self.high) else "for comparison"


@dataclass(frozen=True)
class Question:
    """One setting, run on many worlds.

    Attributes:
        id: Short name; also what its seeds come from.
        methods: Section of METHODS.
        setting: The worlds, in words.
        run: From the seed of one world to what was measured in it.
        targets: What the figures should be.
        replicates: Worlds in the full study.
    """

    id: str
    methods: str
    setting: str
    run: Callable[[int], Measured]
    targets: tuple[Target, ...]
    replicates: int = 500


@dataclass(frozen=True)
class Row:
    """One line of the table. `holds` is None where nothing was promised."""

    question: str
    methods: str
    setting: str
    claim: str
    target: str
    unit: str
    found: float
    error: float
    replicates: int
    planned: int
    holds: bool | None


def ask(question: Question, replicates: int, seed: int, step: Callable[[], None] = lambda: None) -> list[Row]:
    """Put a question to as many worlds as asked, and judge each figure by its target.

    Args:
        question: The question.
        replicates: Worlds.
        seed: Seed of the study.
        step: Called after each world.

    Returns:
        One row per target. A figure holds if it lies within the target itself; its error is shown, not allowed for.
    """
    measured = []
    for number in range(replicates):
        measured.append(question.run(zlib.crc32(f"{question.id} {seed} {number}".encode())))
        step()
    gathered = {name: np.array([one[name] for one in measured], dtype=np.float64) for name in measured[0]}
    return [_row(question, target, target.figure(gathered), replicates) for target in question.targets]


def _row(question: Question, target: Target, found: Summary, replicates: int) -> Row:
    promised = isfinite(target.low) or isfinite(target.high)
    holds = bool(target.low <= found.value <= target.high) if promised else None
    about = (question.id, question.methods, question.setting, target.claim, target.text, target.unit)
    return Row(*about, found.value, found.error, replicates, question.replicates, holds)


def as_dict(row: Row) -> dict[str, object]:
    """A row for JSON: no NaN, and no more digits than the study can tell."""
    return {name: _rounded(value) for name, value in asdict(row).items()}


def _rounded(value: object) -> object:
    if isinstance(value, float):
        return float(f"{value:.4g}") if isfinite(value) else None
    return value
