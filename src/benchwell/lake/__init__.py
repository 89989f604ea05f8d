"""The lake: Delta tables, merged by record key and read by snapshot."""

from benchwell.lake.lake import TABLE_NAMES, Commit, Lake
from benchwell.lake.rules import RULES, Supersede
from benchwell.lake.snapshot import Snapshot, TableState
from benchwell.lake.standing import standing

__all__ = ["RULES", "TABLE_NAMES", "Commit", "Lake", "Snapshot", "Supersede", "TableState", "standing"]
