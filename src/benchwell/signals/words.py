"""How figures become words: whole percentages, singular and plural, direction."""

from __future__ import annotations

from dataclasses import dataclass

from benchwell.i18n import N_, NN_, _, local_digits, ngettext
from benchwell.registry.measure import Measure, Summary
from benchwell.terms import Better

# Words that no text for people may hold (UX.md, "Voice"): feedback that feels like control is not used.
FORBIDDEN = ("best", "worst", "failing", "outlier", "league", "rank", "ranking", "underperform", "!")


@dataclass(frozen=True)
class Figure:
    """How one measure's figures are written.

    Attributes:
        unit: Word after the number; "" for none.
        scale: What a stored figure is multiplied by.
        decimals: Places shown.
    """

    unit: str
    scale: float = 1.0
    decimals: int = 0

    def number(self, value: float | None) -> str:
        """A figure without its unit; a dash if unknown.

        Percentages are whole, but for rare events and their complements: "0 % (0–0)" says nothing of them.

        >>> Figure("%", 100).number(0.4567), Figure("points", decimals=1).number(None)
        ('46', '–')
        >>> Figure("%", 100).number(0.0042), Figure("%", 100).number(0.0), Figure("%", 100).number(0.9961)
        ('0.4', '0', '99.6')
        """
        if value is None or value != value:
            return "–"
        decimals = self._decimals(value * self.scale)
        text = f"{_half_up(value * self.scale, decimals):.{decimals}f}"
        return local_digits(text.lstrip("-") if float(text) == 0 else text.replace("-", "−"))

    def _decimals(self, value: float) -> int:
        """Places for one value: as many as tell a share near 0 or 100 % from none and from all."""
        if self.unit != "%" or self.decimals or self.scale != 100:
            return self.decimals
        away = min(abs(value), abs(100 - value))
        if away < 1e-9 or away >= 1:
            return self.decimals
        return 1 if away >= 0.095 else 2

    def text(self, value: float | None) -> str:
        """A figure with its unit.

        >>> Figure("%", 100).text(0.4567)
        '46 %'
        """
        number = self.number(value)
        return f"{number} {_(self.unit)}" if self.unit and number != "–" else number

    def interval(self, lower: float | None, upper: float | None) -> str:
        """An interval in brackets; "" if unknown.

        >>> Figure("%", 100).interval(0.36, 0.56)
        '(36–56)'
        """
        if lower is None or upper is None or lower != lower or upper != upper:
            return ""
        low, high = self.number(lower), self.number(upper)
        # "(-1--0.4)" cannot be read: negative limits are joined by a word.
        return _("({low} to {high})").format(low=low, high=high) if "−" in low + high else f"({low}–{high})"


def _half_up(value: float, decimals: int) -> float:
    # People round 44.5 up; the binary neighbors of .5 must not decide.
    factor = 10.0**decimals
    size = int(abs(value) * factor + 0.5 + 1e-9) / factor
    return size if value >= 0 else -size


_FIGURES: dict[Summary, Figure] = {
    "proportion": Figure("%", 100),
    "ratio_of_means": Figure("%"),  # stored in percent of the baseline
    "mean": Figure(N_("points"), decimals=1),
    "effect_size": Figure("", decimals=2),
    "rate": Figure(N_("per 100 person-years"), decimals=1),  # stored per 100 person-years
}


def figure_of(measure: Measure) -> Figure:
    """How a measure's figures are written."""
    if measure.endpoint.kind == "wait_days" and measure.summary == "mean":
        return Figure(N_("days"), decimals=0)
    if measure.endpoint.kind == "percent_change":
        return Figure("%")
    if measure.endpoint.kind == "saes":
        return Figure("", decimals=2)
    return _FIGURES[measure.summary]


def missing_as(measure: Measure) -> str:
    """What the missing count as where everyone eligible is counted: a share has no change, a mean nothing to meet."""
    return _("not met") if measure.summary in ("proportion", "rate") else _("no change")


# Nouns that are counted, for translators: what stands here can be given to `count`.
NOUNS = dict(
    (
        NN_("clinic", "clinics"),
        NN_("person", "people"),
        NN_("person is", "people are"),
        NN_("more person", "more people"),
        NN_("more person is", "more people are"),
        NN_("eligible person", "eligible people"),
        NN_("score", "scores"),
        NN_("more score", "more scores"),
        NN_("period", "periods"),
        NN_("course", "courses"),
        NN_("point", "points"),
        NN_("view", "views"),
        NN_("group", "groups"),
        NN_("time", "times"),
        NN_("measure", "measures"),
        NN_("comparison", "comparisons"),
    )
)


def whole(number: int) -> str:
    """A whole number with its separators.

    >>> whole(1200)
    '1,200'
    """
    return local_digits(f"{number:,}")


def people_words(number: int) -> str:
    """The people behind a figure, as they stand beside it: never broken over two lines.

    >>> people_words(1200).replace("\u00a0", " ")
    'n = 1,200'
    """
    return _("n = {n}").format(n=whole(number)).replace(" ", "\u00a0")


def in_percent(share: float) -> str:
    """A share as a whole percentage, rounded as Python does.

    >>> in_percent(0.456)
    '46 %'
    """
    return f"{share:.0%}".replace("%", " %")


def count(number: int, one: str, many: str | None = None) -> str:
    """A number with its noun in the right form.

    >>> count(1, "person", "people"), count(1200, "clinic")
    ('1 person', '1,200 clinics')
    """
    return f"{whole(number)} {ngettext(one, many or one + 's', number)}"


def about(number: int) -> int:
    """Round a needed number up to what a person would say: it is an estimate, not a quota.

    >>> about(7), about(23), about(87), about(431)
    (7, 25, 90, 450)
    """
    step = 1 if number <= 10 else 5 if number <= 50 else 10 if number <= 200 else 50 if number <= 1000 else 100
    return -(-number // step) * step


def direction(better: Better) -> str:
    """The direction of a measure, in words.

    >>> direction(Better.LOWER)
    'lower is better'
    """
    return _("lower is better") if better is Better.LOWER else _("higher is better")


def capital(text: str) -> str:
    """The text with its first letter in upper case and the rest as it is."""
    return text[:1].upper() + text[1:]


def uncapital(text: str) -> str:
    """A text with its first letter small, to stand within a sentence.

    >>> uncapital("As counted")
    'as counted'
    """
    return text[:1].lower() + text[1:]


def dashed(number: int | None) -> str:
    """A count for a cell of a table; a dash where it is not known.

    >>> dashed(1200), dashed(None)
    ('1,200', '–')
    """
    return "–" if number is None else whole(number)
