"""OBSERVATION and MEASUREMENT: the rows that are answers and scores, gathered into one record for each form."""

from __future__ import annotations

import datetime as dt

import pyarrow as pa

from benchwell.intake.ids import derive_ids
from benchwell.intake.omop.codes import answers, item_ranges, known_concepts, meanings, total_ranges
from benchwell.intake.omop.loading import Cdm
from benchwell.registry import Registry

_SOURCE_CODE = "regexp_replace(lower({0}_source_value), '^loinc[|: ]+', '')"
_CODED = """
CREATE TEMP TABLE coded AS
SELECT concept_id, code FROM own_concepts
UNION
SELECT c.concept_id, lower(c.code) FROM concepts AS c
WHERE c.vocabulary = 'LOINC' AND lower(c.code) IN (SELECT code FROM meanings)
  AND c.concept_id NOT IN (SELECT concept_id FROM own_concepts)
"""
_ROWS = """
SELECT '{table}' AS tbl, o.row, as_id(o.{table}_id) AS id, as_id(o.person_id) AS person,
       coalesce(k.code, q.code, {source_code}) AS code,
       o.{table}_date AS date_text, o.{table}_datetime AS datetime_text, {clock} AS clock,
       o.value_as_number AS number_text, {string} AS string_text, as_concept(o.value_as_concept_id) AS answer,
       o.value_source_value AS value_text, coalesce(o.unit_source_value, u.code) AS unit_text, {qualifier} AS qualifier,
       as_id(o.visit_occurrence_id) AS visit, nullif(as_id(o.{event}_event_id), '0') AS event
FROM cdm_{table} AS o
LEFT JOIN coded AS k ON k.concept_id = as_concept(o.{table}_concept_id)
LEFT JOIN coded AS q ON q.concept_id = as_concept(o.{table}_source_concept_id)
LEFT JOIN concepts AS u ON u.concept_id = as_concept(o.unit_concept_id) AND u.vocabulary = 'UCUM'
"""
# One form: the rows of one person and moment that point to the same event, else that belong to the same visit.
_FILLED = """
CREATE TEMP TABLE filled AS
WITH pointed AS (SELECT DISTINCT tbl, event AS id FROM score_rows WHERE event IS NOT NULL), linked AS (
    SELECT r.*, coalesce(r.number_text, r.string_text, r.answer::VARCHAR, r.value_text) IS NOT NULL AS present,
           CASE WHEN r.event IS NOT NULL THEN 'event ' || r.event WHEN o.id IS NOT NULL THEN 'event ' || r.id
                WHEN r.visit IS NOT NULL THEN 'visit ' || r.visit ELSE '' END AS link
    FROM score_rows AS r LEFT JOIN pointed AS o ON o.id = r.id AND o.tbl = r.tbl
)
SELECT r.*, p.patient_id, p.birth_date, coalesce(as_day(r.date_text), as_day(r.datetime_text)) AS day,
       bool_or(r.present) OVER (PARTITION BY r.person, r.date_text, r.datetime_text, r.link) AS form_present,
       v.encounter_id, coalesce(e.episode_id, v.episode_id) AS episode_id,
       CASE WHEN r.person IS NULL THEN 'person_id missing_patient_id'
            WHEN p.patient_id IS NULL THEN 'person_id unknown_person'
            WHEN coalesce(r.date_text, r.datetime_text) IS NULL THEN r.tbl || '_date missing_date'
            WHEN day IS NULL THEN r.tbl || '_date unparseable_date'
            WHEN day > {as_of} THEN r.tbl || '_date after_snapshot'
            WHEN day < p.birth_date THEN r.tbl || '_date before_birth'
            WHEN NOT r.present AND (NOT form_present OR r.code NOT IN (SELECT code FROM meanings WHERE kind = 'panel'))
                THEN 'value_as_number score_missing'
       END AS fault
FROM linked AS r
LEFT JOIN persons AS p ON p.person = r.person
LEFT JOIN visits AS v ON v.visit = r.visit
LEFT JOIN links AS e ON e.event = r.id AND e.kind IN (r.tbl, 'any')
"""
# A row can stand for an answer of several forms (the first two questions of PHQ-9 are PHQ-2): it belongs to the form
# of which most answers are there, and of those to the shortest.
_MEANT = """
CREATE TEMP TABLE meant AS
WITH candidates AS (
    SELECT f.*, m.kind, m.instrument, m.scale, m.item, m.unit AS coded_unit, m.items AS size,
           count(DISTINCT m.item) OVER (PARTITION BY f.patient_id, f.day, f.clock, f.link, m.instrument) AS answered
    FROM filled AS f JOIN meanings AS m USING (code) WHERE f.present
), chosen AS (
    SELECT * FROM candidates
    QUALIFY row_number() OVER (PARTITION BY tbl, row ORDER BY answered DESC, size, instrument) = 1
)
SELECT c.*,
       coalesce(as_number(c.number_text), as_number(c.string_text), a.value, b.value, d.value,
                as_number(c.value_text)) AS score,
       t.unit, t.word IS NOT NULL AS unit_known,
       CASE WHEN score IS NULL AND coalesce(c.number_text, c.string_text) IS NOT NULL THEN
                CASE WHEN c.number_text IS NOT NULL THEN 'value_as_number' ELSE 'value_as_string' END || ' not_a_number'
            WHEN score IS NULL AND c.answer IS NOT NULL THEN 'value_as_concept_id unknown_value'
            WHEN score IS NULL THEN 'value_source_value unknown_value'
            WHEN c.item IS NOT NULL AND score < i.low OR c.item IS NULL AND score * t.multiply + t.add < t.low
                THEN 'value_as_number below_range'
            WHEN c.item IS NOT NULL AND score > i.high OR c.item IS NULL AND score * t.multiply + t.add > t.high
                THEN 'value_as_number above_range'
            WHEN score <> floor(score) AND CASE WHEN c.item IS NULL THEN t.whole ELSE i.whole END
                THEN 'value_as_number non_integer'
       END AS fault_of_value, t.plain
FROM chosen AS c
LEFT JOIN concepts AS x ON x.concept_id = c.answer AND x.vocabulary = 'LOINC'
LEFT JOIN answers AS a ON a.instrument = c.instrument AND c.item IS NOT NULL AND a.code = lower(x.code)
LEFT JOIN answers AS b ON b.instrument = c.instrument AND c.item IS NOT NULL AND b.code = lower(c.string_text)
LEFT JOIN answers AS d ON d.instrument = c.instrument AND c.item IS NOT NULL
    AND d.code = regexp_replace(lower(c.value_text), '^loinc[|: ]+', '')
LEFT JOIN item_ranges AS i ON i.instrument = c.instrument AND i.item = c.item
LEFT JOIN total_ranges AS t ON c.item IS NULL AND t.instrument = c.instrument AND t.scale = coalesce(c.scale, '')
    AND t.word = coalesce(c.coded_unit, {unit_word})
"""
# A unit in words that the instrument does not know counts as points, except for a laboratory value.
_UNIT_WORD = """
CASE WHEN EXISTS (SELECT 1 FROM total_ranges AS w WHERE w.instrument = c.instrument
                  AND w.scale = coalesce(c.scale, '') AND w.word = lower(c.unit_text)) THEN lower(c.unit_text)
     WHEN c.unit_text IS NOT NULL AND c.size = 0 THEN 'unknown unit' ELSE '' END
"""
_KEY = "patient_id, day, clock, link, instrument"
# The same answer or score twice in one form: the later row stands; equal copies count once.
_TURNS = f"""
CREATE TEMP TABLE turns AS
SELECT *, row_number() OVER w AS turn, count(*) OVER same AS times,
       min(score) OVER same <> max(score) OVER same AS conflict
FROM meant
WINDOW same AS (PARTITION BY {_KEY}, scale, item),
       w AS (PARTITION BY {_KEY}, scale, item ORDER BY (kind = 'panel')::INTEGER, tbl DESC, row DESC)
"""  # noqa: S608  # column names of ours
_SHEETS = f"""
CREATE TEMP TABLE sheets AS
SELECT {_KEY}, any_value(size) AS size, map_from_entries(list((item, score))) AS given,
       any_value(episode_id) AS episode_id, any_value(qualifier) AS qualifier, min(row) AS row, min(tbl) AS tbl
FROM turns WHERE item IS NOT NULL AND turn = 1 GROUP BY ALL
"""  # noqa: S608  # column names of ours
_SAME = (
    "s.patient_id = t.patient_id AND s.instrument = t.instrument AND s.day = t.day "
    "AND s.clock IS NOT DISTINCT FROM t.clock AND s.link = t.link"
)
# What another scale states of a form whose answers are there adds nothing: that scale is computed from the answers.
_FORMS = f"""
CREATE TEMP TABLE forms AS
WITH totals AS (
    SELECT * FROM turns AS t WHERE item IS NULL AND turn = 1
    AND (scale IS NULL OR NOT EXISTS (SELECT 1 FROM sheets AS s WHERE {_SAME}))
)
SELECT {", ".join(f"coalesce(s.{one}, t.{one}) AS {one}" for one in ("patient_id", "instrument", "day", "link"))},
       coalesce(s.clock, t.clock) AS time, coalesce(s.episode_id, t.episode_id) AS episode_id, t.scale,
       CASE WHEN s.size IS NOT NULL
            THEN list_transform(range(1, s.size + 1), lambda i: map_extract(s.given, i)[1]) END AS items,
       t.score AS total, t.unit, coalesce(s.qualifier, t.qualifier) AS qualifier, coalesce(s.row, t.row) AS row,
       coalesce(s.tbl, t.tbl) AS tbl, t.tbl AS total_tbl, t.row AS total_row, t.plain
FROM sheets AS s FULL JOIN totals AS t ON {_SAME} AND t.scale IS NULL
"""  # noqa: S608  # column names of ours
_RESULT = """
SELECT patient_id, episode_id, instrument, scale, day AS date, time, items, total, unit, link, row AS source_row,
       'omop' AS source, {informant} AS informant
FROM forms ORDER BY tbl, row, instrument, scale
"""


def prepare_codes(cdm: Cdm, registry: Registry) -> None:
    """Put what the registry knows of codes beside the source: needed before CONCEPT is loaded."""
    parts = {
        "meanings": meanings(registry),
        "own_concepts": known_concepts(registry),
        "answers": answers(registry),
        "item_ranges": item_ranges(registry),
        "total_ranges": total_ranges(registry),
    }
    for name, table in parts.items():
        cdm.db.register(f"{name}_arrow", table)
        cdm.db.execute(f"CREATE TEMP TABLE {name} AS SELECT DISTINCT * FROM {name}_arrow")  # noqa: S608
        cdm.db.unregister(f"{name}_arrow")


def score_filter(table: str) -> str:
    """The condition that keeps the rows of OBSERVATION or MEASUREMENT which may hold a score; needs `coded`."""
    return (  # names of ours
        f"as_concept({table}_concept_id) IN (SELECT concept_id FROM coded) "  # noqa: S608
        f"OR as_concept({table}_source_concept_id) IN (SELECT concept_id FROM coded) "
        f"OR {_SOURCE_CODE.format(table)} IN (SELECT code FROM meanings)"
    )


def load_scores(cdm: Cdm) -> None:
    """Load the rows of OBSERVATION and MEASUREMENT that may hold a score, as `score_rows`."""
    cdm.db.execute(_CODED)
    for table in ("observation", "measurement"):
        cdm.load(table, score_filter(table))
    observations = _ROWS.format(
        table="observation", event="observation", string="o.value_as_string", qualifier="o.qualifier_source_value",
        clock="as_clock(o.observation_datetime)", source_code=_SOURCE_CODE.format("o.observation"),
    )  # fmt: skip
    measurements = _ROWS.format(
        table="measurement", event="measurement", string="NULL::VARCHAR", qualifier="NULL::VARCHAR",
        clock="coalesce(as_clock(o.measurement_datetime), as_clock(o.measurement_time))",
        source_code=_SOURCE_CODE.format("o.measurement"),
    )  # fmt: skip
    cdm.db.execute(f"CREATE TEMP TABLE score_rows AS {observations} UNION ALL {measurements}")


def read_scores(cdm: Cdm, as_of: dt.date, *, own: bool) -> pa.Table:
    """Assessments, one row for each form; after `visits.read_visits`.

    Returns:
        The columns of the canonical table that the source can fill.
    """
    db = cdm.db
    db.execute(_FILLED.format(as_of=f"DATE '{as_of.isoformat()}'"))
    cdm.sift("filled")
    db.execute(_MEANT.format(unit_word=_UNIT_WORD))
    db.execute(
        "UPDATE meant SET fault_of_value = 'unit_source_value unknown_unit' WHERE item IS NULL AND NOT unit_known"
    )
    db.execute("ALTER TABLE meant DROP COLUMN fault")
    db.execute("ALTER TABLE meant RENAME COLUMN fault_of_value TO fault")
    read = cdm.read
    cdm.sift("meant")
    cdm.read = read  # the same rows were counted above
    db.execute(_TURNS)
    cdm.flag(
        "SELECT tbl, row FROM turns WHERE turn > 1 AND NOT conflict", "value_as_number", "duplicate_row", "rejected"
    )
    cdm.flag("SELECT tbl, row FROM turns WHERE turn > 1 AND conflict", "value_as_number", "conflicting_duplicate",
             "rejected")  # fmt: skip
    cdm.flag("SELECT tbl, row FROM turns WHERE turn = 1 AND conflict", "value_as_number", "conflicting_duplicate")
    db.execute(_SHEETS)
    db.execute(_FORMS)
    cdm.flag(
        "SELECT total_tbl AS tbl, total_row AS row FROM forms WHERE plain "
        "AND len(list_filter(items, lambda one: one IS NULL)) = 0 AND abs(list_sum(items) - total) > 1e-6",
        "value_as_number", "total_differs",
    )  # fmt: skip
    found = db.sql(_RESULT.format(informant="qualifier" if own else "NULL::VARCHAR")).to_arrow_table()
    names = ("patient_id", "source", "instrument", "scale", "date", "time", "link")
    ids = derive_ids("assessments", [found[name].combine_chunks() for name in names])
    return found.drop_columns(["link"]).append_column("assessment_id", ids)
