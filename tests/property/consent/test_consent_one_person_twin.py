"""One person's consent says what everybody's says: the rule is written twice, and the two agree."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import narwhals as nw
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from benchwell.consent import effective
from benchwell.consent.one_person import allowed
from benchwell.terms import Purpose

START = dt.date(2026, 1, 1)


@dataclass(frozen=True)
class Decision:
    purpose: str
    decision: str
    date: dt.date


decisions = st.lists(
    st.builds(
        Decision,
        st.sampled_from(["learning", "research"]),
        st.sampled_from(["granted", "declined", "withdrawn"]),
        st.integers(0, 6).map(lambda days: START + dt.timedelta(days)),
    ),
    max_size=8,
)


@settings(max_examples=150, deadline=None)
@given(decisions, st.integers(0, 7), st.sampled_from(["opt_in", "opt_out"]))
def test_one_persons_rule_is_everybodys_rule(history, as_of, rule):
    day = START + dt.timedelta(as_of)
    found = allowed(history, Purpose.LEARNING, day, rule)
    table = pa.table(
        {
            "patient_id": pa.array(["p"] * len(history), pa.string()),
            "purpose": pa.array([one.purpose for one in history], pa.string()),
            "decision": pa.array([one.decision for one in history], pa.string()),
            "day": pa.array([(one.date - dt.date(1970, 1, 1)).days for one in history], pa.int64()),
        }
    )
    everybody = nw.from_native(pa.table({"patient_id": ["p"]}), eager_only=True)
    row = (
        effective(
            nw.from_native(table, eager_only=True),  # type: ignore[arg-type]
            Purpose.LEARNING,
            (day - dt.date(1970, 1, 1)).days,
            rule,
            patients=everybody,  # type: ignore[arg-type]
        )
        .to_native()
        .to_pylist()[0]
    )
    since = None if row["since_day"] is None else dt.date(1970, 1, 1) + dt.timedelta(row["since_day"])
    assert (found.usable, found.since) == (row["usable"], since)
