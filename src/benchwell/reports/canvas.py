"""From an Altair chart to inline SVG that follows the page's colours, offline (UX.md, "Charts").

Vega writes fixed colours. The charts are drawn in stand-in colours, which are then replaced by CSS variables, so that
one picture is right in light, dark and print.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from html import escape
from typing import Any

import altair as alt
import vl_convert as vlc

from benchwell.signals.words import Figure
from benchwell.terms import Light

# Stand-in colours, one per role; `report.css` gives each variable its value in light, dark and print.
INK = "#010203"  # text
MUTED = "#010204"  # axes, limits
GRID = "#010205"
BAND = "#010206"  # shaded ranges
PEER = "#010207"  # dots of others
OWN = "#010208"  # the labelled clinic
MARK = "#010209"  # signals and benchmark lines
PAPER = "#01020a"
LIGHTS = {
    Light.ABOVE: "#01020b",
    Light.CLOSE: "#01020c",
    Light.BELOW: "#01020d",
    Light.UNKNOWN: "#01020e",
}

_VARIABLES = {
    INK: "--ink",
    MUTED: "--muted",
    GRID: "--grid",
    BAND: "--band",
    PEER: "--peer",
    OWN: "--own",
    MARK: "--mark",
    PAPER: "--paper",
    LIGHTS[Light.ABOVE]: "--above",
    LIGHTS[Light.CLOSE]: "--close",
    LIGHTS[Light.BELOW]: "--below",
    LIGHTS[Light.UNKNOWN]: "--unknown",
}
FONT = "system-ui, -apple-system, Segoe UI, Roboto, Helvetica, Arial, sans-serif"


CONFIG: dict[str, Any] = {
    "font": FONT,
    "padding": 2,
    "view": {"stroke": None},
    "axis": {
        "labelColor": INK,
        "titleColor": INK,
        "gridColor": GRID,
        "domainColor": MUTED,
        "tickColor": MUTED,
        "labelFontSize": 13,
        "titleFontSize": 13,
        "titleFontWeight": "normal",
        "labelFlush": False,
    },
    "text": {"color": INK, "fontSize": 13},
}


# A picture for a screen or a page, and one for a phone: shrinking the first would make its words unreadable.
WIDE, NARROW = 560, 290
# Makes a picture for a width in pixels in the stand-in colours: an Altair chart, or the Vega-Lite specification itself,
# which takes a tenth of the time to put together.
Build = Callable[[int], Any]


@dataclass(frozen=True)
class Chart:
    """A picture with the words and the table that say the same.

    What is drawn, and where, is left to who shows it: reports take `svg`, a page in a browser takes `specification`.

    Attributes:
        id: Unique on its page.
        title: The finding, or that there is none.
        build: Makes the picture; None when there is nothing to draw.
        text: Alternative text.
        columns: Heads of the data table.
        rows: Its rows, already as text.
        caption: What the table holds.
        note: A limit that belongs beside the picture, "" if none.
        up: What the upright axis shows, set flat above the picture: rotated words are hard to read.
        key: What bands, lines and shapes mean.
    """

    id: str
    title: str
    build: Build | None
    text: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    caption: str
    note: str = ""
    up: str = ""
    key: str = ""

    @cached_property
    def svg(self) -> str:
        """Inline SVG at both widths, drawn on first use; "" when there is nothing to draw."""
        return "" if self.build is None else draw(self.build, chart_id=self.id, title=self.title, text=self.text)

    def specification(self, width: int = WIDE) -> dict[str, Any] | None:
        """The picture as Vega-Lite, for a page that draws it in the browser; None when there is nothing to draw.

        Args:
            width: Of the picture, pixels.
        """
        return None if self.build is None else specification(self.build(width))

    def for_page(self) -> dict[str, Any] | None:
        """The picture for a page in a browser, with that for a phone in it; None when there is nothing to draw.

        What suits a desk does not shrink: words beside lines have no room, and so many labels do not fit.
        """
        wide = self.specification()
        return None if wide is None else wide | {"usermeta": {"narrow": self.specification(NARROW)}}


_ASSUMED = (f' font-family="{FONT}"', ' pointer-events="none"', ' opacity="1"', ' stroke-width="1"')


def draw(build: Build, *, chart_id: str, title: str, text: str) -> str:
    """Draw a chart at both widths; the style sheet shows one of them.

    Args:
        build: Makes the chart for a width in pixels, in the stand-in colours of this module.
        chart_id: Unique on its page; ids inside the pictures start with it.
        title: Short title for assistive technology.
        text: Description for assistive technology.

    Returns:
        Two `<svg>` elements without any outside reference.
    """
    return "".join(
        _svg(build(width), chart_id=f"{chart_id}-{name}", css=name, title=title, text=text)
        for name, width in (("wide", WIDE), ("narrow", NARROW))
    )


def _svg(chart: Any, *, chart_id: str, css: str, title: str, text: str) -> str:
    """Render a chart as inline SVG with title, description and CSS variables for colours.

    Args:
        chart: An Altair chart, or a Vega-Lite specification.
        chart_id: Unique on its page; ids inside the picture start with it.
        css: Class of the picture.
        title: Short title for assistive technology.
        text: Description for assistive technology.

    Returns:
        An `<svg>` element without any outside reference.
    """
    svg: str = vlc.vegalite_to_svg(_specification(chart))
    for colour, variable in _VARIABLES.items():
        svg = svg.replace(f'"{colour}"', f'"var({variable})"')
    # Ids of clip paths must be unique on a page that holds many pictures.
    svg = re.sub(r'id="([^"]+)"', rf'id="{chart_id}-\1"', svg)
    svg = re.sub(r"url\(#([^)]+)\)", rf"url(#{chart_id}-\1)", svg)
    # Vega describes its own groups; the words of the page are better and said once.
    svg = re.sub(r' (aria-[a-z]+|role)="[^"]*"', "", svg)
    width, height = _size(svg)
    body = _slim(svg[svg.index(">") + 1 :])
    head = (
        f'<svg class="picture {css}" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" '
        f'aria-labelledby="{chart_id}-t {chart_id}-d" focusable="false" font-family="{FONT}">'
        f'<title id="{chart_id}-t">{escape(title)}</title><desc id="{chart_id}-d">{escape(text)}</desc>'
    )
    return head + body


def _specification(chart: Any) -> dict[str, Any]:
    """A chart as Vega-Lite in the stand-in colours; the page gives the ground."""
    spec: dict[str, Any] = chart if isinstance(chart, dict) else chart.to_dict(validate=False)
    return spec | {"config": CONFIG, "background": None}


def specification(chart: Any) -> dict[str, Any]:
    """A chart as Vega-Lite in the colours of the page: `var(--own)` and the like, which follow light, dark and print.

    Data that Altair was given as one JSON text are unpacked, since a page is no place for JSON within JSON.

    Args:
        chart: An Altair chart, or a Vega-Lite specification, in the stand-in colours.

    >>> specification({"mark": {"type": "rule", "color": OWN}})["mark"]
    {'type': 'rule', 'color': 'var(--own)'}
    """
    found: dict[str, Any] = _in_page_colours(_specification(chart))
    if "datasets" in found:
        found["datasets"] = {name: _unpacked(values) for name, values in found["datasets"].items()}
    return found


def _unpacked(values: Any) -> Any:
    return json.loads(values) if isinstance(values, str) else values


def _in_page_colours(part: Any) -> Any:
    if isinstance(part, dict):
        return {name: _in_page_colours(value) for name, value in part.items()}
    if isinstance(part, list):
        return [_in_page_colours(value) for value in part]
    variable = _VARIABLES.get(part) if isinstance(part, str) else None
    return part if variable is None else f"var({variable})"


def _slim(svg: str) -> str:
    """Leave out what a browser assumes anyway, and hundredths of pixels: nearly half of what Vega writes.

    >>> _slim('<text opacity="1" transform="translate(65.24590163934425,17)">')
    '<text transform="translate(65.25,17)">'
    """
    for said in _ASSUMED:
        svg = svg.replace(said, "")
    svg = re.sub(r'<path[^>]* d="M0,0h0v0h0Z"[^>]*/>|<g></g>', "", svg)
    svg = re.sub(r' class="(?:mark-|background|foreground)[^"]*"', "", svg)
    return re.sub(r"-?\d+\.\d{3,}", lambda found: f"{float(found[0]):.2f}".rstrip("0").rstrip("."), svg)


def _size(svg: str) -> tuple[str, str]:
    found = re.search(r'width="([\d.]+)" height="([\d.]+)"', svg)
    return (found[1], found[2]) if found else ("600", "300")


def data(*records: Any) -> alt.InlineData:
    """Inline data for a layer from dataclass instances or dictionaries.

    The records go in as one JSON text: Altair copies lists of records over and over while it builds a chart, which took
    longer than drawing it.
    """
    values = [record if isinstance(record, dict) else dict(vars(record)) for record in records]
    return alt.InlineData(values=json.dumps(values, default=str), format=alt.JsonDataFormat(type="json"))


def number_format(figure: Figure) -> str:
    """Vega number format of an axis: percent for fractions, plain otherwise."""
    return "%" if figure.unit == "%" else "~f"
