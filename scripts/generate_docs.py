"""Write the generated pages of docs/, or with --check fail naming each page that is not up to date.

Sources: the command line (cli.md), the error tree (exit-codes.md), benchmark declarations' fields (settings.md), the
schemas (tables.md), the words of FHIR records (fhir-records.md), the tests (validity.md) and the declarations
(methods/). No network, no data.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from docgen.commands import commands
from docgen.errors import exit_codes
from docgen.fhir_records import fhir_records
from docgen.methods import method_pages
from docgen.schemas import schemas
from docgen.settings import settings
from docgen.validity import validity

from benchwell.registry import Registry

DOCS = Path(__file__).resolve().parents[1] / "docs"


def pages() -> Iterator[tuple[Path, str]]:
    """Every generated page with its text."""
    yield DOCS / "cli.md", commands()
    yield DOCS / "exit-codes.md", exit_codes()
    yield DOCS / "fhir-records.md", fhir_records()
    yield DOCS / "settings.md", settings()
    yield DOCS / "tables.md", schemas()
    yield DOCS / "validity.md", validity()
    for path, text in method_pages(Registry.load()):
        yield DOCS / "methods" / path, text


def differing(wanted: dict[Path, str]) -> list[str]:
    """What is not as it would be generated now, in words."""
    present = set((DOCS / "methods").rglob("*.md"))
    gone = [
        f"{path.relative_to(DOCS)}: no declaration stands behind it any more" for path in sorted(present - set(wanted))
    ]
    changed = [
        f"{path.relative_to(DOCS)}: {'differs' if path.exists() else 'is missing'}"
        for path, text in sorted(wanted.items())
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]
    return gone + changed


def write(wanted: dict[Path, str]) -> None:
    """Write every page and remove those that nothing stands behind."""
    for path in set((DOCS / "methods").rglob("*.md")) - set(wanted):
        path.unlink()
    for path, text in wanted.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; fail if a page is not up to date")
    wanted = dict(pages())
    if not parser.parse_args().check:
        write(wanted)
        print(f"{len(wanted)} pages written to {DOCS.name}/")
        return 0
    problems = differing(wanted)
    for problem in problems:
        print(f"docs/{problem}", file=sys.stderr)
    if problems:
        print("Hint: ./run docs writes them anew.", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
