"""Pages in a real browser."""

from __future__ import annotations

from browser import chromium, desk, served_house

__all__ = ["chromium", "desk", "served_house"]
