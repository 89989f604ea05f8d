"""MeasureReports: the shape that R4 asks for, and figures that agree with each other and with the result."""

from __future__ import annotations

import dataclasses
import datetime as dt
import html
import json
import re

import pytest

from benchwell.publish.measure_report import (
    ReportHead,
    individual_reports,
    measure_reports,
    subject_list_report,
    summary_report,
)
from fhir_shapes import shape_problems
from publish_cases import five_people, populations, quality_measure, result, subject

HEAD = ReportHead("Organization/1", dt.date(2027, 1, 15))
KINDS = ("summary", "subject-list", "individual")


def counts(part) -> dict[str, int]:
    return {one["code"]["coding"][0]["code"]: one["count"] for one in part["population"]}


def test_a_summary_says_how_many_and_what_share():
    report = summary_report(five_people(), HEAD)
    (group,) = report["group"]
    assert counts(group) == populations(5, 5, 1, 1, 1)
    assert list(counts(group)) == [
        "initial-population", "denominator", "denominator-exclusion", "numerator", "denominator-exception"]  # fmt: skip
    assert group["measureScore"] == {"value": pytest.approx(1 / 3)}
    assert (report["type"], report["status"], report["date"]) == ("summary", "complete", "2027-01-15")
    assert report["measure"] == "https://example.org/Measure/T1|1.2.000"
    assert report["period"] == {"start": "2026-01-01", "end": "2026-12-31"}
    assert report["reporter"] == {"reference": "Organization/1"}
    assert report["improvementNotation"]["coding"][0]["code"] == "increase"
    assert "subject" not in report


@pytest.mark.parametrize("kind", KINDS)
def test_strata_add_up_to_their_group_in_every_report(kind):
    for entry in measure_reports(five_people(), HEAD, [kind])["entry"]:
        for group in entry["resource"]["group"]:
            (stratifier,) = group["stratifier"]
            strata = [counts(one) for one in stratifier["stratum"]]
            for code, count in counts(group).items():
                assert sum(one[code] for one in strata) == count


def test_people_in_no_stratum_stand_in_one_of_their_own_so_that_the_sum_holds():
    report = summary_report(result(subject("a", populations(1, 1, 0, 1, 0), None)))
    strata = report["group"][0]["stratifier"][0]["stratum"]
    assert [(one["id"], counts(one)["initial-population"]) for one in strata] == [
        ("age-12-17", 0), ("age-18", 0), ("no-stratum", 1)]  # fmt: skip
    listed = subject_list_report(result(subject("a", populations(1, 1, 0, 1, 0), None)))
    (rest,) = [one for one in listed["group"][0]["stratifier"][0]["stratum"] if one["id"] == "no-stratum"]
    assert rest["population"][0]["subjectResults"] == {"reference": "#list-no-stratum-initial-population"}


def test_strata_that_overlap_are_no_report():
    one = subject("a", populations(1, 1, 0, 1, 0))
    twice = dataclasses.replace(one, strata=(*one.strata, one.strata[1]))
    with pytest.raises(ValueError, match="overlap"):
        summary_report(result(twice))


@pytest.mark.parametrize("counted", [(1, 1, 1, 0, 0), (1, 1, 0, 0, 1), (0, 0, 0, 0, 0)])
def test_where_nobody_could_have_met_it_there_is_no_score(counted):
    report = summary_report(result(subject("a", populations(*counted))))
    assert "measureScore" not in json.dumps(report)
    assert counts(report["group"][0]) == populations(*counted)


def test_every_score_is_the_share_of_the_counts_beside_it():
    checked = 0
    for entry in measure_reports(five_people())["entry"]:
        (group,) = entry["resource"]["group"]
        for part in (group, *group["stratifier"][0]["stratum"]):
            told = counts(part)
            left = told["denominator"] - told["denominator-exclusion"] - told["denominator-exception"]
            assert ("measureScore" in part) == (left > 0)
            if left > 0:
                assert part["measureScore"]["value"] == pytest.approx(told["numerator"] / left)
                checked += 1
    assert checked > 5


def test_a_subject_list_holds_the_people_of_each_population_and_refers_to_their_reports():
    everything = [entry["resource"] for entry in measure_reports(five_people(), HEAD)["entry"]]
    listed = everything[1]
    own = {one["id"]: one["subject"]["reference"] for one in everything[2:]}
    lists = {one["id"]: one for one in listed["contained"]}
    people = {}
    for population in listed["group"][0]["population"]:
        name = population["subjectResults"]["reference"].removeprefix("#")
        entries = [one["item"]["reference"].removeprefix("MeasureReport/") for one in lists[name]["entry"]]
        people[population["code"]["coding"][0]["code"]] = [own[one] for one in entries]
        assert len(entries) == population["count"]
    assert people["denominator-exclusion"] == ["Patient/c"]
    assert people["numerator"] == ["Patient/a"]
    assert people["initial-population"] == [f"Patient/{one}" for one in "abcde"]
    for stratum in listed["group"][0]["stratifier"][0]["stratum"]:
        for population in stratum["population"]:
            assert ("subjectResults" in population) == (population["count"] > 0)


def test_a_person_counts_with_several_encounters_but_is_listed_once():
    made = result(subject("a", populations(3, 3, 0, 2, 0)), subject("b", populations(1, 1, 0, 0, 0)), basis="encounter")
    listed = subject_list_report(made)
    assert counts(listed["group"][0])["numerator"] == 2
    (people,) = [one for one in listed["contained"] if one["id"] == "list-numerator"]
    assert len(people["entry"]) == 1
    assert "2 of 4 encounters (50.0%)" in listed["text"]["div"]


def test_individual_reports_are_of_everybody_who_was_read():
    reports = list(individual_reports(five_people(), HEAD))
    assert [one["subject"]["reference"] for one in reports] == [f"Patient/{one}" for one in [*"abcde", "outside"]]
    assert counts(reports[-1]["group"][0]) == populations(0, 0, 0, 0, 0)
    assert len({one["id"] for one in reports}) == 6
    assert [one["code"]["text"] for one in reports[0]["contained"]] == ["sde-race", "sde-sex"]
    assert reports[0]["contained"][0]["valueCodeableConcept"]["coding"][0]["code"] == "2106-3"
    assert "contained" not in reports[3]


def test_supplemental_data_count_the_initial_population_and_no_one_else():
    report = summary_report(five_people())
    told = {
        (one["code"].get("text") or one["code"]["coding"][0]["code"]): one["valueInteger"]
        for one in report["contained"]
    }
    assert told == {"2106-3": 1, "female": 2, "male": 2}


def test_the_report_says_what_it_claims_and_how_many_are_not_known():
    report = summary_report(five_people())
    assert html.escape("Aligned with T1 & T2, not certified.", quote=False) in report["text"]["div"]
    assert "1 of 3 people (33.3%); a higher share is better." in report["text"]["div"]
    assert "One note." in report["text"]["div"]
    (denominator,) = [one for one in report["group"][0]["population"] if counts_code(one) == "denominator"]
    assert denominator["extension"][1]["valueMarkdown"].startswith("1 of 3 (")


def counts_code(population) -> str:
    return population["code"]["coding"][0]["code"]


def test_incomplete_value_sets_do_not_get_the_official_name():
    report = summary_report(dataclasses.replace(five_people(), official=False))
    assert "example.org/Measure/T1" not in json.dumps(report)
    assert report["measure"].startswith("urn:uuid:")
    assert report["measure"].endswith("|3")
    assert "Not Official test" in report["text"]["div"]


def test_a_profile_is_claimed_only_with_what_it_asks_for():
    assert summary_report(five_people(), HEAD)["meta"]["profile"] == [
        "http://hl7.org/fhir/uv/deqm/StructureDefinition/deqm-summarymeasurereport"
    ]
    for head in (None, ReportHead(), ReportHead(reporter="Organization/1"), ReportHead(date=dt.date(2027, 1, 1))):
        assert "meta" not in summary_report(five_people(), head)


def test_the_same_result_gives_the_same_report_and_a_time_needs_an_offset():
    assert measure_reports(five_people()) == measure_reports(five_people())
    at = ReportHead("Organization/1", dt.datetime(2027, 1, 15, 9, 30, tzinfo=dt.UTC))
    assert summary_report(five_people(), at)["date"] == "2027-01-15T09:30:00+00:00"
    with pytest.raises(ValueError, match="offset"):
        summary_report(five_people(), ReportHead("Organization/1", dt.datetime(2027, 1, 15)))


def test_ids_are_ids_whatever_a_person_is_called_and_tell_no_name():
    odd = result(subject("ä/ 1|2", populations(1, 1, 0, 1, 0)))
    for entry in measure_reports(odd)["entry"]:
        assert re.fullmatch(r"[A-Za-z0-9\-.]{1,64}", entry["resource"]["id"])


def test_a_measure_without_strata_or_people_is_a_report_too():
    empty = summary_report(result())
    assert counts(empty["group"][0]) == populations(0, 0, 0, 0, 0)
    assert "stratifier" not in empty["group"][0]
    assert "0 of 0 people; a higher" in empty["text"]["div"]


@pytest.mark.parametrize("head", [None, HEAD])
@pytest.mark.parametrize(
    "made", [five_people(), result(), result(subject("a", populations(2, 2, 0, 1, 0)), basis="encounter")]
)
def test_every_report_has_the_shape_of_r4(head, made):
    bundle = measure_reports(made, head)
    assert shape_problems(bundle) == []
    assert len(bundle["entry"]) == 2 + len(made.subjects)


def test_the_case_measure_is_what_the_tests_think():
    assert quality_measure().has_exceptions
    assert quality_measure("encounter").counted == "visit"
