"""Plain names for codes that an edition stores."""

from __future__ import annotations

from benchwell.i18n import N_, _
from benchwell.registry.casemix import CaseMix
from benchwell.registry.measure import Measure
from benchwell.signals.words import capital, missing_as
from benchwell.terms import Denominator

METHODS = {
    "pooled": "all people together",
    "unweighted": "mean of clinics",
    "mean": "mean of clinics",
    "abc": "achievable benchmark (ABC)",
    "top_decile.raw": "top tenth, raw (rewards chance)",
    "top_decile.eb": "top tenth, shrunken (too central)",
    "top_decile.constrained_eb": "top tenth, constrained shrinkage (the one we use)",
    "top_decile.model_p90": "top tenth, by model",
    "top_decile.model_mean": "mean of the top tenth, by model",
    "p50": "middle clinic (median)",
    "p25": "lower quartile of clinics",
    "p75": "upper quartile of clinics",
    "shrunken": "own earlier figure, shrunken",
}
# The ways to the top tenth (METHODS M4.2), the one that is used first; the raw figure stands beside each.
DECILES = {
    "top_decile.constrained_eb": "constrained shrinkage (the one we use)",
    "top_decile.eb": "shrinkage (too central)",
    "top_decile.model_p90": "model",
    "top_decile.model_mean": "model, mean of the tenth",
}
# Why an organization has no figure.
HIDDEN = {
    "insufficient": "too few people for a figure",
    "nobody_followed": "nobody has a follow-up score yet",
    "suppressed": "suppressed by the source, which is not zero",
    "no_activity": "no activity reported, which is not zero",
}
DENOMINATORS = {
    Denominator.OBSERVED: N_("the people who were followed up"),
    Denominator.ALL_ELIGIBLE: N_("everyone eligible; the missing count as not met"),
    Denominator.ESTIMATED: N_("everyone eligible; the missing are estimated from people like them"),
}
INTERVALS = {
    "jackknife": "jackknife over clinics",
    "clinic_bootstrap": "bootstrap over clinics",
    "clinic_bootstrap_bca": "bootstrap over clinics, corrected for bias and skewness (BCa)",
    "published": "as published",
    "published_n": "from the published number of people",
    "posterior": "posterior",
}


def method_name(method: str) -> str:
    """A benchmark method in words.

    >>> method_name("p50.patients")
    'middle clinic (median), people counted once each'
    """
    if method.endswith(".patients"):
        return f"{method_name(method.removesuffix('.patients'))}, people counted once each"
    if method in METHODS:
        return METHODS[method]
    if method[:1] == "p" and method[1:].replace(".", "").isdigit():
        return f"{method[1:]} % of clinics lie below"
    return method


def counted_among(measure: Measure) -> str:
    """Whom a measure's figure counts, in words; for a mean the missing count as no change, not as "not met"."""
    return _(DENOMINATORS[measure.primary_denominator]).replace(_("not met"), missing_as(measure))


def reason_words(reason: str) -> str:
    """A reason code in words; what follows a colon is already words.

    >>> reason_words("no_baseline"), reason_words("too_few_organizations: 3 of 5")
    ('no baseline', '3 of 5')
    """
    words = reason.replace("_", " ").replace("-", " ").replace("followup", "follow-up")
    return (reason.partition(": ")[2] or words).replace("organization", "clinic")


def definition_rows(measure: Measure, casemix: CaseMix | None = None) -> list[tuple[str, str]]:
    """A measure's definition as rows of a table, in plain words.

    Args:
        measure: The measure.
        casemix: What its benchmarks are adjusted by; None for nothing.
    """
    rows = [("Id", f"{measure.id}, revision {measure.revision}, {measure.status}")]
    if measure.instruments:
        rows.append(("Instruments", ", ".join(measure.instruments) + " (the same one at both times)"))
    if measure.index is not None:
        rows.append(("Day 0", measure.index.rule.replace("_", " ")))
    if measure.baseline is not None and measure.is_paired:
        window = f"{measure.baseline.pick} score from day {measure.baseline.from_day} to {measure.baseline.to_day}"
        rows.append(("Baseline", window))
    if measure.followup is not None:
        pick = measure.followup.pick.replace("_", " ")
        rows.append(("Follow-up", f"{pick} score from day {measure.followup.from_day} to {measure.followup.to_day}"))
    settings = measure.endpoint.model_dump(mode="json", exclude_none=True)
    kind = settings.pop("kind").replace("_", " ")
    extra = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in settings.items() if value != "")
    rows.append(("What counts", f"{kind}{f' ({extra})' if extra else ''}"))
    rows.append(("Counted among", counted_among(measure)))
    adjusts = casemix is not None and casemix.of_role("adjust")
    by = f"{casemix.title} ({casemix.id}, revision {casemix.revision})" if casemix is not None and adjusts else ""
    rows.append(("Adjustment", by or "none: figures are unadjusted"))
    rows.append(("Content hash", measure.numbers_hash))
    return [
        (name, capital(value) if name not in ("Id", "Content hash", "Instruments") else value) for name, value in rows
    ]
