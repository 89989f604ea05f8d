"""Files that pages load: their address holds a hash of their content, so that they may be kept for ever."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

STATIC = Path(__file__).parent / "static"


@lru_cache
def asset(name: str) -> str:
    """The address of a file under `static/`.

    >>> asset("benchwell.css").startswith("/static/benchwell.css?v=")
    True
    """
    digest = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]
    return f"/static/{name}?v={digest}"
