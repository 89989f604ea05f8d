"""Answers to scores with a status; a table of forms by expressions, one form in plain Python, held to the same."""

from benchwell.scoring.assessments import score_assessments
from benchwell.scoring.form import ScaleScore, safety_findings, score_form
from benchwell.scoring.frames import score_frame
from benchwell.scoring.person import Score, score
from benchwell.scoring.reasons import Reason
from benchwell.scoring.restated import Folded, without_restated

__all__ = [
    "Folded",
    "Reason",
    "ScaleScore",
    "Score",
    "safety_findings",
    "score",
    "score_assessments",
    "score_form",
    "score_frame",
    "without_restated",
]
