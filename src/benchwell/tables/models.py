"""What case-mix models and imputations leave behind: frozen beside the sums."""

from __future__ import annotations

from benchwell.tables.table import INTEGER, NUMBER, TEXT, table

MODEL_TABLES = [
    # Frozen beside `statistics`: what a case-mix model expects of each organization. Adjusted figures come from it.
    table(
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
    table(
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
    table(
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
        calibration_slope=NUMBER,  # on unseen clinics, each at its own level
        ici=NUMBER,
        e50=NUMBER,
        e90=NUMBER,
        r_squared=NUMBER,
        mean_error=NUMBER,
        status=TEXT,  # pass | fail | too_small
        reason=TEXT,
    ),
    # Sequential monitoring, month by month of maturity (M5.4); the frozen path of each organization.
    table(
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
        arl_worse=NUMBER,  # people until a false signal, on average without change
        arl_better=NUMBER,
        signal=TEXT,  # null | worse | better: the path crossed its limit in this month, and starts again at 0
    ),
    # Multiple imputation of follow-up scores (METHODS M1.6): each figure under each shift of what was imputed.
    table(
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
]
