"""Six digits from a phone (RFC 6238): each code opens once."""

from __future__ import annotations

import hmac

import pyotp
from sqlalchemy import Connection, or_, update

from benchwell.register.schema import users

STEP = 30  # seconds that a code is shown
_AROUND = (0, -1, 1)  # steps: clocks differ, and people type slowly


def new_secret() -> str:
    """A secret to share with a phone: 160 bits in base 32.

    >>> len(new_secret())
    32
    """
    return pyotp.random_base32()


def address_of(secret: str, login: str) -> str:
    """What the picture for the phone says.

    >>> address_of("JBSWY3DPEHPK3PXPJBSWY3DP", "kim")
    'otpauth://totp/Benchwell:kim?secret=JBSWY3DPEHPK3PXPJBSWY3DP&issuer=Benchwell'
    """
    return pyotp.TOTP(secret).provisioning_uri(name=login, issuer_name="Benchwell")


def step_of(secret: str, code: str, now: float) -> int | None:
    """The time step that a code belongs to; null if it is none of now, just before or just after."""
    digits = "".join(code.split())
    try:
        totp = pyotp.TOTP(secret)
        steps = [int(now // STEP) + around for around in _AROUND]
        return next((step for step in steps if _same(totp.generate_otp(step), digits)), None)
    except ValueError:  # a secret that is not base 32, from a form that was tampered with
        return None


def use_code(connection: Connection, user_id: str, secret: str, code: str, now: float) -> bool:
    """Whether a code opens; it, and every code before it, never does so again."""
    step = step_of(secret, code, now)
    if step is None:
        return False
    fresh = or_(users.c.totp_last.is_(None), users.c.totp_last < step)
    used = connection.execute(update(users).where(users.c.id == user_id, fresh).values(totp_last=step))
    return used.rowcount == 1


def _same(wanted: str, given: str) -> bool:
    return hmac.compare_digest(wanted.encode(), given.encode())
