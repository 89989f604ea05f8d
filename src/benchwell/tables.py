"""Schemas of every table that crosses a room's wall.

Names follow FHIR and OMOP. Ids are strings, dates are dates, and unknown is null (never 0, never "").
Rooms meet here: a stage takes tables of these shapes and returns tables of these shapes, so no stage
needs to import another.
"""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

TEXT = pa.string()
INTEGER = pa.int64()
NUMBER = pa.float64()
DATE = pa.date32()
FLAG = pa.bool_()


@dataclass(frozen=True)
class Table:
    """A table's name, its record key and its columns in order."""

    name: str
    key: tuple[str, ...]
    schema: pa.Schema

    @property
    def columns(self) -> list[str]:
        """Column names in order."""
        return list(self.schema.names)

    def empty(self) -> pa.Table:
        """A table of this shape without rows.

        >>> TABLES["patients"].empty().num_rows
        0
        """
        return self.schema.empty_table()

    def conform(self, table: pa.Table) -> pa.Table:
        """Order, add (as null) and cast columns to this schema; extra columns are an error.

        Raises:
            ValueError: If `table` has a column that the schema does not know.
        """
        extra = set(table.column_names) - set(self.columns)
        if extra:
            raise ValueError(f"table {self.name} has no column {sorted(extra)}")
        present = set(table.column_names)
        arrays = [
            table[field.name].cast(field.type) if field.name in present else pa.nulls(table.num_rows, field.type)
            for field in self.schema
        ]
        return pa.Table.from_arrays(arrays, schema=self.schema)


# Key columns that may be unknown: an undated characteristic, a rejection of a whole row or file.
# Keys compare null-safe.
_UNKNOWN_IN_KEY = {
    ("characteristics", "date"),
    ("rejections", "row"),
    ("rejections", "column"),
    ("published_rates", "group_type"),
}


def _table(name: str, key: tuple[str, ...], /, **columns: pa.DataType) -> Table:
    required = {column for column in key if (name, column) not in _UNKNOWN_IN_KEY}
    fields = [pa.field(column, kind, nullable=column not in required) for column, kind in columns.items()]
    return Table(name, key, pa.schema(fields))


# Where a record came from. `source_hash` is the SHA-256 of the source's bytes, `source_row` its row (1 = first
# data row): enough to find a record again, nothing about the person.
_PROVENANCE = {"source_hash": TEXT, "source_row": INTEGER}

_CANONICAL = [
    _table(
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
        **_PROVENANCE,
    ),
    _table(
        "practitioners",
        ("practitioner_id",),
        practitioner_id=TEXT,
        organization_id=TEXT,
        discipline=TEXT,
        licensed_year=INTEGER,
        **_PROVENANCE,
    ),
    _table(
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
        deprivation_quintile=INTEGER,
        region=TEXT,
        country=TEXT,
        **_PROVENANCE,
    ),
    _table(
        "characteristics",
        ("patient_id", "name", "date"),
        patient_id=TEXT,
        name=TEXT,
        date=DATE,
        value=NUMBER,
        code=TEXT,
        unit=TEXT,
        **_PROVENANCE,
    ),
    _table(
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
        **_PROVENANCE,
    ),
    _table(
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
        **_PROVENANCE,
    ),
    _table(
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
        **_PROVENANCE,
    ),
    _table(
        "ratings",
        ("rating_id",),
        rating_id=TEXT,
        encounter_id=TEXT,
        rater_id=TEXT,
        scale=TEXT,
        dimension=TEXT,
        value=NUMBER,
        **_PROVENANCE,
    ),
    _table(
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
        **_PROVENANCE,
    ),
    _table(
        "consents",
        ("patient_id", "purpose", "date"),
        patient_id=TEXT,
        purpose=TEXT,
        date=DATE,
        decision=TEXT,  # granted | declined | withdrawn
        **_PROVENANCE,
    ),
    _table(
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
        **_PROVENANCE,
    ),
]

_RESULT_COLUMNS = {
    "measure": TEXT,
    "organization_id": TEXT,
    "period": TEXT,
    "stratum": TEXT,
    "level": TEXT,
    "status": TEXT,  # ok | insufficient | suppressed | no_activity
    "reason": TEXT,
    "n_needed": INTEGER,  # further eligible people needed before a figure can be shown
    "n_eligible": INTEGER,
    "n_followed": INTEGER,
    "n_met": INTEGER,
    "completion": NUMBER,
    "observed": NUMBER,
    "observed_lower": NUMBER,
    "observed_upper": NUMBER,
    "all_eligible": NUMBER,
    "all_eligible_lower": NUMBER,
    "all_eligible_upper": NUMBER,
    "estimated": NUMBER,
    "estimated_lower": NUMBER,
    "estimated_upper": NUMBER,
    "effective_n": NUMBER,
    "bound_worst": NUMBER,
    "bound_best": NUMBER,
    "primary_denominator": TEXT,
    "estimate": NUMBER,  # the primary denominator's figure, before shrinkage
    "lower": NUMBER,
    "upper": NUMBER,
    "variance": NUMBER,  # sampling variance of `estimate` (pooled for proportions)
    "reliability": NUMBER,
    "shrunken": NUMBER,  # EB
    "shrunken_sd": NUMBER,
    "constrained": NUMBER,  # constrained EB
    "adjustment": TEXT,
    "day_p25": NUMBER,
    "day_p50": NUMBER,
    "day_p75": NUMBER,
    "edition": TEXT,
}

_DERIVED = [
    # `day` is days since 1970-01-01, so that windows are integer arithmetic on every engine.
    _table(
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
    _table(
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
    _table(
        "exclusions",
        ("measure", "step", "reason"),
        measure=TEXT,
        step=INTEGER,
        reason=TEXT,
        count=INTEGER,
        remaining=INTEGER,
    ),
    # Frozen sufficient statistics: everything in an edition is computed from these rows and the declarations.
    _table(
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
    _table(
        "organization_results",
        ("measure", "organization_id", "period", "stratum", "level"),
        **_RESULT_COLUMNS,
    ),
    # Frozen beside `statistics`: what a case-mix model expects of each organization. Adjusted figures come from it.
    _table(
        "adjusted_sums",
        ("measure", "adjustment", "denominator", "organization_id", "period", "stratum", "level"),
        measure=TEXT,
        adjustment=TEXT,  # terms.Adjustment, never "unadjusted"
        denominator=TEXT,  # terms.Denominator: whom the model was fitted to and what counts for the missing
        organization_id=TEXT,
        period=TEXT,
        stratum=TEXT,
        level=TEXT,
        n=INTEGER,  # people behind the sums
        n_incomplete=INTEGER,  # of them, people of whom at least one adjuster is unknown
        weight=NUMBER,  # sum of weights: n, unless the denominator is "estimated"
        weight_squared=NUMBER,
        observed=NUMBER,  # weighted sum of outcomes
        expected=NUMBER,  # the same sum as the model expects it of an average organization
        information=NUMBER,  # how fast `expected` moves with the organization's effect: sum of w p (1 - p), or of w
        variance=NUMBER,  # of observed - expected, by chance alone: sum of w^2 p (1 - p), or of w^2 times sigma^2
        direct=NUMBER,  # directly standardized rate (M3.7); null for means, for quarters, and where it has no solution
        direct_variance=NUMBER,
    ),
    _table(
        "coefficients",
        ("measure", "adjustment", "denominator", "term"),
        measure=TEXT,
        adjustment=TEXT,
        denominator=TEXT,
        term=TEXT,
        estimate=NUMBER,  # within clinics: what expectations use (M3.8)
        standard_error=NUMBER,
        between=NUMBER,  # between clinics, for the contrast
        between_standard_error=NUMBER,
        contrast_p=NUMBER,  # small: an adjustment by random effects alone would move results
    ),
    # Out-of-clinic checks (M3.11), overall and by group: a model that fails is not used.
    _table(
        "model_checks",
        ("measure", "adjustment", "stratum", "level"),
        measure=TEXT,
        adjustment=TEXT,
        stratum=TEXT,  # "all", a declared variable, or "clinic size"
        level=TEXT,
        n=INTEGER,
        observed=NUMBER,
        expected=NUMBER,
        ratio=NUMBER,  # observed / expected
        c_statistic=NUMBER,
        brier=NUMBER,
        scaled_brier=NUMBER,
        calibration_in_the_large=NUMBER,
        calibration_slope=NUMBER,
        ici=NUMBER,
        e50=NUMBER,
        e90=NUMBER,
        r_squared=NUMBER,
        mean_error=NUMBER,
        status=TEXT,  # pass | fail | too_small
        reason=TEXT,
    ),
    # Sequential monitoring, month by month of maturity (M5.4); the frozen path of each organization.
    _table(
        "monitoring_months",
        ("measure", "adjustment", "organization_id", "month"),
        measure=TEXT,
        adjustment=TEXT,
        organization_id=TEXT,
        month=TEXT,  # 2026-01, by the day on which the outcome became due
        n=INTEGER,
        adverse=INTEGER,  # people with the unfavorable outcome
        expected=NUMBER,  # of them, as the model expects
        vlad=NUMBER,  # expected - adverse, summed up to the end of the month
        cusum_worse=NUMBER,  # at the end of the month, odds ratio 2
        cusum_worse_peak=NUMBER,  # highest within the month
        cusum_better=NUMBER,  # odds ratio 1/2
        cusum_better_peak=NUMBER,
        limit_worse=NUMBER,
        limit_better=NUMBER,
        arl_worse=NUMBER,  # simulated people until a false signal
        arl_better=NUMBER,
        signal=TEXT,  # null | worse | better: the path crossed its limit in this month, and starts again at 0
    ),
    # Every organization's figure under every adjustment, in the shape of organization_results.
    _table(
        "adjusted_results",
        ("measure", "adjustment", "organization_id", "period", "stratum", "level"),
        **_RESULT_COLUMNS,
        n_incomplete=INTEGER,
        expected=NUMBER,  # what the model expects of an average organization with these people, in the figure's unit
        ratio=NUMBER,  # observed / expected: comparable with the reference, never between organizations (M3.6)
        ratio_lower=NUMBER,
        ratio_upper=NUMBER,
        ratio_method=TEXT,
        predicted_expected=NUMBER,  # shrunken counterpart of the ratio (M3.7)
        reference=NUMBER,  # the figure of all organizations together under this adjustment
        z=NUMBER,
        z_usual_spread=NUMBER,  # against the usual spread between organizations (M5.1)
        p_value=NUMBER,  # two-sided, of z_usual_spread
        q_value=NUMBER,  # after counting every comparison of the edition (M5.7)
        band=TEXT,  # terms.Light before the gates about missing data
    ),
    # The record of METHODS M4.1: a number without it is not a benchmark.
    _table(
        "benchmarks",
        ("benchmark", "adjustment", "kind", "method", "tier", "tier_id", "stratum", "level", "period", "without"),
        benchmark=TEXT,
        measure=TEXT,
        kind=TEXT,  # terms.BenchmarkKind
        method=TEXT,  # p50, p25, top_decile.raw, top_decile.constrained_eb, abc, reference id …
        tier=TEXT,  # organization | region | country | all | external
        tier_id=TEXT,
        stratum=TEXT,
        level=TEXT,
        period=TEXT,
        without=TEXT,  # the organization left out, "" when none
        adjustment=TEXT,
        denominator=TEXT,
        weighting=TEXT,  # unweighted | patients
        population=TEXT,
        status=TEXT,  # ok | insufficient
        reason=TEXT,
        n_organizations=INTEGER,
        n_patients=INTEGER,
        n_followed=INTEGER,
        completeness=NUMBER,
        estimate=NUMBER,
        lower=NUMBER,
        upper=NUMBER,
        standard_error=NUMBER,
        interval_method=TEXT,  # jackknife | clinic_bootstrap | published
        field_reliability=NUMBER,
        provisional=FLAG,
        source=TEXT,
        edition=TEXT,
    ),
    # Multiple imputation of follow-up scores (METHODS M1.6): each figure under each shift of what was imputed.
    _table(
        "imputations",
        ("measure", "organization_id", "period", "stratum", "level", "kappa"),
        measure=TEXT,
        organization_id=TEXT,
        period=TEXT,
        stratum=TEXT,
        level=TEXT,
        kappa=NUMBER,  # points by which the missing did worse than people like them; below zero: better
        m=INTEGER,  # imputations
        n_eligible=INTEGER,
        n_followed=INTEGER,
        estimate=NUMBER,  # Q-bar
        within=NUMBER,  # U-bar
        between=NUMBER,  # B
        total=NUMBER,  # T
        df=NUMBER,  # Barnard-Rubin
        missing_information=NUMBER,  # lambda
        lower=NUMBER,
        upper=NUMBER,
        variance=NUMBER,  # for shrinkage: T with U-bar taken at the field's common proportion or spread
        status=TEXT,  # ok | insufficient
        reason=TEXT,
    ),
    _table(
        "rejections",
        ("source_hash", "row", "column", "reason"),
        source_hash=TEXT,
        file=TEXT,
        row=INTEGER,
        column=TEXT,
        reason=TEXT,  # code; meaning in docs/rejections.md
        action=TEXT,  # rejected | corrected | flagged
    ),
]

CANONICAL: dict[str, Table] = {table.name: table for table in _CANONICAL}
DERIVED: dict[str, Table] = {table.name: table for table in _DERIVED}
TABLES: dict[str, Table] = CANONICAL | DERIVED
