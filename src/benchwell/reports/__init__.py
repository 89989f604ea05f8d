"""Pages and terminal rows from signals and editions; nothing here computes a statistic or reads the lake.

Names load when they are first used, so that a method page does not wait for the drawing libraries.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from benchwell.reports.method import method_html, method_markdown
    from benchwell.reports.network import render_network_report
    from benchwell.reports.organization import render_organization_report
    from benchwell.reports.screen import comparison_lines, network_sentences
    from benchwell.reports.solo import SoloMeasure, SoloReport, render_solo_report, solo_sentences

__all__ = [
    "SoloMeasure",
    "SoloReport",
    "comparison_lines",
    "method_html",
    "method_markdown",
    "network_sentences",
    "render_network_report",
    "render_organization_report",
    "render_solo_report",
    "solo_sentences",
]

_HOMES = {
    "method": ("method_html", "method_markdown"),
    "network": ("render_network_report",),
    "organization": ("render_organization_report",),
    "solo": ("SoloMeasure", "SoloReport", "render_solo_report", "solo_sentences"),
    "screen": ("comparison_lines", "network_sentences"),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
