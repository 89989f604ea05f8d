"""How the columns of a frame become the columns of a design matrix: published, and hashed.

Sums are taken of centered and scaled columns, so that they keep their digits; the constants are rounded, and part of
the coding, so that every site sums the same columns. Results are given on the scale of the frame.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np

from benchwell.errors import ModelError
from benchwell.models.arrays import FloatArray

INTERCEPT = "(intercept)"
_MOST_NAMED = 12


@dataclass(frozen=True)
class NumberTerm:
    """A numeric covariate, which enters linearly as (value - center) / scale."""

    name: str
    center: float
    scale: float

    @property
    def columns(self) -> tuple[str, ...]:
        """Its one column in the design."""
        return (self.name,)

    @classmethod
    def from_range(cls, name: str, mean: float, low: float, high: float) -> NumberTerm:
        """Choose round constants: about a quarter of the range, and near the mean.

        >>> NumberTerm.from_range("age", mean=41.83, low=18.0, high=89.0)
        NumberTerm(name='age', center=42.0, scale=20.0)
        >>> NumberTerm.from_range("veteran", mean=0.2, low=0.0, high=1.0)  # a head count stays one
        NumberTerm(name='veteran', center=0.0, scale=1.0)
        """
        if (low, high) == (0.0, 1.0):
            return cls(name, 0.0, 1.0)
        scale = float(f"{(high - low) / 4:.0e}")
        if not (math.isfinite(scale) and scale > abs(mean) * 1e-12):
            return cls(name, mean, 1.0)
        return cls(name, float(round(mean, 1 - math.floor(math.log10(scale)))), scale)


@dataclass(frozen=True)
class CategoryTerm:
    """A categorical covariate: one column per level except the first, which is the reference."""

    name: str
    levels: tuple[str, ...]

    @property
    def reference(self) -> str:
        """The level that the others are compared with."""
        return self.levels[0]

    @property
    def columns(self) -> tuple[str, ...]:
        """`name[level]` for every level except the reference."""
        return tuple(f"{self.name}[{level}]" for level in self.levels[1:])

    @classmethod
    def with_reference(cls, name: str, levels: set[str], reference: str | None) -> CategoryTerm:
        """Order levels as sorted, the reference first.

        >>> CategoryTerm.with_reference("sex", {"m", "f"}, None).columns
        ('sex[m]',)

        Raises:
            ModelError: If the reference is not among the levels.
        """
        ordered = sorted(levels)
        if reference is None:
            return cls(name, tuple(ordered))
        if reference not in levels:
            raise ModelError(
                f"The reference level asked for {name!r} is not in the data.",
                hint=f"{named(ordered)}; name one of them",
            )
        return cls(name, (reference, *(level for level in ordered if level != reference)))


def named(levels: Sequence[str]) -> str:
    """The levels of a column in words: by name up to a dozen, else by number, since many levels may be ids of people.

    >>> named(["no", "yes"]), named([str(one) for one in range(40)])
    ('its levels are no, yes', 'it has 40 levels')
    """
    if len(levels) <= _MOST_NAMED:
        return f"its levels are {', '.join(levels)}"
    return f"it has {len(levels)} levels"


Term: TypeAlias = NumberTerm | CategoryTerm


@dataclass(frozen=True)
class Coding:
    """The published coding of one model: outcome, terms, groups from the outside in, random slope.

    Attributes:
        outcome: The outcome and the constant taken off it before summing (0 for a yes/no outcome).
        terms: Covariates in the order asked for.
        groups: Grouping columns from the outside in.
        slope: Numeric covariate with a random effect, or None.

    >>> coding = Coding(NumberTerm("change", 0.0, 1.0), (CategoryTerm("sex", ("f", "m")),), ("clinic",))
    >>> coding.columns
    ('(intercept)', 'sex[m]')
    """

    outcome: NumberTerm
    terms: tuple[Term, ...]
    groups: tuple[str, ...]
    slope: str | None = None

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """Names of the design's columns; the constant comes first."""
        return (INTERCEPT, *(column for term in self.terms for column in term.columns))

    @property
    def numbers(self) -> tuple[NumberTerm, ...]:
        """The numeric covariates."""
        return tuple(term for term in self.terms if isinstance(term, NumberTerm))

    @property
    def categories(self) -> tuple[CategoryTerm, ...]:
        """The categorical covariates."""
        return tuple(term for term in self.terms if isinstance(term, CategoryTerm))

    @property
    def references(self) -> dict[str, str]:
        """The reference level of each categorical covariate."""
        return {term.name: term.reference for term in self.categories}

    @cached_property
    def constants(self) -> tuple[FloatArray, FloatArray]:
        """Center and scale of each column of the design, shape (p,) each; 0 and 1 where nothing is taken off."""
        by_name = {term.name: term for term in self.numbers}
        terms = [by_name.get(name) for name in self.columns]
        center = np.array([term.center if term else 0.0 for term in terms])
        scale = np.array([term.scale if term else 1.0 for term in terms])
        return center, scale

    @cached_property
    def hash(self) -> str:
        """SHA-256 over the canonical JSON of this coding."""
        return sha256_of(self.to_dict())

    def to_dict(self) -> dict[str, Any]:
        """As plain values, ready for JSON."""
        return {
            "outcome": asdict(self.outcome),
            "terms": [
                asdict(term) if isinstance(term, NumberTerm) else {"name": term.name, "levels": list(term.levels)}
                for term in self.terms
            ],
            "groups": list(self.groups),
            "slope": self.slope,
        }

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Coding:
        """Back from `to_dict`."""
        terms = tuple(
            CategoryTerm(term["name"], tuple(term["levels"])) if "levels" in term else NumberTerm(**term)
            for term in value["terms"]
        )
        return cls(NumberTerm(**value["outcome"]), terms, tuple(value["groups"]), value["slope"])


def sha256_of(value: Any) -> str:
    """SHA-256 over canonical JSON: sorted keys, no spaces, floats as Python writes them (they read back exactly).

    >>> sha256_of({"b": 1, "a": 2}) == sha256_of({"a": 2, "b": 1})
    True
    """
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=True)
    return hashlib.sha256(text.encode()).hexdigest()


def back_to_frame_scale(coding: Coding, kept: tuple[str, ...]) -> FloatArray:
    """The matrix T with β = Tβ_c: coefficients of centered and scaled columns to those of the frame's own columns.

    Shape (len(kept), len(kept)); T[0] takes the constants off the intercept. The outcome's own center is added to the
    intercept apart from it.
    """
    places = [coding.columns.index(name) for name in kept]
    center, scale = (values[places] for values in coding.constants)
    T = np.diag(1.0 / scale)
    T[0] -= center / scale
    return T
