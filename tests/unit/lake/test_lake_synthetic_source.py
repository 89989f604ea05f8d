"""The generator of the speed bench: same seed, same bytes; the numbers asked for; no impossible row."""

from __future__ import annotations

import datetime as dt
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pytest


@pytest.fixture(scope="module")
def synthetic() -> ModuleType:
    path = Path(__file__).parents[3] / "benchmarks" / "synthetic.py"
    spec = importlib.util.spec_from_file_location("benchmarks_synthetic", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def test_the_same_seed_gives_the_same_bytes(synthetic: ModuleType, tmp_path: Path) -> None:
    for name, seed in (("a", 7), ("b", 7), ("c", 8)):
        synthetic.write_csv(tmp_path / name, synthetic.Size(4000, 500, 20, seed))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes() != (tmp_path / "c").read_bytes()


@pytest.fixture(scope="module")
def table(synthetic: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> pa.Table:
    file = tmp_path_factory.mktemp("made") / "network.csv"
    written = synthetic.write_csv(file, synthetic.Size(4000, 500, 20, 7))
    found = pyarrow.csv.read_csv(file)
    assert found.num_rows == written
    return found


def test_about_the_numbers_asked_for_and_no_impossible_row(table: pa.Table) -> None:
    assert 3600 < table.num_rows < 4400
    assert 500 <= pc.count_distinct(table["episode_id"]).as_py() < 550  # 4 % come for a second course
    assert pc.count_distinct(table["clinic"]).as_py() == 20
    assert pc.all(pc.greater_equal(table["date"], table["start_date"])).as_py()
    assert pc.all(pc.less_equal(table["date"], table["end_date"])).as_py()
    assert pc.max(table["date"]).as_py() < dt.date(2026, 1, 1)
    keys = table.group_by(["episode_id", "date"]).aggregate([([], "count_all")])
    assert keys.num_rows == table.num_rows, "one assessment per person and day"
    for item in range(1, 10):
        assert set(pc.unique(table[f"item_{item}"]).to_pylist()) <= {None, 0, 1, 2, 3}


def test_people_get_better_and_some_leave_early(table: pa.Table) -> None:
    days = pc.days_between(table["start_date"], table["date"])
    mood = table["item_1"]
    first, late = (pc.mean(mood.filter(mask)).as_py() for mask in (pc.equal(days, 0), pc.greater(days, 56)))
    assert late < first - 0.5
    followed = pc.count_distinct(table["episode_id"].filter(pc.greater(days, 56))).as_py()
    assert 0.55 < followed / 500 < 0.85


@pytest.mark.parametrize("numbers", [(10, 20, 2), (10, 5, 6), (10, 5, 0)])
def test_impossible_sizes_are_refused(synthetic: ModuleType, numbers: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="clinics <= episodes <= assessments"):
        synthetic.Size(*numbers)
