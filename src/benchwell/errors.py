"""One tree of errors; each kind has its own exit code, documented in docs/exit-codes.md.

    BenchwellError                    10  anything of ours
    ├── UnknownDeclarationError       11  an instrument, measure, benchmark, reference or case-mix id is not known
    ├── SourceError                   12  a source file cannot be read as what it claims to be
    ├── MappingError                  13  a mapping file is wrong or does not fit the source
    ├── DeclarationError              14  a declaration does not validate
    ├── WorkspaceError                15  a workspace is missing, damaged or already there
    ├── EditionError                  16  an edition is missing or unreadable
    │   └── VerificationFailedError   17  an edition does not recompute to what it states
    ├── LakeError                     18  the lake refused a write or misses a version
    ├── EngineError                   19  an engine is not installed or refused
    ├── RejectedRowsError             20  some rows were rejected; the others are in
    │   └── NothingAcceptedError      21  every row was rejected
    ├── ScoringError                  22  answers cannot be scored as asked
    ├── ComparisonBlockedError        23  two figures may not be compared (denominator, kind, edition)
    ├── ModelError                    24  a model cannot be fitted, used or combined as asked
    │   └── DamagedFitError           25  a saved fit does not recompute to the check value it states
    ├── ValueSetError                 26  a value set of an official measure is missing, cut off or unreadable
    ├── BulkExportError               27  a FHIR server's bulk export cannot be asked for, awaited or fetched as a whole
    ├── RegisterError                 28  the live register cannot be opened, or refused a write
    ├── AccessError                   29  whoever asks may not see or do this
    └── ServiceError                  30  the live service cannot be started as asked

A message says what failed, which thing, where, and what to do next. It never holds a patient value or an
identifier of a person: it names the file, the row number and the column.
"""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches
from typing import Self


class BenchwellError(Exception):
    """Root of all errors that a user can act on."""

    exit_code = 10

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        self.message = message
        self.hint = hint
        super().__init__(message if hint is None else f"{message}\n\nHint: {hint}")


class UnknownDeclarationError(BenchwellError):
    """An id is not in the registry.

    >>> print(UnknownDeclarationError.from_id("instrument", "phq9", ["phq-9", "gad-7"]))
    No instrument 'phq9'.
    <BLANKLINE>
    Hint: did you mean 'phq-9'? Known: gad-7, phq-9
    """

    exit_code = 11

    @classmethod
    def from_id(cls, kind: str, wanted: str, known: Collection[str]) -> Self:
        """Build the error for one unknown id, with the closest known ones as the hint."""
        close = get_close_matches(wanted, known, n=1)
        guess = f"did you mean {close[0]!r}? " if close else ""
        return cls(f"No {kind} {wanted!r}.", hint=f"{guess}Known: {', '.join(sorted(known))}")


class SourceError(BenchwellError):
    """A source file cannot be read as what it claims to be."""

    exit_code = 12


class MappingError(BenchwellError):
    """A mapping is wrong, or does not fit the source it is used on."""

    exit_code = 13


class DeclarationError(BenchwellError):
    """A declaration does not validate."""

    exit_code = 14


class WorkspaceError(BenchwellError):
    """A workspace is missing, damaged, or already there."""

    exit_code = 15


class EditionError(BenchwellError):
    """An edition is missing or unreadable."""

    exit_code = 16


class VerificationFailedError(EditionError):
    """An edition does not recompute to what it states."""

    exit_code = 17


class LakeError(BenchwellError):
    """The lake refused a write, or misses a version that a snapshot names."""

    exit_code = 18


class EngineError(BenchwellError):
    """An engine is not installed, or refused."""

    exit_code = 19


class RejectedRowsError(BenchwellError):
    """Some rows were rejected; the good rows of the same source are in."""

    exit_code = 20


class NothingAcceptedError(RejectedRowsError):
    """Every row of a source was rejected."""

    exit_code = 21


class ScoringError(BenchwellError):
    """Answers cannot be scored as asked."""

    exit_code = 22


class ComparisonBlockedError(BenchwellError):
    """Two figures may not be compared, for instance because their denominators differ."""

    exit_code = 23


class ModelError(BenchwellError):
    """A model cannot be fitted, used or combined as asked."""

    exit_code = 24


class DamagedFitError(ModelError):
    """A saved fit does not recompute to the check value it states."""

    exit_code = 25


class ValueSetError(BenchwellError):
    """A value set that an official measure needs is missing, cut off or unreadable."""

    exit_code = 26


class BulkExportError(BenchwellError):
    """A bulk export of a FHIR server cannot be asked for, awaited or fetched as a whole."""

    exit_code = 27


class RegisterError(BenchwellError):
    """The live register cannot be opened, is of another version, or refused a write."""

    exit_code = 28


class AccessError(BenchwellError):
    """Whoever asks may not see or do this."""

    exit_code = 29


class ServiceError(BenchwellError):
    """The live service cannot be started as asked."""

    exit_code = 30
