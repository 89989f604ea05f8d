"""Episodes, index, windows and endpoints: one row per episode x measure."""

from benchwell.outcomes.build import build_outcomes
from benchwell.outcomes.derived_episodes import Courses, derive_episodes, without_absent_courses
from benchwell.outcomes.features import episode_features
from benchwell.outcomes.inputs import OutcomeInputs, OutcomeTables
from benchwell.outcomes.saes import SaesReference, saes_reference, with_saes

__all__ = [
    "Courses",
    "OutcomeInputs",
    "OutcomeTables",
    "SaesReference",
    "build_outcomes",
    "derive_episodes",
    "episode_features",
    "saes_reference",
    "with_saes",
    "without_absent_courses",
]
