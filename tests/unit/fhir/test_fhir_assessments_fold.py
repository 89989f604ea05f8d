"""Which statements are one assessment, which version counts, and what stays apart."""

from __future__ import annotations

import pyarrow as pa

from fhir_assessments import PHQ9, answer, observation, refer, response, score, take

ITEMS = [0, 1, 2, 3, 2, 1, 0, 1, 2]
LATER = "2026-03-01T15:00:00Z"


def test_the_later_version_counts_wherever_it_stands() -> None:
    old = score(12, meta={"lastUpdated": "2026-03-02T00:00:00Z", "versionId": "9"})
    new = score(14, meta={"lastUpdated": "2026-03-02T00:00:00-01:00", "versionId": "1"})
    for given in ((old, new), (new, old)):
        taken = take(*given)
        assert (taken.only()["total"], taken.reasons) == (14, ["older_version"])
    edits = [score(value, meta={"versionId": str(edit)}) for edit, value in ((10, 14), (9, 12))]
    assert take(*edits).only()["total"] == 14
    assert take({**score(14), "status": "corrected"}, score(12)).only()["total"] == 14
    taken = take(score(12), score(14))
    assert (taken.only()["total"], taken.reasons) == (14, ["conflicting_duplicate"])
    assert take(score(12), score(12)).reasons == ["duplicate_row"]


def test_a_total_of_the_same_instant_belongs_to_the_form() -> None:
    taken = take(response(ITEMS), score(12, at="2026-03-01T10:00:00.25+01:00"))
    assert (taken.only()["items"], taken.only()["total"], taken.findings) == (ITEMS, 12, [])
    assert take(response(ITEMS), score(13)).reasons == ["total_differs"]


def test_an_equal_total_of_the_day_belongs_to_the_form_once() -> None:
    assert take(response(ITEMS), score(12, at="2026-03-01")).only()["total"] == 12
    two = (score(12, "a", at=LATER), score(12, "b", at="2026-03-01T16:00:00Z"))
    assert len(take(response(ITEMS), *two).assessments) == 2
    assert len(take(response(ITEMS), score(11, at=LATER)).assessments) == 2


def test_two_assessments_of_one_day_stay_two() -> None:
    assert len(take(response(ITEMS), response(ITEMS, "s", at=LATER)).assessments) == 2
    assert len(take(score(12, "a"), score(14, "b")).assessments) == 2


def test_answers_are_gathered_by_time_by_panel_or_by_the_form_they_come_from() -> None:
    loose = [answer(code, value, f"i{n}") for n, (code, value) in enumerate(zip(PHQ9, ITEMS, strict=True))]
    one = take(*loose, score(12)).only()
    assert (one["assessment_id"], one["items"], one["total"]) == ("Observation/i0", ITEMS, 12)
    times = [{**each, "effectiveDateTime": f"2026-03-01T09:00:0{n}Z"} for n, each in enumerate(loose)]
    panel = observation("44249-1", "panel", hasMember=refer(*(f"Observation/i{n}" for n in range(9))))
    assert take(*times, panel).only()["items"] == ITEMS
    derived = [{**each, "derivedFrom": refer("QuestionnaireResponse/r")} for each in times]
    absent = take(*derived).only()
    assert (absent["items"], absent["derived_from"]) == (ITEMS, "QuestionnaireResponse/r")
    assert take(*derived, response(ITEMS)).only()["assessment_id"] == "QuestionnaireResponse/r"
    other = [*derived[:-1], {**answer(PHQ9[8], 0, "i8"), "derivedFrom": refer("QuestionnaireResponse/r")}]
    taken = take(*other, response(ITEMS))
    assert (taken.only()["items"], taken.reasons) == (ITEMS, ["conflicting_value"])


def test_two_loose_answers_to_one_item_at_one_time_are_none() -> None:
    taken = take(answer(PHQ9[2], 1, "a"), answer(PHQ9[2], 2, "b"), answer(PHQ9[3], 2, "c"))
    assert taken.only()["items"] == [None, None, None, 2, *[None] * 5]
    assert taken.reasons == ["same_time_twice"]


def test_two_loose_answers_are_a_phq2_unless_a_phq9_is_named_beside_them() -> None:
    two = [answer(PHQ9[0], 1, "a"), answer(PHQ9[1], 2, "b")]
    assert take(*two).only()["instrument"] == "phq-2"
    assert [one["instrument"] for one in take(*two, score(12)).assessments] == ["phq-9"]


def test_a_total_whose_form_is_elsewhere_names_it() -> None:
    one = take(score(12, derivedFrom=refer("QuestionnaireResponse/r"))).only()
    assert one["derived_from"] == "QuestionnaireResponse/r"
    urn = take(score(12, derivedFrom=refer("https://x/fhir/QuestionnaireResponse/r/_history/2"))).only()
    assert urn["derived_from"] == "QuestionnaireResponse/r"


def test_an_assessment_belongs_to_the_course_of_its_contact() -> None:
    contacts = pa.table({"encounter_id": ["e1", "e2"], "episode_id": ["course", None]})
    taken = take(score(12, encounter={"reference": "Encounter/e1"}), encounters=contacts)
    assert taken.only()["episode_id"] == "course"
    other = take(score(12, encounter={"reference": "Encounter/e2"}), score(13, "x", at=LATER), encounters=contacts)
    assert all("episode_id" not in one for one in other.assessments)
