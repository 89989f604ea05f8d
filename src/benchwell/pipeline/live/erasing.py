"""A person asks to be deleted, and the clinic carries it out: register, lake and private rows of editions.

The figures of published editions stand, since nobody can be found in them (METHODS M8.7). The clinic's own record of
the treatment is elsewhere and follows its own law.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchwell.errors import RegisterError
from benchwell.i18n import _
from benchwell.pipeline.live.service import LiveService
from benchwell.pipeline.live.telling import write_and_tell
from benchwell.register.erasing import DeletionRequest, begin_erasure, erase_person, find_request
from benchwell.register.erasing import list_requests as _list_requests
from benchwell.register.my_data import ask_deletion

if TYPE_CHECKING:
    from benchwell.register.records import RegisterConnection as Connection


@dataclass(frozen=True)
class ErasureReceipt:
    """What was done.

    Attributes:
        number: Of the request, and of the receipt.
        asked_at: Seconds since 1970-01-01 UTC.
        carried_out_at: When.
        carried_out_by: By which account.
        lake_files: Data files of the lake that held rows of the person and are gone; null if it was done before.
        editions_without_rows: Editions whose private rows were removed for it; their figures stand.
    """

    number: str
    asked_at: float
    carried_out_at: float
    carried_out_by: str
    lake_files: int | None = None
    editions_without_rows: int = 0


def ask_for_deletion(service: LiveService, person_id: str, now: float) -> str:
    """Keep a request to delete; returns the number of its receipt. Asking twice is asking once."""
    return service.register.write(lambda connection: ask_deletion(connection, now, person_id)).id


def list_requests(service: LiveService, state: str | None = "asked") -> tuple[DeletionRequest, ...]:
    """Requests to delete, the earliest first; null gives those that were answered too."""
    with service.register.read() as connection:
        return _list_requests(connection, state)


def carry_out(service: LiveService, request_id: str, now: float, *, decided_by: str) -> ErasureReceipt:
    """Erase whoever asked, everywhere. Interrupted, it is carried out again from the start; done, it says so.

    Args:
        service: The live service.
        request_id: Number of the request.
        now: Seconds since 1970-01-01 UTC.
        decided_by: The account that carries it out.

    Raises:
        RegisterError: If there is no such request, or it was refused.
        LakeError: If another writer is at work in the lake. Nobody reaches the record any more; carry it out again.
    """
    with service.register.read() as connection:
        request = find_request(connection, request_id)
    if request.state == "done":
        return ErasureReceipt(request.id, request.asked_at, request.decided_at or now, request.decided_by or "")
    if request.state != "asked":
        raise RegisterError(_("This request to delete was refused before."))
    person = request.person_id

    def begin(connection: Connection) -> None:
        if find_request(connection, request_id).state != "asked":  # taken back a moment ago
            raise RegisterError(_("This request to delete was answered before."))
        begin_erasure(connection, now, person)

    write_and_tell(service, person, begin)  # pages that are open ask for the record again, and find that it is gone
    files = service.workspace.lake.erase(person)
    editions = _remove_rows(service, person)
    service.register.write(lambda connection: erase_person(connection, now, request_id, decided_by=decided_by))
    service.register.compact()
    return ErasureReceipt(request.id, request.asked_at, now, decided_by, files, editions)


def _remove_rows(service: LiveService, person_id: str) -> int:
    """Remove the private rows of every edition that has the person in them; an edition stands without them."""
    removed = 0
    for folder in service.workspace.editions():
        rows = folder / "rows"
        if any(_names(path, person_id) for path in rows.glob("*.parquet")):
            shutil.rmtree(rows)
            removed += 1
    return removed


def _names(path: object, person_id: str) -> bool:
    if "patient_id" not in pq.read_schema(path).names:
        return False
    column = pq.read_table(path, columns=["patient_id"])["patient_id"]
    return bool(pc.any(pc.equal(column, person_id)).as_py())
