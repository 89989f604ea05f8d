"""Why the light and the funnel of one figure may say different things, where they do (METHODS M5.1, M5.5).

Each follows its own rule. The light asks how probable a difference from the benchmark is that matters; the funnel asks
whether a figure lies where chance and the usual spread put 19 in 20 clinics. Whoever sees both at once needs to be
told, or one of them looks like a mistake.
"""

from __future__ import annotations

from benchwell.i18n import _
from benchwell.signals.comparison import Comparison
from benchwell.signals.funnel_view import INSIDE, FunnelView
from benchwell.signals.words import in_percent
from benchwell.terms import Better, Light


def why_they_differ(comparison: Comparison, view: FunnelView) -> str:
    """One sentence for the place where both are seen; "" where they say the same.

    Args:
        comparison: The light.
        view: The funnel of the same figure, with the organization labelled.
    """
    if view.own is None:
        return ""
    coloured = comparison.light in (Light.ABOVE, Light.BELOW)
    if view.own.place == INSIDE:
        return _inside(comparison) if coloured else ""
    if comparison.light is Light.CLOSE:
        return _(
            "The funnel shows a difference and the light does not, since they ask different questions: with many "
            "people a small difference lies outside the funnel too, and the light asks for one that is large enough "
            "to matter."
        )
    if not coloured:
        gate = comparison.deciding_gate
        return _(
            "The funnel shows a difference and the light stays grey, since the light asks for more than the funnel: "
            "{reason}."
        ).format(reason=gate.text if gate else comparison.deciding)
    favorable = (view.own.z > 0) == (comparison.better is Better.HIGHER)
    if favorable == (comparison.light is Light.ABOVE):
        return ""
    return _(
        "The light and the funnel point to different sides, since they compare with different figures: the light with "
        "the benchmark that is named beside it, the funnel with all clinics together."
    )


def _inside(comparison: Comparison) -> str:
    needed = next((gate.needed for gate in comparison.gates if gate.name == "probability" and gate.needed), 0.9)
    return _(
        "The light shows a difference and the funnel does not, since they ask different questions: the light whether a "
        "difference from the benchmark is at least {share} probable, the funnel whether a clinic lies farther out than "
        "19 in 20 clinics do. Both hold: a difference is probable, and differences of this size are common."
    ).format(share=in_percent(needed))
