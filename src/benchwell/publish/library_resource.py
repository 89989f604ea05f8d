"""Library of FHIR R4: a declaration as it is, so that whoever gets the Measure also gets what it means."""

from __future__ import annotations

import base64
import hashlib

import yaml

from benchwell.publish.fhir_parts import Resource, address, concept, fhir_id, without_nothing
from benchwell.registry import Measure
from benchwell.registry.quality_measure import QualityMeasure

LANGUAGE = "application/x-benchwell-declaration+yaml"  # what criteria refer to: a path in the declaration
_NUMBERS_HASH = "benchwell-numbers-sha256"

Declared = QualityMeasure | Measure


def library_resource(declared: Declared, *, base: str | None = None) -> Resource:
    """The declaration as YAML, with the hash of everything in it that can move a number.

    Args:
        declared: A measure, official or ours.
        base: Address of the server that it is published under; without one it has a fixed `urn:uuid:`.
    """
    text = declaration_text(declared).encode()
    return without_nothing(
        {
            "resourceType": "Library",
            "id": fhir_id("library", declared.id),
            "url": address("Library", declared.id, base),
            "identifier": [{"type": {"text": _NUMBERS_HASH}, "value": declared.numbers_hash}],
            "version": library_version(declared),
            "name": resource_name(declared.id),
            "title": f"Declaration of: {declared.title}",
            "status": publication_status(declared),
            "type": concept("http://terminology.hl7.org/CodeSystem/library-type", "logic-library", "Logic Library"),
            "publisher": declared.author,
            "description": declared.why,
            "content": [
                {
                    "contentType": "application/x-yaml",
                    "data": base64.b64encode(text).decode("ascii"),
                    # FHIR asks for SHA-1 here; it guards the transport only. The identifier above is a SHA-256.
                    "hash": base64.b64encode(hashlib.sha1(text, usedforsecurity=False).digest()).decode("ascii"),
                    "title": f"{declared.id}.yaml",
                }
            ],
        }
    )


def declaration_text(declared: Declared) -> str:
    """The declaration in YAML, in the order of its fields; reading it back gives the same declaration."""
    data = declared.model_dump(mode="json", exclude_none=True, by_alias=True)
    return yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=110)


def library_version(declared: Declared) -> str:
    """Revision of the declaration."""
    return str(declared.revision)


def publication_status(declared: Declared) -> str:
    """Review state in FHIR's words."""
    return {"draft": "draft", "accepted": "active", "retired": "retired"}[declared.status]


def resource_name(declared_id: str) -> str:
    """A name for machines: letters and digits, beginning with a capital.

    >>> resource_name("phq9-remission-12m"), resource_name("0711-remission")
    ('Phq9Remission12m', 'M0711Remission')
    """
    name = "".join(part[:1].upper() + part[1:] for part in declared_id.split("-"))
    return name if name[0].isalpha() else f"M{name}"
