"""Passwords: long ones, stored as argon2id, and the same work whether or not there is anything to compare with."""

from __future__ import annotations

import threading
from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from benchwell.errors import AccessError
from benchwell.i18n import _

SHORTEST, LONGEST = 12, 256  # characters; the upper limit only keeps a request small
HASHER = PasswordHasher(time_cost=3, memory_cost=64 * 1024, parallelism=2)  # RFC 9106, second recommended option
# Each hash takes 64 MiB and a core: people who sign in at once wait in line rather than fill the memory.
_AT_ONCE = threading.BoundedSemaphore(2)


def hash_password(password: str, *, login: str | None = None) -> str:
    """What is stored of a password.

    Raises:
        AccessError: If it is too short, too long, or the login itself.
    """
    check_rules(password, login=login)
    with _AT_ONCE:
        return HASHER.hash(password)


def check_rules(password: str, *, login: str | None = None) -> None:
    """Refuse a password that is too short, too long, or the login itself; nothing is asked of its characters.

    >>> check_rules("correct horse battery")
    """
    if not SHORTEST <= len(password) <= LONGEST:
        raise AccessError(
            _("A password has between {shortest} and {longest} characters.").format(shortest=SHORTEST, longest=LONGEST),
            hint=_("three or four words that do not belong together are easy to remember"),
        )
    if login and password.strip().casefold() == login.casefold():
        raise AccessError(_("A password cannot be the sign-in name."))


def is_right(stored: str | None, password: str) -> bool:
    """Whether a password is the stored one. With nothing stored the same work is done, and the answer is no."""
    with _AT_ONCE:
        try:
            HASHER.verify(stored or _nobodys(), password[: LONGEST + 1])
        except (VerificationError, InvalidHashError):
            return False
    return stored is not None


def is_dated(stored: str) -> bool:
    """Whether a stored hash was made with other parameters than today's."""
    return HASHER.check_needs_rehash(stored)


@lru_cache(maxsize=1)
def _nobodys() -> str:
    return HASHER.hash("nobody has this password")
