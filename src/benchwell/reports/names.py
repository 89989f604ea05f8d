"""Plain names for codes that an edition stores."""

from __future__ import annotations

from benchwell.i18n import N_, _
from benchwell.registry.casemix import CaseMix
from benchwell.registry.measure import Baseline, Followup, Measure
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
    revised = _("{id}, revision {n}, {status}")
    plain = revised.format(id=measure.id, n=measure.revision, status=_(measure.status))
    found = [(_("Id"), plain)]
    if measure.instruments:
        same = _("{names} (the same one at both times)")
        found.append((_("Instruments"), same.format(names=", ".join(measure.instruments))))
    rows = []
    if measure.index is not None:
        rows.append((_("Day 0"), _(measure.index.rule.replace("_", " "))))
    if measure.baseline is not None and measure.is_paired:
        rows.append((_("Baseline"), _window(measure.baseline)))
    if measure.followup is not None:
        rows.append((_("Follow-up"), _window(measure.followup)))
    rows += [(_("What counts"), _endpoint(measure)), (_("Counted among"), counted_among(measure))]
    by = _("none: figures are unadjusted")
    if casemix is not None and casemix.of_role("adjust"):
        of = _("{title} ({id}, revision {n})")
        by = of.format(title=_(casemix.title), id=casemix.id, n=casemix.revision)
    rows.append((_("Adjustment"), by))
    found += [(name, capital(value)) for name, value in rows]
    return [*found, (_("Content hash"), measure.numbers_hash)]


def _window(window: Baseline | Followup) -> str:
    said = _("{pick} score from day {first} to {last}")
    pick = _(window.pick.replace("_", " "))
    return said.format(pick=pick, first=window.from_day, last=window.to_day)


def _endpoint(measure: Measure) -> str:
    settings = measure.endpoint.model_dump(mode="json", exclude_none=True)
    kind = _(settings.pop("kind").replace("_", " "))
    extra = ", ".join(f"{_(name.replace('_', ' '))} {value}" for name, value in settings.items() if value != "")
    return f"{kind} ({extra})" if extra else kind


# Codes of definitions, for translators; what is not among them stands as it is declared.
_CODES = (
    *(N_("draft"), N_("accepted"), N_("retired")),
    *(N_("first attended"), N_("first score"), N_("referral date"), N_("start date"), N_("elevated score")),
    *(N_("first"), N_("last"), N_("closest"), N_("last observation"), N_("session k")),
    *(N_("response"), N_("remission"), N_("threshold"), N_("change"), N_("effect size"), N_("saes")),
    *(N_("wait days"), N_("retention"), N_("event rate"), N_("two measure"), N_("reliable change"), N_("published")),
    *(N_("percent"), N_("below"), N_("at least"), N_("points"), N_("within days"), N_("per day"), N_("met")),
)
