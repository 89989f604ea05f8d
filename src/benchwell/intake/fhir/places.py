"""Organization, Location, Practitioner and PractitionerRole: where care is given, and by whom. No names of people."""

from __future__ import annotations

from typing import cast

from benchwell.clinical.systems import system_name
from benchwell.intake.fhir.elements import Concept
from benchwell.intake.fhir.patient import place_of
from benchwell.intake.fhir.record_codes import codings
from benchwell.intake.fhir.record_rows import add_raw, day_of, own_id
from benchwell.intake.fhir.record_words import DISCIPLINES, ORGANIZATION_KINDS, by_beginning
from benchwell.intake.fhir.resources import Location, Organization, Practitioner, PractitionerRole
from benchwell.intake.fhir.rows import Context, Found, Rows


def map_organization(found: Found, context: Context, rows: Rows) -> None:
    """One row of `Organization`."""
    organization = cast("Organization", found.resource)
    id_ = own_id(found, rows)
    if id_ is None:
        return
    region, country = place_of(organization.address)
    kinds = [ORGANIZATION_KINDS[one.code] for one in codings(organization.type) if one.code in ORGANIZATION_KINDS]
    part_of = context.references.id_of(organization.partOf, "Organization")
    add_raw(
        rows,
        "Organization",
        found,
        id_,
        part_of=None if part_of == id_ else part_of,
        name=(organization.name or "").strip() or None,
        kind=kinds[0] if kinds else None,
        region=region,
        country=country,
    )


def map_location(found: Found, context: Context, rows: Rows) -> None:
    """One row of `Location`: it has no table of its own, but says which organization a contact belongs to."""
    location = cast("Location", found.resource)
    id_ = own_id(found, rows)
    if id_ is not None:
        add_raw(
            rows,
            "Location",
            found,
            id_,
            organization_id=context.references.id_of(location.managingOrganization, "Organization"),
            part_of=context.references.id_of(location.partOf, "Location"),
        )


def map_practitioner(found: Found, context: Context, rows: Rows) -> None:  # noqa: ARG001 mappers have one shape
    """One row of `Practitioner`: the year of the first qualification."""
    practitioner = cast("Practitioner", found.resource)
    id_ = own_id(found, rows)
    if id_ is None:
        return
    starts = [one.period.start for one in practitioner.qualification if one.period is not None and one.period.start]
    years = [int(text[:4]) for text in starts if text[:4].isascii() and text[:4].isdecimal()]
    add_raw(rows, "Practitioner", found, id_, licensed_year=min(years, default=None))


def map_role(found: Found, context: Context, rows: Rows) -> None:
    """One row of `PractitionerRole`: what a practitioner does where."""
    role = cast("PractitionerRole", found.resource)
    id_ = own_id(found, rows)
    if id_ is None:
        return
    end = role.period.end if role.period is not None else None
    add_raw(
        rows,
        "PractitionerRole",
        found,
        id_,
        practitioner_id=context.references.id_of(role.practitioner, "Practitioner"),
        organization_id=context.references.id_of(role.organization, "Organization"),
        discipline=discipline_of([*role.specialty, *role.code]),
        active=role.active is not False,
        end_date=day_of(end, "PractitionerRole.period.end", found, rows),
    )


def discipline_of(concepts: list[Concept]) -> str | None:
    """A discipline: our word for a NUCC code, else what the source calls it, else nothing.

    >>> discipline_of([Concept(text="Art  Therapy")])
    'art therapy'
    """
    for one in codings(concepts):
        if system_name(one.system) == "nucc" and one.code:
            word = by_beginning(one.code, DISCIPLINES)
            if word is not None:
                return word
    named = [one.text or next((c.display for c in one.coding if c.display), None) for one in concepts]
    return next((" ".join(name.lower().split()) for name in named if name and name.strip()), None)
