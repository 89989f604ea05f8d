"""Whether a difference stands out from how much clinics usually differ, not only from chance (METHODS M3.8, M5.1)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import special

from benchwell.models.funnel import usual_spread
from benchwell.signals.reading import Row
from benchwell.terms import Adjustment, Denominator


def beyond_usual_spread(
    own: Row, peers: Sequence[Row], target: float, standard_error: float, *, share: bool, upward: bool
) -> float | None:
    """Probability of a difference in one direction, the usual spread between clinics taken as noise.

    The spread is that of the other clinics around what they have in common: a clinic does not make itself usual
    (M4.7), and a standard from elsewhere that all of them miss does not make them spread. The benchmark's own error
    counts.

    Args:
        own: The clinic's row, of any view.
        peers: Rows of the others in the same view, each with a figure and its variance.
        target: The benchmark.
        standard_error: Its standard error.
        share: Whether the figure is a share, which is looked at on the scale of the funnel.
        upward: The direction asked for: above the benchmark.

    Returns:
        The probability; None with fewer than two other clinics, whose spread is not known.

    Source:
        METHODS M3.8 (flag with an overdispersion-robust null), M5.1 (additive tau2), M5.5.
    """
    if len(peers) < 2:
        return None
    everyone = [*peers, own]
    values = np.array([one["estimate"] for one in everyone], dtype=np.float64)
    variances = np.array([one["variance"] for one in everyone], dtype=np.float64)
    error, weight = standard_error**2, 1 / variances[:-1]
    if share and 0 < target < 1:
        # On the scale of the funnel, where the variance of a rate does not depend on the rate.
        people = np.array([people_behind(one) for one in everyone])
        weight, variances = people[:-1], 0.25 / people
        centre = arcsine((values[:-1] * weight).sum() / weight.sum())
        values, target, error = arcsine(values), float(arcsine(target)), error / (4 * target * (1 - target))
    else:
        centre = (values[:-1] * weight).sum() / weight.sum()
    spread = usual_spread(values[:-1] - centre, variances[:-1])
    distance = values[-1] - target
    z = float(distance / np.sqrt(variances[-1] + spread + error))
    return float(special.ndtr(z if upward else -z))


def arcsine(rate: np.ndarray | float) -> np.ndarray:
    """Rates on the scale on which their variance does not depend on them."""
    return np.asarray(np.arcsin(np.sqrt(np.clip(rate, 0.0, 1.0))))


def people_behind(row: Row) -> float:
    """People behind the sampling variance of a share.

    An adjusted share has the variance that its model gives; as many people stand behind it as would give an unadjusted
    share that variance.
    """
    reference = row.get("reference")
    if row["adjustment"] not in (None, Adjustment.UNADJUSTED) and reference is not None and 0 < reference < 1:
        return float(reference * (1 - reference) / row["variance"])
    return people_counted(row)


def people_shown(row: Row) -> int | None:
    """Whole people that the primary figure of a row is a figure of, as a table says them; None where unknown.

    Args:
        row: Of organization_results or of benchmarks.

    Example:
        >>> row = {"primary_denominator": "all_eligible", "n_eligible": 34, "n_followed": 30}
        >>> people_shown(row), people_shown(row | {"primary_denominator": "observed"})
        (34, 30)
    """
    eligible = row["n_eligible"] if "n_eligible" in row else row.get("n_patients")
    followed = row.get("n_followed")
    primary = row.get("primary_denominator") or row.get("denominator")
    first, second = (followed, eligible) if primary == Denominator.OBSERVED else (eligible, followed)
    return first if first is not None else second


def people_counted(row: Row) -> float:
    """People behind the primary figure of a row; 1 where its source does not say."""
    primary = row["primary_denominator"]
    if primary == Denominator.ESTIMATED and row["effective_n"]:
        return float(row["effective_n"])
    if primary == Denominator.OBSERVED and row["n_followed"]:
        return float(row["n_followed"])
    return float(row["n_eligible"] or row["n_followed"] or row["effective_n"] or 1)
