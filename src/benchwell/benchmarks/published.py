"""Official aggregates as statistics: a rate with the denominator its source states, never a sum of counts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import pyarrow as pa

from benchwell.benchmarks.periods import ALL
from benchwell.registry import Measure
from benchwell.registry.measure import PublishedRate
from benchwell.tables import DERIVED

PUBLISHED, SUPPRESSED, NO_ACTIVITY = "published", "suppressed", "no_activity"


def published_statistics(published_rates: pa.Table, measures: Iterable[Measure]) -> pa.Table:
    """Official rates as rows of `tables.DERIVED["statistics"]`, one per organization and published period.

    Period "all" is the mean of an organization's published rates, weighted by their denominators as far as the
    source states them: rates are averaged, rounded counts are not rebuilt. Only the group type that the measure
    names is read, since the same activity appears under several. A period that is suppressed or states no
    denominator is left out of "all"; an organization with nothing but suppressed periods is suppressed, which is
    not the same as no activity.

    Args:
        published_rates: `tables.CANONICAL["published_rates"]`.
        measures: Those whose endpoint is `published` are used; the others are ignored.

    Returns:
        Statistics, sorted by key.
    """
    rows: list[dict[str, Any]] = []
    records = published_rates.to_pylist()
    for measure in measures:
        if not isinstance(measure.endpoint, PublishedRate):
            continue
        endpoint = measure.endpoint
        wanted = (endpoint.source, endpoint.name, endpoint.group_type)
        by_organization: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for record in records:
            if (record["source"], record["measure"], record["group_type"]) == wanted:
                by_organization[record["organization_id"]].append(record)
        for organization, periods in by_organization.items():
            rows += [_row(measure.id, organization, _label(record), [record]) for record in periods]
            rows.append(_row(measure.id, organization, ALL, periods))
    table = pa.Table.from_pylist(rows, schema=DERIVED["statistics"].schema)
    return table.sort_by([(name, "ascending") for name in DERIVED["statistics"].key])


def _label(record: dict[str, Any]) -> str:
    start, end = record["period_start"], record["period_end"]
    if end is not None and (start.year, start.month) == (end.year, end.month):
        return f"{start:%Y-%m}"
    return f"{start:%Y-%m-%d}" if end is None else f"{start:%Y-%m-%d}..{end:%Y-%m-%d}"


def _row(measure: str, organization: str, period: str, records: list[dict[str, Any]]) -> dict[str, Any]:
    shown = [record for record in records if record["state"] == PUBLISHED and record["rate"] is not None]
    weighted = [record for record in shown if record["denominator"]]
    people = float(sum(record["denominator"] for record in weighted))
    rate: float | None = None
    if weighted:
        rate = sum(record["rate"] * record["denominator"] for record in weighted) / people
    elif len(shown) == 1:
        rate = shown[0]["rate"]
    return {
        "measure": measure,
        "organization_id": organization,
        "period": period,
        "stratum": ALL,
        "level": ALL,
        "published_rate": rate,
        "published_denominator": people or None,
        "state": _state(shown, records),
    }


def _state(shown: list[dict[str, Any]], records: list[dict[str, Any]]) -> str:
    if shown:
        return PUBLISHED
    return SUPPRESSED if any(record["state"] == SUPPRESSED for record in records) else NO_ACTIVITY
