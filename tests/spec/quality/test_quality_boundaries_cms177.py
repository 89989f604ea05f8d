"""CMS177 at its boundaries: an official case, one thing changed, and how many encounters are counted then.

The case is 3f4922e2: born 2015-04-25, four office visits of which two are for major depression: on 2026-03-27 from
14:30 to 15:00, and on 2026-07-12 from 11:30 to 12:00, each with a suicide risk assessment in its middle.
"""

from __future__ import annotations

import pytest

from quality_mutations import added, changed, code, made, table_counts, without

CODES = ("initial-population", "denominator", "numerator")
MARCH, JULY = ("2026-03-27T14:30:00Z", "2026-03-27T15:00:00Z"), ("2026-07-12T11:30:00Z", "2026-07-12T12:00:00Z")
SNOMED = "http://snomed.info/sct"
RISK = code(SNOMED, "225337009")


def in_march(one):
    times = (one.get("performedDateTime"), one.get("period", {}).get("start"))
    return any(time is not None and time.startswith("2026-03") for time in times)


def born(day):
    return changed("Patient", birthDate=day)


def march(**members):
    return changed("Encounter", in_march, **members)


def assessed(**members):
    return changed("Procedure", in_march, **members)


def observed(status="final", **members):
    """The assessment of March as an Observation."""

    def change(found):
        without("Procedure", in_march)(found)
        added("Observation", status=status, code=RISK, **members)(found)

    return change


def fifth(start, end, **members):
    """One encounter more."""
    told = {"status": "finished", "type": [made("telephone")], "reasonCode": [made("major-depression")]} | members
    return added("Encounter", period={"start": start, "end": end}, **{name: one for name, one in told.items() if one})


def pointing(reference, diagnosis="major-depression"):
    def change(found):
        found.append({"resourceType": "Condition", "id": "why", "code": made(diagnosis)})
        fifth(
            "2026-08-01T08:00:00Z", "2026-08-01T09:00:00Z", reasonCode=None, reasonReference=[{"reference": reference}]
        )(found)

    return change


ROWS = {
    "nothing": ((2, 2, 2),),
    # 6 to 16 at the start of the period
    "6 on 1 January": (born("2020-01-01"), (2, 2, 2)),
    "6 on 2 January": (born("2020-01-02"), (0, 0, 0)),
    "17 on 1 January": (born("2009-01-01"), (0, 0, 0)),
    "17 on 2 January": (born("2009-01-02"), (2, 2, 2)),
    "born in a month that leaves it open": (born("2009-01"), (0, 0, 0)),
    "birth not known": (born(None), (0, 0, 0)),
    # the encounters
    **{
        f"one encounter {status}": (march(status=status), (1, 1, 1))
        for status in ("planned", "in-progress", "cancelled", "entered-in-error")
    },
    "one of another kind": (march(type=[code(SNOMED, "1")]), (1, 1, 1)),
    "one for something else": (march(reasonCode=[code(SNOMED, "1")]), (1, 1, 1)),
    "one more": (fifth("2026-08-01T08:00:00Z", "2026-08-01T09:00:00Z"), (3, 3, 2)),
    **{
        f"one more: {kind}": (fifth("2026-08-01T08:00:00Z", "2026-08-01T09:00:00Z", type=[made(kind)]), (3, 3, 2))
        for kind in (
            "office-visit",
            "consultation",
            "diagnostic-evaluation",
            "family-psychotherapy",
            "psychotherapy",
            "psychoanalysis",
            "group-psychotherapy",
        )
    },
    "one on 1 January": (fifth("2026-01-01T00:00:00Z", "2026-01-01T01:00:00Z"), (3, 3, 2)),
    "one since the day before": (fifth("2025-12-31T23:59:59Z", "2026-01-01T01:00:00Z"), (2, 2, 2)),
    "one to 31 December": (fifth("2026-12-31T23:00:00Z", "2026-12-31T23:59:59.999Z"), (3, 3, 2)),
    "one into the next year": (fifth("2026-12-31T23:00:00Z", "2027-01-01T00:00:00Z"), (2, 2, 2)),
    "one in the next year, this year in UTC": (
        fifth("2027-01-01T08:00:00+14:00", "2027-01-01T09:00:00+14:00"),
        (3, 3, 2),
    ),
    "two at the same time": (fifth(*MARCH), (3, 3, 3)),
    # the reason, pointed to
    "reason in a diagnosis": (pointing("Condition/why"), (3, 3, 2)),
    "reason in a version of a diagnosis": (pointing("Condition/why/_history/2"), (3, 3, 2)),
    "reason in a diagnosis of something else": (pointing("Condition/why", "telephone"), (2, 2, 2)),
    "reason in a diagnosis that is not there": (pointing("Condition/nowhere"), (2, 2, 2)),
    "diagnosis of the encounter, no reason": (
        fifth(
            "2026-08-01T08:00:00Z",
            "2026-08-01T09:00:00Z",
            reasonCode=None,
            diagnosis=[{"condition": {"reference": "Condition/3110b40c"}}],
        ),
        (2, 2, 2),
    ),
    # the assessment lies within, to the millisecond
    "as it begins": (assessed(performedDateTime="2026-03-27T14:30:00Z"), (2, 2, 2)),
    "as it ends": (assessed(performedDateTime="2026-03-27T15:00:00.000Z"), (2, 2, 2)),
    "a millisecond before": (assessed(performedDateTime="2026-03-27T14:29:59.999Z"), (2, 2, 1)),
    "a millisecond after": (assessed(performedDateTime="2026-03-27T15:00:00.001Z"), (2, 2, 1)),
    "by another clock": (assessed(performedDateTime="2026-03-28T04:45:00+14:00"), (2, 2, 2)),
    "some time that day": (assessed(performedDateTime="2026-03-27"), (2, 2, 1)),
    "the whole encounter long": (assessed(performedPeriod=dict(zip(("start", "end"), MARCH, strict=True))), (2, 2, 2)),
    "longer than it": (assessed(performedPeriod={"start": MARCH[0], "end": "2026-03-27T15:00:01Z"}), (2, 2, 1)),
    "not ended": (assessed(performedPeriod={"start": MARCH[0]}), (2, 2, 1)),
    "in the other encounter": (assessed(performedDateTime=JULY[0]), (2, 2, 1)),
    "no time": (assessed(performedDateTime=None), (2, 2, 1)),
    # it was made
    **{
        f"assessment {status}": (assessed(status=status), (2, 2, 1))
        for status in ("preparation", "in-progress", "not-done", "on-hold", "stopped", "entered-in-error", "unknown")
    },
    "something else was done": (assessed(code=code(SNOMED, "1")), (2, 2, 1)),
    **{
        f"observed, {status}": (observed(status, effectiveDateTime="2026-03-27T14:45:00Z"), expected)
        for status, expected in (
            ("final", (2, 2, 2)),
            ("amended", (2, 2, 2)),
            ("corrected", (2, 2, 2)),
            ("registered", (2, 2, 1)),
            ("preliminary", (2, 2, 1)),
            ("cancelled", (2, 2, 1)),
            ("entered-in-error", (2, 2, 1)),
        )
    },
    "observed after": (observed(effectiveDateTime="2026-03-27T15:00:01Z"), (2, 2, 1)),
    "observed over a period": (observed(effectivePeriod={"start": MARCH[0], "end": MARCH[1]}), (2, 2, 2)),
    "both done and observed": (
        added("Observation", status="final", code=RISK, effectiveDateTime="2026-03-27T14:45:00Z"),
        (2, 2, 2),
    ),
    "never": (without("Procedure"), (2, 2, 0)),
}


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    return table_counts("cms177", "3f4922e2", ROWS, tmp_path_factory.mktemp("cms177"))


@pytest.mark.parametrize("change", ROWS)
def test_how_many_encounters_are_counted(found, change):
    assert found[change] == dict(zip(CODES, ROWS[change][-1], strict=True))
