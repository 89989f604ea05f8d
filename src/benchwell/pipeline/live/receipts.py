"""Decisions of a person, and the receipts for them: on the page and on paper, the same words."""

from __future__ import annotations

from dataclasses import dataclass

from benchwell.errors import AccessError
from benchwell.i18n import _, current, day, moment
from benchwell.pipeline.live.my_data import consent_texts, my_record, text_words
from benchwell.pipeline.live.my_words import decision_words, deletion_state, purpose_words
from benchwell.pipeline.live.service import LiveService
from benchwell.publish.document import Block, Document, Facts, Heading, Text
from benchwell.register.consents import decide
from benchwell.register.my_data import Deletion, ask_deletion
from benchwell.register.my_data import withdraw_deletion as _withdraw
from benchwell.registry.consent_text import ConsentText
from benchwell.terms import Purpose

# The treatment needs the record: that use is ended by a request to delete, not by a switch.
SWITCHED = frozenset(Purpose) - {Purpose.CARE}


@dataclass(frozen=True)
class ReceiptPage:
    """A receipt.

    Attributes:
        title: What it is.
        lead: What it says.
        facts: Number, day and the like.
        words: What follows from it.
        quoted: The text that was decided on, as it was shown.
    """

    title: str
    lead: str
    facts: tuple[tuple[str, str], ...]
    words: tuple[str, ...]
    quoted: tuple[str, ...] = ()

    def document(self) -> Document:
        """The same on paper."""
        blocks: list[Block] = [Text(self.lead), Facts(self.facts), Heading(_("What follows from it"))]
        blocks += [Text(one) for one in self.words]
        if self.quoted:
            blocks += [Heading(_("The text that you decided on")), *(Text(one) for one in self.quoted)]
        return Document(self.title, current(), "Benchwell", tuple(blocks))


def decide_for_oneself(
    service: LiveService, person_id: str, purpose: str, decision: str, version: str, now: float
) -> str:
    """Keep what a person decided on a purpose.

    Args:
        service: The live service.
        person_id: Who decides, about the own data.
        purpose: One of `terms.Purpose`.
        decision: `granted`, or anything else for no.
        version: Of the text that was shown; it must be the one in force, or the decision was on something else.
        now: Seconds since 1970-01-01 UTC.

    Returns:
        Number of the receipt.

    Raises:
        AccessError: If there is no such purpose, or the text has changed since the page was loaded.
    """
    if purpose not in SWITCHED or decision not in ("granted", "refused"):
        raise AccessError(_("There is no such decision to make."))
    wanted = Purpose(purpose)
    if consent_texts(service).in_force(wanted).version != version:
        raise AccessError(_("The text has changed meanwhile."), hint=_("read the new text, then decide"))
    held = [one.decision for one in my_record(service, person_id).decisions if one.purpose == purpose]
    refusal = "withdrawn" if held[-1:] == ["granted"] else "declined"
    made = service.register.write(
        lambda connection: decide(
            connection,
            now,
            person_id,
            wanted,
            "granted" if decision == "granted" else refusal,
            text_version=version,
            decided_by="person",
        )
    )
    return made.id


def decision_receipt(service: LiveService, person_id: str, number: str) -> ReceiptPage:
    """The receipt for one decision of a person.

    Raises:
        AccessError: If this person has no such receipt.
    """
    found = next((one for one in my_record(service, person_id).decisions if one.id == number), None)
    if found is None:
        raise AccessError(_("You have no such receipt."))
    purpose, text = Purpose(found.purpose), consent_texts(service).of_version(found.text_version)
    granted = found.decision == "granted"
    lead = _("You said yes to: {purpose}.") if granted else _("You said no to: {purpose}.")
    return ReceiptPage(
        title=_("Receipt for your decision"),
        lead=lead.format(purpose=purpose_words(purpose)),
        facts=(
            (_("Number"), found.id),
            (_("Decided on"), moment(found.decided_at)),
            (_("Purpose"), purpose_words(purpose)),
            (_("Decision"), decision_words(found.decision)),
            (_("Holds from"), day(found.date)),
            (_("Text"), f"{text_words(text)} {found.text_version}" if text else found.text_version),
        ),
        words=_follows(granted=granted),
        quoted=_quoted(text),
    )


def ask_for_deletion(service: LiveService, person_id: str, now: float) -> str:
    """Keep a request to delete; the number of its receipt."""
    return service.register.write(lambda connection: ask_deletion(connection, now, person_id)).id


def withdraw_deletion(service: LiveService, person_id: str, number: str, now: float) -> None:
    """Take a request to delete back; nothing happens where it was answered already, and the receipt says so.

    Raises:
        AccessError: If this person has no such request.
    """
    deletion_receipt(service, person_id, number)
    service.register.write(lambda connection: _withdraw(connection, now, person_id, number))


def deletion_receipt(service: LiveService, person_id: str, number: str) -> ReceiptPage:
    """The receipt for a request to delete.

    Raises:
        AccessError: If this person has no such receipt.
    """
    found = next((one for one in my_record(service, person_id).deletions if one.id == number), None)
    if found is None:
        raise AccessError(_("You have no such receipt."))
    return ReceiptPage(
        title=_("Receipt for your request to delete"),
        lead=_("You asked your clinic to delete your data here."),
        facts=(
            (_("Number"), found.id),
            (_("Asked on"), moment(found.asked_at)),
            *(((_("Answered on"), moment(found.decided_at)),) if found.decided_at else ()),
            (_("Where it stands"), deletion_state(found)),
        ),
        words=_deletion_words(found),
    )


def _deletion_words(request: Deletion) -> tuple[str, ...]:
    same = _("Your treatment stays the same.")
    if request.state == "refused":
        return (_("Your data stay here as they are. You can ask for deletion again at any time."), same)
    return (
        _(
            "What is deleted: your answers, scores, courses and decisions in this program, and in the figures that "
            "are put together from then on."
        ),
        _(
            "What stays: the clinic's own file about your treatment, which it must keep by law, and figures about "
            "groups that were put together before. Nobody can be found in those."
        ),
        _("A line stays that says that a record was deleted, without saying whose it was."),
        same,
    )


def _quoted(text: ConsentText | None) -> tuple[str, ...]:
    if text is None:
        return (_("You decided on a text that is not kept in this program, such as one on paper."),)
    words = text.said(current())
    return (words.question, words.text, words.refusal)


def _follows(*, granted: bool) -> tuple[str, ...]:
    change = _("You can change your mind at any time. Your treatment stays the same, whatever you decide.")
    if granted:
        return (change,)
    return (
        _("From this day on your scores are left out whenever figures are put together for this purpose."),
        _("Figures about groups that were published before stay as they are, since nobody can be found in them."),
        change,
    )
