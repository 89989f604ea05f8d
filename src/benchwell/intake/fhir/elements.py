"""Data types of FHIR R4 that resources are made of: only the parts that somebody here reads."""

from __future__ import annotations

from typing import Literal

import msgspec

# A member that R4 does not have: no value fits it, so that a resource that brings it is not decoded, and `versions`
# finds out why. Looking at each decoded resource for such members would take as long as decoding it.
Foreign = Literal["never"] | msgspec.UnsetType


class Element(msgspec.Struct, gc=False, kw_only=True):
    """Base of everything that is decoded: unknown members are skipped, wrong types are refused."""


class Coding(Element):
    """A code of a code system; `extension` may hold its ordinal value."""

    system: str | None = None
    code: str | None = None
    display: str | None = None
    extension: list[Extension] | None = None


class Concept(Element):
    """CodeableConcept: the same thing in one or more code systems."""

    coding: list[Coding] = []
    text: str | None = None


class Quantity(Element):
    """A number with a unit."""

    value: float | None = None
    comparator: str | None = None
    unit: str | None = None
    system: str | None = None
    code: str | None = None


class Period(Element):
    """From and to, each a FHIR dateTime that may be partial."""

    start: str | None = None
    end: str | None = None


class Reference(Element):
    """A pointer: `Patient/1`, `urn:uuid:…`, an absolute address, or a search such as `Organization?identifier=…`."""

    reference: str | None = None
    type: str | None = None
    identifier: Identifier | None = None
    display: str | None = None


class Identifier(Element):
    """A business identifier."""

    system: str | None = None
    value: str | None = None
    type: Concept | None = None


class Address(Element):
    """Where; only what is coarse enough to be used."""

    state: str | None = None
    district: str | None = None
    country: str | None = None
    postalCode: str | None = None
    use: str | None = None


class Extension(Element):
    """An extension: simple ones have a value, complex ones have extensions of their own."""

    url: str = ""
    extension: list[Extension] = []
    valueCode: str | None = None
    valueString: str | None = None
    valueBoolean: bool | None = None
    valueInteger: int | None = None
    valueDecimal: float | None = None
    valueDate: str | None = None
    valueDateTime: str | None = None
    valueCoding: Coding | None = None
    valueCodeableConcept: Concept | None = None
    valueReference: Reference | None = None


class Meta(Element):
    """When and as what a resource was stored."""

    versionId: str | None = None
    lastUpdated: str | None = None
    profile: list[str] = []
    tag: list[Coding] = []
