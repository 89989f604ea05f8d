"""Scores and outcomes as an OMOP CDM 5.4, for observational research."""

from benchwell.publish.omop.export import FileFormat, OmopTables, holds_export, omop_tables, write_omop
from benchwell.publish.omop.fields import cdm_tables

__all__ = ["FileFormat", "OmopTables", "cdm_tables", "holds_export", "omop_tables", "write_omop"]
