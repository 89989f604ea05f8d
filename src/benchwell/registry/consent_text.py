"""The text that a person decides on, for one purpose: declared, numbered, and named by its content.

A decision is a decision on a text. So each text has a version that holds a part of its own hash, decisions keep that
version, and a text that was changed is another text: the earlier decision is not taken for one on the new text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Literal, Self

import yaml
from pydantic import Field, ValidationError

from benchwell.errors import DeclarationError
from benchwell.registry.declaration import Change, Model, hash_canonical
from benchwell.terms import Purpose

FOLDER = "consent_texts"


class Words(Model):
    """The text in one language."""

    title: str = Field(min_length=1)
    question: str = Field(min_length=1)  # what is decided, as a question that yes and no answer
    text: str = Field(min_length=1)  # what happens with a yes
    refusal: str = Field(min_length=1)  # what happens with a no, or after taking a yes back


class ConsentText(Model):
    """One numbered text for one purpose.

    >>> ConsentTexts.load().in_force(Purpose.LEARNING).version.startswith("learning-1:")
    True
    """

    purpose: Purpose
    number: int = Field(ge=1, le=999)
    author: str
    status: Literal["draft", "accepted", "retired"] = "draft"
    words: dict[str, Words]
    changes: tuple[Change, ...] = ()

    @property
    def version(self) -> str:
        """Purpose, number and the beginning of the hash of the words: at most 32 letters."""
        words = {language: one.model_dump() for language, one in self.words.items()}
        return f"{self.purpose.value}-{self.number}:{hash_canonical(words)[:12]}"

    def said(self, language: str) -> Words:
        """The words in a language; English where there is no translation."""
        return self.words.get(language, self.words["en"])


class ConsentTexts:
    """All texts, earlier ones too: whoever asks what was agreed to gets the words of that day."""

    def __init__(self, texts: Iterable[ConsentText]) -> None:
        self._by_place = {(one.purpose, one.number): one for one in texts}
        self._by_version = {one.version: one for one in self._by_place.values()}

    @classmethod
    def load(cls, *folders: Path) -> Self:
        """The package's texts, then those of each folder of declarations (later ones override by purpose and number).

        Raises:
            DeclarationError: If a file does not validate, or is not named after its purpose and number.
        """
        found = list(_bundled())
        for folder in folders:
            found.extend(_read(folder / FOLDER))
        return cls(found)

    def in_force(self, purpose: Purpose) -> ConsentText:
        """The text that is asked about now: the highest number that is not retired."""
        known = [one for one in self._by_place.values() if one.purpose is purpose and one.status != "retired"]
        if not known:
            raise DeclarationError(
                f"No consent text for {purpose.value} is in force.", hint=f"declare one in {FOLDER}/"
            )
        return max(known, key=lambda one: one.number)

    def of_version(self, version: str) -> ConsentText | None:
        """The text of a version; null for one that this workspace does not hold, such as from paper."""
        return self._by_version.get(version)

    @property
    def texts(self) -> Mapping[str, ConsentText]:
        """Every text by its version."""
        return self._by_version


@lru_cache(maxsize=1)
def _bundled() -> tuple[ConsentText, ...]:
    return tuple(_read(Path(str(resources.files("benchwell") / "declarations" / FOLDER))))


def _read(folder: Path) -> Iterable[ConsentText]:
    for path in sorted(folder.glob("*.yaml")):
        named = f"{FOLDER}/{path.name}"
        try:
            text = ConsentText.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
        except (OSError, UnicodeDecodeError, yaml.YAMLError):
            raise DeclarationError(f"{named} cannot be read as YAML.") from None
        except ValidationError as problem:
            places = sorted({".".join(map(str, one["loc"])) for one in problem.errors(include_input=False)})
            raise DeclarationError(f"{named} does not validate: {', '.join(places)}.") from None
        if path.stem != f"{text.purpose.value}-{text.number}":
            raise DeclarationError(f"{named} declares {text.purpose.value}-{text.number}; the two must be the same.")
        if "en" not in text.words:
            raise DeclarationError(f"{named} has no English text.", hint="`words.en` is what others fall back on")
        yield text
