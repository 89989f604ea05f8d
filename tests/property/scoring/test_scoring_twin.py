"""A slow twin in plain Python and exact fractions, sharing no code with `scoring`, on every declaration."""

from __future__ import annotations

import math
import random
from fractions import Fraction
from pathlib import Path

import narwhals as nw
import pyarrow as pa
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from benchwell.registry import Instrument, Registry
from benchwell.scoring import score, score_assessments
from benchwell.tables import TABLES

FOLDER = Path(__file__).parents[3] / "src" / "benchwell" / "declarations" / "instruments"
DECLARED = {path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.yaml"))}
HEAD = {"revision": 1, "title": "A form", "why": "To test.", "author": "A. Author", "better": "lower"}
LICENCE = {"state": "free", "text": "none", "status": "unchecked"}
# Rules that a workspace may declare and no bundled instrument uses.
DECLARED["own-item-mean"] = HEAD | {
    "id": "own-item-mean",
    "items": {"count": 6, "min": 0, "max": 4, "reverse": [2]},
    "scales": [{"id": "total", "title": "Total", "primary": True, "min": 0, "max": 24}],
    "missing": {"rule": "item-mean", "max_missing": 3, "round": "half-up"},
    "licence": LICENCE,
}
DECLARED["own-mean"] = HEAD | {
    "id": "own-mean",
    "items": {"count": 4, "min": 1, "max": 7, "integer": False},
    "scales": [
        {"id": "mean", "title": "Mean", "primary": True, "method": "mean", "min": 1, "max": 7},
        {"id": "part", "title": "Part", "items": [1, 3], "method": "mean", "divide": 7, "min": 0, "max": 1},
    ],
    "missing": {"rule": "person-mean", "max_missing": 2},
    "licence": LICENCE,
}
REGISTRY = Registry(
    [
        *Registry.load().instruments.values(),
        *(Instrument.model_validate(DECLARED[own]) for own in ("own-item-mean", "own-mean")),
    ]
)
POINTS = {"", "1", "{score}", "score", "points", "point", "{points}"}
T_SCORES = {"t", "t-score", "t score", "{t}", "{tscore}", "{t-score}", "tscore"}
RAW = {"raw", "raw score", "{raw}", "raw-score", "sum"}


def exact(number):
    return Fraction(number) if math.isfinite(number) else number


def missing(answer):
    return answer is None or answer != answer


def report(scale, raw, size):
    if scale.get("lookup"):
        found = scale["lookup"].get(int(raw)) if raw == int(raw) else None
        return None if found is None else Fraction(found)
    divisor = Fraction(scale.get("divide", 1)) * (size if scale.get("method") == "mean" else 1)
    return raw * Fraction(scale.get("multiply", 1)) / divisor


def groups(form, scale):
    listed = scale.get("items") or range(1, form["count"] + 1)
    return scale.get("highest_of") or [[item] for item in listed]


def fault(form, item, answer):
    low, high = form.get("ranges", {}).get(item, (form["min"], form["max"]))
    faults = set()
    if form.get("integer", True) and math.isfinite(answer) and answer != int(answer):
        faults.add("not-integer")
    if not low <= answer <= high:
        faults.add("out-of-range")
    if item in form.get("answers", {}) and answer not in form["answers"][item]:
        faults.add("not-an-answer")
    return faults


def keyed(form, scale, item, answer):
    low, high = form.get("ranges", {}).get(item, (form["min"], form["max"]))
    value = exact(answer)
    if item in form.get("reverse", []):
        value = Fraction(low) + Fraction(high) - value
    for recode in scale.get("recode", []):
        if item in recode["items"]:
            value = Fraction(recode["values"][int(value)])
    return value


def complete(rule, raw, answered, size):
    gone = size - answered
    if gone == 0 or rule["rule"] in ("none", "zero"):
        return raw
    estimate = raw * size / answered if rule["rule"] == "person-mean" else raw / answered
    if rule.get("round") == "half-up":
        estimate = Fraction(math.floor(estimate + Fraction(1, 2)))
    elif rule.get("round") == "up":
        estimate = Fraction(math.ceil(estimate))
    return estimate if rule["rule"] == "person-mean" else raw + gone * estimate


def from_items(declared, scale, items):
    """Value, status, reason and raw sum of one scale from answers."""
    form, rule = declared["items"], declared.get("missing", {"rule": "none"})
    if len(items) != form["count"]:
        return None, "invalid", "wrong-item-count", None
    parts, faults = [], set()
    for group in groups(form, scale):
        answers = [(item, items[item - 1]) for item in group if not missing(items[item - 1])]
        for item, answer in answers:
            faults |= fault(form, item, answer)
        parts.append(answers)
    for reason in ("not-integer", "out-of-range", "not-an-answer"):
        if reason in faults:
            return None, "invalid", reason, None
    values = [max(keyed(form, scale, *pair) for pair in part) for part in parts if part]
    size, answered = len(parts), len(values)
    allowed = 0 if rule["rule"] == "none" else scale.get("max_missing", rule.get("max_missing", 0))
    if size - answered > allowed or answered == 0:
        return None, "invalid", "too-many-missing", None
    raw = sum(values, Fraction(0))
    if scale.get("method") == "mean":
        value = report(scale, raw, answered)
    else:
        value = report(scale, complete(rule, raw, answered, size), size)
    used = {item for group in groups(form, scale) for item in group}
    safety = [one["item"] for one in declared.get("safety_items", []) if one["item"] in used]
    flag = "safety-item-missing" if any(missing(items[item - 1]) for item in safety) else None
    return value, "complete" if answered == size else "prorated", flag, raw


def read_total(declared, scale, total, unit):
    """The total in reported units, and whether the unit is known."""
    unit = (unit or "").strip().lower()
    own = POINTS | (T_SCORES if scale.get("lookup") else set()) | {str(declared.get("unit", "")).lower()}
    if unit in own:
        return exact(total), True
    if unit in RAW:
        size = len(groups(declared["items"], scale)) if declared.get("items") else 1
        return (report(scale, exact(total), size) if math.isfinite(total) else None), True
    for name, conversion in declared.get("conversions", {}).items():
        if unit == name.lower():
            return exact(total) * Fraction(conversion["multiply"]) + Fraction(conversion["add"]), True
    return None, False


def whole(declared, scale):
    form, rule = declared.get("items"), declared.get("missing", {"rule": "none"})
    if not form or not form.get("integer", True) or scale.get("lookup") or scale.get("method") == "mean":
        return False
    rounds = rule["rule"] in ("none", "zero") or rule.get("round", "none") != "none"
    return rounds and "divide" not in scale


def from_total(declared, scale, total, unit):
    value, known = read_total(declared, scale, total, unit)
    if not known:
        return None, "invalid", "unknown-unit"
    if value is None or not scale["min"] <= float(value) <= scale["max"]:
        return None, "invalid", "total-out-of-range"
    if whole(declared, scale) and value != int(value):
        return None, "invalid", "not-integer"
    return value, "total_only", None


def twin(declared, items, total, scale_id, unit):
    """All rows of one assessment: {scale: (value, status, reason)}."""
    scales = {scale["id"]: scale for scale in declared["scales"]}
    target = scale_id or next(scale["id"] for scale in declared["scales"] if scale.get("primary"))
    form = declared.get("items")
    total = None if missing(total) else total
    wrong_length = bool(items) and bool(form) and len(items) != form["count"]
    if form and items and (wrong_length or any(not missing(answer) for answer in items)):
        rows = {}
        for name, scale in scales.items():
            value, status, reason, raw = from_items(declared, scale, items)
            if value is not None and reason is None and name == target and total is not None:
                stated, _ = read_total(declared, scale, total, unit)
                far = [
                    x is not None and abs(float(x) - total_or) > 0.05 + 1e-9
                    for x, total_or in (
                        (stated, float(value)),
                        (Fraction(total) if math.isfinite(total) else None, float(raw)),
                    )
                ]
                reason = "total-differs" if all(far) else None
            rows[name] = (value, status, reason)
        return rows
    if target not in scales:
        return {target: (None, "invalid", "unknown-scale")}
    if total is None:
        return {target: (None, "invalid", "items-not-accepted" if items and not form else "no-answers")}
    return {target: from_total(declared, scales[target], total, unit)}


def same(found, expected):
    if found is None or expected is None:
        return found is None and expected is None
    return math.isclose(found, float(expected), rel_tol=1e-12, abs_tol=1e-12)


def assessments(instrument, forms):
    rows = [
        {
            "assessment_id": str(n),
            "instrument": instrument,
            "items": items,
            "total": total,
            "scale": scale,
            "unit": unit,
        }
        for n, (items, total, scale, unit) in enumerate(forms)
    ]
    table = TABLES["assessments"].conform(
        pa.Table.from_pylist(rows, schema=pa.schema([TABLES["assessments"].schema.field(name) for name in rows[0]]))
    )
    return table.append_column("day", pa.array([0] * len(rows), pa.int64()))


def check(instrument, forms):
    frame = nw.from_native(assessments(instrument, forms), eager_only=True)
    found = {}
    for row in score_assessments(frame, {instrument: REGISTRY.instrument(instrument)}).rows(named=True):
        found.setdefault(int(row["assessment_id"]), {})[row["scale"]] = (row["value"], row["status"], row["reason"])
    for n, form in enumerate(forms):
        expected = twin(DECLARED[instrument], *form)
        assert set(found[n]) == set(expected), form
        for scale, (value, status, reason) in expected.items():
            assert found[n][scale][1:] == (status, reason), (form, scale)
            assert same(found[n][scale][0], value), (form, scale, found[n][scale], value)


@st.composite
def cases(draw):
    name = draw(st.sampled_from(sorted(DECLARED)))
    declared = DECLARED[name]
    form = declared.get("items") or {"count": 3, "min": 0, "max": 4}
    ends = [form["min"], form["max"], *(end for pair in form.get("ranges", {}).values() for end in pair)]
    valid = st.integers(int(min(ends)), int(max(ends))).map(float)
    garbage = st.sampled_from([None, math.nan, -1.0, 7.0, 9.0, 99.0, 0.5, 1.5, math.inf, -math.inf])
    answer = st.one_of(valid, valid, valid, valid, valid, garbage)
    full = st.lists(answer, min_size=form["count"], max_size=form["count"])
    few = st.lists(answer, max_size=form["count"] + 2)
    items = draw(st.one_of(full, full, full, few, st.none()))
    total = draw(st.one_of(st.none(), st.integers(-2, 130).map(float), st.sampled_from([math.nan, 10.5, 52.04])))
    scale = draw(st.one_of(st.none(), st.sampled_from([*(scale["id"] for scale in declared["scales"]), "elsewhere"])))
    unit = draw(st.sampled_from([None, "", "raw", "{score}", "T", "mmol/mol", "stones", " Raw "]))
    return name, (items, total, scale, unit)


@settings(max_examples=120, deadline=None, derandomize=True)
@given(cases())
def test_scoring_agrees_with_the_twin_on_any_answers(case):
    name, form = case
    check(name, [form])


@pytest.mark.parametrize("name", sorted(DECLARED))
def test_scoring_agrees_with_the_twin_on_many_seeded_forms(name):
    rng = random.Random(f"forms of {name}")
    declared = DECLARED[name]
    form = declared.get("items") or {"count": 3, "min": 0, "max": 4}
    forms = []
    for n in range(150):
        absent = rng.choice([0, 0, 0.05, 0.15, 0.5])
        items = []
        for item in range(1, form["count"] + 1):
            low, high = form.get("ranges", {}).get(item, (form["min"], form["max"]))
            allowed = form.get("answers", {}).get(item) or range(int(low), int(high) + 1)
            items.append(None if rng.random() < absent else float(rng.choice(list(allowed))))
        if rng.random() < 0.15:
            items[rng.randrange(len(items))] = rng.choice([-1.0, 7.0, 77.0, 0.25, math.nan])
        total = rng.choice([None, None, float(rng.randint(0, 60)), math.nan])
        scale = rng.choice([None, None, *(one["id"] for one in declared["scales"])])
        forms.append((None if n % 5 == 0 else items, total, scale, rng.choice([None, None, "raw", "{score}"])))
    check(name, forms)


@pytest.mark.parametrize("name", ["phq-9", "dass-21", "qids-sr16", "promis-global-10", "sdq", "hba1c"])
def test_a_person_gets_what_the_batch_gives(name):
    instrument = REGISTRY.instrument(name)
    for example in instrument.examples:
        form = (None if example.items is None else list(example.items), example.total, example.scale, example.unit)
        rows = score_assessments(nw.from_native(assessments(name, [form]), eager_only=True), {name: instrument}).rows(
            named=True
        )
        one = score(instrument, form[0], form[1], scale=form[2], unit=form[3])
        batch = {row["scale"]: row for row in rows}
        asked = batch[form[2] or instrument.primary.id]
        assert (one.value, one.status, one.reason) == (asked["value"], asked["status"], asked["reason"])
        assert one.scales == {scale: row["value"] for scale, row in batch.items()}
