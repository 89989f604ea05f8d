"""Charts of pages, for paper: the page's colours as those that print well."""

from __future__ import annotations

from typing import Any

from benchwell.publish.document import svg_of
from benchwell.reports.canvas import Chart

# What the style sheet gives these names in print.
_PRINT = {
    "--ink": "#1b2430",
    "--muted": "#56616e",
    "--grid": "#dde3e9",
    "--band": "#dfe7ef",
    "--peer": "#6b7887",
    "--own": "#0b5cad",
    "--mark": "#7a4a00",
    "--paper": "#ffffff",
    "--card": "#ffffff",
    "--expect": "#e3ebf3",
    "--above": "#12683d",
    "--close": "#7a5200",
    "--below": "#9c1f5e",
    "--unknown": "#56616e",
}


def printed(chart: Chart) -> str | None:
    """A chart as SVG in the colours of print; null where there is nothing to draw."""
    spec = chart.specification()
    if spec is None:
        return None
    found: dict[str, Any] = _in_print(spec)
    config = {name: part for name, part in found.get("config", {}).items() if name != "font"}
    return svg_of(found | {"config": config})


def _in_print(part: Any) -> Any:
    if isinstance(part, dict):
        return {name: _in_print(value) for name, value in part.items()}
    if isinstance(part, list):
        return [_in_print(value) for value in part]
    if isinstance(part, str) and part.startswith("var(--"):
        return _PRINT.get(part.removeprefix("var(").removesuffix(")"), _PRINT["--ink"])
    return part
