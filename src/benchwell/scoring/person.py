"""One person's form: the same scores as a million get, in plain words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from benchwell.errors import ScoringError, UnknownDeclarationError
from benchwell.registry import Instrument, Registry
from benchwell.registry.instrument import Scale
from benchwell.scoring.form import safety_findings, score_form
from benchwell.terms import Better, ScoreStatus

Number = float | int | None


@dataclass(frozen=True)
class Score:
    """What a form says.

    `value` belongs to the scale asked for (the primary one by default) and is null when `status` is invalid;
    `reason` then says why. `safety` holds what a person must look at now, whatever the value is.
    """

    value: float | None
    status: ScoreStatus
    band: str | None
    scales: Mapping[str, float | None] = field(repr=False)
    reason: str | None
    safety: tuple[str, ...]
    instrument: str
    better: Better

    def __repr__(self) -> str:
        shown = "no score" if self.value is None else f"{self.value:g}"
        extras = [text for text in (self.band, self.reason) if text is not None]
        if self.safety:
            extras.append("look at the safety answer")
        tail = f" ({'; '.join(extras)})" if extras else ""
        return f"<{self.instrument} {shown}, {self.status}{tail}; {self.better} is better>"


def score(
    instrument: str | Instrument,
    items: Sequence[Number] | None = None,
    total: Number = None,
    *,
    scale: str | None = None,
    unit: str | None = None,
    registry: Registry | None = None,
) -> Score:
    """Score one form from its answers, its stated total, or both (then the answers count).

    Args:
        instrument: An instrument, or its id or another known spelling ("phq-9", "PHQ 9").
        items: Answers in the instrument's order; None or NaN is missing.
        total: The stated total, in reported units (T for PROMIS, 0 to 100 for WHO-5).
        scale: A scale's id; null is the primary scale.
        unit: The unit of `total`; "raw" for a raw sum.
        registry: Where to look the instrument up; null is the package's own declarations.

    Returns:
        A score. Answers that cannot be scored give status `invalid` and a reason, not an error.

    Raises:
        UnknownDeclarationError: If there is no such instrument.
        ScoringError: If the call makes no sense: answers that are not numbers, or an unknown scale.

    >>> score("phq-9", [2, 2, 1, 1, 1, 2, 1, 0, 0])
    <phq-9 10, complete (moderate); lower is better>
    >>> score("phq-9", [1, 1, 1, None, None, None, 1, 0, 0]).reason
    'too-many-missing'
    """
    found = find_instrument(instrument, registry)
    chosen = find_scale(found, scale)
    answers = None if items is None else [_number(item) for item in items] if _is_sequence(items) else _refuse()
    rows = {row.scale: row for row in score_form(found, answers, _number(total), scale=chosen.id, unit=unit)}
    own = rows[chosen.id]
    return Score(
        value=own.value,
        status=ScoreStatus(own.status),
        band=own.band,
        scales={scale_id: row.value for scale_id, row in rows.items()},
        reason=own.reason,
        safety=_safety(found, answers),
        instrument=found.id,
        better=found.better_of(chosen),
    )


def find_instrument(instrument: str | Instrument, registry: Registry | None = None) -> Instrument:
    """The instrument meant.

    Raises:
        UnknownDeclarationError: If there is none of that name.
    """
    if isinstance(instrument, Instrument):
        return instrument
    known = registry or _bundled()
    found = known.find_instrument(instrument)
    if found is None:
        raise UnknownDeclarationError.from_id("instrument", instrument, list(known.instruments))
    return found


def find_scale(instrument: Instrument, scale: str | None) -> Scale:
    """The scale meant; null is the primary one.

    Raises:
        ScoringError: If the instrument has no such scale.
    """
    try:
        return instrument.scale(scale)
    except KeyError:
        known = ", ".join(one.id for one in instrument.scales)
        raise ScoringError(f"{instrument.id} has no scale {scale!r}.", hint=f"it has {known}") from None


@lru_cache(maxsize=1)
def _bundled() -> Registry:
    return Registry.load()


def _safety(instrument: Instrument, answers: list[float | None] | None) -> tuple[str, ...]:
    """Texts for safety answers that are raised, or missing from an answered form."""
    return tuple(
        safety.text if raised else f"Item {safety.item}, a safety question, was not answered: ask."
        for safety, raised in safety_findings(instrument, answers)
    )


def _is_sequence(items: object) -> bool:
    return hasattr(items, "__iter__") and not isinstance(items, str | bytes | Mapping)


def _refuse() -> list[float | None]:
    raise ScoringError("The answers must be a sequence of numbers.", hint="for example [1, 0, None, 2]")


def _number(value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool | str | bytes):
        raise ScoringError("An answer or total is not a number.", hint="pass numbers, or None where it is missing")
    try:
        return float(value)
    except (TypeError, ValueError):
        raise ScoringError("An answer or total is not a number.", hint="pass numbers, or None") from None
