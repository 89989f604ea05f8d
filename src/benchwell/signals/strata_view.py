"""One measure by the levels of a declared variable, always beside the common figure (METHODS M4.6)."""

from __future__ import annotations

from dataclasses import dataclass

from benchwell.registry.measure import Measure
from benchwell.signals.peers import has_figure
from benchwell.signals.reading import ALL, EditionSource, Row, measure_of, rows
from benchwell.signals.words import count, direction, figure_of


@dataclass(frozen=True)
class Level:
    """One level: figure with interval and people, or why there is none."""

    level: str
    value: float | None
    lower: float | None
    upper: float | None
    n: int | None
    status: str


@dataclass(frozen=True)
class StrataView:
    """The levels of one variable in their own order, with the figure of all levels together."""

    measure: Measure
    variable: str
    levels: tuple[Level, ...]
    common: float | None
    title: str
    text: str


def strata_views(edition: EditionSource, organization_id: str, measure: str | Measure) -> tuple[StrataView, ...]:
    """Every declared stratification of an organization's figure.

    A level never stands alone: the common figure is part of each view, so that a lower expectation for a group is
    never the only yardstick.

    Args:
        edition: The edition.
        organization_id: Whose figures.
        measure: A measure, or its id.
    """
    declared = measure_of(edition, measure)
    found = rows(edition, "organization_results", measure=declared.id, organization_id=organization_id, period=ALL)
    common = next((row["estimate"] for row in found if row["stratum"] == ALL and has_figure(row)), None)
    variables = sorted({row["stratum"] for row in found} - {ALL})
    return tuple(_view(declared, name, [row for row in found if row["stratum"] == name], common) for name in variables)


def _view(measure: Measure, variable: str, found: list[dict[str, object]], common: float | None) -> StrataView:
    levels = tuple(_level(row) for row in sorted(found, key=lambda row: str(row["level"])))
    shown = [level for level in levels if level.value is not None]
    apart = [
        level
        for level in shown
        if common is not None
        and level.lower is not None
        and level.upper is not None
        and not level.lower <= common <= level.upper
    ]
    word = variable.replace("_", " ")
    if not shown:
        title = f"No group by {word} is large enough to show"
    elif apart:
        names = " and ".join(level.level for level in apart)
        title = f"By {word}: {names} {'differs' if len(apart) == 1 else 'differ'} from the common figure"
    else:
        title = f"By {word}: no group differs clearly from the common figure"
    figure = figure_of(measure)
    parts = [f"{level.level} {figure.text(level.value)} {figure.interval(level.lower, level.upper)}" for level in shown]
    text = f"{measure.title} by {word}, {count(len(levels), 'group')}: {'; '.join(parts) or 'none shown'}. "
    text += f"Common figure {figure.text(common)} ({direction(measure.better)})."
    return StrataView(measure, variable, levels, common, title, text)


def _level(row: Row) -> Level:
    shown = has_figure(row)
    n = row["n_followed"] if row["n_followed"] is not None else row["n_eligible"]
    return Level(
        str(row["level"]),
        row["estimate"] if shown else None,
        row["lower"] if shown else None,
        row["upper"] if shown else None,
        n,
        str(row["status"]),
    )
