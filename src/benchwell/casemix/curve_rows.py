"""Rows for an expected course: every score of a course on the curve's clock, with clinic and groups."""

from __future__ import annotations

from dataclasses import dataclass

import narwhals as nw
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from benchwell.casemix.arrow_arrays import floats
from benchwell.engine import Engine, Frame
from benchwell.models.arrays import BoolArray, FloatArray, IntArray
from benchwell.models.response_curve import Scores
from benchwell.outcomes import OutcomeInputs
from benchwell.outcomes.inputs import joined
from benchwell.outcomes.population import sessions
from benchwell.registry import CurveDeclaration
from benchwell.tables import INTEGER, TEXT

_COURSE = "episode_id"
UNKNOWN = "unknown"


@dataclass(frozen=True, eq=False)
class CurveRows:
    """Scores of people on one clock, one course per person, sorted by person and occasion; n scores of m people.

    Attributes:
        scores: Persons, times and values, as the model reads them.
        occasion: On the declared clock, shape (n,).
        clinic: Clinic of each person, 0 to k - 1, shape (m,).
        groups: Level of each person by declared group, shape (m,) each.
    """

    scores: Scores
    occasion: FloatArray
    clinic: IntArray
    groups: dict[str, npt.NDArray[np.str_]]

    @property
    def baseline(self) -> FloatArray:
        """First score of each person, points, shape (m,)."""
        return self.scores.value[self.scores.first]

    @property
    def people(self) -> int:
        """People."""
        return self.scores.people

    def of(self, people: BoolArray) -> CurveRows:
        """The rows of some people."""
        rows = people[self.scores.person]
        groups = {name: levels[people] for name, levels in self.groups.items()}
        return CurveRows(self.scores.of(people), self.occasion[rows], self.clinic[people], groups)


def curve_rows(
    engine: Engine,
    inputs: OutcomeInputs,
    scores: Frame,
    declaration: CurveDeclaration,
    scale: str,
    *,
    last_day: int,
) -> CurveRows:
    """Scores within the horizon, of the first course of each person that has enough of them.

    Args:
        engine: Where the frames live.
        inputs: The frames that outcomes were built from.
        scores: `OutcomeTables.scores`: one usable score per episode, instrument, scale and day; consent is behind it.
        declaration: Clock, horizon and gates.
        scale: Id of the scale.
        last_day: Day of the snapshot.
    """
    mine = scores.filter(nw.col("instrument") == declaration.instrument, nw.col("scale") == scale)
    rows = engine.keep(mine.select(_COURSE, "day", "value"))
    placed = joined(rows, rows.group_by(_COURSE).agg(first_day=nw.col("day").min()), _COURSE)
    if declaration.clock == "sessions":
        placed = _with_sessions(engine, placed, inputs, last_day)
    else:
        placed = placed.with_columns(occasion=(nw.col("day") - nw.col("first_day")).cast(nw.Float64()) / 7)
    groups = [nw.col(name).cast(nw.String()) for name in declaration.groups]
    people = inputs.patients.select("patient_id", *groups)
    courses = joined(inputs.episodes.select(_COURSE, "patient_id", "organization_id"), people, "patient_id")
    known = placed.filter(nw.col("occasion") <= declaration.horizon).join(courses, on=_COURSE, how="inner")
    return _arrays(engine.to_arrow(known.sort("patient_id", "first_day", _COURSE, "day")), declaration)


def _with_sessions(engine: Engine, placed: Frame, inputs: OutcomeInputs, last_day: int) -> Frame:
    """Number of the attended session at or before each score; before the first one counts as the first."""
    held = engine.keep(sessions(inputs.encounters, last_day).select(_COURSE, "session", session_day="day"))
    seen = placed.select(_COURSE, "day").join(held, on=_COURSE, how="inner")
    numbered = (
        seen.filter(nw.col("session_day") <= nw.col("day"))
        .group_by(_COURSE, "day")
        .agg(session=nw.col("session").max())
    )
    # A course without any session has no place on this clock.
    within = placed.join(held.select(_COURSE).unique(), on=_COURSE, how="semi")
    return joined(within, numbered, [_COURSE, "day"]).with_columns(
        occasion=nw.col("session").fill_null(1).cast(nw.Float64())
    )


def _arrays(table: pa.Table, declaration: CurveDeclaration) -> CurveRows:
    """One course a person: the first with enough scores, so that nobody counts twice."""
    course, starts = _codes(table[_COURSE])
    enough = np.bincount(course, minlength=len(starts)) >= declaration.gates.scores
    owner, _ = _codes(table["patient_id"])
    owner = owner[starts]
    chosen = enough & _first_of_each(owner, enough)
    keep = chosen[course]
    person = (np.cumsum(chosen) - 1)[course[keep]]
    places = starts[chosen]
    occasion = floats(table, "occasion")[keep]
    time = np.log1p(occasion) if declaration.clock == "weeks" else np.log(np.maximum(occasion, 1.0))
    return CurveRows(
        Scores(person, time, floats(table, "value")[keep]),
        occasion,
        _levels(table["organization_id"], places)[1],
        {name: _levels(table[name], places)[0] for name in declaration.groups},
    )


def _codes(column: pa.ChunkedArray) -> tuple[IntArray, IntArray]:
    """Number of the run of equal ids that each row is in, and where each run begins; equal ids stand together."""
    codes = np.array(column.cast(TEXT).dictionary_encode().combine_chunks().indices.cast(INTEGER).to_pylist(), np.int64)
    starts = np.flatnonzero(np.diff(codes, prepend=-1))
    run: IntArray = np.zeros(len(codes), dtype=np.int64)
    run[starts] = 1
    return np.cumsum(run) - 1, starts


def _first_of_each(owner: IntArray, enough: BoolArray) -> BoolArray:
    """The first course with enough scores of each person."""
    first = np.zeros(len(owner), dtype=np.bool_)
    places = np.flatnonzero(enough)
    first[places[np.unique(owner[places], return_index=True)[1]]] = True
    return first


def _levels(column: pa.ChunkedArray, places: IntArray) -> tuple[npt.NDArray[np.str_], IntArray]:
    """Level of each person and its number; unknown is a level of its own."""
    levels = np.array([UNKNOWN if one is None else one for one in column.take(pa.array(places)).to_pylist()], np.str_)
    return levels, np.unique(levels, return_inverse=True)[1].astype(np.int64)
