"""What is exported: the canonical tables of the people who may be exported, and the numbers of all ids."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from benchwell.publish.omop.numbering import Numbering
from benchwell.tables import CANONICAL

Columns = dict[str, pa.Array | pa.ChunkedArray]


@dataclass(frozen=True)
class ExportSource:
    """Records that stand, of people who are exported.

    Visits, courses and scores are numbered in one sequence: CDM links events by number, and Benchwell knows no standard
    concept that says which table a number is from.
    """

    patients: pa.Table
    organizations: pa.Table
    practitioners: pa.Table
    episodes: pa.Table
    encounters: pa.Table
    assessments: pa.Table
    person: Numbering
    site: Numbering
    provider: Numbering
    course: Numbering
    visit: Numbering
    left_out: int  # people without a year of birth

    @classmethod
    def of(cls, tables: Mapping[str, pa.Table]) -> ExportSource:
        """Take what stands of canonical tables, in the order of the ids.

        A person needs a year of birth, a visit and an assessment a date: the standard requires them. A visit that did
        not take place is none.
        """
        found = {name: _standing(name, tables.get(name)) for name in _WANTED}
        everybody = found["patients"]
        born = pc.or_(pc.is_valid(everybody["birth_year"]), pc.is_valid(everybody["birth_date"]))
        patients = everybody.filter(born)
        for name in ("episodes", "encounters", "assessments"):
            known = pc.is_in(found[name]["patient_id"], value_set=patients["patient_id"].combine_chunks())
            found[name] = found[name].filter(known)
        encounters = found["encounters"]
        held = pc.and_(pc.is_valid(encounters["date"]), pc.fill_null(encounters["attended"], True))
        encounters = encounters.filter(held)
        assessments = found["assessments"].filter(pc.is_valid(found["assessments"]["date"]))
        visit = Numbering.of(encounters["encounter_id"])
        return cls(
            patients=patients,
            organizations=found["organizations"],
            practitioners=found["practitioners"],
            episodes=found["episodes"],
            encounters=encounters,
            assessments=assessments,
            person=Numbering.of(patients["patient_id"]),
            site=Numbering.of(found["organizations"]["organization_id"]),
            provider=Numbering.of(found["practitioners"]["practitioner_id"]),
            course=Numbering.of(found["episodes"]["episode_id"]),
            visit=visit,
            left_out=everybody.num_rows - patients.num_rows,
        )


_WANTED = ("patients", "organizations", "practitioners", "episodes", "encounters", "assessments")


def _standing(name: str, table: pa.Table | None) -> pa.Table:
    declared = CANONICAL[name]
    if table is None:
        return declared.empty()
    rows = declared.conform(table.select([column for column in table.column_names if column in declared.columns]))
    kept = rows.filter(pc.invert(pc.fill_null(rows["retracted"], False)))
    return kept.sort_by(declared.key[0])
