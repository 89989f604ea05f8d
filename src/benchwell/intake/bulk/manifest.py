"""The manifest of an export: what the server says is there, page by page, as a plan of files to fetch."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

import msgspec

from benchwell.clinical.moments import parse_moment
from benchwell.errors import BulkExportError
from benchwell.intake.bulk.connection import Connection, Reply
from benchwell.intake.bulk.listener import BulkListener
from benchwell.intake.bulk.origins import joined
from benchwell.intake.bulk.polling import wait_for_manifest
from benchwell.intake.bulk.result import BulkFile, Kind
from benchwell.intake.bulk.waiting import Patience, asked_seconds

_TYPE = re.compile(r"[A-Z][A-Za-z]{1,63}", re.ASCII)
_MOST_PAGES = 10_000


class _Entry(msgspec.Struct):
    url: str
    type: str | None = None
    count: int | None = None


class _Link(msgspec.Struct):
    relation: str
    url: str


class Manifest(msgspec.Struct):
    """One page, as servers write it. Version 3 of the standard says `outcome` where version 2 says `error`."""

    transactionTime: str  # noqa: N815, the standard's names
    requiresAccessToken: bool  # noqa: N815
    output: list[_Entry] = []
    deleted: list[_Entry] = []
    error: list[_Entry] = []
    outcome: list[_Entry] = []
    link: list[_Link] = []
    outputOrganizedBy: str | None = None  # noqa: N815

    @property
    def next_page(self) -> str | None:
        """Address of the next page; one that begins with # says that there is none yet."""
        found = [link.url for link in self.link if link.relation == "next" and not link.url.startswith("#")]
        return found[0] if found else None

    def entries(self) -> Iterator[tuple[Kind, _Entry]]:
        """Every file of the page."""
        kinds: tuple[tuple[Kind, list[_Entry]], ...] = (
            ("output", self.output),
            ("deleted", self.deleted),
            ("error", [*self.error, *self.outcome]),
        )
        for kind, found in kinds:
            for entry in found:
                yield kind, entry


class PlannedFile(msgspec.Struct, frozen=True):
    """One file to fetch, with the name that it will have."""

    name: str
    kind: Kind
    url: str
    needs_token: bool
    type: str | None = None
    count: int | None = None


class Plan(msgspec.Struct, frozen=True, tag="plan"):
    """Every file of an export.

    Attributes:
        transaction_time: The instant that the export describes, as written; the earliest, if pages differ.
        files: In the order of the manifest.
        organized_by: "Patient", where files hold all of some people rather than one type.
        expires: Seconds since 1970 after which the server may drop the files; None if it did not say.
    """

    transaction_time: str
    files: list[PlannedFile]
    organized_by: str | None = None
    expires: float | None = None


def read_manifest(body: bytes) -> Manifest:
    """One page of a manifest.

    Raises:
        BulkExportError: If it is none, naming the place in it.
    """
    try:
        manifest = msgspec.json.decode(body, type=Manifest)
    except msgspec.ValidationError as problem:
        _, _, place = str(problem).rpartition(" - at ")
        where = f" (at {place})" if place.startswith("`$") else ""
        raise BulkExportError(
            f"The manifest is none of a bulk export{where}.", hint="ask who runs the server"
        ) from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise BulkExportError("The manifest is no JSON.", hint="ask who runs the server") from None
    try:
        fits = parse_moment(manifest.transactionTime).has_offset
    except ValueError:
        fits = False
    if not fits:
        raise BulkExportError("The manifest's transactionTime is no instant.", hint="ask who runs the server")
    return manifest


def gather(connection: Connection, first: Reply, patience: Patience, listener: BulkListener) -> Plan:
    """Read a manifest with all its pages.

    Raises:
        BulkExportError: If a page is missing or none, or the pages never end.
    """
    reply, seen, pages = first, {first.url}, []
    while True:
        page = read_manifest(reply.body)
        pages.append((reply.url, page))
        if page.next_page is None:
            return plan_of(pages, _expires(first, patience))
        url = joined(reply.url, page.next_page)
        if url in seen or len(pages) >= _MOST_PAGES:
            raise BulkExportError("The pages of the manifest never end.", hint="ask who runs the server")
        seen.add(url)
        anonymous = not connection.origins.trusts(url)
        reply = wait_for_manifest(connection, url, patience, listener, anonymous=anonymous)


def plan_of(pages: Iterable[tuple[str, Manifest]], expires: float | None = None) -> Plan:
    """The files of pages, each address once, with names that no server chose."""
    numbers: Counter[str] = Counter()
    files: list[PlannedFile] = []
    seen: set[tuple[Kind, str]] = set()
    pages = list(pages)
    for base, page in pages:
        for kind, entry in page.entries():
            url = joined(base, entry.url)
            if (kind, url) in seen:
                continue
            seen.add((kind, url))
            known = entry.type if entry.type and _TYPE.fullmatch(entry.type) else None
            stem = (known or "resources") if kind == "output" else kind
            files.append(
                PlannedFile(
                    f"{stem}.{numbers[stem]:03d}.ndjson", kind, url, page.requiresAccessToken, known, entry.count
                )
            )
            numbers[stem] += 1
    earliest = min((page.transactionTime for _, page in pages), key=lambda text: parse_moment(text).earliest)
    return Plan(earliest, files, next((page.outputOrganizedBy for _, page in pages), None), expires)


def local_manifest(plan: Plan, files: Mapping[str, BulkFile], request: str) -> bytes:
    """The manifest that lies beside the files: addresses are names in the same folder.

    It names every planned file, also while some are still missing, so that nobody takes a part of an export for all.
    """
    lists: dict[str, list[dict[str, str | int]]] = {"output": [], "deleted": [], "error": []}
    for item in plan.files:
        entry: dict[str, str | int] = {"type": item.type} if item.type else {}
        entry["url"] = item.name
        if plan.organized_by is None and item.name in files:
            entry["count"] = files[item.name].lines
        lists[item.kind].append(entry)
    organized = {"outputOrganizedBy": plan.organized_by} if plan.organized_by else {}
    head = {"transactionTime": plan.transaction_time, "request": request, "requiresAccessToken": False}
    return (json.dumps(head | organized | lists, indent=2) + "\n").encode()


def _expires(reply: Reply, patience: Patience) -> float | None:
    """Seconds since 1970; a date that is past, or no date, only tells caches not to keep the answer."""
    now = patience.clock.now()
    left = asked_seconds(reply.headers.get("expires"), now)
    return now + left if left else None
