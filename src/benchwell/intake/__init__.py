"""Intake: one source (file or frame) to canonical tables, with a rejection report and counts that add up."""

from benchwell.intake.guess import guess_mapping
from benchwell.intake.mapping import Mapping
from benchwell.intake.mapping_file import load_mapping, parse_mapping, save_mapping
from benchwell.intake.read import read_source
from benchwell.intake.reasons import REASONS, Reason
from benchwell.intake.result import Counts, IntakeResult
from benchwell.intake.template import TEMPLATE_COLUMNS, write_template

__all__ = [
    "REASONS",
    "TEMPLATE_COLUMNS",
    "Counts",
    "IntakeResult",
    "Mapping",
    "Reason",
    "guess_mapping",
    "load_mapping",
    "parse_mapping",
    "read_source",
    "save_mapping",
    "write_template",
]
