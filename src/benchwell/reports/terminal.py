"""Results as plain rows for a terminal: the door decides how they look."""

from __future__ import annotations

from dataclasses import dataclass

from benchwell.signals.comparison import Comparison
from benchwell.signals.sentence import reason, sentence
from benchwell.signals.words import figure_of

COLUMNS = ("Measure", "Eligible", "Followed", "Figure", "95 %", "Benchmark", "Light")


@dataclass(frozen=True)
class TerminalTable:
    """A caption, heads and rows of text."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def comparison_table(comparisons: list[Comparison], *, caption: str) -> TerminalTable:
    """One row per comparison: people, figure, interval, benchmark, light in shape and word.

    Args:
        comparisons: What to show, in order.
        caption: What the table is.
    """
    return TerminalTable(caption, COLUMNS, tuple(_row(one) for one in comparisons))


def comparison_lines(comparison: Comparison) -> tuple[str, ...]:
    """The sentence as lines: figure, people, benchmark, verdict, next step."""
    said = sentence(comparison)
    verdict = f"{comparison.face.symbol} {said.verdict}"
    return tuple(line for line in (said.headline, said.people, said.benchmark, verdict, said.next_step) if line)


def _row(one: Comparison) -> tuple[str, ...]:
    figure, figures = figure_of(one.measure), one.figures
    shown = one.status == "ok"
    decided = f" ({reason(one)})" if one.deciding else ""
    return (
        one.measure.title,
        "–" if figures.n_eligible is None else f"{figures.n_eligible:,}",
        "–" if figures.n_followed is None else f"{figures.n_followed:,}",
        figure.text(figures.estimate.value) if shown else "–",
        figure.interval(figures.estimate.lower, figures.estimate.upper) if shown else "",
        figure.text(one.benchmark.estimate.value) if one.benchmark else "–",
        f"{one.face.symbol} {one.face.word}{decided}",
    )
