"""Which language is being spoken, and its catalogue."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from importlib import resources
from io import BytesIO
from typing import Final

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations

LANGUAGES: Final = {"en": "English", "de": "Deutsch"}
_language: ContextVar[str] = ContextVar("language", default="en")


@lru_cache(maxsize=len(LANGUAGES))
def translations(language: str) -> NullTranslations:
    """The catalogue of a language; English is the text itself."""
    file = resources.files("benchwell.i18n") / "locale" / language / "messages.po"
    if language == "en" or not file.is_file():
        return NullTranslations()
    packed = BytesIO()
    with file.open("rb") as source:
        write_mo(packed, read_po(source, locale=language))
    packed.seek(0)
    return Translations(packed)


def current() -> str:
    """The language being spoken.

    >>> current()
    'en'
    """
    return _language.get()


@contextmanager
def using(language: str) -> Iterator[None]:
    """Speak a language; one that we do not have is English.

    >>> with using("de"):
    ...     current()
    'de'
    """
    token = _language.set(language if language in LANGUAGES else "en")
    try:
        yield
    finally:
        _language.reset(token)


def speak(language: str) -> None:
    """Speak a language from here on, in this request; one that we do not have is English."""
    _language.set(language if language in LANGUAGES else "en")


def _(text: str) -> str:
    """The text in the language being spoken."""
    found: str = translations(_language.get()).gettext(text)
    return found


def ngettext(one: str, many: str, n: int) -> str:
    """The text for a number of things.

    >>> ngettext("{n} person", "{n} people", 1).format(n=1)
    '1 person'
    """
    found: str = translations(_language.get()).ngettext(one, many, n)
    return found


def N_(text: str) -> str:  # noqa: N802  # the name that gettext tools know
    """Mark a text for translators where it is declared; it is translated where it is shown."""
    return text


def NN_(one: str, many: str) -> tuple[str, str]:  # noqa: N802  # the same for a text and its plural
    """Mark the two forms of a noun for translators where they are declared; `ngettext` chooses one."""
    return one, many
