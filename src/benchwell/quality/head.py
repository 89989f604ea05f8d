"""What a result says of the measure behind it, be it an official one or an outcome of ours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from benchwell.registry import Measure
from benchwell.terms import Better

Basis = Literal["patient", "encounter", "episode"]

COUNTED_WORDS: dict[Basis, str] = {"patient": "people", "encounter": "encounters", "episode": "courses of care"}

_OWN = (
    "A measure of Benchwell's own. It is not an official quality measure, makes no claim to be one, and nobody has "
    "certified it."
)


class MeasureHead(Protocol):
    """What is told of a measure beside its figures."""

    @property
    def id(self) -> str:
        """Of the declaration."""

    @property
    def title(self) -> str:
        """In words."""

    @property
    def revision(self) -> int:
        """Of the declaration."""

    @property
    def better(self) -> Better:
        """Direction of the share."""

    @property
    def version(self) -> str:
        """The official version that it is aligned with; the revision of a measure of ours."""

    @property
    def url(self) -> str | None:
        """The official canonical address; null for a measure of ours."""

    @property
    def basis(self) -> Basis:
        """What is counted."""

    @property
    def has_exclusions(self) -> bool:
        """Whether denominator exclusions belong to it."""

    @property
    def has_exceptions(self) -> bool:
        """Whether denominator exceptions belong to it."""

    def claim(self, *, whole: bool) -> str:
        """The sentence under which figures may be shown; `whole`: whether every value set was."""


@dataclass(frozen=True)
class OutcomeHead:
    """An outcome measure, counted in courses of care as quality measures are."""

    measure: Measure
    url: None = None
    basis: Basis = "episode"
    has_exclusions: bool = True
    has_exceptions: bool = False

    @property
    def id(self) -> str:
        """Of the declaration."""
        return self.measure.id

    @property
    def title(self) -> str:
        """In words."""
        return self.measure.title

    @property
    def revision(self) -> int:
        """Of the declaration."""
        return self.measure.revision

    @property
    def better(self) -> Better:
        """Direction of the share."""
        return self.measure.better

    @property
    def version(self) -> str:
        """The revision: nobody else has versions of it."""
        return str(self.measure.revision)

    def claim(self, *, whole: bool) -> str:  # noqa: ARG002  # it needs no value sets
        """Whose definition it follows, or that it is ours."""
        return _OWN if self.measure.aligned_with is None else self.measure.aligned_with.strip()
