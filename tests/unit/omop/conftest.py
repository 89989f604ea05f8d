"""A small CDM, written row by row."""

import csv
import datetime as dt

import pytest

from benchwell.intake.omop import read_omop
from benchwell.registry import Registry

PERSON = {"person_id": 1, "gender_concept_id": 8532, "year_of_birth": 1980, "race_concept_id": 8527,
          "ethnicity_concept_id": 38003564}  # fmt: skip


@pytest.fixture(scope="session")
def omop_registry():
    return Registry.load()


@pytest.fixture
def write_cdm(tmp_path):
    """Write tables of rows (dictionaries) as a folder of CSV files; PERSON has one person unless given."""

    def write(folder="cdm", **tables):
        path = tmp_path / folder
        path.mkdir()
        for name, rows in ({"person": [PERSON]} | tables).items():
            columns = list(dict.fromkeys(column for row in rows for column in row))
            with (path / f"{name.upper()}.csv").open("w", newline="") as file:
                writer = csv.DictWriter(file, columns)
                writer.writeheader()
                writer.writerows(rows)
        return path

    return write


@pytest.fixture
def read_cdm(write_cdm, omop_registry):
    def read(**tables):
        return read_omop(write_cdm(**tables), omop_registry, as_of=dt.date(2026, 1, 1))

    return read


@pytest.fixture
def observed():
    """An OBSERVATION row of person 1 on one day, with a source code and a value."""

    def row(number, code, value=None, **other):
        return {"observation_id": number, "person_id": 1, "observation_concept_id": 0,
                "observation_date": "2025-03-01", "observation_source_value": code, "value_as_number": value,
                "value_as_concept_id": "", "value_as_string": "", "observation_source_concept_id": 0,
                "observation_datetime": "", "visit_occurrence_id": "", "observation_event_id": "",
                "unit_source_value": "", "value_source_value": ""} | other  # fmt: skip

    return row
