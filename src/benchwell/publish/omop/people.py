"""People, services and clinicians as PERSON, DEATH, LOCATION, CARE_SITE and PROVIDER."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from benchwell.publish.omop.numbering import Numbering, as_array, as_source_value, looked_up
from benchwell.publish.omop.source import Columns, ExportSource

_GENDER = {"male": 8507, "female": 8532}
_RACE = {"white": 8527, "black": 8516, "black or african american": 8516, "asian": 8515}
_ETHNICITY = {
    "hispanic": 38003563,
    "hispanic or latino": 38003563,
    "not_hispanic": 38003564,
    "not hispanic or latino": 38003564,
}
_STATE = 2  # the longest text of LOCATION.state


def people(source: ExportSource) -> dict[str, tuple[Columns, int]]:
    """Columns of the five tables, and how many rows each has."""
    patients, sites, clinicians = source.patients, source.organizations, source.practitioners
    regions = Numbering.of(pa.chunked_array([_place(patients).cast(pa.string()), _place(sites).cast(pa.string())]))
    birth, n = patients["birth_date"], patients.num_rows
    person: Columns = {
        "person_id": source.person(patients["patient_id"]),
        "gender_concept_id": looked_up(patients["sex"], _GENDER),
        "year_of_birth": pc.coalesce(patients["birth_year"], pc.year(birth)),
        "month_of_birth": pc.month(birth),
        "day_of_birth": pc.day(birth),
        "race_concept_id": looked_up(patients["race"], _RACE),
        "ethnicity_concept_id": looked_up(patients["ethnicity"], _ETHNICITY),
        "location_id": regions(_place(patients)),
        "provider_id": source.provider(_only(source, "practitioner_id")),
        "care_site_id": source.site(_only(source, "organization_id")),
        "person_source_value": as_source_value(patients["patient_id"]),
        "gender_source_value": patients["sex"],
        "race_source_value": patients["race"],
        "ethnicity_source_value": patients["ethnicity"],
    }
    dead = patients.filter(pc.is_valid(patients["death_date"]))
    death: Columns = {
        "person_id": source.person(dead["patient_id"]),
        "death_date": dead["death_date"],
        "cause_source_value": dead["death_cause"],
    }
    site: Columns = {
        "care_site_id": source.site(sites["organization_id"]),
        "care_site_name": sites["name"],
        "location_id": regions(_place(sites)),
        "care_site_source_value": as_source_value(sites["organization_id"]),
        "place_of_service_source_value": sites["setting"],
    }
    provider: Columns = {
        "provider_id": source.provider(clinicians["practitioner_id"]),
        "care_site_id": source.site(clinicians["organization_id"]),
        "provider_source_value": as_source_value(clinicians["practitioner_id"]),
        "specialty_source_value": clinicians["discipline"],
    }
    return {
        "location": (_locations(regions), len(regions.ids)),
        "care_site": (site, sites.num_rows),
        "provider": (provider, clinicians.num_rows),
        "person": (person, n),
        "death": (death, dead.num_rows),
    }


def _only(source: ExportSource, column: str) -> pa.Array:
    """For each person the one service (or clinician) of all their courses of care; null if there are several."""
    found = source.episodes.group_by("patient_id").aggregate([(column, "count_distinct"), (column, "max")])
    one = pc.if_else(pc.equal(found[f"{column}_count_distinct"], 1), found[f"{column}_max"], None)
    place = pc.index_in(source.patients["patient_id"], value_set=as_array(found["patient_id"]))
    return as_array(one).take(as_array(place))


def _place(table: pa.Table) -> pa.Array:
    """Region and country in one text; null where both are unknown."""
    region, country = as_array(table["region"]), as_array(table["country"])
    both = pc.binary_join_element_wise(pc.fill_null(region, ""), pc.fill_null(country, ""), "\t")
    return pc.if_else(pc.equal(both, "\t"), pa.scalar(None, pa.string()), both)


def _locations(regions: Numbering) -> Columns:
    parts = [text.split("\t") for text in regions.ids.to_pylist()]  # as many as there are regions
    region = pa.array([one or None for one, _ in parts], pa.string())
    short = pc.less_equal(pc.utf8_length(region), _STATE)
    return {
        "location_id": regions(regions.ids),
        "state": pc.if_else(short, region, pa.scalar(None, pa.string())),
        "location_source_value": region,
        "country_source_value": pa.array([one or None for _, one in parts], pa.string()),
    }
