"""Secrets that open something: long, random, and stored as hashes only."""

from __future__ import annotations

import hashlib
import secrets
import uuid


def new_token() -> str:
    """256 random bits for a link, a session or a program's key.

    >>> len(new_token())
    43
    """
    return secrets.token_urlsafe(32)


def hash_of(token: str) -> str:
    """What is stored of a token: SHA-256 in hex. It has 256 bits of its own, so a slow hash would add nothing.

    >>> hash_of("a")[:8]
    'ca978112'
    """
    return hashlib.sha256(token.encode()).hexdigest()


def new_id() -> str:
    """An id for a row made here.

    >>> len(new_id())
    32
    """
    return uuid.uuid4().hex
