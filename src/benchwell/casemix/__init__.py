"""Case mix: who comes to whom, coded as declared, and weights for missing follow-up."""

from benchwell.casemix.adjuster_coding import AdjusterDesign, code_adjusters, coding_of
from benchwell.casemix.adjusters import adjuster_rows
from benchwell.casemix.due_rows import due_rows
from benchwell.casemix.expectations import CaseMixModel, Expectations, as_plain, expectations
from benchwell.casemix.follow_up import (
    FollowUpModel,
    FollowUpWeights,
    PositivityWarning,
    follow_up_weights,
    with_weights,
)
from benchwell.casemix.history import follow_up_history
from benchwell.casemix.imputation import Imputations, impute_follow_up
from benchwell.casemix.imputation_record import ImputationModel, ImputationSettings, imputation_settings
from benchwell.casemix.model_rows import model_rows
from benchwell.casemix.monitoring import Monitoring, monitor

__all__ = [
    "AdjusterDesign",
    "CaseMixModel",
    "Expectations",
    "FollowUpModel",
    "FollowUpWeights",
    "ImputationModel",
    "ImputationSettings",
    "Imputations",
    "Monitoring",
    "PositivityWarning",
    "adjuster_rows",
    "as_plain",
    "code_adjusters",
    "coding_of",
    "due_rows",
    "expectations",
    "follow_up_history",
    "follow_up_weights",
    "imputation_settings",
    "impute_follow_up",
    "model_rows",
    "monitor",
    "with_weights",
]
