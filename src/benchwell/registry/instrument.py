"""An instrument declaration: items, scales, missing rule, bands, cut-offs, licence; every constant sourced."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from benchwell.registry.declaration import Declaration, Fact, Model
from benchwell.terms import Better


class Items(Model):
    """The scored items, in the instrument's order; numbering starts at 1."""

    count: int = Field(ge=1)
    min: float = 0
    max: float
    ranges: dict[int, tuple[float, float]] = {}  # items whose range differs
    reverse: tuple[int, ...] = ()
    wording: tuple[str, ...] = ()  # only where the licence is settled as free
    integer: bool = True

    def range_of(self, item: int) -> tuple[float, float]:
        """Lowest and highest valid answer of one item (1-based)."""
        return self.ranges.get(item, (self.min, self.max))


class Scale(Model):
    """One figure computed from items."""

    id: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")
    title: str
    items: tuple[int, ...] = ()  # empty: all
    method: Literal["sum", "mean"] = "sum"
    multiply: float = 1.0
    lookup: dict[int, float] = {}  # raw sum to reported value (for example a T score)
    better: Better | None = None  # null: the instrument's
    min: float  # of the reported value
    max: float
    primary: bool = False
    max_missing: int | None = None  # null: the instrument's rule


class Missing(Model):
    """What happens when answers are missing."""

    rule: Literal["person-mean", "none"] = "none"  # prorate from the answered items, or no score
    max_missing: int = 0
    round: Literal["half-up", "none"] = "none"


class Band(Model):
    """A named severity range of the reported value, inclusive."""

    min: float
    max: float
    label: str


class Cutoff(Model):
    """A cut-off on the reported value of the primary scale."""

    operator: Literal[">=", ">", "<=", "<"]
    value: float
    status: str
    source: tuple[str, ...] = ()
    note: str | None = None


class Reliable(Model):
    """Reliable change: either the points, or SD and reliability from a named sample (METHODS M2.3)."""

    points: float | None = None  # smallest change (>=) that counts
    sd: float | None = None
    reliability: float | None = None
    status: str
    source: tuple[str, ...] = ()
    note: str | None = None


class Licence(Model):
    """Whether wording may be shipped."""

    state: Literal["free", "attestation", "restricted"]
    text: str
    status: str
    source: tuple[str, ...] = ()


class Example(Model):
    """Executable: these answers give this result."""

    items: tuple[float | None, ...] | None = None
    total: float | None = None
    value: float | None = None
    status: str = "complete"
    reason: str | None = None
    band: str | None = None
    scales: dict[str, float] = {}


class Instrument(Declaration):
    """A questionnaire or laboratory value."""

    better: Better
    items: Items | None = None  # null: only a total exists (for example HbA1c)
    scales: tuple[Scale, ...]
    missing: Missing = Missing()
    bands: tuple[Band, ...] = ()
    caseness: Cutoff | None = None
    remission: Cutoff | None = None
    reliable_change: Reliable | None = None
    response_percent: int | None = None
    safety_items: tuple[dict[str, Any], ...] = ()  # {item, at_least, text}
    codes: dict[str, Any] = {}
    licence: Licence
    # Every constant above by dotted path ("items.count", "bands", "missing"), with status and source as in
    # the fact sheets. The method page prints those that are not checked as such.
    facts: dict[str, Fact] = {}
    examples: tuple[Example, ...] = ()

    @property
    def primary(self) -> Scale:
        """The scale that `value` and measures mean when they name none."""
        return next(scale for scale in self.scales if scale.primary)

    def scale(self, scale_id: str | None) -> Scale:
        """A scale by id; null gives the primary one.

        Raises:
            KeyError: If the instrument has no such scale.
        """
        if scale_id is None:
            return self.primary
        for scale in self.scales:
            if scale.id == scale_id:
                return scale
        raise KeyError(scale_id)

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if sum(scale.primary for scale in self.scales) != 1:
            raise ValueError("exactly one scale is primary")
        if self.items is not None:
            highest = self.items.count
            used = {item for scale in self.scales for item in scale.items} | set(self.items.reverse)
            if used and (min(used) < 1 or max(used) > highest):
                raise ValueError(f"items are numbered 1 to {highest}")
            if self.items.wording and self.licence.state != "free":
                raise ValueError("wording is shipped only where the licence state is free")
        return self
