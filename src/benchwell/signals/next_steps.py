"""What a therapist can do next: a fixed list in plain words, chosen by what the scores say.

Nothing here is an instruction. Each step is something that one can do with the person or with a colleague; which one
fits, and whether any does, is for those two to say (METHODS M6, UX "Voice").
"""

from __future__ import annotations

from enum import StrEnum

from benchwell.i18n import N_, _
from benchwell.terms import ChangeClass


class Step(StrEnum):
    """One thing that can be done."""

    TALK = "talk"
    ALLIANCE = "alliance"
    FOCUS = "focus"
    CIRCUMSTANCES = "circumstances"
    COLLEAGUE = "colleague"
    MEASURE = "measure"
    COMPLETE = "complete"
    ENDING = "ending"
    CONTINUE = "continue"


WORDS: dict[Step, str] = {
    Step.TALK: N_("Look at the line together and ask whether it fits how the person feels."),
    Step.ALLIANCE: N_("Ask how working together is going, for example with a short alliance form."),
    Step.FOCUS: N_("Look again at the focus, the method, and how often you meet."),
    Step.CIRCUMSTANCES: N_("Ask what changed outside: work, home, health, medication."),
    Step.COLLEAGUE: N_("Talk it over with a colleague or in supervision."),
    Step.MEASURE: N_("Plan the next questionnaire, so that there is a line and not only a point."),
    Step.COMPLETE: N_("Ask for the questions that were left out."),
    Step.ENDING: N_("Talk about whether the goals are reached, and how to keep what was gained."),
    Step.CONTINUE: N_("Go on as planned, and look again after the next questionnaire."),
}

_REVIEW = (Step.TALK, Step.ALLIANCE, Step.CIRCUMSTANCES, Step.FOCUS, Step.COLLEAGUE)


def steps_for(
    *, state: str, change: ChangeClass | None, n_scores: int, little_early_change: bool, newest_is_invalid: bool
) -> tuple[Step, ...]:
    """Which steps fit what the scores say.

    Args:
        state: The course's state: `on_track`, `review`, `not_enough` or `off`.
        change: Change since the start; None where it cannot be told.
        n_scores: Valid scores so far.
        little_early_change: Whether the early-change rule applies.
        newest_is_invalid: Whether the newest questionnaire gave no score.

    >>> steps_for(state="on_track", change=ChangeClass.RECOVERED, n_scores=4, little_early_change=False,
    ...           newest_is_invalid=False)
    (<Step.ENDING: 'ending'>, <Step.CONTINUE: 'continue'>)
    """
    first = (Step.COMPLETE,) if newest_is_invalid else ()
    if state == "review" or change is ChangeClass.DETERIORATED:
        return (*first, *_REVIEW)
    if n_scores < 2:
        return (*first, Step.MEASURE)
    if change is ChangeClass.RECOVERED:
        return (*first, Step.ENDING, Step.CONTINUE)
    # Little change early says something only as long as none has come since.
    if little_early_change and change is not ChangeClass.IMPROVED:
        return (*first, Step.TALK, Step.FOCUS)
    return (*first, Step.CONTINUE)


def step_texts(steps: tuple[Step, ...]) -> tuple[str, ...]:
    """The steps in the reader's language.

    >>> step_texts((Step.COLLEAGUE,))
    ('Talk it over with a colleague or in supervision.',)
    """
    return tuple(_(WORDS[one]) for one in steps)
