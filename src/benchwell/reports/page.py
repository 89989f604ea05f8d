"""Render a template to one HTML file that stands alone: inline style, no script, nothing loaded from elsewhere."""

from __future__ import annotations

from functools import lru_cache
from importlib import metadata
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined


@lru_cache(maxsize=1)
def environment() -> Environment:
    """The template environment: everything is escaped, and an unknown name is an error."""
    return Environment(
        loader=PackageLoader("benchwell.reports", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def render(template: str, **values: Any) -> str:
    """Render a page.

    Args:
        template: File name in `templates/`.
        **values: What the template names.

    Returns:
        The whole HTML document.
    """
    env = environment()
    css = env.get_template("report.css").render()
    return env.get_template(template).render(css=css, version=metadata.version("benchwell"), **values)


def anchor(*parts: str) -> str:
    """An id for a place on a page.

    >>> anchor("Response at 12 weeks", "funnel")
    'response-at-12-weeks-funnel'
    """
    text = "-".join(parts).lower()
    return "-".join(word for word in "".join(c if c.isalnum() else " " for c in text).split())
