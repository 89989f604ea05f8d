"""docs/methods/: one page per declaration, so that every definition can be reviewed without reading Python.

The pages themselves are rendered by the package, as those of an edition are; here they only get their place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from benchwell.registry import Declaration, Reference, Registry
from benchwell.reports.method import Link, method_markdown
from benchwell.reports.method.markdown import MARKS
from docgen.markdown import page, section, table

FOLDERS = {
    "instruments": "Instruments",
    "measures": "Measures",
    "quality": "Official quality measures",
    "casemix": "Case mixes: what is adjusted for, and what never",
    "episode_rules": "Episode rules: how contacts become courses of care",
    "response_curves": "Expected courses: off until a workspace asks for them",
    "benchmarks": "Benchmarks",
    "references": "References: figures that others published",
}


def method_pages(registry: Registry) -> Iterator[tuple[str, str]]:
    """(path below docs/methods, text) for the index and every declaration."""
    yield "index.md", _index(registry)
    for folder in FOLDERS:
        for one in _declared(registry, folder).values():
            origin = (
                f"Written from `src/benchwell/declarations/{folder}/{one.id}.yaml`; change that file, not this page."
            )
            yield f"{folder}/{one.id}.md", method_markdown(one, target=_target, origin=origin)


def _target(link: Link) -> str:
    return f"../{link.folder}/{link.id}.md"


def _declared(registry: Registry, folder: str) -> Mapping[str, Declaration]:
    found: Mapping[str, Declaration] = getattr(registry, folder)
    return found


def _index(registry: Registry) -> str:
    return page(
        "# Methods: everything that is declared",
        "Every definition behind a figure is a file that can be read, reviewed and cited. These pages are written from "
        "those files. *Checked* means that the constant was read in the source that is named beside it; **unchecked** "
        "constants are shown as such here and should be verified before they carry weight.",
        "No declaration has been accepted by independent reviewers yet: *draft* means just that.",
        *(section(title, _listing(folder, _declared(registry, folder))) for folder, title in FOLDERS.items()),
    )


def _listing(folder: str, known: Mapping[str, Declaration]) -> list[str]:
    rows = [
        (f"[`{one.id}`]({folder}/{one.id}.md)", one.title, one.revision, one.status, _doubtful(one))
        for one in sorted(known.values(), key=lambda one: one.id)
    ]
    return table(["id", "title", "revision", "review", "constants not fully checked"], rows)


def _doubtful(one: Declaration) -> str:
    if isinstance(one, Reference):
        return "" if one.checked == "checked" else MARKS[one.checked]
    facts = getattr(one, "facts", {})
    doubtful = sum(fact.status in {"unchecked", "partly_checked"} for fact in facts.values())
    return str(doubtful) if doubtful else ""
