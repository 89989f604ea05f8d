"""A workspace is exported as a CDM and reads back; people who refused are not in it."""

import csv
import datetime as dt

import pyarrow as pa
import pytest

from benchwell.engine import DuckDBEngine
from benchwell.errors import WorkspaceError
from benchwell.intake.omop import read_omop
from benchwell.pipeline.exporting_omop import _since_consent, export_omop
from benchwell.pipeline.workspace import Workspace
from benchwell.tables import CANONICAL
from benchwell.tables.days import epoch_day

AS_OF = dt.date(2025, 12, 1)


@pytest.fixture
def workspace(tmp_path):
    source = tmp_path / "scores.csv"
    with source.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["patient_id", "birth_year", "organization_id", "date", "instrument", "total"])
        for person in range(6):
            for visit, total in enumerate((18, 12, 5)):
                writer.writerow(
                    [f"p{person}", 1980 if person else "", "north", f"2025-0{3 * visit + 1}-10", "phq-9", total]
                )
    consents = tmp_path / "consents.csv"
    consents.write_text("patient_id,purpose,date,decision\np5,learning,2025-01-01,declined\n")
    mapping = tmp_path / "consents.yaml"
    mapping.write_text(
        "layout: entities\ntables:\n"
        "  consents: {patient_id: patient_id, purpose: purpose, date: date, decision: decision}\n"
    )
    made = Workspace(tmp_path / "practice")
    made.intake(source, as_of=AS_OF, accept_guess=True)
    made.intake(consents, mapping, as_of=AS_OF)
    return made


def test_an_export_reads_back(workspace, tmp_path):
    before = workspace.settings.use.value
    assert before == "learning"
    made = export_omop(workspace, tmp_path / "cdm", as_of=AS_OF)
    assert (made.without_birth_year, made.rows["person"], made.rows["observation"]) == (1, 4, 12)
    assert {path.name for path in made.files} == {path.name for path in (tmp_path / "cdm").iterdir()}
    back = read_omop(tmp_path / "cdm", workspace.registry, as_of=AS_OF)
    assert set(back.tables["patients"]["patient_id"].to_pylist()) == {"p1", "p2", "p3", "p4"}
    assert sorted(back.tables["assessments"]["total"].to_pylist()) == [5.0] * 4 + [12.0] * 4 + [18.0] * 4
    assert set(back.tables["episodes"]["organization_id"].to_pylist()) == {"north"}
    assert made.rows["cohort"] > 0

    first = {path.name: path.read_bytes() for path in made.files}
    export_omop(workspace, tmp_path / "cdm", as_of=AS_OF)
    assert {path.name: path.read_bytes() for path in made.files} == first

    earlier = export_omop(workspace, tmp_path / "early", as_of=dt.date(2025, 2, 1), file_format="csv")
    assert earlier.rows["observation"] == 4
    assert earlier.to_dict()["files"][0] == "CDM_SOURCE.csv"


def test_nothing_is_written_over_and_an_empty_workspace_says_so(workspace, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("mine")
    with pytest.raises(WorkspaceError, match="holds other files"):
        export_omop(workspace, tmp_path / "mine", as_of=AS_OF)
    with pytest.raises(WorkspaceError, match="is a file"):
        export_omop(workspace, tmp_path / "mine" / "thesis.txt", as_of=AS_OF)
    with pytest.raises(WorkspaceError, match="no score to export"):
        export_omop(Workspace(tmp_path / "empty"), tmp_path / "cdm", as_of=AS_OF)


def test_an_export_is_for_its_owner_alone_and_replaces_only_an_export(workspace, tmp_path):
    folder = tmp_path / "cdm"
    made = export_omop(workspace, folder, as_of=AS_OF)
    assert all(path.stat().st_mode & 0o077 == 0 for path in [folder, *made.files])
    with pytest.raises(WorkspaceError, match="holds other files"):  # two formats would state every person twice
        export_omop(workspace, folder, as_of=AS_OF, file_format="csv")
    own = tmp_path / "own"
    own.mkdir()
    (own / "PERSON.parquet").write_bytes((folder / "PERSON.parquet").read_bytes())
    (own / "CDM_SOURCE.parquet").write_bytes((folder / "PERSON.parquet").read_bytes())
    with pytest.raises(WorkspaceError, match="holds other files"):  # the tables of somebody's own database
        export_omop(workspace, own, as_of=AS_OF)


def test_a_csv_export_is_replaced_by_the_next(workspace, tmp_path):
    for _ in range(2):
        made = export_omop(workspace, tmp_path / "cdm", as_of=AS_OF, file_format="csv")
        assert {path.name for path in made.files} == {path.name for path in (tmp_path / "cdm").iterdir()}


def test_nothing_from_before_a_consent_leaves_not_even_the_day_of_a_referral():
    start, before, after = dt.date(2025, 3, 1), dt.date(2025, 2, 20), dt.date(2025, 3, 5)
    courses = [  # id, referral, start
        ("both-before", before, before),
        ("begun-since", before, after),
        ("never-begun", before, None),
        ("asked-since", after, None),
        ("not-yet-asked", dt.date(2026, 1, 1), None),
        ("of-somebody-else", before, before),
    ]
    rows = pa.Table.from_pylist(
        [
            {"episode_id": id_, "patient_id": id_[:2], "referral_date": asked, "start_date": begun}
            for id_, asked, begun in courses
        ],
        schema=CANONICAL["episodes"].schema,
    )
    since = {"bo": start, "be": start, "ne": start, "as": start, "no": start, "of": None}
    usable = pa.table(
        {
            "patient_id": list(since),
            "usable": [True] * len(since),
            "since_day": pa.array([day and epoch_day(day) for day in since.values()], pa.int64()),
        }
    )
    with DuckDBEngine() as engine:
        kept = _since_consent(engine, engine.from_arrow(rows), engine.from_arrow(usable), AS_OF).to_pylist()
    assert {row["episode_id"]: (row["referral_date"], row["start_date"]) for row in kept} == {
        "begun-since": (None, after),
        "never-begun": (None, None),
        "asked-since": (after, None),
        "not-yet-asked": (None, None),
        "of-somebody-else": (before, before),
    }
