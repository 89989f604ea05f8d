"""Documents to print: a few are made at a time, so that a flood of them leaves threads for everybody else's pages."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from fastapi.responses import Response

from benchwell.errors import ServiceError
from benchwell.i18n import _
from benchwell.publish.document import Document, pdf_of

AT_ONCE: Final = 2  # documents; each keeps a core busy
IN_LINE: Final = 6  # more that may wait: a pool of 40 threads serves all pages


class BusyPrinterError(ServiceError):
    """Too many documents are asked for at this moment."""


class Printer:
    """Lets a few make documents, lets a few wait, and sends away the rest.

    Args:
        at_once: Documents that are made at the same time.
        in_line: More that may wait for their turn.
    """

    def __init__(self, at_once: int = AT_ONCE, in_line: int = IN_LINE) -> None:
        self._here = threading.BoundedSemaphore(at_once + in_line)
        self._working = threading.BoundedSemaphore(at_once)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """One's turn.

        Raises:
            BusyPrinterError: If the line is full.
        """
        if not self._here.acquire(blocking=False):
            raise BusyPrinterError(_("Many documents are asked for at this moment."), hint=_("Try again in a moment."))
        try:
            with self._working:
                yield
        finally:
            self._here.release()


PRINTER: Final = Printer()


def pdf_answer(make: Callable[[], Document], name: str) -> Response:
    """A document as a file to keep.

    Args:
        make: Makes the document, when it is its turn.
        name: Of the file, without its ending.

    Raises:
        BusyPrinterError: If too many are asked for at once.
    """
    with PRINTER.turn():
        content = pdf_of(make())
    headers = {"content-disposition": f'attachment; filename="{name}.pdf"'}
    return Response(content, media_type="application/pdf", headers=headers)
