"""The shape of outcomes: which columns a row has, and what is left out of it."""

from __future__ import annotations

from functools import reduce

import narwhals as nw

from benchwell.engine import Frame
from benchwell.outcomes.inputs import OutcomeInputs, day, number, text
from benchwell.outcomes.status import is_eligible
from benchwell.registry import Measure
from benchwell.tables import DERIVED
from benchwell.terms import OutcomeStatus


def first_reason(*checks: tuple[str, nw.Expr]) -> nw.Expr:
    """`reason` as it stands, or the code of the first check that holds."""
    found = reduce(
        lambda rest, check: nw.when(check[1].fill_null(False)).then(text(check[0])).otherwise(rest),
        reversed(checks),
        text(None),
    )
    return nw.coalesce(nw.col("reason"), found)


def in_shape(frame: Frame, measure: Measure) -> Frame:
    """The columns of `tables.DERIVED["outcomes"]`: results only where followed, nothing at all for opt-outs."""
    present = set(frame.collect_schema().names())
    followed = nw.col("status") == OutcomeStatus.FOLLOWED.value
    seen = nw.col("status") != OutcomeStatus.OPTED_OUT.value

    def result(name: str, empty: nw.Expr) -> nw.Expr:
        return nw.when(followed).then(nw.col(name)).otherwise(empty) if name in present else empty

    def shown(name: str, empty: nw.Expr) -> nw.Expr:
        return nw.when(seen).then(nw.col(name)).otherwise(empty) if name in present else empty

    return frame.select(
        "episode_id",
        "patient_id",
        "organization_id",
        "practitioner_id",
        "status",
        "reason",
        eligible=is_eligible(),
        measure=text(measure.id),
        index_day=shown("index_day", day(None)),
        baseline_day=shown("baseline_day", day(None)),
        baseline=shown("baseline", number(None)),
        followup_day=shown("followup_day", day(None)),
        followup=shown("followup", number(None)),
        met=result("met_raw", nw.lit(None, dtype=nw.Boolean())),
        value=result("value_raw", number(None)),
        exposure=result("exposure_raw", number(None)),
        change_class=result("class_raw", text(None)),
        weight=number(None),
    ).select(DERIVED["outcomes"].columns)


def nothing(inputs: OutcomeInputs) -> Frame:
    """No measures, no rows, but the right columns."""
    kinds = {"double": nw.Float64(), "int64": nw.Int64(), "bool": nw.Boolean(), "string": nw.String()}
    columns = {field.name: nw.lit(None, dtype=kinds[str(field.type)]) for field in DERIVED["outcomes"].schema}
    return (
        inputs.episodes.filter(nw.col("episode_id").is_null())
        .select("episode_id")
        .with_columns(**columns)
        .select(*columns)
    )
