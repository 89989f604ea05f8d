"""The queries behind `merge_records`: the newest version of each resource, then one query per canonical table."""

from __future__ import annotations

from typing import Final

from benchwell.intake.fhir.record_rows import DELETED_LAST, RAW

_ABOUT = {"id", "updated", "version", "source_row"}  # of the statement, not of what it states


def _content(name: str, table: str) -> str:
    return f"hash({', '.join(f'{table}.{column}' for column in RAW[name].names if column not in _ABOUT)})"


def newest_sql(name: str) -> str:
    """The rows of `all_<name>` that count: one per id."""
    return f"""
        SELECT * FROM "all_{name}" AS stated
        QUALIFY row_number() OVER (
            PARTITION BY id
            ORDER BY updated DESC NULLS LAST, version DESC NULLS LAST, source_row DESC, {_content(name, "stated")}
        ) = 1
    """  # noqa: S608 names are ours


def older_sql(name: str) -> str:
    """Rows of `all_<name>` that say something else than the row of `<name>` with their id; those of the part itself."""
    return f"""
        SELECT DISTINCT stated.source_row
        FROM "all_{name}" AS stated JOIN "{name}" AS counts USING (id)
        WHERE {_content(name, "stated")} <> {_content(name, "counts")} AND stated.source_row IS NOT NULL
    """  # noqa: S608 names are ours


def _stated(name: str = "own", *others: str) -> str:
    """The columns that say how new a row is: its own resource's version, and the newest of what is joined to it.

    A deletion that does not say when it was is known by no time.
    """
    times = [f"nullif({one}.updated, {DELETED_LAST:.0f})" for one in (name, *others)]
    return f"{times[0]} AS stated_at, {name}.version AS stated_version, greatest({', '.join(times)}) AS stated_with"


def _patched(*names: str) -> str:
    """The same for rows that several resources fill side by side, of which one may be alone in a source."""
    times = ", ".join(f"nullif({one}.updated, {DELETED_LAST:.0f})" for one in names)
    return f"greatest({times}) AS stated_at, {names[0]}.version AS stated_version, greatest({times}) AS stated_with"


_PLACES = """
    RECURSIVE place AS (
        SELECT id, organization_id, part_of, updated, 0 AS steps FROM "Location" WHERE NOT retracted
        UNION ALL
        SELECT place.id, above.organization_id, above.part_of, greatest(place.updated, above.updated), steps + 1
        FROM place JOIN "Location" AS above ON above.id = place.part_of
        WHERE place.organization_id IS NULL AND NOT above.retracted AND steps < 16  -- 16: places may go in circles
    )
"""

CANONICAL_SQL: Final[dict[str, str]] = {
    "organizations": f"""
        SELECT id AS organization_id, part_of, name, kind, country, region, retracted, source_row, {_stated()}
        FROM "Organization" AS own
    """,  # noqa: S608 names are ours
    # The role that counts: an active one, one that goes on or ended last, and of those the first by id.
    "practitioners": f"""
        WITH role AS (
            SELECT practitioner_id, organization_id, discipline, source_row, updated FROM "PractitionerRole"
            WHERE NOT retracted AND practitioner_id IS NOT NULL AND source_row IS NOT NULL  -- null: of another part
            QUALIFY row_number() OVER (
                PARTITION BY practitioner_id ORDER BY active DESC, end_date DESC NULLS FIRST, id
            ) = 1
        )
        SELECT coalesce(own.id, role.practitioner_id) AS practitioner_id, organization_id, discipline, licensed_year,
               own.retracted, coalesce(own.source_row, role.source_row) AS source_row, {_patched("own", "role")}
        FROM "Practitioner" AS own FULL JOIN role ON role.practitioner_id = own.id
    """,  # noqa: S608 names are ours
    # The cover that counts: one that goes on or ended last, then the one that began last, then the primary one.
    "patients": f"""
        WITH cover AS (
            SELECT patient_id, insurance, source_row, updated FROM "Coverage"
            WHERE NOT retracted AND insurance IS NOT NULL
            QUALIFY row_number() OVER (
                PARTITION BY patient_id
                ORDER BY end_date DESC NULLS FIRST, start_date DESC NULLS LAST, rank NULLS LAST, id
            ) = 1
        )
        SELECT coalesce(own.id, cover.patient_id) AS patient_id, birth_date, birth_year, death_date, sex, gender, race,
               ethnicity, language, insurance, region, country, own.retracted,
               coalesce(own.source_row, cover.source_row) AS source_row, {_patched("own", "cover")}
        FROM "Patient" AS own FULL JOIN cover ON cover.patient_id = own.id
    """,  # noqa: S608 names are ours
    "episodes": f"""
        WITH reason AS (
            SELECT episode, arg_min(condition, place) AS condition, max(updated) AS updated
            FROM (
                SELECT id AS episode, unnest(conditions) AS condition_id, generate_subscripts(conditions, 1) AS place
                FROM "EpisodeOfCare"
            ) AS named JOIN "Condition" AS stated ON stated.id = condition_id
            WHERE NOT stated.retracted AND condition IS NOT NULL
            GROUP BY episode
        ), referral AS (
            SELECT episode, min(date) AS referral_date, max(updated) AS updated
            FROM (SELECT id AS episode, unnest(referrals) AS request FROM "EpisodeOfCare") AS named
            JOIN "Procedure" AS stated ON stated.id = request
            WHERE NOT stated.retracted
            GROUP BY episode
        )
        SELECT own.id AS episode_id, own.patient_id, coalesce(own.organization_id, role.organization_id)
                   AS organization_id, coalesce(own.practitioner_id, role.practitioner_id) AS practitioner_id,
               reason.condition, referral_date, start_date, own.end_date, end_reason, own.retracted, own.source_row,
               {_patched("own", "role", "reason", "referral")}
        FROM "EpisodeOfCare" AS own
        LEFT JOIN "PractitionerRole" AS role ON role.id = own.role_id AND NOT role.retracted
        LEFT JOIN reason ON reason.episode = own.id
        LEFT JOIN referral ON referral.episode = own.id
    """,  # noqa: S608 names are ours
    "encounters": f"""
        WITH {_PLACES}, placed AS (
            SELECT id, arg_min(organization_id, steps) AS organization_id, max(updated) AS updated FROM place
            WHERE organization_id IS NOT NULL GROUP BY id
        )
        SELECT own.id AS encounter_id, own.episode_id, own.patient_id,
               coalesce(own.organization_id, placed.organization_id, role.organization_id, course.organization_id)
                   AS organization_id,
               coalesce(own.practitioner_id, role.practitioner_id) AS practitioner_id,
               date, own.end_date, kind, mode, attended, minutes, own.retracted, own.source_row,
               {_stated("own", "placed", "role", "course")}
        FROM "Encounter" AS own
        LEFT JOIN placed ON placed.id = own.location_id
        LEFT JOIN "PractitionerRole" AS role ON role.id = own.role_id AND NOT role.retracted
        LEFT JOIN "EpisodeOfCare" AS course ON course.id = own.episode_id AND NOT course.retracted
    """,  # noqa: S608 names are ours
    "conditions": f"""
        SELECT id AS condition_id, patient_id, encounter_id, codes, category, clinical_status, verification_status,
               onset_date, abatement_date, recorded_date, retracted, source_row, {_stated()}
        FROM "Condition" AS own
    """,  # noqa: S608 names are ours
    "procedures": f"""
        SELECT id AS procedure_id, patient_id, encounter_id, kind, codes, status, date, end_date, retracted, source_row,
               {_stated()}
        FROM "Procedure" AS own
    """,  # noqa: S608 names are ours
    # Several consents may decide one purpose on one day: what stands wins over what was taken back, a refusal over a
    # grant.
    "consents": f"""
        SELECT patient_id, one.purpose AS purpose, one.date AS date, one.decision AS decision, retracted, source_row,
               {_stated()}
        FROM (
            SELECT patient_id, unnest(decisions) AS one, retracted, source_row, updated, version FROM "Consent"
            WHERE patient_id IS NOT NULL
        ) AS own
        QUALIFY row_number() OVER (
            PARTITION BY patient_id, one.purpose, one.date
            ORDER BY retracted, one.decision = 'granted', one.decision DESC, source_row
        ) = 1
    """,  # noqa: S608 names are ours
}
"""By table; the temporary tables that they read are named as in `record_rows.RAW`."""
