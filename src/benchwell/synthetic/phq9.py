"""What the generator needs to know of PHQ-9; the values of record are in its declaration."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from benchwell.registry import Registry


@dataclass(frozen=True)
class Phq9:
    """Cut-offs of PHQ-9 in points, and its shape.

    Attributes:
        items: Number of items.
        answer: Highest answer to one item.
        top: Highest total.
        case: From this total on somebody starts a course here (caseness).
        remission: Remission is a total below this.
        reliable: Reliable improvement is a fall by at least this.
    """

    items: int
    answer: int
    top: int
    case: int
    remission: float
    reliable: float


@lru_cache(maxsize=1)
def phq9() -> Phq9:
    """PHQ-9 as declared.

    >>> phq9().top
    27
    """
    instrument = Registry.load().instrument("phq-9")
    items, case = instrument.items, instrument.caseness
    remission, reliable = instrument.remission, instrument.reliable_change
    if not (items and case and remission and reliable and reliable.points):  # pragma: no cover  # bundled with all
        raise ValueError("the declaration of phq-9 lacks items, caseness, remission or reliable change")
    top = items.count * int(items.max)
    return Phq9(items.count, int(items.max), top, int(case.value), remission.value, reliable.points)
