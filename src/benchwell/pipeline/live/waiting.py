"""How long somebody in front of a page waits for the register, and what is true when it has not answered by then."""

from __future__ import annotations

from concurrent.futures import Future
from typing import Final, TypeVar

from benchwell.i18n import _
from benchwell.register.refusals import BusyRegisterError

T = TypeVar("T")
PATIENCE: Final = 30.0  # seconds; a register that takes longer is not answering


def in_time(write: Future[T], patience: float = PATIENCE) -> T:
    """The outcome of a write.

    Args:
        write: What is on its way into the register.
        patience: Seconds to wait.

    Raises:
        BusyRegisterError: If it is still on its way: whether it will be kept is not known then. Sent again, the same
            form is the same record.

    >>> done = Future()
    >>> done.set_result("kept")
    >>> in_time(done)
    'kept'
    """
    try:
        return write.result(timeout=patience)
    except TimeoutError:
        if write.done():  # in this very moment, or the work itself ran out of some time of its own
            return write.result()
        raise BusyRegisterError(
            _("The register has not answered for {n} seconds, so it is not known yet whether this was kept.").format(
                n=round(patience)
            ),
            hint=_("your answers are still on this page: send them again; the same form is kept only once"),
        ) from None
