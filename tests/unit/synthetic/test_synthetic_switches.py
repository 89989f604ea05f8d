"""A seed gives the same people; each switch changes only what it says."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet
import pytest

from benchwell.synthetic import (
    CaseMix,
    Courses,
    Dif,
    Equity,
    FollowUp,
    Gaming,
    World,
    generate,
    streams,
    write_csv,
    write_parquet,
)
from benchwell.synthetic import episodes as episodes_module

BASE = World(clinics=12, episodes=900, clinician_sd=0.5, seed=7)
WHO = {"episode", "clinic", "clinician", "age", "sex", "comorbidity", "language", "sessions"}
MISSING = {"followed", "phq9_follow_up", "change", "remission"}
OUTCOME = {"phq9_follow_up", "change", "remission", "true_follow_up", "true_change"}
EXPECTED = {"true_expected_change", "true_expected_remission"}


def changed(world):
    """Names of the columns that differ from those of the plain world."""
    one, other = generate(BASE).episodes, generate(world).episodes
    return {name for name in one.column_names if one[name] != other[name]}


def test_the_same_settings_give_the_same_world():
    one, other = generate(BASE), generate(replace(BASE))
    assert one.episodes.equals(other.episodes)
    assert one.truth == other.truth


def test_another_seed_gives_other_people():
    assert changed(replace(BASE, seed=8)) > {"age", "clinic", "true_change"}


@pytest.mark.parametrize(
    ("switch", "moves"),
    [
        ({"clinic_sd": 2.0}, OUTCOME | {"true_clinic_effect"}),
        ({"clinician_sd": 2.0}, OUTCOME | {"true_clinician_effect"}),
        ({"residual_sd": 8.0}, OUTCOME | EXPECTED),
        ({"mean_improvement": 5.0}, OUTCOME | EXPECTED),
        ({"outcome": "linear"}, OUTCOME | EXPECTED),
        ({"casemix": CaseMix(deprivation_effect=1.0)}, OUTCOME | EXPECTED),
        ({"casemix": CaseMix(sessions_effect=1.0)}, OUTCOME | EXPECTED),
        ({"casemix": CaseMix(quality_sorting=-0.8)}, OUTCOME | {"true_clinic_effect"}),
        ({"casemix": CaseMix(deprivation_sorting=0.6)}, {"deprivation_quintile", "insurance"}),
        ({"casemix": CaseMix(baseline_sorting=0.5)}, OUTCOME | EXPECTED | {"phq9_base"}),
        ({"follow_up": FollowUp("mar", strength=2.0)}, MISSING),
        ({"follow_up": FollowUp("mnar", clinic_sd=1.0)}, MISSING),
        ({"follow_up": FollowUp("mcar")}, MISSING),
        ({"gaming": Gaming(clinics=0.5)}, MISSING),
        ({"equity": Equity(gap=2.0)}, OUTCOME | EXPECTED),
        ({"equity": Equity(sorting=1.5)}, {"group"}),
        ({"dif": Dif(probability=0.9)}, {"phq9_base", "phq9_follow_up", "change", "remission"}),
        ({"courses": Courses(interim=3.0, blank=0.1, returns=0.5)}, set()),
    ],
    ids=lambda one: "+".join(sorted(one)) or "nothing",  # a set has no order of its own
)
def test_a_switch_moves_only_its_own_columns(switch, moves):
    found = changed(replace(BASE, **switch))
    assert found <= moves
    assert found or not moves


def test_the_file_written_block_by_block_holds_what_memory_holds(tmp_path, monkeypatch):
    # A small block makes several of them out of few people.
    monkeypatch.setattr(episodes_module, "BLOCK", 128)
    made = generate(BASE)
    truth = write_parquet(tmp_path / "world.parquet", BASE, truth=True)
    written = pyarrow.parquet.read_table(tmp_path / "world.parquet")
    assert pyarrow.parquet.ParquetFile(tmp_path / "world.parquet").num_row_groups == 8
    assert written.cast(made.episodes.schema).equals(made.episodes)
    assert truth == made.truth


def test_the_file_for_analysis_holds_no_truth_unless_asked(tmp_path):
    write_parquet(tmp_path / "world.parquet", BASE)
    names = pyarrow.parquet.read_schema(tmp_path / "world.parquet").names
    assert not [name for name in names if name.startswith("true_")]
    assert {"clinic", "clinician", "age", "sex", "phq9_base", "change", "remission"} <= set(names)


def test_a_broken_file_name_leaves_no_writer_open(tmp_path):
    with pytest.raises(FileNotFoundError):
        write_parquet(tmp_path / "nowhere" / "world.parquet", BASE)
    with pytest.raises(FileNotFoundError):
        write_csv(tmp_path / "nowhere" / "scores.csv", BASE)


def test_episodes_of_several_blocks_are_numbered_through(monkeypatch):
    monkeypatch.setattr(episodes_module, "BLOCK", 100)
    table = generate(BASE).episodes
    assert table["episode"].to_pylist() == list(range(900))
    assert isinstance(table, pa.Table)
    assert streams.BLOCK > 100


@pytest.mark.parametrize(
    ("kind", "settings", "word"),
    [
        (World, {"clinics": 0}, "clinic"),
        (World, {"clinics": 10, "episodes": 9}, "episode"),
        (World, {"clinicians": 0}, "clinicians"),
        (World, {"outcome": "gad7"}, "phq9 or linear"),
        (World, {"clinic_sd": -1.0}, "clinic_sd"),
        (World, {"residual_sd": 0.0}, "residual_sd"),
        (World, {"seed": -1}, "seed"),
        (World, {"outcome": "linear", "dif": Dif(probability=0.5)}, "phq9"),
        (CaseMix, {"baseline_sorting": 1.5}, "baseline_sorting"),
        (CaseMix, {"quality_sorting": -1.5}, "correlation"),
        (FollowUp, {"mechanism": "lost"}, "mechanism"),
        (FollowUp, {"missing": 1.0}, "missing"),
        (FollowUp, {"strength": -1.0}, "strength"),
        (Gaming, {"clinics": 2.0}, "clinics"),
        (Equity, {"share": -0.1}, "share"),
        (Dif, {"item": 10}, "nine items"),
        (Courses, {"start_days": 0}, "start_days"),
        (Courses, {"blank": 2.0}, "blank"),
    ],
)
def test_a_setting_out_of_range_is_named(kind, settings, word):
    with pytest.raises(ValueError, match=word):
        kind(**settings)
