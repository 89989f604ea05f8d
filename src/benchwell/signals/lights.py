"""How a light is shown: shape, word and colour together, and what the direction means.

The state says whether the figure is favorable (METHODS M5.5); the arrow says where it lies. With a measure that is
better lower, a favorable figure lies below, so the words must say so.
"""

from __future__ import annotations

from dataclasses import dataclass

from benchwell.i18n import _
from benchwell.terms import Better, Light


@dataclass(frozen=True)
class LightFace:
    """What a person sees of a light.

    Attributes:
        symbol: A shape that is legible in grey print.
        word: The state in words.
        meaning: What the state means in a short clause.
        css: Class that colours it.
    """

    symbol: str
    word: str
    meaning: str
    css: str


def face(state: Light, better: Better) -> LightFace:
    """The face of a state.

    >>> face(Light.ABOVE, Better.HIGHER).word
    'clearly above'
    >>> shown = face(Light.ABOVE, Better.LOWER)
    >>> shown.symbol, shown.word
    ('▼', 'clearly below, which is better here')
    """
    if state is Light.UNKNOWN:
        unknown = _("the data cannot say yet whether there is a difference")
        return LightFace("○", _("cannot tell yet"), unknown, "unknown")
    if state is Light.CLOSE:
        return LightFace("●", _("about the same"), _("close to the benchmark"), "close")
    up = (state is Light.ABOVE) == (better is Better.HIGHER)
    symbol, word = ("▲", _("clearly above")) if up else ("▼", _("clearly below"))
    if better is Better.LOWER:
        word += _(", which is better here") if state is Light.ABOVE else _("; lower is better here")
    favorable = _("more favorable than the benchmark")
    meaning = favorable if state is Light.ABOVE else _("less favorable than the benchmark")
    return LightFace(symbol, word, meaning, "above" if state is Light.ABOVE else "below")
