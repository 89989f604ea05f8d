"""The language of official quality measures, said in words that a clinician reads."""

from __future__ import annotations

from benchwell.registry.quality_language import (
    Age,
    AgeRule,
    AllRule,
    DiedRule,
    Edge,
    Events,
    NoneRule,
    OneOf,
    Rule,
    Timing,
    Value,
    Window,
)
from benchwell.registry.quality_measure import parts_of

_ANCHORS = {"self": "it", "match": "the other", "counted": "the encounter"}
_TIMES = {"when": "", "authored": "authored ", "issued": "issued ", "recorded": "recorded "}
_HOW = {"starts": "starts", "ends": "ends", "during": "lies", "overlaps": "overlaps"}


def criteria(one: Events) -> list[str]:
    """Every criterion of a definition of events, one phrase each."""
    found = [f"any of: {', '.join(one.among)}" if one.kind is None else f"{one.kind} coded {' or '.join(one.codes)}"]
    if one.status is not None:
        found.append(f"status {_one_of(one.status)}")
    found += [f"{name} {_one_of(rule)}" for name, rule in one.coded.items()]
    found += [f"its {name} points to {wanted}" for name, wanted in one.points_to.items()]
    if one.value is not None:
        found.append(_value(one.value))
    found += [timing_words(timing) for timing in one.when]
    for having in one.having:
        found.append(f"with {having.definition}: {' and '.join(timing_words(timing) for timing in having.that)}")
    if one.pick is not None:
        found.append(f"of these the {one.pick} by start")
    return found


def rule_words(rule: Rule) -> str:
    """A rule as one phrase.

    >>> rule_words(AllRule.model_validate({"all": ["screened", {"none": ["declined"]}]}))
    'screened and none of (declined)'
    """
    if isinstance(rule, str):
        return rule
    if isinstance(rule, AgeRule):
        return _age(rule.age)
    if isinstance(rule, DiedRule):
        return f"died {window_words(rule.died)}"
    parts = [rule_words(part) for part in parts_of(rule)]
    if isinstance(rule, NoneRule):
        return f"none of ({', '.join(parts)})"
    between = " and " if isinstance(rule, AllRule) else " or "
    return between.join(f"({part})" if between.strip() in part.split() or " or " in part else part for part in parts)


def window_words(window: str | Window) -> str:
    """From where to where; a named window by its name.

    >>> window_words(Window.model_validate({"from": {"of": "period", "months": -14}, "before": {"of": "period"}}))
    'from the start of the period minus 14 months to before the start of the period'
    """
    if isinstance(window, str):
        return f"in {window}"
    found = []
    if window.since is not None:
        found.append(f"from {edge_words(window.since)}")
    if window.after is not None:
        found.append(f"after {edge_words(window.after)}")
    if window.to is not None:
        found.append(f"to {edge_words(window.to)}" if found else f"on or before {edge_words(window.to)}")
    if window.before is not None:
        found.append(f"to before {edge_words(window.before)}" if found else f"before {edge_words(window.before)}")
    return " ".join(found)


def edge_words(edge: Edge) -> str:
    """A day in words."""
    of = "the period" if edge.of == "period" else _ANCHORS.get(edge.of, edge.of)
    moves = [
        f"{'minus' if size < 0 else 'plus'} {abs(size)} {unit if abs(size) > 1 else unit[:-1]}"
        for size, unit in ((edge.months, "months"), (edge.days, "days"))
        if size
    ]
    return " ".join([f"the {_TIMES[edge.time]}{edge.at} of {of}", " and ".join(moves)]).strip()


def timing_words(timing: Timing) -> str:
    """How a time lies to a window, and how exactly."""
    whose = "the other " if timing.whose == "match" else ""
    time = "" if timing.time == "when" else f"its {_TIMES[timing.time]}time "
    window = window_words(timing.window)
    if timing.how == "overlaps":
        window = window.removeprefix("in ") if isinstance(timing.window, str) else f"the time {window}"
    return f"{whose}{time}{_HOW[timing.how]} {window} ({_exactness(timing)})"


def _exactness(timing: Timing) -> str:
    return "by day" if timing.by == "day" else "to the second"


def _one_of(rule: OneOf) -> str:
    words = [] if rule.one_of is None else [" or ".join(rule.one_of)]
    words += [f"not {' or '.join(rule.none_of)}"] if rule.none_of else []
    return ", ".join(words) + (", or not stated" if rule.missing else "")


def _value(value: Value) -> str:
    limits = (
        ("above", value.above),
        ("at least", value.at_least),
        ("at most", value.at_most),
        ("below", value.below),
    )
    words = [f"{name} {limit:g}" for name, limit in limits if limit is not None]
    if value.codes:
        words.append(f"coded {' or '.join(value.codes)}")
    if value.present:
        words.append("present")
    if value.at_most_share_of is not None:
        words.append(f"at most {value.at_most_share_of.percent} % of that of {value.at_most_share_of.definition}")
    return f"value {' and '.join(words)}"


def _age(age: Age) -> str:
    at = edge_words(age.at)
    if age.at_most is None:
        return f"{age.at_least} years and over at {at}"
    if age.at_least is None:
        return f"up to {age.at_most} years at {at}"
    return f"{age.at_least} to {age.at_most} years at {at}"
