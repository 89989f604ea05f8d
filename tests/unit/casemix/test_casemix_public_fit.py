"""Public fits: what they refuse, what they tell, and how they are kept."""

from __future__ import annotations

import json
import warnings
from dataclasses import replace

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import benchwell
from benchwell.casemix import fitting
from benchwell.casemix.blocks import group_codes
from benchwell.casemix.coding import CategoryTerm, Coding, NumberTerm
from benchwell.casemix.fitting import DoubtfulFitWarning
from benchwell.errors import DamagedFitError, ModelError, SourceError
from benchwell.models.linear_mixed import linear_mixed


def episodes(n: int = 240) -> pl.DataFrame:
    rng = np.random.default_rng(5)
    clinic, clinician = rng.integers(0, 8, n), rng.integers(0, 3, n)
    age = rng.integers(18, 80, n)
    effect = rng.normal(0, 2, 8)[clinic] + rng.normal(0, 1, (8, 3))[clinic, clinician]
    change = 0.1 * age + effect + rng.normal(0, 2, n)
    return pl.DataFrame(
        {
            "clinic": clinic + 100,
            "clinician": [f"t{k}" for k in clinician],
            "age": age,
            "sex": np.array(["f", "m"])[rng.integers(0, 2, n)],
            "veteran": rng.integers(0, 2, n).astype(bool),
            "change": change,
            "remission": rng.random(n) < 1 / (1 + np.exp(-(effect / 2))),
        }
    )


@pytest.fixture(scope="module")
def frame() -> pl.DataFrame:
    return episodes()


@pytest.fixture(scope="module")
def fit(frame) -> benchwell.Fit:
    return benchwell.fit_linear(frame, "change", ["age", "sex", "veteran"], ["clinic", "clinician"])


@pytest.fixture(scope="module")
def logistic(frame) -> benchwell.Fit:
    return benchwell.fit_logistic(frame, "remission", ["age"], ["clinic"])


def refused(frame, outcome="change", covariates=("age",), groups=("clinic",), **settings) -> str:
    with pytest.raises(ModelError) as caught:
        benchwell.fit_linear(frame, outcome, covariates, groups, **settings)
    return str(caught.value)


def test_columns_are_named_by_column_and_level(fit):
    assert list(fit.coefficients) == ["(intercept)", "age", "sex[m]", "veteran[true]"]
    assert fit.coding.references == {"sex": "f", "veteran": "false"}
    assert list(fit.group_sd) == list(fit.n_groups) == list(fit.icc) == ["clinic", "clinician"]
    assert dict(fit.n_groups) == {"clinic": 8, "clinician": 24}


def test_another_reference_says_the_same_from_the_other_side(frame, fit):
    other = benchwell.fit_linear(
        frame, "change", ["age", "sex", "veteran"], ["clinic", "clinician"], references={"sex": "m"}
    )
    assert other.coefficients["sex[f]"] == pytest.approx(-fit.coefficients["sex[m]"])
    assert other.loglik == pytest.approx(fit.loglik)


@pytest.mark.parametrize("column", ["nothing", "Change"])
def test_an_unknown_column_is_named_with_those_that_there_are(frame, column):
    with pytest.raises(SourceError, match=f"No column '{column}'.*\n\nHint: the columns are clinic, clinician"):
        benchwell.fit_linear(frame, column, ["age"], ["clinic"])


@pytest.mark.parametrize("source", [[1, 2], "no_such_file.parquet"])
def test_what_is_no_frame_is_refused(source):
    with pytest.raises(SourceError):
        benchwell.fit_linear(source, "change", ["age"], ["clinic"])


def test_what_cannot_be_fitted_is_refused_by_name(frame):
    assert "outcome 'sex' is String, not a number" in refused(frame, "sex", ["age"])
    assert "'clinic' has a single value" in refused(frame.filter(pl.col("clinic") == 101))
    assert "same value in every row" in refused(frame.with_columns(change=3.0))
    assert "3 complete rows cannot carry 4 columns" in refused(frame.head(3), covariates=["age", "sex", "veteran"])
    assert "No row is complete" in refused(frame.with_columns(age=pl.lit(None, pl.Int64)))
    assert "No row is complete" in refused(frame.clear())
    assert "neither a number nor a category" in refused(frame.with_columns(age=pl.lit("2020-01-01").str.to_date()))
    assert "used in more than one part" in refused(frame, covariates=["age", "clinic"])
    assert "3 grouping columns" in refused(frame, groups=["clinic", "clinician", "sex"])
    assert "not among the covariates" in refused(frame, slope="veteran")
    assert "fitted with one grouping column" in refused(frame, groups=["clinic", "clinician"], slope="age")
    assert "slope 'sex' is a category" in refused(frame, covariates=["sex"], slope="sex")
    assert "method is 'reml' or 'ml'" in refused(frame, method="bayes")
    assert "no categorical covariate" in refused(frame, references={"age": "40"})
    assert "is not in the data" in refused(frame, covariates=["sex"], references={"sex": "x"})
    people = pl.concat([frame] * 5).with_columns(id=pl.int_range(pl.len()).cast(pl.String))
    assert "'id' has 1,200 levels" in refused(people, covariates=["id"])
    own = frame.with_row_index("own")
    assert "model cannot be fitted" in refused(own, groups=["own"])
    assert "may not be called effect" in refused(frame.rename({"clinic": "effect"}), groups=["effect"])
    double = frame.with_columns(pl.col("age").alias("sex[m]"))
    assert "would be called sex[m]" in refused(double, covariates=["sex[m]", "sex"])


@pytest.mark.parametrize(
    ("outcome", "settings", "message"),
    [
        ("change", {}, "yes/no or 0/1"),
        ("half", {}, "not whole"),
        ("always", {}, "same value in every row"),
        ("yes", {"trials": "few"}, "more 'yes' than 'few'"),
        ("less", {"trials": "few"}, "some values are negative"),
        ("yes", {"trials": "sex"}, "number of trials 'sex' is String"),
        ("yes", {"points": -1}, "points is 0"),
        ("yes", {"groups": ["clinic", "clinician"], "points": 5}, "points is 0"),
    ],
)
def test_an_outcome_that_is_not_yes_or_no_is_refused(frame, outcome, settings, message):
    wide = frame.with_columns(half=0.5, always=True, yes=pl.col("remission").cast(pl.Int64) * 2, few=1, less=-1)
    with pytest.raises(ModelError, match=message):
        benchwell.fit_logistic(wide, outcome, ["age"], **{"groups": ["clinic"], **settings})


def test_messages_hold_no_value_of_a_person(frame):
    with pytest.raises(ModelError) as caught:
        benchwell.fit_logistic(frame.with_columns(remission=pl.lit(17.25)), "remission", [], ["clinic"])
    assert "17.25" not in str(caught.value)


def test_rows_left_out_are_counted_once_by_the_first_missing_column(frame):
    place = pl.int_range(pl.len())
    holes = frame.with_columns(
        change=pl.when(place >= 5).then("change"),
        age=pl.when(place >= 7).then(pl.col("age").cast(pl.Float64)).otherwise(float("nan")),
        sex=pl.when(place != 100).then("sex"),
        clinic=pl.when(place != 101).then("clinic"),
    )
    fit = benchwell.fit_linear(holes, "change", ["age", "sex"], ["clinic"])
    assert fit.left_out == {"change missing": 5, "age missing": 2, "sex missing": 1, "clinic missing": 1}
    assert fit.n == 231
    assert "231 rows used, 9 left out (change missing 5; age missing 2; sex missing 1; clinic missing 1)" in repr(fit)


def test_a_column_that_depends_on_others_is_dropped_by_name(frame):
    double = frame.with_columns(months=pl.col("age") * 12, constant=7)
    for fit in [
        benchwell.fit_linear(double, "change", ["age", "months", "constant"], ["clinic"]),
        benchwell.fit_logistic(double, "remission", ["age", "months", "constant"], ["clinic"]),
    ]:
        assert fit.dropped == ("months", "constant")
        assert list(fit.coefficients) == ["(intercept)", "age"]
        assert np.isfinite(fit.predict(double)).all()
        assert "months, constant" in repr(fit)


def test_the_unit_of_a_column_moves_what_it_should_and_nothing_else(frame):
    for method in ("reml", "ml"):
        years = benchwell.fit_linear(frame, "change", ["age"], ["clinic"], method)
        days = benchwell.fit_linear(frame.with_columns(pl.col("age") * 1000.0), "change", ["age"], ["clinic"], method)
        assert days.coefficients["age"] * 1000 == pytest.approx(years.coefficients["age"])
        # |X'X| enters REML, so a column times 1000 takes ln(1000) off; ML does not see units.
        assert years.loglik - days.loglik == pytest.approx(np.log(1000) if method == "reml" else 0.0, abs=1e-7)


def test_a_slope_has_the_units_of_its_column(frame):
    shifted = frame.with_columns(month=pl.col("age") * 12)
    one = benchwell.fit_linear(frame, "change", ["age"], ["clinic"], slope="age")
    twelve = benchwell.fit_linear(shifted, "change", ["month"], ["clinic"], slope="month")
    assert one.slope_sd == pytest.approx(12 * twelve.slope_sd, rel=1e-4, abs=1e-6)
    assert one.effects("clinic").columns == ["clinic", "level", "effect", "sd", "slope", "slope_sd", "n", "reliability"]
    np.testing.assert_allclose(one.predict(frame), twelve.predict(shifted), rtol=1e-4)
    assert "slope of age" in repr(one)


@pytest.mark.parametrize("slope", [None, "age"])
def test_coefficients_and_profiles_do_not_depend_on_where_a_column_is_centered(frame, slope):
    fit = benchwell.fit_linear(frame, "change", ["age"], ["clinic"], slope=slope)
    intervals = fit.intervals(method="profile")
    low, high = intervals["(intercept)"]
    assert low < fit.coefficients["(intercept)"] < high
    assert {"sd(clinic)", "sd(residual)"} <= set(intervals)
    assert ("sd(clinic, age)" in intervals) == (slope is not None)


@pytest.mark.parametrize(
    ("convert", "kind"),
    [
        (pl.DataFrame.to_pandas, pd.DataFrame),
        (lambda f: f, pl.DataFrame),
        (pl.DataFrame.lazy, pl.DataFrame),
        (pl.DataFrame.to_arrow, pa.Table),
        (lambda f: duckdb.from_arrow(f.to_arrow()), pa.Table),
    ],
)
def test_effects_come_back_as_the_kind_of_frame_that_was_fitted(frame, fit, convert, kind):
    again = benchwell.fit_linear(convert(frame), "change", ["age", "sex", "veteran"], ["clinic", "clinician"])
    effects = again.effects("clinician")
    assert isinstance(effects, kind)
    assert again.loglik == pytest.approx(fit.loglik, abs=1e-9)
    np.testing.assert_allclose(effects["effect"], fit.effects("clinician")["effect"], atol=1e-7)
    np.testing.assert_allclose(again.predict(convert(frame)), fit.predict(frame), atol=1e-7)


def test_an_inner_group_is_the_pair_and_keeps_its_values(frame, fit):
    effects = fit.effects("clinician")
    assert effects.columns == ["clinic", "clinician", "level", "effect", "sd", "n", "reliability"]
    assert effects.row(0)[:3] == (100, "t0", "t0:100")
    assert effects["n"].sum() == fit.effects("clinic")["n"].sum() == 240
    with pytest.raises(ModelError, match="No grouping column 'sex'"):
        fit.effects("sex")


def test_a_new_group_is_the_callers_decision(frame, fit):
    new = frame.head(3).with_columns(clinic=pl.Series([100, 999, 100]), clinician=pl.Series(["t0", "t0", "zz"]))
    population = fit.predict(new, effects=False)
    clinic, clinician = fit.effects("clinic")["effect"][0], fit.effects("clinician")["effect"][0]
    np.testing.assert_allclose(fit.predict(new) - population, [clinic + clinician, 0.0, clinic], atol=1e-9)
    assert np.isnan(fit.predict(new, new_levels="missing")).tolist() == [False, True, True]
    with pytest.raises(ModelError, match=r"1 row.s. belong to a 'clinic' that was not fitted"):
        fit.predict(new, new_levels="error")


def test_predictions_are_missing_where_a_covariate_is_and_refused_where_a_level_is_new(frame, fit, logistic):
    holes = frame.head(4).with_columns(age=pl.Series([1.0, None, float("nan"), 5.0]))
    assert np.isnan(fit.predict(holes)).tolist() == [False, True, True, False]
    with pytest.raises(ModelError, match=r"'sex' has 1 level.s. that were not in the data"):
        fit.predict(frame.with_columns(sex=pl.lit("x")))
    with pytest.raises(ModelError, match="new_levels"):
        fit.predict(frame, new_levels="zero")
    with pytest.raises(ModelError, match="kind"):
        fit.predict(frame, kind="probability")
    link, response = logistic.predict(frame, kind="link"), logistic.predict(frame)
    np.testing.assert_allclose(response, 1 / (1 + np.exp(-link)))


def test_counting_rows_that_agree_changes_no_likelihood(frame):
    plain = frame.select("clinic", "sex", "remission")
    counted = plain.group_by("clinic", "sex").agg(pl.col("remission").sum(), of=pl.len())
    one = benchwell.fit_logistic(plain, "remission", ["sex"], ["clinic"])
    other = benchwell.fit_logistic(counted, "remission", ["sex"], ["clinic"], trials="of")
    assert other.coefficients == pytest.approx(dict(one.coefficients), abs=1e-6)
    assert other.loglik == pytest.approx(one.loglik, abs=1e-7)
    assert one.n == 240  # episodes, not patterns
    assert one.effects("clinic")["n"].sum() == 240


def test_separation_is_reported(frame):
    told = frame.with_columns(sure=pl.col("remission"))
    with pytest.warns(DoubtfulFitWarning, match="separated"):
        fit = benchwell.fit_logistic(told, "remission", ["sure"], ["clinic"])
    assert fit.separated
    assert "Separated" in repr(fit)


@pytest.mark.parametrize("which", ["fit", "logistic"])
def test_a_saved_fit_reads_back_the_same(which, request, frame, tmp_path):
    fit = request.getfixturevalue(which)
    fit.save(tmp_path / "fit.json")
    again = benchwell.Fit.load(tmp_path / "fit.json")
    assert again.check == fit.check
    assert again.to_dict() == fit.to_dict()
    assert repr(again) == repr(fit)
    assert again.effects("clinic").equals(fit.effects("clinic"))
    np.testing.assert_array_equal(again.predict(frame), fit.predict(frame))


@pytest.mark.parametrize(
    "tamper",
    [
        lambda saved: saved["coefficients"][1].__setitem__(1, 0.0),
        lambda saved: saved["covariance"][0].__setitem__(0, 1.0),
        lambda saved: saved["groups"][0]["effect"].__setitem__(0, 9.0),
        lambda saved: saved["coding"]["terms"][0].update(center=0.0),
        lambda saved: saved.update(residual_sd=0.1),
        lambda saved: saved.pop("check"),
        lambda saved: saved.update(format="another"),
    ],
)
def test_a_changed_file_is_refused(fit, tmp_path, tamper):
    saved = fit.to_dict()
    saved = json.loads(json.dumps(saved))
    tamper(saved)
    (tmp_path / "fit.json").write_text(json.dumps(saved), encoding="utf-8")
    with pytest.raises(DamagedFitError):
        benchwell.Fit.load(tmp_path / "fit.json")


@pytest.mark.parametrize("text", [None, "not json", "[]", '{"format": "benchwell-fit-1", "check": "x"}'])
def test_a_file_that_is_no_fit_is_refused(tmp_path, text):
    if text is not None:
        (tmp_path / "fit.json").write_text(text, encoding="utf-8")
    with pytest.raises(DamagedFitError):
        benchwell.Fit.load(tmp_path / "fit.json")


def test_intervals_are_refused_where_there_are_none(fit, logistic):
    with pytest.raises(ModelError, match="between 0 and 1"):
        fit.intervals(95)
    with pytest.raises(ModelError, match="'wald' or 'profile'"):
        fit.intervals(method="bootstrap")
    with pytest.raises(ModelError, match="Profile intervals need the sums"):
        logistic.intervals(method="profile")
    low, high = fit.intervals(0.5)["age"]
    assert (high - low) / 2 == pytest.approx(0.67449 * fit.standard_errors["age"], rel=1e-4)


def test_the_text_tells_the_model_in_words(fit):
    text = repr(fit)
    assert text.startswith("Linear mixed model of change by clinician in clinic (REML)")
    assert "240 rows used, 0 left out." in text
    assert "Compared with: sex f, veteran false." in text
    assert "Converged" in text
    assert max(map(len, text.splitlines())) < 120


def test_html_escapes_what_comes_from_the_data(frame):
    wicked = frame.with_columns(sex=pl.col("sex").replace("m", "<script>"))
    html = benchwell.fit_linear(wicked, "change", ["sex"], ["clinic"], references={"sex": "f"})._repr_html_()
    assert "<script>" not in html
    assert "sex[&lt;script&gt;]" in html


def test_a_fit_cannot_be_changed(fit):
    with pytest.raises(AttributeError):
        fit.n = 3


def test_a_coding_reads_back_and_its_hash_sees_every_part():
    coding = Coding(NumberTerm("y", 1.0, 1.0), (NumberTerm("x", 2.0, 3.0), CategoryTerm("c", ("a", "b"))), ("g",), "x")
    assert Coding.from_dict(coding.to_dict()) == coding
    others = [
        Coding(coding.outcome, coding.terms[::-1], ("g",), "x"),
        Coding(coding.outcome, (NumberTerm("x", 2.1, 3.0), coding.terms[1]), ("g",), "x"),
        Coding(coding.outcome, (coding.terms[0], CategoryTerm("c", ("b", "a"))), ("g",), "x"),
        Coding(coding.outcome, coding.terms, ("h",), "x"),
        Coding(coding.outcome, coding.terms, ("g",)),
    ]
    assert len({coding.hash, *(other.hash for other in others)}) == 6


def test_a_fit_warns_of_nothing_when_all_is_well(frame):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        benchwell.fit_linear(frame, "change", ["age"], ["clinic"])


@pytest.mark.parametrize("dtype", ["datetime64[ns]", "category", "float64", "bool"])
def test_a_group_may_be_of_any_type_and_is_kept_in_a_file(frame, tmp_path, dtype):
    rows = frame.to_pandas().assign(group=lambda f: (f["clinic"] % 2).astype("int64").astype(dtype))
    fit = benchwell.fit_linear(rows, "change", ["age"], ["group"])
    fit.save(tmp_path / "fit.json")
    again = benchwell.Fit.load(tmp_path / "fit.json")
    pd.testing.assert_frame_equal(again.effects("group"), fit.effects("group"))
    np.testing.assert_array_equal(again.predict(rows, new_levels="error"), fit.predict(rows))


def test_a_group_that_cannot_be_one_of_those_fitted_is_new(frame):
    fit = benchwell.fit_linear(frame, "change", ["age"], ["clinic"])
    named = frame.with_columns(clinic=pl.lit("Main Street"))
    np.testing.assert_array_equal(fit.predict(named), fit.predict(named, effects=False))


def test_numbers_may_change_their_type_between_fitting_and_predicting_but_not_become_text(frame, fit):
    decimal = frame.with_columns(pl.col("age").cast(pl.Decimal(10, 2)))
    np.testing.assert_allclose(fit.predict(decimal), fit.predict(frame))
    with pytest.raises(ModelError, match="is none in this frame"):
        fit.predict(frame.with_columns(pl.col("age").cast(pl.String)))


def test_very_many_groups_are_numbered_without_a_table_of_all_pairs():
    n = 2_500
    rng = np.random.default_rng(1)
    rows = pl.DataFrame({"a": np.arange(n), "b": np.arange(n)[::-1], "yes": rng.integers(0, 4, n), "of": 4})
    group, parent, keys = group_codes(rows.select("a", "b").to_arrow(), ["a", "b"])
    assert group.tolist() == parent.tolist() == list(range(n))
    assert keys["b"].to_pylist() == list(range(n))[::-1]


def test_a_column_of_mixed_types_is_refused():
    mixed = pd.DataFrame({"change": [1.0, 2.0], "age": [1, "old"], "clinic": [1, 2]})
    with pytest.raises(benchwell.BenchwellError, match="mixes types"):
        benchwell.fit_linear(mixed, "change", ["age"], ["clinic"])


def test_a_file_lacks_a_column_when_predicting(frame, fit, tmp_path):
    frame.drop("age").write_parquet(tmp_path / "rows.parquet")
    with pytest.raises(SourceError, match="No column 'age'"):
        fit.predict(tmp_path / "rows.parquet")
    with pytest.raises(SourceError, match=r"nothing.parquet cannot be read"):
        fit.predict(tmp_path / "nothing.parquet")
    frame.write_parquet(tmp_path / "all.parquet")
    np.testing.assert_array_equal(fit.predict(tmp_path / "all.parquet"), fit.predict(frame))


@pytest.mark.parametrize("singular", [True, False])
def test_no_variance_between_groups_is_an_answer(frame, singular):
    own = pl.col("change") - pl.col("change").mean().over("clinic")
    even = frame.with_columns(change=own + (0.0 if singular else pl.col("clinic") * 3.0))
    fit = benchwell.fit_linear(even, "change", [], ["clinic"])
    assert fit.singular == singular
    assert (fit.group_sd["clinic"] == 0) == singular
    assert ("estimated as zero" in repr(fit)) == singular


def test_a_fit_remembers_how_it_was_found(fit, logistic):
    for one in (fit, logistic):
        assert one.found.converged
        assert one.found.optimizer
        assert one.found.iterations > 0
        assert one.found.tolerances
        assert max(map(abs, one.found.gradient)) < 1e-2


def test_a_nested_logistic_fit_has_effects_of_both_columns(frame):
    fit = benchwell.fit_logistic(frame, "remission", ["age"], ["clinic", "clinician"])
    assert fit.effects("clinician")["level"][0] == "t0:100"
    assert fit.effects("clinic")["n"].to_list() == frame["clinic"].value_counts().sort("clinic")["count"].to_list()
    both = fit.effects("clinician").join(fit.effects("clinic"), on="clinic").row(0, named=True)
    first = frame.filter(pl.col("clinic") == 100, pl.col("clinician") == "t0")
    gap = fit.predict(first, kind="link") - fit.predict(first, kind="link", effects=False)
    np.testing.assert_allclose(gap, both["effect"] + both["effect_right"])


def test_profiles_of_a_nested_fit_name_both_columns(fit):
    assert {"sd(clinic)", "sd(clinician)", "sd(residual)"} <= set(fit.intervals(method="profile"))


def test_ids_that_are_decimals_become_text(frame):
    rows = frame.with_columns(pl.col("clinic").cast(pl.Decimal(10, 1)))
    fit = benchwell.fit_linear(rows, "change", ["age"], ["clinic"])
    assert fit.effects("clinic")["clinic"][0] == "100.0"
    assert np.isfinite(fit.predict(rows, new_levels="error")).all()


def test_a_fit_without_a_slope_has_no_correlation(fit):
    assert (fit.group_correlation, fit.slope_sd) == (None, None)


def test_a_search_that_did_not_settle_is_told_in_a_warning_and_in_the_fit(frame, monkeypatch):
    # No data at hand stop the search, so its answer is marked here as unsettled.
    def unsettled(*arguments, **settings):
        return replace(linear_mixed(*arguments, **settings), converged=False)

    monkeypatch.setattr(fitting, "linear_mixed", unsettled)
    with pytest.warns(DoubtfulFitWarning, match="did not settle"):
        fit = benchwell.fit_linear(frame, "change", ["age"], ["clinic"])
    assert "NOT converged" in repr(fit)
