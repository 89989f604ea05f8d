"""Case mix: for now, inverse-probability weights for missing follow-up."""

from benchwell.casemix.follow_up import (
    FollowUpModel,
    FollowUpWeights,
    PositivityWarning,
    follow_up_weights,
    with_weights,
)
from benchwell.casemix.history import follow_up_history

__all__ = [
    "FollowUpModel",
    "FollowUpWeights",
    "PositivityWarning",
    "follow_up_history",
    "follow_up_weights",
    "with_weights",
]
