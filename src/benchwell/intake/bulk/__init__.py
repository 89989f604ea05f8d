"""Bulk Data exports over HTTP: ask a FHIR server, wait, fetch, and leave a folder that the FHIR intake reads."""

from benchwell.intake.bulk.credentials import BackendCredentials
from benchwell.intake.bulk.export import export_bulk
from benchwell.intake.bulk.listener import BulkListener, Silence
from benchwell.intake.bulk.request import LAST, BulkRequest
from benchwell.intake.bulk.result import BulkExport, BulkFile
from benchwell.intake.bulk.settings import BulkSettings, Clock, SystemClock

__all__ = [
    "LAST",
    "BackendCredentials",
    "BulkExport",
    "BulkFile",
    "BulkListener",
    "BulkRequest",
    "BulkSettings",
    "Clock",
    "Silence",
    "SystemClock",
    "export_bulk",
]
