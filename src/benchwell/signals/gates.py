"""The gates of a light: each says what it found, what it needs, and what would change it (METHODS M1.4, M5.5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from benchwell.registry.benchmark import Gates
from benchwell.signals.answers import Answer
from benchwell.signals.words import Figure, about, count
from benchwell.terms import Light


@dataclass(frozen=True)
class Gate:
    """One condition of a colour.

    Attributes:
        name: Code of the gate.
        passed: Whether it lets a colour through.
        found: What was found; None if unknown.
        needed: What is needed; None if it is not a number.
        text: Why, in one plain sentence.
        change: What would change it, in one plain sentence; "" when passed.
    """

    name: str
    passed: bool
    found: float | None
    needed: float | None
    text: str
    change: str = ""


def minimum_n(eligible: int | None, gates: Gates, short: int | None) -> Gate:
    """Enough mature eligible people for any figure at all."""
    found = eligible or 0
    missing = max(short or 0, gates.organization_n - found)
    return Gate(
        "minimum_n",
        missing <= 0,
        found,
        gates.organization_n,
        f"{count(found, 'eligible person', 'eligible people')} so far; {gates.organization_n} are the least we show",
        "" if missing <= 0 else f"{count(missing, 'more person', 'more people')} whose course can be counted.",
    )


def nobody_followed(eligible: int | None) -> Gate:
    """Somebody has a follow-up score: without one, more people alone never give a figure."""
    found = eligible or 0
    return Gate(
        "nobody_followed",
        False,
        0.0,
        1.0,
        f"nobody has a follow-up score yet ({count(found, 'person is', 'people are')} eligible)",
        f"Follow-up scores from {'this person' if found == 1 else f'these {found:,} people'}.",
    )


def benchmark_ready(ok: bool, organizations: int | None, why: str | None, gates: Gates) -> Gate:
    """There is a benchmark that may be shown: enough clinics, none dominating."""
    found = organizations or 0
    need = gates.tier_organizations
    text = f"{count(found, 'clinic')} behind the benchmark; at least {need} are needed"
    if why and not ok:
        # The edition gives "code: what was found".
        text = f"there is no benchmark ({why.partition(': ')[2] or why.replace('_', ' ')})"
    change = "" if ok else f"At least {need} clinics in the comparison, none of them dominating it."
    return Gate("benchmark", ok, found, need, text, change)


def completion(eligible: int | None, followed: int | None, gates: Gates) -> Gate:
    """Enough of the eligible people were followed up."""
    need = gates.completion
    if eligible is None or followed is None or eligible == 0:
        text = "the source does not say how many people were followed up"
        return Gate("follow_up", False, None, need, text, "A source that says how many of the eligible were measured.")
    share = followed / eligible
    text = f"{share:.0%} of the eligible people were followed up; a colour needs {need:.0%}".replace("%", " %")
    more = ceil(need * eligible - 1e-9) - followed
    change = f"{count(more, 'more score')} from the {count(eligible - followed, 'person', 'people')} without one."
    return Gate("follow_up", more <= 0, share, need, text, "" if more <= 0 else change)


def completion_gap(share: float | None, peers: float | None, gates: Gates) -> Gate:
    """Follow-up is not too different from that of the comparison."""
    need = gates.completion_gap
    if share is None or peers is None:
        text = "the follow-up of the comparison is not known"
        return Gate("follow_up_gap", False, None, need, text, "A comparison that states its follow-up.")
    gap = abs(share - peers)
    passed = gap <= need + 1e-9
    text = (
        f"follow-up is {share:.0%} here and {peers:.0%} in the comparison; more than {need * 100:.0f} points apart "
        "cannot be compared"
    ).replace("%", " %")
    if passed:
        text = f"follow-up is {share:.0%} here and {peers:.0%} in the comparison".replace("%", " %")
    change = "Follow-up closer to that of the comparison." if share < peers else "A comparison with similar follow-up."
    return Gate("follow_up_gap", passed, gap, need, text, "" if passed else change)


def no_figure(why: str) -> Gate:
    """There is a figure in this view at all: a model that fails its checks gives none (METHODS M3.11)."""
    return Gate("figure", False, None, None, f"this view has no figure: {why}", "Another view, or a better model.")


def reliability(found: float | None, gates: Gates, people: int | None, state: Light) -> Gate:
    """The figure says more about the clinic than about chance.

    Green and red need the reliability of a colour (M5.5). "Near" claims no difference; it needs only that the figure
    is more than the clinic's own trend (METHODS 0.1).
    """
    need = gates.trend_reliability if state is Light.CLOSE else gates.light_reliability
    value = found or 0.0
    passed = value >= need
    text = (
        f"reliability is {value:.2f}; a colour needs {need:.2f}"
        if passed
        else f"too much of the difference between clinics is chance here (reliability {value:.2f}, needed {need:.2f})"
    )
    change = "" if passed else more_people(people)
    return Gate("reliability", passed, found, need, text, change)


def missing_data(answers: Sequence[Answer], state: Light, figure: Figure, tipping: str, shift: str = "") -> Gate:
    """The colour is the same under every answer to missing follow-up.

    "Near" claims no difference: it falls only where an answer says there is one (M5.5 asks more of green and red).

    Args:
        answers: Every answer.
        state: The verdict.
        figure: How figures are written.
        tipping: What would have to be true of the missing, as a sentence.
        shift: The smallest shift of imputed scores that changes the state, as a clause.
    """
    other = [answer for answer in answers if answer.state is not state]
    if state is Light.CLOSE:
        other = [answer for answer in other if answer.state is not Light.UNKNOWN]
    if not answers:
        text = "the source says nothing about people who were not followed up"
        return Gate("missing_data", False, None, None, text, "A source that counts the people without a score.")
    if not other:
        text = "every answer to missing follow-up says the same"
        if state is Light.CLOSE:
            text = "no answer to missing follow-up says that there is a difference"
        return Gate("missing_data", True, float(len(answers)), float(len(answers)), text)
    first = other[0]
    text = (
        f"the answers to missing follow-up disagree: counting {first.text}, the figure is "
        f"{figure.text(first.estimate)} against {figure.text(first.benchmark)}, which cannot be told apart"
        if first.state is Light.UNKNOWN
        else f"the answers to missing follow-up disagree: counting {first.text} says something else"
    )
    if shift:
        text += f"; {shift}"
    agree = float(len(answers) - len(other))
    change = f"Scores from people who have none yet.{' ' + tipping if tipping else ''}"
    return Gate("missing_data", False, agree, float(len(answers)), text, change)


def overdispersion(found: float | None, gates: Gates, state: Light) -> Gate:
    """The difference stands out from the usual spread between clinics, not only from chance.

    Args:
        found: Probability of a difference in the direction of the state, the usual spread counted as noise; None if
            that spread is not known.
        gates: The benchmark's minimums.
        state: The verdict.
    """
    need = gates.light_probability
    if state not in (Light.ABOVE, Light.BELOW):
        return Gate("usual_spread", True, found, need, "asked only of a difference")
    if found is None:
        return Gate("usual_spread", False, None, need, "the usual spread between clinics is not known", "More clinics.")
    passed = found >= need
    text = "the difference is larger than the usual spread between clinics"
    if not passed:
        text = (
            "the difference is within the usual spread between clinics (with that spread counted as noise its "
            f"probability is {found:.0%}; {need:.0%} is needed)"
        ).replace("%", " %")
    change = "" if passed else "A larger difference, or clinics that are more alike."
    return Gate("usual_spread", passed, found, need, text, change)


def events_recorded(state: Light) -> Gate:
    """A rate of zero is no praise: who asks more finds more, and zero may mean that nobody asked (METHODS M2.10)."""
    text = "no event was recorded, which can mean that nobody asked: clinics that ask more find more"
    change = "Asking everybody, and recording that they were asked."
    passed = state is not Light.ABOVE
    return Gate("events", passed, 0.0, 1.0, text, "" if passed else change)


def probability(found: float, gates: Gates, people: int | None, *, decided: bool) -> Gate:
    """One of the three states is probable enough."""
    need = gates.light_probability
    text = f"the most probable state has a probability of {found:.0%}; {need:.0%} is needed".replace("%", " %")
    return Gate("probability", decided, found, need, text, "" if decided else more_people(people))


def more_people(people: int | None) -> str:
    """What more data would do, in words."""
    if people is None:
        return "More people alone would not settle it while the figure stays this close to the benchmark."
    return f"About {count(about(people), 'more person', 'more people')} followed up."
