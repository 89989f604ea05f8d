"""An episode rule: how contacts become courses of care where the source names none (METHODS M1.1).

Where one course ends and the next begins decides which score is a baseline and which a follow-up, so it is declared
like a measure, before data are seen. Courses that a source names are never touched.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from benchwell.registry.declaration import Declaration, Fact, Model

By = Literal["organization", "practitioner"]


class Diagnosis(Model):
    """Which diagnosis lets a contact open a course.

    `codes` are `system|code` with the short names of `clinical.systems`. An ICD code stands for every code that begins
    with it (`icd-10-cm|F32` for `F32.9` too); any other code stands for itself.
    """

    codes: tuple[str, ...] = Field(min_length=1)
    required: bool = True
    active_within_days: int = Field(default=0, ge=0)  # a diagnosis first noted up to so many days after counts too
    label: str | None = None  # what `episodes.condition` says of such a course

    @property
    def prefixes(self) -> tuple[str, ...]:
        """Codes that stand for every code that begins with them."""
        return tuple(code for code in self.codes if code.startswith("icd-"))

    @property
    def exact(self) -> tuple[str, ...]:
        """Codes that stand for themselves."""
        return tuple(code for code in self.codes if not code.startswith("icd-"))

    @model_validator(mode="after")
    def _complete(self) -> Self:
        for code in self.codes:
            system, _, value = code.rpartition("|")
            if not system or not value.strip():
                raise ValueError(f"code {code!r} is not `system|code`, such as icd-10-cm|F32")
        if not self.required and self.label is None:
            raise ValueError("a diagnosis that is not required only labels a course: give it a `label`")
        return self


class Opens(Model):
    """Which contacts count. A contact that does not count neither opens a course nor keeps one open.

    `kinds` and `modes`: null is any, an unknown one too; a list admits only contacts that are known to be of it.
    """

    attended: Literal[True] = True
    kinds: tuple[str, ...] | None = None
    not_kinds: tuple[str, ...] = ()
    modes: tuple[str, ...] | None = None
    diagnosis: Diagnosis | None = None

    @model_validator(mode="after")
    def _one_voice(self) -> Self:
        if self.kinds is not None and self.not_kinds:
            raise ValueError("give `kinds` or `not_kinds`, not both")
        return self


class EpisodeRule(Declaration):
    """How contacts without a course are divided into courses of care."""

    TEXT_FIELDS: ClassVar[frozenset[str]] = Declaration.TEXT_FIELDS | {"facts"}

    opens: Opens = Opens()
    # A counting contact more than `gap_days` after the one before it, and at least `clean_days` after the first day
    # of the course, opens a new course.
    gap_days: int = Field(ge=0)
    clean_days: int = Field(default=0, ge=0)
    by: tuple[By, ...] = ()  # contacts that differ in one of these never share a course
    first_score_opens: bool = False  # scores stand for contacts where a person has no contact at all
    ends: Literal["last_contact", "gap"] = "last_contact"
    facts: dict[str, Fact] = Field(default_factory=dict)
    examples: tuple[dict[str, Any], ...] = ()

    @model_validator(mode="after")
    def _once(self) -> Self:
        if len(set(self.by)) < len(self.by):
            raise ValueError("`by` names each of organization and practitioner once")
        return self
