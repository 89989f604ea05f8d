"""A CDM is found and read whatever it is written in, and every bad cell keeps its place."""

import datetime as dt
import gzip

import duckdb
import pyarrow.csv
import pyarrow.parquet
import pytest

from benchwell.errors import SourceError
from benchwell.intake.omop import is_omop, read_omop
from benchwell.tables import CANONICAL, DERIVED

AS_OF = dt.date(2026, 1, 1)
SITES = [{"care_site_id": 5, "care_site_name": "North", "place_of_service_concept_id": 0, "location_id": 2}]
VISITS = [{"visit_occurrence_id": 21, "person_id": 1, "visit_concept_id": 9202, "visit_start_date": "2025-03-01",
           "visit_start_datetime": "2025-03-01 09:00:00", "visit_end_date": "2025-03-01",
           "visit_end_datetime": "2025-03-01 09:50:00", "provider_id": 33, "care_site_id": 5}]  # fmt: skip
LOCATIONS = [{"location_id": 2, "state": "NJ", "country_source_value": "US"}]


@pytest.fixture
def plain(write_cdm, observed):
    rows = [observed(1, "44261-6", 12), observed(2, "70274-6", 3, visit_occurrence_id=21)]
    return write_cdm(observation=rows, care_site=SITES, location=LOCATIONS, visit_occurrence=VISITS)


def _gzipped(folder, target):
    for file in folder.iterdir():
        (target / f"{file.name.lower()}.gz").write_bytes(gzip.compress(file.read_bytes()))
    return target


def _tabbed(folder, target):
    for file in folder.iterdir():
        (target / file.name).write_text(file.read_text().replace(",", "\t"))
    return target


def _marked(folder, target):
    for file in folder.iterdir():
        header, rest = file.read_text().split("\n", 1)
        (target / file.name).write_text(f"\ufeff{header.upper()}\n{rest}", newline="\r\n")
    return target


def _typed(folder):
    return {file.stem: pyarrow.csv.read_csv(file) for file in folder.iterdir()}


def _parquet(folder, target):
    for name, table in _typed(folder).items():
        pyarrow.parquet.write_table(table.rename_columns([column.upper() for column in table.column_names]),
                                    target / f"{name}.parquet")  # fmt: skip
    return target


def _database(folder, target):
    with duckdb.connect(target / "cdm.duckdb") as db:
        db.execute("CREATE SCHEMA mine")
        for name, table in _typed(folder).items():
            db.register("arrived", table)
            db.execute(f"CREATE TABLE mine.{name} AS SELECT * FROM arrived")
    return target / "cdm.duckdb"


@pytest.mark.parametrize("write", [_gzipped, _tabbed, _marked, _parquet, _database])
def test_the_same_tables_are_read_from_every_format(plain, omop_registry, tmp_path, write):
    target = tmp_path / "other"
    target.mkdir()
    path = write(plain, target)
    assert is_omop(path)
    expected, found = (read_omop(one, omop_registry, as_of=AS_OF) for one in (plain, path))
    assert set(found.tables) == set(expected.tables) == {
        "organizations", "practitioners", "patients", "encounters", "assessments",
    }  # fmt: skip
    for name in expected.tables:
        assert found.tables[name].drop_columns("source_hash") == expected.tables[name].drop_columns("source_hash")
    assert (found.counts, found.rejections.num_rows) == (expected.counts, 0)
    assert found.source_hash != expected.source_hash


def test_a_visit_names_its_service_and_clinician(plain, omop_registry):
    tables = read_omop(plain, omop_registry, as_of=AS_OF).tables
    [visit] = tables["encounters"].to_pylist()
    assert [visit[name] for name in ("encounter_id", "patient_id", "organization_id", "practitioner_id", "kind",
                                     "attended", "minutes", "episode_id", "retracted")] == [
        "21", "1", "5", "33", "outpatient", True, 50.0, None, False,
    ]  # fmt: skip
    [service] = tables["organizations"].to_pylist()
    assert [service[name] for name in ("organization_id", "name", "region", "country")] == ["5", "North", "NJ", "US"]
    assert tables["practitioners"]["practitioner_id"].to_pylist() == ["33"]


def test_the_same_source_twice_is_the_same_and_fits_the_lake(plain, omop_registry):
    first, again = (read_omop(plain, omop_registry, as_of=AS_OF) for _ in range(2))
    assert first == again
    for name, table in first.tables.items():
        assert table.schema == CANONICAL[name].schema
        keys = table.select(list(CANONICAL[name].key))
        assert all(column.null_count == 0 for column in keys.columns)
        assert keys.group_by(keys.column_names).aggregate([]).num_rows == table.num_rows
    assert first.rejections.schema == DERIVED["rejections"].schema
    (plain / "DEATH.csv").write_text("person_id,death_date\n1,2025-12-01\n")
    changed = read_omop(plain, omop_registry, as_of=AS_OF)
    assert changed.source_hash != first.source_hash
    assert str(changed.tables["patients"]["death_date"][0]) == "2025-12-01"


def test_rows_of_another_width_are_set_aside_and_the_others_keep_their_numbers(plain, omop_registry):
    good = "{},1,42868746,2025-0{}-01,5\n"
    wide, high = "1,2,3,4,5,6,7\n", "6,1,42868746,2025-06-01,99\n"
    lines = [good.format(1, 1), "x,y\n", wide, good.format(4, 4), "short\n", high,
             good.format(7, 7)]  # fmt: skip
    header = "observation_id,person_id,observation_concept_id,observation_date,value_as_number\n"
    (plain / "OBSERVATION.csv").write_text(header + "".join(lines))
    result = read_omop(plain, omop_registry, as_of=AS_OF)
    assert result.tables["assessments"]["source_row"].to_pylist() == [1, 4, 7]
    assert [(one["row"], one["reason"]) for one in result.rejections.to_pylist()] == [
        (2, "ragged_row"), (3, "ragged_row"), (5, "ragged_row"), (6, "above_range"),
    ]  # fmt: skip
    counts = result.counts
    assert counts.read == counts.accepted + counts.corrected + counts.flagged + counts.rejected
    assert counts.rejected == 4


def test_a_vocabulary_with_quotation_marks_is_read(plain, omop_registry):
    (plain / "CONCEPT.csv").write_text(
        'concept_id\tconcept_name\tvocabulary_id\tconcept_code\n7\tDo you feel "low" today\tSNOMED\t1\n'
        "3042932\tPHQ-9 total\tLOINC\t44261-6\n"
    )
    assert read_omop(plain, omop_registry, as_of=AS_OF).tables["assessments"].num_rows == 2


def test_what_is_no_cdm_is_refused(tmp_path):
    (tmp_path / "PERSON.csv").write_text("name,age\n")
    (tmp_path / "notes.duckdb").write_bytes(b"12345678DUCKnot really")
    for path in (tmp_path, tmp_path / "PERSON.csv", tmp_path / "notes.duckdb", tmp_path / "none"):
        assert not is_omop(path)
    with pytest.raises(SourceError, match="no PERSON table"):
        read_omop(tmp_path, None)


def test_one_table_in_two_files_is_refused(plain, omop_registry):
    (plain / "person.tsv").write_text("person_id\n")
    with pytest.raises(SourceError, match=r"PERSON twice: PERSON\.csv and person\.tsv"):
        read_omop(plain, omop_registry)


def test_text_that_is_not_utf8_is_refused_without_quoting_it(plain, omop_registry):
    (plain / "CARE_SITE.csv").write_bytes(b"care_site_id,care_site_name\n5,Z\xfcrich\n")
    with pytest.raises(SourceError, match=r"CARE_SITE\.csv cannot be read") as error:
        read_omop(plain, omop_registry)
    assert "rich" not in str(error.value)
