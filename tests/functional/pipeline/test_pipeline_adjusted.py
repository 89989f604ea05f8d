"""A made-up network whose truth is known: from its file to adjusted figures, and what verify says of changes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchwell import Edition, Workspace, verify
from benchwell.synthetic import MAPPING, CaseMix, Truth, World, write_csv

# People come to clinics by severity and by hardship, and both move what they reach.
WORLD = World(
    clinics=16,
    episodes=6400,
    clinic_sd=0.6,
    casemix=CaseMix(baseline_sorting=0.4, baseline_effect=0.5, deprivation_sorting=0.5, deprivation_effect=1.0),
    seed=5,
)
AS_OF = "2026-06-30"
BENCHMARKS = ["network-phq9-change-12w"]
MEASURE = "phq9-change-12w"


def built(folder: Path) -> tuple[Edition, Truth]:
    truth = write_csv(folder / "scores.csv", WORLD)
    (folder / "map.yaml").write_text(MAPPING, encoding="utf-8")
    workspace = Workspace.create(folder / "network")
    workspace.intake(folder / "scores.csv", folder / "map.yaml")
    return workspace.build(as_of=AS_OF, benchmarks=BENCHMARKS), truth


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> tuple[Edition, Truth]:
    return built(tmp_path_factory.mktemp("fair"))


@pytest.fixture
def changed(
    network: tuple[Edition, Truth], tmp_path: Path
) -> Callable[[str, Callable[[pa.Table], pa.Table]], set[str]]:
    """Change one table of a copy, and return the names of the checks that fail."""

    def change(name: str, edit: Callable[[pa.Table], pa.Table]) -> set[str]:
        copy = tmp_path / network[0].id
        shutil.copytree(network[0].path, copy)
        file = copy / "tables" / f"{name}.parquet"
        pq.write_table(edit(pq.read_table(file)), file)
        return {check.name for check in verify(copy).failures}

    return change


def with_value(table: pa.Table, column: str, place: int, value: object) -> pa.Table:
    values = table[column].to_pylist()
    values[place] = value
    at = table.schema.get_field_index(column)
    return table.set_column(at, table.schema.field(column), pa.array(values, table.schema.field(column).type))


def figures(edition: Edition, adjustment: str) -> dict[str, float]:
    return {
        row["organization_id"]: row["estimate"]
        for row in edition.arrow("adjusted_results").to_pylist()
        if (row["measure"], row["adjustment"], row["period"], row["stratum"]) == (MEASURE, adjustment, "all", "all")
    }


def test_adjusted_figures_come_closer_to_the_truth_view_by_view(network):
    edition, truth = network
    gains = dict(
        zip(truth.clinics["clinic"].to_pylist(), (-truth.clinics["adjusted_change"].to_numpy()).tolist(), strict=True)
    )
    off = {}
    for view in ("unadjusted", "clinical", "clinical+social"):
        shown = figures(edition, view)
        assert shown.keys() == gains.keys()
        error = np.array([shown[name] - gains[name] for name in sorted(gains)])
        off[view] = float(np.sqrt(np.mean(error**2)))
    assert off["clinical+social"] < off["clinical"] < off["unadjusted"]
    # 400 people a clinic with an SD of 5 points: what is left is chance alone, about 0.25 points.
    assert off["clinical+social"] < 0.4


def test_coefficients_are_those_that_made_the_people(network):
    found = {
        row["term"]: row["estimate"]
        for row in network[0].arrow("coefficients").to_pylist()
        if (row["adjustment"], row["denominator"]) == ("clinical+social", "observed")
    }
    # Gains grow by one point with each quintile away from the most deprived, the first.
    assert found["deprivation_quintile[5]"] - found["deprivation_quintile[1]"] == pytest.approx(4.0, abs=0.6)


def test_verify_checks_the_sums_of_the_models(network):
    report = verify(network[0].path)
    assert report.passed, [(check.name, check.detail) for check in report.failures]
    parts = ("models", "coefficients", "balance", "bounds", "levels", "quarters", "people")
    assert {f"adjusted {part}" for part in parts} <= {check.name for check in report.checks}


def test_the_manifest_tells_the_spread_between_organizations_under_each_view(network):
    manifest = network[0].manifest
    spread = {
        view: manifest["adjusted_diagnostics"][view][MEASURE]["variance_between"]
        for view in ("clinical", "clinical+social")
    }
    assert 0 < spread["clinical+social"] < spread["clinical"] < manifest["diagnostics"][MEASURE]["variance_between"]


@pytest.mark.parametrize(
    ("column", "value", "named"),
    [
        ("expected", 1.0, {"adjusted balance", "adjusted levels"}),
        ("n", 3, {"adjusted levels", "adjusted people"}),
        ("variance", -1.0, {"adjusted bounds"}),
    ],
)
def test_a_changed_sum_is_named(network, changed, column, value, named):
    rows = network[0].arrow("adjusted_sums").to_pylist()
    place = next(
        at
        for at, row in enumerate(rows)
        if (row["denominator"], row["stratum"], row["period"]) == ("observed", "all", "all")
    )
    failed = changed("adjusted_sums", lambda table: with_value(table, column, place, value))
    assert named | {"values of adjusted_sums", "file tables/adjusted_sums.parquet"} <= failed


def test_a_removed_row_of_sums_is_named(network, changed):
    failed = changed("adjusted_sums", lambda table: table.slice(1))
    assert {"values of adjusted_sums", "adjusted people"} <= failed


def test_a_changed_check_of_a_model_is_named(changed):
    failed = changed("model_checks", lambda table: with_value(table, "status", 0, "fail"))
    assert {"values of model_checks", "file tables/model_checks.parquet", "adjusted_results.status"} <= failed


def test_a_changed_coefficient_is_named(changed):
    failed = changed("coefficients", lambda table: with_value(table, "estimate", 1, 9.0))
    assert {"values of coefficients", "adjusted coefficients"} <= failed


def test_a_changed_band_is_named(changed):
    def repaint(table: pa.Table) -> pa.Table:
        place = next(at for at, band in enumerate(table["band"].to_pylist()) if band)
        return with_value(table, "band", place, "green" if table["band"][place].as_py() != "green" else "red")

    assert {"adjusted_results.band", "file tables/adjusted_results.parquet"} <= changed("adjusted_results", repaint)


def test_models_that_are_missing_or_changed_are_named(network, tmp_path):
    copy = tmp_path / network[0].id
    shutil.copytree(network[0].path, copy)
    models = json.loads((copy / "casemix_models.json").read_text(encoding="utf-8"))
    models[0]["slopes"][0] += 0.5
    (copy / "casemix_models.json").write_text(json.dumps(models), encoding="utf-8")
    assert {"file casemix_models.json", "adjusted coefficients"} <= {check.name for check in verify(copy).failures}
    (copy / "casemix_models.json").unlink()
    failed = {check.name: check.detail for check in verify(copy).failures}
    assert failed["adjusted sums"] == "the case-mix models cannot be checked: FileNotFoundError"


def test_another_build_from_the_same_file_freezes_the_same_bytes(network, tmp_path):
    again, _ = built(tmp_path)
    assert again.manifest["identity"]["inputs"] == network[0].manifest["identity"]["inputs"]
    same = ("tables/adjusted_sums.parquet", "tables/coefficients.parquet", "tables/model_checks.parquet")
    for name in (*same, "tables/imputations.parquet", "casemix_models.json"):
        assert (again.path / name).read_bytes() == (network[0].path / name).read_bytes(), name
    ours, theirs = (one.arrow("adjusted_results").drop_columns(["edition"]) for one in (again, network[0]))
    assert ours.equals(theirs)
