"""An instrument declaration: items, scales, missing rule, bands, cut-offs, licence; every constant sourced."""

from __future__ import annotations

import re
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from benchwell.registry.declaration import Declaration, Fact, Model
from benchwell.terms import Better, FactStatus


class Items(Model):
    """The scored items, in the instrument's order; numbering starts at 1."""

    count: int = Field(ge=1)
    min: float = 0
    max: float
    ranges: dict[int, tuple[float, float]] = Field(default_factory=dict)  # items whose range differs
    answers: dict[int, tuple[float, ...]] = Field(default_factory=dict)  # items with fewer answers than the range
    reverse: tuple[int, ...] = ()
    wording: tuple[str, ...] = ()  # only where the licence is settled as free
    integer: bool = True

    def range_of(self, item: int) -> tuple[float, float]:
        """Lowest and highest valid answer of one item (1-based)."""
        return self.ranges.get(item, (self.min, self.max))

    def answers_of(self, item: int) -> tuple[float, ...]:
        """Every valid answer of one item (1-based); empty where answers are not whole numbers."""
        if item in self.answers:
            return self.answers[item]
        low, high = self.range_of(item)
        return tuple(float(answer) for answer in range(int(low), int(high) + 1)) if self.integer else ()


class Wording(Model):
    """What a person reads on the form in one language; only where the licence is settled as free."""

    stem: str  # what stands above the items
    items: tuple[str, ...] = ()  # empty: those of `items.wording`
    answers: dict[int, str]  # words of each answer, which are the same for every item
    status: FactStatus
    source: tuple[str, ...] = ()
    note: str | None = None


class Band(Model):
    """A named severity range of the reported value: from `min` up to the next band's `min`; `max` is as printed."""

    min: float
    max: float
    label: str


class Cutoff(Model):
    """A cut-off on the reported value of a scale."""

    operator: Literal[">=", ">", "<=", "<"]
    value: float
    status: FactStatus
    source: tuple[str, ...] = ()
    note: str | None = None


class Recode(Model):
    """Answers of some items that count as other values."""

    items: tuple[int, ...]
    values: dict[float, float]


class Scale(Model):
    """One figure computed from items.

    Each item counts once, unless `highest_of` names groups of items of which only the highest answer counts.
    """

    id: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")
    title: str
    items: tuple[int, ...] = ()  # empty: all
    recode: tuple[Recode, ...] = ()
    highest_of: tuple[tuple[int, ...], ...] = ()
    method: Literal["sum", "mean"] = "sum"
    multiply: float = 1.0
    divide: float = 1.0
    lookup: dict[int, float] = Field(default_factory=dict)  # raw sum to reported value (for example a T score)
    better: Better | None = None  # null: the instrument's
    min: float  # of the reported value
    max: float
    primary: bool = False
    max_missing: int | None = None  # null: the instrument's rule
    bands: tuple[Band, ...] = ()  # of scales other than the primary one
    caseness: Cutoff | None = None


class Missing(Model):
    """What happens when answers are missing."""

    # Prorate from the answered items; give each missing item the mean of the answered ones; count a blank as 0;
    # or give no score.
    rule: Literal["person-mean", "item-mean", "zero", "none"] = "none"
    max_missing: int = 0
    round: Literal["half-up", "up", "none"] = "none"


class Reliable(Model):
    """Reliable change: either the points, or SD and reliability from a named sample (METHODS M2.3)."""

    points: float | None = None  # smallest change (>=) that counts
    sd: float | None = None
    reliability: float | None = None
    status: FactStatus
    source: tuple[str, ...] = ()
    note: str | None = None


class Licence(Model):
    """Whether wording may be shipped."""

    state: Literal["free", "attestation", "restricted"]
    text: str
    status: FactStatus
    source: tuple[str, ...] = ()


class SafetyItem(Model):
    """An answer that a person must see at once, whatever the score is (METHODS M6.10)."""

    item: int
    at_least: float  # after reversal
    text: str
    status: FactStatus
    source: tuple[str, ...] = ()


class Conversion(Model):
    """A stated value in another unit: reported = multiply x value + add."""

    multiply: float
    add: float = 0.0


class Example(Model):
    """Executable: these answers give this result."""

    items: tuple[float | None, ...] | None = None
    total: float | None = None
    scale: str | None = None  # which scale `total` and `value` belong to; null is the primary one
    unit: str | None = None
    value: float | None = None
    status: str = "complete"
    reason: str | None = None
    band: str | None = None
    scales: dict[str, float] = Field(default_factory=dict)


class Instrument(Declaration):
    """A questionnaire or laboratory value."""

    TEXT_FIELDS: ClassVar[frozenset[str]] = Declaration.TEXT_FIELDS | {"aliases", "facts", "licence", "wordings"}

    aliases: tuple[str, ...] = ()  # other spellings in use; case, spaces and hyphens do not matter
    better: Better
    unit: str | None = None  # of the reported value, where it has one
    conversions: dict[str, Conversion] = Field(default_factory=dict)  # other units in which a total may arrive
    items: Items | None = None  # null: only a total exists or is accepted (for example HbA1c)
    wordings: dict[str, Wording] | None = None  # by language; null leaves the hashes of old editions
    scales: tuple[Scale, ...]
    missing: Missing = Missing()
    bands: tuple[Band, ...] = ()
    caseness: Cutoff | None = None
    remission: Cutoff | None = None
    reliable_change: Reliable | None = None
    response_percent: int | None = None
    safety_items: tuple[SafetyItem, ...] = ()
    codes: dict[str, Any] = Field(default_factory=dict)  # LOINC: total, panel, t_score, items, answers
    licence: Licence
    # Every constant above by dotted path ("items.count", "bands", "missing"), with status and source as in
    # the fact sheets. The method page prints those that are not checked as such.
    facts: dict[str, Fact] = Field(default_factory=dict)
    examples: tuple[Example, ...] = ()

    @property
    def primary(self) -> Scale:
        """The scale that `value` and measures mean when they name none."""
        return next(scale for scale in self.scales if scale.primary)

    @property
    def form(self) -> Items:
        """The items of an instrument that has some.

        Raises:
            ValueError: If only stated scores are accepted.
        """
        if self.items is None:
            raise ValueError(f"{self.id} has no items")
        return self.items

    @property
    def names(self) -> frozenset[str]:
        """Every spelling that finds this instrument: id, aliases, LOINC total and panel codes, normalized."""
        codes = [code for key in ("total", "panel") if isinstance(code := self.codes.get(key), str)]
        return frozenset(normalize_name(name) for name in (self.id, *self.aliases, *codes))

    @property
    def short(self) -> str:
        """What people call it in a sentence: its first declared spelling in capitals, such as PHQ-9; else its title.

        >>> from benchwell.registry import Registry
        >>> [Registry.load().instrument(name).short for name in ("phq-9", "k10", "audit")]
        ['PHQ-9', 'K-10', 'AUDIT']
        """
        return next((name for name in self.aliases if re.match(r"[A-Z]([A-Z]|-?[0-9])", name)), self.title)

    def scale(self, scale_id: str | None) -> Scale:
        """A scale by id; null gives the primary one.

        Raises:
            KeyError: If the instrument has no such scale.
        """
        if scale_id is None:
            return self.primary
        for scale in self.scales:
            if scale.id == scale_id:
                return scale
        raise KeyError(scale_id)

    def score_codes(self, scale: Scale) -> tuple[str, ...]:
        """Public codes of a scale's value, such as `loinc|44261-6`, the one to write first; empty if none is declared.

        A code stands under the scale's own id; one of the primary scale also under `t_score` or `total`.
        """
        usual = ("t_score", "total") if scale.lookup else ("total", "t_score")
        names = (*usual, scale.id) if scale.primary else (scale.id,)
        return tuple(dict.fromkeys(code for name in names if isinstance(code := self.codes.get(name), str)))

    @property
    def is_laboratory(self) -> bool:
        """Whether its value is measured, in a unit of its own; anything else was answered by somebody."""
        return self.items is None and self.unit not in (None, "T")

    def bands_of(self, scale: Scale) -> tuple[Band, ...]:
        """Severity bands of a scale; the instrument's own belong to its primary scale."""
        return self.bands if scale.primary else scale.bands

    def better_of(self, scale: Scale) -> Better:
        """Direction of a scale."""
        return scale.better or self.better

    def groups_of(self, scale: Scale) -> tuple[tuple[int, ...], ...]:
        """What a scale adds up: groups of items of which the highest answer counts; mostly groups of one."""
        if self.items is None:
            return ()
        return scale.highest_of or tuple((item,) for item in scale.items or range(1, self.items.count + 1))

    def max_missing_of(self, scale: Scale) -> int:
        """How many answers of a scale may be missing."""
        return self.missing.max_missing if scale.max_missing is None else scale.max_missing

    def keyed_answers(self, scale: Scale, item: int) -> tuple[float, ...]:
        """What one item can add to a scale: its answers after reversal and recoding; only the ends if continuous."""
        low, high = self.form.range_of(item)
        answers = self.form.answers_of(item) or (low, high)
        if item in self.form.reverse:
            answers = tuple(low + high - answer for answer in answers)
        for recode in scale.recode:
            if item in recode.items:
                answers = tuple(recode.values[answer] for answer in answers)
        return answers

    def raw_range(self, scale: Scale) -> tuple[float, float]:
        """Lowest and highest raw sum of a scale's items."""
        answers = [[self.keyed_answers(scale, item) for item in group] for group in self.groups_of(scale)]
        low = sum(max(min(item) for item in group) for group in answers)
        high = sum(max(max(item) for item in group) for group in answers)
        return low, high

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if sum(scale.primary for scale in self.scales) != 1:
            raise ValueError("exactly one scale is primary")
        if len({scale.id for scale in self.scales}) != len(self.scales):
            raise ValueError("two scales have the same id")
        if self.missing.rule == "none" and any(self.max_missing_of(scale) for scale in self.scales):
            raise ValueError("max_missing allows missing answers without a rule for them")
        if self.items is not None:
            self._check_items(self.items)
            for scale in self.scales:
                self._check_scale(scale)
        for scale in self.scales:
            starts = [band.min for band in self.bands_of(scale)]
            if starts != sorted(set(starts)):
                raise ValueError(f"bands of scale {scale.id} are not in ascending order")
        return self

    def _check_items(self, items: Items) -> None:
        used = {item for scale in self.scales for group in self.groups_of(scale) for item in group}
        used |= set(items.reverse) | set(items.ranges) | set(items.answers)
        used |= {safety.item for safety in self.safety_items}
        used |= {item for scale in self.scales for recode in scale.recode for item in recode.items}
        if min(used) < 1 or max(used) > items.count:
            raise ValueError(f"items are numbered 1 to {items.count}")
        if items.wording and self.licence.state != "free":
            raise ValueError("wording is shipped only where the licence state is free")
        if items.wording and len(items.wording) != items.count:
            raise ValueError("wording must have one text for each item")
        for language, words in (self.wordings or {}).items():
            if self.licence.state != "free":
                raise ValueError("wording is shipped only where the licence state is free")
            if len(words.items or items.wording) != items.count:
                raise ValueError(f"the wording in {language} must have one text for each item")
            if set(words.source) - set(self.sources):
                raise ValueError(f"the wording in {language} names a source that is not declared")

    def _check_scale(self, scale: Scale) -> None:
        try:
            low, high = self.raw_range(scale)
        except KeyError as error:
            raise ValueError(f"scale {scale.id} recodes no answer {error}") from None
        if scale.lookup:
            if set(scale.lookup) != set(range(int(low), int(high) + 1)):
                raise ValueError(f"the lookup of scale {scale.id} must cover raw sums {low:g} to {high:g}")
            if self.max_missing_of(scale) and self.missing.round == "none":
                raise ValueError(f"scale {scale.id} looks up prorated sums, so they must be rounded")
            ends = (min(scale.lookup.values()), max(scale.lookup.values()))
        else:
            size = len(self.groups_of(scale)) if scale.method == "mean" else 1
            ends = (low * scale.multiply / (size * scale.divide), high * scale.multiply / (size * scale.divide))
        if ends[0] < scale.min - 1e-9 or ends[1] > scale.max + 1e-9:
            raise ValueError(f"scale {scale.id} can reach {ends[0]:g} to {ends[1]:g}, outside its stated range")


def normalize_name(name: str) -> str:
    """A spelling without case, spaces, hyphens or underscores; a code loses its system.

    >>> normalize_name("PHQ 9"), normalize_name("http://loinc.org|44261-6")
    ('phq9', '442616')
    """
    return re.sub(r"[^a-z0-9]", "", name.rsplit("|", 1)[-1].lower())
