"""The CSV of a world goes through intake without a rejection, and holds the people of the world."""

from __future__ import annotations

import pyarrow.csv
import pyarrow.parquet
import pytest

from benchwell import Workspace
from benchwell.synthetic import MAPPING, Courses, Dif, FollowUp, World, generate, write_csv

WORLD = World(
    clinics=12,
    episodes=600,
    follow_up=FollowUp("mar", missing=0.3),
    dif=Dif(probability=0.5),
    courses=Courses(interim=1.5, returns=0.05),
)


@pytest.mark.parametrize("social", [True, False])
def test_intake_takes_every_row(social, tmp_path):
    truth = write_csv(tmp_path / "scores.csv", WORLD, social=social)
    (tmp_path / "mapping.yaml").write_text(MAPPING, encoding="utf-8")
    workspace = Workspace(tmp_path / "workspace")
    report = workspace.intake(tmp_path / "scores.csv", **({"mapping": tmp_path / "mapping.yaml"} if social else {}))
    assert (report.rejected, report.corrected, report.flagged) == (0, 0, 0)
    assert report.records["episodes"] == 600
    assert report.records["organizations"] == 12
    assert truth == generate(WORLD).truth


def test_the_edition_counts_what_the_world_holds(tmp_path):
    write_csv(tmp_path / "scores.csv", WORLD, social=False)
    workspace = Workspace(tmp_path / "workspace")
    workspace.intake(tmp_path / "scores.csv")
    edition = workspace.build(as_of="2026-06-30")
    rows = edition.table("outcomes").to_pandas()
    rows = rows[rows["measure"] == "phq9-remission-12w"]
    made = generate(WORLD).episodes
    assert len(rows) == 600
    assert (rows["status"] == "followed").sum() == sum(made["followed"].to_pylist())
    assert rows["met"].fillna(0).sum() == sum(filter(None, made["remission"].to_pylist()))


def test_the_answers_add_up_to_the_scores_of_the_world(tmp_path):
    world = World(clinics=5, episodes=300, follow_up=FollowUp("mcar"), dif=Dif(probability=0.5))
    write_csv(tmp_path / "scores.csv", world)
    rows = pyarrow.csv.read_csv(tmp_path / "scores.csv").to_pandas().sort_values(["episode_id", "date"])
    rows["total"] = rows[[f"item_{i}" for i in range(1, 10)]].sum(axis=1)
    made = generate(world).episodes.to_pandas().set_index("episode")
    first = rows.groupby("episode_id")["total"].first()
    first.index = first.index.str.removeprefix("E").astype(int)
    assert (first.sort_index() == made["phq9_base"]).all()
    later = rows[rows.duplicated("episode_id")].set_index("episode_id")["total"]
    later.index = later.index.str.removeprefix("E").astype(int)
    assert (later.sort_index() == made["phq9_follow_up"].dropna()).all()


def test_blank_answers_and_several_courses_appear_when_asked(tmp_path):
    world = World(clinics=5, episodes=400, courses=Courses(interim=2.0, blank=0.2, returns=0.3))
    write_csv(tmp_path / "scores.csv", world)
    rows = pyarrow.csv.read_csv(tmp_path / "scores.csv").to_pandas()
    items = rows[[f"item_{i}" for i in range(1, 10)]]
    assert items.isna().any(axis=1).mean() == pytest.approx(0.2, abs=0.04)
    assert rows["patient_id"].nunique() < rows["episode_id"].nunique() == 400
    assert len(rows) == pytest.approx(400 * 4, rel=0.05)
    assert rows.groupby("patient_id")["sex"].nunique().max() == 1


def test_answers_need_whole_scores(tmp_path):
    with pytest.raises(ValueError, match="phq9"):
        write_csv(tmp_path / "scores.csv", World(outcome="linear"))
