"""Limits of a share over time that follow from how many people are counted each time: the p and p' chart (M5.3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from benchwell.i18n import _
from benchwell.models.p_chart import p_chart, p_limits
from benchwell.signals.words import Figure

# Shares that vary this much less than chance alone lets them are worth a look; so little comes by chance in about 1 of
# 10 series of five points, and in 1 of 20 of eight.
SUSPICIOUSLY_EVEN, EVEN_FROM = 0.5, 5


@dataclass(frozen=True)
class PointLimits:
    """Limits for the people counted at one point, and whether its share is beyond them."""

    lower: float
    upper: float
    beyond: bool


@dataclass(frozen=True)
class ShareLimits:
    """The p chart of a series.

    Attributes:
        center: Share of everybody counted in the reference points.
        sigma_z: How much more the points vary than chance alone lets them: 1 is chance.
        widened: Whether the limits were widened by it (Laney's p'); they are never narrowed.
        even: Whether the points vary so much less than chance that rounding or copied data should be checked.
        points: Limits of each point; None where there is no share.
        text: The finding in words.
    """

    center: float
    sigma_z: float
    widened: bool
    even: bool
    points: tuple[PointLimits | None, ...]
    text: str

    def to_dict(self) -> dict[str, Any]:
        """Plain data, for `--json`; the limits stand with the points."""
        return {name: value for name, value in asdict(self).items() if name != "points"}


def share_limits(
    values: Sequence[float | None],
    counted: Sequence[float | None],
    labels: Sequence[str],
    reference: int,
    figure: Figure,
) -> ShareLimits | None:
    """Limits of every point around the common share of the first ones, which stays frozen for those that follow.

    Args:
        values: Shares in order of time; None is a gap.
        counted: People that each is a share of; None where unknown.
        labels: Names of the points.
        reference: How many of the first points make center and spread, as on the XmR chart.
        figure: How shares are written.

    Returns:
        Limits; None if fewer than two reference points have a share, or nobody or everybody there met it.

    Source:
        Laney (2002), Qual Eng 14:531-537; METHODS M5.3.
    """
    known = [place for place, (value, n) in enumerate(zip(values, counted, strict=True)) if value is not None and n]
    people = np.array([counted[place] for place in known], dtype=np.float64)
    share = np.array([values[place] for place in known], dtype=np.float64)
    early = np.array(known) < reference
    if early.sum() < 2:
        return None
    chart = p_chart(np.clip(share * people, 0, people)[early], people[early], laney=True)
    if not 0 < chart.center < 1:
        return None
    lower, upper = p_limits(chart.center, people, chart.sigma_z_used)
    beyond = (share < lower - 1e-12) | (share > upper + 1e-12)
    points: list[PointLimits | None] = [None] * len(values)
    for place, low, high, out in zip(known, lower, upper, beyond, strict=True):
        points[place] = PointLimits(float(low), float(high), bool(out))
    widened = chart.sigma_z_used > 1
    even = int(early.sum()) >= EVEN_FROM and chart.sigma_z < SUSPICIOUSLY_EVEN
    out_at = [labels[place] for place, out in zip(known, beyond, strict=True) if out]
    text = _text(out_at, figure.text(chart.center), widened=widened, even=even)
    return ShareLimits(chart.center, float(chart.sigma_z), widened, even, tuple(points), text)


def _text(beyond: Sequence[str], center: str, *, widened: bool, even: bool) -> str:
    finding = _("beyond them in {points}").format(points=", ".join(beyond)) if beyond else _("no point is beyond them")
    limits = _("Limits for the number of people counted each time, around {center} of everybody: {finding}.")
    parts = [limits.format(center=center, finding=finding)]
    if widened:
        parts.append(_("They are widened, since the points differ by more than chance."))
    if even:
        parts.append(_("The points differ by less than chance lets expect: check for rounded or copied data."))
    return " ".join(parts)
