"""CMS159 at its boundaries: an official case, one thing changed, and where the person is counted then.

The case is 2c7de2e3: born 2013-01-01, seen on 2025-02-25 from 14:30 to 14:50 with depression since 14:35 and a PHQ-9 of
10 at 14:35; a PHQ-9 of 3 on 2026-02-19. The assessment period is 2025-12-27 to 2026-04-26, the identification period
2024-11-01 to 2025-10-31.
"""

from __future__ import annotations

import pytest

from quality_mutations import added, changed, code, made, table_counts, without

CODES = ("initial-population", "denominator", "denominator-exclusion", "numerator")
NOBODY, COUNTED, EXCLUDED, REMITTED = (0, 0, 0, 0), (1, 1, 0, 0), (1, 1, 1, 0), (1, 1, 0, 1)
YES = code("http://snomed.info/sct", "373066001")


def is_index(one):
    return one.get("valueInteger") == 10


def is_follow_up(one):
    return one.get("valueInteger") == 3


def index(**members):
    return changed("Observation", is_index, **members)


def follow_up(**members):
    return changed("Observation", is_follow_up, **members)


def visit(start=None, end=None, **members):
    period = {name: at for name, at in (("start", start), ("end", end)) if at}
    return changed("Encounter", **({"period": period} if period else {}), **members)


def depression(**members):
    return changed("Condition", **members)


def person(**members):
    return changed("Patient", **members)


def another_score(score, at, loinc="44261-6", status="final"):
    value = {} if score is None else {"valueInteger": score}
    of = code("http://loinc.org", loinc)
    return added("Observation", status=status, code=of, effectiveDateTime=at, **value)


def status_of(text):
    return code("http://terminology.hl7.org/CodeSystem/any", text)


def care(kind, value_set, *, status=None, **members):
    """Hospice or palliative care of some kind."""
    name = "type" if kind == "Encounter" else "code"
    of = made(value_set)
    told = {} if status is None else {"status": status}
    return added(kind, **{name: [of] if kind == "Encounter" else of}, **told, **members)


def moved_to(day, follow):
    """The whole first day moved, with the follow-up a year later."""
    return (
        person(birthDate="1980-01-01"),
        depression(onsetDateTime=f"{day}T14:35:00Z"),
        visit(f"{day}T14:30:00Z", f"{day}T14:50:00Z"),
        index(effectiveDateTime=f"{day}T14:35:00Z"),
        follow_up(effectiveDateTime=follow),
    )


FIRST, LAST, BEFORE, AFTER = (
    "2024-11-01",
    "2026-04-26",
    "2024-10-31",
    "2026-04-27",
)  # of the time in which care excludes

ROWS = {
    "nothing": (REMITTED,),
    # 60 days either way of twelve months, by day, UTC
    "follow-up 61 days early": (follow_up(effectiveDateTime="2025-12-26T23:59:59.999Z"), COUNTED),
    "follow-up 60 days early": (follow_up(effectiveDateTime="2025-12-27T00:00:00Z"), REMITTED),
    "follow-up 60 days late": (follow_up(effectiveDateTime="2026-04-26T23:59:59.999Z"), REMITTED),
    "follow-up 61 days late": (follow_up(effectiveDateTime="2026-04-27T00:00:00Z"), COUNTED),
    "follow-up on the last day, only the day": (follow_up(effectiveDateTime="2026-04-26"), REMITTED),
    "follow-up in a month that lies inside": (follow_up(effectiveDateTime="2026-03"), REMITTED),
    "follow-up in a month that lies half inside": (follow_up(effectiveDateTime="2026-04"), COUNTED),
    "follow-up the day after, in UTC still the last": (
        follow_up(effectiveDateTime="2026-04-27T09:00:00+14:00"),
        REMITTED,
    ),
    "follow-up on the last day, in UTC the day after": (
        follow_up(effectiveDateTime="2026-04-26T20:00:00-11:00"),
        COUNTED,
    ),
    "follow-up that starts inside and ends after": (
        follow_up(effectivePeriod={"start": "2026-04-26T10:00:00Z", "end": "2026-05-01T10:00:00Z"}),
        REMITTED,
    ),
    "follow-up without a time": (follow_up(effectiveDateTime=None), COUNTED),
    # ends of months
    "31 August and 61 days before 31 August": (*moved_to("2025-08-31", "2026-07-01"), COUNTED),
    "31 August and 60 days before 31 August": (*moved_to("2025-08-31", "2026-07-02"), REMITTED),
    "31 August and 60 days after 31 August": (*moved_to("2025-08-31", "2026-10-30"), REMITTED),
    "31 August and 61 days after 31 August": (*moved_to("2025-08-31", "2026-10-31"), COUNTED),
    "an index day that begins on the other side of midnight": (
        index(effectiveDateTime="2025-02-26T01:00:00+14:00"),  # 2025-02-25 in UTC
        follow_up(effectiveDateTime="2026-04-26"),
        REMITTED,
    ),
    # scores
    "index of 9": (index(valueInteger=9), NOBODY),
    "index of 9.5": (index(valueQuantity={"value": 9.5}), REMITTED),
    "index of 300": (index(valueInteger=300), REMITTED),
    "index longer than any float": (index(valueInteger=10**400), REMITTED),
    "index above a limit, not a number": (index(valueQuantity={"value": 10, "comparator": ">"}), NOBODY),
    "index without a value": (index(dataAbsentReason=status_of("unknown"), valueInteger=None), NOBODY),
    "follow-up of 4": (follow_up(valueInteger=4), REMITTED),
    "follow-up of 4 as a quantity": (follow_up(valueQuantity={"value": 4, "code": "{score}"}), REMITTED),
    "follow-up of 4 as text": (follow_up(valueString="4"), REMITTED),
    "follow-up of 5": (follow_up(valueInteger=5), COUNTED),
    "follow-up of 300": (follow_up(valueInteger=300), COUNTED),
    "follow-up without a value": (follow_up(dataAbsentReason=status_of("unknown"), valueInteger=None), COUNTED),
    "either score a PHQ-9M": (changed("Observation", code=code("http://loinc.org", "89204-2")), REMITTED),
    "a PHQ-2 as follow-up": (follow_up(code=code("http://loinc.org", "55758-7")), COUNTED),
    "a code of the same text in another system": (follow_up(code=code("http://example.org", "44261-6")), COUNTED),
    # the last of several
    "a later 7 the same day": (another_score(7, "2026-02-19T14:30:01Z"), COUNTED),
    "an earlier 7 the same day": (another_score(7, "2026-02-19T14:29:59Z"), REMITTED),
    "a later 7 by another clock": (another_score(7, "2026-02-20T04:30:01+14:00"), COUNTED),
    "a later 7 with the other tool": (another_score(7, "2026-03-01", "89204-2"), COUNTED),
    "a later 7 outside": (another_score(7, "2026-04-27"), REMITTED),
    "a later 7 in error": (another_score(7, "2026-03-01", status="entered-in-error"), REMITTED),
    "a later one without a value": (another_score(None, "2026-03-01"), COUNTED),
    "a later candidate for index": (another_score(20, "2025-02-25T14:45:00Z"), REMITTED),
    "an earlier candidate for index": (another_score(20, "2025-02-18"), REMITTED),
    "an earlier candidate, and the follow-up too late for it": (
        another_score(20, "2025-02-18"),
        follow_up(effectiveDateTime="2026-04-20"),
        COUNTED,
    ),
    "an earlier score of 9": (another_score(9, "2025-02-18"), follow_up(effectiveDateTime="2026-04-20"), REMITTED),
    # statuses
    **{f"index {one}": (index(status=one), REMITTED) for one in ("amended", "corrected")},
    **{
        f"index {one}": (index(status=one), NOBODY)
        for one in ("preliminary", "registered", "cancelled", "entered-in-error", "unknown")
    },
    **{
        f"follow-up {one}": (follow_up(status=one), COUNTED) for one in ("preliminary", "cancelled", "entered-in-error")
    },
    "visit planned": (visit(status="planned"), NOBODY),
    "visit in progress": (visit(status="in-progress"), NOBODY),
    # where the index lies
    "index 7 days before the visit": (index(effectiveDateTime="2025-02-18"), REMITTED),
    "index 8 days before the visit": (index(effectiveDateTime="2025-02-17T23:59:59Z"), NOBODY),
    "index later on the day of the visit": (index(effectiveDateTime="2025-02-25T23:59:59Z"), REMITTED),
    "index the day after the visit": (index(effectiveDateTime="2025-02-26"), NOBODY),
    "index in the month of the visit": (index(effectiveDateTime="2025-02"), NOBODY),
    # the visit
    "visit that ends on the first day": (*moved_to("2024-11-01", "2025-11-01"), REMITTED),
    "visit that ends the day before": (*moved_to("2024-10-31", "2025-10-31"), NOBODY),
    "visit that ends on the last day": (*moved_to("2025-10-31", "2026-10-31"), REMITTED),
    "visit that ends the day after": (*moved_to("2025-11-01", "2026-11-01"), NOBODY),
    "visit that begins before and ends inside": (visit("2024-10-20T08:00:00Z", "2025-02-25T14:50:00Z"), REMITTED),
    "visit that has not ended": (visit("2025-02-25T14:30:00Z"), NOBODY),
    "visit of another kind": (visit(type=[code("http://www.ama-assn.org/go/cpt", "00000")]), NOBODY),
    # the diagnosis
    "depression from the second the visit ends": (depression(onsetDateTime="2025-02-25T14:50:00Z"), REMITTED),
    "depression a second after it ends": (depression(onsetDateTime="2025-02-25T14:50:01Z"), NOBODY),
    "depression since that day, time unknown": (depression(onsetDateTime="2025-02-25"), NOBODY),
    "depression since the day before": (depression(onsetDateTime="2025-02-24"), REMITTED),
    "depression since a period": (depression(onsetPeriod={"start": "2025-01", "end": "2025-03"}), REMITTED),
    "depression since an age": (depression(onsetAge={"value": 11, "code": "a"}), REMITTED),
    "depression since some text": (depression(onsetString="spring"), NOBODY),
    "depression only recorded": (depression(onsetDateTime=None, recordedDate="2025-01-01"), NOBODY),
    "resolved, no abatement, onset before": (
        depression(onsetDateTime="2025-01-01", clinicalStatus=status_of("resolved")),
        NOBODY,
    ),
    "resolved, no abatement, onset inside": (depression(clinicalStatus=status_of("resolved")), REMITTED),
    **{
        f"{one}, onset before": (depression(onsetDateTime="2025-01-01", clinicalStatus=status_of(one)), REMITTED)
        for one in ("recurrence", "relapse")
    },
    "abated the second the visit begins": (
        depression(onsetDateTime="2025-01-01"),
        depression(abatementDateTime="2025-02-25T14:30:00Z"),
        REMITTED,
    ),
    "abated a second before": (
        depression(onsetDateTime="2025-01-01"),
        depression(abatementDateTime="2025-02-25T14:29:59Z"),
        NOBODY,
    ),
    "abating still, resolved": (
        depression(onsetDateTime="2025-01-01", clinicalStatus=status_of("resolved")),
        depression(abatementPeriod={"start": "2025-02-20"}),
        REMITTED,
    ),
    **{
        f"depression {one}": (depression(verificationStatus=status_of(one)), REMITTED)
        for one in ("confirmed", "unconfirmed", "provisional", "differential")
    },
    **{
        f"depression {one}": (depression(verificationStatus=status_of(one)), NOBODY)
        for one in ("refuted", "entered-in-error")
    },
    "depression not verified": (depression(verificationStatus=None), REMITTED),
    "dysthymia": (depression(code=made("dysthymia")), REMITTED),
    # age
    "12 on the index day": (person(birthDate="2013-02-25"), REMITTED),
    "12 the day after": (person(birthDate="2013-02-26"), NOBODY),
    "born in a month that leaves it open": (person(birthDate="2013-02"), NOBODY),
    "born on a leap day, 12 on 29 February, seen on 28": (
        *moved_to("2025-02-28", "2026-02-28"),
        person(birthDate="2012-02-29"),
        REMITTED,
    ),
    "birth not known": (person(birthDate=None), NOBODY),
    # death
    "died on the last day": (person(deceasedDateTime="2026-04-26T23:59:59Z"), EXCLUDED),
    "died the day after": (person(deceasedDateTime=AFTER), REMITTED),
    "died on the last day, the day after in UTC": (person(deceasedDateTime="2026-04-26T20:00:00-05:00"), REMITTED),
    "died, nobody says when": (person(deceasedBoolean=True), REMITTED),
    # other disorders
    **{
        f"{one} begun {when}": (added("Condition", code=made(one), onsetDateTime=at), expected)
        for one in ("bipolar", "labile-personality", "psychosis", "pervasive-developmental")
        for when, at, expected in (
            ("on the last day", LAST, EXCLUDED),
            ("the day after", AFTER, REMITTED),
            ("long before", "1999", EXCLUDED),
        )
    },
    "bipolar refuted": (
        added("Condition", code=made("bipolar"), onsetDateTime="2020", verificationStatus=status_of("refuted")),
        REMITTED,
    ),
    # hospice and palliative care: the edges of the time
    **{
        f"{value_set} {when}": (care(kind, value_set, status=status, **{member: at}), expected)
        for kind, value_set, status, member in (
            ("Procedure", "hospice-ambulatory", "completed", "performedDateTime"),
            ("Procedure", "palliative-intervention", "completed", "performedDateTime"),
            ("Condition", "hospice-diagnosis", None, "onsetDateTime"),
            ("Condition", "palliative-diagnosis", None, "onsetDateTime"),
        )
        for when, at, expected in (
            ("on the first day", FIRST, EXCLUDED),
            ("on the last day", LAST, EXCLUDED),
            ("the day before", BEFORE, REMITTED),
            ("the day after", AFTER, REMITTED),
        )
    },
    **{
        f"{value_set} {when}": (
            care("Encounter", value_set, status="finished", period={"start": start, "end": end}),
            out,
        )
        for value_set in ("hospice-encounter", "palliative-encounter")
        for when, start, end, out in (
            ("to the first day", "2024-10-01", FIRST, EXCLUDED),
            ("to the day before", "2024-10-01", BEFORE, REMITTED),
            ("from the last day", LAST, "2026-06-01", EXCLUDED),
            ("from the day after", AFTER, "2026-06-01", REMITTED),
            ("all the time", "2020-01-01", "2030-01-01", EXCLUDED),
        )
    },
    **{
        f"discharged to {name}, {when}": (
            care(
                "Encounter",
                "inpatient",
                status=status,
                period={"start": "2024-10-01", "end": at},
                hospitalization={"dischargeDisposition": code("http://snomed.info/sct", disposition)},
            ),
            expected,
        )
        for name, disposition, status, when, at, expected in (
            ("hospice at home", "428361000124107", "finished", "first day", FIRST, EXCLUDED),
            ("hospice elsewhere", "428371000124100", "finished", "last day", LAST, EXCLUDED),
            ("hospice at home", "428361000124107", "finished", "day before", BEFORE, REMITTED),
            ("hospice at home", "428361000124107", "finished", "day after", AFTER, REMITTED),
            ("hospice at home", "428361000124107", "in-progress", "in progress", LAST, REMITTED),
            ("home", "306689006", "finished", "inside", LAST, REMITTED),
        )
    },
    # their statuses
    **{
        f"hospice encounter {status}": (
            care("Encounter", "hospice-encounter", status=status, period={"start": FIRST, "end": FIRST}),
            expected,
        )
        for status, expected in (
            ("planned", EXCLUDED),
            ("in-progress", EXCLUDED),
            ("cancelled", REMITTED),
            ("entered-in-error", REMITTED),
            ("unknown", REMITTED),
        )
    },
    "palliative encounter in progress": (
        care("Encounter", "palliative-encounter", status="in-progress", period={"start": FIRST, "end": FIRST}),
        REMITTED,
    ),
    **{
        f"{value_set} {status}": (care("Procedure", value_set, status=status, performedDateTime=FIRST), expected)
        for value_set in ("hospice-ambulatory", "palliative-intervention")
        for status, expected in (
            ("preparation", EXCLUDED),
            ("in-progress", EXCLUDED),
            ("stopped", EXCLUDED),
            ("not-done", REMITTED),
            ("entered-in-error", REMITTED),
            ("unknown", REMITTED),
        )
    },
    **{
        f"hospice ordered: {status}, {intent}, {at}": (
            care("ServiceRequest", "hospice-ambulatory", status=status, intent=intent, authoredOn=at),
            expected,
        )
        for status, intent, at, expected in (
            ("active", "order", FIRST, EXCLUDED),
            ("completed", "original-order", LAST, EXCLUDED),
            ("active", "reflex-order", LAST, EXCLUDED),
            ("active", "filler-order", LAST, EXCLUDED),
            ("active", "instance-order", LAST, EXCLUDED),
            ("active", "order", BEFORE, REMITTED),
            ("active", "order", AFTER, REMITTED),
            ("active", "plan", LAST, REMITTED),
            ("active", "proposal", LAST, REMITTED),
            ("revoked", "order", LAST, REMITTED),
            ("draft", "order", LAST, REMITTED),
        )
    },
    "hospice ordered not to be done": (
        care(
            "ServiceRequest", "hospice-ambulatory", status="active", intent="order", authoredOn=LAST, doNotPerform=True
        ),
        REMITTED,
    ),
    **{
        f"hospice question: {name}": (
            added(
                "Observation",
                code=code("http://loinc.org", "45755-6"),
                status=status,
                effectiveDateTime=at,
                valueCodeableConcept=answer,
            ),
            expected,
        )
        for name, status, at, answer, expected in (
            ("yes on the first day", "final", FIRST, YES, EXCLUDED),
            ("yes on the last day", "amended", LAST, YES, EXCLUDED),
            ("yes the day before", "final", BEFORE, YES, REMITTED),
            ("yes the day after", "final", AFTER, YES, REMITTED),
            ("no", "final", FIRST, code("http://snomed.info/sct", "373067005"), REMITTED),
        )
    },
    "FACIT-Pal on the last day": (another_score(30, LAST, "71007-9"), EXCLUDED),
    "FACIT-Pal the day after": (another_score(30, AFTER, "71007-9"), REMITTED),
    "excluded only if in the denominator": (
        index(valueInteger=9),
        person(deceasedDateTime=FIRST),
        NOBODY,
    ),
    "no visit": (without("Encounter"), NOBODY),
    "no diagnosis": (without("Condition"), NOBODY),
}


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    return table_counts("cms159", "2c7de2e3", ROWS, tmp_path_factory.mktemp("cms159"))


@pytest.mark.parametrize("change", ROWS)
def test_where_the_person_is_counted(found, change):
    assert found[change] == dict(zip(CODES, ROWS[change][-1], strict=True))
