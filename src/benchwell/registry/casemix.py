"""A case-mix declaration: the role of every variable, with a reason, and how it is coded (METHODS M3.1).

What is adjusted for is an ethical decision before it is a statistical one, so it is made in a file that people can
read, before data are seen. Whatever happens after the index day, and whatever the clinic is, is refused.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from benchwell.registry import adjuster_sources as sources
from benchwell.registry.declaration import Declaration, Fact, Model, hash_canonical
from benchwell.tables import DERIVED
from benchwell.terms import Adjustment

Role = Literal["adjust", "stratify", "audit", "forbidden"]
OTHER, UNKNOWN = "other", "unknown"
# Variables stand beside the columns of outcomes in one table, so they may not be called the same.
_TAKEN = frozenset({*DERIVED["outcomes"].columns, "quarter"}) - {"baseline"}


class Linear(Model):
    """A straight line: (value - centre) / scale. Both constants are published, never local means."""

    kind: Literal["linear"]
    centre: float
    scale: float = Field(default=1.0, gt=0)


class Spline(Model):
    """A restricted cubic spline: straight beyond the outer knots; every column is 0 at the centre."""

    kind: Literal["spline"]
    knots: tuple[float, ...] = Field(min_length=3, max_length=7)
    centre: float
    scale: float = Field(default=1.0, gt=0)

    @model_validator(mode="after")
    def _ascending(self) -> Self:
        if any(low >= high for low, high in pairwise(self.knots)):
            raise ValueError("knots ascend")
        return self


class Categories(Model):
    """One column per level but the reference; what no level names counts as "other"."""

    kind: Literal["categories"]
    levels: tuple[str, ...] = Field(min_length=2)
    reference: str

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if len({level.strip().lower() for level in self.levels}) < len(self.levels):
            raise ValueError("levels are named once, whatever their case")
        if self.reference not in self.levels:
            raise ValueError(f"reference {self.reference!r} is not one of the levels")
        if {OTHER, UNKNOWN} & {level.strip().lower() for level in self.levels}:
            raise ValueError(f"{OTHER!r} and {UNKNOWN!r} are added by themselves")
        return self


Form = Annotated[Linear | Spline | Categories, Field(discriminator="kind")]


class Missing(Model):
    """What an unknown value counts as.

    `category`: an own level, or the centre with an indicator. `impute`: `mean` plus `slopes` times the distance of
    other variables from their centres, with an indicator. `exclude`: the episode leaves the model, and is counted.
    """

    rule: Literal["category", "impute", "exclude"]
    mean: float | None = None
    slopes: dict[str, float] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if (self.rule == "impute") != (self.mean is not None):
            raise ValueError("`mean` belongs to rule impute, and only there")
        if self.slopes and self.rule != "impute":
            raise ValueError("`slopes` belong to rule impute")
        return self


class Variable(Model):
    """One variable: where it comes from, what it may be used for, why, and how it enters a model."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    source: str
    role: Role
    kind: Literal["clinical", "social", "ruler"] | None = None
    rationale: str = Field(min_length=10)
    timing: Literal["at_index", "post_index"] = "at_index"
    form: Form | None = None
    missing: Missing | None = None
    variant: bool = False  # race and ethnicity only: a view of its own, never part of another

    @property
    def is_numeric(self) -> bool:
        """Whether its raw value is a number (else a text)."""
        if self.form is not None:
            return not isinstance(self.form, Categories)
        return self.source in sources.NUMERIC or self.source.startswith(sources.SCORE)

    @property
    def excludes_unknown(self) -> bool:
        """Whether an episode without a value leaves the model."""
        return self.missing is not None and self.missing.rule == "exclude"

    @model_validator(mode="after")
    def _allowed(self) -> Self:
        if self.name in _TAKEN:
            raise ValueError(f"variable {self.name!r}: that name belongs to a column of outcomes; give it another")
        if not sources.is_known(self.source):
            raise ValueError(
                f"variable {self.name!r}: unknown source {self.source!r}; known are {sorted(sources.COLUMNS)}, "
                "characteristic:<name> and score:<instrument>[/<scale>]"
            )
        if self.role != "forbidden" and not sources.is_readable(self.source):
            raise ValueError(f"variable {self.name!r}: no table holds {self.source!r}; its role can only be forbidden")
        if self.role != "forbidden" and self.kind is None:
            raise ValueError(f"variable {self.name!r} needs a kind: clinical, social or ruler")
        if self.kind == "clinical" and sources.is_social(self.source):
            raise ValueError(f"variable {self.name!r}: {self.source!r} is social, not clinical")
        return self

    @model_validator(mode="after")
    def _no_post_index_adjuster(self) -> Self:
        is_ruler = self.source == sources.RULER
        if (self.kind == "ruler") != (is_ruler and self.role != "forbidden"):
            raise ValueError(f"variable {self.name!r}: kind ruler is {sources.RULER}, and nothing else")
        if self.role != "adjust":
            return self
        rule = "give it the role stratify, audit or forbidden (METHODS M3.1)"
        never = sources.why_never(self.source)
        if never is not None:
            raise ValueError(f"variable {self.name!r} cannot be adjusted for: {never}; {rule}")
        if is_ruler and self.timing != "post_index":
            raise ValueError(f"variable {self.name!r}: the measurement day is post_index; say so")
        if is_ruler and self.missing is not None and not self.excludes_unknown:
            raise ValueError(
                f"variable {self.name!r}: who was not followed has no measurement day, and an indicator of that would "
                "adjust for the follow-up itself; use missing: {rule: exclude}"
            )
        if self.timing == "post_index" and not is_ruler:
            raise ValueError(
                f"variable {self.name!r} cannot be adjusted for: it is known only after the index day, and only the "
                f"measurement day may be; {rule}"
            )
        return self

    @model_validator(mode="after")
    def _coded(self) -> Self:
        sensitive = sources.bare(self.source) in sources.DECLARED_VARIANT
        if self.variant and not (sensitive and self.role == "adjust"):
            raise ValueError(f"variable {self.name!r}: `variant` is for race and ethnicity with role adjust")
        if self.role != "adjust":
            return self
        if sensitive and not self.variant:
            raise ValueError(
                f"variable {self.name!r}: race and ethnicity enter a model only as a declared, separately shown "
                "variant (`variant: true`); otherwise stratify or audit by it (METHODS M3.1)"
            )
        if self.form is None or self.missing is None:
            raise ValueError(f"variable {self.name!r} is adjusted for: it needs `form` and `missing`")
        return self._of_one_type()

    def _of_one_type(self) -> Self:
        levels = isinstance(self.form, Categories)
        number = self.source in sources.NUMERIC or self.source.startswith(sources.SCORE)
        either = self.source in sources.EITHER or self.source.startswith(sources.CHARACTERISTIC)
        if number and levels:
            raise ValueError(f"variable {self.name!r}: {self.source!r} is a number; use linear or spline")
        if not number and not either and not levels:
            raise ValueError(f"variable {self.name!r}: {self.source!r} is a text; use categories")
        if levels and self.missing is not None and self.missing.rule == "impute":
            raise ValueError(f"variable {self.name!r}: a level cannot be imputed by a mean; use category or exclude")
        return self


class CaseMix(Declaration):
    """Which differences between people are taken into account before organizations are compared."""

    TEXT_FIELDS: ClassVar[frozenset[str]] = Declaration.TEXT_FIELDS | {"facts"}

    variables: tuple[Variable, ...] = ()
    # Coefficients come from differences within clinics (fixed effects, or x - clinic mean beside the clinic mean),
    # so that poor care where people are poor is not adjusted away (METHODS M3.8).
    within: Literal["fixed", "mundlak"] = "fixed"
    facts: dict[str, Fact] = Field(default_factory=dict)
    examples: tuple[dict[str, Any], ...] = ()

    def variable(self, name: str) -> Variable:
        """One variable by name.

        Raises:
            KeyError: If there is none.
        """
        return {one.name: one for one in self.variables}[name]

    def of_role(self, *roles: Role) -> tuple[Variable, ...]:
        """The variables that have one of these roles, in declared order."""
        return tuple(one for one in self.variables if one.role in roles)

    @property
    def views(self) -> dict[Adjustment, tuple[Variable, ...]]:
        """What each view adjusts for; the first three are always there (METHODS M3.1).

        `clinical+day` adds the measurement day, so that it is shown with and without; `clinical+social+variant` adds
        race or ethnicity where declared so.
        """
        adjusted = self.of_role("adjust")
        clinical = tuple(one for one in adjusted if one.kind == "clinical")
        social = tuple(one for one in adjusted if one.kind == "social" and not one.variant)
        ruler = tuple(one for one in adjusted if one.kind == "ruler")
        variant = tuple(one for one in adjusted if one.variant)
        found: dict[Adjustment, tuple[Variable, ...]] = {
            Adjustment.UNADJUSTED: (),
            Adjustment.CLINICAL: clinical,
            Adjustment.SOCIAL: clinical + social,
        }
        if ruler:
            found[Adjustment.DAY] = clinical + ruler
        if variant:
            found[Adjustment.VARIANT] = clinical + social + variant
        return found

    @property
    def numbers_hash(self) -> str:
        """SHA-256 over what can move a number: everything but wording, and the rationales are wording."""
        return hash_canonical(self._numbers())

    @property
    def text_hash(self) -> str:
        """SHA-256 over titles, sources, facts and every rationale."""
        text = {key: value for key, value in self.canonical().items() if key in self.TEXT_FIELDS}
        return hash_canonical(text | {"rationales": {one.name: one.rationale for one in self.variables}})

    def _numbers(self) -> dict[str, Any]:
        found = {key: value for key, value in self.canonical().items() if key not in self.TEXT_FIELDS}
        found["variables"] = [
            {key: value for key, value in one.items() if key != "rationale"} for one in found["variables"]
        ]
        return found

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        names = [one.name for one in self.variables]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"variables {twice} are declared twice")
        adjusted = self.of_role("adjust")
        if adjusted and not any(one.kind == "clinical" for one in adjusted):
            raise ValueError("neither social risk nor the measurement day is ever adjusted for alone (METHODS M3.1)")
        refused = {one.source for one in self.of_role("forbidden")}
        both = sorted(one.name for one in adjusted if one.source in refused)
        if both:
            raise ValueError(f"variables {both} are adjusted for, and their source is forbidden")
        return self

    @model_validator(mode="after")
    def _imputed_from_what_is_declared(self) -> Self:
        lines = {
            one.name
            for one in self.of_role("adjust")
            if one.kind == "clinical" and one.is_numeric and one.missing is not None and one.missing.rule != "impute"
        }
        for one in self.of_role("adjust"):
            unknown = sorted(set(one.missing.slopes if one.missing else ()) - (lines - {one.name}))
            if unknown:
                raise ValueError(
                    f"variable {one.name!r} is imputed from {unknown}: only other clinical numbers that are adjusted "
                    "for, and not imputed themselves, may predict it"
                )
        return self
