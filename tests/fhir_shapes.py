"""What R4 (4.0.1) says of the resources that we publish: members, cardinalities, required codes, some constraints.

Written by hand from the specification's tables, so that it shares nothing with the code that makes the resources.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

_TYPES: dict[str, dict[str, tuple[int, bool, str]]] = {}


def _type(name: str, text: str) -> None:
    """Declare one type: lines of `member min..max type`."""
    members = {}
    for line in text.split(";"):
        member, cardinality, kind = line.split()
        members[member] = (int(cardinality[0]), cardinality.endswith("*"), kind)
    _TYPES[name] = members


_type("Coding", "system 0..1 uri; version 0..1 string; code 0..1 code; display 0..1 string")
_type("CodeableConcept", "coding 0..* Coding; text 0..1 string")
_type("Quantity", "value 0..1 decimal; unit 0..1 string; system 0..1 uri; code 0..1 code")
_type("Period", "start 0..1 dateTime; end 0..1 dateTime")
_type("Identifier", "system 0..1 uri; value 0..1 string; type 0..1 CodeableConcept")
_type("Reference", "reference 0..1 string; type 0..1 uri; identifier 0..1 Identifier; display 0..1 string")
_type("Narrative", "status 1..1 code:generated|extensions|additional|empty; div 1..1 string")
_type("Meta", "profile 0..* uri")
_type("Annotation", "text 1..1 string")
_type("Expression", "language 1..1 code; expression 0..1 string; reference 0..1 uri")
_type(
    "Attachment",
    "contentType 0..1 code; data 0..1 base64Binary; hash 0..1 base64Binary; title 0..1 string; url 0..1 uri",
)
_type("UsageContext", "code 1..1 Coding; valueCodeableConcept 0..1 CodeableConcept")
_type(
    "RelatedArtifact",
    "type 1..1 code:documentation|justification|citation|predecessor|successor|derived-from|depends-on|composed-of;"
    "label 0..1 string; display 0..1 string; citation 0..1 string; resource 0..1 canonical",
)
_type(
    "Extension",
    "url 1..1 uri; valueString 0..1 string; valueCode 0..1 code; valueMarkdown 0..1 string;"
    "valueReference 0..1 Reference; valueCodeableConcept 0..1 CodeableConcept",
)
_type("ReportPopulation", "code 0..1 CodeableConcept; count 0..1 integer; subjectResults 0..1 Reference")
_type(
    "ReportStratum",
    "value 0..1 CodeableConcept; component 0..* Component; population 0..* ReportPopulation;measureScore 0..1 Quantity",
)
_type("ReportStratifier", "code 0..* CodeableConcept; stratum 0..* ReportStratum")
_type(
    "ReportGroup",
    "code 0..1 CodeableConcept; population 0..* ReportPopulation; measureScore 0..1 Quantity;"
    "stratifier 0..* ReportStratifier",
)
_type(
    "MeasureReport",
    "identifier 0..* Identifier; status 1..1 code:complete|pending|error;"
    "type 1..1 code:individual|subject-list|summary|data-collection; measure 1..1 canonical; subject 0..1 Reference;"
    "date 0..1 dateTime; reporter 0..1 Reference; period 1..1 Period; improvementNotation 0..1 CodeableConcept;"
    "group 0..* ReportGroup; evaluatedResource 0..* Reference",
)
_type("MeasurePopulation", "code 0..1 CodeableConcept; description 0..1 string; criteria 1..1 Expression")
_type("MeasureStratifier", "code 0..1 CodeableConcept; description 0..1 string; criteria 0..1 Expression")
_type(
    "MeasureGroup",
    "code 0..1 CodeableConcept; description 0..1 string; population 0..* MeasurePopulation;"
    "stratifier 0..* MeasureStratifier",
)
_type(
    "MeasureSupplementalData",
    "code 0..1 CodeableConcept; usage 0..* CodeableConcept; description 0..1 string; criteria 1..1 Expression",
)
_type(
    "Measure",
    "url 0..1 uri; identifier 0..* Identifier; version 0..1 string; name 0..1 string; title 0..1 string;"
    "status 1..1 code:draft|active|retired|unknown; publisher 0..1 string; description 0..1 string;"
    "useContext 0..* UsageContext; copyright 0..1 string; effectivePeriod 0..1 Period;"
    "relatedArtifact 0..* RelatedArtifact; library 0..* canonical; disclaimer 0..1 string;"
    "scoring 0..1 CodeableConcept; rateAggregation 0..1 string;"
    "improvementNotation 0..1 CodeableConcept; group 0..* MeasureGroup;"
    "supplementalData 0..* MeasureSupplementalData",
)
_type(
    "Library",
    "url 0..1 uri; identifier 0..* Identifier; version 0..1 string; name 0..1 string; title 0..1 string;"
    "status 1..1 code:draft|active|retired|unknown; type 1..1 CodeableConcept; publisher 0..1 string;"
    "description 0..1 string; content 0..* Attachment",
)
_type(
    "Observation",
    "status 1..1 code:registered|preliminary|final|amended|corrected|cancelled|entered-in-error|unknown;"
    "category 0..* CodeableConcept; code 1..1 CodeableConcept; subject 0..1 Reference; effectiveDateTime 0..1 dateTime;"
    "valueQuantity 0..1 Quantity; valueInteger 0..1 integer; valueCodeableConcept 0..1 CodeableConcept;"
    "dataAbsentReason 0..1 CodeableConcept; interpretation 0..* CodeableConcept; note 0..* Annotation;"
    "method 0..1 CodeableConcept; derivedFrom 0..* Reference",
)
_type("ListEntry", "item 1..1 Reference")
_type(
    "List",
    "status 1..1 code:current|retired|entered-in-error; mode 1..1 code:working|snapshot|changes; entry 0..* ListEntry",
)
_type("BundleEntry", "resource 0..1 resource; fullUrl 0..1 uri")
_type("Bundle", "type 1..1 code:collection|batch|transaction|searchset; entry 0..* BundleEntry")

_RESOURCES = {"MeasureReport", "Measure", "Library", "Observation", "List", "Bundle"}
_DATE = r"\d{4}(-\d\d(-\d\d(T\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d))?)?)?"
_TEXTS = {
    "string": r"(?s)\S.*",
    "uri": r"\S+",
    "canonical": r"\S+",
    "code": r"\S+( \S+)*",
    "dateTime": _DATE,
    "base64Binary": r"[A-Za-z0-9+/]+=*",
}


def shape_problems(resource: dict[str, Any]) -> list[str]:
    """Everything about a resource, and those inside it, that R4 does not allow; empty if all is well."""
    return list(_resource(resource, resource.get("resourceType", "?")))


def _resource(resource: dict[str, Any], where: str) -> Iterator[str]:
    kind = resource.get("resourceType")
    if kind not in _RESOURCES:
        yield f"{where}: resourceType {kind}"
        return
    known = resource.get("id", "x")
    if not re.fullmatch(r"[A-Za-z0-9\-.]{1,64}", known):
        yield f"{where}.id: {known}"
    base = {"resourceType", "id", "contained"}
    yield from _element({k: v for k, v in resource.items() if k not in base}, kind, where, resource=True)
    contained = resource.get("contained", [])
    pointed = set(re.findall(r"'#([^']+)'", repr(resource)))
    for one in contained:
        yield from _resource(one, f"{where}.contained[{one.get('id')}]")
        if one.get("id") not in pointed:
            yield f"{where}: contained {one.get('id')} is not referred to (dom-3)"
    ids = [one.get("id") for one in contained]
    if len(ids) != len(set(ids)):
        yield f"{where}: two contained resources have one id"
    if kind != "Bundle" and (missing := pointed - set(ids)):
        yield f"{where}: refers to {sorted(missing)}, which it does not contain"
    yield from _constraints(resource, kind, where)


def _element(element: Any, kind: str, where: str, *, resource: bool = False) -> Iterator[str]:
    if not isinstance(element, dict) or not element:
        yield f"{where}: not an element with content"
        return
    members = _TYPES[kind] | {"extension": (0, True, "Extension")}
    members |= (
        {"meta": (0, False, "Meta"), "text": (0, False, "Narrative")} if resource else {"id": (0, False, "string")}
    )
    yield from (f"{where}.{name}: no such member of {kind}" for name in element if name not in members)
    for name, (least, many, inner) in members.items():
        if name in element:
            yield from _member(element[name], many, inner, f"{where}.{name}")
        elif least:
            yield f"{where}.{name}: required"


def _member(value: Any, many: bool, kind: str, where: str) -> Iterator[str]:
    if many != isinstance(value, list):
        yield f"{where}: {'not ' if many else ''}a list"
    elif many and not value:
        yield f"{where}: an empty list"
    else:
        for one in value if many else [value]:
            yield from _value(one, kind, where)


def _value(value: Any, kind: str, where: str) -> Iterator[str]:
    kind, _, codes = kind.partition(":")
    if kind == "resource":
        yield from _resource(value, where)
    elif kind == "integer":
        if not isinstance(value, int) or isinstance(value, bool):
            yield f"{where}: not an integer"
    elif kind == "decimal":
        if not isinstance(value, int | float) or isinstance(value, bool) or value != value:
            yield f"{where}: not a number"
    elif kind in _TEXTS:
        if not isinstance(value, str) or not re.fullmatch(_TEXTS[kind], value):
            yield f"{where}: not a {kind}"
        elif codes and value not in codes.split("|"):
            yield f"{where}: {value} is none of {codes}"
    else:
        yield from _element(value, kind, where)


def _constraints(resource: dict[str, Any], kind: str, where: str) -> Iterator[str]:
    if kind == "MeasureReport":
        yield from _report_constraints(resource, where)
    absent = kind == "Observation" and "dataAbsentReason" in resource
    if absent and any(name.startswith("value") for name in resource):
        yield f"{where}: a value and a reason for its absence (obs-6)"
    if kind in ("Measure", "Library") and not re.fullmatch(r"[A-Z]([A-Za-z0-9_]){0,254}", resource["name"]):
        yield f"{where}.name: not usable as an identifier (mea-0, lib-0)"


def _report_constraints(report: dict[str, Any], where: str) -> Iterator[str]:
    if report["improvementNotation"]["coding"][0]["code"] not in ("increase", "decrease"):
        yield f"{where}: improvementNotation is bound to increase and decrease"
    strata = [
        stratum
        for group in report["group"]
        for stratifier in group.get("stratifier", [])
        for stratum in stratifier["stratum"]
    ]
    if any(("value" in stratum) == ("component" in stratum) for stratum in strata):
        yield f"{where}: a stratum has a value or components (mrp-2)"
    if (report["type"] == "individual") != ("subject" in report):
        yield f"{where}: an individual report, and no other, is about one subject"
