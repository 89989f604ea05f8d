"""Rows to assessments: what hangs together, then single answers that were given at one time."""

from __future__ import annotations

from typing import Final

import pyarrow as pa

from benchwell.intake.fhir.fold_links import Links
from benchwell.intake.fhir.instrument_codes import InstrumentCodes
from benchwell.intake.sql import connection

# Which row speaks for an assessment: the form itself, answers inside a panel, the panel, its total, an answer.
_RANK: Final = """
CASE WHEN kind = 'form' AND starts_with(record, 'QuestionnaireResponse/') THEN 0 WHEN kind = 'form' THEN 1
     WHEN kind = 'panel' THEN 2 WHEN kind = 'score' THEN 3 ELSE 4 END
"""

_PREPARE: Final = f"""
CREATE TEMP TABLE live AS
SELECT * EXCLUDE (component, retracted), {_RANK} AS rank,
       CASE WHEN component >= 0 THEN component END AS component,
       -- answers that nothing holds together are gathered by person and time
       CASE WHEN component < 0 AND kind = 'answer' THEN date END AS on_date,
       CASE WHEN component < 0 AND kind = 'answer' THEN instant END AS at_instant,
       CASE WHEN component < 0 AND kind <> 'answer' THEN position END AS alone
FROM rows
"""  # noqa: S608  # fixed text

# Instruments that share an item: one that is named beside it, then the one of which most items are there, then the
# smaller one.
_ANSWERS: Final = """
CREATE TEMP TABLE named AS
SELECT DISTINCT component, patient_id, instrument, date, instant FROM live WHERE kind <> 'answer';
CREATE TEMP TABLE meant AS
WITH possible AS (
    SELECT live.position, live.component, live.patient_id, live.on_date, live.at_instant, live.code,
           candidates.instrument, candidates.item, candidates.size
    FROM live JOIN candidates USING (code) WHERE live.kind = 'answer'
), sized AS (
    SELECT component, patient_id, on_date, at_instant, instrument, count(DISTINCT code) AS here
    FROM possible GROUP BY ALL
), named_at AS (
    SELECT DISTINCT patient_id, instrument, date, instant FROM named
), named_in AS (
    SELECT DISTINCT component, patient_id, instrument FROM named WHERE component IS NOT NULL
)
SELECT position, arg_min(instrument, ordering) AS instrument, arg_min(item, ordering) AS item
FROM (
    SELECT possible.position, possible.instrument, possible.item,
           row_number() OVER (
               PARTITION BY possible.position
               ORDER BY (named_in.instrument IS NOT NULL OR named_at.instrument IS NOT NULL) DESC, sized.here DESC,
                        possible.size, possible.instrument) AS ordering
    FROM possible
    JOIN sized ON sized.component IS NOT DISTINCT FROM possible.component AND sized.patient_id = possible.patient_id
              AND sized.on_date IS NOT DISTINCT FROM possible.on_date
              AND sized.at_instant IS NOT DISTINCT FROM possible.at_instant AND sized.instrument = possible.instrument
    LEFT JOIN named_in ON named_in.component = possible.component AND named_in.patient_id = possible.patient_id
              AND named_in.instrument = possible.instrument
    LEFT JOIN named_at ON named_at.patient_id = possible.patient_id AND named_at.instrument = possible.instrument
              AND named_at.date = possible.on_date AND named_at.instant IS NOT DISTINCT FROM possible.at_instant
) AS ordered
GROUP BY position
"""

# One set of linked records holds one assessment of an instrument, unless it holds two forms, or records of several
# days and no form: then each record goes to the form it names, else to its day. Windows carry every column of their
# rows through a sort, so they get only those that they need.
_GROUPS: Final = """
CREATE TEMP TABLE placed AS
WITH filled AS (
    SELECT live.position, rank, record, part, component, patient_id, scale, date, home, on_date, at_instant, alone,
           coalesce(live.instrument, meant.instrument) AS instrument, meant.item
    FROM live LEFT JOIN meant USING (position)
), counted AS (
    SELECT component, patient_id, instrument, count(*) FILTER (WHERE rank = 0) AS forms, count(DISTINCT date) AS days
    FROM filled WHERE component IS NOT NULL GROUP BY ALL
), cut AS (
    SELECT component, patient_id, instrument FROM counted WHERE forms > 1 OR (forms = 0 AND days > 1)
)
SELECT filled.* EXCLUDE (date, home),
       CASE WHEN cut.component IS NOT NULL AND filled.rank = 0 THEN filled.record
            WHEN cut.component IS NOT NULL THEN coalesce(filled.home, filled.date::VARCHAR) END AS cut
FROM filled LEFT JOIN cut ON cut.component = filled.component AND cut.patient_id = filled.patient_id
     AND cut.instrument = filled.instrument;
CREATE TEMP TABLE turned AS
SELECT * EXCLUDE (rank, record, part), row_number() OVER (ORDER BY rank, record, part) AS turn FROM placed;
CREATE TEMP TABLE grouped AS
SELECT live.* EXCLUDE (instrument), turns.* EXCLUDE (position)
FROM live JOIN (
    SELECT position, instrument, item, turn, turn AS grp FROM turned WHERE alone IS NOT NULL
    UNION ALL
    SELECT position, instrument, item, turn,
           min(turn) OVER (PARTITION BY component, patient_id, instrument, scale, on_date, at_instant, cut) AS grp
    FROM turned WHERE alone IS NULL
) AS turns USING (position)
"""

_ITEMS: Final = """
CREATE TEMP TABLE answered AS
SELECT grp, item, CASE WHEN min(value) = max(value) THEN min(value) END AS value, min(value) <> max(value) AS several,
       min(position) AS position
FROM grouped WHERE kind = 'answer' GROUP BY grp, item
"""

_ASSESSMENTS: Final = """
CREATE TEMP TABLE first_of AS
SELECT grp, min(turn) AS turn, arg_min(turn, turn) FILTER (WHERE kind = 'form') AS form_turn,
       arg_min(total, turn) FILTER (WHERE total IS NOT NULL) AS total,
       arg_min(coalesce(unit, ''), turn) FILTER (WHERE total IS NOT NULL) AS unit,
       count(DISTINCT total) > 1 AS several_totals, bool_or(kind = 'score') AS scored,
       min(absent) AS absent, min(home) AS home,
       arg_min(encounter_id, turn) FILTER (WHERE encounter_id IS NOT NULL) AS encounter_id,
       arg_min(language, turn) FILTER (WHERE language IS NOT NULL) AS language,
       arg_min(informant, turn) FILTER (WHERE informant IS NOT NULL) AS informant,
       arg_min(mode, turn) FILTER (WHERE mode IS NOT NULL) AS mode
FROM grouped GROUP BY grp;
SELECT g.grp, g.position, g.record, g.part, g.rank, g.patient_id, g.instrument, g.scale, g.date, g.time, g.instant,
       form.items AS items, f.total, nullif(f.unit, '') AS unit, f.several_totals, f.scored, f.encounter_id, f.language,
       f.informant, f.mode,
       CASE WHEN g.rank > 0 THEN coalesce(f.absent, CASE WHEN g.scale IS NOT NULL THEN f.home END) END AS absent
FROM first_of AS f
JOIN grouped AS g ON g.turn = f.turn
LEFT JOIN grouped AS form ON form.turn = f.form_turn
ORDER BY g.turn
"""


def group_rows(rows: pa.Table, links: Links, codes: InstrumentCodes) -> tuple[pa.Table, pa.Table]:
    """Put rows together.

    Args:
        rows: Raw rows that count, with `position`.
        links: What hangs together.
        codes: Which items an answer's code may mean.

    Returns:
        One row per assessment (`items` only if a form or panel held them), and the single answers by assessment
        (`grp`), item, value, whether several differ, and position.
    """
    extra = {"component": pa.array(links.component), "home": links.home, "absent": links.absent}
    for name, values in extra.items():
        rows = rows.append_column(name, values)
    with connection() as db:
        db.register("rows", rows)
        db.register("candidates", _candidates(codes))
        for step in (_PREPARE, _ANSWERS, _GROUPS, _ITEMS):
            db.execute(step)
        first, last = _ASSESSMENTS.rstrip().split(";")
        db.execute(first)
        return db.sql(last).to_arrow_table(), db.sql("SELECT * FROM answered ORDER BY grp, item").to_arrow_table()


def _candidates(codes: InstrumentCodes) -> pa.Table:
    rows = [
        (code, target.instrument, target.item, codes.instruments[target.instrument].form.count)
        for code, targets in codes.items.items()
        for target in targets
    ]
    columns = list(zip(*rows, strict=True)) or [(), (), (), ()]
    kinds = (pa.string(), pa.string(), pa.int64(), pa.int64())
    arrays = [pa.array(column, kind) for column, kind in zip(columns, kinds, strict=True)]
    return pa.Table.from_arrays(arrays, names=["code", "instrument", "item", "size"])
