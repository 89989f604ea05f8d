"""Read an OMOP CDM (observational research's common data model) into canonical tables."""

from benchwell.intake.omop.read import OmopResult, read_omop
from benchwell.intake.omop.source import is_omop

__all__ = ["OmopResult", "is_omop", "read_omop"]
