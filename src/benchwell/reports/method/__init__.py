"""The public page of a declaration: what it is, every constant with its source, unchecked ones marked (DESIGN 4).

One structure, two renderings: Markdown for docs/ and the command line, HTML for editions.
"""

from __future__ import annotations

from benchwell.reports.method.html import LIVE, MethodParts, MethodSection, method_html, method_parts
from benchwell.reports.method.markdown import method_markdown
from benchwell.reports.method.page import method_page
from benchwell.reports.method.structure import Code, Link, Mark, MethodPage, Section, Strong, Table

__all__ = [
    "LIVE",
    "Code",
    "Link",
    "Mark",
    "MethodPage",
    "MethodParts",
    "MethodSection",
    "Section",
    "Strong",
    "Table",
    "method_html",
    "method_markdown",
    "method_page",
    "method_parts",
]
