"""PERSON, DEATH, LOCATION, CARE_SITE, PROVIDER and PAYER_PLAN_PERIOD: people, services and clinicians."""

from __future__ import annotations

import datetime as dt

from benchwell.intake.omop.loading import Cdm

# Standard concepts seen with their source values in a public sample of the CDM (docs/omop.md names it), in the words
# that FHIR intake has for them, so that people of both sources stand in one group; all others are looked up in the
# source's own CONCEPT table.
_KNOWN = """
CREATE TEMP TABLE known_concepts AS SELECT * FROM (VALUES
    (8507, 'male'), (8532, 'female'), (8527, 'white'), (8516, 'black'), (8515, 'asian'),
    (38003563, 'hispanic'), (38003564, 'not_hispanic')) AS known (concept_id, name)
"""
_NAME = "coalesce(k{0}.name, c{0}.name)"
_NAMED = """
    LEFT JOIN known_concepts AS k{0} ON k{0}.concept_id = as_concept({1})
    LEFT JOIN concepts AS c{0} ON c{0}.concept_id = as_concept({1})
"""

_SITES = """
CREATE TEMP TABLE sites AS
SELECT 'care_site' AS tbl, s.row, as_id(s.care_site_id) AS site, {own} AS organization_id, s.care_site_name AS name,
       coalesce(p.name, s.place_of_service_source_value) AS setting, l.state AS region,
       l.country_source_value AS country,
       CASE WHEN s.care_site_id IS NULL THEN 'care_site_id missing_id'
            WHEN row_number() OVER (PARTITION BY s.care_site_id ORDER BY s.row) > 1 THEN 'care_site_id duplicate_row'
       END AS fault
FROM cdm_care_site AS s
LEFT JOIN concepts AS p ON p.concept_id = as_concept(s.place_of_service_concept_id)
LEFT JOIN places AS l ON l.place = as_id(s.location_id)
"""
_PROVIDERS = """
CREATE TEMP TABLE providers AS
SELECT 'provider' AS tbl, p.row, as_id(p.provider_id) AS provider, {own} AS practitioner_id, s.organization_id,
       coalesce(c.name, p.specialty_source_value) AS discipline,
       CASE WHEN p.provider_id IS NULL THEN 'provider_id missing_id'
            WHEN row_number() OVER (PARTITION BY p.provider_id ORDER BY p.row) > 1 THEN 'provider_id duplicate_row'
       END AS fault
FROM cdm_provider AS p
LEFT JOIN concepts AS c ON c.concept_id = as_concept(p.specialty_concept_id)
LEFT JOIN sites AS s ON s.site = as_id(p.care_site_id)
"""
_PLACES = """
CREATE TEMP TABLE places AS
SELECT as_id(location_id) AS place, any_value({region}) AS state,
       any_value(country_source_value) AS country_source_value
FROM cdm_location GROUP BY 1
"""
_DEATHS = """
CREATE TEMP TABLE deaths AS
SELECT 'death' AS tbl, d.row, as_id(d.person_id) AS person,
       coalesce(as_day(d.death_date), as_day(d.death_datetime)) AS day,
       coalesce(s.text, c.text, d.cause_source_value) AS cause,
       CASE WHEN d.person_id IS NULL THEN 'person_id missing_patient_id'
            WHEN coalesce(d.death_date, d.death_datetime) IS NULL THEN 'death_date missing_date'
            WHEN day IS NULL THEN 'death_date unparseable_date'
            WHEN day > {as_of} THEN 'death_date after_snapshot'
            WHEN row_number() OVER (PARTITION BY d.person_id ORDER BY d.row) > 1 THEN 'person_id duplicate_row'
       END AS fault
FROM cdm_death AS d
LEFT JOIN concepts AS s ON s.concept_id = as_concept(d.cause_source_concept_id)
LEFT JOIN concepts AS c ON c.concept_id = as_concept(d.cause_concept_id)
"""
# The payer of the latest period that has begun.
_PAYERS = """
CREATE TEMP TABLE payers AS
SELECT as_id(p.person_id) AS person,
       arg_max(coalesce(c.name, p.payer_source_value), as_day(p.payer_plan_period_start_date)) AS payer
FROM cdm_payer_plan_period AS p LEFT JOIN concepts AS c ON c.concept_id = as_concept(p.payer_concept_id)
WHERE as_day(p.payer_plan_period_start_date) <= {as_of} AND coalesce(c.name, p.payer_source_value) IS NOT NULL
GROUP BY 1
"""
_PERSONS = """
CREATE TEMP TABLE persons AS
SELECT 'person' AS tbl, p.row, as_id(p.person_id) AS person, {own} AS patient_id,
       coalesce(try_cast(as_id(p.year_of_birth) AS INTEGER), year(as_day(p.birth_datetime))) AS birth_year,
       coalesce(try_cast(concat_ws('-', as_id(p.year_of_birth), lpad(as_id(p.month_of_birth), 2, '0'),
                                   lpad(as_id(p.day_of_birth), 2, '0')) AS DATE),
                as_day(p.birth_datetime)) AS birth_date,
       CASE lower(coalesce({gender}, p.gender_source_value)) WHEN 'm' THEN 'male' WHEN 'f' THEN 'female'
            ELSE lower(coalesce({gender}, p.gender_source_value)) END AS sex,
       coalesce({race}, p.race_source_value) AS race, coalesce({ethnicity}, p.ethnicity_source_value) AS ethnicity,
       l.state AS region, l.country_source_value AS country, y.payer AS insurance,
       {only_organization} AS only_organization, {only_practitioner} AS only_practitioner,
       CASE WHEN p.person_id IS NULL THEN 'person_id missing_patient_id'
            WHEN row_number() OVER (PARTITION BY p.person_id ORDER BY p.row) > 1 THEN 'person_id duplicate_row'
            WHEN p.year_of_birth IS NOT NULL AND try_cast(as_id(p.year_of_birth) AS INTEGER) IS NULL
                THEN 'year_of_birth not_a_number'
            WHEN birth_year > {year} OR birth_year < {year} - 120 THEN 'year_of_birth birth_year_impossible'
       END AS fault
FROM cdm_person AS p {joins}
LEFT JOIN places AS l ON l.place = as_id(p.location_id)
LEFT JOIN sites AS s ON s.site = as_id(p.care_site_id)
LEFT JOIN providers AS r ON r.provider = as_id(p.provider_id)
LEFT JOIN payers AS y ON y.person = as_id(p.person_id)
"""

PATIENTS = """
SELECT p.patient_id, p.birth_date, p.birth_year, d.day AS death_date, d.cause AS death_cause, p.sex, p.race,
       p.ethnicity, p.insurance, p.region, p.country, p.row AS source_row
FROM persons AS p LEFT JOIN deaths AS d USING (person) ORDER BY p.row
"""


def read_people(cdm: Cdm, as_of: dt.date, *, own: bool) -> None:
    """Make `sites`, `providers`, `persons` and `deaths`.

    Args:
        cdm: With these tables and `concepts` loaded.
        as_of: Snapshot date.
        own: Whether the source is an export of ours, whose source values are the ids that we gave.
    """
    day = f"DATE '{as_of.isoformat()}'"
    db = cdm.db
    db.execute(_KNOWN)
    db.execute(_PLACES.format(region="coalesce(location_source_value, state)" if own else "state"))
    db.execute(_SITES.format(own=own_id("s.care_site", own=own)))
    cdm.sift("sites")
    db.execute(_PROVIDERS.format(own=own_id("p.provider", own=own)))
    cdm.sift("providers")
    db.execute(_DEATHS.format(as_of=day))
    cdm.sift("deaths")
    db.execute(_PAYERS.format(as_of=day))
    columns = {"gender": "p.gender_concept_id", "race": "p.race_concept_id", "ethnicity": "p.ethnicity_concept_id"}
    joins = "".join(_NAMED.format(name, column) for name, column in columns.items())
    names = {name: _NAME.format(name) for name in columns}
    # Elsewhere these two are the person's primary care, not who gave this course of care.
    names["only_organization"] = "s.organization_id" if own else "NULL::VARCHAR"
    names["only_practitioner"] = "r.practitioner_id" if own else "NULL::VARCHAR"
    db.execute(_PERSONS.format(own=own_id("p.person", own=own), year=as_of.year, joins=joins, **names))
    cdm.sift("persons")


def own_id(column: str, *, own: bool) -> str:
    """The expression for a record's id: the CDM's number as text; in an export of ours, the id that we gave."""
    number = f"as_id({column}_id)"
    return f"coalesce({column}_source_value, {number})" if own else number
