"""Documents for paper: words are data, pages are tagged, the same document is the same bytes."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest

from benchwell.publish.document import (
    Document,
    Facts,
    Heading,
    Items,
    Note,
    Picture,
    Table,
    Text,
    _in_letters_that_are_there,
    pdf_of,
    svg_of,
)

# Each of these would do something, or stop the compiler, if it were ever part of a Typst source.
SOURCES = (
    '#panic("stopped")',
    '#read("sheet.typ")',
    '#read("/etc/hostname")',
    '#import "@preview/nothing:0.1.0": *',
    "#sys.inputs.data",
    "$x^2$ *bold* _it_ `raw` @reference <label> // comment /* more */",
    "]#panic()[",
    '"); panic("',
    "\\u{41} \\ \\n",
    "= Heading\n- list\n+ more\n/ Term: words",
)
SPEC = {
    "data": {"values": [{"a": 1, "b": 2}, {"a": 2, "b": 3}]},
    "mark": "line",
    "encoding": {"x": {"field": "a", "type": "quantitative"}, "y": {"field": "b", "type": "quantitative"}},
}


def everywhere(words: str) -> Document:
    """A document that holds some words in every place where words may stand."""
    blocks = (
        Heading(words),
        Heading(words, 2),
        Text(words),
        Note(words),
        Items((words, words)),
        Facts(((words, words),)),
        Table(words, (words, words), ((words, words),)),
        Picture(svg_of(SPEC), words, words),
    )
    return Document(words, "en", words, blocks)


@pytest.mark.parametrize("words", SOURCES, ids=range(len(SOURCES)))
def test_words_never_act(words):
    assert pdf_of(everywhere(words)).startswith(b"%PDF-1.7")


@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="pdftotext is not installed")
def test_words_are_shown_as_they_are(tmp_path):
    said = '#panic("a") $x$ *b* @c <d> `e`'
    (tmp_path / "a.pdf").write_bytes(pdf_of(Document("A title", "en", "", (Text(said),))))
    found = subprocess.run(["pdftotext", tmp_path / "a.pdf", "-"], capture_output=True, text=True, check=True).stdout
    assert said in found


@pytest.mark.parametrize(
    "words", ["", " ", "a" * 5000, "🙂 ひ ع", "\x00\x1b\x85", "\u202e reversed", "\ud800 \uffff \ufeff"], ids=range(7)
)
def test_odd_words_make_a_document_too(words):
    assert pdf_of(everywhere(words or "x")).startswith(b"%PDF-1.7")
    assert pdf_of(Document("A title", "en", "", (Text(words),))).startswith(b"%PDF-1.7")


def test_every_letter_of_western_europe_is_there():
    letters = "".join(map(chr, range(0x21, 0x180))).replace("\x7f", "")
    found = _in_letters_that_are_there({"text": letters + "–„“”…≥≤±□✓"})["text"]
    assert "□" not in found.removesuffix("□✓")


def test_a_letter_that_no_font_has_is_a_box_and_the_others_stay():
    assert _in_letters_that_are_there({"rows": [["aひb", "Жé"]]}) == {"rows": [["a□b", "Жé"]]}


def test_the_same_document_is_the_same_bytes():
    assert pdf_of(everywhere("one")) == pdf_of(everywhere("one"))
    assert pdf_of(everywhere("one")) != pdf_of(everywhere("two"))


@pytest.mark.parametrize("language", ["en", "de"])
def test_pages_are_tagged_name_their_language_and_hold_their_fonts(language):
    made = pdf_of(Document("A title", language, "foot", (Text("words"), Heading("more"))))
    assert re.search(rb"/Marked ?true", made)
    assert re.search(rb"/Lang ?\(" + language.encode() + rb"\)", made)
    assert b"/StructTreeRoot" in made
    assert b"pdfuaid" in made or b"/Metadata" in made
    assert re.search(rb"/FontFile[23]", made)


def test_a_chart_fetches_nothing():
    with pytest.raises(Exception, match=r"(?i)url|denied|not allowed|load"):
        svg_of(SPEC | {"data": {"url": "http://127.0.0.1:9/none.csv"}})


def test_a_long_table_goes_over_pages():
    rows = tuple((str(place), "words " * 20) for place in range(200))
    made = pdf_of(Document("A title", "en", "", (Table("Many", ("n", "what"), rows),)))
    pages = max(int(count) for count in re.findall(rb"/Count (\d+)", made))
    assert pages > 3
