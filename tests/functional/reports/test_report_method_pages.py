"""Method pages: every declaration renders, twice from one structure; an unchecked constant catches the eye."""

from __future__ import annotations

import re

import pytest

from benchwell.registry import Registry
from benchwell.reports import method_html, method_markdown
from benchwell.reports.method import Link, Table, method_page
from benchwell.reports.method.structure import table

KINDS = ("instruments", "measures", "casemix", "benchmarks", "references")


def declared():
    registry = Registry.load()
    return [(kind, one) for kind in KINDS for one in getattr(registry, kind).values()]


def test_unchecked_constants_are_marked_in_both_renderings():
    for _, one in declared():
        unchecked = [path for path, fact in getattr(one, "facts", {}).items() if fact.status == "unchecked"]
        markdown, html = method_markdown(one), method_html(one)
        for path in unchecked:
            assert re.search(rf"^\| `{re.escape(path)}` \|.*\| \*\*unchecked\*\* \|", markdown, re.MULTILINE)
            assert re.search(rf'<code>{re.escape(path)}</code></th>.*?<span class="mark-unchecked">○ unchecked', html)
        assert ("marks a constant that nobody has yet read" in html) == (method_page(one).unchecked > 0)


def test_both_renderings_hold_the_same_headings_and_hashes():
    for _, one in declared():
        markdown, html = method_markdown(one), method_html(one)
        said = re.findall(r"^## (.*)$", markdown, re.MULTILINE)
        drawn = [title.replace("&#39;", "'") for title in re.findall(r"<h2 [^>]*>(.*?)</h2>", html)]
        assert said == drawn
        for text in (markdown, html):
            assert one.numbers_hash in text
            assert one.text_hash in text


def test_no_table_has_an_empty_column_or_a_row_of_another_width():
    for _, one in declared():
        tables = [part for section in method_page(one).sections for part in section.parts if isinstance(part, Table)]
        assert tables
        for found in tables:
            assert all(len(row) == len(found.columns) for row in found.rows)
            for place in range(len(found.columns) if found.rows else 0):
                assert any(row[place] not in ("", "–") for row in found.rows), found.columns[place]


def test_who_is_not_counted_is_said():
    page = method_markdown(Registry.load().measure("phq9-remission-6m"))
    assert "| column | none of | at least | otherwise excluded as |" in page
    assert "bipolar" in page


def test_links_lead_where_the_caller_says_and_nowhere_else():
    measure = Registry.load().measure("phq9-remission-6m")
    assert "](" not in method_markdown(measure)
    assert "href" not in method_html(measure).split("<main")[1]
    linked = method_html(measure, target=lambda link: f"../{link.folder}/{link.id}.html")
    assert '<a href="../instruments/phq-9.html"><code>phq-9</code></a>' in linked
    only = method_markdown(measure, target=lambda link: "here" if link == Link("instruments", "phq-9") else None)
    assert "[`phq-9`](here), `phq-9m`" in only


@pytest.mark.parametrize("text", ["<b>", "a | b", "`c`"])
def test_what_a_declaration_says_cannot_break_the_page(text):
    one = Registry.load().measure("phq9-remission-6m").model_copy(update={"notes": text, "sources": {"key": text}})
    assert "<b>" not in method_html(one)
    rows = [line for line in method_markdown(one).splitlines() if line.startswith("| `key`")]
    assert len(rows) == 1
    assert len(re.findall(r"(?<!\\)\|", rows[0])) == 3


def test_a_table_leaves_out_what_nobody_filled():
    assert table(["a", "b"], [(1, None), (2, "")]) == Table(("a",), (("1",), ("2",)))
