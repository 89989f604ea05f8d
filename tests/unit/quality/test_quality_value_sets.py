"""Value sets: whole ones come in from every form, and what is not whole refuses the measure's name."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from benchwell.errors import ValueSetError
from benchwell.quality.value_set_listing import set_address, set_key, version_order
from benchwell.quality.value_sets import load_value_sets

SHARED = Path(__file__).parents[3] / "../shared/conformance"
OID = "2.16.840.1.113883.3.67.1.101.1.263"
PHQ = {"loinc|44261-6", "loinc|89204-2"}
TEXT_EXPORT = (
    "Value Set Name\tPHQ 9 and PHQ 9M Tools\n"
    "Code System\tLOINC\n"
    f"OID\t{OID}\n"
    "Type\tExtensional\n"
    "Definition Version\t20220219\n"
    "Steward\tSomebody\n\n"
    "Code\tDescription\tCode System\tCode System Version\tCode System OID\tTTY\n"
    "44261-6\tTotal score\tLOINC\t2.72\t2.16.840.1.113883.6.1\tLN\n"
    "89204-2\tTotal score, teen\tLOINC\t2.72\t2.16.840.1.113883.6.1\tLN\n"
)
XML_EXPORT = f"""<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<ns0:RetrieveMultipleValueSetsResponse xmlns:ns0="urn:ihe:iti:svs:2008">
  <ns0:DescribedValueSet ID="{OID}" displayName="PHQ 9 and PHQ 9M Tools" version="20220219">
    <ns0:ConceptList>
      <ns0:Concept code="44261-6" codeSystem="2.16.840.1.113883.6.1" codeSystemName="LOINC" displayName="x"/>
      <ns0:Concept code="89204-2" codeSystem="2.16.840.1.113883.6.1" codeSystemName="LOINC" displayName="y"/>
    </ns0:ConceptList>
    <ns0:Type>Extensional</ns0:Type>
  </ns0:DescribedValueSet>
</ns0:RetrieveMultipleValueSetsResponse>"""


def loinc(*codes: str) -> list[dict[str, Any]]:
    return [{"system": "http://loinc.org", "code": code} for code in codes]


def value_set(**more: Any) -> dict[str, Any]:
    expansion = {"total": 2, "contains": loinc("44261-6", "89204-2")}
    return {"resourceType": "ValueSet", "url": set_address(OID), "version": "20220219", "expansion": expansion, **more}


@pytest.fixture
def load(tmp_path):
    def load(*resources: Any):
        for number, resource in enumerate(resources):
            (tmp_path / f"{number}.json").write_text(json.dumps(resource))
        return load_value_sets([tmp_path])

    return load


def refused(sets, **more: Any) -> str:
    with pytest.raises(ValueSetError) as problem:
        sets.require(OID, title="PHQ tools", measure="cms159", **more)
    assert problem.value.exit_code == 26
    text = str(problem.value)
    for part in ("cms159", "PHQ tools", OID, "VSAC"):
        assert part in text
    return text


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("one.json", json.dumps(value_set()).encode()),
        ("bundle.json", json.dumps({"resourceType": "Bundle", "entry": [{"resource": value_set()}]}).encode()),
        ("lines.ndjson", (json.dumps({"resourceType": "Patient"}) + "\n" + json.dumps(value_set()) + "\n").encode()),
        ("lines.json.gz", gzip.compress(json.dumps(value_set()).encode())),
        ("vsac.txt", TEXT_EXPORT.encode()),
        ("vsac.csv", b"\xef\xbb\xbf" + TEXT_EXPORT.replace("score, teen", "score").replace("\t", ",").encode()),
        ("unicode.txt", TEXT_EXPORT.encode("utf-16")),
        ("svs.xml", XML_EXPORT.encode()),
        ("svs16.xml", XML_EXPORT.replace("UTF-8", "UTF-16").encode("utf-16")),
    ],
)
def test_every_form_gives_the_same_codes(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    used = load_value_sets([tmp_path / name]).require(OID, title="PHQ tools", version="20220219")
    assert used.codes == PHQ
    assert (used.url, used.version, used.count, used.notes) == (set_address(OID), "20220219", 2, ())


def test_a_workbook_has_information_and_codes_on_two_sheets(tmp_path):
    before, after = TEXT_EXPORT.split("\n\n")
    with xlsxwriter.Workbook(tmp_path / "vsac.xlsx") as book:
        for title, text in (("Value Set Info", before), ("Expansion List", after)):
            sheet = book.add_worksheet(title)
            for number, line in enumerate(text.splitlines()):
                sheet.write_row(number, 0, line.split("\t"))
    assert load_value_sets([tmp_path / "vsac.xlsx"]).require(OID, title="x").codes == PHQ


def test_an_archive_is_read_member_by_member(tmp_path):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("release/one.json", json.dumps(value_set()))
        archive.writestr("release/readme.pdf", "not read")
    (tmp_path / "all.zip").write_bytes(packed.getvalue())
    assert load_value_sets([tmp_path / "all.zip"]).require(OID, title="x").codes == PHQ


def test_many_sets_of_one_table_are_told_apart_by_their_column(tmp_path):
    (tmp_path / "all.csv").write_text(
        "Value Set Name,Value Set OID,Definition Version,Code,Description,Code System,Code System OID\n"
        f"Tools,{OID},20220219,44261-6,,LOINC,2.16.840.1.113883.6.1\n"
        "Visits,1.2.3,2024,G0101,,HCPCS Level II,2.16.840.1.113883.6.285\n"
        "Visits,1.2.3,2024,90791,,CPT,2.16.840.1.113883.6.12\n"
        "Visits,1.2.3,2024,x,,Own codes,2.16.9.9\n"
    )
    sets = load_value_sets([tmp_path])
    assert len(sets) == 2
    assert sets.require("1.2.3", title="Visits").codes == {"hcpcs|G0101", "cpt|90791", "urn:oid:2.16.9.9|x"}


def test_several_sets_follow_each_other_in_one_text(tmp_path):
    (tmp_path / "two.txt").write_text(TEXT_EXPORT + "\n" + TEXT_EXPORT.replace(OID, "1.2.3").replace("89204-2", "1-8"))
    sets = load_value_sets([tmp_path])
    assert sets.require(OID, title="a").codes == PHQ
    assert sets.require("urn:oid:1.2.3", title="b").codes == {"loinc|44261-6", "loinc|1-8"}


@pytest.mark.parametrize("name", [OID, f"urn:oid:{OID}", set_address(OID), set_address(OID) + "|20220219"])
def test_a_set_is_found_by_every_form_of_its_name(load, name):
    sets = load(value_set())
    assert name in sets
    assert sets.require(name, title="x").codes == PHQ


def test_a_version_that_was_asked_for_is_used_else_the_latest_which_is_told(load):
    old = value_set(version="20170504", expansion={"total": 1, "contains": loinc("44261-6")})
    sets = load(value_set(), old)
    assert sets.require(OID, title="x", version="20170504").count == 1
    latest = sets.require(OID, title="PHQ tools")
    assert latest.version == "20220219"
    assert latest.notes == ("PHQ tools: version 20220219 was used, of 20170504, 20220219",)
    assert sets.versions(OID) == ["20170504", "20220219"]


def test_a_version_that_is_not_loaded_is_refused_and_the_loaded_ones_are_named(load):
    assert "in version 20220219, but not in version 2030" in refused(load(value_set()), version="2030")


def test_a_missing_set_is_refused(load):
    assert "is not loaded" in refused(load(value_set(url="http://example.org/other")))


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"expansion": {"total": 3, "contains": loinc("44261-6", "89204-2")}}, "2 of 3 codes"),
        ({"expansion": {"total": 3, "offset": 2, "contains": loinc("1-8")}}, "0 of 3 codes"),
        ({"expansion": {"contains": []}}, "is empty"),
        ({"expansion": {}}, "is empty"),
        ({"expansion": {"parameter": [{"name": "count", "valueInteger": 1}], "contains": loinc("1-8")}}, "page of 1"),
        (
            {
                "expansion": {
                    "extension": [
                        {
                            "url": "http://hl7.org/fhir/StructureDefinition/valueset-toocostly",
                            "valueBoolean": True,
                        }
                    ],
                    "contains": loinc("1-8"),
                }
            },
            "too large to expand",
        ),
        (
            {
                "expansion": {
                    "extension": [{"url": "http://hl7.org/fhir/StructureDefinition/valueset-unclosed"}],
                    "contains": loinc("1-8"),
                }
            },
            "not closed",
        ),
        ({"expansion": {"contains": [{"system": "http://loinc.org", "code": 44261}]}}, "not text"),
        ({"meta": {"tag": [{"code": "SUBSETTED"}]}}, "subset"),
        ({"expansion": None}, "without an expansion"),
        ({"expansion": None, "compose": {"include": [{"system": "http://loinc.org"}]}}, "without an expansion"),
        (
            {"expansion": None, "compose": {"include": [{"system": "s", "filter": [{"property": "x"}]}]}},
            "without an expansion",
        ),
        ({"expansion": None, "compose": {"include": [{"valueSet": ["http://example.org/x"]}]}}, "without an expansion"),
        (
            {"expansion": None, "compose": {"include": [{"concept": loinc("1-8")}], "exclude": [{"system": "s"}]}},
            "without an expansion",
        ),
    ],
)
def test_what_is_not_whole_is_refused_with_the_reason(load, more, said):
    assert said in refused(load(value_set(**more)))


def test_a_set_with_fewer_codes_than_it_must_have_is_refused(load):
    assert "2 codes in 0.json, fewer than the 79" in refused(load(value_set()), least=79)


def test_two_statements_of_one_version_that_differ_are_refused(load):
    other = value_set(expansion={"total": 1, "contains": loinc("44261-6")})
    assert "different ways" in refused(load(value_set(), other))


def test_a_whole_list_beside_a_cut_one_is_used(load):
    cut = value_set(expansion={"total": 2, "contains": loinc("44261-6")})
    assert load(cut, value_set(), value_set()).require(OID, title="x").codes == PHQ


def test_pages_of_one_expansion_make_a_whole_and_a_gap_does_not(load, tmp_path):
    def page(offset: int, *codes: str) -> dict[str, Any]:
        return value_set(expansion={"total": 5, "offset": offset, "contains": loinc(*codes)})

    first, second, third = page(0, "a", "b"), page(2, "c", "d"), page(4, "e")
    assert load(third, first, second).require(OID, title="x").count == 5
    (tmp_path / "2.json").unlink()
    assert "2 of 5 codes" in refused(load_value_sets([tmp_path]))


def test_a_set_that_states_to_be_empty_is_whole_and_said_to_match_nothing(load):
    used = load(value_set(expansion={"total": 0, "contains": []})).require(OID, title="Visits")
    assert used.codes == frozenset()
    assert used.notes == ("Visits: the loaded set states that it has no codes, so it never matches",)


def test_groups_count_as_nodes_but_are_no_codes_and_inactive_codes_count(load):
    nested = {
        "total": 4,
        "contains": [
            {"display": "group", "contains": [*loinc("44261-6"), {**loinc("89204-2")[0], "inactive": True}]},
            {"system": "http://loinc.org", "code": "abstract", "abstract": True},
        ],
    }
    assert load(value_set(expansion=nested)).require(OID, title="x").codes == PHQ


def test_listed_codes_serve_without_an_expansion(load):
    compose = {"include": [{"system": "https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets", "concept": [
        {"code": "G0101"}]}, {"system": "http://example.org/own", "concept": [{"code": "1"}]}]}  # fmt: skip
    used = load(value_set(expansion=None, compose=compose)).require(OID, title="x")
    assert used.codes == {"hcpcs|G0101", "http://example.org/own|1"}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{"resourceType": "ValueSet", ', "not JSON"),
        (b'{"resourceType": "ValueSet"}\n{"resource', "line 2"),
        (b"<broken", "not XML"),
        (b"\x1f\x8b\x08\x00", "cut off or damaged"),
        (gzip.compress(b"{" * 400, mtime=0)[:10] + b"\xff" * 20, "cut off or damaged"),
        (b"PK\x03\x04broken", "cut off, damaged or locked"),
        (b'{"a":' * 100_000, "nested too deeply"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1broken", "not an Excel workbook"),
        (b"Code,Code System\n1-8,LOINC\n", "nowhere the OID"),
        (b"just text", "holds no value set"),
        (b"", "holds no value set"),
        (b'{"resourceType": "Patient"}', "holds no value set"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path, content, said):
    (tmp_path / "sets.bin").write_bytes(content)
    with pytest.raises(ValueSetError, match=said) as problem:
        load_value_sets([tmp_path / "sets.bin"])
    assert "sets.bin" in str(problem.value)


@pytest.mark.parametrize(
    ("line", "version"),
    [("Definition Version: 20220219", "20220219"), ("Remarks: none", None), ("OID\tnot an OID", None)],
)
def test_lines_before_a_table_may_be_of_one_cell_and_others_are_passed_over(tmp_path, line, version):
    (tmp_path / "own.txt").write_text(f"OID\t{OID}\n{line}\nCode\tCode System\n1-8\tLOINC\n\tLOINC\n")
    assert load_value_sets([tmp_path]).require(OID, title="x").version == version


def test_a_list_of_resources_is_read_and_what_is_no_resource_is_passed_over(load):
    assert load([value_set(), "text", 7]).require(OID, title="x").codes == PHQ


def test_other_parameters_of_an_expansion_say_nothing(load):
    told = {"parameter": [{"name": "excludeNested", "valueBoolean": True}], "contains": loinc("44261-6", "89204-2")}
    closed = [{"url": "http://hl7.org/fhir/StructureDefinition/valueset-unclosed", "valueBoolean": False}]
    assert load(value_set(expansion=told | {"extension": closed})).require(OID, title="x").codes == PHQ


def test_a_path_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ValueSetError, match="cannot be read"):
        load_value_sets([tmp_path / "none.json"])


def test_a_stated_number_of_codes_of_a_table_is_held_to(tmp_path):
    (tmp_path / "cut.txt").write_text(TEXT_EXPORT.replace("Type\tExtensional", "Code Count\t79"))
    with pytest.raises(ValueSetError, match="2 of 79 codes"):
        load_value_sets([tmp_path]).require(OID, title="x")


def test_numbers_that_lost_their_digits_are_refused(tmp_path):
    with xlsxwriter.Workbook(tmp_path / "vsac.xlsx") as book:
        sheet = book.add_worksheet()
        for number, row in enumerate((["OID", OID], ["Code", "Code System"], [90791, "CPT"], [2.0**60, "SNOMEDCT"])):
            sheet.write_row(number, 0, row)
    with pytest.raises(ValueSetError, match="row 4: a code was stored as a number"):
        load_value_sets([tmp_path])


def test_versions_sort_as_numbers():
    assert sorted(["2.9", "2.10", None, "Draft", "20170504"], key=version_order) == [
        None, "Draft", "2.9", "2.10", "20170504"]  # fmt: skip
    assert set_key(" http://example.org/x/|3 ") == ("http://example.org/x", "3")


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared conformance material is not beside this clone")
@pytest.mark.parametrize(("suite", "count"), [("cms159", 16), ("cms2", 11), ("cms177", 9)])
def test_the_minimal_sets_of_the_official_cases_are_whole(suite, count):
    path = SHARED / suite / "valuesets-minimal.json"
    sets = load_value_sets([path])
    assert len(sets) == count
    for entry in json.loads(path.read_text())["entry"]:
        stated = entry["resource"]
        used = sets.require(stated["url"], title=stated["title"], version=stated["version"])
        assert used.count == stated["expansion"]["total"]
