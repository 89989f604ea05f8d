"""An instrument as a form: its questions in words that may be shown, or as numbers only, and answers read back."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from benchwell.errors import ScoringError
from benchwell.i18n import _, current, ngettext, number
from benchwell.registry.instrument import Instrument, Wording

# Wording is data, not text of ours: a language that an instrument does not declare is shown in this one.
_FIRST_LANGUAGE: Final = "en"
_DIGITS = 9  # answers up to here have a key of their own
LEFT_OUT: Final = "none"  # what a form sends of a question that was left out on purpose; of a forgotten one, nothing
_NAMED = 5  # forgotten questions that are named one by one


@dataclass(frozen=True)
class Answer:
    """One answer to choose.

    Attributes:
        value: What is scored.
        label: Its words; "" where only the number is known.
    """

    value: float
    label: str

    @property
    def key(self) -> str:
        """The number as it is typed and sent."""
        return f"{self.value:g}"


@dataclass(frozen=True)
class Question:
    """One item.

    Attributes:
        number: From 1, in the instrument's order.
        text: Its words; "" where they may not be shown here.
        answers: What can be chosen; empty where any number within the range can be given.
        low: Lowest answer.
        high: Highest answer.
    """

    number: int
    text: str
    answers: tuple[Answer, ...]
    low: float
    high: float

    @property
    def name(self) -> str:
        """Its field."""
        return f"item-{self.number}"


@dataclass(frozen=True)
class Form:
    """A form to fill in.

    Attributes:
        instrument: Id of the instrument.
        title: Its title.
        short: What people call it.
        stem: What stands above the questions; "" without wording.
        questions: Its items; empty where only a total exists.
        has_wording: Whether the words may be shown and are declared.
        language: Language of the words.
        low: Lowest total.
        high: Highest total.
        unit: Unit of the total, where it has one.
        sums_up: Whether the total is the plain sum of the answers, so that a page can show it while one types.
    """

    instrument: str
    title: str
    short: str
    stem: str
    questions: tuple[Question, ...]
    has_wording: bool
    language: str
    low: float
    high: float
    unit: str | None
    sums_up: bool

    @property
    def by_keys(self) -> bool:
        """Whether every answer is one digit: then a digit answers and goes on to the next."""
        return bool(self.questions) and all(
            one.answers and all(answer.value in range(_DIGITS + 1) for answer in one.answers) for one in self.questions
        )


def may_be_sent(instrument: Instrument) -> bool:
    """Whether people can fill it in themselves here: only where the wording may be shown and is declared."""
    return instrument.licence.state == "free" and instrument.items is not None and bool(instrument.wordings)


def wording_of(instrument: Instrument) -> tuple[str, Wording | None, tuple[str, ...]]:
    """The declared words of an instrument, in the language being spoken where it has them.

    Returns:
        The language, the wording (null where none may be shown here), and the text of each item.

    >>> from benchwell.i18n import using
    >>> from benchwell.registry import Registry
    >>> with using("de"):
    ...     wording_of(Registry.load().instrument("phq-9"))[2][0]
    'Wenig Interesse oder Freude an Ihren Tätigkeiten'
    """
    if not may_be_sent(instrument):
        return _FIRST_LANGUAGE, None, ()
    declared = instrument.wordings or {}
    language = current() if current() in declared else _FIRST_LANGUAGE
    words = declared[language]
    return language, words, words.items or instrument.form.wording


def form_for(instrument: Instrument) -> Form:
    """The form of an instrument, in the language being spoken where it is declared in it.

    >>> from benchwell.registry import Registry
    >>> form = form_for(Registry.load().instrument("phq-9"))
    >>> len(form.questions), form.questions[0].answers[3].label, form.by_keys
    (9, 'Nearly every day', True)
    """
    scale = instrument.primary
    language, words, texts = wording_of(instrument)
    plain = not scale.lookup and not scale.highest_of and not scale.recode and scale.method == "sum"
    return Form(
        instrument=instrument.id,
        title=_(instrument.title),
        short=instrument.short,
        stem=words.stem if words else "",
        questions=tuple(_question(instrument, item, words, texts) for item in _items(instrument)),
        has_wording=words is not None,
        language=language,
        low=scale.min,
        high=scale.max,
        unit=instrument.unit,
        sums_up=plain and scale.multiply == scale.divide and _all_items(instrument),
    )


def read_items(instrument: Instrument, posted: Mapping[str, str], *, prefix: str = "") -> tuple[float | None, ...]:
    """Answers of a sent form in the instrument's order; null where there is none (`LEFT_OUT`, or nothing at all).

    Args:
        instrument: Whose items.
        posted: Fields of the form.
        prefix: What stands before `item-1` where one page holds several forms.

    Raises:
        ScoringError: If an answer is no number, or none that the item has; it names the item, not the answer.
    """
    return tuple(_answer(instrument, item, posted.get(f"{prefix}item-{item}", "")) for item in _items(instrument))


def forgotten_items(instrument: Instrument, posted: Mapping[str, str], *, prefix: str = "") -> tuple[int, ...]:
    """Items of which a sent form says nothing: neither an answer, nor that it was left out.

    Args:
        instrument: Whose items.
        posted: Fields of the form.
        prefix: What stands before `item-1` where one page holds several forms.
    """
    return tuple(item for item in _items(instrument) if not posted.get(f"{prefix}item-{item}", "").strip())


def forgotten_words(items: Sequence[int], way_out: str, *, are_of_one_form: bool = True) -> str:
    """Which questions were forgotten, and what one can do.

    Args:
        items: Their numbers.
        way_out: What one chooses to leave a question out.
        are_of_one_form: Otherwise a number alone does not say which one is meant.

    >>> forgotten_words((3, 5), "left out")
    'Questions 3 and 5 have no answer yet. Choose one each, or “left out”.'
    """
    if len(items) > _NAMED or not are_of_one_form:
        return ngettext(
            "{n} question has no answer yet. Choose one, or “{way_out}”.",
            "{n} questions have no answer yet. Choose one each, or “{way_out}”.",
            len(items),
        ).format(n=len(items), way_out=way_out)
    numbers = [str(one) for one in items]
    named = (
        numbers[0]
        if len(numbers) == 1
        else _("{some} and {last}").format(some=", ".join(numbers[:-1]), last=numbers[-1])
    )
    return ngettext(
        "Question {numbers} has no answer yet. Choose one, or “{way_out}”.",
        "Questions {numbers} have no answer yet. Choose one each, or “{way_out}”.",
        len(items),
    ).format(numbers=named, way_out=way_out)


def read_number(text: str, what: str) -> float | None:
    """A typed number with a decimal point or comma; null if nothing was typed.

    Raises:
        ScoringError: If it is no number; it names what was asked, not what was typed.
    """
    if not text.strip():
        return None
    try:
        value = float(text.strip().replace(",", "."))
    except ValueError:
        value = float("nan")
    if not math.isfinite(value):
        said = _("{what} is not a number.").format(what=what)
        raise ScoringError(said, hint=_("type digits only, or leave it empty"))
    return value


def _items(instrument: Instrument) -> range:
    return range(1, instrument.items.count + 1) if instrument.items else range(0)


def _all_items(instrument: Instrument) -> bool:
    count = instrument.items.count if instrument.items else 0
    return count > 0 and not instrument.form.reverse and len(instrument.groups_of(instrument.primary)) == count


def _question(instrument: Instrument, item: int, words: Wording | None, texts: Sequence[str]) -> Question:
    labels = words.answers if words else {}
    low, high = instrument.form.range_of(item)
    answers = tuple(Answer(value, labels.get(int(value), "")) for value in instrument.form.answers_of(item))
    return Question(item, texts[item - 1] if texts else "", answers, low, high)


def _answer(instrument: Instrument, item: int, text: str) -> float | None:
    value = None if text.strip() == LEFT_OUT else read_number(text, _("The answer to item {n}").format(n=item))
    if value is None:
        return None
    low, high = instrument.form.range_of(item)
    known = instrument.form.answers_of(item)
    if (known and value not in known) or not low <= value <= high:
        raise ScoringError(
            _("Item {n} has no such answer.").format(n=item),
            hint=_("answers go from {low} to {high}").format(low=_short(low), high=_short(high)),
        )
    return value


def _short(value: float) -> str:
    return number(value, 0 if value == int(value) else 1)
