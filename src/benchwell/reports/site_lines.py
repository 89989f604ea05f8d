"""Each organization's figures in one line, in the order of ids: never by result (DESIGN: no ranks)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from benchwell.registry.measure import Measure
from benchwell.reports.names import HIDDEN
from benchwell.signals.peers import NOBODY_FOLLOWED, nobody_followed
from benchwell.signals.words import Figure, count, dashed, figure_of

Row = Mapping[str, Any]

SITE_COLUMNS = (
    "site",
    "eligible",
    "followed",
    "observed",
    "all elig.",
    "estimated",
    "bounds",
    "shrunken",
    "reliab.",
)


@dataclass(frozen=True)
class SiteLine:
    """One organization.

    Attributes:
        organization_id: Its id.
        people: Eligible and followed, as text.
        figures: Observed, all eligible, estimated, bounds, shrunken, reliability; empty if none may be shown.
        refusal: Why there is no figure and how many more people are needed; "" if there is one.
    """

    organization_id: str
    people: tuple[str, str]
    figures: tuple[str, ...]
    refusal: str


def site_lines(results: Iterable[Row], measure: Measure) -> tuple[SiteLine, ...]:
    """Three denominators, bounds, shrunken figure and reliability of each organization.

    Args:
        results: Rows of organization_results of the measure, one period and stratum.
        measure: How figures are written.

    Returns:
        One line per organization by id. Below the least number of people it holds no figure, only what is missing.

    Source:
        METHODS C3, M1.4, M3.9.
    """
    figure = figure_of(measure)
    return tuple(_line(row, figure) for row in sorted(results, key=lambda row: str(row["organization_id"])))


def _line(row: Row, figure: Figure) -> SiteLine:
    people = (dashed(row["n_eligible"]), dashed(row["n_followed"]))
    if row["status"] != "ok" or row["estimate"] is None:
        return SiteLine(row["organization_id"], people, (), refusal_of(row))
    figures = (
        figure.text(row["observed"]),
        figure.text(row["all_eligible"]),
        figure.text(row["estimated"]),
        _bounds(row, figure),
        figure.text(row["shrunken"]),
        "–" if row["reliability"] is None else f"{row['reliability']:.2f}",
    )
    return SiteLine(row["organization_id"], people, figures, "")


def refusal_of(row: Row) -> str:
    """Why an organization has no figure, and what would give it one."""
    if nobody_followed(row):
        return HIDDEN[NOBODY_FOLLOWED]
    if row["status"] == "insufficient" and row["n_needed"]:
        return f"{count(row['n_needed'], 'more person', 'more people')} needed"
    return HIDDEN.get(row["status"], "no figure")


def _bounds(row: Row, figure: Figure) -> str:
    if row["bound_worst"] is None or row["bound_best"] is None:
        return "–"
    low, high = sorted((row["bound_worst"], row["bound_best"]))
    return f"{figure.number(low)}–{figure.text(high)}"
