"""The figures of one benchmark in a few lines: each beside the one that it must not be read without."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from benchwell.registry.measure import Measure
from benchwell.reports.names import DECILES, method_name, reason_words
from benchwell.signals.words import Figure, figure_of

Record = Mapping[str, Any]

DEFAULT_DECILE = "top_decile.constrained_eb"
RAW_DECILE = "top_decile.raw"


@dataclass(frozen=True)
class BenchmarkLine:
    """One line: what it is, the figure with its interval, and the figure that belongs beside it.

    Attributes:
        label: What it is.
        figure: Figure and 95 % interval.
        beside: The same counted in another way, named; "" if there is none.
    """

    label: str
    figure: str
    beside: str = ""


# Label, method, the method beside it and what that one is called.
_LINES = (
    ("top tenth", DEFAULT_DECILE, RAW_DECILE, "raw"),
    ("achievable (ABC)", "abc", "", ""),
    ("all people together", "pooled", "unweighted", "mean of clinics"),
    ("mean of clinics", "mean", "", ""),
)
_PERCENTILES = {"p25": "lower quartile", "p50": "middle clinic", "p75": "upper quartile"}


def benchmark_lines(records: Iterable[Record], measure: Measure) -> tuple[BenchmarkLine, ...]:
    """The figures that may be shown: quartiles from low to high, top tenth beside the raw one, ABC, all together.

    Args:
        records: Records of one benchmark, tier and period, and of published figures, without any left out.
        measure: How figures are written.
    """
    found = list(records)
    shown = {row["method"]: row for row in found if row["status"] == "ok" and row["estimate"] is not None}
    figure = figure_of(measure)
    percentiles = sorted((method for method in shown if _share(method) is not None), key=lambda name: _share(name) or 0)
    wanted = [(_percentile_name(method), method, f"{method}.patients", "by people") for method in percentiles]
    lines = [
        BenchmarkLine(label, _figure(shown[method], figure), _beside(shown.get(other), name, figure))
        for label, method, other, name in (*wanted, *_LINES)
        if method in shown
    ]
    published = [row for row in shown.values() if row["tier"] == "external"]
    return (*lines, *(BenchmarkLine("published elsewhere", _figure(row, figure), row["method"]) for row in published))


def decile_lines(records: Iterable[Record], measure: Measure) -> tuple[BenchmarkLine, ...]:
    """The top tenth by each method, always with the raw figure beside it (METHODS M4.2)."""
    shown = {row["method"]: row for row in records if row["status"] == "ok" and row["estimate"] is not None}
    figure = figure_of(measure)
    raw = _beside(shown.get(RAW_DECILE), "raw", figure)
    return tuple(
        BenchmarkLine(label, _figure(shown[method], figure), raw)
        for method, label in DECILES.items()
        if method in shown
    )


def refusal_lines(records: Iterable[Record]) -> tuple[str, ...]:
    """What is not shown and why: one sentence per reason, in words.

    >>> row = {"method": "p25", "tier": "all", "status": "insufficient", "reason": "few: 6 clinics; 10 are needed"}
    >>> refusal_lines([row, row | {"method": "p25.patients"}, row | {"method": "p75"}])
    ('lower quartile, upper quartile: 6 clinics; 10 are needed.',)
    """
    closed: dict[str, list[str]] = {}
    for row in records:
        if row["status"] != "ok":
            method = row["method"].removesuffix(".patients")
            name = "top tenth" if method.startswith("top_decile.") else _PERCENTILES.get(method) or method_name(method)
            closed.setdefault(reason_words(row["reason"] or row["status"]), []).append(name)
    return tuple(f"{', '.join(dict.fromkeys(names))}: {reason.rstrip('.')}." for reason, names in closed.items())


def _share(method: str) -> float | None:
    """The probability of an unweighted percentile's method; None for any other."""
    digits = method[1:]
    return float(digits) if method[:1] == "p" and digits.replace(".", "", 1).isdigit() else None


def _percentile_name(method: str) -> str:
    return _PERCENTILES.get(method) or method_name(method)


def _figure(row: Record, figure: Figure) -> str:
    interval = figure.interval(row["lower"], row["upper"])
    provisional = " provisional" if row["provisional"] else ""
    return f"{figure.text(row['estimate'])} {interval}".rstrip() + provisional


def _beside(row: Record | None, name: str, figure: Figure) -> str:
    return "" if row is None else f"{name} {_figure(row, figure)}"
