"""Who was erased, without saying who: a keyed hash of the id stays, so that no later source brings the person back."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable

from sqlalchemy import Connection, insert, select

from benchwell.register.schema import facts, people
from benchwell.register.tokens import new_token

_KEY = "tombstone_key"


def tombstone_of(connection: Connection, person_id: str) -> str:
    """The id of the tombstone of a person; makes the key if there is none, so it needs a transaction to write in."""
    key = _key(connection)
    if key is None:
        key = new_token()
        connection.execute(insert(facts).values(name=_KEY, value=key))
    return _hash(key, person_id)


def erased_among(connection: Connection, person_ids: Iterable[str]) -> set[str]:
    """Those of some people who were erased here, or are just being erased."""
    known = set(connection.execute(select(people.c.id).where(people.c.erased_at.is_not(None))).scalars())
    if not known:
        return set()
    key = _key(connection)
    return {one for one in person_ids if one in known or (key is not None and _hash(key, one) in known)}


def _key(connection: Connection) -> str | None:
    return connection.execute(select(facts.c.value).where(facts.c.name == _KEY)).scalar_one_or_none()


def _hash(key: str, person_id: str) -> str:
    return f"erased-{hmac.new(key.encode(), person_id.encode(), hashlib.sha256).hexdigest()}"
