"""The sections of a case mix: what each variable may be used for, why, and how it is coded."""

from __future__ import annotations

from benchwell.registry.casemix import CaseMix, Categories, Linear, Missing, Spline, Variable
from benchwell.reports.method.structure import Code, Listing, Section, Table, Words, plain, table

_ROLES = {
    "adjust": "Adjusted for",
    "stratify": "Never adjusted for: shown group by group",
    "audit": "Never adjusted for: used to check the model in every group",
    "forbidden": "Never adjusted for, and refused",
}
_WITHIN = {
    "fixed": "each clinic has a level of its own while the effects of the variables are estimated",
    "mundlak": "variables enter as the distance from the clinic's mean, beside that mean, and only the first is used",
}
_VIEWS = {
    "unadjusted": "nothing",
    "clinical": "clinical variables",
    "clinical+social": "clinical and social variables; never shown alone",
    "clinical+day": "clinical variables and the day of measurement, to show what it moves",
    "clinical+social+variant": "race or ethnicity too, as a declared variant that is shown apart",
}


def casemix_lead(one: CaseMix) -> list[Words]:
    """What is adjusted for in a sentence, and the rule behind all of it."""
    if not one.of_role("adjust"):
        return ["Nothing is adjusted for: figures under this case mix are unadjusted."]
    return [
        "Adjusted for is only what was there when care began and what the clinic does not decide. Unadjusted figures, "
        "both adjusted ones and the groups are always shown side by side.",
        f"Effects are estimated from differences within clinics: {_WITHIN[one.within]}. So poor care in places where "
        "people are poor is not adjusted away.",
    ]


def casemix_sections(one: CaseMix) -> list[Section]:
    """Views, roles with their reasons, and every published constant."""
    roles = [Section(title, (_role_table(one, role),)) for role, title in _ROLES.items()]
    adjusted = one.of_role("adjust")
    coded = table(
        ["variable", "form", "unknown values"],
        [(_spoken(it), _form(it.form), _missing(it.missing)) for it in adjusted if it.form and it.missing],
    )
    return [
        Section("Views", (_views(one),) if adjusted else ()),
        *roles,
        Section("How values enter the model", (coded, *_notes(adjusted))),
        Section("Worked examples (they are tests)", (Listing(tuple(plain(example) for example in one.examples)),)),
    ]


def _views(one: CaseMix) -> Table:
    rows = [
        (Code(view), _VIEWS[view], ", ".join(_spoken(item) for item in variables) or "–")
        for view, variables in one.views.items()
    ]
    return table(["view", "what is taken into account", "variables"], rows)


def _role_table(one: CaseMix, role: str) -> Table:
    rows = [
        (_spoken(item), Code(item.source), _kind(item), item.rationale) for item in one.variables if item.role == role
    ]
    return table(["variable", "read from", "kind", "why"], rows)


def _kind(variable: Variable) -> str:
    kind = {"ruler": "describes the measurement, not the care", None: ""}.get(variable.kind, variable.kind or "")
    return f"{kind}; a variant of its own" if variable.variant else kind


def _spoken(variable: Variable) -> str:
    return variable.name.replace("_", " ")


def _form(form: Linear | Spline | Categories) -> str:
    if isinstance(form, Categories):
        return f"levels {', '.join(form.levels)}; compared with {form.reference}; any other word counts as other"
    if isinstance(form, Spline):
        return (
            f"a curve with knots at {plain(form.knots)}, straight beyond the outer ones; "
            f"centre {plain(form.centre)}, per {plain(form.scale)}"
        )
    return f"a straight line; centre {plain(form.centre)}, per {plain(form.scale)}"


def _missing(missing: Missing) -> str:
    if missing.rule == "exclude":
        return "the episode leaves the model, and is counted"
    if missing.rule == "category":
        return "a level of their own"
    slopes = "".join(
        f", {value:+g} for each unit of {name.replace('_', ' ')} from its centre"
        for name, value in missing.slopes.items()
    )
    return f"count as {plain(missing.mean)}{slopes}, and have a level of their own"


def _notes(adjusted: tuple[Variable, ...]) -> tuple[Words, ...]:
    if not adjusted:
        return ()
    return (
        "Centres, scales, knots and levels are constants of this page: the same value is coded the same way in every "
        "clinic and every year. A column in which everybody is alike is left out, and the edition names it.",
    )
