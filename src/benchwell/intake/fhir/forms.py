"""What the link ids and answers of a response mean: by the form's own Questionnaire, by declaration, or as codes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import msgspec

from benchwell.intake.fhir.answers import ordinal_of
from benchwell.intake.fhir.elements import Coding
from benchwell.intake.fhir.instrument_codes import Cell, InstrumentCodes, Slot, Target, bare_code
from benchwell.intake.fhir.resources import Questionnaire, QuestionnaireItem, QuestionnaireResponse
from benchwell.intake.fhir.rows import Found

_CONTAINED = msgspec.json.Decoder(Questionnaire)
_KEPT = 20_000  # link ids and combinations of them that a reader remembers


@dataclass
class Question:
    """What a Questionnaire says of one link id: its codes (`bare_code`), and the values of its answers."""

    codes: tuple[str, ...]
    answers: dict[str, float]


@dataclass
class Form:
    """A Questionnaire, as far as it explains its responses."""

    codes: tuple[str, ...] = ()
    questions: dict[str, Question] = field(default_factory=dict)


@dataclass(eq=False)
class Forms:
    """Questionnaires of one source: by address with and without version, and by id. Plain data, cheap to hand over.

    >>> Forms().find("http://example.org/Questionnaire/x|1") is None
    True
    """

    by_name: dict[str, Form] = field(default_factory=dict)

    def add(self, found: Found) -> None:
        """Remember a Questionnaire. Two versions under one name: a response that names its version gets that one."""
        resource = found.resource
        if not isinstance(resource, Questionnaire):
            raise TypeError(f"{type(resource).__name__} is no Questionnaire")
        form = read_form(resource)
        names = [found.full_url, resource.url, resource.id and f"Questionnaire/{resource.id}"]
        for name in names:
            if name:
                self.by_name[name] = form
                if resource.version:
                    self.by_name[f"{name}|{resource.version}"] = form

    def find(self, questionnaire: str) -> Form | None:
        """The form that `QuestionnaireResponse.questionnaire` names: canonical, absolute or relative."""
        plain = questionnaire.partition("|")[0].rstrip("/")
        relative = "/".join(plain.split("/")[-2:])
        for name in (questionnaire, plain, relative):
            if name in self.by_name:
                return self.by_name[name]
        return None


def read_form(questionnaire: Questionnaire) -> Form:
    """A Questionnaire as plain data."""
    form = Form(_codes(questionnaire.code))
    for item in _walk(questionnaire.item):
        answers: dict[str, float] = {}
        for option in item.answerOption:
            coding = option.valueCoding
            if coding is None or coding.code is None:
                continue
            found = [ordinal_of(option.extension), ordinal_of(coding.extension)]
            values = {value for value in found if value is not None}
            if len(values) == 1:
                answers[bare_code(coding.system, coding.code)] = values.pop()
        form.questions[item.linkId] = Question(_codes(item.code), answers)
    return form


@dataclass
class LinkReader:
    """What link ids of the responses to one form mean; remembers what it has found out."""

    codes: InstrumentCodes
    named: str | None  # the instrument that the form itself is
    links: dict[str, Slot | None]
    plans: dict[tuple[int, ...], list[Cell | None]] = field(default_factory=dict)
    plain: dict[tuple[str, ...], list[Cell | None] | None] = field(default_factory=dict)  # by link ids, see `response`

    def slot(self, link_id: str, definition: str | None = None) -> Slot | None:
        """What a link id asks for; null if nothing that is declared."""
        if link_id in self.links:
            found = self.links[link_id]
        else:
            found = _by_code(self.codes, link_id)
            if len(self.links) < _KEPT:
                self.links[link_id] = found
        # What a definition says is not remembered: another item may use the same link id.
        return _by_code(self.codes, definition) if found is None and definition else found


@dataclass
class Readers:
    """One reader for each form that a source's responses name."""

    codes: InstrumentCodes
    forms: Forms
    by_form: dict[str, LinkReader] = field(default_factory=dict)
    known: int = 0  # how many names the forms had when this was made

    def __post_init__(self) -> None:
        self.known = len(self.forms.by_name)

    @property
    def is_old(self) -> bool:
        """Whether forms have been added since."""
        return self.known != len(self.forms.by_name)

    def of(self, response: QuestionnaireResponse) -> LinkReader:
        """The reader of a response: by its contained Questionnaire, or the one that it names."""
        name = response.questionnaire or ""
        if name.startswith("#"):
            form = _contained(response, name[1:])
            return make_reader(self.codes, form, "")
        found = self.by_form.get(name)
        if found is None:
            found = make_reader(self.codes, self.forms.find(name) if name else None, name)
            if len(self.by_form) < _KEPT:
                self.by_form[name] = found
        return found


def make_reader(codes: InstrumentCodes, form: Form | None, name: str) -> LinkReader:
    """Compile a form: its own codes first, then what is declared for forms of this name."""
    last = name.partition("|")[0].rstrip("/").rpartition("/")[2]
    links: dict[str, Slot | None] = {}
    named: set[str] = set()
    for rule in codes.forms.get(last, ()):
        links |= rule.links
        named.add(rule.instrument)
    if form is not None:
        for link_id, question in form.questions.items():
            slot = _of_question(codes, link_id, question) or links.get(link_id)
            if slot is not None:
                links[link_id] = slot
        named |= {target.instrument for code in form.codes for target in _targets(codes, code)}
    if not named and (own := codes.find(None, last)) is not None and own.role == "panel":
        named = {target.instrument for target in own.targets}
    return LinkReader(codes, named.pop() if len(named) == 1 else None, links)


def _of_question(codes: InstrumentCodes, link_id: str, question: Question) -> Slot | None:
    found = [slot for code in question.codes if (slot := codes.slots.get(code)) is not None]
    if len(found) != 1:  # no code, or codes of two questions: then the link id itself may be one
        return _by_code(codes, link_id) if not found and not question.codes else None
    return Slot(found[0].role, found[0].targets, found[0].code, question.answers)


def _targets(codes: InstrumentCodes, code: str) -> tuple[Target, ...]:
    slot = codes.slots.get(code)
    return slot.targets if slot is not None and slot.role == "panel" else ()


def _by_code(codes: InstrumentCodes, text: str) -> Slot | None:
    """Link ids such as `44250-9`, `/44250-9`, `/44249-1/44250-9`, and definitions that end in a code."""
    return codes.slots.get(text.rstrip("/").rpartition("/")[2])


def _codes(codings: list[Coding]) -> tuple[str, ...]:
    return tuple(bare_code(one.system, one.code) for one in codings if one.code is not None)


def _walk(items: list[QuestionnaireItem]) -> Iterator[QuestionnaireItem]:
    waiting = list(reversed(items))
    while waiting:
        item = waiting.pop()
        yield item
        waiting.extend(reversed(item.item))


def _contained(response: QuestionnaireResponse, wanted: str) -> Form | None:
    for raw in response.contained:
        try:
            found = _CONTAINED.decode(raw)
        except (msgspec.ValidationError, msgspec.DecodeError):
            continue  # another type of resource, or none that can be read
        if found.id == wanted:
            return read_form(found)
    return None
