"""Who may enter the demonstration without a password: whoever sits at the machine that shows it.

Only where the service was started as a demonstration, on the demonstration's own workspace, and only for a browser of
the same machine that asked for the machine itself: not through a proxy, nor by a name that leads here.
"""

from __future__ import annotations

from ipaddress import ip_address

from benchwell.pipeline.live.demo_roles import MARK
from benchwell.web.visit import Visit

_THIS_MACHINE = ("localhost", "127.0.0.1", "::1", "[::1]")
_PASSED_ON = {"forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip"}


def is_at_the_demo(visit: Visit) -> bool:
    """Whether whoever asks sits at the machine that shows the demonstration."""
    if not visit.service.is_demo or visit.service.workspace.settings.id != MARK:
        return False
    is_direct = _PASSED_ON.isdisjoint(visit.request.headers.keys())
    return is_direct and visit.request.url.hostname in _THIS_MACHINE and _is_loopback(visit.address)


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False
