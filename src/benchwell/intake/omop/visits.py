"""VISIT_OCCURRENCE, EPISODE and EPISODE_EVENT: contacts and courses of care."""

from __future__ import annotations

import datetime as dt

from benchwell.intake.omop.loading import Cdm
from benchwell.intake.omop.people import own_id

_COURSES = """
CREATE TEMP TABLE courses AS
SELECT 'episode' AS tbl, e.row, as_id(e.episode_id) AS course, {own} AS episode_id, p.patient_id,
       coalesce(as_day(e.episode_start_date), as_day(e.episode_start_datetime)) AS start_date,
       coalesce(as_day(e.episode_end_date), as_day(e.episode_end_datetime)) AS end_date,
       CASE WHEN e.episode_id IS NULL THEN 'episode_id missing_id'
            WHEN p.patient_id IS NULL THEN 'person_id unknown_person'
            WHEN row_number() OVER (PARTITION BY e.episode_id ORDER BY e.row) > 1 THEN 'episode_id duplicate_row'
            WHEN coalesce(e.episode_start_date, e.episode_start_datetime) IS NULL THEN 'episode_start_date missing_date'
            WHEN start_date IS NULL THEN 'episode_start_date unparseable_date'
            WHEN start_date > {as_of} THEN 'episode_start_date after_snapshot'
            WHEN coalesce(e.episode_end_date, e.episode_end_datetime) IS NOT NULL AND end_date IS NULL
                THEN 'episode_end_date unparseable_date'
            WHEN end_date < start_date THEN 'episode_end_date end_before_start'
       END AS fault
FROM cdm_episode AS e
LEFT JOIN persons AS p ON p.person = as_id(e.person_id)
LEFT JOIN concepts AS c ON c.concept_id = as_concept(e.episode_concept_id)
WHERE {care}
"""
# An event is linked by its number and by the column that the number is from; our own exports number all tables in one.
_LINKS = """
CREATE TEMP TABLE links AS
SELECT DISTINCT ON (kind, event) as_id(v.event_id) AS event, c.episode_id,
       CASE WHEN {own} THEN 'any' WHEN f.name ILIKE '%visit_occurrence_id' THEN 'visit'
            WHEN f.name ILIKE '%observation_id' THEN 'observation'
            WHEN f.name ILIKE '%measurement_id' THEN 'measurement'
       END AS kind
FROM cdm_episode_event AS v JOIN courses AS c ON c.course = as_id(v.episode_id)
LEFT JOIN concepts AS f ON f.concept_id = as_concept(v.episode_event_field_concept_id)
ORDER BY v.row
"""
# Numbers seen in a public sample of the CDM; other kinds of visit are named by the source's CONCEPT table.
_VISITS = """
CREATE TEMP TABLE visits AS
SELECT 'visit_occurrence' AS tbl, v.row, as_id(v.visit_occurrence_id) AS visit, {own} AS encounter_id,
       k.episode_id, p.patient_id, coalesce(s.organization_id, nullif(as_id(v.care_site_id), '0')) AS organization_id,
       coalesce(r.practitioner_id, nullif(as_id(v.provider_id), '0')) AS practitioner_id,
       coalesce(as_day(v.visit_start_date), as_day(v.visit_start_datetime)) AS visit_day,
       coalesce(as_day(v.visit_end_date), as_day(v.visit_end_datetime)) AS visit_end,
       CASE as_concept(v.visit_concept_id) WHEN 9201 THEN 'inpatient' WHEN 9202 THEN 'outpatient'
            WHEN 9203 THEN 'emergency' ELSE lower(c.name) END AS kind,
       CASE WHEN c.name ILIKE '%telehealth%' OR c.name ILIKE '%telemedicine%' THEN 'telehealth'
            WHEN as_concept(v.visit_concept_id) IN (9201, 9203) THEN 'in_person' END AS mode,
       try_cast(as_clock(v.visit_start_datetime) AS TIME) AS began,
       try_cast(as_clock(v.visit_end_datetime) AS TIME) AS ended,
       CASE WHEN v.visit_occurrence_id IS NULL THEN 'visit_occurrence_id missing_id'
            WHEN p.patient_id IS NULL THEN 'person_id unknown_person'
            WHEN row_number() OVER (PARTITION BY v.visit_occurrence_id ORDER BY v.row) > 1
                THEN 'visit_occurrence_id duplicate_row'
            WHEN coalesce(v.visit_start_date, v.visit_start_datetime) IS NULL THEN 'visit_start_date missing_date'
            WHEN visit_day IS NULL THEN 'visit_start_date unparseable_date'
            WHEN visit_day > {as_of} THEN 'visit_start_date after_snapshot'
            WHEN visit_day < p.birth_date THEN 'visit_start_date before_birth'
            WHEN coalesce(v.visit_end_date, v.visit_end_datetime) IS NOT NULL AND visit_end IS NULL
                THEN 'visit_end_date unparseable_date'
            WHEN visit_end < visit_day THEN 'visit_end_date end_before_start'
       END AS fault
FROM cdm_visit_occurrence AS v
LEFT JOIN persons AS p ON p.person = as_id(v.person_id)
LEFT JOIN sites AS s ON s.site = as_id(v.care_site_id)
LEFT JOIN providers AS r ON r.provider = as_id(v.provider_id)
LEFT JOIN concepts AS c ON c.concept_id = as_concept(v.visit_concept_id)
LEFT JOIN links AS k ON k.event = as_id(v.visit_occurrence_id) AND k.kind IN ('visit', 'any')
"""

EPISODES = """
SELECT c.episode_id, c.patient_id,
       coalesce(any_value(v.organization_id ORDER BY v.row), any_value(p.only_organization)) AS organization_id,
       coalesce(any_value(v.practitioner_id ORDER BY v.row), any_value(p.only_practitioner)) AS practitioner_id,
       c.start_date, c.end_date, c.row AS source_row
FROM courses AS c LEFT JOIN visits AS v USING (episode_id) LEFT JOIN persons AS p ON p.patient_id = c.patient_id
GROUP BY ALL ORDER BY c.row
"""
ENCOUNTERS = """
SELECT encounter_id, episode_id, patient_id, organization_id, practitioner_id, visit_day AS date, visit_end AS end_date,
       kind, mode,
       true AS attended,
       CASE WHEN visit_end = visit_day AND ended > began THEN datediff('minute', began, ended)::DOUBLE END AS minutes,
       row AS source_row
FROM visits ORDER BY row
"""

# A service or clinician that only visits name exists as well.
ORGANIZATIONS = """
SELECT organization_id, name, setting, region, country, row AS source_row FROM sites
UNION ALL BY NAME
SELECT organization_id, min(row) AS source_row FROM visits
WHERE organization_id IS NOT NULL AND organization_id NOT IN (SELECT organization_id FROM sites) GROUP BY 1
ORDER BY source_row, organization_id
"""
PRACTITIONERS = """
SELECT practitioner_id, organization_id, discipline, row AS source_row FROM providers
UNION ALL BY NAME
SELECT practitioner_id, min(row) AS source_row FROM visits
WHERE practitioner_id IS NOT NULL AND practitioner_id NOT IN (SELECT practitioner_id FROM providers) GROUP BY 1
ORDER BY source_row, practitioner_id
"""


def read_visits(cdm: Cdm, as_of: dt.date, *, own: bool) -> int:
    """Make `courses`, `links` and `visits`; after `people.read_people`.

    Returns:
        How many EPISODE rows are something other than episodes of care, and were not read.
    """
    day = f"DATE '{as_of.isoformat()}'"
    # Oncology uses the table for disease phases and regimens: only what is named an episode of care is one.
    care = "true" if own else "coalesce(c.name, e.episode_source_value) ILIKE '%episode of care%'"
    cdm.db.execute(_COURSES.format(own=own_id("e.episode", own=own), as_of=day, care=care))
    others = cdm.count("cdm_episode") - cdm.count("courses")
    cdm.sift("courses")
    cdm.db.execute(_LINKS.format(own=str(own).lower()))
    cdm.db.execute(_VISITS.format(own=_visit_id(own=own), as_of=day))
    cdm.sift("visits")
    return others


def _visit_id(*, own: bool) -> str:
    number = "as_id(v.visit_occurrence_id)"
    return f"coalesce(v.visit_source_value, {number})" if own else number
