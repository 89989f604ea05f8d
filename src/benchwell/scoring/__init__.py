"""Answers to scores with a status; one person and a batch share one function."""

from benchwell.scoring.assessments import score_assessments
from benchwell.scoring.frames import score_frame
from benchwell.scoring.person import Score, score
from benchwell.scoring.reasons import Reason
from benchwell.scoring.restated import Folded, without_restated

__all__ = ["Folded", "Reason", "Score", "score", "score_assessments", "score_frame", "without_restated"]
