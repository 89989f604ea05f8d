"""Make the value sets of the example: `python make_valuesets.py [FILE]`.

CMS159 names fifteen value sets. Their full lists are licensed; here are only a few public codes (LOINC, ICD-10-CM,
HCPCS). Every code is in the official set of the same OID, and most codes of that set are missing, so
that Benchwell refuses the official name. Fit for this example and for nothing else.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

LOINC = "http://loinc.org"
ICD = "http://hl7.org/fhir/sid/icd-10-cm"
HCPCS = "http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets"
VALUE_SETS = "http://cts.nlm.nih.gov/fhir/ValueSet"
# OID, version, and those of its codes that this example knows; a set that is empty here is not empty at its steward.
EXTRACT = (
    ("2.16.840.1.113883.3.67.1.101.1.263", "20220219", LOINC, ("44261-6", "89204-2")),
    ("2.16.840.113883.3.67.1.101.3.2444", "20210219", ICD, ("F32.0", "F32.1", "F32.2", "F33.0", "F33.1", "F33.2")),
    ("2.16.840.1.113883.3.67.1.101.1.254", "20220219", ICD, ("F34.1",)),
    ("2.16.840.1.113762.1.4.1080.5", "20220219", HCPCS, ("G0438",)),
    ("2.16.840.1.113883.3.67.1.101.1.128", "20240214", ICD, ("F31.9",)),
    ("2.16.840.1.113883.3.67.1.101.1.246", "20240214", ICD, ("F60.3",)),
    ("2.16.840.1.113883.3.464.1003.105.12.1104", "20240214", ICD, ("F20.9",)),
    ("2.16.840.1.113883.3.464.1003.105.12.1152", "20240210", ICD, ("F84.0",)),
    ("2.16.840.1.113883.3.464.1003.1003", "20210820", HCPCS, ()),
    ("2.16.840.1.113883.3.526.3.1584", "20210825", HCPCS, ("G0182",)),
    ("2.16.840.1.113883.3.464.1003.1165", "20220818", ICD, ()),
    ("2.16.840.1.113883.3.464.1003.101.12.1090", "20210224", HCPCS, ()),
    ("2.16.840.1.113883.3.464.1003.198.12.1135", "20210224", HCPCS, ()),
    ("2.16.840.1.113883.3.464.1003.1167", "20220820", ICD, ("Z51.5",)),
    ("2.16.840.1.113883.3.666.5.307", "20200307", HCPCS, ()),
)


def value_sets() -> dict[str, Any]:
    """The few codes that occur here, of each value set that CMS159 names."""
    entries = []
    for oid, version, system, codes in EXTRACT:
        contains = [{"system": system, "code": code} for code in codes]
        value_set = {
            "resourceType": "ValueSet",
            "url": f"{VALUE_SETS}/{oid}",
            "version": version,
            "title": "Extract for a made-up example; not the official value set",
            "status": "draft",
            "experimental": True,
            "expansion": {"timestamp": "2026-01-31T06:00:00Z", "total": len(contains), "contains": contains},
        }
        entries.append({"resource": value_set})
    return {"resourceType": "Bundle", "type": "collection", "entry": entries}


if __name__ == "__main__":
    here = Path(__file__).parent / "valuesets" / "made-up-extract.json"
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else here
    target.write_text(json.dumps(value_sets(), indent=1) + "\n", encoding="utf-8")
