"""When contacts become one course and when two: small tables in, courses out (METHODS M1.1)."""

from __future__ import annotations

import pytest

from benchwell.registry import Registry
from benchwell.registry.measure import Measure
from unit.outcomes.episode_cases import contact, derive, rule, spans
from unit.outcomes.outcome_cases import day_of

REGISTRY = Registry.load()
EXAMPLES = [
    pytest.param(name, place, id=f"{name}-{place}")
    for name, declared in sorted(REGISTRY.episode_rules.items())
    for place in range(len(declared.examples))
]


@pytest.mark.parametrize(("name", "place"), EXAMPLES)
def test_every_rule_keeps_the_promises_of_its_examples(name, place):
    declared = REGISTRY.episode_rule(name)
    example = declared.examples[place]
    assert set(example) <= {"contacts", "diagnoses", "expect"}
    conditions = [
        {"condition_id": f"d{n}", "patient_id": "p", "codes": ["icd-10-cm|F32.9"], "onset_day": a, "abatement_day": b}
        for n, (a, b) in enumerate(example.get("diagnoses", []))
    ]
    encounters = [contact(day) for day in example["contacts"]]
    courses, _, _ = derive(declared, encounters=encounters, conditions=conditions)
    assert spans(courses) == example["expect"]


@pytest.mark.parametrize("name", sorted(REGISTRY.episode_rules))
def test_no_constant_of_a_rule_claims_a_source_that_nobody_read(name):
    declared = REGISTRY.episode_rule(name)
    assert {"gap_days"} <= set(declared.facts)
    assert all(fact.status == "unchecked" and "our own choice" in fact.note for fact in declared.facts.values())


def test_a_follow_up_visit_of_every_shipped_measure_at_a_fixed_distance_stays_in_the_course_of_the_default_rule():
    def last_day(measure: Measure) -> int:
        window = measure.followup
        return 0 if window is None or window.pick in {"last_observation", "session_k"} else window.to_day

    latest = max(last_day(measure) for measure in REGISTRY.measures.values())
    # A course may claim scores from 30 days before its first day.
    assert latest + 30 < REGISTRY.episode_rule("contacts-120-days").clean_days


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ([0], [[0, 0]]),
        ([0, 30], [[0, 30]]),  # exactly the longest break
        ([0, 31], [[0, 0], [31, 31]]),  # a day more
        ([0, 30, 60, 91], [[0, 60], [91, 91]]),
        ([5, 5, 5], [[5, 5]]),
    ],
)
def test_a_break_longer_than_the_gap_begins_a_new_course(days, expected):
    contacts = [contact(day, encounter_id=f"c{place}") for place, day in enumerate(days)]
    courses, belongs, counts = derive(rule(), encounters=contacts)
    assert spans(courses) == expected
    assert None not in belongs.values()
    assert (counts.derived, counts.joined, counts.without) == (len(expected), 0, 0)


@pytest.mark.parametrize(
    ("first", "second", "courses"),
    [
        ("2024-02-28", "2024-03-29", 1),  # 30 days: 2024 is a leap year
        ("2024-02-28", "2024-03-30", 2),
        ("2023-02-28", "2023-03-30", 1),
        ("2024-02-29", "2024-03-30", 1),
        ("2023-12-15", "2024-01-15", 2),
    ],
)
def test_leap_days_and_turns_of_the_year_are_days_like_others(first, second, courses):
    found, _, _ = derive(rule(), encounters=[contact(day_of(first)), contact(day_of(second))])
    assert len(found) == courses


@pytest.mark.parametrize(
    ("last_day", "end"),
    [(60, None), (40, None), (61, 30), (29, None)],
)
def test_a_course_is_over_once_the_next_contact_would_begin_a_new_one(last_day, end):
    courses, _, _ = derive(rule(), encounters=[contact(0), contact(30)], last_day=last_day)
    assert [row["end_day"] for row in courses] == [end]


def test_the_end_may_be_declared_as_the_end_of_the_break():
    courses, _, _ = derive(rule(ends="gap"), encounters=[contact(0), contact(10)])
    assert spans(courses) == [[0, 40]]


def test_nothing_after_the_day_it_is_seen_from_counts():
    courses, belongs, _ = derive(rule(), encounters=[contact(0), contact(50)], last_day=49)
    assert spans(courses) == [[0, 0]]
    assert belongs == {"p-0": "course:p-0", "p-50": None}


def test_a_missed_appointment_opens_nothing_keeps_nothing_open_and_joins_what_is_open():
    missed = [contact(day, attended=False) for day in (-5, 20, 40, 41)] + [contact(5, attended=None)]
    courses, belongs, counts = derive(rule(), encounters=[contact(0), contact(10), *missed])
    assert spans(courses) == [[0, 10]]
    assert [name for name, course in belongs.items() if course is None] == ["p--5", "p-41"]
    assert counts.without == 2


def test_a_kind_that_does_not_count_opens_nothing():
    declared = rule(opens={"not_kinds": ["administrative"]})
    contacts = [contact(0, kind="administrative"), contact(3, kind=None), contact(6, kind="treatment")]
    assert spans(derive(declared, encounters=contacts)[0]) == [[3, 6]]
    only = rule(opens={"kinds": ["treatment"], "modes": ["video"]})
    contacts = [contact(0, kind="treatment"), contact(3, mode="video"), contact(6, kind="treatment", mode="video")]
    assert spans(derive(only, encounters=contacts)[0]) == [[6, 6]]


def test_a_transfer_stays_one_course_of_the_first_clinic_unless_the_rule_says_otherwise():
    contacts = [contact(0, practitioner_id="a"), contact(10, organization_id="south"), contact(20)]
    courses, _, _ = derive(rule(), encounters=contacts)
    assert [(row["organization_id"], row["practitioner_id"]) for row in courses] == [("north", "a")]
    courses, belongs, _ = derive(rule(by=["organization"]), encounters=contacts)
    assert [(row["organization_id"], row["start_day"], row["end_day"]) for row in courses] == [
        ("north", 0, 20),
        ("south", 10, 10),
    ]
    assert belongs == {"p-0": "course:p-0", "p-10": "course:p-10", "p-20": "course:p-0"}


def test_each_practitioner_may_have_courses_of_their_own_and_an_unknown_one_is_one_of_them():
    contacts = [contact(0, practitioner_id="a"), contact(1, practitioner_id="b"), contact(2), contact(3)]
    courses, _, _ = derive(rule(by=["organization", "practitioner"]), encounters=contacts)
    assert spans(courses) == [[0, 0], [1, 1], [2, 3]]


def test_an_unknown_clinic_is_that_of_the_next_contact_that_names_one_else_the_only_one_there_is():
    contacts = [contact(0, organization_id=None), contact(10, organization_id="south")]
    assert derive(rule(), encounters=contacts)[0][0]["organization_id"] == "south"
    alone = [contact(0, organization_id=None)]
    one = [{"organization_id": "east"}]
    assert derive(rule(), encounters=alone, organizations=one)[0][0]["organization_id"] == "east"
    two = [*one, {"organization_id": "west"}]
    assert derive(rule(), encounters=alone, organizations=two)[0][0]["organization_id"] == "unknown"


@pytest.mark.parametrize(
    ("diagnosis", "expected"),
    [
        ({"codes": ["icd-10-cm|F32.9"], "onset_day": 0}, [[0, 20]]),
        ({"codes": ["x|1", "icd-10-cm|F32"], "onset_day": 0}, [[0, 20]]),
        ({"codes": ["snomed|1"], "onset_day": 0}, [[0, 20]]),
        ({"codes": ["snomed|11"], "onset_day": 0}, []),  # only ICD codes stand for what begins with them
        ({"codes": ["icd-10-cm|F41.1"], "onset_day": 0}, []),
        ({"codes": ["icd-10-cm|F32.9"]}, [[0, 20]]),  # without any date: from the beginning
        ({"codes": ["icd-10-cm|F32.9"], "recorded_day": 15}, [[10, 20]]),  # noted at most 5 days later
        ({"codes": ["icd-10-cm|F32.9"], "recorded_day": 16}, [[20, 20]]),
        ({"codes": ["icd-10-cm|F32.9"], "encounter_id": "p-20"}, [[20, 20]]),
        ({"codes": ["icd-10-cm|F32.9"], "onset_day": -9, "abatement_day": 0}, [[0, 20]]),
        ({"codes": ["icd-10-cm|F32.9"], "onset_day": -9, "abatement_day": -1}, []),
        ({"codes": ["icd-10-cm|F32.9"], "onset_day": -9, "recorded_day": -1, "clinical_status": "resolved"}, []),
        ({"codes": ["icd-10-cm|F32.9"], "onset_day": 0, "verification_status": "refuted"}, []),
        ({"codes": ["icd-10-cm|F32.9"], "onset_day": 0, "recorded_day": 200_000}, []),  # not known yet
        ({"codes": ["icd-10-cm|F32.9"], "onset_day": 0, "patient_id": "other"}, []),
    ],
)
def test_a_course_needs_its_diagnosis_on_the_day_it_opens(diagnosis, expected):
    codes = ["icd-10-cm|F32", "snomed|1"]
    declared = rule(opens={"diagnosis": {"codes": codes, "active_within_days": 5, "label": "depression"}})
    conditions = [{"condition_id": "d", "patient_id": "p"} | diagnosis]
    courses, _, _ = derive(declared, encounters=[contact(0), contact(10), contact(20)], conditions=conditions)
    assert spans(courses) == expected
    assert {row["condition"] for row in courses} <= {"depression"}


def test_a_diagnosis_that_is_not_required_only_names_the_course():
    declared = rule(opens={"diagnosis": {"codes": ["icd-10|F3"], "required": False, "label": "mood"}})
    conditions = [{"condition_id": "d", "patient_id": "p", "codes": ["icd-10|F33.0"], "onset_day": 90}]
    courses, _, _ = derive(declared, encounters=[contact(0), contact(100)], conditions=conditions)
    assert [(row["start_day"], row["condition"]) for row in courses] == [(0, None), (100, "mood")]


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ([0, 99], [[0, 99]]),  # a break, but still within 100 days of the first day
        ([0, 100], [[0, 0], [100, 100]]),
        ([0, 60, 120], [[0, 60], [120, 120]]),  # counted from the first day of the course, not of the last return
        ([0, 60, 120, 219, 220], [[0, 60], [120, 220]]),
        ([0, 60, 120, 180, 260], [[0, 60], [120, 180], [260, 260]]),
    ],
)
def test_a_return_within_the_clean_period_is_the_same_course(days, expected):
    contacts = [contact(day) for day in days]
    assert spans(derive(rule(clean_days=100), encounters=contacts)[0]) == expected


NAMED = {"episode_id": "named", "patient_id": "p", "organization_id": "north", "start_day": 0, "end_day": 100}


@pytest.mark.parametrize(
    ("day", "course"),
    [
        (-31, "course:p--31"),
        (-30, "named"),  # waiting list and first assessment
        (0, "named"),
        (100, "named"),
        (101, "course:p-101"),
    ],
)
def test_a_named_course_takes_the_contacts_of_its_days(day, course):
    courses, belongs, counts = derive(rule(), encounters=[contact(day)], episodes=[NAMED])
    assert belongs == {f"p-{day}": course}
    assert len(courses) == counts.derived + 1 == 1 + (course != "named")
    assert counts.joined == (course == "named")


def test_of_overlapping_named_courses_the_own_clinic_then_the_later_one_takes_a_contact():
    later = NAMED | {"episode_id": "later", "organization_id": "south", "start_day": 50, "end_day": None}
    contacts = [
        contact(30, organization_id="south"),  # before the start of the later course: the earlier one has begun
        contact(60, organization_id="north"),
        contact(70, organization_id="south"),
        contact(80, organization_id="west"),
        contact(90, organization_id=None),
        contact(200, organization_id="north"),
    ]
    courses, belongs, _ = derive(rule(), encounters=contacts, episodes=[NAMED, later])
    assert [belongs[f"p-{day}"] for day in (30, 60, 70, 80, 90, 200)] == [
        *("named", "named", "later", "later", "later", "later")
    ]
    assert len(courses) == 2


def test_a_contact_that_names_a_course_keeps_it_and_one_that_names_an_absent_course_gets_one():
    contacts = [contact(200, episode_id="named"), contact(210, episode_id="never-delivered"), contact(215)]
    courses, belongs, _ = derive(rule(), encounters=contacts, episodes=[NAMED])
    assert belongs == {"p-200": "named", "p-210": "course:p-210", "p-215": "course:p-210"}
    assert [row["episode_id"] for row in courses] == ["course:p-210", "named"]


def test_contacts_without_a_person_or_a_day_are_left_as_they_are():
    contacts = [contact(0, patient_id=None), contact(1) | {"day": None}]
    courses, belongs, counts = derive(rule(), encounters=contacts)
    assert courses == []
    assert set(belongs.values()) == {None}
    assert not counts.applied


def score(day, patient="p", **more):
    row = {"assessment_id": f"{patient}-{day}", "scale": "total", "patient_id": patient, "day": day, "value": 12.0}
    return row | {"instrument": "phq-9", "status": "complete"} | more


def test_a_person_with_only_scores_has_courses_if_the_rule_says_so():
    scores = [score(0), score(0, scale="other"), score(20), score(60), score(61, value=None, status="invalid")]
    declared = rule(first_score_opens=True)
    courses, _, _ = derive(declared, scores=scores, organizations=[{"organization_id": "east"}])
    # Nobody knows when care ended if only scores are known.
    assert [(row["start_day"], row["end_day"], row["organization_id"]) for row in courses] == [
        (0, None, "east"),
        (60, None, "east"),
    ]
    assert derive(rule(), scores=scores)[0] == []


def test_scores_open_nothing_for_people_with_a_contact_a_named_course_or_a_score_that_names_its_course():
    declared = rule(first_score_opens=True)
    scores = [score(0, "seen"), score(0, "named"), score(0, "told", episode_id="e")]
    missed = contact(500, "seen", attended=False)
    courses, _, counts = derive(
        declared, scores=scores, encounters=[missed], episodes=[NAMED | {"patient_id": "named", "end_day": None}]
    )
    assert [row["episode_id"] for row in courses] == ["named"]
    assert (counts.derived, counts.without) == (0, 1)


def test_people_are_never_mixed_and_rows_may_come_in_any_order():
    contacts = [contact(day, patient) for day in (40, 0, 20, 90) for patient in ("q", "p")]
    courses, belongs, _ = derive(rule(), encounters=contacts)
    assert [(row["patient_id"], row["start_day"], row["end_day"]) for row in courses] == [
        ("p", 0, 40),
        ("p", 90, 90),
        ("q", 0, 40),
        ("q", 90, 90),
    ]
    assert all(name[0] == course.removeprefix("course:")[0] for name, course in belongs.items())
