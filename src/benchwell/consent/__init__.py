"""Who may be used for what, at a date."""

from benchwell.consent.effective import effective

__all__ = ["effective"]
