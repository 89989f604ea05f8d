"""Case mix: who comes to whom, coded as declared, and weights for missing follow-up."""

from benchwell.casemix.adjuster_coding import AdjusterDesign, code_adjusters, coding_of
from benchwell.casemix.adjusters import adjuster_rows
from benchwell.casemix.follow_up import (
    FollowUpModel,
    FollowUpWeights,
    PositivityWarning,
    follow_up_weights,
    with_weights,
)
from benchwell.casemix.history import follow_up_history

__all__ = [
    "AdjusterDesign",
    "FollowUpModel",
    "FollowUpWeights",
    "PositivityWarning",
    "adjuster_rows",
    "code_adjusters",
    "coding_of",
    "follow_up_history",
    "follow_up_weights",
    "with_weights",
]
