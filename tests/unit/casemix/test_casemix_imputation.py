"""Imputed figures through the real outcomes: the same rules, the same people, whatever the order (METHODS M1.6)."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import pyarrow as pa
import pytest

from benchwell.casemix.endpoint_table import endpoint_table, reference_of, why_not_imputed
from benchwell.casemix.imputation import impute_follow_up
from benchwell.casemix.imputation_record import ImputationSettings, imputation_settings
from benchwell.casemix.score_grid import kappa_grid, score_grid
from benchwell.engine import DuckDBEngine
from benchwell.outcomes import build_outcomes, saes_reference, with_saes
from benchwell.outcomes.cuts import instruments_of
from benchwell.registry import Benchmark, Registry
from benchwell.registry.instrument import Scale
from benchwell.tables import DERIVED
from benchwell.terms import BenchmarkKind
from unit.casemix.imputation_cases import THERAPY, by_key, frames, network_rows
from unit.outcomes.outcome_cases import (
    GAD7,
    INSTRUMENTS,
    PHQ9,
    WHO5,
    contact,
    episode,
    inputs_of,
    instrument,
    measure,
    score,
)
from unit.outcomes.outcome_cases import tables_of as tables

CASES = [
    measure("remission", id="remission"),
    measure("response", id="response"),
    measure("change", id="change"),
    measure({"kind": "reliable_change", "met": "deteriorated"}, id="worse", better="lower"),
]
REGISTRY = Registry.load()


def imputed(measures=CASES, rows=None, engine=None, strata=(), **settings):
    engine = engine or DuckDBEngine(threads=1)
    outcomes, history, features = frames(engine, measures, rows or network_rows(), strata)
    found = impute_follow_up(
        outcomes,
        measures,
        INSTRUMENTS,
        engine,
        settings={one.id: ImputationSettings(strata=tuple(s.by for s in strata), **settings) for one in measures},
        history=history,
        features=features,
    )
    return found, engine.to_arrow(outcomes)


def test_table_and_models_have_their_declared_shape():
    found, outcomes = imputed(strata=[THERAPY])
    assert found.table.schema == DERIVED["imputations"].schema
    key = [tuple(row[name] for name in DERIVED["imputations"].key) for row in found.table.to_pylist()]
    assert key == sorted(key)
    assert len(key) == len(set(key))
    model = found.models[0]
    followed = (
        outcomes.filter(pa.compute.equal(outcomes["measure"], "remission"))["status"].to_pylist().count("followed")
    )
    assert (model.status, model.reason, model.n_eligible, model.n_followed) == ("ok", None, 240, followed)
    assert model.n_imputed == 240 - followed
    assert model.kappas == (-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0)
    assert model.predictors[:5] == ("intercept", "baseline", "baseline^2", "early_change", "attended")
    assert model.predictors[-1] == "organization_id"
    assert (model.lowest, model.highest, model.n_levels) == (0.0, 27.0, 28)
    assert set(model.imputed) == {"mean", "sd", "p05", "p25", "p50", "p75", "p95"}
    # People who were not followed had attended less and gained less: their scores are imputed higher.
    assert model.imputed["mean"] > model.observed["mean"] + 0.5
    assert asdict(model)["observed"]["p50"] == model.observed["p50"]


def test_counts_add_up_over_levels_and_figures_lie_between_the_bounds():
    found, _ = imputed(strata=[THERAPY])
    rows = [row for row in found.table.to_pylist() if row["measure"] == "remission" and row["kappa"] == 0]
    for clinic in range(4):
        mine = [row for row in rows if row["organization_id"] == f"org-{clinic}"]
        (whole,) = (row for row in mine if row["stratum"] == "all")
        parts = [row for row in mine if row["stratum"] == "therapy"]
        assert sum(row["n_eligible"] for row in parts) == whole["n_eligible"]
        assert sum(row["n_followed"] for row in parts) == whole["n_followed"]
        shown = [row for row in parts if row["status"] == "ok"]
        if len(shown) == len(parts):
            pooled = sum(row["estimate"] * row["n_eligible"] for row in parts) / whole["n_eligible"]
            assert pooled == pytest.approx(whole["estimate"], rel=1e-9)
        assert 0 <= whole["lower"] <= whole["estimate"] <= whole["upper"] <= 1
        assert whole["total"] == pytest.approx(whole["within"] + (1 + 1 / whole["m"]) * whole["between"])
        assert whole["variance"] > 0


def test_a_shift_for_the_worse_lowers_good_figures_and_raises_bad_ones():
    rows = by_key(imputed()[0].table)
    for clinic in range(4):
        for name, sign in (("remission", -1), ("response", -1), ("change", -1), ("worse", 1)):
            line = [rows[name, f"org-{clinic}", "all", kappa]["estimate"] for kappa in range(-3, 4)]
            assert (sign * np.diff(line) >= -1e-12).all(), name
            assert line[0] != line[-1]


def test_measures_of_the_same_people_share_their_imputations():
    """Otherwise responders, remitters and mean change of one clinic could contradict each other."""
    found, _ = imputed()
    first = found.models[0]
    assert all(model.imputed == first.imputed for model in found.models)
    alone, _ = imputed(CASES[1:2])
    both = [row for row in found.table.to_pylist() if row["measure"] == "response"]
    assert alone.table.to_pylist() == both


def test_order_of_rows_and_threads_do_not_matter_but_the_seed_does():
    rows = network_rows()
    shuffled = {name: list(np.random.default_rng(3).permutation(items)) for name, items in rows.items()}
    one = imputed(rows=rows)[0].table
    assert one.equals(imputed(rows=shuffled, engine=DuckDBEngine(threads=2))[0].table)
    other = imputed(rows=rows, seed=8)[0].table
    assert not one["estimate"].equals(other["estimate"])
    np.testing.assert_allclose(np.array(one["estimate"]), np.array(other["estimate"]), atol=0.6)


def test_everybody_followed_gives_exactly_the_observed_figure():
    rows = network_rows()
    known = {row["episode_id"] for row in rows["scores"] if row["day"] == 180}
    rows["episodes"] = [row for row in rows["episodes"] if row["episode_id"] in known]
    rows["scores"] = [row for row in rows["scores"] if row["episode_id"] in known]
    rows["encounters"] = [row for row in rows["encounters"] if row["episode_id"] in known]
    found, outcomes = imputed(rows=rows)
    assert found.models[0].m == 20
    assert found.models[0].imputed == {}
    truth = {}
    for row in outcomes.to_pylist():
        value = row["value"] if row["met"] is None else float(row["met"])
        truth.setdefault((row["measure"], row["organization_id"]), []).append(value)
    for row in found.table.to_pylist():
        assert row["estimate"] == pytest.approx(np.mean(truth[row["measure"], row["organization_id"]]), rel=1e-12)
        assert (row["between"], row["missing_information"]) == (0.0, 0.0)


def _imputed_measures():
    for name, one in sorted(REGISTRY.measures.items()):
        if one.is_paired and why_not_imputed(one, instruments_of(one, REGISTRY.instruments)) is None:
            yield name


@pytest.mark.parametrize("name", list(_imputed_measures()))
def test_a_bundled_endpoint_is_asked_of_the_outcomes_own_rules(name):
    """Pairs of scores, once through `build_outcomes` and once through the table."""
    one = REGISTRY.measure(name)
    one = one.model_copy(update={"population": measure("change").population})  # anybody, since scores are asked about
    found = instruments_of(one, REGISTRY.instruments)
    every = score_grid(found[0], one.scale).levels
    levels = every[:: max(1, len(every) // 14)]
    scale = found[0].scale(one.scale).id
    opens = 1 if one.followup.pick == "session_k" else one.followup.target_day or one.followup.from_day + 1
    rows = {"episodes": [], "scores": [], "encounters": []}
    for place, (before, after) in enumerate((before, after) for before in levels for after in levels):
        rows["episodes"].append(episode(f"e{place:05d}"))
        rows["scores"] += [
            score(f"e{place:05d}", day, value, instrument=found[0].id, scale=scale)
            for day, value in ((0, before), (opens, after))
        ]
        rows["encounters"] += [contact(f"e{place:05d}", day) for day in range(one.followup.session or 0)]
    engine = DuckDBEngine(threads=1)
    inputs = inputs_of(tables(**rows), engine)
    built = build_outcomes(inputs, [one], REGISTRY.instruments, snapshot_day=9999, keep=engine.keep)
    outcomes = [row for row in engine.to_arrow(built.outcomes).to_pylist() if row["status"] == "followed"]
    assert outcomes or one.followup.pick == "session_k"
    reference = saes_reference(6, 102.0, 60.0, 1804.0, 1064.0) if one.endpoint.kind == "saes" else None
    if reference is not None:
        valued = engine.to_arrow(with_saes(built.outcomes, one, reference)).to_pylist()
        outcomes = [row for row in valued if row["status"] == "followed"]
    table = endpoint_table(one, found, levels, levels, reference)
    for row in outcomes:
        expected = row["value"] if one.summary == "mean" else float(row["met"])
        place = np.searchsorted(levels, row["baseline"]), np.searchsorted(levels, row["followup"])
        assert table[place] == pytest.approx(expected, rel=1e-12)


def test_severity_adjusted_effect_sizes_use_the_reference_of_all_followed():
    one = measure("saes", id="saes")
    engine = DuckDBEngine(threads=1)
    outcomes, history, _ = frames(engine, [one], network_rows())
    rows = [row for row in engine.to_arrow(outcomes).to_pylist() if row["status"] == "followed"]
    pre, post = (np.array([row[name] for row in rows]) for name in ("baseline", "followup"))
    reference = saes_reference(len(pre), pre.sum(), post.sum(), (pre * pre).sum(), (pre * post).sum())
    valued = with_saes(outcomes, one, reference)
    found = impute_follow_up(valued, [one], INSTRUMENTS, engine, history=history)
    unvalued = impute_follow_up(outcomes, [one], INSTRUMENTS, engine, history=history)
    assert found.models[0].status == "ok"
    assert (unvalued.models[0].status, unvalued.models[0].reason) == ("insufficient", "no_reference")
    change = impute_follow_up(
        frames(engine, [measure("change", id="saes")], network_rows())[0],
        [measure("change", id="saes")],
        INSTRUMENTS,
        engine,
        history=history,
    )
    # Severity-adjusted = change, less what the baseline predicts, over a constant: linear in the mean change.
    for ours, plain in zip(found.table.to_pylist(), change.table.to_pylist(), strict=True):
        if ours["kappa"] == 0:
            moved = by_key(found.table)[ours["measure"], ours["organization_id"], "all", 3.0]["estimate"]
            moved_plain = by_key(change.table)[ours["measure"], ours["organization_id"], "all", 3.0]["estimate"]
            lost = (ours["estimate"] - moved) * reference.reference_sd
            assert lost == pytest.approx(plain["estimate"] - moved_plain, rel=1e-9)


def test_who_died_by_suicide_is_never_drawn_but_counts_as_the_least_favorable():
    rows = network_rows()
    known = {row["episode_id"] for row in rows["scores"] if row["day"] == 180}
    dead = [row["episode_id"] for row in rows["episodes"] if row["episode_id"] not in known][:30]
    plain, _ = imputed(rows=rows)
    rows["patients"] = [{"patient_id": f"p-{name}", "death_day": 100, "death_cause": "suicide"} for name in dead]
    found, outcomes = imputed(rows=rows)
    assert outcomes["reason"].to_pylist().count("suicide") == 4 * len(dead)
    assert found.models[0].n_fixed == 30
    assert found.models[0].n_imputed == plain.models[0].n_imputed - 30
    ours, before = by_key(found.table), by_key(plain.table)
    for clinic in range(4):
        key = ("remission", f"org-{clinic}", "all", -3.0)
        assert ours[key]["n_eligible"] == before[key]["n_eligible"]
        assert ours[key]["estimate"] < before[key]["estimate"]


def test_a_clinic_that_followed_nobody_has_no_figure_and_too_few_followed_have_no_model():
    rows = network_rows()
    silent = {row["episode_id"] for row in rows["episodes"] if row["organization_id"] == "org-2"}
    rows["scores"] = [row for row in rows["scores"] if row["episode_id"] not in silent or row["day"] < 180]
    found, _ = imputed(rows=rows)
    for row in found.table.to_pylist():
        nobody = row["organization_id"] == "org-2"
        assert (row["status"], row["reason"]) == (("insufficient", "nobody_followed") if nobody else ("ok", None))
        assert (row["estimate"] is None) == (row["variance"] is None) == nobody
    followed = [row["episode_id"] for row in rows["scores"] if row["day"] == 180][9:]
    rows["scores"] = [row for row in rows["scores"] if row["episode_id"] not in followed or row["day"] < 180]
    few, _ = imputed(rows=rows)
    assert few.table.num_rows == 0
    assert {(model.status, model.reason, model.n_followed) for model in few.models} == {
        ("insufficient", "too_few_followed", 9)
    }


def test_only_index_days_in_range_count():
    rows = network_rows()
    for place, row in enumerate(rows["episodes"]):
        row["start_day"] = 0 if place % 2 else 1
    for row in rows["scores"]:
        row["day"] += 0 if int(row["episode_id"][1:]) % 2 else 1
    found, _ = imputed(rows=rows, first_day=1, last_day=1)
    assert found.models[0].n_eligible == 120
    assert imputed(rows=rows)[0].models[0].n_eligible == 240


def test_predictors_follow_the_data_that_carry_them_and_adjusters_enter():
    engine = DuckDBEngine(threads=1)
    outcomes, history, _ = frames(engine, CASES[:1], network_rows())
    ids = engine.to_arrow(outcomes).select(["measure", "episode_id"])
    age = pa.table({"measure": ids["measure"], "episode_id": ids["episode_id"], "age": np.arange(240.0)})
    settings = {"remission": ImputationSettings(adjusters=("age",))}
    with_age = impute_follow_up(
        outcomes, CASES[:1], INSTRUMENTS, engine, settings=settings, history=history, adjusters=[engine.from_arrow(age)]
    )
    assert "age" in with_age.models[0].predictors
    rows = network_rows(n=60)
    few, _ = imputed(CASES[:1], rows=rows)
    assert few.models[0].n_followed < 50
    assert len(few.models[0].predictors) - 2 <= few.models[0].n_followed // 10 - 1


def test_measures_without_a_score_are_named_as_such():
    two = measure(
        {
            "kind": "two_measure",
            "met": "recovery",
            "parts": [{"instrument": "phq-9"}, {"instrument": "gad-7"}],
        },
        id="two",
        instruments=["phq-9", "gad-7"],
    )
    cases = {
        "no_score": measure({"kind": "retention"}, id="kept", instruments=[]),
        "two_scores": two,
        "needs_followup_day": measure({"kind": "change", "per_day": True}, id="per-day"),
        "summary_effect_size": measure("effect_size", id="effect"),
        "summary_ratio_of_means": measure("percent_change", id="percent"),
        "instruments_differ": measure("remission", id="mixed", instruments=["phq-9", "gad-7"]),
    }
    found, _ = imputed(list(cases.values()))
    assert [(model.status, model.reason) for model in found.models] == [("not_applicable", why) for why in cases]
    assert found.table.num_rows == 0


def test_instruments_that_disagree_about_a_pair_are_not_guessed():
    other = instrument("phq-9m", remission={"operator": "<", "value": 6, "status": "checked"})
    one = measure("remission", instruments=["phq-9", "phq-9m"])
    levels = score_grid(PHQ9, None).levels
    assert why_not_imputed(one, [PHQ9, other]) is None
    assert endpoint_table(one, [PHQ9, other], levels, levels) is None
    same = instrument("phq-9m")
    assert endpoint_table(one, [PHQ9, same], levels, levels)[10].tolist() == [1.0] * 5 + [0.0] * 23
    engine = DuckDBEngine(threads=1)
    outcomes, history, _ = frames(engine, [measure("remission")], network_rows())
    known = INSTRUMENTS | {"phq-9m": other}
    found = impute_follow_up(outcomes, [one], known, engine, history=history)
    assert (found.models[0].status, found.models[0].reason) == ("not_applicable", "instruments_differ")
    assert endpoint_table(one, [PHQ9], np.arange(3000.0), np.arange(3000.0)) is None


def test_settings_come_from_the_benchmarks_of_a_measure():
    def benchmark(name, **more):
        return Benchmark(
            id=name, revision=1, title="t", why="w", author="a", measure="m", population="p",
            kinds=(BenchmarkKind.PERCENTILE,), **more,
        )  # fmt: skip

    two = [benchmark("b", seed=2, gates={"kappa_points": 2.0}), benchmark("a", seed=1, gates={"kappa": 0.7})]
    found = imputation_settings(two, strata={"m": ("age",)}, adjusters={"m": ("sex",)}, days={"m": (3, 9)})
    assert found == {
        "m": ImputationSettings(
            seed=1, kappa_points=2.0, kappa=0.7, strata=("age",), adjusters=("sex",), first_day=3, last_day=9
        )
    }
    assert imputation_settings([benchmark("a")])["m"].kappa_points is None


@pytest.mark.parametrize(
    ("one", "low", "high", "count"),
    [(PHQ9, 0, 27, 28), (GAD7, 0, 21, 22), (WHO5, 0, 100, 26)],
)
def test_the_grid_is_what_the_scale_can_report(one, low, high, count):
    levels = score_grid(one, None).levels
    assert (levels[0], levels[-1], len(levels)) == (low, high, count)


def test_grids_of_means_lookups_and_totals():
    def scaled(**scale):
        more = {"scales": [{"id": "total", "title": "T", "primary": True} | scale]}
        return instrument("x", **more, missing={"rule": "none"})

    mean = score_grid(scaled(min=0, max=3, method="mean"), None).levels
    np.testing.assert_allclose(mean, np.arange(28) / 9)
    lookup = {raw: 30.0 + 2 * raw + (raw > 20) for raw in range(28)}
    assert score_grid(scaled(min=0, max=100, lookup=lookup), None).levels.tolist() == sorted(lookup.values())
    total = PHQ9.model_copy(update={"items": None, "scales": (Scale(id="t", title="T", min=3, max=20, primary=True),)})
    levels = score_grid(total, None).levels
    assert (levels[0], round(levels[-1], 9), len(levels)) == (3.0, 20.0, 1701)


def test_the_default_range_of_shifts_is_half_of_what_counts_as_change():
    scores = np.array([2.0, 6.0, 10.0, 14.0])
    one = measure("remission")
    assert kappa_grid(one, PHQ9, scores, kappa_points=None, kappa=0.5) == (-3, -2, -1, 0, 1, 2, 3)
    assert kappa_grid(one, PHQ9, scores, kappa_points=1.5, kappa=0.5) == (-1.5, -1, -0.5, 0, 0.5, 1, 1.5)
    assert kappa_grid(one, PHQ9, scores, kappa_points=0.0, kappa=0.5) == (0.0,)
    override = measure({"kind": "reliable_change", "met": "improved", "points": 4})
    assert kappa_grid(override, PHQ9, scores, kappa_points=None, kappa=0.5)[-1] == 2.0
    bare = PHQ9.model_copy(update={"reliable_change": None})
    sd = float(np.std(scores, ddof=1))
    found = kappa_grid(one, bare, scores, kappa_points=None, kappa=0.5)
    assert found[-1] == pytest.approx(0.5 * np.sqrt(3) / np.pi * sd, rel=0.005)


def test_published_measures_and_no_measures_give_nothing():
    engine = DuckDBEngine(threads=1)
    published = next(one for one in REGISTRY.measures.values() if one.is_published)
    empty = engine.from_arrow(DERIVED["outcomes"].empty())
    found = impute_follow_up(empty, [published], INSTRUMENTS, engine)
    assert (found.table.num_rows, found.models) == (0, ())
    nobody = impute_follow_up(empty, CASES[:1], INSTRUMENTS, engine)
    assert nobody.models[0].reason == "too_few_followed"


def test_higher_is_better_shifts_down():
    rows = network_rows()
    for row in rows["scores"]:
        row |= {"instrument": "who-5", "value": 100.0 - 4 * min(row["value"], 25)}
    one = measure("change", instruments=["who-5"])
    engine = DuckDBEngine(threads=1)
    outcomes, history, _ = frames(engine, [one], rows)
    found = impute_follow_up(outcomes, [one], INSTRUMENTS, engine, history=history)
    line = by_key(found.table)
    for clinic in range(4):
        values = [line[one.id, f"org-{clinic}", "all", round(k, 6)]["estimate"] for k in found.models[0].kappas]
        assert (np.diff(values) < 0).all()


def test_a_stratum_without_a_column_is_unknown_and_a_column_given_twice_counts_once():
    engine = DuckDBEngine(threads=1)
    outcomes, history, features = frames(engine, CASES[:1], network_rows(), [THERAPY])
    found = impute_follow_up(
        outcomes,
        CASES[:1],
        INSTRUMENTS,
        engine,
        settings={"remission": ImputationSettings(strata=("therapy", "setting"))},
        history=history,
        features=features,
        adjusters=[history],
    )
    assert {row["level"] for row in found.table.to_pylist() if row["stratum"] == "setting"} == {"unknown"}
    assert any(term.startswith("therapy=") for term in found.models[0].predictors)
    assert len(set(found.models[0].predictors)) == len(found.models[0].predictors)


def test_equal_baselines_carry_no_reference():
    one = measure("saes")
    same = np.full(12, 15.0)
    assert reference_of(one, [PHQ9], same, np.arange(12.0)) is None
    assert reference_of(measure("change"), [PHQ9], same, same) is None
    found = reference_of(one, [PHQ9], np.arange(12.0, 24.0), np.arange(12.0))
    assert (found.slope, found.mean_change) == (pytest.approx(1.0), pytest.approx(12.0))
