"""What pages say, as lines for a screen: the door decides how they look."""

from __future__ import annotations

from benchwell.reports.network import measures_of
from benchwell.signals.comparison import Comparison
from benchwell.signals.funnel_view import funnel_view
from benchwell.signals.peers import distribution
from benchwell.signals.reading import EditionSource
from benchwell.signals.sentence import sentence
from benchwell.signals.words import direction


def comparison_lines(comparison: Comparison) -> tuple[str, ...]:
    """The sentence as lines: figure, people, benchmark, verdict with its light, next step."""
    said = sentence(comparison)
    verdict = f"{comparison.face.symbol} {said.verdict}"
    return tuple(line for line in (said.headline, said.people, said.benchmark, verdict, said.next_step) if line)


def network_sentences(edition: EditionSource) -> tuple[str, ...]:
    """What the network's page finds for each measure: the spread, and whether anybody lies far from it."""
    found = []
    for measure in measures_of(edition):
        parts = [distribution(edition, measure).title]
        funnel = funnel_view(edition, measure)
        if funnel is not None and funnel.peers:
            parts.append(funnel.title)
        found.append(f"{measure.title}, {direction(measure.better)}: {'. '.join(parts)}.")
    return tuple(found)
