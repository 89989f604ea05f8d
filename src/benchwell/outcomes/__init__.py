"""Episodes, index, windows and endpoints: one row per episode x measure."""

from benchwell.outcomes.build import build_outcomes
from benchwell.outcomes.inputs import OutcomeInputs, OutcomeTables

__all__ = ["OutcomeInputs", "OutcomeTables", "build_outcomes"]
