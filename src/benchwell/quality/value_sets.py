"""The value sets that a user loads, and what a measure may ask of them: whole sets or a refusal, never a part."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchwell.errors import ValueSetError
from benchwell.quality.value_set_files import read_listings
from benchwell.quality.value_set_listing import Listing, set_address, set_key, version_order

_HOW = (
    "download the whole expansion from the Value Set Authority Center (VSAC; free with a UMLS licence) "
    "and give the file with --valuesets"
)


@dataclass(frozen=True, slots=True)
class ValueSetUse:
    """A value set as a measure uses it.

    Attributes:
        codes: `loinc|44261-6`, `icd-10-cm|F32.9`; a code whose system is not known keeps the system's address.
        url: Canonical address, without version.
        version: Of the one that was used; None if the file does not say.
        count: How many codes.
        title: As the measure calls it.
        notes: What a reader must know: which of several versions was used, or that the set states to be empty.
    """

    codes: frozenset[str]
    url: str
    version: str | None
    count: int
    title: str
    notes: tuple[str, ...] = ()


class ValueSets:
    """Value sets by OID or address, and version.

    >>> from benchwell.quality.value_set_fhir import listings_of
    >>> loaded = ValueSets(listings_of({"resourceType": "ValueSet", "url": "http://example.org/x", "version": "2",
    ...     "expansion": {"total": 1, "contains": [{"system": "http://loinc.org", "code": "44261-6"}]}}, "x.json"))
    >>> loaded.require("http://example.org/x", title="PHQ-9").codes
    frozenset({'loinc|44261-6'})
    """

    def __init__(self, listings: Iterable[Listing]) -> None:
        self._by_key: dict[str, dict[str | None, list[Listing]]] = defaultdict(lambda: defaultdict(list))
        for one in listings:
            self._by_key[one.key][one.version].append(one)

    def __len__(self) -> int:
        return len(self._by_key)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and set_key(name)[0] in self._by_key

    def versions(self, name: str) -> list[str | None]:
        """The loaded versions of one set, the latest last; empty if there is none."""
        return sorted(self._by_key.get(set_key(name)[0], ()), key=version_order)

    def require(
        self, name: str, *, title: str, version: str | None = None, least: int | None = None, measure: str | None = None
    ) -> ValueSetUse:
        """One whole value set.

        Args:
            name: OID, `urn:oid:…`, or address; `|version` may follow.
            title: What the measure calls it, for messages.
            version: Exactly this one; without it, the latest of those loaded.
            least: Fewest codes that the set may have, where the measure knows.
            measure: Who asks, for messages.

        Raises:
            ValueSetError: If the set or version is not loaded, or the loaded one is empty, cut off, without expansion,
                or stated in two different ways. A set that itself says that it has no codes (`total` 0) is whole.
        """
        key, pinned = set_key(name)
        wanted = version or pinned
        asks = _Asked(key, title, measure)
        versions = self.versions(key)
        if not versions:
            raise asks.error("is not loaded")
        if wanted is not None and wanted not in versions:
            raise asks.error(f"is loaded in version {_listed(versions)}, but not in version {wanted}")
        used = versions[-1] if wanted is None else wanted
        whole = _whole(self._by_key[key][used], asks)
        if least is not None and len(whole.codes) < least:
            raise asks.error(f"has {len(whole.codes)} codes in {whole.file}, fewer than the {least} it must have")
        notes = []
        if wanted is None and len(versions) > 1:
            notes.append(f"{title}: version {used or 'without a number'} was used, of {_listed(versions)}")
        if not whole.codes:
            notes.append(f"{title}: the loaded set states that it has no codes, so it never matches")
        return ValueSetUse(whole.codes, set_address(key), used, len(whole.codes), title, tuple(notes))


def load_value_sets(paths: Sequence[Path]) -> ValueSets:
    """Read value sets from files and folders.

    FHIR ValueSet as JSON (single, in Bundles, one a line) with an expansion or a plain list of codes; what the Value
    Set Authority Center exports as text, CSV, Excel or SVS XML; each also inside .gz or .zip.

    Raises:
        ValueSetError: If a file is missing, damaged, or holds no value set. Whether a set is whole is asked when a
            measure requires it: what it does not need cannot stop it.
    """
    return ValueSets(read_listings(paths))


@dataclass(frozen=True, slots=True)
class _Asked:
    """What was asked for, for messages."""

    key: str
    title: str
    measure: str | None

    def error(self, what: str) -> ValueSetError:
        before = f"{self.measure} needs a value set: " if self.measure else ""
        return ValueSetError(f"{before}{self.title!r} ({self.key}) {what}.", hint=_HOW)


def _whole(listings: Sequence[Listing], asked: _Asked) -> Listing:
    """The one complete list that files state for a version; pages of one expansion are put together."""
    problem = next((f"{one.problem} ({one.file})" for one in listings if one.problem), None)
    joined = _joined(listings)
    whole = [one for one in joined if one.problem is None and not _short(one)]
    if not whole:
        short = max(joined, key=lambda one: one.entries)
        cut = f"{short.entries} of {short.total} codes are in {short.file}"
        raise asked.error(f"is cut off: {problem or cut}")
    if len({one.codes for one in whole}) > 1:
        files = ", ".join(sorted({one.file for one in whole}))
        raise asked.error(f"is stated in different ways under one version in {files}: remove the one that is not whole")
    if not whole[0].codes and whole[0].total != 0:
        raise asked.error(f"is empty in {whole[0].file}")
    return whole[0]


def _joined(listings: Sequence[Listing]) -> list[Listing]:
    """Lists as they are, and pages of one total as one list."""
    pages: dict[int | None, dict[int, Listing]] = defaultdict(dict)
    single: list[Listing] = []
    for one in listings:
        if one.total is not None and one.problem is None and (one.offset or one.entries < one.total):
            pages[one.total][one.offset] = one
        else:
            single.append(one)
    return single + [_together(total, parts) for total, parts in pages.items()]


def _together(total: int | None, parts: dict[int, Listing]) -> Listing:
    """Pages that follow each other without a gap; what comes after a gap is not counted."""
    codes: frozenset[str] = frozenset()
    entries = 0
    used = []
    for offset in sorted(parts):
        if offset > entries:
            break
        codes |= parts[offset].codes
        entries = max(entries, offset + parts[offset].entries)
        used.append(parts[offset].file)
    first = next(iter(parts.values()))
    file = ", ".join(sorted(set(used))) or first.file
    return Listing(first.key, first.version, first.title, codes, entries, total, 0, None, file)


def _short(one: Listing) -> bool:
    return one.offset > 0 or (one.total is not None and one.entries < one.total)


def _listed(versions: Sequence[str | None]) -> str:
    return ", ".join(version or "without a number" for version in versions)
