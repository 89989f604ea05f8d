"""One assessment that arrived twice: the score that states another record again is dropped, and the answers win.

A source may send a filled-in form and, in another file or on another day, its total. Within one intake they become one
row; what arrives in several intakes meets here. Only a score whose twin is valid falls away, so no number is ever lost.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import narwhals as nw

from benchwell.terms import ScoreStatus

if TYPE_CHECKING:  # scoring one questionnaire starts without an engine
    from benchwell.engine import Engine, Frame

_FROM_ANSWERS = (ScoreStatus.COMPLETE.value, ScoreStatus.PRORATED.value)
_SAME = ("patient_id", "instrument", "scale", "informant", "day")
_TOLERANCE = 1e-9


@dataclass(frozen=True)
class Folded:
    """Scores without those that state another one again.

    Attributes:
        scores: As given, less what was folded; the same frame where nothing was.
        count: How many scores fell away.
    """

    scores: Frame
    count: int


def without_restated(scores: Frame, assessments: Frame, engine: Engine) -> Folded:
    """Drop every score that is another record's score told again, and nothing else.

    - A score of an assessment whose `derived_from` names another one of the same person and instrument (`id`, or
      `id#instrument` where a record holds several), where that one gives a valid score of the same scale, from
      answers unless this one is stated too.
    - A stated score of the same person, instrument, scale, informant and day as a valid score from answers, if one of
      the two has no time, or both have the same, or both have the same value.

    Args:
        scores: `tables.DERIVED["scores"]`, held.
        assessments: What they were scored from, held; with `assessment_id` and `derived_from`.
        engine: Holds and counts.
    """
    named = nw.col("derived_from")
    links = assessments.filter(~named.is_null(), named != nw.col("assessment_id")).select(
        "assessment_id", "instrument", parent=named
    )
    parts = []
    if _count(engine, links):
        parts.append(_named(scores, engine.keep(_candidates(links))))
    if _has_both(engine, scores):
        parts.append(_same_day(scores))
    if not parts:
        return Folded(scores, 0)
    again = engine.keep(nw.concat(parts).unique() if len(parts) > 1 else parts[0])
    count = _count(engine, again)
    if not count:
        return Folded(scores, 0)
    return Folded(engine.keep(scores.join(again, on=["assessment_id", "scale"], how="anti")), count)


def _count(engine: Engine, frame: Frame) -> int:
    return int(engine.to_arrow(frame.select(n=nw.len()))["n"][0].as_py())


def _has_both(engine: Engine, scores: Frame) -> bool:
    """Whether there are stated scores and scores from answers: most sources have one or the other."""
    status = nw.col("status")
    found = engine.to_arrow(
        scores.select(
            stated=(status == ScoreStatus.TOTAL_ONLY.value).any(), answered=status.is_in(list(_FROM_ANSWERS)).any()
        )
    )
    return bool(found["stated"][0].as_py() and found["answered"][0].as_py())


def _candidates(links: Frame) -> Frame:
    """Ids that the named record's row may have: its own, or with the instrument behind it where it holds several."""
    with_instrument = nw.concat_str(nw.col("parent"), nw.lit("#"), nw.col("instrument"))
    both = nw.concat([links.select("assessment_id", "parent"), links.select("assessment_id", parent=with_instrument)])
    return both.filter(nw.col("assessment_id") != nw.col("parent"))


def _named(scores: Frame, links: Frame) -> Frame:
    """Scores whose assessment says itself which one it restates."""
    # Two records that name one another would both fall away: the one with the lower id stays.
    back = links.select(parent=nw.col("assessment_id"), assessment_id=nw.col("parent")).with_columns(mutual=nw.lit(1))
    found = links.join(back, on=["assessment_id", "parent"], how="left").filter(
        nw.col("mutual").is_null() | (nw.col("assessment_id") > nw.col("parent"))
    )
    valid = scores.filter(nw.col("status") != ScoreStatus.INVALID.value).select(
        "patient_id", "instrument", "scale", parent=nw.col("assessment_id"), parent_status=nw.col("status")
    )
    children = scores.select("assessment_id", "patient_id", "instrument", "scale", "status").join(
        found.select("assessment_id", "parent"), on="assessment_id", how="inner"
    )
    twins = children.join(valid, on=["parent", "patient_id", "instrument", "scale"], how="inner")
    # Answers never give way to a stated score, or the two rules together could drop both.
    weaker = nw.col("status").is_in(list(_FROM_ANSWERS)) & ~nw.col("parent_status").is_in(list(_FROM_ANSWERS))
    return twins.filter(~weaker).select("assessment_id", "scale").unique()


def _same_day(scores: Frame) -> Frame:
    """Stated scores of a day on which the same person's answers give the same score."""
    # Null equals nothing in a join; an informant who is not named is the same as another who is not.
    comparable = scores.with_columns(informant=nw.col("informant").fill_null(""))
    stated = comparable.filter(nw.col("status") == ScoreStatus.TOTAL_ONLY.value)
    answered = comparable.filter(nw.col("status").is_in(list(_FROM_ANSWERS))).select(
        *_SAME, answered_second=nw.col("second"), answered_value=nw.col("value")
    )
    pairs = stated.join(answered, on=list(_SAME), how="inner")
    same_time = (
        nw.col("second").is_null()
        | nw.col("answered_second").is_null()
        | (nw.col("second") == nw.col("answered_second"))
    )
    same_value = (nw.col("value") - nw.col("answered_value")).abs() <= _TOLERANCE
    return pairs.filter(same_time | same_value).select("assessment_id", "scale").unique()
