"""Gather every text that a person sees into the catalogue's template, and bring the translations up to date.

    python scripts/messages.py            write `messages.pot`, update each `messages.po`; new texts are untranslated
    python scripts/messages.py --missing  list what a language lacks, and change nothing

Texts come from Python and templates (gettext), and from the declarations, whose titles and labels are shown as they
are: measures, instruments, their scales and bands, benchmarks, case mixes with their reasons.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml
from babel.messages import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

SOURCE = Path(__file__).parents[1] / "src" / "benchwell"
LOCALE = SOURCE / "i18n" / "locale"
METHODS = [("**/declarations/**", "ignore"), ("**/reports/templates/**", "ignore"), ("**.py", "python")]
METHODS += [("**/templates/**.j2", "jinja2.ext:babel_extract")]
OPTIONS = {"**/templates/**.j2": {"extensions": "jinja2.ext.i18n", "silent": "false", "trimmed": "false"}}
KEYWORDS: dict[str, Any] = {"_": None, "N_": None, "gettext": None, "ngettext": (1, 2), "NN_": (1, 2)}
# What of a declaration is shown as it is written.
SHOWN = {
    "measures": ("title", "label", "name", "phrase", "why"),
    "instruments": ("title", "label", "name", "phrase"),
    "benchmarks": ("title", "label", "name", "phrase"),
    "casemix": ("title", "why", "rationale"),
    "episode_rules": ("title",),
    "references": ("title",),
    "response_curves": ("title",),
}


def catalogue() -> Catalog:
    """Every text, with where it is used."""
    found = Catalog(project="Benchwell", copyright_holder="Benchwell", charset="utf-8", fuzzy=False)
    texts: dict[Any, set[str]] = {}
    for file, _line, text, _comments, _context in extract_from_dir(SOURCE, METHODS, OPTIONS, KEYWORDS):
        texts.setdefault(text, set()).add(f"src/benchwell/{file}")
    for file, text in declared():
        texts.setdefault(text, set()).add(file)
    for text, files in sorted(texts.items(), key=lambda one: str(one[0]).lower()):
        found.add(text, locations=[(file, 0) for file in sorted(files)])
        found[text].flags -= {"python-format", "python-brace-format"}  # "95 %" is no place
    return found


def declared() -> Iterator[tuple[str, str]]:
    """File and text of what declarations say to people."""
    root = SOURCE / "declarations"
    for folder, shown in SHOWN.items():
        for path in sorted((root / folder).rglob("*.yaml")):
            for text in _shown(yaml.safe_load(path.read_text(encoding="utf-8")), shown):
                yield f"src/benchwell/{path.relative_to(SOURCE)}", text


def _shown(part: Any, shown: Sequence[str]) -> Iterator[str]:
    if isinstance(part, dict):
        for name, value in part.items():
            if name in shown and isinstance(value, str):
                yield value
            elif name == "safety_items" and isinstance(value, list):
                yield from (one["text"] for one in value)
            else:
                yield from _shown(value, shown)
    elif isinstance(part, list):
        for value in part:
            yield from _shown(value, shown)


def translated(language: str) -> Catalog:
    """A language's catalogue as it stands."""
    with (LOCALE / language / "messages.po").open("rb") as file:
        return read_po(file, locale=language)


def updated(language: str, template: Catalog) -> Catalog:
    """A language's catalogue with exactly the texts of the template; nothing is guessed for a new one."""
    made = translated(language)
    made.update(template, no_fuzzy_matching=True)
    made.obsolete.clear()
    return made


def missing(language: str, template: Catalog) -> list[str]:
    """Texts that a language lacks."""
    have = translated(language)
    lacking = []
    for message in template:
        if message.id:
            words = have.get(message.id)
            is_there = words is not None and words.string and all(_words(words.string)) and not words.fuzzy
            lacking += [] if is_there else [_words(message.id)[0]]
    return lacking


def _words(text: Any) -> tuple[str, ...]:
    return (text,) if isinstance(text, str) else tuple(text)


def write(catalog: Catalog, path: Path) -> None:
    """Write a catalogue without what changes from day to day."""
    with path.open("wb") as file:
        write_po(file, catalog, width=120, omit_header=False, sort_output=True, include_lineno=False)
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    dated = ('"POT-Creation-Date', '"PO-Revision-Date', '"Generated-By', '"Last-Translator', '"Report-Msgid')
    path.write_text("".join(line for line in lines if not line.startswith(dated)), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--missing", action="store_true", help="list what is missing only")
    only_list = parser.parse_args().missing
    template = catalogue()
    languages = sorted(path.parent.name for path in LOCALE.glob("*/messages.po"))
    if not only_list:
        write(template, LOCALE / "messages.pot")
        for language in languages:
            write(updated(language, template), LOCALE / language / "messages.po")
    lacking = {language: missing(language, template) for language in languages}
    for language, texts in lacking.items():
        print(f"{language}: {len(template) - len(texts)} of {len(template)} texts are there")
        for text in texts:
            print(f"  {text!r}")
    sys.exit(1 if only_list and any(lacking.values()) else 0)


if __name__ == "__main__":
    main()
