"""Which of two versions of a resource is the later one, as far as its source says."""

from __future__ import annotations

from typing import NamedTuple

from benchwell.intake.fhir.elements import Meta
from benchwell.intake.fhir.when import stored_at

_DIGITS = 18  # what fits into 64 bits
_BEFORE_ALL = float("-inf")


class Edition(NamedTuple):
    """When a version was stored (`meta.lastUpdated`), and its number (`meta.versionId`); null where nobody says so."""

    stored: float | None  # seconds since 1970
    number: int | None

    @property
    def order(self) -> tuple[float, int]:
        """Sorts versions: by time, then by number; what is not known comes first."""
        return (
            _BEFORE_ALL if self.stored is None else self.stored,
            -1 if self.number is None else self.number,
        )


def edition_of(meta: Meta | None) -> Edition:
    """The edition of a resource. A version id counts only if it is a number: others cannot be told apart by size.

    >>> edition_of(Meta(lastUpdated="1970-01-01T00:00:10Z", versionId="2"))
    Edition(stored=10.0, number=2)
    >>> edition_of(Meta(versionId="W/abc")), edition_of(None).order < edition_of(Meta(versionId="1")).order
    (Edition(stored=None, number=None), True)
    """
    if meta is None:
        return Edition(None, None)
    text = meta.versionId
    counts = text is not None and text.isascii() and text.isdecimal() and len(text) <= _DIGITS
    return Edition(stored_at(meta.lastUpdated), int(text) if text is not None and counts else None)
