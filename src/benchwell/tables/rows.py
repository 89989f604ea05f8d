"""What is made of rows: scores, outcomes, why some do not count, and the sums that an edition freezes."""

from __future__ import annotations

from benchwell.tables.table import FLAG, INTEGER, NUMBER, TEXT, table

ROW_TABLES = [
    # `day` is days since 1970-01-01, so that windows are integer arithmetic on every engine.
    table(
        "scores",
        ("assessment_id", "scale"),
        assessment_id=TEXT,
        scale=TEXT,
        patient_id=TEXT,
        episode_id=TEXT,
        instrument=TEXT,
        version=TEXT,
        mode=TEXT,
        informant=TEXT,
        day=INTEGER,
        second=INTEGER,  # second of the day, null if unknown
        reviewed=FLAG,
        value=NUMBER,
        status=TEXT,
        reason=TEXT,
    ),
    table(
        "outcomes",
        ("measure", "episode_id"),
        measure=TEXT,
        episode_id=TEXT,
        patient_id=TEXT,
        organization_id=TEXT,
        practitioner_id=TEXT,
        index_day=INTEGER,
        baseline_day=INTEGER,
        baseline=NUMBER,
        followup_day=INTEGER,
        followup=NUMBER,
        status=TEXT,  # terms.OutcomeStatus
        reason=TEXT,  # why excluded, missing … (code)
        eligible=FLAG,  # counted in all_eligible
        met=FLAG,  # null when not followed, or the endpoint is not a yes/no
        value=NUMBER,  # the endpoint's number (change, days, count …), null when not followed
        exposure=NUMBER,  # person-years, for event rates
        change_class=TEXT,  # terms.ChangeClass
        weight=NUMBER,  # inverse probability of follow-up, for followed episodes
    ),
    # The flow adds up: for each measure, the `count` of every reason plus "analysed" equals "episodes".
    table(
        "exclusions",
        ("measure", "step", "reason"),
        measure=TEXT,
        step=INTEGER,
        reason=TEXT,
        count=INTEGER,
        remaining=INTEGER,
    ),
    # Frozen sufficient statistics: everything in an edition is computed from these rows and the declarations.
    table(
        "statistics",
        ("measure", "organization_id", "period", "stratum", "level"),
        measure=TEXT,
        organization_id=TEXT,
        period=TEXT,  # "all", or a quarter such as 2026-Q1 (by index date)
        stratum=TEXT,  # "all", or the declared variable
        level=TEXT,  # "all", or the variable's level; "unknown" is its own level
        n_eligible=INTEGER,
        n_followed=INTEGER,
        n_met=INTEGER,  # among followed; null for measures that are not yes/no
        n_recovered=INTEGER,
        n_improved=INTEGER,
        n_unchanged=INTEGER,
        n_deteriorated=INTEGER,
        sum_value=NUMBER,
        sum_value_squared=NUMBER,
        sum_baseline=NUMBER,
        sum_baseline_squared=NUMBER,
        sum_followup=NUMBER,
        sum_followup_squared=NUMBER,
        sum_baseline_followup=NUMBER,
        sum_exposure=NUMBER,
        sum_weight=NUMBER,
        sum_weight_squared=NUMBER,
        sum_weight_value=NUMBER,  # value, or met as 0/1
        sum_weight_squared_value=NUMBER,
        sum_weight_squared_value_squared=NUMBER,
        day_p25=NUMBER,
        day_p50=NUMBER,
        day_p75=NUMBER,
        published_rate=NUMBER,  # only for official aggregates
        published_denominator=NUMBER,
        state=TEXT,  # row | published | suppressed | no_activity
    ),
    table(
        "rejections",
        ("source_hash", "file", "row", "column", "reason"),
        source_hash=TEXT,
        file=TEXT,
        row=INTEGER,
        column=TEXT,
        reason=TEXT,  # code; meaning in docs/rejections.md
        action=TEXT,  # rejected | corrected | flagged
    ),
]
