"""Templates of the live service: everything escaped, an unknown name is an error, words by gettext."""

from __future__ import annotations

import datetime as dt
import re
from functools import lru_cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from benchwell import i18n
from benchwell.web.assets import asset
from benchwell.web.choices import back_to, look_of
from benchwell.web.navigation import edition_of, has_route, places_for

# Signs that turn the direction of what follows: in a name they would turn the words of the page around it.
_TURNING = re.compile("[\u202a-\u202e\u2066-\u2069]")


@lru_cache(maxsize=1)
def environment() -> Environment:
    """The template environment."""
    made = Environment(
        loader=PackageLoader("benchwell.web", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
        finalize=_straight,
    )
    # The old style: a text may hold "%" as it is, and is escaped like any other value.
    made.install_gettext_callables(i18n._, i18n.ngettext, newstyle=False)  # type: ignore[attr-defined]
    made.globals["asset"] = asset
    made.globals |= {"look_of": look_of, "back_to": back_to}
    made.globals |= {"places_for": places_for, "has_route": has_route, "edition_of": edition_of}
    made.globals["languages"] = i18n.LANGUAGES
    made.globals["language"] = i18n.current
    made.filters |= {"day": _day, "month": i18n.month, "percent": i18n.percent, "number": i18n.number}
    return made


def _straight(value: Any) -> Any:
    if not isinstance(value, str) or value.isascii() or not _TURNING.search(value):
        return value
    return type(value)(_TURNING.sub("", value))  # what is markup stays markup


def _day(value: dt.date | str) -> str:
    """A date in words; also one that an edition holds as a text."""
    return i18n.day(dt.date.fromisoformat(value) if isinstance(value, str) else value)


def render(template: str, **values: Any) -> str:
    """Render a template in the language being spoken (`i18n.using`)."""
    return environment().get_template(template).render(**values)
