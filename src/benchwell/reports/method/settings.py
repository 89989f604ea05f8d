"""The remaining settings of a part of a declaration, as a table: nothing that moves a number stays unsaid."""

from __future__ import annotations

from benchwell.registry.declaration import Model
from benchwell.reports.method.structure import Table, table


def settings_table(part: Model, *, skip: frozenset[str] = frozenset()) -> Table:
    """Name and value of each setting that is given.

    Args:
        part: A part of a declaration, or a whole one.
        skip: Settings that are shown elsewhere.
    """
    values = part.model_dump(mode="json", exclude_none=True)
    shown = {name: value for name, value in values.items() if name not in skip and value not in ([], {})}
    return table(["setting", "value"], [(name.replace("_", " "), value) for name, value in shown.items()])
