"""The first look at a frame: types, missing values and ranges, from which its coding follows."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import narwhals as nw

from benchwell.casemix.coding import CategoryTerm, Coding, NumberTerm, Term
from benchwell.engine import Frame, to_arrow
from benchwell.errors import ModelError

# Every level is a column, and the products of columns are a square: an id taken for a category would fill the memory.
MOST_LEVELS = 1_000


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
        folded = [str(name).casefold() for name in self.columns]
        alike = {name for name, own in zip(self.columns, folded, strict=True) if folded.count(own) > 1}
        if alike:  # SQL does not tell them apart
            told = ", ".join(sorted(alike))
            raise ModelError(f"Columns {told} differ in upper and lower case only.", hint="rename one of them")
        if self.slope is not None and self.slope not in self.covariates:
            raise ModelError(f"The slope {self.slope!r} is not among the covariates.", hint="add it to covariates")
        if self.slope is not None and len(self.groups) > 1:
            raise ModelError(
                f"A random slope on {self.slope!r} is fitted with one grouping column, not with {list(self.groups)}.",
                hint="leave out slope, or give only the inner or only the outer group",
            )

    @classmethod
    def asked(
        cls,
        outcome: str,
        covariates: Sequence[str],
        groups: Sequence[str],
        slope: str | None = None,
        trials: str | None = None,
    ) -> Roles:
        """The roles as a caller gives them, who may have given one name where a list belongs.

        >>> Roles.asked("change", ["age"], "clinic")
        Traceback (most recent call last):
        benchwell.errors.ModelError: groups is a list of columns.
        <BLANKLINE>
        Hint: groups=['clinic']
        """
        for what, names in (("covariates", covariates), ("groups", groups)):
            if isinstance(names, str) or not isinstance(names, Iterable):
                example = [names] if isinstance(names, str) else [] if what == "covariates" else ["clinic"]
                raise ModelError(f"{what} is a list of columns.", hint=f"{what}={example}")
        return cls(outcome, tuple(covariates), tuple(groups), slope, trials)

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
    """Take ranges and count levels in one aggregate, and missing values in a second where there are any.

    Raises:
        ModelError: If a column has a type that its part cannot have, or no complete row is left.
    """
    schema = frame.collect_schema()
    kinds = covariate_kinds(schema, roles)
    numbers = [name for name, kind in kinds.items() if kind == "number"]
    categories = [name for name, kind in kinds.items() if kind == "category"]
    # Three aggregates, not one: the first is read off a Parquet file's footer, and counting levels slows its company.
    known = one_row(frame.select(nw.len().alias("every row"), *(nw.col(name).count() for name in roles.columns)))
    rows = known.pop("every row")
    found = one_row(frame.select(*(each for name in numbers for each in _range(as_number(name), name))))
    distinct = one_row(frame.select(*(nw.col(name).n_unique() for name in categories))) if categories else {}
    for name, count in distinct.items():
        if count > MOST_LEVELS:
            raise ModelError(
                f"Covariate {name!r} has {count:,} levels; a category may have {MOST_LEVELS:,}.",
                hint="join levels; if it names people or clinics it belongs into groups",
            )
    # A mean is finite only if all its numbers are: then no row needs to be looked at for NaN.
    whole = set(known.values()) == {rows} and all(math.isfinite(found[f"mean {name}"] or 0.0) for name in numbers)
    left_out = {} if whole else _left_out(frame, roles, schema)
    if not whole:
        finite = {name: nw.when(is_usable(name, schema)).then(as_number(name)) for name in numbers}
        found = one_row(frame.select(*(each for name in numbers for each in _range(finite[name], name))))
    ranges = {name: _range_of(found, name) for name in numbers}
    profile = Profile(rows, left_out, ranges, {name: int(distinct[name]) for name in categories})
    if profile.n == 0:
        told = "; ".join(f"{count} rows: {reason}" for reason, count in left_out.items())
        raise ModelError("No row is complete, so nothing can be fitted.", hint=told or "the frame is empty")
    return profile


def one_row(frame: Frame) -> dict[str, Any]:
    """An aggregate of a whole frame."""
    row: dict[str, Any] = to_arrow(frame).to_pylist()[0]
    return row


def _left_out(frame: Frame, roles: Roles, schema: Mapping[str, Any]) -> dict[str, int]:
    """Rows by the first of their columns that is missing, so that the counts add up."""
    usable = [is_usable(name, schema) for name in roles.columns]
    first = [reduce(lambda one, other: one & other, usable[:place], ~usable[place]) for place in range(len(usable))]
    aggregates = [reason.cast(nw.Int64).sum().alias(name) for reason, name in zip(first, roles.columns, strict=True)]
    counts = one_row(frame.select(*aggregates))
    return {f"{name} missing": int(count) for name, count in counts.items() if count}


def coding_of(
    roles: Roles, numbers: Sequence[NumberTerm], levels: Mapping[str, set[str]], references: Mapping[str, str]
) -> Coding:
    """The coding of terms in the order asked for; the outcome is the last of the numbers.

    Raises:
        ModelError: If a reference is not a level, or two columns would have one name.
    """
    # A yes/no column has the levels "true" and "false".
    references = {name: str(own).lower() if isinstance(own, bool) else own for name, own in references.items()}
    stray = set(references) - set(levels)
    if stray:
        raise ModelError(f"References are given for {', '.join(sorted(stray))}, no categorical covariate of the model.")
    terms: dict[str, Term] = {term.name: term for term in numbers}
    terms |= {name: CategoryTerm.with_reference(name, found, references.get(name)) for name, found in levels.items()}
    coding = Coding(numbers[-1], tuple(terms[name] for name in roles.covariates), roles.groups, roles.slope)
    twice = {name for name in coding.columns if coding.columns.count(name) > 1}
    if twice:
        raise ModelError(f"Two columns of the design would be called {', '.join(sorted(twice))}.")
    return coding


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


def _range(value: nw.Expr, name: str) -> list[nw.Expr]:
    return [value.mean().alias(f"mean {name}"), value.min().alias(f"low {name}"), value.max().alias(f"high {name}")]


def _range_of(found: Mapping[str, Any], name: str) -> tuple[float, float, float]:
    mean, low, high = (found[f"{what} {name}"] for what in ("mean", "low", "high"))
    return (0.0, 0.0, 0.0) if mean is None else (float(mean), float(low), float(high))
