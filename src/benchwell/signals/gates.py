"""The gates of a light: each says what it found, what it needs, and what would change it (METHODS M1.4, M5.5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from benchwell.i18n import _, local_digits, ngettext
from benchwell.registry.benchmark import Gates
from benchwell.signals.answers import Answer
from benchwell.signals.words import Figure, about, count, in_percent, whole
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
        _("{people} so far; {least} are the least we show").format(
            people=count(found, "eligible person", "eligible people"), least=gates.organization_n
        ),
        ""
        if missing <= 0
        else _("{people} whose course can be counted.").format(people=count(missing, "more person", "more people")),
    )


def nobody_followed(eligible: int | None) -> Gate:
    """Somebody has a follow-up score: without one, more people alone never give a figure."""
    found = eligible or 0
    return Gate(
        "nobody_followed",
        False,
        0.0,
        1.0,
        _("nobody has a follow-up score yet ({people} eligible)").format(
            people=count(found, "person is", "people are")
        ),
        ngettext("Follow-up scores from this person.", "Follow-up scores from these {n} people.", found).format(
            n=whole(found)
        ),
    )


def benchmark_ready(ok: bool, organizations: int | None, why: str | None, gates: Gates) -> Gate:
    """There is a benchmark that may be shown: enough clinics, none dominating."""
    found = organizations or 0
    need = gates.tier_organizations
    text = _("{clinics} behind the benchmark; at least {need} are needed").format(
        clinics=count(found, "clinic"), need=need
    )
    if why and not ok:
        # The edition gives "code: what was found".
        words = why.partition(": ")[2] or why.replace("_", " ")
        text = _("there is no benchmark ({why})").format(why=words)
    change = "" if ok else _("At least {need} clinics in the comparison, none of them dominating it.").format(need=need)
    return Gate("benchmark", ok, found, need, text, change)


def completion(eligible: int | None, followed: int | None, gates: Gates) -> Gate:
    """Enough of the eligible people were followed up."""
    need = gates.completion
    if eligible is None or followed is None or eligible == 0:
        text = _("the source does not say how many people were followed up")
        change = _("A source that says how many of the eligible were measured.")
        return Gate("follow_up", False, None, need, text, change)
    share = followed / eligible
    text = _("{share} of the eligible people were followed up; a colour needs {need}").format(
        share=in_percent(share), need=in_percent(need)
    )
    more = ceil(need * eligible - 1e-9) - followed
    change = _("{scores} from the {people} without one.").format(
        scores=count(more, "more score"), people=count(eligible - followed, "person", "people")
    )
    return Gate("follow_up", more <= 0, share, need, text, "" if more <= 0 else change)


def completion_gap(share: float | None, peers: float | None, gates: Gates) -> Gate:
    """Follow-up is not too different from that of the comparison."""
    need = gates.completion_gap
    if share is None or peers is None:
        text = _("the follow-up of the comparison is not known")
        return Gate("follow_up_gap", False, None, need, text, _("A comparison that states its follow-up."))
    gap = abs(share - peers)
    passed = gap <= need + 1e-9
    text = _("follow-up is {share} here and {peers} in the comparison").format(
        share=in_percent(share), peers=in_percent(peers)
    )
    if not passed:
        text += _("; more than {points} points apart cannot be compared").format(points=f"{need * 100:.0f}")
    closer = _("Follow-up closer to that of the comparison.")
    change = closer if share < peers else _("A comparison with similar follow-up.")
    return Gate("follow_up_gap", passed, gap, need, text, "" if passed else change)


def no_figure(why: str) -> Gate:
    """There is a figure in this view at all: a model that fails its checks gives none (METHODS M3.11)."""
    text = _("this view has no figure: {why}").format(why=why)
    return Gate("figure", False, None, None, text, _("Another view, or a better model."))


def reliability(found: float | None, gates: Gates, people: int | None, state: Light) -> Gate:
    """The figure says more about the clinic than about chance.

    Green and red need the reliability of a colour (M5.5). "Near" claims no difference; it needs only that the figure
    is more than the clinic's own trend (METHODS 0.1).
    """
    need = gates.trend_reliability if state is Light.CLOSE else gates.light_reliability
    value = found or 0.0
    passed = value >= need
    text = (
        _("reliability is {found}; a colour needs {need}")
        if passed
        else _("too much of the difference between clinics is chance here (reliability {found}, needed {need})")
    ).format(found=local_digits(f"{value:.2f}"), need=local_digits(f"{need:.2f}"))
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
        text = _("the source says nothing about people who were not followed up")
        return Gate("missing_data", False, None, None, text, _("A source that counts the people without a score."))
    if not other:
        text = _("every answer to missing follow-up says the same")
        if state is Light.CLOSE:
            text = _("no answer to missing follow-up says that there is a difference")
        return Gate("missing_data", True, float(len(answers)), float(len(answers)), text)
    first = other[0]
    text = (
        _(
            "the answers to missing follow-up disagree: counting {whom}, the figure is {figure} against {benchmark}, "
            "which cannot be told apart"
        )
        if first.state is Light.UNKNOWN
        else _("the answers to missing follow-up disagree: counting {whom} says something else")
    ).format(whom=first.text, figure=figure.text(first.estimate), benchmark=figure.text(first.benchmark))
    if shift:
        text += f"; {shift}"
    agree = float(len(answers) - len(other))
    change = _("Scores from people who have none yet.") + (f" {tipping}" if tipping else "")
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
        return Gate("usual_spread", True, found, need, _("asked only of a difference"))
    if found is None:
        unknown = _("the usual spread between clinics is not known")
        return Gate("usual_spread", False, None, need, unknown, _("More clinics."))
    passed = found >= need
    text = _("the difference is larger than the usual spread between clinics")
    if not passed:
        text = _(
            "the difference is within the usual spread between clinics (with that spread counted as noise its "
            "probability is {found}; {need} is needed)"
        ).format(found=in_percent(found), need=in_percent(need))
    change = "" if passed else _("A larger difference, or clinics that are more alike.")
    return Gate("usual_spread", passed, found, need, text, change)


def events_recorded(state: Light) -> Gate:
    """A rate of zero is no praise: who asks more finds more, and zero may mean that nobody asked (METHODS M2.10)."""
    text = _("no event was recorded, which can mean that nobody asked: clinics that ask more find more")
    change = _("Asking everybody, and recording that they were asked.")
    passed = state is not Light.ABOVE
    return Gate("events", passed, 0.0, 1.0, text, "" if passed else change)


def probability(found: float, gates: Gates, people: int | None, *, decided: bool) -> Gate:
    """One of the three states is probable enough."""
    need = gates.light_probability
    text = _("the most probable state has a probability of {found}; {need} is needed").format(
        found=in_percent(found), need=in_percent(need)
    )
    return Gate("probability", decided, found, need, text, "" if decided else more_people(people))


def more_people(people: int | None) -> str:
    """What more data would do, in words."""
    if people is None:
        return _("More people alone would not settle it while the figure stays this close to the benchmark.")
    return _("About {people} followed up.").format(people=count(about(people), "more person", "more people"))
