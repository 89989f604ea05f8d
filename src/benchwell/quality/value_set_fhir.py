"""Value sets as FHIR ValueSet: single, in Bundles, one a line; expansions, pages of them, and plain lists of codes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from benchwell.clinical.systems import code_text
from benchwell.quality.value_set_listing import Listing, set_key

# A server that gave up says so with one of these extensions; the ends of their addresses.
_GAVE_UP = {
    "valueset-toocostly": "the server says that the set was too large to expand",
    "valueset-unclosed": "the server says that the expansion is not closed",
}


def listings_of(resource: Any, file: str) -> Iterator[Listing]:
    """Every value set of a decoded resource: the resource itself, or the entries of a Bundle, however deep.

    Whatever is no ValueSet is passed over.
    """
    if isinstance(resource, list):
        for one in resource:
            yield from listings_of(one, file)
    elif isinstance(resource, dict):
        kind = resource.get("resourceType")
        if kind == "Bundle":
            for entry in _dicts(resource.get("entry")):
                yield from listings_of(entry.get("resource"), file)
        elif kind == "ValueSet":
            yield _listing(resource, file)


def _listing(resource: dict[str, Any], file: str) -> Listing:
    key, version = set_key(_name(resource))
    codes: list[str]
    entries: int
    total: int | None
    expansion = resource.get("expansion")
    if isinstance(expansion, dict):
        nodes = list(_contained(expansion.get("contains")))
        codes, entries = [code for code in nodes if code is not None], len(nodes)
        total, problem = _number(expansion.get("total")), _expansion_problem(expansion, entries)
        if problem is None and not all(_codes_are_text(expansion.get("contains"))):
            problem = "some of its codes are not text"
        offset = _number(expansion.get("offset")) or _parameter(expansion, "offset") or 0
    else:
        listed = _composed(resource.get("compose"))
        codes, entries, total, offset = listed or [], len(listed or []), None, 0
        problem = "it is a definition without an expansion" if listed is None else None
    if any(tag.get("code") == "SUBSETTED" for tag in _dicts(_dict(resource.get("meta")).get("tag"))):
        problem = "it is tagged as a subset"
    return Listing(
        key=key,
        version=_text(resource.get("version")) or version,
        title=_text(resource.get("title")) or _text(resource.get("name")),
        codes=frozenset(codes),
        entries=entries,
        total=total,
        offset=offset,
        problem=problem,
        file=file,
    )


def _name(resource: dict[str, Any]) -> str:
    identifiers = (_text(one.get("value")) for one in _dicts(resource.get("identifier")))
    return _text(resource.get("url")) or next(filter(None, identifiers), None) or _text(resource.get("id")) or ""


def _contained(contains: Any) -> Iterator[str | None]:
    """Nodes of an expansion, as a total counts them; None for one that only groups others."""
    for entry in _dicts(contains):
        code = _text(entry.get("code"))
        is_code = code is not None and entry.get("abstract") is not True
        yield code_text(_text(entry.get("system")), code or "") if is_code else None
        yield from _contained(entry.get("contains"))


def _codes_are_text(contains: Any) -> Iterator[bool]:
    for entry in _dicts(contains):
        yield entry.get("code") is None or _text(entry["code"]) is not None
        yield from _codes_are_text(entry.get("contains"))


def _expansion_problem(expansion: dict[str, Any], entries: int) -> str | None:
    for extension in _dicts(expansion.get("extension")):
        said = _GAVE_UP.get(str(extension.get("url", "")).rsplit("/", 1)[-1])
        if said is not None and extension.get("valueBoolean") is not False:
            return said
    asked = _parameter(expansion, "count")
    if expansion.get("total") is None and asked is not None and entries >= asked > 0:
        return f"it is a page of {asked} codes that does not say how many there are"
    return None


def _composed(compose: Any) -> list[str] | None:
    """Codes that are listed one by one; None if anything has to be computed by a terminology server."""
    if not isinstance(compose, dict) or compose.get("exclude"):
        return None
    codes: list[str] = []
    for include in _dicts(compose.get("include")):
        listed = [_text(concept.get("code")) for concept in _dicts(include.get("concept"))]
        if not listed or include.get("filter") or include.get("valueSet"):
            return None
        codes.extend(code_text(_text(include.get("system")), code) for code in listed if code)
    return codes or None


def _parameter(expansion: dict[str, Any], name: str) -> int | None:
    found = (one for one in _dicts(expansion.get("parameter")) if one.get("name") == name)
    return next((_number(one.get("valueInteger")) for one in found), None)


def _dicts(value: Any) -> Iterable[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str | None:
    return value.strip() or None if isinstance(value, str) else None


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
