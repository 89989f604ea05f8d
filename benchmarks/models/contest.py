"""Who fits what, at which sizes, and what we hold ourselves to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Model = Literal["linear", "nested", "logistic"]


@dataclass(frozen=True)
class Size:
    """A data set: episodes, and the clinics they are from."""

    name: str
    episodes: int
    clinics: int

    def __str__(self) -> str:
        """As the table tells it.

        >>> str(Size("1M", 1_000_000, 1_200))
        '1 000 000 / 1 200'
        """
        return f"{self.episodes:_} / {self.clinics:_}".replace("_", " ")


TINY = Size("tiny", 500, 10)
SIZES = (
    Size("12k", 12_473, 87),
    Size("200k", 200_000, 400),
    Size("1M", 1_000_000, 1_200),
    Size("5M", 5_000_000, 1_200),
)
STREAM = Size("10M", 10_000_000, 1_200)


@dataclass(frozen=True)
class Contestant:
    """A program that fits.

    Attributes:
        name: What it is called in the table.
        models: Models that it can fit.
        methods: How it fits each: `REML`, `ML` or `Laplace`.
    """

    name: str
    models: tuple[Model, ...]
    methods: tuple[str, ...]

    def method(self, model: Model) -> str:
        """How it fits a model."""
        return self.methods[self.models.index(model)]


OURS = Contestant("benchwell", ("linear", "nested", "logistic"), ("REML", "REML", "Laplace"))
OTHERS = (
    Contestant("gpboost", ("linear", "nested", "logistic"), ("ML", "ML", "Laplace")),
    Contestant("statsmodels", ("linear", "nested"), ("REML", "REML")),
    Contestant("lme4", ("linear", "nested", "logistic"), ("REML", "REML", "Laplace")),
)


@dataclass(frozen=True)
class Target:
    """What one of our fits may take: wall time, and memory (10^9 bytes) where that is stated."""

    model: Model
    size: str
    seconds: float
    gb: float | None = None


TARGETS = (
    Target("linear", "12k", 1.5),
    Target("linear", "1M", 2.0, 0.5),
    Target("nested", "1M", 3.0),
    Target("logistic", "1M", 4.5, 0.8),
    Target("linear", "10M", 3.0, 0.5),
)


@dataclass(frozen=True)
class Faster:
    """How many times faster than another program we mean to be."""

    model: Model
    size: str
    than: str
    times: float


FASTER = (Faster("logistic", "1M", "gpboost", 2.0), Faster("linear", "1M", "lme4", 12.0))
