"""CONDITION_OCCURRENCE and PROCEDURE_OCCURRENCE: diagnoses and procedures, with every code that is known."""

from __future__ import annotations

import datetime as dt

from benchwell.intake.omop.loading import Cdm

_STAGE = """
CREATE TEMP TABLE {stage} AS
SELECT '{table}' AS tbl, o.row, as_id(o.{table}_id) AS id, p.patient_id, v.encounter_id,
       coalesce(as_day(o.{start}_date), as_day(o.{start}_datetime)) AS day,
       coalesce(as_day(o.{end}_date), as_day(o.{end}_datetime)) AS end_date,
       list_filter([s.text, nullif(c.text, s.text)], lambda one: one IS NOT NULL) AS found,
       CASE WHEN len(found) > 0 THEN found WHEN o.{short}_source_value IS NOT NULL THEN [o.{short}_source_value]
            ELSE [] END AS codes,
       CASE WHEN o.{table}_id IS NULL THEN '{table}_id missing_id'
            WHEN p.patient_id IS NULL THEN 'person_id unknown_person'
            WHEN row_number() OVER (PARTITION BY o.{table}_id ORDER BY o.row) > 1 THEN '{table}_id duplicate_row'
            WHEN coalesce(o.{start}_date, o.{start}_datetime) IS NULL THEN '{start}_date missing_date'
            WHEN day IS NULL THEN '{start}_date unparseable_date'
            WHEN day > {as_of} THEN '{start}_date after_snapshot'
            WHEN coalesce(o.{end}_date, o.{end}_datetime) IS NOT NULL AND end_date IS NULL
                THEN '{end}_date unparseable_date'
            WHEN end_date < day THEN '{end}_date end_before_start'
       END AS fault
FROM cdm_{table} AS o
LEFT JOIN persons AS p ON p.person = as_id(o.person_id)
LEFT JOIN visits AS v ON v.visit = as_id(o.visit_occurrence_id)
LEFT JOIN concepts AS s ON s.concept_id = as_concept(o.{short}_source_concept_id)
LEFT JOIN concepts AS c ON c.concept_id = as_concept(o.{short}_concept_id)
"""

CONDITIONS = """
SELECT id AS condition_id, patient_id, encounter_id, codes, day AS onset_date, end_date AS abatement_date,
       row AS source_row
FROM condition_rows ORDER BY row
"""
PROCEDURES = """
SELECT id AS procedure_id, patient_id, encounter_id, 'done' AS kind, codes, 'completed' AS status, day AS date,
       end_date,
       row AS source_row
FROM procedure_rows ORDER BY row
"""


def read_records(cdm: Cdm, as_of: dt.date) -> None:
    """Make `condition_rows` and `procedure_rows`; after `visits.read_visits`."""
    day = f"DATE '{as_of.isoformat()}'"
    for stage, table, short, start in (
        ("condition_rows", "condition_occurrence", "condition", "condition_start"),
        ("procedure_rows", "procedure_occurrence", "procedure", "procedure"),
    ):
        end = f"{short}_end"
        cdm.db.execute(_STAGE.format(stage=stage, table=table, short=short, start=start, end=end, as_of=day))
        cdm.sift(stage)
