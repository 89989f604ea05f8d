"""Adjusters become columns by declared constants alone: the same value is the same code in every clinic."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import yaml

from benchwell.casemix.adjuster_coding import code_adjusters, coding_of
from benchwell.registry import CaseMix, Registry
from benchwell.terms import Adjustment

HOW_TO = Path(__file__).parents[3] / "docs" / "how-to" / "define-a-case-mix.md"
HEAD = {"id": "mix", "revision": 1, "title": "A mix", "why": "To test.", "author": "tests"}
WHY = "Because of the test."


def adjusted(name, source, form, missing, **more):
    own = {"name": name, "source": source, "role": "adjust", "kind": "clinical", "rationale": WHY}
    return own | {"form": form, "missing": missing} | more


MIX = CaseMix.model_validate(
    HEAD
    | {
        "variables": [
            adjusted("baseline", "baseline", {"kind": "linear", "centre": 10, "scale": 5}, {"rule": "exclude"}),
            adjusted(
                "age",
                "age",
                {"kind": "spline", "knots": [20, 40, 60], "centre": 30, "scale": 10},
                {"rule": "category"},
            ),
            adjusted(
                "sex",
                "sex",
                {"kind": "categories", "levels": ["female", "male"], "reference": "female"},
                {"rule": "category"},
            ),
            adjusted(
                "mass",
                "characteristic:mass",
                {"kind": "linear", "centre": 70},
                {"rule": "impute", "mean": 75, "slopes": {"age": 0.5, "baseline": -1}},
            ),
            adjusted(
                "insurance",
                "insurance",
                {"kind": "categories", "levels": ["public", "private"], "reference": "public"},
                {"rule": "exclude"},
                kind="social",
            ),
        ]
    }
)


def rows(*given):
    names = ["baseline", "age", "sex", "mass", "insurance"]
    numbers = {"baseline", "age", "mass"}
    columns = [(name, pa.float64() if name in numbers else pa.string()) for name in names]
    return pa.Table.from_pylist([dict.fromkeys(names) | one for one in given], schema=pa.schema(columns))


EVERYTHING = rows(
    {"baseline": 10.0, "age": 30.0, "sex": "female", "mass": 70.0, "insurance": "public"},
    {"baseline": 20.0, "age": 50.0, "sex": " MALE", "mass": 80.0, "insurance": "private"},
    {"baseline": 5.0, "sex": "intersex"},
    {"baseline": 15.0, "age": 40.0},
    {"age": 40.0, "sex": "male", "mass": 71.0},
)


def coded(design):
    return [dict(zip(design.names, row, strict=True)) for row in design.columns.tolist()]


def test_each_kind_of_column_by_hand():
    design = code_adjusters(EVERYTHING, MIX, Adjustment.CLINICAL)
    assert design.names == (
        *("(intercept)", "baseline", "age", "age'", "age[unknown]"),
        *("sex[male]", "sex[other]", "sex[unknown]", "mass", "mass[unknown]"),
    )
    assert design.kept.tolist() == [True, True, True, True, False]  # the fifth has no baseline
    assert design.incomplete.tolist() == [False, False, True, True]
    first, second, third, fourth = coded(design)
    assert set(first.values()) == {0.0, 1.0}
    assert [name for name, value in first.items() if value] == ["(intercept)"]
    assert (second["baseline"], second["age"], second["mass"], second["sex[male]"]) == (2.0, 2.0, 10.0, 1.0)
    # Bend at 50: (30^3 - 2 * 10^3) / 40^2 = 15.625; at the centre 30: 10^3 / 1600 = 0.625; per 10.
    assert second["age'"] == pytest.approx((15.625 - 0.625) / 10)
    assert (third["age"], third["age'"], third["age[unknown]"], third["sex[other]"]) == (0.0, 0.0, 1.0, 1.0)
    # 75 + 0.5 * 0 (age unknown: at its centre) - 1 * (5 - 10) = 80, which is 10 above the centre.
    assert (third["mass"], third["mass[unknown]"]) == (10.0, 1.0)
    # 75 + 0.5 * (40 - 30) - (15 - 10) = 75
    assert (fourth["mass"], fourth["sex[unknown]"], fourth["sex[other]"]) == (5.0, 1.0, 0.0)


def test_the_social_view_adds_columns_and_leaves_out_whom_its_own_rule_excludes():
    design = code_adjusters(EVERYTHING, MIX, "clinical+social")
    assert design.kept.tolist() == [True, True, False, False, False]
    assert coded(design)[1]["insurance[private]"] == 1.0
    assert design.incomplete.tolist() == [False, False]


def test_unadjusted_is_the_constant_alone_for_everybody():
    design = code_adjusters(EVERYTHING, MIX, "unadjusted")
    assert design.names == ("(intercept)",)
    assert design.columns.tolist() == [[1.0]] * 5
    assert not design.incomplete.any()


def test_columns_that_say_nothing_are_left_out_and_named():
    alike = rows(*[{"baseline": value, "sex": "male", "mass": 70.0} for value in (5.0, 6.0)])
    design = code_adjusters(alike, MIX, "clinical")
    assert design.names == ("(intercept)", "baseline")
    assert design.dropped == {
        "age": "the same for everybody",
        "age'": "the same for everybody",
        "age[unknown]": "everybody has this level",
        "sex[male]": "everybody has this level",
        "sex[other]": "nobody has this level",
        "sex[unknown]": "nobody has this level",
        "mass": "the same for everybody",
        "mass[unknown]": "nobody has this level",
    }
    assert design.unused == ("age", "sex", "mass")
    assert not design.incomplete.any()  # nobody's age is known here: that tells no two people apart


def test_a_second_block_of_rows_gets_the_columns_of_the_whole():
    whole = code_adjusters(EVERYTHING, MIX, "clinical")
    blocks = [code_adjusters(part, MIX, "clinical", columns=whole.names) for part in (EVERYTHING[:2], EVERYTHING[2:])]
    assert np.vstack([block.columns for block in blocks]).tolist() == whole.columns.tolist()
    assert np.concatenate([block.incomplete for block in blocks]).tolist() == whole.incomplete.tolist()
    assert {block.layout_hash for block in blocks} == {whole.layout_hash}
    assert blocks[0].layout_hash != code_adjusters(EVERYTHING[:2], MIX, "clinical").layout_hash


@pytest.mark.parametrize("columns", [["(intercept)", "shoe size"], ["baseline", "(intercept)"]])
def test_columns_that_the_coding_does_not_have_are_refused(columns):
    with pytest.raises(ValueError, match="not those of the coding"):
        code_adjusters(EVERYTHING, MIX, "clinical", columns=columns)


@pytest.mark.parametrize("view", ["clinical+day", "adjusted"])
def test_a_view_that_the_case_mix_lacks_is_refused(view):
    with pytest.raises(ValueError, match=f"has no view {view!r}".replace("+", r"\+")):
        code_adjusters(EVERYTHING, MIX, view)


def test_no_rows_give_no_rows():
    design = code_adjusters(EVERYTHING[:0], MIX, "clinical")
    assert design.columns.shape == (0, 1)
    assert set(design.dropped) == set(coding_of(MIX, "clinical")["columns"]) - {"(intercept)"}


def test_not_a_number_is_unknown():
    design = code_adjusters(
        rows({"baseline": 1.0, "age": float("nan")}, {"baseline": 2.0, "age": 3.0}), MIX, "clinical"
    )
    assert [row["age[unknown]"] for row in coded(design)] == [1.0, 0.0]
    assert np.isfinite(design.columns).all()


def test_the_coding_holds_every_constant_and_its_hash_moves_with_each():
    coding = coding_of(MIX, "clinical")
    assert [one["name"] for one in coding["variables"]] == ["baseline", "age", "sex", "mass"]
    assert coding["variables"][1]["form"] == {"kind": "spline", "knots": [20, 40, 60], "centre": 30, "scale": 10}
    assert len(coding["columns"]) == len(set(coding["columns"]))
    moved = MIX.model_dump(mode="json")
    moved["variables"][1]["form"]["knots"] = [20, 41, 60]
    assert coding_of(CaseMix.model_validate(moved), "clinical")["sha256"] != coding["sha256"]
    reworded = MIX.model_dump(mode="json")
    reworded["variables"][1]["rationale"] = "Another reason for it."
    assert coding_of(CaseMix.model_validate(reworded), "clinical") == coding


def test_a_value_is_coded_alike_whoever_else_is_there():
    together = code_adjusters(EVERYTHING, MIX, "clinical")
    alone = code_adjusters(EVERYTHING.slice(1, 1), MIX, "clinical", columns=together.names)
    assert alone.columns[0].tolist() == together.columns[1].tolist()


def _examples():
    mixes = list(Registry.load().casemix.values())
    text = HOW_TO.read_text(encoding="utf-8").split("```yaml casemix\n")[1].split("```")[0]
    mixes.append(CaseMix.model_validate(yaml.safe_load(text)))
    return [pytest.param(mix, example, id=f"{mix.id}-{n}") for mix in mixes for n, example in enumerate(mix.examples)]


@pytest.mark.parametrize(("mix", "example"), _examples())
def test_declared_examples_are_coded_as_stated(mix, example):
    assert set(example) == {"row", "view", "expect"}
    used = mix.views[Adjustment(example["view"])]
    assert set(example["row"]) <= {one.name for one in used}
    columns = {
        one.name: pa.array([example["row"].get(one.name)], type=pa.float64() if one.is_numeric else pa.string())
        for one in used
    }
    names = coding_of(mix, example["view"])["columns"]
    design = code_adjusters(pa.table(columns), mix, example["view"], columns=names)
    (found,) = coded(design)
    assert {name: found[name] for name in example["expect"]} == pytest.approx(example["expect"], abs=1e-12)


def test_every_shipped_case_mix_with_variables_has_an_example():
    assert [mix.id for mix in Registry.load().casemix.values() if mix.variables and not mix.examples] == []
