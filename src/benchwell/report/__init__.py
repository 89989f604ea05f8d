"""Pages and terminal rows from signals and editions; nothing here computes a statistic or reads the lake."""

from __future__ import annotations

from benchwell.report.method_page import RenderedMethod, render_method_page
from benchwell.report.network import render_network_report
from benchwell.report.organization import render_organization_report
from benchwell.report.solo import SoloMeasure, SoloReport, render_solo_report
from benchwell.report.terminal import TerminalTable, comparison_lines, comparison_table

__all__ = [
    "RenderedMethod",
    "SoloMeasure",
    "SoloReport",
    "TerminalTable",
    "comparison_lines",
    "comparison_table",
    "render_method_page",
    "render_network_report",
    "render_organization_report",
    "render_solo_report",
]
