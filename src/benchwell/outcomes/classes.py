"""The four classes of clinically significant change (METHODS M2.3, M2.4)."""

from __future__ import annotations

import narwhals as nw

from benchwell.outcomes.inputs import text
from benchwell.terms import ChangeClass


def change_class(reliable_gain: nw.Expr, reliable_loss: nw.Expr, crossed: nw.Expr) -> nw.Expr:
    """Recovered, improved, deteriorated or unchanged, in this order of precedence.

    Args:
        reliable_gain: Gain of at least the reliable change.
        reliable_loss: Loss of at least the reliable change.
        crossed: On the clinical side of the cut-off at baseline and on the healthy side at follow-up.
    """
    return (
        nw.when(reliable_gain & crossed)
        .then(text(ChangeClass.RECOVERED))
        .otherwise(
            nw.when(reliable_gain)
            .then(text(ChangeClass.IMPROVED))
            .otherwise(
                nw.when(reliable_loss).then(text(ChangeClass.DETERIORATED)).otherwise(text(ChangeClass.UNCHANGED))
            )
        )
    )


def class_met(classes: nw.Expr, wanted: str) -> nw.Expr:
    """Whether the class is the one that the measure counts."""
    if wanted == "recovered_or_improved":
        return classes.is_in([ChangeClass.RECOVERED.value, ChangeClass.IMPROVED.value])
    return classes == str(wanted)
