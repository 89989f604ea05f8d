"""What an edition publishes: results of organizations and benchmark records."""

from __future__ import annotations

from benchwell.tables.table import FLAG, INTEGER, NUMBER, TEXT, table

RESULT_COLUMNS = {
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

RESULT_TABLES = [
    table(
        "organization_results",
        ("measure", "organization_id", "period", "stratum", "level"),
        **RESULT_COLUMNS,
    ),
    # Every organization's figure under every adjustment, in the shape of organization_results.
    table(
        "adjusted_results",
        ("measure", "adjustment", "organization_id", "period", "stratum", "level"),
        **RESULT_COLUMNS,
        n_incomplete=INTEGER,
        expected=NUMBER,  # what the model expects of an average organization with these people, in the figure's unit
        ratio=NUMBER,  # observed / expected: comparable with the reference, never between organizations (M3.6)
        ratio_lower=NUMBER,
        ratio_upper=NUMBER,
        ratio_method=TEXT,
        predicted_expected=NUMBER,  # shrunken counterpart of the ratio (M3.7)
        reference=NUMBER,  # all organizations of the same period and level together, under this adjustment
        z=NUMBER,
        z_usual_spread=NUMBER,  # against the usual spread between organizations (M5.1)
        p_value=NUMBER,  # two-sided, of z_usual_spread
        q_value=NUMBER,  # after counting every comparison of the edition (M5.7)
        band=TEXT,  # terms.Light before the gates about missing data
    ),
    # The record of METHODS M4.1: a number without it is not a benchmark.
    table(
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
        interval_method=TEXT,  # jackknife | clinic_bootstrap | clinic_bootstrap_bca | published
        field_reliability=NUMBER,
        provisional=FLAG,
        source=TEXT,
        edition=TEXT,
    ),
]
