"""The latest decision wins, and a refusal holds everywhere for its purpose."""

from __future__ import annotations

import pyarrow as pa
import pytest

from benchwell.consent import effective
from benchwell.engine import DuckDBEngine

SCHEMA = pa.schema(
    [("patient_id", pa.string()), ("purpose", pa.string()), ("decision", pa.string()), ("day", pa.int64())]
)


def _effective(decisions, rule, as_of=100, patients=("p", "q")):
    engine = DuckDBEngine(threads=1)
    rows = [dict(zip(("patient_id", "purpose", "decision", "day"), row, strict=True)) for row in decisions]
    frame = engine.from_arrow(pa.Table.from_pylist(rows, schema=SCHEMA))
    people = None if patients is None else engine.from_arrow(pa.table({"patient_id": list(patients)}))
    table = engine.to_arrow(effective(frame, "learning", as_of, rule, patients=people))
    return {row["patient_id"]: (row["usable"], row["since_day"]) for row in table.to_pylist()}


@pytest.mark.parametrize(
    ("decisions", "opt_in", "opt_out"),
    [
        ([], (False, None), (True, None)),
        ([("p", "learning", "granted", 10)], (True, 10), (True, None)),
        ([("p", "learning", "declined", 10)], (False, None), (False, None)),
        ([("p", "learning", "granted", 10), ("p", "learning", "withdrawn", 20)], (False, None), (False, None)),
        ([("p", "learning", "withdrawn", 10), ("p", "learning", "granted", 20)], (True, 20), (True, None)),
        ([("p", "learning", "granted", 10), ("p", "learning", "granted", 30)], (True, 10), (True, None)),
        ([("p", "learning", "granted", 10), ("p", "learning", "withdrawn", 10)], (False, None), (False, None)),
        ([("p", "research", "granted", 10)], (False, None), (True, None)),
        ([("p", "research", "declined", 10)], (False, None), (True, None)),
        ([("p", "learning", "withdrawn", 101)], (False, None), (True, None)),
        ([("p", "learning", "granted", 100), ("p", "learning", "withdrawn", 101)], (True, 100), (True, None)),
    ],
)
def test_decisions(decisions, opt_in, opt_out):
    assert _effective(decisions, "opt_in") == {"p": opt_in, "q": (False, None)}
    assert _effective(decisions, "opt_out") == {"p": opt_out, "q": (True, None)}


def test_without_patients_only_those_who_decided_have_a_row():
    assert _effective([("p", "learning", "declined", 1)], "opt_out", patients=None) == {"p": (False, None)}


def test_opt_in_needs_the_patients_and_the_rule_must_be_known():
    with pytest.raises(ValueError, match="opt_in needs"):
        _effective([], "opt_in", patients=None)
    with pytest.raises(ValueError, match="not known"):
        _effective([], "maybe")
