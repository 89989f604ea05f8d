"""Follow-up over time as an edition counts it: who was due, and how many of them have a score."""

from __future__ import annotations

from collections.abc import Iterable

from benchwell.signals import RunPoint
from benchwell.signals.reading import ALL, EditionSource, Row, rows


def follow_up_points(found: Iterable[Row]) -> list[RunPoint]:
    """The share followed up in each period, in order of time; of too few people there is none.

    Args:
        found: Rows of `organization_results` of one organization and measure, over all groups together.
    """
    return [
        RunPoint(row["period"], row["completion"], n=row["n_eligible"])
        for row in sorted(found, key=lambda one: str(one["period"]))
        if row["period"] != ALL
        and ".." not in row["period"]
        and row["status"] == "ok"
        and row["completion"] is not None
    ]


def follow_up_of(edition: EditionSource, organization: str, measure: str) -> list[RunPoint]:
    """The same of one organization, from the edition."""
    where = {"measure": measure, "organization_id": organization, "stratum": ALL}
    return follow_up_points(rows(edition, "organization_results", **where))
