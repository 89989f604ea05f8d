"""What comes in: the tables of the lake, named as in FHIR and OMOP."""

from __future__ import annotations

import pyarrow as pa

from benchwell.tables.table import DATE, FLAG, INTEGER, NUMBER, PROVENANCE, TEXT, table

CANONICAL_TABLES = [
    table(
        "organizations",
        ("organization_id",),
        organization_id=TEXT,
        part_of=TEXT,
        name=TEXT,
        kind=TEXT,
        country=TEXT,
        region=TEXT,
        setting=TEXT,
        safety_net=FLAG,
        **PROVENANCE,
    ),
    table(
        "practitioners",
        ("practitioner_id",),
        practitioner_id=TEXT,
        organization_id=TEXT,
        discipline=TEXT,
        licensed_year=INTEGER,
        **PROVENANCE,
    ),
    table(
        "patients",
        ("patient_id",),
        patient_id=TEXT,
        birth_date=DATE,
        birth_year=INTEGER,
        death_date=DATE,
        death_cause=TEXT,
        sex=TEXT,
        gender=TEXT,
        race=TEXT,
        ethnicity=TEXT,
        language=TEXT,
        insurance=TEXT,
        deprivation_quintile=INTEGER,  # 1 = most deprived fifth … 5 = least deprived
        region=TEXT,
        country=TEXT,
        **PROVENANCE,
    ),
    table(
        "characteristics",
        ("patient_id", "name", "date"),
        patient_id=TEXT,
        name=TEXT,
        date=DATE,
        value=NUMBER,
        code=TEXT,
        unit=TEXT,
        **PROVENANCE,
    ),
    table(
        "episodes",
        ("episode_id",),
        episode_id=TEXT,
        patient_id=TEXT,
        organization_id=TEXT,
        practitioner_id=TEXT,
        condition=TEXT,
        therapy=TEXT,
        format=TEXT,
        group_id=TEXT,
        mode=TEXT,
        referral_date=DATE,
        start_date=DATE,
        end_date=DATE,
        end_reason=TEXT,
        **PROVENANCE,
    ),
    table(
        "encounters",
        ("encounter_id",),
        encounter_id=TEXT,
        episode_id=TEXT,
        date=DATE,
        kind=TEXT,
        mode=TEXT,
        attended=FLAG,
        minutes=NUMBER,
        homework_set=FLAG,
        homework_done=NUMBER,
        **PROVENANCE,
    ),
    table(
        "assessments",
        ("assessment_id",),
        assessment_id=TEXT,
        patient_id=TEXT,
        episode_id=TEXT,
        instrument=TEXT,
        scale=TEXT,  # which scale `total` belongs to; null is the instrument's primary scale
        version=TEXT,
        language=TEXT,
        informant=TEXT,
        mode=TEXT,
        reviewed=FLAG,  # a clinician confirmed this one: it wins over another on the same day (M1.1)
        date=DATE,
        time=TEXT,  # local clock time HH:MM[:SS], for the order within a day
        items=pa.list_(NUMBER),
        total=NUMBER,
        unit=TEXT,
        source=TEXT,
        **PROVENANCE,
    ),
    table(
        "ratings",
        ("rating_id",),
        rating_id=TEXT,
        encounter_id=TEXT,
        rater_id=TEXT,
        scale=TEXT,
        dimension=TEXT,
        value=NUMBER,
        **PROVENANCE,
    ),
    table(
        "events",
        ("event_id",),
        event_id=TEXT,
        patient_id=TEXT,
        episode_id=TEXT,
        date=DATE,
        kind=TEXT,
        quantity=NUMBER,
        unit=TEXT,
        amount=NUMBER,
        currency=TEXT,
        **PROVENANCE,
    ),
    table(
        "consents",
        ("patient_id", "purpose", "date"),
        patient_id=TEXT,
        purpose=TEXT,
        date=DATE,
        decision=TEXT,  # granted | declined | withdrawn
        **PROVENANCE,
    ),
    table(
        "published_rates",
        ("source", "organization_id", "group_type", "measure", "period_start"),
        source=TEXT,
        organization_id=TEXT,
        group_type=TEXT,  # which of several overlapping breakdowns this row belongs to; never added up
        measure=TEXT,
        period_start=DATE,
        period_end=DATE,
        state=TEXT,  # published | suppressed | no_activity
        rate=NUMBER,  # fraction in [0, 1]
        denominator=NUMBER,  # as published; null when the source does not state it
        denominator_note=TEXT,  # what the stated number really counts
        n=NUMBER,
        suppressed=FLAG,
        rounding=NUMBER,  # step to which counts were rounded at the source
        rate_rounding=NUMBER,  # step to which the rate was rounded, as a fraction
        **PROVENANCE,
    ),
]
