"""Raw rows of one part of a source to assessments: one row for one filled-in form, however often it is stated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from benchwell.intake.fhir.fold_groups import group_rows
from benchwell.intake.fhir.fold_latest import latest, taken_back
from benchwell.intake.fhir.fold_links import follow_links
from benchwell.intake.fhir.fold_merge import same_assessments
from benchwell.intake.fhir.fold_sums import Checked, check_items
from benchwell.intake.fhir.instrument_codes import codes_of
from benchwell.intake.fhir.raw_assessments import RAW
from benchwell.intake.fhir.record_rows import DELETED_LAST
from benchwell.intake.fhir.rows import Finding
from benchwell.intake.reasons import REASONS
from benchwell.intake.sql import connection
from benchwell.registry import Registry
from benchwell.tables import CANONICAL

Positions = npt.NDArray[np.int64]
SOURCE: Final = "fhir"


class Folded(NamedTuple):
    """Assessments (shape of `tables.CANONICAL["assessments"]`, without `source_hash`) and findings by `source_row`."""

    assessments: pa.Table
    findings: list[Finding]


def fold(raw: Mapping[str, pa.Table], registry: Registry, encounters: pa.Table | None = None) -> Folded:
    """Put the raw rows of one part together: one assessment is one row.

    Response, panel, answers and total of one assessment are found by what they say of each other (`derivedFrom`,
    `hasMember`), then by person, instrument and instant, then by day and equal total. Answers win over a total that
    differs; both are kept. A total whose form is not in this part names it in `derived_from`.

    Args:
        raw: Tables by name: `raw_assessments` (`raw_assessments.SCHEMA`); others are left alone.
        encounters: Canonical encounters of the same part, if there are any: an assessment gets the episode of its
            encounter.
        registry: Instruments.

    Returns:
        Assessments in the order of their ids, and what was found.
    """
    rows = raw.get(RAW)
    if rows is None or not rows.num_rows:
        return Folded(CANONICAL["assessments"].empty(), [])
    whole = rows.append_column("position", pa.array(np.arange(rows.num_rows)))
    whole = whole.set_column(whole.schema.get_field_index("instant"), "instant", pc.floor(whole["instant"]))
    found = _Findings(whole)
    live, old = latest(whole)
    for reason, positions in old:
        found.add(positions, "id", reason, "rejected" if reason == "conflicting_duplicate" else None)
    gone = taken_back(live)
    retracted = _retracted(live.filter(gone), whole)
    live = live.filter(pc.invert(gone)).combine_chunks()
    if not live.num_rows:
        return Folded(_conform(retracted), found.listed())
    stated, checked = _stated(live, registry, found)
    made = _finish(stated, checked, encounters, found)
    made = made.append_column("source_row", whole["source_row"].take(made["position"]))
    made = _with_version(made, made["position"], whole)
    return Folded(_conform(pa.concat_tables([made, retracted], promote_options="default")), found.listed())


def _stated(live: pa.Table, registry: Registry, found: _Findings) -> tuple[pa.Table, Checked]:
    """Assessments as they are stated, moved together; and their answers, checked."""
    codes = codes_of(registry)
    groups, answered = group_rows(live, follow_links(live), codes)
    twice = answered.filter(answered["several"])
    found.add(twice["position"].to_numpy(), "value", "same_time_twice")
    checked = check_items(groups, answered, registry)
    groups = groups.append_column("ord", pa.array(np.arange(groups.num_rows)))
    groups = groups.set_column(groups.schema.get_field_index("items"), "items", checked.items)
    groups = groups.append_column("sum", checked.sums)
    groups = groups.append_column("form", pa.array(groups["rank"].to_numpy() < 2))
    groups = groups.append_column("answered", groups["items"].is_valid())
    moves = same_assessments(groups)
    return _absorb(groups, moves), checked


_ABSORB = """
SELECT a.* EXCLUDE (total, unit, several_totals, encounter_id, language, informant, mode, absent),
       CASE WHEN a.total IS NULL THEN b.total ELSE a.total END AS total,
       CASE WHEN a.total IS NULL THEN b.unit ELSE a.unit END AS unit,
       a.several_totals OR coalesce(b.several_totals, false)
           OR coalesce(a.total <> b.total, false) AS several_totals,
       coalesce(len(list_filter(list_zip(a.items, b.items), lambda one: one[1] <> one[2])) > 0, false) AS other_items,
       coalesce(a.encounter_id, b.encounter_id) AS encounter_id, coalesce(a.language, b.language) AS language,
       coalesce(a.informant, b.informant) AS informant, coalesce(a.mode, b.mode) AS mode,
       CASE WHEN a.rank > 0 THEN coalesce(a.absent, b.absent) END AS absent
FROM groups AS a LEFT JOIN (
    SELECT target, arg_min(total, ord) FILTER (WHERE total IS NOT NULL) AS total,
           nullif(arg_min(coalesce(unit, ''), ord) FILTER (WHERE total IS NOT NULL), '') AS unit,
           count(DISTINCT total) > 1 OR bool_or(several_totals) AS several_totals,
           arg_min(items, ord) FILTER (WHERE items IS NOT NULL) AS items,
           arg_min(encounter_id, ord) FILTER (WHERE encounter_id IS NOT NULL) AS encounter_id,
           arg_min(language, ord) FILTER (WHERE language IS NOT NULL) AS language,
           arg_min(informant, ord) FILTER (WHERE informant IS NOT NULL) AS informant,
           arg_min(mode, ord) FILTER (WHERE mode IS NOT NULL) AS mode, min(absent) AS absent
    FROM moves JOIN groups USING (grp) GROUP BY target
) AS b ON b.target = a.grp
WHERE a.grp NOT IN (SELECT grp FROM moves)
ORDER BY a.ord
"""


def _absorb(groups: pa.Table, moves: pa.Table) -> pa.Table:
    if not moves.num_rows:
        return groups.append_column("other_items", pa.array(np.zeros(groups.num_rows, dtype=bool)))
    with connection() as db:
        db.register("groups", groups)
        db.register("moves", moves)
        return db.sql(_ABSORB).to_arrow_table()


def _finish(stated: pa.Table, checked: Checked, encounters: pa.Table | None, found: _Findings) -> pa.Table:
    """Final columns; a form with too few answers to be scored keeps only its total, if it has one."""
    order = stated["ord"].to_numpy()
    position = stated["position"].to_numpy()
    total = stated["total"].combine_chunks()
    has_total = total.is_valid().to_numpy(zero_copy_only=False)
    has_items = stated["answered"].to_numpy()
    too_few = checked.too_few[order] & has_total
    found.add(position[too_few], "item", "too_few_answers")
    plain = stated["unit"].is_null().to_numpy() & stated["scale"].is_null().to_numpy()
    sums = stated["sum"].to_numpy()
    with np.errstate(invalid="ignore"):
        differs = has_total & plain & (np.abs(sums - total.to_numpy(zero_copy_only=False)) > 1e-6)
    found.add(position[differs], "total", "total_differs")
    found.add(position[stated["several_totals"].to_numpy()], "total", "conflicting_value")
    found.add(position[checked.conflict[order] | stated["other_items"].to_numpy()], "item", "conflicting_value")
    empty = ~has_items & ~has_total
    found.add(position[empty], "value", "no_score", "rejected")
    items = pc.if_else(pa.array(too_few), pa.scalar(None, stated.schema.field("items").type), stated["items"])
    table = stated.set_column(stated.schema.get_field_index("items"), "items", items)
    for name, values in (
        ("assessment_id", _ids(stated)),
        ("source", pa.repeat(SOURCE, stated.num_rows)),
        ("episode_id", _episodes(stated, encounters)),
        ("derived_from", stated["absent"]),
        ("retracted", pa.repeat(False, stated.num_rows)),
    ):
        table = table.append_column(name, values)
    return table.filter(pa.array(~empty))


def _ids(stated: pa.Table) -> pa.ChunkedArray:
    """`QuestionnaireResponse/x`; a second instrument or scale of one resource adds its name: `…/x#gad-7`."""
    name = pc.if_else(
        stated["scale"].is_null(),
        stated["instrument"],
        pc.binary_join_element_wise(stated["instrument"], stated["scale"], "."),
    )
    longer = pc.binary_join_element_wise(stated["record"], name, "#")
    return pc.if_else(pc.equal(stated["part"], 0), stated["record"], longer)


def _episodes(stated: pa.Table, encounters: pa.Table | None) -> pa.Array | pa.ChunkedArray:
    if encounters is None or not encounters.num_rows:
        return pa.nulls(stated.num_rows, pa.string())
    place = pc.index_in(stated["encounter_id"], value_set=encounters["encounter_id"].combine_chunks(), skip_nulls=True)
    return encounters["episode_id"].take(place)


def _with_version(table: pa.Table, positions: pa.ChunkedArray, whole: pa.Table) -> pa.Table:
    """The version of the record that names each row; and the newest of its person's, of which any may be in it."""
    stored = whole["stored"].combine_chunks()
    stored = pc.if_else(pc.equal(stored, DELETED_LAST), None, stored)  # a deletion that does not say when it was
    stated = pa.table({"person": whole["patient_id"], "stored": stored})
    newest = stated.group_by("person").aggregate([("stored", "max")])
    person = pc.index_in(whole["patient_id"].take(positions), value_set=newest["person"].combine_chunks())
    own = stored.take(positions.combine_chunks())
    around = newest["stored_max"].combine_chunks().take(person)
    return (
        table.append_column("stated_at", own)
        .append_column("stated_version", whole["edit"].take(positions))
        .append_column("stated_with", pc.max_element_wise(own, around))
    )


def _retracted(rows: pa.Table, whole: pa.Table) -> pa.Table:
    """Key and provenance of records that were taken back; single answers are no assessments of their own."""
    rows = rows.filter(pc.not_equal(rows["kind"], "answer"))
    columns = {
        "assessment_id": _ids(rows),
        "retracted": pa.repeat(True, rows.num_rows),
        "source_row": rows["source_row"],
    }
    return _with_version(pa.table(columns), rows["position"], whole)


def _conform(table: pa.Table) -> pa.Table:
    wanted = CANONICAL["assessments"]
    known = table.select([name for name in table.column_names if name in set(wanted.columns)])
    return wanted.conform(known.sort_by("assessment_id"))


class _Findings:
    """Findings by position in the raw rows."""

    def __init__(self, rows: pa.Table) -> None:
        self._rows = rows
        self._found: list[tuple[Positions, str, str, str]] = []

    def add(self, positions: Positions, column: str, reason: str, action: str | None = None) -> None:
        if len(positions):
            self._found.append((np.sort(positions), column, reason, action or REASONS[reason].action))

    def listed(self) -> list[Finding]:
        places = self._rows["source_row"]
        return [
            Finding(row, column, reason, action)
            for positions, column, reason, action in self._found
            for row in places.take(pa.array(positions)).to_pylist()
        ]
