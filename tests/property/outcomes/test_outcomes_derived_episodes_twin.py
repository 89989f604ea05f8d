"""A slow plain-Python twin of derived courses that shares no code with the frames, on random contacts and courses."""

from __future__ import annotations

from collections import defaultdict

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from unit.outcomes.episode_cases import contact, derive, rule

LAST_DAY = 400
_days = st.one_of(st.integers(-40, 420), st.sampled_from([0, 30, 31, 60, 61, 90, 120, 121, 150]))
_contacts = st.lists(
    st.fixed_dictionaries(
        {
            "day": _days,
            "organization_id": st.sampled_from(["north", "north", "south", None]),
            "practitioner_id": st.sampled_from(["a", "b", None]),
            "attended": st.sampled_from([True, True, True, False, None]),
            "kind": st.sampled_from([None, "treatment", "administrative"]),
            "episode_id": st.sampled_from([None, None, None, "absent", "e-p-0"]),
        }
    ),
    max_size=9,
)
_named = st.lists(
    st.fixed_dictionaries(
        {
            "referral_day": st.one_of(st.none(), st.integers(0, 300)),
            "start_day": st.one_of(st.none(), st.integers(0, 300)),
            "length": st.one_of(st.none(), st.integers(0, 100)),
            "organization_id": st.sampled_from(["north", "south", None]),
        }
    ),
    max_size=2,
)
_diagnoses = st.lists(
    st.fixed_dictionaries(
        {
            "onset_day": st.one_of(st.none(), st.integers(0, 300)),
            "recorded_day": st.one_of(st.none(), st.integers(0, 420)),
            "abatement_day": st.one_of(st.none(), st.none(), st.integers(0, 420)),
            "clinical_status": st.sampled_from([None, "active", "resolved"]),
            "verification_status": st.sampled_from([None, "confirmed", "refuted"]),
            "codes": st.sampled_from([["icd-10-cm|F32.1"], ["x|1", "snomed|5"], ["icd-10-cm|G1"], [], None]),
        }
    ),
    max_size=2,
)
_scores = st.lists(st.tuples(_days, st.sampled_from([None, 3.0, 4.0])), max_size=4)
_person = st.fixed_dictionaries({"contacts": _contacts, "named": _named, "diagnoses": _diagnoses, "scores": _scores})
_rules = st.fixed_dictionaries(
    {
        "gap_days": st.sampled_from([0, 30, 60]),
        "clean_days": st.sampled_from([0, 0, 60, 121, 200]),
        "by": st.sampled_from([[], ["organization"], ["practitioner", "organization"]]),
        "first_score_opens": st.booleans(),
        "ends": st.sampled_from(["last_contact", "gap"]),
        "opens": st.sampled_from(
            [
                {},
                {"not_kinds": ["administrative"]},
                {"kinds": ["treatment"]},
                {"diagnosis": {"codes": ["icd-10-cm|F3", "snomed|5"], "active_within_days": 10, "label": "mood"}},
                {"diagnosis": {"codes": ["snomed|5"], "required": False, "label": "mood"}},
            ]
        ),
    }
)


def has_diagnosis(declared, person, day):
    diagnosis = declared["opens"].get("diagnosis")
    for one in person["diagnoses"] if diagnosis else []:
        codes = one["codes"] or []
        icd = [code for code in diagnosis["codes"] if code.startswith("icd-")]
        if not any(code in diagnosis["codes"] or any(code.startswith(root) for root in icd) for code in codes):
            continue
        if one["verification_status"] == "refuted":
            continue
        begins = next((x for x in (one["onset_day"], one["recorded_day"]) if x is not None), -(10**7))
        noted = begins if one["recorded_day"] is None else one["recorded_day"]
        if begins > LAST_DAY or noted > LAST_DAY:
            continue
        ends = one["abatement_day"]
        if ends is None and one["clinical_status"] == "resolved":
            ends = noted
        if begins <= day + diagnosis.get("active_within_days", 0) and (ends is None or day <= ends):
            return True
    return False


def covering(person, name, one):
    found = []
    for place, course in enumerate(person["named"]):
        days = [day for day in (course["referral_day"], course["start_day"]) if day is not None]
        begins = min(days) if days else -(10**7)
        if one["day"] < begins - 30 or (end_of(course) is not None and one["day"] > end_of(course)):
            continue
        same = one["organization_id"] is not None and one["organization_id"] == course["organization_id"]
        found.append((one["day"] < begins, not same, -begins, f"e-{name}-{place}"))
    return min(found)[-1] if found else None


def end_of(course):
    if course["length"] is None:
        return None
    return (course["start_day"] or 0) + course["length"]


def counted(declared, one):
    opens = declared["opens"]
    if not one["attended"] or ("kinds" in opens and one["kind"] not in opens["kinds"]):
        return False
    return one["kind"] not in opens.get("not_kinds", ())


def runs_of(declared, counting):
    runs = []
    for one in sorted(counting, key=lambda one: (one["day"], one["encounter_id"])):
        if not runs or one["day"] - runs[-1][-1]["day"] > declared["gap_days"]:
            runs.append([])
        runs[-1].append(one)
    return runs


def divided(declared, person, counting, *, ends_known):
    """Courses of contacts that count and share everything that the rule names."""
    diagnosis = declared["opens"].get("diagnosis")
    needed = diagnosis is not None and diagnosis.get("required", True)
    courses = []
    for run in runs_of(declared, counting):
        opening = [one for one in run if not needed or has_diagnosis(declared, person, one["day"])]
        anchor = opening[0]["day"] if opening else run[0]["day"]
        if courses and anchor - courses[-1][0]["day"] < declared["clean_days"]:
            courses[-1] += run
        elif opening:
            courses.append([one for one in run if one["day"] >= anchor])
    return [described(declared, person, course, ends_known=ends_known) for course in courses]


def described(declared, person, course, *, ends_known):
    first, last = course[0]["day"], course[-1]["day"]
    over = ends_known and LAST_DAY - last > declared["gap_days"]
    end = last + (0 if declared["ends"] == "last_contact" else declared["gap_days"])
    return {
        "episode_id": "course:" + min(one["encounter_id"] for one in course if one["day"] == first),
        "start_day": first,
        "end_day": end if over else None,
        "condition": "mood" if has_diagnosis(declared, person, first) else None,
        "organization_id": next((one["organization_id"] for one in course if one["organization_id"]), "unknown"),
        "practitioner_id": next((one["practitioner_id"] for one in course if one["practitioner_id"]), None),
        "span": (first, last + declared["gap_days"]),
    }


def of_contacts(declared, name, person, names):
    courses, belongs, shared = [], {}, defaultdict(list)
    for place, contact_ in enumerate(person["contacts"]):
        one = contact_ | {"encounter_id": f"{name}-{place}"}
        belongs[one["encounter_id"]] = one["episode_id"]
        if one["episode_id"] in names or one["day"] > LAST_DAY:
            continue
        covered = covering(person, name, one)
        if covered:
            belongs[one["encounter_id"]] = covered
        else:
            shared[tuple(one[f"{part}_id"] or "" for part in sorted(declared["by"]))].append(one)
    for contacts in shared.values():
        made = divided(declared, person, [one for one in contacts if counted(declared, one)], ends_known=True)
        courses += made
        for one, course in ((one, course) for one in contacts for course in made):
            if course["span"][0] <= one["day"] <= course["span"][1]:
                belongs[one["encounter_id"]] = course["episode_id"]
    return courses, belongs


def of_scores(declared, name, person):
    if not declared["first_score_opens"] or person["named"]:
        return []
    if any(one["day"] <= LAST_DAY for one in person["contacts"]):
        return []
    days = {}
    for place, (day, value) in enumerate(person["scores"]):
        if value is not None and day <= LAST_DAY:
            days[day] = min(days.get(day, "~"), f"s-{name}-{place}")
    nobody = {"organization_id": None, "practitioner_id": None}
    stand_ins = [nobody | {"encounter_id": one, "day": day} for day, one in days.items()]
    return divided(declared, person, stand_ins, ends_known=False)


def twin(declared, people):
    courses, belongs = [], {}
    names = {f"e-{name}-{place}" for name, person in people.items() for place in range(len(person["named"]))}
    for name, person in people.items():
        made, mine = of_contacts(declared, name, person, names)
        made += of_scores(declared, name, person)
        courses += [course | {"patient_id": name} for course in made]
        belongs |= mine
    return courses, belongs


def columns(course):
    wanted = ("episode_id", "patient_id", "organization_id", "practitioner_id", "start_day", "end_day", "condition")
    return tuple(course[name] for name in wanted)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(declared=_rules, first=_person, second=_person)
def test_courses_are_those_of_the_twin(declared, first, second):
    people = {"p": first, "q": second}
    encounters, episodes, conditions, scores = [], [], [], []
    for name, person in people.items():
        for place, one in enumerate(person["contacts"]):
            encounters.append(contact(patient=name, **one) | {"encounter_id": f"{name}-{place}"})
        for place, one in enumerate(person["named"]):
            row = {key: value for key, value in one.items() if key != "length"}
            episodes.append(row | {"episode_id": f"e-{name}-{place}", "patient_id": name, "end_day": end_of(one)})
        for place, one in enumerate(person["diagnoses"]):
            conditions.append(one | {"condition_id": f"d-{name}-{place}", "patient_id": name})
        for place, (day, value) in enumerate(person["scores"]):
            row = {"assessment_id": f"s-{name}-{place}", "scale": "total", "patient_id": name, "day": day}
            scores.append(row | {"value": value, "instrument": "phq-9", "status": "complete"})
    given_ids = {row["episode_id"] for row in episodes}
    courses, belongs, counts = derive(
        rule(**declared),
        encounters=encounters,
        episodes=episodes,
        conditions=conditions,
        scores=scores,
        last_day=LAST_DAY,
    )
    expected, expected_belongs = twin(declared, people)
    made = [course for course in courses if course["episode_id"] not in given_ids]
    assert sorted(map(columns, made), key=str) == sorted(map(columns, expected), key=str)
    assert belongs == expected_belongs
    assert len(courses) == len(made) + len(given_ids)
    assert counts.derived == len(made)
    # Every contact is accounted for: it kept its course, joined one, opened or joined a derived one, or has none.
    changed = {one["encounter_id"] for one in encounters if belongs[one["encounter_id"]] != one["episode_id"]}
    derived = {name for name in changed if belongs[name].startswith("course:")}
    assert counts.joined == len(changed - derived)
