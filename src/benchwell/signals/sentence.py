"""The one sentence that every light has: the figure, how sure, and what one can do (UX.md)."""

from __future__ import annotations

from dataclasses import dataclass

from benchwell.i18n import N_, _, ngettext
from benchwell.signals.comparison import BenchmarkUsed, Comparison
from benchwell.signals.words import about, capital, count, direction, figure_of, missing_as, whole
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
        title=_(comparison.measure.title),
        figure=figure.text(own.value) if shown else _("no figure yet"),
        interval=figure.interval(own.lower, own.upper) if shown else "",
        direction=direction(comparison.better),
        people=_people(comparison, own=person == "you"),
        benchmark=_benchmark(comparison, own=person == "you"),
        verdict=_verdict(comparison, own=person == "you"),
        next_step=_("Worth doing now: {step}").format(step=next_step(comparison)),
    )


def _missing(comparison: Comparison) -> str:
    return {
        Denominator.OBSERVED: _("not counted here"),
        Denominator.ALL_ELIGIBLE: _("counted as {outcome}").format(outcome=missing_as(comparison.measure)),
        Denominator.ESTIMATED: _("estimated from people like them"),
    }[comparison.figures.primary]


def _people(comparison: Comparison, *, own: bool) -> str:
    figures = comparison.figures
    n, m = figures.n_eligible, figures.n_followed
    if comparison.status == "suppressed":
        return _("The source suppressed this figure because few people are behind it; that is not zero.")
    if comparison.status == "no_activity":
        return _("The source reports no activity; that is not zero percent.")
    if n is None or m is None:
        text = _("The source does not say how many of the eligible people were followed up.")
        behind = _("The figure rests on about {people}.").format(people=count(n or m or 0, "person", "people"))
        return f"{text} {behind}" if n or m else text
    if n == 0:
        return _("Nobody is eligible and far enough in time yet.")
    if n == 1:
        return _one(bool(m), own=own)
    if n == m:
        text = (
            _("All your {n} eligible people were followed up.")
            if own
            else _("All {n} eligible people were followed up.")
        )
        return text.format(n=whole(n))
    followed = (
        ngettext(
            "{m} of your {n} eligible people was followed up", "{m} of your {n} eligible people were followed up", m
        )
        if own
        else ngettext(
            "{m} of the {n} eligible people was followed up", "{m} of the {n} eligible people were followed up", m
        )
    ).format(m=whole(m), n=whole(n))
    rest = ngettext("the other one is {counted}", "the other {n} are {counted}", n - m)
    return f"{followed}; {rest.format(n=whole(n - m), counted=_missing(comparison))}."


def _one(followed: bool, *, own: bool) -> str:
    if own:
        return (
            _("Your one eligible person was followed up.")
            if followed
            else _("Your one eligible person was not followed up.")
        )
    return _("One eligible person was followed up.") if followed else _("One eligible person was not followed up.")


def _benchmark(comparison: Comparison, *, own: bool) -> str:
    record = comparison.benchmark
    if record is None or not record.ok:
        return _("There is no benchmark for this yet.")
    figure = figure_of(comparison.measure)
    value = record.estimate
    interval = figure.interval(value.lower, value.upper)
    words = f"{_peers(record, own=own)}: {' '.join(part for part in (figure.text(value.value), interval) if part)}"
    top = comparison.top
    if top is not None and top.kind is not record.kind:
        words += _(", top tenth {figure}").format(figure=figure.text(top.estimate.value))
    extent = f" ({count(record.n_organizations, 'clinic')})" if record.n_organizations else ""
    return f"{words}{extent}."


def _peers(record: BenchmarkUsed, *, own: bool) -> str:
    if record.kind is BenchmarkKind.FIXED_EXTERNAL:
        return _("Published elsewhere ({method})").format(method=record.method)
    if record.kind is BenchmarkKind.OWN_HISTORY:
        return _("Your own earlier figure") if own else _("Its own earlier figure")
    if record.kind is BenchmarkKind.ABC:
        return _("What the most favorable clinics with a tenth of all people reach")
    if record.kind is BenchmarkKind.TOP_DECILE:
        return _("Top tenth of clinics")
    who = _("Clinics like yours") if own else _("The other clinics")
    if record.without == "":
        who = _("All clinics together")
    return (
        _("{who}, middle one").format(who=who)
        if record.kind is BenchmarkKind.PERCENTILE and record.method in ("p50", "p50.patients")
        else who
    )


_WHY = {
    "minimum_n": N_("too few people"),
    "nobody_followed": N_("nobody has a follow-up score yet"),
    "benchmark": N_("too few clinics to compare with"),
    "follow_up": N_("follow-up"),
    "follow_up_gap": N_("follow-up differs too much"),
    "reliability": N_("chance still plays too large a part"),
    "probability": N_("too few people to tell"),
    "missing_data": N_("answers to missing follow-up disagree"),
    "usual_spread": N_("within the usual spread"),
    "events": N_("no event was recorded"),
    "figure": N_("no figure in this view"),
}


def reason(comparison: Comparison) -> str:
    """The gate that decided, in a few words; "" when the light has a colour.

    The whole reason is in the gate's own text.
    """
    return _(_WHY[comparison.deciding]) if comparison.deciding in _WHY else comparison.deciding


def _verdict(comparison: Comparison, *, own: bool) -> str:
    if comparison.light is not Light.UNKNOWN:
        return (_("You are {state}.") if own else _("This clinic is {state}.")).format(state=_state(comparison))
    gate = comparison.deciding_gate
    start = _("We cannot tell yet whether you differ") if own else _("We cannot tell yet whether this clinic differs")
    if gate is None:
        return f"{start}."
    if gate.name == "minimum_n" and comparison.people_needed:
        more = ngettext(
            "one more person is needed before there is a figure",
            "{n} more people are needed before there is a figure",
            comparison.people_needed,
        ).format(n=whole(comparison.people_needed))
        return f"{start}: {more} ({gate.text})."
    if gate.name not in ("probability", "reliability"):
        return f"{start}: {gate.text}."
    if not comparison.people_needed and gate.name == "reliability":
        return f"{start}: {gate.text}."
    if not comparison.people_needed:
        if own:
            why = _("your figure lies close to the benchmark, and more people alone may not settle it")
        else:
            why = _("its figure lies close to the benchmark, and more people alone may not settle it")
        return f"{start}: {why}."
    needed = about(comparison.people_needed)
    people = ngettext("one more person would be needed", "about {n} more people would be needed", needed)
    return f"{start}: {people.format(n=whole(needed))} ({reason(comparison)})."


def _state(comparison: Comparison) -> str:
    if comparison.light is Light.CLOSE:
        return _("about the same as the benchmark")
    above = (comparison.light is Light.ABOVE) == (comparison.better is Better.HIGHER)
    words = _("clearly above the benchmark") if above else _("clearly below the benchmark")
    if comparison.better is Better.HIGHER:
        return words
    return words + (_(", which is better here") if comparison.light is Light.ABOVE else _("; lower is better here"))


def next_step(comparison: Comparison) -> str:
    """One thing that can be done now, fitting the light and the gate that decided."""
    figures = comparison.figures
    n, m = figures.n_eligible, figures.n_followed
    missing = n - m if n is not None and m is not None else 0
    follow = _follow_up(missing)
    if comparison.light is Light.ABOVE:
        share = _("write down what you do and offer it to colleagues as a practice to learn from.")
        return f"{share} {capital(follow)}" if missing else share
    if comparison.light is Light.CLOSE:
        return follow if missing else _("keep measuring, and look at your own trend.")
    if comparison.light is Light.BELOW:
        return _(
            "look at your own trend and at who is counted, choose one change to try, and set a date to look again."
        )
    gate = comparison.deciding
    if gate in ("nobody_followed", "follow_up", "follow_up_gap", "missing_data") and missing:
        return follow
    if gate == "follow_up":
        return _("look at your own figure over time; the source would need to state its follow-up for more.")
    if gate == "minimum_n":
        return _("keep measuring at the start and at follow-up; your own trend comes first.")
    if gate == "benchmark":
        return _("look at your own trend; a comparison opens when more clinics take part.")
    if missing:
        return follow
    return _("keep measuring; your own trend says more than this comparison for now.")


def _follow_up(missing: int) -> str:
    return ngettext(
        "ask the one person without a follow-up score for one.",
        "ask some of the {n} people without a follow-up score for one.",
        missing,
    ).format(n=whole(missing))
