"""Dicts that cannot be changed: a fit states what was found, and its check value stands for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Generic, NoReturn, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class FrozenDict(dict[K, V], Generic[K, V]):
    """A dict to read from. `dict(fit.coefficients)` gives a copy that can be changed.

    >>> FrozenDict({"x": 1.0})
    {'x': 1.0}
    >>> FrozenDict({"x": 1.0})["x"] = 2.0
    Traceback (most recent call last):
    TypeError: what a fit has found cannot be changed; dict(...) makes a copy
    """

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise TypeError("what a fit has found cannot be changed; dict(...) makes a copy")

    __setitem__ = __delitem__ = __ior__ = clear = pop = popitem = setdefault = update = _refuse

    def __reduce__(self) -> tuple[type[FrozenDict[K, V]], tuple[dict[K, V]]]:
        """Pickle and copy as a whole: item by item would be a change."""
        return type(self), (dict(self),)


def frozen(values: Mapping[K, V]) -> FrozenDict[K, V]:
    """A frozen copy.

    >>> frozen({"x": 1.0}) == {"x": 1.0}
    True
    """
    return FrozenDict(values)
