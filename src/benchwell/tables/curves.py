"""What an edition freezes of expected courses; only in editions of workspaces that switched them on."""

from __future__ import annotations

from benchwell.tables.table import FLAG, INTEGER, NUMBER, TEXT, table

CURVE_TABLES = [
    # One row per declared curve, whether it is served or not, and why not (METHODS M6.1).
    table(
        "response_curves",
        ("curve",),
        curve=TEXT,
        instrument=TEXT,
        scale=TEXT,
        better=TEXT,  # terms.Better
        scale_min=NUMBER,
        scale_max=NUMBER,
        clock=TEXT,  # weeks | sessions
        horizon=NUMBER,
        boundary=NUMBER,  # share of people expected within the boundary
        start=NUMBER,  # the population started at this score or worse; null: everybody
        status=TEXT,  # ok | insufficient | failed: only "ok" is served
        reason=TEXT,
        n_people=INTEGER,  # of the population
        n_fitted=INTEGER,  # people the model was fitted to
        n_scores=INTEGER,  # scores it was fitted to
        n_organizations=INTEGER,
        intercept=NUMBER,  # points, at the first occasion
        slope=NUMBER,  # points per unit of log(weeks + 1) or log(session)
        intercept_se=NUMBER,
        slope_se=NUMBER,
        intercept_variance=NUMBER,
        covariance=NUMBER,
        slope_variance=NUMBER,
        residual_variance=NUMBER,
    ),
    # What people with a similar start did: counts at the end of the course.
    table(
        "response_starts",
        ("curve", "band"),
        curve=TEXT,
        band=TEXT,
        band_lower=NUMBER,  # first score, inclusive
        band_upper=NUMBER,
        n_people=INTEGER,  # with a score at the end; null: too few to show
        n_responded=INTEGER,
        n_remitted=INTEGER,  # null: no declared cut-off, or too few
    ),
    # The expected range by first score and occasion, and what was seen there.
    table(
        "response_bands",
        ("curve", "band", "occasion"),
        curve=TEXT,
        band=TEXT,
        occasion=NUMBER,
        baseline=NUMBER,  # first score that the model's figures are of: the middle of the band
        mean=NUMBER,
        lower=NUMBER,
        upper=NUMBER,
        n_people=INTEGER,  # of the band with a score at this occasion; null: too few to show
        empirical_lower=NUMBER,  # percentiles of what was seen; null below gates.empirical_band
        empirical_median=NUMBER,
        empirical_upper=NUMBER,
    ),
    # What the early-change rule and "review" were followed by (METHODS M6.3), on clinics that the fit did not see.
    table(
        "early_changes",
        ("curve", "rule", "occasion"),
        curve=TEXT,
        rule=TEXT,  # early_change | review
        occasion=NUMBER,
        within=NUMBER,
        share=NUMBER,  # of the way, for early_change
        status=TEXT,  # ok | insufficient
        n_people=INTEGER,
        tp=INTEGER,  # flagged, no response at the end
        fp=INTEGER,  # flagged, responded at the end: late responders
        fn=INTEGER,  # not flagged, no response
        tn=INTEGER,  # not flagged, responded
        sensitivity=NUMBER,
        specificity=NUMBER,
        ppv=NUMBER,
        npv=NUMBER,
        prevalence=NUMBER,  # share without a response: PPV and NPV hold for this one only
    ),
    # Checks on clinics that the fit did not see: a curve that fails one is not served.
    table(
        "curve_checks",
        ("curve", "check", "stratum", "level"),
        curve=TEXT,
        check=TEXT,  # coverage | beyond | calibration
        stratum=TEXT,  # all | baseline | occasion | sex | language
        level=TEXT,
        n_people=INTEGER,
        n_scores=INTEGER,
        value=NUMBER,  # a share, or points
        lowest=NUMBER,  # what the declaration allows
        highest=NUMBER,
        passed=FLAG,  # null: too few to judge
    ),
]
CURVE_TABLE_NAMES = tuple(one.name for one in CURVE_TABLES)
