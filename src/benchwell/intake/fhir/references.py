"""Which id a reference means: relative, absolute, versioned, `urn:uuid`, or a search by identifier."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import parse_qsl, unquote, urlsplit

from benchwell.intake.fhir.elements import Identifier, Reference
from benchwell.intake.fhir.resources import Resource
from benchwell.intake.fhir.rows import Found

_URN = ("urn:uuid:", "urn:oid:")
_AMBIGUOUS = ""  # an identifier of two resources names neither


class References:
    """Ids of one source: what entries of a Bundle are called, and which resource has which identifier.

    It is a pair of plain dictionaries, so it is cheap to hand to a worker process. `within` is what a Bundle shares
    with the rest of its source: the Bundle's own entries come first.

    >>> known = References()
    >>> known.id_of(Reference(reference="https://ehr.example/fhir/Patient/7/_history/2"), "Patient")
    '7'
    >>> known.id_of(Reference(reference="Group/7"), "Patient") is None
    True
    """

    def __init__(self, within: References | None = None) -> None:
        self._within = within
        self._entries: dict[str, tuple[str, str]] = {}  # fullUrl -> type, id
        self._identifiers: dict[tuple[str, str], str] = {}  # type, "system|value" or "value" -> id

    def add(self, found: Found) -> None:
        """Remember a resource of this source: what its Bundle calls it, and its identifiers. It needs an id."""
        resource = found.resource
        if resource.id is not None:
            self.remember(type(resource).__name__, resource.id, found.full_url, identifiers_of(resource))

    def remember(self, kind: str, id_: str, full_url: str | None, identifiers: Iterable[Identifier] = ()) -> None:
        """The same for a resource of which only this much is known."""
        if full_url is not None:
            self._entries[full_url] = (kind, id_)
        for identifier in identifiers:
            if identifier.value is not None:
                tokens = {identifier.value, f"{identifier.system or ''}|{identifier.value}"}
                for token in tokens:
                    if self._identifiers.setdefault((kind, token), id_) != id_:
                        self._identifiers[kind, token] = _AMBIGUOUS

    def id_of(self, reference: Reference | None, kind: str) -> str | None:
        """The id of the resource that a reference means.

        Args:
            reference: As decoded.
            kind: The type that is wanted, such as "Patient".

        Returns:
            The id; null if there is no reference, it points into its own resource (`#…`), or to another type. A search
            by identifier that names no resource of this source (or more than one) gives the identifier's value.
        """
        if reference is None or (reference.type is not None and _last(reference.type) != kind):
            return None
        text = reference.reference
        if not text:
            named = reference.identifier
            if named is None or not named.value:
                return None
            return self._by_identifier(kind, f"{named.system or ''}|{named.value}", named.value)
        plain = _relative(text, kind)  # by far the most common kind of reference
        return plain if plain is not None else self._other(text, kind)

    def _other(self, text: str, kind: str) -> str | None:
        if text.startswith("#"):
            return None
        entry = self._entry(text)
        if entry is not None:
            return entry[1] if entry[0] == kind else None
        if text.startswith(_URN):
            return text.rpartition(":")[2] or None
        if "?" in text:
            return self._search(text, kind)
        return _addressed(text, kind)

    def _entry(self, full_url: str) -> tuple[str, str] | None:
        found = self._entries.get(full_url)
        return found if found is not None or self._within is None else self._within._entry(full_url)

    def _search(self, text: str, kind: str) -> str | None:
        target, _, query = text.partition("?")
        if _last(target) != kind:
            return None
        asked = dict(parse_qsl(query))
        if "_id" in asked:
            return asked["_id"]
        token = asked.get("identifier")
        if not token:
            return None
        value = token.rpartition("|")[2]
        return self._by_identifier(kind, token if "|" in token else value, value) if value else None

    def _by_identifier(self, kind: str, token: str, value: str) -> str:
        found = self._identifiers.get((kind, token))
        if found is None and self._within is not None:
            return self._within._by_identifier(kind, token, value)
        return found or value


def identifiers_of(resource: Resource) -> list[Identifier]:
    """The business identifiers of a resource, whether it may have one or many."""
    return resource.identifier if isinstance(resource.identifier, list) else [resource.identifier]


def id_in_url(full_url: str) -> str | None:
    """The id that an address or `urn:uuid` gives to a resource that has none of its own.

    >>> id_in_url("urn:uuid:5"), id_in_url("https://ehr.example/fhir/Patient/7"), id_in_url("")
    ('5', '7', None)
    """
    last = full_url.rpartition(":")[2] if full_url.startswith(_URN) else _last(full_url)
    return last or None


def _relative(text: str, kind: str) -> str | None:
    """The id in `Patient/1`; null for anything else."""
    size = len(kind)
    if text.startswith(kind) and text[size : size + 1] == "/":
        id_ = text[size + 1 :]
        if id_ and "/" not in id_ and "?" not in id_ and "#" not in id_ and "|" not in id_:
            return id_
    return None


def _addressed(text: str, kind: str) -> str | None:
    """The id in an address whose path ends in type and id, with or without a version."""
    try:
        path = urlsplit(text).path
    except ValueError:  # such as a bracket that is never closed
        return None
    steps = [unquote(step) for step in path.split("/") if step]
    if len(steps) >= 4 and steps[-2] == "_history":
        steps = steps[:-2]
    if len(steps) >= 2 and steps[-2] == kind:
        return steps[-1].partition("|")[0] or None
    return None


def _last(address: str) -> str:
    return address.rstrip("/").rpartition("/")[2]
