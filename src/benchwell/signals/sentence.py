"""The one sentence that every light has: the figure, how sure, and what one can do (UX.md)."""

from __future__ import annotations

from dataclasses import dataclass

from benchwell.signals.comparison import BenchmarkUsed, Comparison
from benchwell.signals.words import about, capital, count, direction, figure_of, missing_as
from benchwell.terms import BenchmarkKind, Better, Denominator, Light


@dataclass(frozen=True)
class Sentence:
    """The parts of the sentence, so that a page can set them in type.

    Attributes:
        title: What was measured.
        figure: The figure with its unit; a dash if none may be shown.
        interval: The 95 % interval in brackets, or "".
        direction: Which direction is better.
        people: Who was followed, and what happens to the others.
        benchmark: What it is compared with.
        verdict: What may be said about the two.
        next_step: What can be done now.
    """

    title: str
    figure: str
    interval: str
    direction: str
    people: str
    benchmark: str
    verdict: str
    next_step: str

    @property
    def headline(self) -> str:
        """Title, figure, interval and direction."""
        value = " ".join(part for part in (self.figure, self.interval) if part)
        return f"{self.title}: {value} ({self.direction})."

    @property
    def text(self) -> str:
        """The whole sentence as plain text."""
        parts = (self.headline, self.people, self.benchmark, self.verdict, self.next_step)
        return " ".join(part for part in parts if part)

    def __str__(self) -> str:
        return self.text


def sentence(comparison: Comparison, *, person: str = "you") -> Sentence:
    """Say what a comparison found.

    Args:
        comparison: The comparison.
        person: "you" for the organization's own page; any other text names it in the third person.

    Returns:
        The parts of the sentence.
    """
    figure = figure_of(comparison.measure)
    own = comparison.figures.estimate
    shown = comparison.status == "ok" and own.value is not None
    return Sentence(
        title=comparison.measure.title,
        figure=figure.text(own.value) if shown else "no figure yet",
        interval=figure.interval(own.lower, own.upper) if shown else "",
        direction=direction(comparison.better),
        people=_people(comparison, own=person == "you"),
        benchmark=_benchmark(comparison, own=person == "you"),
        verdict=_verdict(comparison, own=person == "you"),
        next_step=f"Worth doing now: {next_step(comparison)}",
    )


def _missing(comparison: Comparison) -> str:
    return {
        Denominator.OBSERVED: "not counted here",
        Denominator.ALL_ELIGIBLE: f"counted as {missing_as(comparison.measure)}",
        Denominator.ESTIMATED: "estimated from people like them",
    }[comparison.figures.primary]


def _people(comparison: Comparison, *, own: bool) -> str:
    figures = comparison.figures
    n, m = figures.n_eligible, figures.n_followed
    whose = "your " if own else ""
    if comparison.status == "suppressed":
        return "The source suppressed this figure because few people are behind it; that is not zero."
    if comparison.status == "no_activity":
        return "The source reports no activity; that is not zero percent."
    if n is None or m is None:
        behind = f" The figure rests on about {count(n or m or 0, 'person', 'people')}." if n or m else ""
        return f"The source does not say how many of the eligible people were followed up.{behind}"
    if n == 0:
        return "Nobody is eligible and far enough in time yet."
    missing = n - m
    if n == 1:
        return f"{capital(whose + 'one eligible person')} was {'' if m else 'not '}followed up."
    followed = f"{m:,} of {whose or 'the '}{n:,} eligible people {'was' if m == 1 else 'were'} followed up"
    if not missing:
        return (
            f"All {whose}{n:,} eligible people were followed up."
            if own
            else f"All {n:,} eligible people were followed up."
        )
    rest = "the other one is" if missing == 1 else f"the other {missing:,} are"
    return f"{followed}; {rest} {_missing(comparison)}."


def _benchmark(comparison: Comparison, *, own: bool) -> str:
    record = comparison.benchmark
    if record is None or not record.ok:
        return "There is no benchmark for this yet."
    figure = figure_of(comparison.measure)
    value = record.estimate
    interval = figure.interval(value.lower, value.upper)
    words = f"{_peers(record, own=own)}: {' '.join(part for part in (figure.text(value.value), interval) if part)}"
    top = comparison.top
    if top is not None and top.kind is not record.kind:
        words += f", top tenth {figure.text(top.estimate.value)}"
    extent = f" ({count(record.n_organizations, 'clinic')})" if record.n_organizations else ""
    return f"{words}{extent}."


def _peers(record: BenchmarkUsed, *, own: bool) -> str:
    if record.kind is BenchmarkKind.FIXED_EXTERNAL:
        return f"Published elsewhere ({record.method})"
    if record.kind is BenchmarkKind.OWN_HISTORY:
        return "Your own earlier figure" if own else "Its own earlier figure"
    if record.kind is BenchmarkKind.ABC:
        return "What the most favorable clinics with a tenth of all people reach"
    if record.kind is BenchmarkKind.TOP_DECILE:
        return "Top tenth of clinics"
    who = "Clinics like yours" if own else "The other clinics"
    if record.without == "":
        who = "All clinics together"
    return (
        f"{who}, middle one"
        if record.kind is BenchmarkKind.PERCENTILE and record.method in ("p50", "p50.patients")
        else who
    )


_WHY = {
    "minimum_n": "too few people",
    "nobody_followed": "nobody has a follow-up score yet",
    "benchmark": "too few clinics to compare with",
    "follow_up": "follow-up",
    "follow_up_gap": "follow-up differs too much",
    "reliability": "reliability",
    "probability": "too few people to tell",
    "missing_data": "answers to missing follow-up disagree",
    "usual_spread": "within the usual spread",
    "events": "no event was recorded",
    "figure": "no figure in this view",
}


def reason(comparison: Comparison) -> str:
    """The gate that decided, in a few words; "" when the light has a colour.

    The whole reason is in the gate's own text.
    """
    return _WHY.get(comparison.deciding, comparison.deciding)


def _verdict(comparison: Comparison, *, own: bool) -> str:
    if comparison.light is not Light.UNKNOWN:
        return f"{'You are' if own else 'This clinic is'} {_state(comparison)}."
    gate = comparison.deciding_gate
    start = f"We cannot tell yet whether {'you differ' if own else 'this clinic differs'}"
    if gate is None:
        return f"{start}."
    if gate.name == "minimum_n" and comparison.people_needed:
        more = comparison.people_needed
        words = "one more person is" if more == 1 else f"{more:,} more people are"
        return f"{start}: {words} needed before there is a figure ({gate.text})."
    if gate.name not in ("probability", "reliability"):
        return f"{start}: {gate.text}."
    if not comparison.people_needed and gate.name == "reliability":
        return f"{start}: {gate.text}."
    if not comparison.people_needed:
        whose = "your figure" if own else "its figure"
        return f"{start}: {whose} lies close to the benchmark, and more people alone may not settle it."
    needed = about(comparison.people_needed)
    people = "one more person" if needed == 1 else f"about {needed:,} more people"
    return f"{start}: {people} would be needed ({reason(comparison)})."


def _state(comparison: Comparison) -> str:
    if comparison.light is Light.CLOSE:
        return "about the same as the benchmark"
    above = (comparison.light is Light.ABOVE) == (comparison.better is Better.HIGHER)
    words = f"clearly {'above' if above else 'below'} the benchmark"
    if comparison.better is Better.HIGHER:
        return words
    return f"{words}, which is better here" if comparison.light is Light.ABOVE else f"{words}; lower is better here"


def next_step(comparison: Comparison) -> str:
    """One thing that can be done now, fitting the light and the gate that decided."""
    figures = comparison.figures
    n, m = figures.n_eligible, figures.n_followed
    missing = n - m if n is not None and m is not None else 0
    follow = _follow_up(missing)
    if comparison.light is Light.ABOVE:
        return "write down what you do and offer it to colleagues as a practice to learn from." + (
            f" {capital(follow)}" if missing else ""
        )
    if comparison.light is Light.CLOSE:
        return follow if missing else "keep measuring, and look at your own trend."
    if comparison.light is Light.BELOW:
        return "look at your own trend and at who is counted, choose one change to try, and set a date to look again."
    gate = comparison.deciding
    if gate in ("nobody_followed", "follow_up", "follow_up_gap", "missing_data") and missing:
        return follow
    if gate == "follow_up":
        return "look at your own figure over time; the source would need to state its follow-up for more."
    if gate == "minimum_n":
        return "keep measuring at the start and at follow-up; your own trend comes first."
    if gate == "benchmark":
        return "look at your own trend; a comparison opens when more clinics take part."
    if missing:
        return follow
    return "keep measuring; your own trend says more than this comparison for now."


def _follow_up(missing: int) -> str:
    if missing == 1:
        return "ask the one person without a follow-up score for one."
    return f"ask some of the {missing:,} people without a follow-up score for one."
