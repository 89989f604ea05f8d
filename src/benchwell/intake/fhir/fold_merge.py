"""Two assessments that are one: stated at the same instant, or on the same day with the same total."""

from __future__ import annotations

import pyarrow as pa

from benchwell.intake.sql import connection

# `ord` orders assessments by who speaks for them (a form before a total) and then by record; lower absorbs higher.
_SAME_FORM = """
CREATE TEMP TABLE same_form AS
SELECT grp, first_value(grp) OVER (PARTITION BY patient_id, instrument, instant, items ORDER BY ord) AS target
FROM stated WHERE form AND instant IS NOT NULL AND scale IS NULL
"""
_SAME_INSTANT = """
CREATE TEMP TABLE at_once AS
WITH left_over AS (
    SELECT stated.* FROM stated LEFT JOIN same_form USING (grp)
    WHERE (target IS NULL OR target = grp) AND instant IS NOT NULL AND scale IS NULL
), counted AS (
    SELECT patient_id, instrument, instant, count(*) FILTER (WHERE form) AS forms,
           count(*) FILTER (WHERE answered) AS sheets, count(*) AS n,
           arg_min(grp, ord) FILTER (WHERE form) AS form_grp, arg_min(grp, ord) FILTER (WHERE answered) AS sheet_grp,
           arg_min(grp, ord) FILTER (WHERE total IS NOT NULL) AS total_grp
    FROM left_over GROUP BY ALL HAVING count(*) > 1
), equal AS (
    SELECT patient_id, instrument, instant, sum AS total, arg_min(grp, ord) AS grp
    FROM left_over WHERE answered AND sum IS NOT NULL GROUP BY ALL
), first_total AS (
    SELECT patient_id, instrument, instant, total, arg_min(grp, ord) AS grp
    FROM left_over WHERE NOT answered AND total IS NOT NULL GROUP BY ALL
)
SELECT x.grp, CASE
    WHEN x.form THEN x.grp
    WHEN x.answered THEN CASE WHEN c.forms = 1 THEN c.form_grp ELSE x.grp END
    WHEN c.forms = 1 THEN c.form_grp
    WHEN c.sheets = 1 THEN c.sheet_grp
    WHEN c.sheets > 1 THEN coalesce(equal.grp, x.grp)
    WHEN x.total IS NULL THEN coalesce(c.total_grp, x.grp)
    ELSE first_total.grp END AS target
FROM left_over AS x
JOIN counted AS c USING (patient_id, instrument, instant)
LEFT JOIN equal ON equal.patient_id = x.patient_id AND equal.instrument = x.instrument AND equal.instant = x.instant
     AND equal.total = x.total
LEFT JOIN first_total ON first_total.patient_id = x.patient_id AND first_total.instrument = x.instrument
     AND first_total.instant = x.instant AND first_total.total = x.total
"""
# A total on the day of a form that adds up to it is that form's, once: two totals need two forms.
_SAME_DAY = """
WITH moved AS (
    SELECT grp, target FROM same_form WHERE target <> grp
    UNION ALL SELECT grp, target FROM at_once WHERE target <> grp
), taken AS (
    SELECT DISTINCT target AS grp FROM moved JOIN stated USING (grp) WHERE scored
), free AS (
    SELECT stated.* FROM stated ANTI JOIN moved USING (grp) WHERE scale IS NULL
), totals AS (
    SELECT grp, patient_id, instrument, date, total,
           row_number() OVER (PARTITION BY patient_id, instrument, date, total ORDER BY ord) AS turn
    FROM free WHERE NOT answered AND total IS NOT NULL
), sheets AS (
    SELECT grp, patient_id, instrument, date, sum AS total,
           row_number() OVER (PARTITION BY patient_id, instrument, date, sum ORDER BY ord) AS turn
    FROM free ANTI JOIN taken USING (grp)
    WHERE answered AND sum IS NOT NULL AND NOT scored AND (total IS NULL OR total = sum)
)
SELECT grp, target FROM moved
UNION ALL
SELECT totals.grp, sheets.grp FROM totals JOIN sheets USING (patient_id, instrument, date, total, turn)
"""


def same_assessments(stated: pa.Table) -> pa.Table:
    """Which assessments are part of another one.

    - Forms at one instant with the same answers are one.
    - At one instant, a total, a panel or single answers belong to the only form; totals that are equal are one.
    - On one day, a total belongs to a form that adds up to it and that has none yet.
    Everything else stays apart: two assessments on one day are two.

    Args:
        stated: Columns grp, ord, patient_id, instrument, scale, date, instant, items, total, sum (of complete answers),
            form (it has answers of its own), answered (it has answers), scored (a total of its own record is in it).

    Returns:
        Columns grp and target, only for those that move.
    """
    with connection() as db:
        db.register("stated", stated)
        db.execute(_SAME_FORM)
        db.execute(_SAME_INSTANT)
        return db.sql(_SAME_DAY).to_arrow_table()
