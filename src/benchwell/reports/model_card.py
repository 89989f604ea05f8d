"""How the models behind the views were made and checked, as tables for a page (METHODS M3.11)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchwell.i18n import N_, _, local_digits
from benchwell.reports.method.structure import Table, table
from benchwell.signals.casemix_model import CheckShown, ModelBehind
from benchwell.signals.four_views import View
from benchwell.signals.strata_view import group_words
from benchwell.signals.words import dashed

OVERALL = (
    N_("View"),
    N_("People"),
    N_("Left out"),
    N_("Something unknown of"),
    N_("Slope (1 is perfect)"),
    N_("In the large (0 is perfect)"),
    N_("c statistic"),
    N_("Explained"),
    N_("Check"),
)
GROUPS = (
    N_("Group"),
    N_("People"),
    N_("Observed over expected"),
    N_("Mean error"),
    N_("Slope"),
    N_("In the large"),
    N_("c statistic"),
    N_("Explained"),
    N_("Check"),
)
_VERDICTS = {
    "pass": N_("● passed"),
    "fail": N_("○ not passed"),
    "too_small": N_("– too few people to judge"),
    "reported": N_("– for information"),
}


@dataclass(frozen=True)
class ModelCard:
    """The models behind a measure's views.

    Attributes:
        texts: Each model in a few sentences: what it takes into account, of whom, how it was checked.
        overall: One line per model.
        groups: The check of one model, group by group.
        groups_of: Which view that model belongs to.
        codings: View and hash of the published coding.
    """

    texts: tuple[tuple[str, str], ...]
    overall: Table
    groups: Table
    groups_of: str
    codings: tuple[tuple[str, str], ...]


def model_card(views: Sequence[View]) -> ModelCard | None:
    """What is known of the models behind views; None where no model was tried.

    Groups are shown of the first model that is used: clinical, where there is one. Those of the others are in the
    edition, table model_checks.
    """
    models = [(view.title, view.model) for view in views if view.model is not None]
    fitted = [(title, model) for title, model in models if model.n is not None or model.checks]
    if not fitted:
        return None
    title, shown = next(((title, model) for title, model in fitted if model.ok and model.checks), fitted[0])
    return ModelCard(
        texts=tuple((title, model.text) for title, model in models if model.text),
        overall=table(tuple(map(_, OVERALL)), [_overall(title, model) for title, model in fitted]),
        groups=table(tuple(map(_, GROUPS)), [_group(check) for check in shown.checks if check.stratum != "all"]),
        groups_of=title,
        codings=tuple((title, model.coding_sha256) for title, model in fitted if model.coding_sha256),
    )


def _overall(title: str, model: ModelBehind) -> tuple[str, ...]:
    check = next((one for one in model.checks if one.stratum == "all"), None)
    figures = check.figures if check is not None else {}
    verdict = _(_VERDICTS.get(check.status, check.status)) if check is not None else _("not checked")
    return (
        title,
        dashed(model.n),
        dashed(model.n_excluded),
        dashed(model.n_incomplete),
        _text(figures, "calibration_slope"),
        _text(figures, "calibration_in_the_large"),
        _text(figures, "c_statistic"),
        _explained(figures),
        verdict,
    )


def _group(check: CheckShown) -> tuple[str, ...]:
    figures, n = check.figures, check.figures.get("n")
    return (
        group_words(check.stratum, check.level),
        "–" if n is None else local_digits(f"{n:,.0f}"),
        _text(figures, "ratio"),
        _text(figures, "mean_error"),
        _text(figures, "calibration_slope"),
        _text(figures, "calibration_in_the_large"),
        _text(figures, "c_statistic"),
        _explained(figures),
        _(_VERDICTS.get(check.status, check.status)),
    )


def _text(figures: Mapping[str, float], name: str) -> str:
    if name not in figures:
        return "–"
    text = f"{figures[name]:.2f}"
    return local_digits(text.lstrip("-") if float(text) == 0 else text.replace("-", "−"))


def _explained(figures: Mapping[str, float]) -> str:
    return f"{figures['r_squared']:.0%}".replace("%", " %").replace("-", "−") if "r_squared" in figures else "–"
