"""Safety answers: who must look, what was done, and what the person reads at once (METHODS M6.10)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from benchwell.i18n import N_, _
from benchwell.pipeline.live.service import LiveService
from benchwell.pipeline.live.telling import write_and_tell
from benchwell.register import Viewer
from benchwell.register.audit import log
from benchwell.register.prompts import ACTIONS, SafetyPrompt, mark_seen
from benchwell.registry import Registry
from benchwell.settings import Settings

ACTION_WORDS: Final = {
    "spoke_now": N_("Spoke with the person about it"),
    "safety_plan": N_("Made or renewed a safety plan"),
    "contact_arranged": N_("Arranged a contact within a day"),
    "referred": N_("Referred to somebody who can help now"),
    "emergency": N_("Called emergency help"),
    "known_no_change": N_("Known already and nothing changed; looked at it again"),
    "answered_by_mistake": N_("The person says that it was answered by mistake"),
    "passed_on": N_("Passed on to the colleague in charge, and reached them"),
}


@dataclass(frozen=True)
class PromptView:
    """One prompt as a clinician reads it.

    Attributes:
        prompt: The prompt.
        title: Title of the instrument.
        text: What to do, as the instrument declares it.
    """

    prompt: SafetyPrompt
    title: str
    text: str


@dataclass(frozen=True)
class SafetyWords:
    """What a person reads after an answer above the line.

    Attributes:
        text: The local text.
        contacts: Whom to turn to, one line each.
        unwatched: That nobody watches this page.
    """

    text: str
    contacts: tuple[str, ...]
    unwatched: str


def safety_words(settings: Settings) -> SafetyWords:
    """The local words; without any, neutral ones that invent no number."""
    text = settings.safety_text or _(
        "You answered that you had thoughts of being better off dead or of hurting yourself. Please do not stay alone "
        "with them: tell somebody you trust, your therapist or your doctor, today. If you might act on them, call your "
        "local emergency number now or go to the nearest emergency department."
    )
    unwatched = _("Nobody watches this page. Your therapist sees your answer when they next look, which may be later.")
    return SafetyWords(text, settings.emergency_contacts, unwatched)


def actions() -> tuple[tuple[str, str], ...]:
    """What can have been done: codes and words."""
    return tuple((code, _(ACTION_WORDS[code])) for code in ACTIONS)


def prompt_view(registry: Registry, prompt: SafetyPrompt) -> PromptView:
    """A prompt with the words of its instrument."""
    instrument = registry.instrument(prompt.instrument)
    declared = next((one.text for one in instrument.safety_items if one.item == prompt.item), "")
    text = _(declared) if prompt.is_raised and declared else _("Item {item} is about safety, and has no answer. Ask.")
    text = text.format(item=prompt.item)
    if prompt.is_taken_back:
        text += " " + _("The form was taken back since, and nobody had seen this answer.")
    return PromptView(prompt, _(instrument.title), text)


def say_seen(service: LiveService, viewer: Viewer, now: float, person_id: str, prompt_id: str, action: str) -> bool:
    """Say what was done; the log keeps who said what, and when.

    Returns:
        False if somebody had said so before.

    Raises:
        AccessError: If the action is not one of the list.
    """

    def write(connection: Any) -> bool:
        done = mark_seen(connection, now, viewer, person_id, prompt_id, action)
        if done:
            log(
                connection, now, viewer, "safety_seen", "/people/{person_id}/safety", person_id=person_id, detail=action
            )
        return done

    return write_and_tell(service, person_id, write)  # other open pages let the prompt go
