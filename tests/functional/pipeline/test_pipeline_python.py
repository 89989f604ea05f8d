"""The library as a script uses it: any frame in, an edition out, the same inputs the same edition."""

from __future__ import annotations

import datetime as dt
import hashlib
import shutil
from pathlib import Path

import duckdb
import narwhals as nw
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.csv
import pytest

import benchwell
from benchwell.errors import EditionError, UnknownDeclarationError, WorkspaceError
from benchwell.lake import Lake
from benchwell.lake.lock import write_lock
from functional.product_cases import AS_OF, practice_rows, write_rows

RESPONSE = "network-phq9-response-12w"
CHANGE = "phq9-change-12w-plain"


def as_pandas(table: pa.Table) -> pd.DataFrame:
    return table.to_pandas()


def as_duckdb(table: pa.Table) -> duckdb.DuckDBPyRelation:
    return duckdb.from_arrow(table)


FRAMES = {"pandas": as_pandas, "polars": pl.from_arrow, "pyarrow": lambda table: table, "duckdb": as_duckdb}


def result_of(edition: benchwell.Edition, measure: str) -> dict:
    found = edition.table("organization_results").filter(
        nw.col("measure") == measure, nw.col("period") == "all", nw.col("stratum") == "all"
    )
    (row,) = found.rows(named=True)
    return row


def tables_of(edition: benchwell.Edition) -> dict[str, list[dict]]:
    """Every table, without the edition's own name in it and without where the lake wrote a row."""
    found = {}
    for name in ("statistics", "organization_results", "benchmarks", "exclusions", "organizations", "outcomes"):
        rows = edition.table(name).rows(named=True)
        found[name] = [{key: value for key, value in row.items() if key != "edition"} for row in rows]
    return found


def bytes_of(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != "build.json")
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.mark.parametrize("kind", FRAMES)
def test_every_kind_of_frame_gives_the_numbers_of_the_file(kind, practice_csv, practice, tmp_path):
    frame = FRAMES[kind](pyarrow.csv.read_csv(practice_csv))
    workspace = benchwell.Workspace(tmp_path / kind)
    taken = workspace.intake(frame)
    assert (taken.read, taken.accepted, taken.rejected, taken.file) == (35, 35, 0, "frame")
    snapshot = workspace.lake.snapshot()
    assert snapshot.rows == practice.lake.snapshot().rows


def test_the_figures_are_those_of_a_hand_count(edition):
    row = result_of(edition, "phq9-response-12w")
    assert (row["n_eligible"], row["n_followed"], row["n_met"]) == (20, 15, 8)
    assert row["completion"] == pytest.approx(15 / 20)
    assert row["observed"] == pytest.approx(8 / 15)
    assert row["all_eligible"] == pytest.approx(8 / 20)
    assert (row["bound_worst"], row["bound_best"]) == (pytest.approx(8 / 20), pytest.approx(13 / 20))
    gains = [12 + n % 10 - ((12 + n % 10) // 2 if n < 8 else 12 + n % 10 - 2) for n in range(15)]
    assert result_of(edition, "phq9-change-12w")["observed"] == pytest.approx(sum(gains) / 15)


@pytest.mark.parametrize("name", ["outcomes", "organization_results", "benchmarks", "exclusions"])
def test_tables_are_frames_that_others_understand(edition, name):
    table = edition.table(name)
    assert isinstance(table, nw.DataFrame)
    assert len(table) > 0
    assert list(pl.from_arrow(table.to_arrow()).columns) == table.columns
    assert list(table.to_pandas().columns) == table.columns


def test_an_unknown_table_is_refused_with_the_known_ones(edition):
    with pytest.raises(EditionError, match="organization_results"):
        edition.table("no_such")


def test_the_flow_adds_up(edition):
    for measure in edition.declarations.measures:
        steps = edition.table("exclusions").filter(nw.col("measure") == measure).rows(named=True)
        assert [(row["reason"], row["count"]) for row in steps] == [("no-followup", 5), ("analysed", 15)]
        assert sum(row["count"] for row in steps) == len(edition.table("outcomes").filter(nw.col("measure") == measure))


def test_the_same_workspace_built_twice_is_one_edition_of_the_same_bytes(own_practice):
    before = bytes_of(own_practice.edition().path)
    again = own_practice.build(as_of=AS_OF, benchmarks=[RESPONSE, CHANGE])
    assert len(own_practice.editions()) == 1
    assert bytes_of(again.path) == before
    shutil.rmtree(again.path)
    anew = own_practice.build(as_of=dt.date(2026, 1, 31), benchmarks=[RESPONSE, CHANGE])
    assert (anew.id, bytes_of(anew.path)) == (again.id, before)


def test_two_workspaces_with_one_key_give_the_same_tables(practice_csv, tmp_path):
    built = []
    for name in ("one", "two"):
        workspace = benchwell.Workspace(tmp_path / name)
        shutil.rmtree(tmp_path / name / "lake")
        Lake.create(tmp_path / name / "lake", key=b"k" * 32)
        workspace = benchwell.Workspace(tmp_path / name)
        workspace.intake(practice_csv)
        built.append((workspace.lake.snapshot().id, tables_of(workspace.build(as_of=AS_OF, benchmarks=[RESPONSE]))))
    assert built[0] == built[1]


def test_what_happens_after_the_day_is_not_seen(own_practice):
    # On this day 10 people had started; nobody's window and its 30 days of grace were over before day 142.
    early = own_practice.build(as_of="2025-02-03", benchmarks=[RESPONSE])
    outcomes = early.table("outcomes").filter(nw.col("measure") == "phq9-response-12w").rows(named=True)
    started = [row for row in outcomes if row["baseline"] is not None]
    assert len(started) == 10
    assert all(row["followup"] is None for row in outcomes)
    assert not any(row["eligible"] for row in outcomes)
    assert not early.table("organization_results").filter(nw.col("n_eligible") > 0).rows()


def test_people_enter_the_denominator_when_their_window_is_over(own_practice):
    first_mature = dt.date(2025, 1, 6) + dt.timedelta(days=112 + 30)
    counts = []
    for day in (first_mature - dt.timedelta(days=1), first_mature, first_mature + dt.timedelta(days=3)):
        edition = own_practice.build(as_of=day, benchmarks=[RESPONSE])
        outcomes = edition.table("outcomes").rows(named=True)
        counts.append(sum(row["eligible"] for row in outcomes))
    assert counts == [0, 1, 2]


def test_taking_the_same_source_in_again_changes_nothing(own_practice, practice_csv):
    before = own_practice.lake.snapshot()
    again = own_practice.intake(practice_csv)
    assert again.already
    assert again.accepted == 35
    assert own_practice.lake.snapshot() == before
    assert own_practice.build(as_of=AS_OF, benchmarks=[RESPONSE, CHANGE]).id == own_practice.edition().id


def test_a_row_refused_as_too_early_gets_in_when_its_day_has_come(own_practice, tmp_path):
    row = {"patient_id": "late", "date": "2025-03-01", "instrument": "phq-9", "total": 12}
    source = write_rows(tmp_path / "late.csv", [row, row | {"date": "2025-06-01", "total": 6}])
    early = own_practice.intake(source, as_of="2025-04-30")
    assert (early.accepted, early.reasons) == (1, {"after_snapshot": 1})
    assert own_practice.intake(source, as_of="2025-05-31").already
    later = own_practice.intake(source, as_of="2025-06-30")
    assert (later.accepted, later.already) == (2, False)
    assert own_practice.lake.snapshot().rows["assessments"] == 37
    assert own_practice.intake(source).already


def test_a_corrected_score_supersedes_and_moves_the_edition(own_practice, tmp_path):
    old = own_practice.edition()
    rows = practice_rows()
    corrected = next(row for row in rows if row["patient_id"] == "p14" and row["date"].month > 4)
    corrected["total"] = 5  # was not a response; is one now
    taken = own_practice.intake(write_rows(tmp_path / "corrected.csv", rows))
    assert taken.superseded >= 1
    new = own_practice.build(
        as_of=AS_OF, benchmarks=[RESPONSE, CHANGE], supersedes=old.id, reason="a score was entered wrongly"
    )
    assert new.id != old.id
    assert result_of(new, "phq9-response-12w")["n_met"] == 9
    assert result_of(old, "phq9-response-12w")["n_met"] == 8
    assert (new.manifest["supersedes"], new.manifest["supersedes_sha256"]) == (old.id, old.manifest["sha256"])
    assert new.manifest["correction_reason"] == "a score was entered wrongly"
    assert own_practice.lake.snapshot().rows["assessments"] == 35
    assert benchwell.verify(new.path).passed
    # The corrected lake still holds what the old edition was made from.
    assert benchwell.verify(old.path).passed


def test_a_correction_needs_both_its_edition_and_its_reason(own_practice):
    for arguments in ({"supersedes": own_practice.edition().id}, {"reason": "because"}):
        with pytest.raises(EditionError, match="both"):
            own_practice.build(as_of=AS_OF, **arguments)
    with pytest.raises(EditionError, match="No such edition"):
        own_practice.build(as_of=AS_OF, supersedes="1999", reason="because")
    assert len(own_practice.editions()) == 1


def test_an_edition_is_found_by_the_beginning_of_its_id(own_practice):
    own_practice.build(as_of="2025-12-31", benchmarks=[RESPONSE])
    assert own_practice.edition("2025-12").as_of == "2025-12-31"
    with pytest.raises(EditionError, match="2 editions begin with"):
        own_practice.edition("202")
    with pytest.raises(EditionError, match="No such edition"):
        own_practice.edition("1999")


def test_what_a_killed_build_left_is_no_edition_and_is_cleared(own_practice):
    half = own_practice.path / "editions" / ".building-2026-01-31-000000000000"
    shutil.copytree(own_practice.edition().path, half)
    assert len(own_practice.editions()) == 1
    own_practice.build(as_of=AS_OF, benchmarks=[RESPONSE])
    assert not half.exists()


def test_two_builds_do_not_write_at_once(own_practice):
    with (
        write_lock(own_practice.path / ".build.lock"),
        pytest.raises(WorkspaceError, match="Another build is writing"),
    ):
        own_practice.build(as_of="2025-12-31", benchmarks=[RESPONSE])
    assert own_practice.build(as_of="2025-12-31", benchmarks=[RESPONSE]).as_of == "2025-12-31"


def test_a_build_computes_what_the_settings_name_unless_it_is_told_otherwise(own_practice):
    settings = own_practice.settings.model_copy(update={"benchmarks": (RESPONSE,)})
    settings.save(own_practice.path / "benchwell.yaml")
    named = benchwell.Workspace(own_practice.path)
    assert set(named.build(as_of=AS_OF).declarations.benchmarks) == {RESPONSE}
    other = "network-phq9-change-12w"
    assert set(named.build(as_of=AS_OF, benchmarks=[other]).declarations.benchmarks) == {other}


def test_an_unknown_benchmark_is_refused_before_anything_is_written(own_practice):
    with pytest.raises(UnknownDeclarationError, match=r"did you mean 'network-phq9-response-12w'\?"):
        own_practice.build(benchmarks=["network-phq9-response-12"])
    assert len(own_practice.editions()) == 1


def test_an_empty_workspace_has_nothing_to_benchmark(tmp_path):
    with pytest.raises(WorkspaceError, match="nothing to benchmark"):
        benchwell.Workspace(tmp_path / "empty").build()


def test_a_day_that_is_no_date_is_refused(practice):
    with pytest.raises(WorkspaceError, match="not a date"):
        practice.build(as_of="2026-13-40")


def test_reports_take_a_frame_a_path_and_an_edition(practice_csv, edition, tmp_path):
    said = benchwell.report(pl.read_csv(practice_csv), tmp_path / "frame.html", as_of=AS_OF)
    assert any("15 of your 20 eligible people" in sentence for sentence in said.sentences)
    network = benchwell.report(edition, tmp_path / "network.html")
    folder = benchwell.report(str(edition.path), tmp_path / "folder.html")
    assert network.path.read_bytes() == folder.path.read_bytes()
    own = benchwell.report(edition, tmp_path / "own.html", organization="north")
    assert any("15 of" in sentence for sentence in own.sentences)


def test_an_argument_that_would_do_nothing_is_refused(practice_csv, edition, tmp_path):
    with pytest.raises(benchwell.BenchwellError, match="organization is for a report from an edition"):
        benchwell.report(practice_csv, tmp_path / "x.html", organization="north")
    with pytest.raises(benchwell.BenchwellError, match="as_of is for a report from a file"):
        benchwell.report(edition, tmp_path / "x.html", as_of=AS_OF)
    with pytest.raises(EditionError):
        benchwell.report(edition, tmp_path / "x.html", organization="no-such")
    assert not (tmp_path / "x.html").exists()


def test_one_questionnaire_is_scored_in_one_call():
    score = benchwell.score("phq-9", [2] * 9)
    assert (score.value, score.status, score.scales["total"]) == (18.0, "complete", 18.0)
    assert score.band


def test_own_declarations_of_a_workspace_count(own_practice, edition):
    frozen = edition.path / "declarations" / "benchmarks" / f"{CHANGE}.json"
    text = frozen.read_text(encoding="utf-8").replace(CHANGE, "our-change")
    folder = own_practice.path / "declarations" / "benchmarks"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "our-change.yaml").write_text(text, encoding="utf-8")  # JSON is YAML
    again = benchwell.Workspace(own_practice.path)
    built = again.build(as_of=AS_OF, benchmarks=["our-change"])
    assert list(built.declarations.benchmarks) == ["our-change"]
