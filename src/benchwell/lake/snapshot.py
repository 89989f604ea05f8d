"""A snapshot: the versions of all tables that belong together, frozen by name and by content."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from benchwell.errors import LakeError
from benchwell.lake.store import DataFile


@dataclass(frozen=True)
class TableState:
    """One table at one version."""

    version: int
    rows: int
    digest: str
    """Keyed hash of the names of its files, which are themselves hashes of their bytes."""


@dataclass(frozen=True)
class Snapshot:
    """What the lake held after one intake.

    `id` depends on content only: the same records brought in the same order give the same id, whatever happened in
    between. It is keyed with the lake's own key (METHODS M13.1), so that a published id cannot be used to test guesses
    about the people in it.
    """

    id: str
    taken_at: dt.datetime
    tables: Mapping[str, TableState]

    @classmethod
    def of(cls, key: bytes, taken_at: dt.datetime, tables: Mapping[str, TableState]) -> Self:
        """Freeze table states under one id."""
        return cls(keyed_digest(key, {name: state.digest for name, state in tables.items()}), taken_at, dict(tables))

    @property
    def versions(self) -> dict[str, int]:
        """Delta version of each table."""
        return {name: state.version for name, state in self.tables.items()}

    @property
    def rows(self) -> dict[str, int]:
        """Row count of each table."""
        return {name: state.rows for name, state in self.tables.items()}

    def to_dict(self) -> dict[str, Any]:
        """Plain data, for an edition's manifest."""
        return {"id": self.id, "taken_at": self.taken_at.isoformat(), "tables": states_to_dict(self.tables)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read back what `to_dict` wrote.

        Raises:
            LakeError: If it is not a snapshot.
        """
        try:
            taken_at = dt.datetime.fromisoformat(data["taken_at"])
            return cls(str(data["id"]), taken_at, states_from_dict(data["tables"]))
        except (KeyError, TypeError, ValueError, AttributeError):
            raise LakeError("This is not a snapshot record.", hint="it needs id, taken_at and tables") from None


def states_to_dict(states: Mapping[str, TableState]) -> dict[str, dict[str, Any]]:
    """Table states as plain data."""
    return {name: {"version": s.version, "rows": s.rows, "digest": s.digest} for name, s in sorted(states.items())}


def states_from_dict(data: Mapping[str, Mapping[str, Any]]) -> dict[str, TableState]:
    """Table states from plain data."""
    return {name: TableState(int(s["version"]), int(s["rows"]), str(s["digest"])) for name, s in sorted(data.items())}


def state_of(key: bytes, version: int, files: Sequence[DataFile]) -> TableState:
    """The state of a table from its active files."""
    return TableState(version, sum(f.rows for f in files), keyed_digest(key, sorted(f.name for f in files)))


def keyed_digest(key: bytes, data: Any) -> str:
    """HMAC-SHA256 of canonical JSON (sorted keys, no spaces, UTF-8).

    >>> keyed_digest(b"key", {"b": 1, "a": 2}) == keyed_digest(b"key", {"a": 2, "b": 1})
    True
    """
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
