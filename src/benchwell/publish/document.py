"""A document for paper: blocks of plain text, tables and pictures, and the accessible PDF that typst makes of them.

What a document says travels to typst as JSON and is shown there as text: no value is ever part of a Typst source, so
nothing that somebody wrote can act in it. The PDF is tagged (PDF/UA-1), names its language, holds its fonts, and is the
same bytes for the same document.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any, Literal

_FONT = "Libertinus Serif"  # one of those that come with typst


@dataclass(frozen=True)
class Heading:
    """A heading; the document's own title stands above level 1."""

    text: str
    level: int = 1
    kind: Literal["heading"] = "heading"


@dataclass(frozen=True)
class Text:
    """A paragraph."""

    text: str
    kind: Literal["text"] = "text"


@dataclass(frozen=True)
class Note:
    """A paragraph in a box."""

    text: str
    kind: Literal["note"] = "note"


@dataclass(frozen=True)
class Items:
    """A list with bullets."""

    items: tuple[str, ...]
    kind: Literal["items"] = "items"


@dataclass(frozen=True)
class Facts:
    """Names and what they are."""

    facts: tuple[tuple[str, str], ...]
    kind: Literal["facts"] = "facts"


@dataclass(frozen=True)
class Table:
    """A table; every row has as many cells as there are columns."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    kind: Literal["table"] = "table"


@dataclass(frozen=True)
class Picture:
    """A chart as SVG, with the words that say the same."""

    svg: str
    text: str
    caption: str
    kind: Literal["picture"] = "picture"


Block = Heading | Text | Note | Items | Facts | Table | Picture


@dataclass(frozen=True)
class Document:
    """What goes on paper.

    Attributes:
        title: What it is.
        language: Of its words: `en` or `de`.
        footer: At the foot of each page.
        blocks: In order.
    """

    title: str
    language: str
    footer: str
    blocks: tuple[Block, ...]


def pdf_of(document: Document) -> bytes:
    """Set a document as a tagged PDF.

    Args:
        document: What it says.

    Returns:
        PDF 1.7, PDF/UA-1. The same document gives the same bytes: no hour of making is written into them.

    >>> pdf_of(Document("A receipt", "en", "Benchwell", (Text("Nothing in #this is read as *code*."),)))[:5]
    b'%PDF-'
    """
    import typst

    compiler = typst.Compiler(
        _folder() / "sheet.typ",
        root=_folder(),
        font_paths=_fonts(),
        ignore_system_fonts=True,
        sys_inputs={"data": json.dumps(asdict(document), ensure_ascii=False)},
    )
    made = compiler.compile(format="pdf", pdf_standards=["ua-1"], timestamp=0)
    assert isinstance(made, bytes)  # noqa: S101  one PDF is one piece; the type allows for pictures of pages
    return made


def svg_of(spec: dict[str, Any]) -> str:
    """A chart of a Vega-Lite specification as SVG, in the letters of the document.

    Args:
        spec: With its data inline; nothing is fetched.
    """
    import vl_convert as vlc

    config = {"font": _FONT, "view": {"stroke": None}}
    drawn: str = vlc.vegalite_to_svg(
        spec | {"config": config | spec.get("config", {}), "background": None}, allowed_base_urls=[]
    )
    return drawn


def _folder() -> Path:
    return Path(str(resources.files("benchwell.publish") / "documents"))


@lru_cache(maxsize=1)
def _fonts() -> Any:
    import typst

    return typst.Fonts(include_system_fonts=False)
