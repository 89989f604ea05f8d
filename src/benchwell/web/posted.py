"""Fields of a sent form, for forms whose fields are not known before: one per question of an instrument."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Annotated

from fastapi import Depends, Request
from starlette.datastructures import FormData

from benchwell.errors import RegisterError
from benchwell.i18n import _


class Posted(Mapping[str, str]):
    """The text fields of a form; files are left out, and of a repeated field the last one counts.

    Args:
        form: What was sent.
    """

    def __init__(self, form: FormData) -> None:
        self._fields = [(name, value.strip()) for name, value in form.multi_items() if isinstance(value, str)]
        self._last = dict(self._fields)

    def __getitem__(self, name: str) -> str:
        return self._last[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._last)

    def __len__(self) -> int:
        return len(self._last)

    def all_of(self, name: str) -> tuple[str, ...]:
        """Every value of a repeated field, such as boxes that were ticked."""
        return tuple(value for field, value in self._fields if field == name)

    def day(self, name: str, what: str, *, default: dt.date | None = None) -> dt.date:
        """A day, as a date field sends it.

        Raises:
            RegisterError: If it is none; `what` says which, the value is not repeated.
        """
        text = self.get(name, "")
        if not text and default is not None:
            return default
        try:
            return dt.date.fromisoformat(text)
        except ValueError:
            raise RegisterError(
                _("{what} is not a day.").format(what=what), hint=_("write it as year-month-day, such as 2026-11-23")
            ) from None

    def one_of(self, name: str, known: Mapping[str, str], what: str) -> str:
        """A code of a list.

        Raises:
            RegisterError: If it is none of the list.
        """
        value = self.get(name, "")
        if value not in known:
            raise RegisterError(
                _("{what} is not one of the list.").format(what=what), hint=_("choose one of the listed ones")
            )
        return value


async def _posted(request: Request) -> Posted:
    return Posted(await request.form())


Sent = Annotated[Posted, Depends(_posted)]
