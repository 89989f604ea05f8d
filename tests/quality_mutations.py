"""Official test cases of quality measures, changed in one place each, and counted by the command itself.

A table of changes becomes one source: every row is a person of its own, so that one run of the command judges them all.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from benchwell.cli import app
from benchwell.registry import Registry

Resource = dict[str, Any]
Resources = list[Resource]
Change = Callable[[Resources], None]

OWN = Path(__file__).parent / "fixtures" / "quality"
SNOMED = "http://snomed.info/sct"
_LEFT_OUT = frozenset({"Organization", "Practitioner", "Coverage"})  # they say nothing that these measures ask


@cache
def _read(measure: str, case: str) -> str:
    bundle = json.loads((OWN / measure / f"{case}.json").read_text(encoding="utf-8"))["bundle"]
    found = (entry["resource"] for entry in bundle["entry"])
    return json.dumps([one for one in found if one["resourceType"] not in _LEFT_OUT])


def official(measure: str, case: str, person: str, changes: Iterable[Change] = ()) -> Resources:
    """The resources of an official case under another person's id, changed."""
    found: Resources = json.loads(_read(measure, case))
    for change in changes:
        change(found)
    ids = {one["id"]: f"{person}-{n}" for n, one in enumerate(found) if "id" in one}
    ids |= {one["id"]: person for one in found if one["resourceType"] == "Patient"}
    return [_renamed(one, ids) | {"id": ids[one["id"]]} | _about(one, person) for one in found]


def _about(one: Resource, person: str) -> Resource:
    return {} if one["resourceType"] == "Patient" else {"subject": {"reference": f"Patient/{person}"}}


def _renamed(part: Any, ids: Mapping[str, str]) -> Any:
    if isinstance(part, list):
        return [_renamed(one, ids) for one in part]
    if not isinstance(part, dict):
        return part
    made = {name: _renamed(one, ids) for name, one in part.items()}
    if isinstance(made.get("reference"), str):
        made["reference"] = "/".join(ids.get(piece, piece) for piece in made["reference"].split("/"))
    return made


def changed(kind: str, which: Callable[[Resource], bool] = bool, **members: Any) -> Change:
    """Set members of the resources of a kind; a member that is None goes. A choice such as value goes as a whole."""

    def change(found: Resources) -> None:
        hit = [one for one in found if one["resourceType"] == kind and which(one)]
        assert hit, f"no {kind} to change"
        for one in hit:
            for name, value in members.items():
                _set(one, name, value)

    return change


def _set(one: Resource, name: str, value: Any) -> None:
    for choice in ("value", "effective", "performed", "onset", "abatement", "deceased"):
        if name.startswith(choice):
            for old in [member for member in one if member.startswith(choice)]:
                del one[old]
    if value is None:
        one.pop(name, None)
    else:
        one[name] = copy.deepcopy(value)


def added(kind: str, **members: Any) -> Change:
    """One more resource of the person."""

    def change(found: Resources) -> None:
        found.append({"resourceType": kind, "id": f"added-{len(found)}"} | copy.deepcopy(members))

    return change


def without(kind: str, which: Callable[[Resource], bool] = bool) -> Change:
    """Take resources away."""

    def change(found: Resources) -> None:
        found[:] = [one for one in found if one["resourceType"] != kind or not which(one)]

    return change


def made(value_set: str) -> Resource:
    """A made-up code that stands in a value set of the measure; see `value_sets`."""
    return {"coding": [{"system": SNOMED, "code": f"made-{value_set}"}]}


def code(system: str, text: str) -> Resource:
    """A CodeableConcept of one code."""
    return {"coding": [{"system": system, "code": text}]}


def value_sets(measure: str, folder: Path) -> Path:
    """The value sets of the bundled cases, each with one made-up code more, so that none is empty."""
    bundle = json.loads((OWN / measure / "valuesets.json").read_text(encoding="utf-8"))
    names = {one.oid: name for name, one in Registry.load().quality_measure(measure).value_sets.items()}
    for entry in bundle["entry"]:
        oid = entry["resource"]["url"].rpartition("/")[2]
        if oid in names:
            contains = entry["resource"].setdefault("expansion", {}).setdefault("contains", [])
            contains.append({"system": SNOMED, "code": f"made-{names[oid]}"})
            if names[oid] == "phq-9-tools":
                contains.append({"system": "http://loinc.org", "code": "89204-2"})
    path = folder / f"valuesets-{measure}.json"
    path.write_text(json.dumps(bundle), encoding="utf-8")
    return path


def entry(one: Resource) -> Resource:
    """A resource as an entry of a Bundle."""
    return {"fullUrl": f"https://madie.cms.gov/{one['resourceType']}/{one['id']}", "resource": one}


def counted(measure: str, sets: Path, *sources: Path, period: str = "2026") -> dict[str, dict[str, int]]:
    """What `benchwell quality --json` counts, by person."""
    arguments = ["quality", "--measure", measure, "--period", period, "--valuesets", sets, *sources, "--json"]
    done = CliRunner().invoke(app, [str(one) for one in arguments])
    assert done.exit_code == 0, done.stderr
    return {one["subject"]: one["populations"] for one in json.loads(done.stdout)["subjects"]}


def table_counts(
    measure: str, case: str, rows: Mapping[str, tuple[Any, ...]], folder: Path
) -> dict[str, dict[str, int]]:
    """Every row of a table, (change, ..., expected), as a person of one collection Bundle: counts by row."""
    people = {name: official(measure, case, f"row-{n}", row[:-1]) for n, (name, row) in enumerate(rows.items())}
    bundle = {"resourceType": "Bundle", "type": "collection"}
    bundle["entry"] = [entry(one) for resources in people.values() for one in resources]
    source = folder / f"{measure}-{case}.json"
    source.write_text(json.dumps(bundle), encoding="utf-8")
    found = counted(measure, value_sets(measure, folder), source)
    return {name: found[f"row-{n}"] for n, name in enumerate(rows)}
