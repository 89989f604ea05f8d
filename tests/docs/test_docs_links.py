"""Every link inside the repository leads somewhere, and every page can be reached from the index."""

from __future__ import annotations

import re
from pathlib import Path

LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")


def anchors(page: Path) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def inner_links(page: Path):
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    for target in LINK.findall(text):
        if not target.startswith(("http://", "https://", "mailto:")):
            path, _, anchor = target.partition("#")
            yield target, (page.parent / path).resolve() if path else page, anchor


def test_every_link_leads_to_a_file_and_a_heading(repository):
    dead = [
        f"{page.relative_to(repository.root)}: {target}"
        for page in repository.pages
        for target, path, anchor in inner_links(page)
        if not path.exists() or (anchor and anchor not in anchors(path))
    ]
    assert dead == []


def test_no_link_leaves_the_repository(repository):
    outside = [
        target
        for page in repository.pages
        for target, path, _ in inner_links(page)
        if not path.is_relative_to(repository.root)
    ]
    assert outside == []


def test_every_page_of_the_docs_can_be_reached_from_the_index(repository):
    docs = repository.root / "docs"
    reached: set[Path] = set()
    waiting = [docs / "index.md"]
    while waiting:
        page = waiting.pop()
        if page in reached or page.suffix != ".md" or not page.exists():
            continue
        reached.add(page)
        waiting += [path for _, path, _ in inner_links(page)]
    assert sorted(str(page.relative_to(docs)) for page in set(docs.rglob("*.md")) - reached) == []
