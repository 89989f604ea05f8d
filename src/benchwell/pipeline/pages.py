"""The pages that an edition carries: one method page per declaration it was made from."""

from __future__ import annotations

from collections.abc import Iterator

from benchwell.pipeline.computing import Sums
from benchwell.registry import Declaration
from benchwell.reports import method_html
from benchwell.reports.method import Link


def edition_pages(sums: Sums) -> dict[str, bytes]:
    """Method pages by path within the edition, rendered from the declarations it freezes, with links among them."""
    declared = dict(_declared(sums))

    def target(link: Link) -> str | None:
        path = f"{link.folder}/{link.id}"
        return f"../{path}.html" if path in declared else None

    return {
        f"methods/{path}.html": method_html(declaration, target=target).encode("utf-8")
        for path, declaration in declared.items()
    }


def _declared(sums: Sums) -> Iterator[tuple[str, Declaration]]:
    found = sums.declarations
    for folder, known in (
        ("instruments", sums.instruments),
        ("measures", found.measures),
        ("benchmarks", found.benchmarks),
        ("references", found.references),
        ("casemix", found.casemix),
        ("episode_rules", found.episode_rules),
        ("response_curves", found.response_curves),
    ):
        for name, declaration in known.items():
            yield f"{folder}/{name}", declaration
