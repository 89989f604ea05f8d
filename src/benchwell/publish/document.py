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
_LATIN = 0x17F  # every font has the letters up to here
_BOX = "□"  # stands for a letter that no font has
_CONTROLS = {code: " " for code in (*range(0x20), *range(0x7F, 0xA0), *range(0xD800, 0xE000), 0xFEFF) if code != 0x0A}
# Each letter on its own, since in a word one may hide another.
_PROBE = f'''#set document(title: "Probe")
#set text(font: "{_FONT}")
#for letter in sys.inputs.data.codepoints() [#letter #" "]'''.encode()


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
    return _compiled(_folder() / "sheet.typ", json.dumps(_in_letters_that_are_there(asdict(document))))


def lacks_letters(document: Document) -> bool:
    """Whether some letter of a document can only be shown as a box.

    >>> lacks_letters(Document("A title", "en", "", (Text("words"),)))
    False
    """
    return _BOX in json.dumps(_in_letters_that_are_there(asdict(document)), ensure_ascii=False)


def _compiled(source: Path | bytes, data: str) -> bytes:
    import typst

    compiler = typst.Compiler(
        source, root=_folder(), font_paths=_fonts(), ignore_system_fonts=True, sys_inputs={"data": data}
    )
    made = compiler.compile(format="pdf", pdf_standards=["ua-1"], timestamp=0)
    assert isinstance(made, bytes)  # noqa: S101  one PDF is one piece; the type allows for pictures of pages
    return made


def _in_letters_that_are_there(document: dict[str, Any]) -> dict[str, Any]:
    """The document with a box for each letter that none of the fonts has; typst refuses a tagged PDF with such."""
    plain: dict[str, Any] = _translated(document, _CONTROLS)
    strange = sorted({letter for letter in json.dumps(plain, ensure_ascii=False) if ord(letter) > _LATIN})
    absent = _absent(tuple(strange))
    found: dict[str, Any] = _translated(plain, dict.fromkeys(map(ord, absent), _BOX)) if absent else plain
    return found


def _translated(part: Any, letters: dict[int, str]) -> Any:
    if isinstance(part, str):
        return part.translate(letters)
    if isinstance(part, dict):
        return {name: _translated(value, letters) for name, value in part.items()}
    return [_translated(value, letters) for value in part] if isinstance(part, list | tuple) else part


@lru_cache(maxsize=4096)
def _absent(letters: tuple[str, ...]) -> frozenset[str]:
    """Those letters that no font has: asked of typst itself, all at once, then by halves."""
    if not letters or _can_be_set("".join(letters)):
        return frozenset()
    if len(letters) == 1:
        return frozenset(letters)
    middle = len(letters) // 2
    return _absent(letters[:middle]) | _absent(letters[middle:])


def _can_be_set(text: str) -> bool:
    import typst

    try:
        _compiled(_PROBE, text)
    except typst.TypstError:
        return False
    return True


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
