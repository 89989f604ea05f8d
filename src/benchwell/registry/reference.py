"""A reference declaration: a figure that somebody else published, with all that is needed to compare fairly."""

from __future__ import annotations

from typing import Self

from pydantic import model_validator

from benchwell.registry.declaration import Declaration
from benchwell.terms import Better, Denominator, FactStatus


class Reference(Declaration):
    """An external figure. Its denominator must match the measure's, or the comparison is blocked (M4.1)."""

    measures: tuple[str, ...]  # ids of the measures that it may be compared with
    figure: str  # what was counted, in the source's words
    estimate: float  # fraction for rates
    standard_error: float | None = None
    lower: float | None = None
    upper: float | None = None
    unit: str = "fraction"
    better: Better
    year: str
    population: str
    denominator: Denominator
    denominator_text: str
    case_mix: str = "unadjusted"
    n: int | None = None
    source: str
    checked: FactStatus

    @model_validator(mode="after")
    def _a_fraction_is_one(self) -> Self:
        figures = [one for one in (self.estimate, self.lower, self.upper) if one is not None]
        if self.unit == "fraction" and not all(0 <= one <= 1 for one in figures):
            raise ValueError("a fraction lies between 0 and 1; write 0.43 for 43 %")
        return self
