"""A benchmark declaration: which measure, compared with whom, in which strata, how often, behind which gates."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from benchwell.registry.declaration import Declaration, Model
from benchwell.terms import BenchmarkKind

SEED = 20260101  # where a benchmark declares none


class Stratum(Model):
    """Split by a declared variable. Numeric variables are cut at `breaks` (lower edges of the upper groups)."""

    by: str  # a column of episodes or patients, "age", "baseline", "severity_band", or a characteristic's name
    breaks: tuple[float, ...] = ()


class Cadence(Model):
    """Static (yearly, frozen) or dynamic (rolling months, refreshed quarterly, provisional): METHODS M4.5."""

    kind: Literal["static", "dynamic"] = "static"
    months: int = 12
    refresh: Literal["yearly", "quarterly"] = "yearly"


class Gates(Model):
    """Minimum data before anything is shown (METHODS 0.1, M4.2, M4.6, M5.5). All are recorded in the edition."""

    organization_n: int = Field(default=10, ge=1)  # mature episodes before a clinic sees its own figure
    tier_organizations: int = 5
    quartile_organizations: int = 10
    decile_organizations: int = 20
    decile_reliability: float = 0.5
    cell_n: int = 10
    dominance_one: float = 0.50
    dominance_two: float = 0.75
    completion: float = 0.50
    completion_gap: float = 0.20
    light_reliability: float = 0.70
    trend_reliability: float = 0.50
    light_probability: float = 0.90
    # Log-odds by which the people who were not followed may differ from those who were (M1.6, M5.5).
    kappa: float = Field(default=0.5, ge=0)
    # The same in points of the score, for imputed scores; null: half of the instrument's reliable change, or the
    # points that `kappa` stands for where it declares none (`casemix.kappa_grid`).
    kappa_points: float | None = Field(default=None, ge=0)


class Benchmark(Declaration):
    """What a clinic is compared with."""

    measure: str
    population: str  # in words: who stands behind the figure
    kinds: tuple[BenchmarkKind, ...]
    tiers: tuple[Literal["organization", "region", "country", "all"], ...] = ("all",)
    strata: tuple[Stratum, ...] = ()
    weighting: Literal["unweighted", "patients"] = "unweighted"
    percentiles: tuple[float, ...] = (0.25, 0.5, 0.75)
    cadence: Cadence = Cadence()
    gates: Gates = Gates()
    references: tuple[str, ...] = ()
    casemix: str | None = None  # id of the case mix; null: figures stay unadjusted
    period: tuple[str, str] | None = None  # first and last index date, inclusive; null: all mature data
    replicates: int = Field(default=2000, ge=100)
    seed: int = SEED

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if BenchmarkKind.FIXED_EXTERNAL in self.kinds and not self.references:
            raise ValueError("kind fixed_external needs references")
        return self
