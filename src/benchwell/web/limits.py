"""How often one may ask: buckets that fill again, one for each address, login or program.

They are kept in this process: they slow down guessing and floods. The pauses that must hold for all workers stand in
the register (`register.lockout`).
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from ipaddress import ip_address
from typing import NamedTuple

from fastapi import Request

from benchwell.errors import AccessError
from benchwell.i18n import _
from benchwell.settings import ServiceSettings


class Rate(NamedTuple):
    """How much a bucket holds, and how fast it fills.

    Attributes:
        burst: So many at once.
        each_second: So many more every second.
    """

    burst: float
    each_second: float


# A whole clinic may sit behind one address; one person types a password a few times, not a few times a second.
SIGN_IN_ADDRESS = Rate(60, 1.0)
SIGN_IN_LOGIN = Rate(10, 0.2)
FORMS = Rate(120, 10.0)  # of one session, or of one address without a session
PROGRAM = Rate(6000, 3000.0)  # of one program with a key
WRONG_KEYS = Rate(30, 0.5)  # of one address
_REMEMBERED = 50_000  # buckets; the longest unused are forgotten, and they are full by then


class TooManyError(AccessError):
    """Somebody asks too often.

    Attributes:
        wait: Seconds until it is worth asking again.
    """

    def __init__(self, wait: float) -> None:
        self.wait = max(1, int(wait + 0.999))
        super().__init__(_("Too many tries."), hint=_("wait {n} seconds and try again").format(n=self.wait))


class Limits:
    """The buckets of one process.

    Args:
        clock: Seconds that only grow.

    >>> limits = Limits(clock=lambda: 0.0)
    >>> [limits.wait("door", "a", Rate(2, 0.5)) for _ in range(3)]
    [0.0, 0.0, 2.0]
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._left: OrderedDict[tuple[str, str], tuple[float, float]] = OrderedDict()

    def take(self, kind: str, who: str, rate: Rate) -> None:
        """Take one from a bucket.

        Raises:
            TooManyError: If it is empty.
        """
        if wait := self.wait(kind, who, rate):
            raise TooManyError(wait)

    def wait(self, kind: str, who: str, rate: Rate) -> float:
        """Take one from a bucket; or, if it is empty, the seconds until one is there."""
        now = self._clock()
        with self._lock:
            left, before = self._left.pop((kind, who), (rate.burst, now))
            left = min(rate.burst, left + (now - before) * rate.each_second)
            missing = max(0.0, 1.0 - left)
            self._left[kind, who] = (left - (0.0 if missing else 1.0), now)
            if len(self._left) > _REMEMBERED:
                self._left.popitem(last=False)
        return missing / rate.each_second


def limits_of(request: Request) -> Limits:
    """The buckets of the running application."""
    found: Limits = request.app.state.limits
    return found


def address_of(request: Request, settings: ServiceSettings) -> str:
    """Who asks, as an address: the other end of the line or, behind proxies that are trusted, whom these name.

    Of the addresses in X-Forwarded-For, the last that is not one of the trusted proxies counts: whatever stands before
    it was written by whoever asked.
    """
    nearest = request.client.host if request.client else ""
    named = ",".join(request.headers.getlist("x-forwarded-for")).split(",")
    chain = [*(part.strip() for part in named if part.strip()), nearest]
    while len(chain) > 1 and _is_trusted(chain[-1], settings):
        chain.pop()
    return chain[-1][:64]


def _is_trusted(address: str, settings: ServiceSettings) -> bool:
    try:
        return any(ip_address(address) in network for network in settings.trusted_proxy)
    except ValueError:
        return False
