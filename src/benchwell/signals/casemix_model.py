"""The case-mix model behind a view: what it takes into account, of whom, and how it was checked (M3.1, M3.11)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from benchwell.i18n import _, local_digits
from benchwell.registry.casemix import Variable
from benchwell.registry.measure import Measure
from benchwell.signals.adjustment_words import refusal_words
from benchwell.signals.reading import ALL, EditionSource, casemix_of, document, rows
from benchwell.signals.strata_view import name_words
from benchwell.signals.words import count, whole
from benchwell.terms import Adjustment

MODELS = "casemix_models.json"
CONTRAST_P = 0.05
_FAIL = "fail"
_STATED = (
    "n",
    "observed",
    "expected",
    "ratio",
    "c_statistic",
    "brier",
    "scaled_brier",
    "calibration_in_the_large",
    "calibration_slope",
    "ici",
    "e50",
    "e90",
    "r_squared",
    "mean_error",
)


@dataclass(frozen=True)
class VariableUsed:
    """A variable of a view.

    Attributes:
        name: In words.
        kind: clinical, social or ruler.
        rationale: Why it is taken into account, as declared.
        used: Whether the model has a column of it.
        left_out: What of it the model left out, and why; "" if nothing.
    """

    name: str
    kind: str
    rationale: str
    used: bool
    left_out: str


@dataclass(frozen=True)
class CheckShown:
    """One row of the out-of-clinic checks: everybody, or one group (METHODS M3.11)."""

    stratum: str
    level: str
    status: str
    reason: str | None
    figures: Mapping[str, float]


@dataclass(frozen=True)
class ModelBehind:
    """The model behind one view of one measure.

    Attributes:
        adjustment: The view.
        casemix: Id of the declaration.
        ok: Whether its figures are used.
        reason: Why not, in words; "" if they are.
        variables: What it takes into account.
        n: People that it was fitted to; None where the edition does not say.
        n_excluded: People left out since a value is unknown.
        n_incomplete: People of whom at least one value is unknown, and was coded so.
        coding_sha256: Hash of the published coding.
        factor: By which coefficients were multiplied after the check; 1 as fitted.
        checks: Overall first, then by group.
        contrast_p: p value of the contrast between and within clinics (M3.8).
        contrast: What that means, in words; "" where there is nothing to say.
        text: The model in a few sentences.
    """

    adjustment: Adjustment
    casemix: str
    ok: bool
    reason: str
    variables: tuple[VariableUsed, ...]
    n: int | None = None
    n_excluded: int | None = None
    n_incomplete: int | None = None
    coding_sha256: str | None = None
    factor: float = 1.0
    checks: tuple[CheckShown, ...] = ()
    contrast_p: float | None = None
    contrast: str = ""
    text: str = ""


def declared_views(edition: EditionSource, measure: Measure) -> tuple[Adjustment, ...]:
    """The views that a measure's case mix declares, unadjusted first; only that one without a case mix.

    Adjusted results that stand in an edition without its declaration count too.
    """
    casemix = casemix_of(edition, measure.id)
    found = rows(edition, "adjusted_results", measure=measure.id, period=ALL, stratum=ALL)
    named = {
        Adjustment.UNADJUSTED,
        *(casemix.views if casemix else ()),
        *(Adjustment(row["adjustment"]) for row in found),
    }
    return tuple(one for one in Adjustment if one in named)


def model_behind(edition: EditionSource, measure: Measure, view: Adjustment) -> ModelBehind | None:
    """The model of one view of a measure, from what the edition froze; None for the unadjusted one.

    Source:
        METHODS M3.1, M3.8, M3.11.
    """
    casemix = casemix_of(edition, measure.id)
    if view is Adjustment.UNADJUSTED or casemix is None:
        return None
    fitted = _fitted(edition, measure, view)
    checks = _checks(edition, measure, view)
    reason = _refusal(edition, measure, view, fitted, checks)
    dropped = fitted.get("dropped") or {}
    columns = _columns(edition, measure, view, fitted)
    made = ModelBehind(
        adjustment=view,
        casemix=casemix.id,
        ok=not reason,
        reason=reason,
        variables=tuple(_variable(one, columns, dropped) for one in casemix.views.get(view, ())),
        n=fitted.get("n"),
        n_excluded=fitted.get("n_excluded"),
        n_incomplete=fitted.get("n_incomplete"),
        coding_sha256=(fitted.get("coding") or {}).get("sha256"),
        factor=fitted.get("factor", 1.0),
        checks=checks,
        contrast_p=fitted.get("contrast_p"),
        contrast=_contrast(fitted.get("contrast_p")),
    )
    return replace(made, text=_told(made))


def why_no_views(edition: EditionSource, measure: Measure) -> str:
    """Why a measure has no adjusted view at all; "" if it has or could have one."""
    if measure.is_published:
        return _("the source gives one rate for each clinic, not the people behind it")
    if measure.summary not in ("proportion", "mean"):
        return _("this kind of figure has no expectation for each person")
    if casemix_of(edition, measure.id) is None:
        return _("no case mix is declared for this measure")
    return ""


def _fitted(edition: EditionSource, measure: Measure, view: Adjustment) -> Mapping[str, Any]:
    primary = measure.primary_denominator.value
    for one in document(edition, MODELS) or ():
        if (one["measure"], one["adjustment"], one["denominator"]) == (measure.id, view.value, primary):
            found: Mapping[str, Any] = one
            return found
    return {}


def _checks(edition: EditionSource, measure: Measure, view: Adjustment) -> tuple[CheckShown, ...]:
    found = rows(edition, "model_checks", measure=measure.id, adjustment=view.value)
    found.sort(key=lambda row: (row["stratum"] != ALL, row["stratum"], row["level"]))
    return tuple(
        CheckShown(
            row["stratum"],
            row["level"],
            row["status"],
            row["reason"],
            {name: row[name] for name in _STATED if row[name] is not None},
        )
        for row in found
    )


def _refusal(
    edition: EditionSource,
    measure: Measure,
    view: Adjustment,
    fitted: Mapping[str, Any],
    checks: Sequence[CheckShown],
) -> str:
    failed = next((one for one in checks if one.status == _FAIL), None)
    if failed is not None:
        return refusal_words(f"model_not_calibrated: {failed.reason}" if failed.reason else "model_not_calibrated")
    if fitted.get("status", "ok") != "ok":
        return refusal_words(fitted.get("reason"))
    found = rows(edition, "adjusted_results", measure=measure.id, adjustment=view.value, period=ALL, stratum=ALL)
    if any(row["status"] == "ok" for row in found):
        return ""
    if found:
        return refusal_words(found[0]["reason"])
    return why_no_views(edition, measure) or _("fewer than five clinics, or nothing that could be taken into account")


def _columns(edition: EditionSource, measure: Measure, view: Adjustment, fitted: Mapping[str, Any]) -> set[str]:
    if fitted.get("columns"):
        return set(fitted["columns"])
    primary = measure.primary_denominator.value
    found = rows(edition, "coefficients", measure=measure.id, adjustment=view.value, denominator=primary)
    return {row["term"] for row in found}


def _variable(variable: Variable, columns: set[str], dropped: Mapping[str, str]) -> VariableUsed:
    def mine(column: str) -> bool:
        return column.partition("[")[0].rstrip("'") == variable.name

    used = any(mine(column) for column in columns)
    # Levels that nobody has are no loss; a variable that is not recorded at all is.
    reasons = sorted({why for column, why in dropped.items() if mine(column)})
    said = _("not recorded here, or {reason}").format(reason=reasons[0]) if reasons else ""
    left_out = "" if used or not (columns or dropped) else said
    return VariableUsed(name_words(variable.name), variable.kind or variable.role, variable.rationale, used, left_out)


def _contrast(p: float | None) -> str:
    if p is None or p >= CONTRAST_P:
        return ""
    return _(
        "Between clinics, what is taken into account goes along with results otherwise than within clinics. Only "
        "differences within clinics are used here; an adjustment by random effects alone would move results."
    )


def _told(model: ModelBehind) -> str:
    used = [one.name for one in model.variables if one.used]
    unused = [one.name for one in model.variables if not one.used and one.left_out]
    parts = []
    if used:
        parts.append(_("Taken into account: {names}.").format(names=", ".join(used)))
    if unused:
        parts.append(_("Declared but not recorded here: {names}.").format(names=", ".join(unused)))
    if model.n is not None and model.ok:
        people = count(model.n, "person", "people")
        parts.append(
            _("Fitted within clinics to {people}; {n} left out, since a value is not known.").format(
                people=people, n=whole(model.n_excluded)
            )
            if model.n_excluded
            else _("Fitted within clinics to {people}.").format(people=people)
        )
    checked = next((one for one in model.checks if one.stratum == ALL), None)
    if checked is not None and model.ok:
        slope = checked.figures.get("calibration_slope")
        parts.append(
            _("Checked on clinics that it had not seen.")
            if slope is None
            else _("Checked on clinics that it had not seen (slope {slope}; 1 would be exact).").format(
                slope=local_digits(f"{slope:.2f}")
            )
        )
    if model.factor != 1.0:
        parts.append(
            _("After that check all its coefficients were multiplied by {factor}.").format(
                factor=local_digits(f"{model.factor:.2f}")
            )
        )
    if model.reason:
        parts.append(_("No figures: {why}.").format(why=model.reason))
    if model.contrast:
        parts.append(model.contrast)
    return " ".join(parts)
