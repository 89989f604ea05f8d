"""What every declaration has: identity, reasons, review state, and two hashes.

A declaration is data that a clinician can review without reading Python. `numbers_hash` covers what can move
a published figure; `text_hash` covers the rest, so a better wording never looks like a new definition.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from benchwell.terms import FactStatus


class Model(BaseModel):
    """Base of all declaration parts: immutable, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Fact(Model):
    """A constant with the source it was read in, and whether it really was."""

    value: Any = None
    status: FactStatus
    source: tuple[str, ...] = ()
    note: str | None = None


class Change(Model):
    """One line of a declaration's history."""

    revision: int
    date: str
    text: str


class Declaration(Model):
    """The head that instruments, measures, benchmarks and references share."""

    TEXT_FIELDS: ClassVar[frozenset[str]] = frozenset(
        {"title", "why", "author", "reviewers", "status", "sources", "changes", "examples", "notes", "kind"}
    )

    id: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")
    revision: int = Field(ge=1)
    title: str
    why: str  # plain language: what question this answers
    author: str
    reviewers: tuple[str, ...] = ()
    status: Literal["draft", "accepted", "retired"] = "draft"
    sources: dict[str, str] = {}
    changes: tuple[Change, ...] = ()
    notes: str | None = None

    def canonical(self) -> dict[str, Any]:
        """The declaration as plain data, as it is stored in an edition."""
        return self.model_dump(mode="json", exclude_none=True)

    @property
    def numbers_hash(self) -> str:
        """SHA-256 over everything that can move a number (METHODS M13.1)."""
        return hash_canonical({k: v for k, v in self.canonical().items() if k not in self.TEXT_FIELDS})

    @property
    def text_hash(self) -> str:
        """SHA-256 over titles, reasons, sources, reviews and examples."""
        return hash_canonical({k: v for k, v in self.canonical().items() if k in self.TEXT_FIELDS})


def canonical_json(value: Any) -> str:
    """Canonical JSON: sorted keys, no spaces, UTF-8 kept.

    Source:
        METHODS M13.1; worked example E13.1.

    >>> canonical_json({"version": "1.0.0", "id": "phq9-remission"})
    '{"id":"phq9-remission","version":"1.0.0"}'
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def hash_canonical(value: Any) -> str:
    """SHA-256 (hex) of the canonical JSON of a value.

    >>> hash_canonical({"id": "phq9-remission", "version": "1.0.0"})[:12]
    '1be8805d49c8'
    """
    return hashlib.sha256(canonical_json(value).encode("utf-8")).hexdigest()
