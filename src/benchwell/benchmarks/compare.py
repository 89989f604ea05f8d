"""Compare a stated table with a recomputed one, column by column, and name every cell that differs."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from benchwell.tables import DERIVED

RELATIVE_TOLERANCE = 1e-8
_SHOWN = 5
_ABSENT = "absent"

# name, passed, stated, found, detail: the fields of `verify.Check`
Comparison = tuple[str, bool, str, str, str]


def compare_tables(name: str, stated: pa.Table, found: pa.Table) -> Iterator[Comparison]:
    """One comparison for the rows and one per column: text and counts exactly, figures to 1e-8 relative.

    >>> row = {"measure": "m", "step": 1, "reason": "r", "count": 5, "remaining": 9}
    >>> stated, found = (pa.Table.from_pylist([row | {"count": n}]) for n in (5, 6))
    >>> [one for one in compare_tables("exclusions", stated, found) if not one[1]]
    [('exclusions.count', False, '5', '6', 'row m, 1, r: 5 stated, 6 recomputed')]
    """
    key = DERIVED[name].key
    left, right = _by_key(stated, key), _by_key(found, key)
    for row in sorted(left.keys() ^ right.keys(), key=str)[:_SHOWN]:
        where = ", ".join(str(part) for part in row)
        side = ("stated", "not recomputed") if row in left else ("absent", "recomputed")
        yield f"{name} row", False, side[0], side[1], f"row {where}"
    both = [row for row in left if row in right]
    yield from _repeated(name, stated, key)
    yield f"{name} rows", left.keys() == right.keys(), str(stated.num_rows), str(found.num_rows), ""
    for column in stated.column_names:
        if column not in DERIVED[name].columns:
            yield f"{name}.{column}", False, "present", "not part of the table", "somebody added this column"
    for column in DERIVED[name].columns:
        if column in key:
            continue
        if column not in stated.column_names:
            yield f"{name}.{column}", False, "absent", "recomputed", "the column is missing"
            continue
        differing = [row for row in both if not _same(left[row].get(column), right[row].get(column))]
        yield from (_difference(name, column, row, left[row][column], right[row][column]) for row in differing[:_SHOWN])
        if not differing:
            yield f"{name}.{column}", True, f"{len(both)} values", f"{len(both)} agree", ""
        elif len(differing) > _SHOWN:
            more = len(differing) - _SHOWN
            yield (
                f"{name}.{column}",
                False,
                f"{len(both)} values",
                f"{len(both) - len(differing)} agree",
                f"{more} more differ",
            )


def _repeated(name: str, stated: pa.Table, key: tuple[str, ...]) -> Iterator[Comparison]:
    """Every row that stands twice: of two rows with one key, a reader could take either."""
    seen = Counter(zip(*(stated[part].to_pylist() for part in key), strict=True))
    for row in [row for row, times in seen.items() if times > 1][:_SHOWN]:
        where = ", ".join(str(part) for part in row)
        yield f"{name} row", False, f"stated {seen[row]} times", "once", f"row {where}"


def compare_values(name: str, stated: Any, found: Any) -> Iterator[Comparison]:
    """Compare nested plain data, and name every leaf that differs.

    >>> [one[0] for one in compare_values("gates", {"a": {"n": 10, "p": 0.5}}, {"a": {"n": 5, "p": 0.5}})]
    ['gates.a.n']
    """
    if isinstance(stated, dict) and isinstance(found, dict):
        for part in sorted(stated.keys() | found.keys()):
            yield from compare_values(f"{name}.{part}", stated.get(part, _ABSENT), found.get(part, _ABSENT))
    elif isinstance(stated, list) and isinstance(found, list) and len(stated) == len(found):
        for place, (left, right) in enumerate(zip(stated, found, strict=True)):
            yield from compare_values(f"{name}.{place}", left, right)
    elif not _same(stated, found):
        yield name, False, str(stated), str(found), f"{stated} stated, {found} recomputed"


def _by_key(table: pa.Table, key: tuple[str, ...]) -> dict[tuple[Any, ...], dict[str, Any]]:
    return {tuple(row.get(part) for part in key): row for row in table.to_pylist()}


def _difference(name: str, column: str, row: tuple[Any, ...], stated: Any, found: Any) -> Comparison:
    where = ", ".join(str(part) for part in row)
    return f"{name}.{column}", False, str(stated), str(found), f"row {where}: {stated} stated, {found} recomputed"


def _same(stated: Any, found: Any) -> bool:
    if isinstance(stated, float) and isinstance(found, float):
        return math.isclose(stated, found, rel_tol=RELATIVE_TOLERANCE, abs_tol=1e-12)
    return bool(stated == found)
