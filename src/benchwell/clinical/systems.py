"""Code systems by short name: the same system arrives under several addresses."""

from __future__ import annotations

import re

_ADDRESSES: dict[str, tuple[str, ...]] = {
    "loinc": ("http://loinc.org", "https://loinc.org", "urn:oid:2.16.840.1.113883.6.1", "2.16.840.1.113883.6.1"),
    "snomed": ("http://snomed.info/sct", "urn:oid:2.16.840.1.113883.6.96", "2.16.840.1.113883.6.96"),
    "icd-10-cm": ("http://hl7.org/fhir/sid/icd-10-cm", "urn:oid:2.16.840.1.113883.6.90", "2.16.840.1.113883.6.90"),
    "icd-10": ("http://hl7.org/fhir/sid/icd-10", "urn:oid:2.16.840.1.113883.6.3", "2.16.840.1.113883.6.3"),
    "icd-10-gm": ("http://fhir.de/CodeSystem/bfarm/icd-10-gm", "http://fhir.de/CodeSystem/dimdi/icd-10-gm"),
    "icd-9-cm": ("http://hl7.org/fhir/sid/icd-9-cm", "urn:oid:2.16.840.1.113883.6.103"),
    "icd-10-pcs": ("http://www.cms.gov/Medicare/Coding/ICD10", "urn:oid:2.16.840.1.113883.6.4"),
    "cpt": ("http://www.ama-assn.org/go/cpt", "urn:oid:2.16.840.1.113883.6.12", "2.16.840.1.113883.6.12"),
    "hcpcs": (
        "http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets",
        "https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets",
        "http://www.nlm.nih.gov/research/umls/hcpcs",
        "urn:oid:2.16.840.1.113883.6.285",
        "2.16.840.1.113883.6.285",
    ),
    "rxnorm": ("http://www.nlm.nih.gov/research/umls/rxnorm", "urn:oid:2.16.840.1.113883.6.88"),
    "cvx": ("http://hl7.org/fhir/sid/cvx", "urn:oid:2.16.840.1.113883.12.292"),
    "act-code": (
        "http://terminology.hl7.org/CodeSystem/v3-ActCode",
        "http://hl7.org/fhir/v3/ActCode",
        "urn:oid:2.16.840.1.113883.5.4",
    ),
    "nucc": ("http://nucc.org/provider-taxonomy", "urn:oid:2.16.840.1.113883.6.101", "2.16.840.1.113883.6.101"),
    "cdc-race": ("urn:oid:2.16.840.1.113883.6.238", "2.16.840.1.113883.6.238"),
    "sop": (
        "https://nahdo.org/sopt",
        "http://www.nlm.nih.gov/research/umls/sop",
        "urn:oid:2.16.840.1.113883.3.221.5",
        "2.16.840.1.113883.3.221.5",
    ),
}
# What tables of value sets and vocabularies call them, in small letters and digits only.
_CALLED = {
    "snomed": "snomed",
    "snomedct": "snomed",
    "snomedctus": "snomed",
    "icd10cm": "icd-10-cm",
    "icd10": "icd-10",
    "icd10gm": "icd-10-gm",
    "icd10pcs": "icd-10-pcs",
    "icd9cm": "icd-9-cm",
    "loinc": "loinc",
    "cpt": "cpt",
    "cpt4": "cpt",
    "hcpcs": "hcpcs",
    "hcpcslevelii": "hcpcs",
    "rxnorm": "rxnorm",
    "cvx": "cvx",
    "cdcrec": "cdc-race",
    "sop": "sop",
    "sopt": "sop",
    "actcode": "act-code",
}
_NAMES = {address.lower(): name for name, addresses in _ADDRESSES.items() for address in addresses}


def system_name(address: str | None) -> str:
    """The short name of a code system; the address itself where it is not known, "" where there is none.

    >>> system_name("http://www.nlm.nih.gov/research/umls/hcpcs"), system_name("urn:x"), system_name(None)
    ('hcpcs', 'urn:x', '')
    """
    if address is None:
        return ""
    plain = address.strip().rstrip("/")
    return _NAMES.get(plain.lower(), plain)


def system_called(name: str) -> str | None:
    """The short name of a code system by what people call it; None if nobody here knows it.

    >>> system_called("SNOMEDCT_US"), system_called("HCPCS Level II"), system_called("Own codes")
    ('snomed', 'hcpcs', None)
    """
    return _CALLED.get(re.sub(r"[^a-z0-9]", "", name.lower()))


def system_address(name: str) -> str:
    """The usual address of a code system: the opposite of `system_name`.

    >>> system_address("hcpcs"), system_address("http://example.org/x")
    ('http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets', 'http://example.org/x')
    """
    return _ADDRESSES[name][0] if name in _ADDRESSES else name


def code_text(system: str | None, code: str) -> str:
    """A code as one text: `system|code`, with the system's short name.

    >>> code_text("http://hl7.org/fhir/sid/icd-10-cm", "F32.9"), code_text(None, "1")
    ('icd-10-cm|F32.9', '1')
    """
    name = system_name(system)
    return f"{name}|{code}" if name else code
