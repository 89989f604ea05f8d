"""What happens when a record arrives whose key is already there."""

from __future__ import annotations

from enum import StrEnum

from benchwell.tables import CANONICAL


class Supersede(StrEnum):
    """How a later record supersedes an earlier one with the same key."""

    REPLACE = "replace"
    """The later record stands alone: a null in it means "not answered", and wipes the earlier value."""

    PATCH = "patch"
    """The later record adds to the earlier: a null in it means "this source does not say", and wipes nothing."""


# People, places and courses of care are mostly stated in passing: a score file names the clinic, the clinician and the
# episode of each row and knows nothing else about them. Such a file must not wipe the birth year that the master file
# gave last month. Everything else is a document (an assessment, a contact, a decision): a correction replaces it whole,
# because mixing the answers of two versions would make a questionnaire that nobody filled in.
# The price of PATCH: a wrong value is corrected by stating the right one, not by leaving it blank.
_PATCHED = {"organizations", "practitioners", "patients", "episodes"}

RULES: dict[str, Supersede] = {
    name: Supersede.PATCH if name in _PATCHED else Supersede.REPLACE for name in (*CANONICAL, "rejections")
}
