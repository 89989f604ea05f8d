"""What a code means: total, panel or item of which instrument, and the value of an answer. Compiled once a process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any, Literal, NamedTuple

from benchwell.clinical.systems import code_text, system_name
from benchwell.intake.scores import gives_integers
from benchwell.registry import Instrument, Registry
from benchwell.registry.instrument import Scale

Role = Literal["total", "panel", "item"]
_SYSTEM = "loinc|"
# Other spellings of one unit. What is left out here is what an instrument declares itself.
_POINTS = frozenset(
    {
        "",
        "1",
        "{score}",
        "score",
        "{points}",
        "points",
        "point",
        "pts.",
        "pts",
        "{#}",
        "{tscore}",
        "{t}",
        "t",
        "t-score",
    }
)


class Target(NamedTuple):
    """One meaning of a code: an instrument, and the item or the scale (null: the primary one)."""

    instrument: str
    item: int = 0
    scale: str | None = None


@dataclass(frozen=True, slots=True)
class Slot:
    """What a code, or a question of a form, asks for; several targets if instruments share it.

    Attributes:
        role: Total, panel or item.
        targets: Instruments that it may belong to.
        code: How it is called in `codes.items`.
        answers: Values that the form itself gives its answers, by `code_text` (LOINC codes stand bare).
    """

    role: Role
    targets: tuple[Target, ...]
    code: str
    answers: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LinkRule:
    """How a known form numbers its questions, where its link ids are no codes."""

    instrument: str
    links: Mapping[str, Slot]


@dataclass(frozen=True, slots=True)
class Cell:
    """What one question means for one instrument.

    Attributes:
        instrument: The instrument.
        item: Number of the item; 0 for a total or panel.
        scale: The scale of a total; null is the primary one.
        declared: Values of answers by code, as declared.
        form: The same, as the form itself states them.
        fast: Values by LOINC code on which both agree and which the item can take.
    """

    instrument: Instrument
    item: int
    scale: str | None
    declared: Mapping[str, float]
    form: Mapping[str, float]
    fast: Mapping[str, float]

    def impossible(self, value: float) -> str | None:
        """Why an answer cannot be, as a reason code; null if it can."""
        form = self.instrument.form
        reason = out_of_range(value, *form.range_of(self.item))
        return "non_integer" if reason is None and form.integer and value != int(value) else reason


@dataclass(frozen=True)
class InstrumentCodes:
    """All declared codes, by code. Codes of LOINC stand bare, others as `system|code`."""

    instruments: Mapping[str, Instrument]
    slots: Mapping[str, Slot]
    answers: Mapping[tuple[str, int], Mapping[str, float]]
    forms: Mapping[str, tuple[LinkRule, ...]]  # by the last part of a questionnaire's address

    @cached_property
    def sizes(self) -> Mapping[str, int]:
        """How many items each instrument has."""
        return {name: one.items.count if one.items else 0 for name, one in self.instruments.items()}

    @cached_property
    def cells(self) -> Mapping[tuple[str, int], Cell]:
        """Every item of every instrument, as its own codes declare it."""
        return {key: _cell(self.instruments[key[0]], key[1], None, values, {}) for key, values in self.answers.items()}

    @property
    def items(self) -> Mapping[str, tuple[Target, ...]]:
        """Targets of every item code."""
        return {code: slot.targets for code, slot in self.slots.items() if slot.role == "item"}

    def find(self, system: str | None, code: str | None) -> Slot | None:
        """What a coding asks for. A code that names no system is taken as LOINC: nothing else looks like it."""
        if code is None:
            return None
        return self.slots.get(code if system is None else bare_code(system, code))


@lru_cache(maxsize=4)
def codes_of(registry: Registry) -> InstrumentCodes:
    """Compile the codes of a registry.

    >>> codes = codes_of(Registry.load())
    >>> codes.find("http://loinc.org", "44261-6").targets
    (Target(instrument='phq-9', item=0, scale=None),)
    >>> codes.answers["phq-9", 3]["LA6571-9"]
    3.0
    """
    slots: dict[str, dict[Role, list[Target]]] = {}
    answers: dict[tuple[str, int], dict[str, float]] = {}
    forms: dict[str, list[LinkRule]] = {}
    for instrument in registry.instruments.values():
        for role, code, target in _declared(instrument):
            slots.setdefault(code, {}).setdefault(role, []).append(target)
        for item in range(1, instrument.items.count + 1 if instrument.items else 1):
            answers[instrument.id, item] = _answer_values(instrument, item)
        for rule in instrument.codes.get("links", ()):
            for form in rule["questionnaires"]:
                forms.setdefault(form, []).append(_link_rule(instrument, rule))
    compiled = {code: _slot(code, roles) for code, roles in slots.items()}
    return InstrumentCodes(registry.instruments, compiled, answers, {name: tuple(one) for name, one in forms.items()})


def cell_of(slot: Slot, instrument_id: str, codes: InstrumentCodes) -> Cell:
    """What a question means for one of its instruments."""
    target = next(one for one in slot.targets if one.instrument == instrument_id)
    if not target.item:
        return _cell(codes.instruments[instrument_id], 0, target.scale, {}, {})
    if not slot.answers:
        return codes.cells[instrument_id, target.item]
    declared = codes.answers[instrument_id, target.item]
    return _cell(codes.instruments[instrument_id], target.item, None, declared, slot.answers)


def _cell(
    instrument: Instrument, item: int, scale: str | None, declared: Mapping[str, float], form: Mapping[str, float]
) -> Cell:
    slow = Cell(instrument, item, scale, declared, form, {})
    both = {**form, **declared}
    fast = {
        code: value
        for code, value in both.items()
        if "|" not in code and form.get(code, value) == value and slow.impossible(value) is None
    }
    return Cell(instrument, item, scale, declared, form, fast)


def bare_code(system: str | None, code: str) -> str:
    """A code as it is looked up: bare if it is of LOINC or names no system, else with its system's short name.

    >>> bare_code("http://loinc.org", "44261-6"), bare_code("urn:x", "1")
    ('44261-6', 'urn:x|1')
    """
    return code if system is None or _is_loinc(system) else code_text(system, code)


def unit_of(instrument: Instrument, code: str | None, unit: str | None) -> str | None:
    """The unit of a stated value as tables hold it: null for points and for the instrument's own.

    Raises:
        KeyError: If it is none in which the instrument states values, or code and text name two of them.

    >>> hba1c = Registry.load().instrument("hba1c")
    >>> unit_of(hba1c, "%", "%"), unit_of(hba1c, "mmol/mol", None)
    ('%', 'mmol/mol')
    """
    if not code and not unit:
        return None  # by far the most common
    found: list[str | None] = []
    for text in (code, unit):
        plain = (text or "").strip().lower()
        own = next((one for one in (instrument.unit, *instrument.conversions) if one and plain == one.lower()), None)
        if own is not None or (plain and plain in _POINTS and not instrument.conversions):
            found.append(own)
    if found and all(one == found[0] for one in found):
        return found[0]
    raise KeyError(instrument.id)


def check_value(instrument: Instrument, scale: Scale, value: float, unit: str | None) -> str | None:
    """Why a stated total of a scale cannot be right, as a reason code; null if it can be."""
    converted = instrument.conversions.get(unit) if unit else None
    reported = value * converted.multiply + converted.add if converted else value
    if unit is None and instrument.conversions and not scale.min <= value <= scale.max:
        return "unit_missing"
    reason = out_of_range(reported, scale.min, scale.max)
    if reason is None and gives_integers(instrument, scale) and value != int(value):
        return "non_integer"
    return reason


def out_of_range(value: float, low: float, high: float) -> str | None:
    """The reason code of a value outside a range; null inside it.

    >>> out_of_range(-1, 0, 3), out_of_range(4, 0, 3), out_of_range(0, 1, 5), out_of_range(2, 0, 3)
    ('negative_value', 'above_range', 'below_range', None)
    """
    if low <= value <= high:
        return None
    if value > high:
        return "above_range"
    return "negative_value" if value < 0 <= low else "below_range"


@lru_cache(maxsize=4096)
def _is_loinc(system: str) -> bool:
    return system_name(system) == "loinc"


def _plain(declared: str) -> str:
    return declared.removeprefix(_SYSTEM)


def _declared(instrument: Instrument) -> list[tuple[Role, str, Target]]:
    codes: dict[str, Any] = instrument.codes
    found: list[tuple[Role, str, Target]] = []
    for scale in instrument.scales:
        target = Target(instrument.id, 0, None if scale.primary else scale.id)
        found += [("total", _plain(code), target) for code in instrument.score_codes(scale)]
    if isinstance(panel := codes.get("panel"), str):
        found.append(("panel", _plain(panel), Target(instrument.id)))
    for number, code in enumerate(codes.get("items", ()), start=1):
        if code is not None:
            found.append(("item", _plain(code), Target(instrument.id, number)))
    return found


def _slot(code: str, roles: dict[Role, list[Target]]) -> Slot:
    role = next(one for one in ("total", "panel", "item") if one in roles)
    return Slot(role, tuple(roles[role]), code)


def _answer_values(instrument: Instrument, item: int) -> dict[str, float]:
    """Values by code of one item: its own answers if it has some, else those of the instrument."""
    codes: dict[str, Any] = instrument.codes
    own = codes.get("item_answers", {}).get(item)
    found = {_plain(code): float(value) for value, code in (own or codes.get("answers", {})).items()}
    for value, others in codes.get("other_answers", {}).items():
        found |= {_plain(code): float(value) for code in others}
    return found


def _link_rule(instrument: Instrument, rule: Mapping[str, Any]) -> LinkRule:
    links: dict[str, Slot] = {}
    if "items" in rule:
        for item in range(1, instrument.form.count + 1):
            link = str(rule["items"]).replace("{item}", str(item))
            links[link] = Slot("item", (Target(instrument.id, item),), link)
    if "total" in rule:
        links[str(rule["total"])] = Slot("total", (Target(instrument.id),), str(rule["total"]))
    return LinkRule(instrument.id, links)
