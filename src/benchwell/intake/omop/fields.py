"""Which columns of which CDM tables are read. A column that a source lacks counts as empty."""

from __future__ import annotations

FIELDS: dict[str, tuple[str, ...]] = {
    "cdm_source": ("cdm_source_name", "cdm_source_abbreviation", "cdm_etl_reference", "cdm_version",
                   "vocabulary_version"),
    "location": ("location_id", "state", "location_source_value", "country_source_value"),
    "care_site": ("care_site_id", "care_site_name", "place_of_service_concept_id", "location_id",
                  "care_site_source_value", "place_of_service_source_value"),
    "provider": ("provider_id", "specialty_concept_id", "care_site_id", "provider_source_value",
                 "specialty_source_value"),
    "person": ("person_id", "gender_concept_id", "year_of_birth", "month_of_birth", "day_of_birth", "birth_datetime",
               "race_concept_id", "ethnicity_concept_id", "location_id", "provider_id", "care_site_id",
               "person_source_value", "gender_source_value", "race_source_value", "ethnicity_source_value"),
    "death": ("person_id", "death_date", "death_datetime", "cause_concept_id", "cause_source_value",
              "cause_source_concept_id"),
    "payer_plan_period": ("payer_plan_period_id", "person_id", "payer_plan_period_start_date", "payer_concept_id",
                          "payer_source_value"),
    "visit_occurrence": ("visit_occurrence_id", "person_id", "visit_concept_id", "visit_start_date",
                         "visit_start_datetime", "visit_end_date", "visit_end_datetime", "provider_id",
                         "care_site_id", "visit_source_value"),
    "episode": ("episode_id", "person_id", "episode_concept_id", "episode_start_date", "episode_start_datetime",
                "episode_end_date", "episode_end_datetime", "episode_source_value"),
    "episode_event": ("episode_id", "event_id", "episode_event_field_concept_id"),
    "condition_occurrence": ("condition_occurrence_id", "person_id", "condition_concept_id", "condition_start_date",
                             "condition_start_datetime", "condition_end_date", "condition_end_datetime",
                             "visit_occurrence_id", "condition_source_value", "condition_source_concept_id"),
    "procedure_occurrence": ("procedure_occurrence_id", "person_id", "procedure_concept_id", "procedure_date",
                             "procedure_datetime", "procedure_end_date", "procedure_end_datetime",
                             "visit_occurrence_id", "procedure_source_value", "procedure_source_concept_id"),
    "concept": ("concept_id", "concept_name", "vocabulary_id", "concept_code"),
    "observation": ("observation_id", "person_id", "observation_concept_id", "observation_date",
                    "observation_datetime", "value_as_number", "value_as_string", "value_as_concept_id",
                    "unit_concept_id", "visit_occurrence_id", "observation_source_value",
                    "observation_source_concept_id", "unit_source_value", "qualifier_source_value",
                    "value_source_value", "observation_event_id"),
    "measurement": ("measurement_id", "person_id", "measurement_concept_id", "measurement_date",
                    "measurement_datetime", "measurement_time", "value_as_number", "value_as_concept_id",
                    "unit_concept_id", "visit_occurrence_id", "measurement_source_value",
                    "measurement_source_concept_id", "unit_source_value", "value_source_value",
                    "measurement_event_id"),
}  # fmt: skip

# Columns that name a concept, by table: the source's CONCEPT table is read only where one of these points.
CONCEPT_COLUMNS = {
    table: tuple(column for column in columns if column.endswith("concept_id") and column != "concept_id")
    for table, columns in FIELDS.items()
}
