"""Whatever form an export has, the same people are counted the same; and nonsense costs itself, never the command."""

from __future__ import annotations

import gzip
import json
import random
import uuid
from itertools import groupby

import pytest
from typer.testing import CliRunner

from benchwell.cli import app
from quality_mutations import added, changed, counted, entry, made, official, table_counts, value_sets, without

CASES = {
    "cms159": ("2c7de2e3", "f96a2a48", "b3921225", "230e1741", "3776140d"),
    "cms2": ("328248a7", "bc433eb4", "12786a64"),
    "cms177": ("3f4922e2", "b14e5a78"),
}
SECRET = "Q7-SECRET"


def with_reason_elsewhere(found):
    """One encounter more, whose reason is a reference."""
    found.append({"resourceType": "Condition", "id": "why", "code": made("major-depression")})
    period = {"start": "2026-08-01T08:00:00Z", "end": "2026-08-01T09:00:00Z"}
    reason = [{"reference": "Condition/why"}]
    added("Encounter", status="finished", type=[made("telephone")], period=period, reasonReference=reason)(found)


def people_of(measure):
    changes = (with_reason_elsewhere,) if measure == "cms177" else ()
    return [official(measure, case, f"p{n}", changes) for n, case in enumerate(CASES[measure])]


def bundle(entries, kind="collection"):
    return {"resourceType": "Bundle", "type": kind, "entry": list(entries)}


def flat(people):
    return [one for resources in people for one in resources]


def referring(part, how):
    """Every reference written in another way."""
    if isinstance(part, list):
        return [referring(one, how) for one in part]
    if not isinstance(part, dict):
        return part
    return {
        name: how(one) if name == "reference" and isinstance(one, str) else referring(one, how)
        for name, one in part.items()
    }


def write(folder, name, data):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(data if isinstance(data, str) else json.dumps(data), encoding="utf-8")


def a_bundle_a_person(people, folder):
    for n, resources in enumerate(people):
        write(folder, f"{n}.json", bundle(map(entry, resources)))


def everybody_in_one_bundle_in_any_order(people, folder):
    resources = flat(people)
    random.Random(4).shuffle(resources)
    write(folder, "all.json", bundle(map(entry, resources), "searchset"))


def a_bundle_a_line(people, folder):
    write(folder, "all.ndjson", "\n".join(json.dumps(bundle(map(entry, resources))) for resources in people))


def a_folder_of_single_resources(people, folder):
    for one in flat(people):
        write(folder, f"{one['resourceType']}/{one['id']}.json", one)


def ndjson_by_type_with_windows_line_ends(people, folder):
    by_type = sorted(flat(people), key=lambda one: one["resourceType"])
    for kind, found in groupby(by_type, key=lambda one: one["resourceType"]):
        write(folder, f"{kind}.ndjson", "".join(json.dumps(one) + "\r\n" for one in found))


def compressed_ndjson(people, folder):
    lines = "\n".join(map(json.dumps, reversed(flat(people))))
    (folder / "all.ndjson.gz").write_bytes(gzip.compress(lines.encode()))


def transactions_with_uuids(people, folder):
    for n, resources in enumerate(people):
        names = {
            f"{one['resourceType']}/{one['id']}": f"urn:uuid:{uuid.UUID(int=i)}" for i, one in enumerate(resources)
        }
        entries = [
            {
                "fullUrl": names[f"{one['resourceType']}/{one['id']}"],
                "resource": referring(one, lambda to, names=names: names.get(to, to)),
                "request": {"method": "POST", "url": one["resourceType"]},
            }
            for one in reversed(resources)
        ]
        write(folder, f"{n}.json", bundle(entries, "transaction"))


def references_with_their_server(people, folder):
    a_bundle_a_person(referring(people, lambda to: f"https://madie.cms.gov/{to}"), folder)


def references_with_their_version(people, folder):
    a_bundle_a_person(referring(people, lambda to: f"{to}/_history/3"), folder)


def every_resource_twice(people, folder):
    a_bundle_a_person([resources + resources for resources in people], folder)
    everybody_in_one_bundle_in_any_order(people, folder)


def an_old_version_after_the_new_one(people, folder):
    new = [one | {"meta": {"lastUpdated": "2026-12-01T00:00:00Z"}} for one in flat(people)]
    old = [one | {"meta": {"lastUpdated": "2026-12-01T00:30:00+01:00"}} for one in flat(people)]  # half an hour earlier
    old = [one | {"status": "entered-in-error"} if "status" in one else one for one in old]
    write(folder, "all.ndjson", "\n".join(map(json.dumps, new + old)))


def with_reports_and_other_things(people, folder):
    report = {
        "resourceType": "MeasureReport",
        "id": "m",
        "status": "complete",
        "contained": [{"resourceType": "Patient"}],
    }
    others = [{"resource": report}, {"response": {"status": "201"}}, {"resource": {"resourceType": "Whatever"}}, {}]
    for n, resources in enumerate(people):
        write(folder, f"{n}.json", bundle([*others, *map(entry, resources)]))


def with_a_byte_order_mark(people, folder):
    write(folder, "all.json", "\ufeff" + json.dumps(bundle(map(entry, flat(people))), indent=1))


DELIVERIES = (
    everybody_in_one_bundle_in_any_order,
    a_bundle_a_line,
    a_folder_of_single_resources,
    ndjson_by_type_with_windows_line_ends,
    compressed_ndjson,
    transactions_with_uuids,
    references_with_their_server,
    references_with_their_version,
    every_resource_twice,
    an_old_version_after_the_new_one,
    with_reports_and_other_things,
    with_a_byte_order_mark,
)


@pytest.mark.parametrize("measure", CASES)
def test_the_form_of_an_export_changes_no_count(measure, tmp_path):
    sets, people = value_sets(measure, tmp_path), people_of(measure)

    def delivered(how):
        folder = tmp_path / how.__name__
        folder.mkdir()
        how(people, folder)
        return counted(measure, sets, folder)

    wanted = delivered(a_bundle_a_person)
    assert set(wanted) == {f"p{n}" for n in range(len(people))}
    assert len({tuple(one.values()) for one in wanted.values()}) > 1
    assert {how.__name__: delivered(how) for how in DELIVERIES} == {how.__name__: wanted for how in DELIVERIES}


def is_visit(one):
    return "period" in one


# What is nonsense is not known; the rest of the person still counts.
NONSENSE = {
    "nothing": ((1, 1, 0, 1),),
    "birth that is no day": (changed("Patient", birthDate=SECRET), (0, 0, 0, 0)),
    "born in the year 1": (changed("Patient", birthDate="0001-01-01"), (1, 1, 0, 1)),
    "born after everything": (changed("Patient", birthDate="2030-01-01"), (0, 0, 0, 0)),
    "died at no time": (changed("Patient", deceasedDateTime=SECRET), (1, 1, 0, 1)),
    "visit with a period of text": (changed("Encounter", is_visit, period=SECRET), (0, 0, 0, 0)),
    "visit that ends before it begins": (
        changed("Encounter", is_visit, period={"start": "2025-02-26", "end": "2025-02-25"}),
        (0, 0, 0, 0),
    ),
    "depression since a huge age": (changed("Condition", onsetAge={"value": 1e308, "code": "a"}), (0, 0, 0, 0)),
    "depression since an age below 0": (changed("Condition", onsetAge={"value": -5, "code": "a"}), (0, 0, 0, 0)),
    "scores of thousands of digits": (changed("Observation", valueInteger=10**4000), (1, 1, 0, 0)),
    "scores below everything": (changed("Observation", valueInteger=-(10**400)), (0, 0, 0, 0)),
    "scores as huge quantities": (changed("Observation", valueQuantity={"value": 1e308}), (1, 1, 0, 0)),
    "scores in the year 0": (changed("Observation", effectiveDateTime="0000-01-01"), (0, 0, 0, 0)),
    "scores at the end of time": (changed("Observation", effectiveDateTime="9999-12-31T23:59:59-11:00"), (0, 0, 0, 0)),
    "one more with a subject that is none": (added("Observation", status=5, code=SECRET), (1, 1, 0, 1)),
    "no scores": (without("Observation"), (0, 0, 0, 0)),
}


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    return table_counts("cms159", "2c7de2e3", NONSENSE, tmp_path_factory.mktemp("nonsense"))


@pytest.mark.parametrize("change", NONSENSE)
def test_nonsense_is_not_known(found, change):
    assert tuple(found[change].values()) == NONSENSE[change][-1]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n\n",
        "{",
        "[" * 100_000,
        '{"resourceType":"Bundle","entry":' + '[{"resource":' * 3000,
        "[]",
        "null",
        "5",
        '"x"',
    ],
)
def test_a_file_that_holds_nobody_is_told_so(text, tmp_path):
    sets = value_sets("cms159", tmp_path)
    write(tmp_path, "data/it.json", text)
    done = run(sets, tmp_path / "data")
    assert done.exit_code == 12
    assert "no FHIR" in done.stderr or "no Patient" in done.stderr
    assert "Hint" in done.stderr


def test_a_bad_file_costs_that_file_and_is_counted(tmp_path):
    sets = value_sets("cms159", tmp_path)
    (tmp_path / "data").mkdir()
    a_bundle_a_person(people_of("cms159"), tmp_path / "data")
    write(tmp_path, "data/bad.json", f'{{"resourceType": "Patient", "id": "{SECRET}", "birthDate": ')
    done = run(sets, tmp_path / "data", "--json")
    assert done.exit_code == 0
    printed = json.loads(done.stdout)
    assert set(printed) == {"measure", "version", "period", "valuesets", "subjects", "summary"}
    assert len(printed["subjects"]) == len(CASES["cms159"])
    assert any("could not be read" in note for note in printed["summary"]["notes"])
    assert SECRET not in done.stdout + done.stderr


def test_a_bundle_in_a_bundle_is_not_opened_and_told(tmp_path):
    sets, (first, second, *_) = value_sets("cms159", tmp_path), people_of("cms159")
    inner = {"resource": bundle(map(entry, second))}
    write(tmp_path, "data/it.json", bundle([*map(entry, first), inner]))
    printed = json.loads(run(sets, tmp_path / "data", "--json").stdout)
    assert [one["subject"] for one in printed["subjects"]] == ["p0"]
    assert any(note.startswith("1 Bundles stand inside other Bundles") for note in printed["summary"]["notes"])


@pytest.mark.parametrize("period", ["", "26", "abc", "2026-13", "2026-02-30..2026-12-31", "2026-12-31..2026-01-01"])
def test_a_period_that_is_none_is_told_with_what_to_write(period, tmp_path):
    sets = value_sets("cms159", tmp_path)
    write(tmp_path, "data/it.json", bundle(map(entry, people_of("cms159")[0])))
    done = run(sets, tmp_path / "data", period=period)
    assert done.exit_code not in (0, 1)
    assert "2026-01-01..2026-12-31" in done.stderr or "earlier day first" in done.stderr


def run(sets, source, *more, period="2026"):
    arguments = ["quality", "--measure", "cms159", "--period", period, "--valuesets", sets, source, *more]
    return CliRunner().invoke(app, [str(one) for one in arguments])
