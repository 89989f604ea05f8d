"""A declaration that differs from another in a few places says only those: `extends: cms159`.

What is loaded, hashed, shown and frozen is always the whole.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchwell.errors import DeclarationError

_OWN = frozenset({"id", "revision", "title", "why", "changes", "sources", "facts", "notes", "status", "reviewers"})
_RULES = frozenset({"rule", "initial", "denominator", "numerator", "assessed"})  # where a rule stands


def extended(data: Any, read: Callable[[str], dict[str, Any]], where: str, *, seen: tuple[str, ...] = ()) -> Any:
    """The declaration with what it takes over from the one that it extends.

    Mappings are merged; anything else is replaced; null takes a part out. Identity, sources and facts are never taken
    over: they are said of one declaration.

    Args:
        data: As it stands in the file.
        read: Gives another declaration of the same kind as it stands in its file.
        where: The file, for messages.
        seen: Ids on the way here.

    Raises:
        DeclarationError: If declarations extend each other in a circle.

    >>> files = {"a": {"id": "a", "x": {"p": 1, "r": 3}}}
    >>> extended({"id": "b", "extends": "a", "x": {"q": 2, "r": None}}, files.__getitem__, "b.yaml")
    {'x': {'p': 1, 'q': 2}, 'id': 'b'}
    """
    if not isinstance(data, dict) or "extends" not in data:
        return data
    base_id = str(data["extends"])
    if base_id in seen:
        raise DeclarationError(f"{where} extends itself through {base_id!r}.")
    base = extended(read(base_id), read, where, seen=(*seen, base_id))
    kept = {name: value for name, value in base.items() if name not in _OWN}
    return _merged(kept, {name: value for name, value in data.items() if name != "extends"})


def _merged(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    found = dict(base)
    for name, value in over.items():
        if value is None:
            found.pop(name, None)
        elif isinstance(value, dict) and isinstance(found.get(name), dict) and not _is_whole(name, value):
            found[name] = _merged(found[name], value)
        else:
            found[name] = value
    return found


def _is_whole(name: str, value: dict[str, Any]) -> bool:
    """A rule or an edge is one thing: it is replaced, not mixed with what stood there."""
    return name in _RULES or isinstance(value.get("of"), str)
