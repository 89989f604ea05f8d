"""Compose the rooms: the only place that sees the whole house."""

from benchwell.intake import write_template
from benchwell.pipeline.describing import describe_declaration, list_declarations, score_answers
from benchwell.pipeline.intake_report import IntakeReport
from benchwell.pipeline.reporting import Written, report
from benchwell.pipeline.summarizing import edition_summary
from benchwell.pipeline.verifying import verify
from benchwell.pipeline.workspace import Workspace

__all__ = [
    "IntakeReport",
    "Workspace",
    "Written",
    "describe_declaration",
    "edition_summary",
    "list_declarations",
    "report",
    "score_answers",
    "verify",
    "write_template",
]
