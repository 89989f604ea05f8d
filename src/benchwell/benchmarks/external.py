"""Fixed external references: compared only where direction and denominator are the same (METHODS M4.1, M4.4)."""

from __future__ import annotations

import math
from typing import Any

from benchwell.errors import ComparisonBlockedError
from benchwell.models.intervals import normal_interval
from benchwell.registry import Measure, Reference

BLOCKED = "blocked"


def ensure_comparable(reference: Reference, measure: Measure) -> None:
    """Refuse a reference that counts something else.

    Raises:
        ComparisonBlockedError: If the reference is not declared for the measure, its denominator is not the
            measure's primary one, better means the other direction, or one is a share and the other is not.
    """
    what = f"Reference {reference.id!r} may not be compared with measure {measure.id!r}"
    if measure.id not in reference.measures:
        raise ComparisonBlockedError(f"{what}: it is declared for {', '.join(reference.measures) or 'no measure'}.")
    if reference.denominator != measure.primary_denominator:
        raise ComparisonBlockedError(
            f"{what}: it counts {reference.denominator.value}, the measure counts {measure.primary_denominator.value}.",
            hint="Declare a measure with the reference's denominator, or leave the reference out.",
        )
    if reference.better != measure.better:
        raise ComparisonBlockedError(
            f"{what}: for it {reference.better.value} is better, for the measure {measure.better.value}."
        )
    if (reference.unit == "fraction") != (measure.summary == "proportion"):
        figure = "a share of people" if measure.summary == "proportion" else f"a {measure.summary.replace('_', ' ')}"
        raise ComparisonBlockedError(
            f"{what}: its unit is {reference.unit}, the measure's figure is {figure}.",
            hint="Shares of people are declared with unit: fraction, such as 0.43.",
        )


def reference_record(reference: Reference, measure: Measure) -> dict[str, Any]:
    """A reference as part of a benchmark record; a blocked one keeps its reason and shows no figure."""
    record: dict[str, Any] = {
        "method": reference.id,
        "tier_id": reference.id,
        "denominator": reference.denominator.value,
        "adjustment": reference.case_mix,
        "population": f"{reference.population}, {reference.year}",
        "n_patients": reference.n,
        "source": f"{reference.source} ({reference.checked.value}); {reference.denominator_text}",
    }
    try:
        ensure_comparable(reference, measure)
    except ComparisonBlockedError as error:
        return record | {"status": BLOCKED, "reason": f"not_comparable: {error.message}"}
    lower, upper, error_size, method = _uncertainty(reference)
    return record | {
        "status": "ok",
        "estimate": reference.estimate,
        "lower": lower,
        "upper": upper,
        "standard_error": error_size,
        "interval_method": method,
    }


def _uncertainty(reference: Reference) -> tuple[float | None, float | None, float | None, str | None]:
    """Interval and standard error as published, or those that the published n implies."""
    lower, upper, error = reference.lower, reference.upper, reference.standard_error
    if error is None and lower is not None and upper is not None:
        return lower, upper, (upper - lower) / (2 * 1.959964), "published"
    if error is None and reference.n and reference.unit == "fraction":
        error = math.sqrt(reference.estimate * (1 - reference.estimate) / reference.n)
        limits = normal_interval(reference.estimate, error)
        return float(limits[0]), float(limits[1]), error, "published_n"
    if error is not None and (lower is None or upper is None):
        limits = normal_interval(reference.estimate, error)
        return float(limits[0]), float(limits[1]), error, "published"
    return lower, upper, error, None if error is None else "published"
