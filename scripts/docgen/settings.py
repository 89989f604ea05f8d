"""docs/settings.md: what a benchmark declaration can set, with defaults; a setting without a meaning is an error."""

from __future__ import annotations

from typing import Any

from benchwell.registry import Benchmark, Declaration
from benchwell.registry.benchmark import Cadence, Gates
from benchwell.settings import EngineSettings, ServiceSettings, Settings
from docgen.markdown import page, plain, table

WORKSPACE = {
    "id": "short name of the workspace: lower case, digits, hyphens",
    "name": "its name for people",
    "use": "learning or contract: what the benchmarks are for; the two never mix in one workspace",
    "consent_rule": "what silence means for learning within the own organization: opt_out (usable until declined) or "
    "opt_in (usable only after a yes); for any other purpose silence is no",
    "episode_rule": "id of the [episode rule](episodes.md) that makes courses of care from contacts where the source "
    "names none; null: none are made",
    "benchmarks": "ids of the benchmarks (`benchwell benchmarks`) that a build computes when `--benchmark` names none; "
    "empty: every declared one that has data",
    "expected_course": "whether editions fit and check expected courses (`response_curves`) and the live service shows "
    "one person's scores beside them; off until a workspace asks, and a person can opt out",
    "register_url": "address of the live service's register; none: `register.db` in the workspace, if it is there",
    "pulse": "whether staff are asked one anonymous question a week about how the work weighs on them",
    "weeks_without_score": "after how many weeks without a score a clinician's first page names a person in care",
    "safety_text": "what a person reads at once after an answer about self-harm; none: a neutral text without a number",
    "emergency_contacts": "whom a person can turn to here, one line each, such as a local crisis line and its number",
    "engine.memory_limit": "memory that the engine may use, such as 2GB",
    "engine.threads": "threads that the engine may use; none: one for each core",
    "service.base_url": "address of the live service as people type it, such as https://scores.example; https makes "
    "its cookies secure; none: taken from each request",
    "service.trusted_proxy": "addresses or networks of proxies whose word on who asked (X-Forwarded-For) counts",
    "service.session_hours": "hours after which one signs in again, however busy one was",
    "service.idle_minutes": "minutes without a page after which one signs in again",
    "service.oidc": "the organization's own sign-in (OpenID Connect): `issuer`, `client_id`, `secret_env` (the "
    "environment variable with the client's secret) and `name`; none: name and password only. The environment "
    "variables BENCHWELL_OIDC_ISSUER and BENCHWELL_OIDC_CLIENT_ID go first",
}
GATES = {
    "organization_n": "mature episodes that a clinic needs before its own figure is shown to it",
    "tier_organizations": "clinics that a tier needs before anything of it is shown",
    "quartile_organizations": "clinics that quartiles need",
    "decile_organizations": "clinics that a top decile needs",
    "decile_reliability": "reliability that a clinic needs to count for the top decile",
    "cell_n": "people that a published cell needs",
    "dominance_one": "largest share of people that one clinic may hold",
    "dominance_two": "largest share of people that two clinics may hold together",
    "completion": "completion that a light needs",
    "completion_gap": "largest difference in completion to the others for a light",
    "light_reliability": "reliability that a light needs",
    "trend_reliability": "below this reliability only the own trend is shown",
    "light_probability": "probability that a light needs",
    "kappa": "how far, in log-odds, the people without a follow-up may differ from the others while the light holds",
    "kappa_points": "the same in points of an imputed score; none: half of the reliable change of the instrument",
}
CADENCE = {
    "kind": "static: frozen for a year; dynamic: rolling and provisional",
    "months": "how many months of index dates are in it",
    "refresh": "how often it is built anew",
}
BENCHMARK = {
    "measure": "id of the measure",
    "population": "who stands behind the figure, in words",
    "kinds": "mean, percentile, top_decile, abc, fixed_external, own_history",
    "tiers": "organization (own tree), region, country, all",
    "strata": "variables to split by, with the breaks of numbers",
    "weighting": "unweighted: each clinic counts once; patients: each person counts once",
    "percentiles": "as fractions",
    "cadence": "see below",
    "gates": "see below",
    "references": "ids of figures that others published",
    "casemix": "id of the [case mix](how-to/define-a-case-mix.md) that figures are adjusted for; none: unadjusted only",
    "period": "first and last index date, inclusive; missing: all mature data",
    "replicates": "bootstrap draws of clinics",
    "seed": "of every random draw; the same seed gives the same edition",
}


def settings() -> str:
    """The page."""
    own = {name: field for name, field in Benchmark.model_fields.items() if name not in Declaration.model_fields}
    return page(
        "# Settings",
        "Benchwell has no hidden switches. What moves a number stands in a "
        "[declaration](how-to/define-a-benchmark.md), is written into the edition and is part of its hash. What a "
        "command does is an [option](cli.md) of the command.",
        "## Of a workspace",
        "In `benchwell.yaml`, written by `benchwell init`. An unknown key is an error.",
        table(["setting", "meaning", "default"], _rows(_workspace(), WORKSPACE)),
        "## Of a benchmark",
        table(["setting", "meaning", "default"], _rows(own, BENCHMARK)),
        "## Gates",
        "The least data before anything is shown. Below a gate the answer is *insufficient*, with the reason and with "
        "how many more people are needed; never a weaker method in silence.",
        table(["gate", "meaning", "default"], _rows(Gates.model_fields, GATES)),
        "## Cadence",
        table(["setting", "meaning", "default"], _rows(Cadence.model_fields, CADENCE)),
    )


def _workspace() -> dict[str, Any]:
    groups = {"engine": EngineSettings, "service": ServiceSettings}
    inner = {f"{group}.{name}": field for group, model in groups.items() for name, field in model.model_fields.items()}
    return {name: field for name, field in Settings.model_fields.items() if name not in groups} | inner


def _rows(fields: dict[str, Any], meanings: dict[str, str]) -> list[tuple[str, str, str]]:
    unexplained = set(fields) - set(meanings)
    if unexplained:
        raise SystemExit(f"scripts/docgen/settings.py says nothing about {sorted(unexplained)}")
    return [(f"`{name}`", meanings[name], _default(name, field)) for name, field in fields.items()]


def _default(name: str, field: Any) -> str:
    if field.is_required():
        return "required"
    if name in {"cadence", "gates"}:
        return "all defaults"
    default = field.default
    return plain(default) if default not in (None, ()) else "none"
