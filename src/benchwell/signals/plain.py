"""What signals found as plain data, for `--json` and other programs: every field by its name, unknown as null."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any

from benchwell.registry.declaration import Declaration


def plain(value: Any) -> Any:
    """Dataclasses as dictionaries, declarations as their ids, codes as text, NaN as null.

    Args:
        value: A comparison, a view, or anything they are made of.

    >>> from benchwell.models.light import light
    >>> plain(light(0.6, 0.03, 0.47, 0.01, 0.03))["state"]
    'green'
    >>> plain((1.5, float("nan")))
    [1.5, None]
    """
    if isinstance(value, Declaration):
        return value.id
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if is_dataclass(value) and not isinstance(value, type):
        return {one.name: plain(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, Mapping):
        return {str(plain(name)): plain(one) for name, one in value.items()}
    if isinstance(value, tuple | list):
        return [plain(one) for one in value]
    return value
