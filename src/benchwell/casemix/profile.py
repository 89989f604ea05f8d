"""The first look at a frame: types, missing values and ranges, from which its coding follows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any

import narwhals as nw

from benchwell.casemix.coding import NumberTerm
from benchwell.engine import Frame, to_arrow
from benchwell.errors import ModelError


@dataclass(frozen=True)
class Roles:
    """Which column of a frame plays which part."""

    outcome: str
    covariates: tuple[str, ...]
    groups: tuple[str, ...]
    slope: str | None = None
    trials: str | None = None

    def __post_init__(self) -> None:
        """Refuse a column in two parts, and structures that no fit of ours knows."""
        if len(self.groups) not in (1, 2):
            raise ModelError(
                f"{len(self.groups)} grouping columns given; one or two can be fitted.",
                hint='groups=["clinic"], or from the outside in groups=["clinic", "clinician"]',
            )
        twice = {name for name in self.columns if self.columns.count(name) > 1}
        if twice:
            raise ModelError(f"Column {', '.join(sorted(twice))} is used in more than one part of the model.")
        if self.slope is not None and self.slope not in self.covariates:
            raise ModelError(f"The slope {self.slope!r} is not among the covariates.", hint="add it to covariates")
        if self.slope is not None and len(self.groups) > 1:
            raise ModelError(
                f"A random slope on {self.slope!r} is fitted with one grouping column, not with {list(self.groups)}.",
                hint="leave out slope, or give only the inner or only the outer group",
            )

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that the model reads, in the order in which missing values are counted."""
        outcome = (self.outcome,) if self.trials is None else (self.outcome, self.trials)
        return (*outcome, *self.covariates, *self.groups)


@dataclass(frozen=True)
class Profile:
    """What one pass over a frame tells.

    Attributes:
        rows: Rows of the frame.
        left_out: Rows left out, by the first of their columns that is missing.
        ranges: Mean, lowest and highest usable value of each numeric column.
        distinct: Number of levels of each categorical covariate (those of incomplete rows too).
    """

    rows: int
    left_out: dict[str, int]
    ranges: dict[str, tuple[float, float, float]]
    distinct: dict[str, int]

    @property
    def n(self) -> int:
        """Complete rows."""
        return self.rows - sum(self.left_out.values())


def profile_of(frame: Frame, roles: Roles) -> Profile:
    """Count missing values and take ranges, in one aggregate.

    Raises:
        ModelError: If a column has a type that its part cannot have, or no complete row is left.
    """
    schema = frame.collect_schema()
    kinds = covariate_kinds(schema, roles)
    numbers = [name for name, kind in kinds.items() if kind == "number"]
    usable = [is_usable(name, schema) for name in roles.columns]
    reasons = [
        reduce(lambda earlier, one: earlier & one, usable[:place], ~usable[place]) for place in range(len(usable))
    ]
    found = to_arrow(
        frame.select(
            nw.len().alias("rows"),
            *(reason.cast(nw.Int64).sum().alias(f"out{place}") for place, reason in enumerate(reasons)),
            *(expression for name in numbers for expression in _range(name, schema)),
            *(nw.col(name).n_unique().alias(f"levels {name}") for name, kind in kinds.items() if kind == "category"),
        )
    ).to_pylist()[0]
    profile = Profile(
        rows=found["rows"],
        left_out={
            f"{name} missing": int(found[f"out{place}"] or 0)
            for place, name in enumerate(roles.columns)
            if found[f"out{place}"]
        },
        ranges={name: tuple(found[f"{what} {name}"] for what in ("mean", "low", "high")) for name in numbers},
        distinct={name: found[f"levels {name}"] for name, kind in kinds.items() if kind == "category"},
    )
    if profile.n == 0:
        reasons_told = "; ".join(f"{count} rows: {why}" for why, count in profile.left_out.items())
        raise ModelError("No row is complete, so nothing can be fitted.", hint=reasons_told or "the frame is empty")
    return profile


def covariate_kinds(schema: Mapping[str, Any], roles: Roles) -> dict[str, str]:
    """`number` or `category` for the outcome and each covariate."""
    outcome = schema[roles.outcome]
    if not (outcome.is_numeric() or isinstance(outcome, nw.Boolean)):
        raise ModelError(f"The outcome {roles.outcome!r} is {outcome}, not a number.")
    kinds = {roles.outcome: "number"} | {name: _kind(name, schema[name]) for name in roles.covariates}
    if roles.trials is not None and not schema[roles.trials].is_numeric():
        raise ModelError(f"The number of trials {roles.trials!r} is {schema[roles.trials]}, not a number.")
    if roles.slope is not None and kinds[roles.slope] != "number":
        raise ModelError(f"The slope {roles.slope!r} is a category; a slope needs a number.")
    return kinds


def _kind(name: str, dtype: Any) -> str:
    if dtype.is_numeric():
        return "number"
    if isinstance(dtype, nw.Boolean | nw.String | nw.Categorical | nw.Enum):
        return "category"
    raise ModelError(
        f"Covariate {name!r} is {dtype}, which is neither a number nor a category.",
        hint="turn a date into a number of days, anything else into text",
    )


def is_usable(name: str, schema: Mapping[str, Any]) -> nw.Expr:
    """Whether a row's value can enter a sum: neither null, nor NaN, nor infinite."""
    present = ~nw.col(name).is_null()
    # Of NaN in a null row nothing is asked: `null & False` is False on every engine.
    return present & nw.col(name).is_finite() if schema[name].is_float() else present


def as_number(name: str) -> nw.Expr:
    """A numeric or yes/no column as a floating-point number."""
    return nw.col(name).cast(nw.Float64)


def as_level(name: str, schema: Mapping[str, Any]) -> nw.Expr:
    """A categorical covariate as the text of its level."""
    if isinstance(schema[name], nw.Boolean):
        return nw.when(nw.col(name)).then(nw.lit("true")).otherwise(nw.lit("false"))
    return nw.col(name).cast(nw.String)


def number_term(name: str, profile: Profile) -> NumberTerm:
    """The term of a numeric column, with constants from its range."""
    return NumberTerm.from_range(name, *profile.ranges[name])


def _range(name: str, schema: Mapping[str, Any]) -> list[nw.Expr]:
    value = as_number(name)
    if schema[name].is_float():
        value = nw.when(nw.col(name).is_finite()).then(value)
    return [value.mean().alias(f"mean {name}"), value.min().alias(f"low {name}"), value.max().alias(f"high {name}")]
